"""Tests of the commands: their answers, their outputs and the errors of the machine around them."""

import os
import re
import shlex
import signal
import stat
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
import scipy.sparse
from commands import FIT, OPTIONS, SETTINGS, answer_of, error_of, send_after

import umap_sk
from umap_sk import Manifold, PrecomputedUMAP, knn_graph
from umap_sk.cli import files
from umap_sk.cli import fit as command_fit
from umap_sk.cli.main import main

ROOT = Path(__file__).parents[2]


# ------------------------------------------------------------------------------------------------------- the commands


def test_fit(folder, whole, capsys):
    """The command writes the same map as a fit in Python, describes it in the answer and saves the model."""
    code, answer = answer_of([*FIT, "--model", "m.joblib"], capsys)
    np.testing.assert_array_equal(np.load("e.npy"), whole, strict=True)
    model = joblib.load("m.joblib")
    np.testing.assert_array_equal(model.embedding_, whole)
    assert (code, answer["exit_code"], answer["status"], answer["command"]) == (0, 0, "done", "fit")
    assert (answer["rows"], answer["n_components"], answer["epoch"], answer["n_epochs"]) == (60, 2, 20, 20)
    assert answer["seed"] == 0 and answer["rows_without_place"] == 0 and answer["warnings"] == []
    assert answer["edges"] == len(model.manifold_.arrays()[1]) and answer["umap_sk"] == umap_sk.__version__
    assert answer["out"] == str(folder / "e.npy") and answer["model"] == str(folder / "m.joblib")
    assert [phase["name"] for phase in answer["phases"]] == ["neighbors", "graph", "start", "layout"]
    assert sorted(path.name for path in folder.iterdir()) == ["d.npy", "e.npy", "i.npy", "m.joblib", "x.npy"]


def test_fit_for_people(folder, capsys):
    """The log and the progress go to stderr with the time, and a summary goes to stdout.

    With --quiet both are empty.
    """
    assert main(FIT) == 0  # This call may log that it compiles.
    capsys.readouterr()
    assert main(FIT) == 0
    out, err = capsys.readouterr()
    assert out == f"{folder / 'e.npy'}: 60 rows x 2 axes, epoch 20 of 20, seed 0\n"
    lines = [re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (.*)", line)[1] for line in err.splitlines()]
    assert [line.split()[0] for line in lines] == ["neighbors", "graph", "start", *["layout:"] * 10, "layout"]
    assert lines[3].startswith("layout: epoch 2 of 20, about ")
    assert main([*FIT, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_progress_on_a_terminal(folder, capsys, monkeypatch):
    """On a terminal, one line shows the progress: each epoch rewrites it, and the next record clears it."""
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda self: True)
    assert main(FIT) == 0
    err = capsys.readouterr().err
    assert re.findall(r"\r\x1b\[Klayout: epoch (\d+) of 20, about \d+ s left(?=\r)", err) == [*map(str, range(1, 21))]
    assert len(err.split("\n")) == 5 and all(line.startswith("\r\x1b[K") for line in err.split("\n")[:-1])


def test_a_start_from_a_file(folder, arrays, capsys):
    """The option --init accepts the name of a method or of a file."""
    start = np.random.default_rng(0).normal(size=(60, 2))
    np.save("p.npy", start)
    expected = PrecomputedUMAP(**SETTINGS).fit(**arrays, init=start).embedding_
    assert main([*FIT, "--init", "p.npy"]) == 0
    np.testing.assert_array_equal(np.load("e.npy"), expected)
    assert main([*FIT, "--init", "random"]) == 0
    np.testing.assert_array_equal(np.load("e.npy"), PrecomputedUMAP(**SETTINGS, init="random").fit(**arrays).embedding_)


def test_anchors_from_a_file(folder, arrays, capsys):
    """The option --anchors reads the argument of fit."""
    places = np.full((60, 2), np.nan)
    places[:9] = np.random.default_rng(0).normal(size=(9, 2))
    np.save("a.npy", places)
    assert main([*FIT, "--anchors", "a.npy"]) == 0
    expected = PrecomputedUMAP(**SETTINGS).fit(**arrays, anchors=places).embedding_
    np.testing.assert_array_equal(np.load("e.npy"), expected)


def test_other_inputs(folder, ring, arrays, whole, capsys):
    """The command accepts a sparse graph, features with a metric, and features together with neighbors."""
    graph = knn_graph(*ring[:2])
    scipy.sparse.save_npz("g.npz", graph)
    assert main(["fit", "--graph", "g.npz", "--out", "e.npy", *OPTIONS]) == 0
    np.testing.assert_array_equal(np.load("e.npy"), whole)
    assert main(["fit", "--features", "x.npy", "--metric", "euclidean", "--out", "e.npy", *OPTIONS]) == 0
    np.testing.assert_array_equal(
        np.load("e.npy"), PrecomputedUMAP(**SETTINGS, metric="euclidean").fit(ring[2]).embedding_
    )
    assert main([*FIT, "--features", "x.npy", "--init", "pca"]) == 0
    expected = PrecomputedUMAP(**SETTINGS, init="pca").fit(ring[2], **arrays).embedding_
    np.testing.assert_array_equal(np.load("e.npy"), expected)


def test_learn(folder, whole, capsys):
    """The command learn stores a manifold in a directory, from which fit computes the same map."""
    inputs = ["--knn-indices", "i.npy", "--knn-dists", "d.npy"]
    code, answer = answer_of(["learn", *inputs, "--n-neighbors", "5", "--out", "graph"], capsys)
    manifold = Manifold.load("graph")
    assert code == 0 and (answer["rows"], answer["edges"]) == (60, len(manifold.arrays()[1]))
    assert answer["out"] == str(folder / "graph")
    assert main(["fit", "--manifold", "graph", "--out", "e.npy", *OPTIONS]) == 0
    np.testing.assert_array_equal(np.load("e.npy"), whole)


def test_learn_radii(folder, capsys):
    """A manifold with radii can be learned for a fit with density, by a named searcher."""
    np.save("x.npy", np.random.default_rng(0).random((80, 3)))
    options = ["--features", "x.npy", "--metric", "euclidean", "--searcher", "exact", "--dens-lambda", "2"]
    assert main(["learn", *options, "--out", "graph"]) == 0
    assert main(["fit", "--manifold", "graph", "--dens-lambda", "2", "--n-epochs", "3", "--out", "e.npy"]) == 0
    assert np.isfinite(np.load("e.npy")).all()


def test_transform(folder, ring, capsys):
    """The command transform writes the same positions as the model's transform in Python."""
    assert main([*FIT, "--model", "m.joblib", "--quiet"]) == 0
    arguments = ["transform", "m.joblib", "--knn-indices", "i.npy", "--knn-dists", "d.npy", "--out", "p.npy"]
    code, answer = answer_of([*arguments, "--n-jobs", "1"], capsys)
    expected = joblib.load("m.joblib").transform(knn_indices=ring[0], knn_dists=ring[1])
    np.testing.assert_array_equal(np.load("p.npy"), expected, strict=True)
    assert code == 0 and (answer["rows"], answer["n_components"]) == (60, 2)
    assert answer["rows_without_place"] == 0 and answer["out"] == str(folder / "p.npy")


def test_plan(folder, ring, capsys):
    """The command plan answers with the numbers of umap_sk.plan, or of the estimator's plan for given arrays."""
    options = ["--n-samples", "1_000_000", "--n-neighbors", "30", "--n-jobs", "1", "--on-disk", "--no-timed"]
    expected = umap_sk.plan(n_samples=1_000_000, n_neighbors=30, n_jobs=1, on_disk=True, timed=False)
    code, answer = answer_of(["plan", *options], capsys)
    assert code == 0 and answer["peak"] == expected.peak and answer["disk"] == expected.disk and answer["threads"] == 1
    assert answer["phases"] == [phase._asdict() for phase in expected.phases] and answer["seconds"] is None
    assert main(["plan", *options]) == 0
    assert capsys.readouterr().out == f"{expected}\n"
    kept = ["plan", "--n-samples", "1000", "--n-components", "3", "--checkpoint", "runs", "--no-timed"]
    expected = umap_sk.plan(n_samples=1000, n_components=3, checkpoint="runs", timed=False)
    assert answer_of(kept, capsys)[1]["disk"] == expected.disk > 12 * 3 * 3 * 1000 and not Path("runs").exists()
    start = np.zeros((60, 2))
    expected = PrecomputedUMAP(5, init=start, n_jobs=1).plan(knn_indices=ring[0], timed=False)
    _, answer = answer_of(
        ["plan", "--knn-indices", "i.npy", "--n-neighbors", "5", "--n-jobs", "1", "--no-timed"], capsys
    )
    assert answer["table"] == str(expected) and answer["edges_known"] is True


def test_plan_of_a_manifold(folder, arrays, capsys):
    """The plan of a stored manifold contains only the initial layout and the layout. Its edges need no memory."""
    plans = []
    for k in (5, 8):
        manifold = PrecomputedUMAP(k).learn_manifold(**arrays)
        manifold.save(f"graph-{k}")
        command = ["plan", "--manifold", f"graph-{k}", "--n-neighbors", str(k), "--no-timed"]
        _, answer = answer_of(command, capsys)
        assert answer["edges"] == len(manifold.arrays()[1])
        assert [phase["name"] for phase in answer["phases"]] == ["start", "layout"]
        plans.append(answer)
        assert answer["peak"] < PrecomputedUMAP(k).plan(manifold=manifold, timed=False).peak
    assert plans[0]["phases"] == plans[1]["phases"] and 0 < plans[0]["disk"] < plans[1]["disk"]


# ------------------------------------------------------------------------------------------------------- files


def test_odd_paths(folder, whole, capsys):
    """Paths may contain spaces and other alphabets.

    An output that is a link stays a link, and its target is replaced.
    """
    (folder / "Übung 1").mkdir()
    (folder / "elsewhere").mkdir()
    os.rename("i.npy", "Übung 1/индексы %s.npy")
    Path("link.npy").symlink_to("elsewhere/карта.npy")
    arguments = [*FIT, "--knn-indices", "Übung 1/индексы %s.npy", "--out", "link.npy", "--checkpoint", "Übung 1/läufe"]
    code, answer = answer_of(arguments, capsys)
    assert code == 0 and answer["out"] == str(folder / "elsewhere" / "карта.npy")
    assert Path("link.npy").is_symlink() and os.listdir("elsewhere") == ["карта.npy"]
    np.testing.assert_array_equal(np.load("link.npy"), whole)
    _, answer = answer_of(["info", "Übung 1/läufe"], capsys)
    assert answer["runs"][0]["epoch"] == 20


@pytest.mark.skipif(os.name != "posix", reason="masks are POSIX's")
def test_files_have_the_users_mask(folder):
    """New files have the permissions of the user's umask, also if they replace an older file."""
    Path("e.npy").write_text("older")
    before = os.umask(0o027)
    try:
        assert main([*FIT, "--model", "m.joblib", "--quiet"]) == 0
    finally:
        os.umask(before)
    assert {stat.S_IMODE(os.stat(name).st_mode) for name in ("e.npy", "m.joblib")} == {0o640}


def test_full_disk_leaves_the_older_file(folder, capsys, monkeypatch):
    """On a full disk the command exits with code 1, keeps the older file and leaves no partial file behind."""
    Path("e.npy").write_text("older")

    def full(file, array):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(command_fit, "write_array_to", full)
    err = error_of([*FIT, "--quiet"], capsys, code=1)
    assert err.endswith("/e.npy': No space left on device; free some space and run the same command again\n")
    assert Path("e.npy").read_text() == "older"
    assert sorted(path.name for path in folder.iterdir()) == ["d.npy", "e.npy", "i.npy", "x.npy"]


def test_place_that_cannot_be_written(folder, capsys, monkeypatch):
    """An output that cannot be written is refused before the fit."""

    def refuse(self, **options):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(files.Path, "touch", refuse)
    monkeypatch.setattr(PrecomputedUMAP, "fit", None)
    assert "--out: 'e.npy' cannot be written (Permission denied); choose a writable location" in error_of(FIT, capsys)


NOBODY = [
    ("{} 2>&1 >/dev/null | head -1", 0),
    pytest.param("{} 2>&1 >/dev/null | true", 0, marks=pytest.mark.long),
    pytest.param("{} >&- 2>&-", 1, marks=pytest.mark.long),
]


@pytest.mark.parametrize("command, code", NOBODY)
def test_nobody_listens(command, code, folder, whole):
    """A closed pipe or a missing standard error does not end a run, and the map is written in each case."""
    call = shlex.join([sys.executable, "-m", "umap_sk", *FIT])
    shell = ["bash", "-c", f"set -o pipefail; {command.format(call)}"]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(shell, env={**buffered, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == code and "Traceback" not in done.stdout + done.stderr
    np.testing.assert_array_equal(np.load("e.npy"), whole)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a Linux device")
def test_answer_that_cannot_be_written(folder, capsys, monkeypatch):
    """If stdout is full, the command exits with code 1 and one line on stderr, after it has written the map."""
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main([*FIT, "--json", "--quiet"]) == 1
    line = "umap-sk fit: error: the answer cannot be written to stdout: No space left on device\n"
    assert capsys.readouterr().err == line and Path("e.npy").exists()


def test_a_library_that_is_not_installed(folder, capsys, monkeypatch):
    """The error for a missing library has exit code 2 and contains the command that installs it."""
    np.save("x.npy", np.random.default_rng(0).normal(size=(60, 3)))
    monkeypatch.setitem(sys.modules, "hnswlib", None)
    options = ["--features", "x.npy", "--metric", "euclidean", "--searcher", "hnswlib", "--out", "e.npy"]
    err = error_of(["fit", *options], capsys)
    assert "searcher='hnswlib' needs chroma-hnswlib: python -m pip install chroma-hnswlib" in err


def test_out_of_memory(folder, capsys, monkeypatch):
    """The error for a lack of memory has exit code 1 and refers to umap-sk plan."""

    def fail(self, **data):
        raise MemoryError("Unable to allocate 9 TiB")

    monkeypatch.setattr(PrecomputedUMAP, "fit", fail)
    err = error_of([*FIT, "--quiet"], capsys, code=1)
    assert err.endswith("out of memory (Unable to allocate 9 TiB); umap-sk plan shows what a fit needs\n")


def test_run_of_another_process(folder, capsys):
    """A run that another process computes is an error with exit code 1, since an immediate retry cannot succeed."""
    kept = [*FIT, "--checkpoint", "runs", "--quiet"]
    other = "import sys, umap_sk.checkpoint.lock as f, pathlib as p; f.lock(p.Path(sys.argv[1])); print(); input()"
    with pytest.MonkeyPatch.context() as patch:
        send_after(patch, 7, signal.SIGTERM)
        assert main(kept) == 75
    (run,) = folder.glob("runs/*")
    command, environment = [sys.executable, "-c", other, str(run)], {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert f"is being computed by process {process.pid} on " in error_of(kept, capsys, code=1)
        process.communicate(b"\n")
