"""Tests of the checksum of files and arrays: it equals that of xxhash over all bytes at once."""

import numpy as np
import pytest
import xxhash

from umap_sk.runtime.checksum import CHUNK_BYTES, hash_arrays, hash_file


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, 2 * CHUNK_BYTES + 5])
def test_files_and_arrays(size, tmp_path):
    """Files of any size, and arrays in one or two parts, have the checksum of their bytes."""
    content = np.random.default_rng(0).bytes(size)
    (tmp_path / "file").write_bytes(content)
    expected = xxhash.xxh3_128_hexdigest(content)
    assert hash_file(tmp_path / "file") == expected
    array = np.frombuffer(content, np.uint8)
    assert hash_arrays([array]) == hash_arrays([array[: size // 3], array[size // 3 :]]) == expected


def test_arrays_of_any_dtype_and_shape(tmp_path):
    """A memory map and an array in Fortran order have the checksum of the array in C order."""
    array = np.random.default_rng(1).random((1000, 3), np.float32)
    np.save(tmp_path / "array.npy", array)
    expected = xxhash.xxh3_128_hexdigest(array.tobytes())
    assert hash_arrays([np.load(tmp_path / "array.npy", mmap_mode="r")]) == expected
    assert hash_arrays([np.asfortranarray(array)]) == expected
