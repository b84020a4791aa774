"""The checksum of files and arrays: its value by plain arithmetic, and the damage that it must find."""

import hashlib
import struct

import numpy as np
import pytest

from umap_sk.runtime import checksum

BLOCK = 32 * 1024


def plain(content):
    """The checksum by plain Python: sums of 8-byte words, of every block and over the same place in all blocks."""
    padded = content + bytes(-len(content) % BLOCK)
    words = struct.unpack(f"<{len(padded) // 8}Q", padded)
    blocks = [words[first : first + 4096] for first in range(0, len(words), 4096)]
    places = [sum(place) % 2**64 for place in zip(*blocks, strict=True)] or [0] * 4096
    sums = [sum(block) % 2**64 for block in blocks] + places
    return hashlib.sha256(struct.pack(f"<{len(sums)}Q", *sums) + str(len(content)).encode()).hexdigest()


def random_bytes(size):
    """Some content."""
    return np.random.default_rng(0).bytes(size)


def of_bytes(content, tmp_path):
    """The checksum of a file with this content."""
    (tmp_path / "file").write_bytes(content)
    return checksum.checksum_of_file(tmp_path / "file")


@pytest.mark.parametrize("size", [0, 1, 8, BLOCK - 1, BLOCK, 3 * BLOCK + 5, 33 * BLOCK, 70 * BLOCK + 12_345])
def test_value(size, tmp_path):
    """Of files shorter and longer than what is read at once; an array has the sum of its bytes in a file."""
    content = random_bytes(size)
    assert of_bytes(content, tmp_path) == plain(content)
    assert checksum.checksum_of_arrays([np.frombuffer(content, np.uint8)]) == plain(content)


def test_arrays_of_any_dtype_and_shape(tmp_path):
    """Where one ends and the next begins counts, and so does a memory map as what it maps."""
    array = np.random.default_rng(1).random((1000, 3), np.float32)
    assert checksum.checksum_of_arrays([array]) == plain(array.tobytes())
    np.save(tmp_path / "array.npy", array)
    parts = [array[:500], np.load(tmp_path / "array.npy", mmap_mode="r")[500:]]
    assert checksum.checksum_of_arrays(parts) == checksum.checksum_of_arrays([array[:500], array[500:]])
    assert checksum.checksum_of_arrays(parts) != checksum.checksum_of_arrays([array[:400], array[400:]])


def test_every_flipped_bit_and_every_cut_is_found(tmp_path):
    """Anywhere, in whole and in broken blocks; also where the bytes are all 0."""
    for content in (random_bytes(2 * BLOCK + 100), bytes(2 * BLOCK + 100)):
        sums = {of_bytes(content, tmp_path)}
        for place in (0, 7, 8, BLOCK - 1, BLOCK, 2 * BLOCK + 99, *range(1, 2 * BLOCK, 9973)):
            for bit in range(8):
                damaged = bytearray(content)
                damaged[place] ^= 1 << bit
                sums.add(of_bytes(damaged, tmp_path))
        for length in (0, 1, BLOCK, 2 * BLOCK, 2 * BLOCK + 99):
            sums.add(of_bytes(content[:length], tmp_path))
        sums.add(of_bytes(content + b"\0", tmp_path))
        assert len(sums) == 1 + 8 * (6 + len(range(1, 2 * BLOCK, 9973))) + 5 + 1


@pytest.mark.parametrize("unit", [8, 512, 4096, BLOCK])
def test_parts_that_trade_places_or_are_lost_are_found(unit, tmp_path):
    """Words, sectors, pages and blocks, within a block and across; lost ones read as 0 or as another part."""
    content = random_bytes(4 * BLOCK)
    whole = of_bytes(content, tmp_path)
    random = np.random.default_rng(2)
    for _ in range(30):
        one, other = (int(part) * unit for part in random.choice(4 * BLOCK // unit, 2, replace=False))
        traded = bytearray(content)
        traded[one : one + unit], traded[other : other + unit] = (
            content[other : other + unit],
            content[one : one + unit],
        )
        lost, twice = bytearray(content), bytearray(content)
        lost[one : one + unit] = bytes(unit)
        twice[one : one + unit] = content[other : other + unit]
        assert whole not in {of_bytes(damaged, tmp_path) for damaged in (traded, lost, twice)}
