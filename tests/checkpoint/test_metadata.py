"""Tests of joblib files with notes, of their checksums, and of the conversion of values to JSON."""

import json

import joblib
import numpy as np
import pytest

from umap_sk.checkpoint import metadata
from umap_sk.runtime.checksum import hash_file
from umap_sk.runtime.files import DamagedError
from umap_sk.runtime.json_files import to_json


def test_arrays_of_any_kind(tmp_path):
    """All arrays are loaded as they were, and the checksum computed during writing is that of the file."""
    rng = np.random.default_rng(0)
    arrays = rng.random((400_000, 2)), np.asfortranarray(rng.random((3, 100_000), np.float32)), np.empty((0, 2)), np.inf
    metadata.dump(tmp_path / "a.joblib", arrays, {"of": "a test"})
    for loaded in (joblib.load(tmp_path / "a.joblib"), metadata.load(tmp_path / "a.joblib")):
        for was, now in zip(arrays, loaded, strict=True):
            np.testing.assert_array_equal(was, now)
    notes = json.loads((tmp_path / "a.json").read_text())
    assert notes == {
        "of": "a test",
        "bytes": (tmp_path / "a.joblib").stat().st_size,
        "checksum": hash_file(tmp_path / "a.joblib"),
    }


def test_what_this_python_cannot_read(tmp_path):
    """A whole file that needs a missing module counts as damaged."""
    metadata.dump(tmp_path / "a.joblib", 0, {})
    content = b"cno_such_module\nthing\n."
    (tmp_path / "a.joblib").write_bytes(content)
    notes = {"bytes": len(content), "checksum": hash_file(tmp_path / "a.joblib")}
    (tmp_path / "a.json").write_text(json.dumps(notes))
    with pytest.raises(DamagedError, match="it cannot be read here .*no_such_module"):
        metadata.load(tmp_path / "a.joblib")


def test_plain_values():
    """Numbers of numpy become Python numbers of the same type. Values that JSON lacks become text, at any depth."""
    value = {"b": np.bool_(True), 3: [np.int64(5), np.float32(0.5), (np.inf, None)], "n": float("nan"), "c": complex}
    expected = {"b": True, "3": [5, 0.5, ["inf", None]], "n": "nan", "c": str(complex)}
    found = to_json(value)
    assert found == expected and json.dumps(found, allow_nan=False) == json.dumps(expected)
