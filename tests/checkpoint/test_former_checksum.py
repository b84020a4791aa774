"""Files that an earlier version summed by an algorithm of its own: read, with a record that says so.

They are in data/former_checksum, of make_model's ring: a manifold, and a run that was stopped at epoch 10.
"""

import logging
import shutil
from pathlib import Path

import make_model
import numpy as np
import pytest

import umap_sk
from umap_sk import CheckpointWarning, Manifold, PrecomputedUMAP
from umap_sk.checkpoint import store
from umap_sk.layout import pivot_mds, start

FORMER = Path(__file__).parents[1] / "data" / "former_checksum"


@pytest.fixture
def former(tmp_path, caplog):
    """A copy that may be damaged; what is read of it is recorded."""
    caplog.set_level(logging.INFO, "umap_sk")
    return shutil.copytree(FORMER, tmp_path / "former")


def records(caplog):
    return [record.getMessage() for record in caplog.records if "former checksum" in record.getMessage()]


def damaged(path, place, value):
    content = bytearray(path.read_bytes())
    content[place] = value
    path.write_bytes(content)


def test_manifold(former, caplog):
    """The arrays are looked at, and what is no graph is refused; saved again, they have sums."""
    learned = PrecomputedUMAP(8).learn_manifold(**make_model.arrays())
    manifold = Manifold.load(former / "manifold")
    for one, other in zip(manifold.arrays(), learned.arrays(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(records(caplog)) == 1 and "manifold was written with former checksums" in records(caplog)[0]
    manifold.save(former / "again")
    Manifold.load(former / "again")
    assert len(records(caplog)) == 1
    damaged(former / "manifold" / "indices.npy", -1, 100)
    with pytest.raises(ValueError, match="contains no valid graph: row 59 lists"):
        Manifold.load(former / "manifold")


def test_run(former, caplog, monkeypatch):
    """Its checkpoint and its graph are read, and the same fit goes on to the bits of one that was left alone."""
    monkeypatch.setattr(umap_sk, "__version__", "0.1.0")
    settings = {"n_neighbors": 8, "n_epochs": 20, "random_state": 0}
    resumed = PrecomputedUMAP(**settings, checkpoint=former / "runs").partial_fit(**make_model.arrays())
    assert resumed.epoch_ == 11 and len(records(caplog)) == 2
    monkeypatch.setattr(start, "suited_width", lambda *_: 16.0)  # what all such starts had in that version,
    monkeypatch.setattr(pivot_mds, "squared_powers", np.square)  # which took the lengths of paths as they are
    settings["n_epochs"] = 18  # what 20 came to in that version
    whole = PrecomputedUMAP(**settings).fit_transform(**make_model.arrays())
    np.testing.assert_array_equal(resumed.partial_fit(epochs=100).embedding_, whole)


def test_run_of_another_form(former):
    """Size and stamps are looked at as ever."""
    (folder,) = (former / "runs").iterdir()
    assert store.read_graph(folder) and store.read_state(folder / "epoch-00000010.joblib").state.epoch == 10
    with (folder / "graph.joblib").open("ab") as file:
        file.write(b"\0")
    with pytest.warns(CheckpointWarning, match="it has 4,652 bytes, of 4651 written"):
        assert store.read_graph(folder) is None
