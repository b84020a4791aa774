"""Tests of ``umap-sk info``: its answer for every kind of file. It opens a pickle only with --trust."""

import json
import os
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
import scipy.sparse

import umap_sk
from umap_sk import Checkpoint, PrecomputedUMAP
from umap_sk.checkpoint import identity, lock
from umap_sk.cli import inspect
from umap_sk.cli.inspect import describe
from umap_sk.cli.main import main
from umap_sk.graph import storage

ROOT = Path(__file__).parents[2]
SETTINGS = {"n_neighbors": 5, "n_epochs": 20, "random_state": 0}


class Bomb:
    """An object whose pickle creates a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def runs(arrays, tmp_path):
    """Return a directory of two runs, one at epoch 12 of 20 and one that is finished."""
    directory = tmp_path / "runs"
    for settings, epochs in (({}, 12), ({"min_dist": 0.25}, 20)):
        model = PrecomputedUMAP(**SETTINGS | settings, checkpoint=Checkpoint(directory, every_seconds=1000))
        model.partial_fit(**arrays, epochs=5).partial_fit(epochs=epochs - 5)
    for folder in list(lock._locks):
        lock.unlock(folder)
    return directory


def info(path, capsys, *options):
    """Return the answer of info with --json."""
    assert main(["info", str(path), "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


def test_run(runs, arrays, capsys):
    """The answer contains the rows, edges, epochs, parameters and versions of a run and of its files."""
    found = {run["epoch"]: run for run in info(runs, capsys)["runs"]}
    edges = len(PrecomputedUMAP(5).learn_manifold(**arrays).arrays()[1])
    assert sorted(found) == [12, 20] and [found[12]["finished"], found[20]["finished"]] == [False, True]
    run = info(found[12]["path"], capsys)
    assert (run["kind"], run["rows"], run["edges"], run["n_epochs"], run["seed"]) == ("run", 60, edges, 20, 0)
    assert run["parameters"]["min_dist"] == 0.1 and found[20]["parameters"]["min_dist"] == 0.25
    assert run["version"] == run["umap_sk"] == umap_sk.__version__ and run["format"] == identity.RUN_FORMAT
    assert run["bytes"] == sum(file.stat().st_size for file in Path(run["path"]).iterdir())
    assert [(one["epoch"], one["whole"]) for one in run["checkpoints"]] == [(5, True), (12, True)]
    newest = Path(run["path"]) / "epoch-00000012.joblib"
    for path in (newest, newest.with_suffix(".json")):
        one = info(path, capsys)
        assert (one["kind"], one["epoch"], one["vertices"], one["level"]) == ("checkpoint", 12, 60, 0)
        assert one["parameters"] == run["parameters"] and one["bytes"] == newest.stat().st_size and one["whole"]
    graph = info(newest.with_name("graph.joblib"), capsys)
    assert (graph["kind"], graph["n_samples"], graph["edges"]) == ("graph of a run", 60, edges)
    assert describe(Path(run["path"]) / "run.json") | {"path": 0} == describe(run["path"]) | {"path": 0}


def test_run_for_people(runs, capsys):
    """A directory has one line for each run. The description of a run names the process that computes it."""
    assert main(["info", str(runs)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["kind", "directory", "of", "runs"]
    states = {line.split(": ")[1].split(",")[0] for line in lines if line.startswith("run ")}
    assert states == {"epoch 12 of 20", "epoch 20 of 20"} and len(lines) == 5
    folder = next(run["path"] for run in describe(runs)["runs"] if not run["finished"])
    lock.lock(Path(folder))
    try:
        assert main(["info", folder]) == 0
    finally:
        lock.unlock(Path(folder))
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if line[0] != " ")
    assert lines["computed_by"].startswith(f"process {os.getpid()} on ") and lines["epoch"] == "12"
    assert lines["finished"] == "no" and lines["edges"] == f"{describe(folder)['edges']:,}"


def test_damaged_run(runs, capsys):
    """A truncated file is reported as damaged, and an unreadable run does not hide the others."""
    first, second = (Path(run["path"]) for run in describe(runs)["runs"])
    newest = max(first.glob("epoch-*.joblib"))
    newest.write_bytes(newest.read_bytes()[:-1])
    assert [one["whole"] for one in describe(first)["checkpoints"]][-1] is False
    newest.with_suffix(".json").write_text("{")
    found = describe(first)
    assert found["epoch"] == 5 and found["checkpoints"][1]["epoch"] is None
    assert [one["whole"] for one in found["checkpoints"]] == [True, False]
    (second / "run.json").write_text("{")
    assert main(["info", str(second)]) == 2
    assert capsys.readouterr().err.endswith("run.json is not JSON.\n")
    found = describe(runs)["runs"]
    assert found[0]["epoch"] and found[1]["damaged"].endswith("run.json is not JSON.")
    assert main(["info", str(runs)]) == 0 and "damaged" in capsys.readouterr().out


@pytest.mark.parametrize("endings", [["joblib"], ["joblib", "json"]])
def test_run_that_goes_on(endings, runs, capsys, monkeypatch):
    """Files that a running fit removes during the inspection are left out."""
    folder = Path(next(run["path"] for run in describe(runs)["runs"] if run["epoch"] == 12))
    read_json = inspect.read_json

    def read(path):
        for ending in endings:
            (folder / f"epoch-00000005.{ending}").unlink(missing_ok=True)
        return read_json(path)

    monkeypatch.setattr(inspect, "read_json", read)
    listed = sorted(folder.glob("epoch-*.joblib"))
    monkeypatch.setattr(Path, "glob", lambda self, pattern: listed if self == folder else [])
    found = info(folder, capsys)
    assert [one["epoch"] for one in found["checkpoints"]] == [12] and found["epoch"] == 12


def test_manifold(arrays, tmp_path, capsys):
    """The answer contains the rows, edges, parameters and arrays of a manifold, and marks an incomplete array."""
    manifold = PrecomputedUMAP(5, disconnection_distance=9.5).learn_manifold(**arrays)
    manifold.save(tmp_path / "graph")
    found = info(tmp_path / "graph", capsys)
    edges = len(manifold.arrays()[1])
    assert (found["kind"], found["rows"], found["edges"], found["format"]) == (
        "manifold",
        60,
        edges,
        storage.MANIFOLD_FORMAT,
    )
    assert found["parameters"] == manifold.parameters and found["version"] == umap_sk.__version__
    assert found["arrays"] == {
        "indices": {"shape": [edges], "dtype": "int32", "whole": True},
        "indptr": {"shape": [61], "dtype": "int64", "whole": True},
        "lengths": {"shape": [60], "dtype": "float32", "whole": True},
        "weights": {"shape": [edges], "dtype": "float32", "whole": True},
    }
    weights = tmp_path / "graph" / "weights.npy"
    weights.write_bytes(weights.read_bytes()[:-4])
    assert info(tmp_path / "graph" / "manifold.json", capsys)["arrays"]["weights"]["whole"] is False


@pytest.mark.parametrize("shape", [(3, 4), (0, 2), ()])
def test_array(shape, tmp_path, capsys):
    """The answer contains the shape and dtype in the header, and whether the file has the size that they imply."""
    path = tmp_path / "a.npy"
    np.save(path, np.zeros(shape, np.uint16, order="F"))
    found = info(path, capsys)
    assert (found["kind"], found["shape"], found["dtype"]) == ("array", list(shape), "uint16")
    assert found["whole"] is True and found["bytes"] == path.stat().st_size
    path.write_bytes(path.read_bytes() + b"0")
    assert info(path, capsys)["whole"] is False


def test_sparse_graph(ring, tmp_path, capsys):
    """The answer lists the arrays in a .npz file."""
    scipy.sparse.save_npz(tmp_path / "g.npz", umap_sk.knn_graph(*ring[:2]))
    found = info(tmp_path / "g.npz", capsys)
    assert found["kind"] == "archive of arrays" and found["arrays"]["data"]["shape"] == [480]
    assert found["arrays"]["data"]["dtype"] == "float64" and found["arrays"]["data"]["whole"] is True


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)])
def test_model(arrays, compress, tmp_path, capsys):
    """The answer contains only the size and the header of a model. With --trust it adds parameters, rows and epochs."""
    model = PrecomputedUMAP(**SETTINGS, min_dist=0.25, disconnection_distance=np.inf).fit(**arrays)
    path = tmp_path / "m.joblib"
    joblib.dump(model, path, compress=compress)
    found = info(path, capsys)
    assert found["kind"] == "pickle" and found["bytes"] == path.stat().st_size and "pickle" in found["header"]
    assert "--trust" in found["hint"] and "parameters" not in found
    found = info(path, capsys, "--trust")
    assert (found["kind"], found["rows"], found["n_components"], found["epoch"]) == ("model", 60, 2, 20)
    assert found["parameters"]["min_dist"] == 0.25 and found["parameters"]["disconnection_distance"] == "inf"
    assert found["edges"] == len(model.manifold_.arrays()[1]) and "hint" not in found


@pytest.mark.parametrize("name", ["m.joblib", "m.pkl", "m", "epoch-00000001.joblib"])
def test_a_pickle_is_not_opened(name, tmp_path, capsys):
    """A pickle is opened only with --trust, whatever the name of its file."""
    path, trace = tmp_path / name, tmp_path / "trace"
    joblib.dump(Bomb(trace), path)
    assert info(path, capsys)["kind"] == "pickle" and not trace.exists()
    assert main(["info", str(path), "--trust"]) == 2
    assert trace.exists() and "contains a NoneType, but a PrecomputedUMAP is needed" in capsys.readouterr().err


def test_pickles_in_disguise(tmp_path, capsys):
    """A pickle in a .npy file, a .npz file, a run or a manifold is never opened, not even with --trust."""
    trace = tmp_path / "trace"
    bombs = np.array([Bomb(trace)], object)
    np.save(tmp_path / "a.npy", bombs)
    np.savez(tmp_path / "a.npz", a=bombs)
    (tmp_path / "run").mkdir()
    joblib.dump(Bomb(trace), tmp_path / "run" / "epoch-00000001.joblib")
    (tmp_path / "run" / "epoch-00000001.json").write_text('{"epoch": 1, "n_epochs": 2, "checksum": "", "bytes": 1}')
    (tmp_path / "run" / "run.json").write_text('{"parameters": {}}')
    (tmp_path / "graph").mkdir()
    np.save(tmp_path / "graph" / "weights.npy", bombs)
    (tmp_path / "graph" / "manifold.json").write_text("{}")
    for name in ("a.npy", "a.npz", "run", "run/epoch-00000001.joblib", "graph"):
        found = json.dumps(info(tmp_path / name, capsys, "--trust"))
        assert ("not opened" in found) == (name in ("a.npy", "a.npz", "graph"))
    assert not trace.exists()


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "has an unknown format"),
        (b"rows and columns", "has an unknown format"),
        (b"\x93NUMPY\x01\x00", "no header of a .npy file"),
        (b"\x93NUMPY\x09\x00aaaa", "no header of a .npy file"),
        (b"PK\x03\x04", "has an unknown format"),
    ],
)
def test_unknown_files(content, message, tmp_path, capsys):
    """A file of an unknown format leads to exit code 2 and one line."""
    (tmp_path / "file").write_bytes(content)
    assert main(["info", str(tmp_path / "file")]) == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1


def test_unknown_directory(tmp_path, capsys):
    """A directory without runs or a manifold leads to exit code 2 and one line."""
    assert main(["info", str(tmp_path)]) == 2
    assert "contains neither runs nor a manifold; pass an output of fit or learn." in capsys.readouterr().err


def test_info_needs_no_numba(runs):
    """The command info imports neither numba nor scikit-learn, so that it answers at once."""
    command = [sys.executable, "-X", "importtime", "-m", "umap_sk", "info", str(runs)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "directory of runs" in done.stdout
    loaded = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert "numpy" in loaded and not loaded & {"numba", "sklearn", "scipy.sparse"}
