"""Tests of unusual files: pipes, links, damaged archives, and JSON or headers that cannot be parsed."""

import contextlib
import functools
import io
import json
import os
import signal
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from commands import FIT, OPTIONS, answer_of, error_of
from hypothesis import given, settings
from hypothesis import strategies as st

from umap_sk import Checkpoint, Manifold, PrecomputedUMAP, knn_graph
from umap_sk.checkpoint import lock
from umap_sk.cli.files import map_array, read_graph
from umap_sk.cli.inspect import describe
from umap_sk.cli.main import main
from umap_sk.runtime.files import DamagedError
from umap_sk.runtime.json_files import read_json

FUZZ = settings(derandomize=True, deadline=None, max_examples=200)
SETTINGS = {"n_neighbors": 5, "n_epochs": 6, "random_state": 0}
MAGIC = b"\x93NUMPY"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes and links are POSIX's")


class HangError(BaseException):
    """Raised when a call blocks on a pipe."""


@pytest.fixture
def patience():
    """Raise an error if the test takes longer than 20 seconds."""

    def late(number, frame):
        raise HangError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def npy(header, data=bytes(64), version=b"\x01\x00"):
    """Return the content of a .npy file with the given header."""
    text = header.encode() + b"\n"
    return MAGIC + version + len(text).to_bytes(2, "little") + text + data


HEADERS = {
    "nested": "(" * 9_990,
    "signs": "-" * 9_000 + "1",
    "negative": "{'descr': '<f8', 'fortran_order': False, 'shape': (-3, 2)}",
    "huge": "{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000000000000, 2)}",
    "dtype": "{'descr': [1, ('<f8', 2)], 'fortran_order': False, 'shape': (3,)}",
    "open": "{'descr': '''<f8, 'fortran_order': False, 'shape': (3,)}",
    "indented": "  {\n 'descr': '<f8',\n    'shape': (3,)\n  }\n   1",
    "keys": "{1: 2, 'shape': (3,), 'descr': '<f8'}",
}


# ------------------------------------------------------------------------------------------------------------- pipes


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit", "--knn-indices", "pipe", "--knn-dists", "d.npy", "--out", "e.npy"],
        ["fit", "--graph", "pipe", "--out", "e.npy"],
        [*FIT, "--init", "pipe"],
        ["learn", "--knn-indices", "i.npy", "--knn-dists", "pipe", "--out", "m"],
        ["transform", "pipe", "--knn-indices", "i.npy", "--knn-dists", "d.npy", "--out", "p.npy"],
        ["plan", "--knn-indices", "pipe"],
        ["plan", "--manifold", "graph"],
        ["info", "pipe"],
        ["info", "pipe.json"],
        ["info", "pipe.joblib", "--trust"],
        ["info", "graph"],
    ],
)
@pytest.mark.parametrize("device", [False, True])
def test_pipes_and_devices(arguments, device, folder, arrays, capsys, patience):
    """Pipes and devices are refused at once, in one line that names them, by every command that reads a file."""
    PrecomputedUMAP(5).learn_manifold(**arrays).save("graph")
    os.remove("graph/weights.npy")
    for name in ("pipe", "pipe.json", "pipe.joblib", "graph/weights.npy"):
        Path(name).symlink_to("/dev/zero") if device else os.mkfifo(name)
    line = error_of([*arguments, *([] if arguments[0] == "info" else ["--quiet"])], capsys)
    assert "pipe" in line or "weights.npy" in line


@pytest.mark.parametrize("name", ["run.json", "newest.json", "newest.joblib", "graph.json", "lock"])
@pytest.mark.filterwarnings("ignore::umap_sk.CheckpointWarning")
def test_pipes_in_a_run(name, arrays, tmp_path, patience):
    """Named pipes in a run's folder never block: the run restarts, resumes or is refused."""
    model = PrecomputedUMAP(**SETTINGS, checkpoint=Checkpoint(tmp_path, every_seconds=1000))
    whole = model.fit(**arrays).embedding_
    (run,) = tmp_path.iterdir()
    name = name.replace("newest", max(run.glob("epoch-*.joblib")).stem)
    (run / name).unlink()
    os.mkfifo(run / name)
    if name == "lock":
        for path in run.glob("epoch*"):
            path.unlink()
        with pytest.raises(OSError, match="checkpoints cannot be kept in .*'lock' in it is a link, a pipe or another"):
            model.fit(**arrays)
    else:
        np.testing.assert_array_equal(model.fit(**arrays).embedding_, whole)
    with contextlib.suppress(ValueError):
        describe(run)
    describe(tmp_path)


@pytest.mark.parametrize("name", ["run.json", "graph.joblib", "graph.json", "epoch-00000002.json"])
def test_directories_in_a_run(name, arrays, tmp_path):
    """A directory in place of a file of a run is named, and the run goes on when it is removed."""
    model = PrecomputedUMAP(**SETTINGS, checkpoint=Checkpoint(tmp_path, every_seconds=1000))
    model.partial_fit(**arrays, epochs=2)
    (run,) = tmp_path.iterdir()
    lock.unlock(run)
    (run / name).rename(tmp_path / "apart")
    (run / name).mkdir()
    with pytest.raises(ValueError, match=f"{name}' is a directory, but a file is needed there. Remove that directory"):
        PrecomputedUMAP(**SETTINGS, checkpoint=model.checkpoint).fit(**arrays)
    if name.startswith("epoch"):
        with pytest.raises(ValueError, match=f"{name}' is a directory, but a file is needed there. Remove it"):
            describe(run)
    (run / name).rmdir()
    (tmp_path / "apart").rename(run / name)
    resumed = PrecomputedUMAP(**SETTINGS, checkpoint=model.checkpoint).fit(**arrays)
    assert resumed.report_["phases"][0]["name"] == "resume"


# -------------------------------------------------------------------------------------------------------------- JSON


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '{"a":' * 900 + "1" + "}" * 900, " " * 2**25])
@pytest.mark.parametrize("name", ["run.json", "manifold.json"])
def test_json_that_no_parser_takes(text, name, tmp_path, capsys):
    """JSON that is nested too deeply or too long is reported as damage, in one line."""
    (tmp_path / name).write_text(text)
    line = error_of(["info", str(tmp_path)], capsys)
    assert line.count(name) >= 1 and ("is not JSON" in line or "is longer than" in line or "deep" in line)
    with pytest.raises(DamagedError):
        read_json(tmp_path / name)


def test_nested_json_as_an_option(folder, capsys):
    """An option with deeply nested JSON has the error of any other text that is not a JSON object."""
    line = error_of([*FIT, "--metric-params", '{"a":' * 20_000], capsys)
    assert "but a JSON object such as" in line


ODD = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(), st.text(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=4,
)
NAMES = ("epoch", "n_epochs", "n_samples", "edges", "vertices", "bytes", "written", "parameters", "seed", "format")


@FUZZ
@given(st.dictionaries(st.sampled_from(NAMES), ODD), st.dictionaries(st.sampled_from(NAMES), ODD), st.booleans())
def test_odd_types_in_notes(notes, about, of_a_manifold):
    """Whatever values the JSON files of a run or a manifold contain, info answers or names the problem in one line."""
    with tempfile.TemporaryDirectory() as place:
        run = Path(place) / "run"
        run.mkdir()
        name = "manifold.json" if of_a_manifold else "run.json"
        for file, values in ((name, about), ("graph.json", notes), ("epoch-00000001.json", notes)):
            (run / file).write_text(json.dumps(values))
        (run / "epoch-00000001.joblib").write_bytes(b"\x80")
        for path in (place, run, run / "epoch-00000001.joblib"):
            for option in ([], ["--json"]):
                out, err = io.StringIO(), io.StringIO()
                with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                    code = main(["info", str(path), *option])
                assert code in (0, 2) and "Traceback" not in err.getvalue()
                assert err.getvalue().count("\n") == (code == 2) and "not supported" not in err.getvalue()


@pytest.mark.parametrize("epoch", ["six", None, [1], 2.5, True])
def test_an_epoch_that_is_no_number(epoch, arrays, tmp_path, capsys):
    """A checkpoint whose epoch is not a whole number is damaged, and info reports the epoch of the one before it."""
    model = PrecomputedUMAP(**SETTINGS, checkpoint=Checkpoint(tmp_path, every_seconds=1000))
    model.partial_fit(**arrays, epochs=3).partial_fit(epochs=1)
    (run,) = tmp_path.iterdir()
    path = run / "epoch-00000004.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"epoch": epoch}))
    code, answer = answer_of(["info", str(run)], capsys)
    assert code == 0 and answer["epoch"] == 3 and answer["finished"] is False
    if epoch is not None:
        assert "epoch is" in error_of(["info", str(path)], capsys) and answer["checkpoints"][1]["whole"] is False


# ----------------------------------------------------------------------------------------------------------- headers


@pytest.mark.parametrize("header", HEADERS)
def test_headers(header, folder, capsys):
    """Arrays with a malformed header are refused by fit and by info."""
    Path("odd.npy").write_bytes(npy(HEADERS[header]))
    line = error_of([*FIT, "--knn-indices", "odd.npy", "--quiet"], capsys)
    assert "--knn-indices: 'odd.npy' is no complete .npy file of numbers (" in line
    if header != "huge":  # A truncated file may have such a header.
        assert "no header of a .npy file" in error_of(["info", "odd.npy"], capsys)


@FUZZ
@given(
    st.one_of(st.text("(){}[]',:-+*1 \n<f8abcdeshprio_#\"\\", max_size=60), st.sampled_from(sorted(HEADERS.values()))),
    st.binary(max_size=2),
)
def test_any_header(header, version):
    """Any header leads to an array or to a ValueError."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "a.npy"
        path.write_bytes(npy(header, version=version or b"\x01\x00"))
        with contextlib.suppress(ValueError):
            map_array(str(path), "--features")
        with contextlib.suppress(ValueError):
            describe(path)


# ---------------------------------------------------------------------------------------------------------- archives


def encrypted(path):
    """Mark all members of an archive as encrypted."""
    content = bytearray(path.read_bytes())
    for magic, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(magic)
        while at >= 0:
            content[at + place] |= 1
            at = content.find(magic, at + 4)
    path.write_bytes(content)


def with_method(path, method):
    """Set the compression method of all members of an archive."""
    content = bytearray(path.read_bytes())
    for magic, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = content.find(magic)
        while at >= 0:
            content[at + place : at + place + 2] = method.to_bytes(2, "little")
            at = content.find(magic, at + 4)
    path.write_bytes(content)


def with_header(path, header):
    """Replace the header of the member with the distances."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, npy(header) if name == "data.npy" else content)


@pytest.mark.parametrize("damage", [encrypted, *(functools.partial(with_method, method=m) for m in (12, 14, 93))])
def test_archives(damage, folder, ring, capsys):
    """Archives with encrypted members, or with a wrong or unsupported compression method, are refused."""
    path = Path("g.npz")
    scipy.sparse.save_npz(path, knn_graph(*ring[:2]))
    damage(path)
    line = error_of(["fit", "--graph", "g.npz", "--out", "e.npy", "--quiet"], capsys)
    assert "--graph: 'g.npz' contains no sparse graph (no " in line
    assert ": no " in error_of(["info", "g.npz"], capsys)


@pytest.mark.parametrize("header", HEADERS)
def test_headers_in_archives(header, folder, ring, capsys):
    """An archive whose member has a malformed header, or one with a shape larger than its data, is refused."""
    path = Path("g.npz")
    scipy.sparse.save_npz(path, knn_graph(*ring[:2]))
    with_header(path, HEADERS[header])
    line = error_of(["fit", "--graph", "g.npz", "--out", "e.npy", "--quiet"], capsys)
    assert "--graph: 'g.npz' contains no sparse graph (" in line


@FUZZ
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=3), st.integers(0, 3000))
def test_any_bytes_of_an_archive(changes, cut):
    """Any bytes of an archive lead to a graph or to a ValueError."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "g.npz"
        scipy.sparse.save_npz(path, scipy.sparse.eye_array(5, format="csr"))
        content = bytearray(path.read_bytes())
        for at, value in changes:
            content[at % len(content)] = value
        path.write_bytes(content[cut if cut < 100 else 0 :])
        for look in (read_graph, describe):
            with contextlib.suppress(ValueError):
                look(str(path))


# ------------------------------------------------------------------------------------------------------------- links


@pytest.mark.parametrize("kind", ["link", "hard link", "dangling", "directory"])
def test_a_lock_that_is_no_file_of_its_own(kind, arrays, tmp_path):
    """If the lock is a link, its target is neither emptied nor created, and the error says what to remove."""
    model = PrecomputedUMAP(**SETTINGS, checkpoint=Checkpoint(tmp_path / "runs", every_seconds=1000))
    model.partial_fit(**arrays, epochs=2)
    (run,) = (tmp_path / "runs").iterdir()
    lock.unlock(run)
    (run / "lock").unlink()
    precious = tmp_path / "precious"
    if kind != "dangling":
        precious.write_text("years of work")
    if kind == "hard link":
        os.link(precious, run / "lock")
    elif kind == "directory":
        (run / "lock").mkdir()
    else:
        (run / "lock").symlink_to(precious)
    with pytest.raises(OSError, match="checkpoints cannot be kept in .* 'lock' in it is a link, .*remove it"):
        PrecomputedUMAP(**SETTINGS, checkpoint=model.checkpoint).fit(**arrays)
    assert precious.read_text() == "years of work" if kind != "dangling" else not precious.exists()
    assert describe(run)["computed_by"] is None and not lock.find_holder(run)


def test_a_probe_that_is_a_link(arrays, tmp_path):
    """A resumed run removes the files that a killed process left, and does not write through them."""
    model = PrecomputedUMAP(**SETTINGS, checkpoint=Checkpoint(tmp_path / "runs", every_seconds=1000))
    model.partial_fit(**arrays, epochs=2)
    (run,) = (tmp_path / "runs").iterdir()
    lock.unlock(run)
    (run / "probe.tmp").symlink_to(tmp_path / "made")
    PrecomputedUMAP(**SETTINGS, checkpoint=model.checkpoint).fit(**arrays)
    assert not (tmp_path / "made").exists() and not list(run.glob("*.tmp"))


def test_a_run_with_a_link_to_itself(arrays, tmp_path):
    """The size of a run is the size of its files, without the targets of links."""
    PrecomputedUMAP(**SETTINGS, checkpoint=Checkpoint(tmp_path, every_seconds=1000)).fit(**arrays)
    (run,) = tmp_path.iterdir()
    expected = describe(run)["bytes"]
    (run / "again").symlink_to(run)
    assert describe(run)["bytes"] == expected


# ----------------------------------------------------------------------------------------------------------- endings


@pytest.mark.parametrize("name", ["a.csv", "a.CSV", "a.npz", "a.txt", "a.npy.gz", "a.parquet"])
def test_a_name_that_promises_another_file(name, folder, capsys):
    """An output whose name ends like another format is refused before any file is read, with the right ending."""
    for arguments in ([*FIT, "--out", name], ["transform", "no.joblib", "--knn-indices", "i.npy", "--out", name]):
        line = error_of(arguments, capsys)
        assert f"--out: {name!r} ends in {Path(name).suffix.lower()}, but the output is a .npy file." in line
        assert not Path(name).exists()
    if name == "a.csv":
        line = error_of([*FIT, "--model", name], capsys)
        assert "--model: 'a.csv' ends in .csv, but the output is a .joblib file." in line


@pytest.mark.parametrize("name", ["a", "a.NPY", ".hidden"])
def test_names_that_promise_nothing_else(name, folder, whole, capsys):
    """An output may have no ending or one in capitals. A model may have any ending that names no other format."""
    assert main([*FIT, *OPTIONS, "--out", name, "--model", "m.pickle", "--quiet"]) == 0
    np.testing.assert_array_equal(np.load(name), whole)


def test_a_manifold_whose_file_is_a_pipe(arrays, tmp_path, patience):
    """A pipe in place of a manifold's array counts as a missing file."""
    PrecomputedUMAP(5).learn_manifold(**arrays).save(tmp_path / "m")
    os.remove(tmp_path / "m" / "weights.npy")
    os.mkfifo(tmp_path / "m" / "weights.npy")
    with pytest.raises(FileNotFoundError, match="weights.npy is missing"):
        Manifold.load(tmp_path / "m")
