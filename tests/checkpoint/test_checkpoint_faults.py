"""Tests of faults of a run on disk: killed processes, full disks, damage, permissions and shared folders."""

import errno
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import joblib
import numpy as np
import pytest

from umap_sk import Checkpoint, CheckpointMismatchWarning, CheckpointWarning, PrecomputedUMAP
from umap_sk.checkpoint import identity, lock, metadata, session, store
from umap_sk.pipeline import learn

ROOT = Path(__file__).parents[2]
SETTINGS = {"n_neighbors": 5, "n_epochs": 20, "random_state": 0}
PROCESS = """
import sys, warnings
import numpy as np
from umap_sk import Checkpoint, CheckpointWarning, PrecomputedUMAP
arrays = {name: np.load(f"{sys.argv[1]}/{name}.npy") for name in ("knn_indices", "knn_dists")}
checkpoint = Checkpoint(sys.argv[1] + "/runs", every_epochs=1)
model = PrecomputedUMAP(5, n_epochs=int(sys.argv[2]), random_state=0, checkpoint=checkpoint)
"""


@pytest.fixture
def half_done(arrays, tmp_path):
    """Return the folder of a run with checkpoints of epochs 11 and 12, and an estimator with its parameters."""
    checkpoint = Checkpoint(tmp_path / "runs", every_seconds=1000)
    stepped = PrecomputedUMAP(**SETTINGS, checkpoint=checkpoint).partial_fit(**arrays, epochs=11).partial_fit()
    assert stepped.epoch_ == 12
    (folder,) = (tmp_path / "runs").iterdir()
    return folder, PrecomputedUMAP(**SETTINGS, checkpoint=checkpoint)


def start(arrays, folder, n_epochs, script):
    """Start a process with the ring's neighbors and return it."""
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    command = [sys.executable, "-c", PROCESS + script, str(folder), str(n_epochs)]
    return subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(process, folder):
    """Wait until a process has written a checkpoint, and return the run's folder."""
    end = time.monotonic() + 120
    while not (found := list(folder.glob("runs/*/epoch-*.joblib"))):
        assert process.poll() is None and time.monotonic() < end, process.communicate()
        time.sleep(0.01)
    return found[0].parent


def newest(folder):
    """Return the epoch of the newest checkpoint."""
    return max(int(path.stem.split("-")[1]) for path in folder.glob("epoch-*.joblib"))


def flip(path, where=0.5):
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[int(len(content) * where)] ^= 1
    path.write_bytes(content)


# ------------------------------------------------------------------------------------------------- ended processes


@pytest.mark.slow
def test_twenty_kills():
    """Kills at random moments, also during writing, lose no whole checkpoint and change no bit."""
    done = subprocess.run([sys.executable, "-m", "benchmarks.kills"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "20 kills" in done.stdout and "0 faults" in done.stdout, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("kind", [signal.SIGTERM, pytest.param(signal.SIGKILL, marks=pytest.mark.long)])
def test_terminated(arrays, tmp_path, kind):
    """After a process was killed, the next one is not locked out and resumes from the newest checkpoint."""
    process = start(arrays, tmp_path, 100_000, "model.fit(**arrays)")
    folder = wait_for(process, tmp_path)
    process.send_signal(kind)
    assert process.wait() == -kind
    process.communicate()
    reached = newest(folder)
    checkpoint = Checkpoint(tmp_path / "runs", every_epochs=1)
    model = PrecomputedUMAP(5, n_epochs=100_000, random_state=0, checkpoint=checkpoint)
    assert model.partial_fit(**arrays, epochs=5).epoch_ == reached + 5
    alone = PrecomputedUMAP(5, n_epochs=100_000, random_state=0).partial_fit(**arrays, epochs=reached + 5)
    assert np.array_equal(model.embedding_, alone.embedding_)


@pytest.mark.slow
def test_interrupted_from_the_keyboard(arrays, tmp_path):
    """SIGINT ends in KeyboardInterrupt after the last whole epoch is stored, whatever the interval of checkpoints."""
    script = """
model.checkpoint = Checkpoint(sys.argv[1] + "/runs", every_epochs=3, every_seconds=None)
try:
    model.fit(**arrays)
except KeyboardInterrupt:
    print(model.epoch_)
"""
    process = start(arrays, tmp_path, 1_000_000, script)
    folder = wait_for(process, tmp_path)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    assert newest(folder) == int(output) > 0


class FaultError(Exception):
    """Raised in the middle of a layout."""


def failing(monkeypatch, epoch, error):
    """Raise an error after the given epoch, when its checkpoint is on disk."""
    write_if_due = session.Session.write_if_due

    def call(run, state):
        write_if_due(run, state)
        if run._pending:
            run._pending.result()
        if state.epoch == epoch:
            raise error

    monkeypatch.setattr(session.Session, "write_if_due", call)


@pytest.mark.parametrize("keep", [1, 2])
@pytest.mark.parametrize("begins", [True, False])
def test_a_step_that_fails(arrays, whole, tmp_path, monkeypatch, keep, begins):
    """A failed partial_fit leaves estimator and checkpoints as they were before, so that no epoch is skipped later."""
    settings = {**SETTINGS, "checkpoint": Checkpoint(tmp_path / "runs", every_epochs=1, keep=keep)}
    first = PrecomputedUMAP(**settings).partial_fit(**arrays, epochs=5)
    (folder,) = (tmp_path / "runs").iterdir()
    model = PrecomputedUMAP(**settings) if begins else first
    if begins:
        lock.unlock(folder)
    data = arrays if begins else {}
    with monkeypatch.context() as patch:
        failing(patch, 9, FaultError())
        with pytest.raises(FaultError):
            model.partial_fit(**data, epochs=10)
    assert newest(folder) == 5 and hasattr(model, "embedding_") != begins
    assert len(list(folder.glob("epoch-*.joblib"))) == 1
    model.partial_fit(**data)
    assert model.epoch_ == 6 and newest(folder) == 6
    assert len(list(folder.glob("epoch-*.joblib"))) == keep
    lock.unlock(folder)
    assert PrecomputedUMAP(**settings).partial_fit(**arrays).epoch_ == 7
    assert np.array_equal(PrecomputedUMAP(**settings).fit_transform(**arrays), whole)


def test_a_first_step_that_fails(arrays, tmp_path, monkeypatch):
    """A failed first partial_fit leaves only the graph.

    A failed fit or an interrupted partial_fit leaves all its epochs.
    """
    settings = {**SETTINGS, "checkpoint": Checkpoint(tmp_path / "runs", every_epochs=1)}
    with monkeypatch.context() as patch:
        failing(patch, 9, FaultError())
        with pytest.raises(FaultError):
            PrecomputedUMAP(**settings).partial_fit(**arrays, epochs=10)
        (folder,) = (tmp_path / "runs").iterdir()
        assert not list(folder.glob("epoch-*")) and (folder / "graph.joblib").exists()
        with pytest.raises(FaultError):
            PrecomputedUMAP(**settings).fit(**arrays)
    assert newest(folder) == 9
    failing(monkeypatch, 12, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        PrecomputedUMAP(**settings).partial_fit(**arrays, epochs=10)
    assert newest(folder) == 12


def test_a_step_that_is_refused(arrays, half_done):
    """A partial_fit that is refused before its first epoch leaves the checkpoints as they were."""
    folder, model = half_done
    stepped = model.partial_fit(**arrays)
    with pytest.raises(ValueError, match="parameters cannot change"):
        stepped.set_params(min_dist=0.5).partial_fit()
    assert newest(folder) == 13


# -------------------------------------------------------------------------------------------------------- the disk


def test_disk_full(arrays, tmp_path):
    """A limit on the size of files causes one warning. Whole checkpoints stay, and writing is retried."""
    script = """
import logging, resource
from pathlib import Path
from umap_sk.checkpoint import session
logging.basicConfig(stream=sys.stdout, format="%(message)s")
write_if_due, hard = session.Session.write_if_due, resource.getrlimit(resource.RLIMIT_FSIZE)[1]
def limited(self, state):
    if self._pending:
        try:
            self._pending.result()
        except OSError:
            pass
    if state.epoch == 12:
        print("in between:", sorted(path.stem for path in self.folder.glob("epoch-*.joblib")),
              sorted(path.name for path in self.folder.glob("*.tmp")))
    if state.epoch in (5, 12):
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000 if state.epoch == 5 else hard, hard))
    write_if_due(self, state)
session.Session.write_if_due = limited
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    np.save(sys.argv[1] + "/map.npy", model.fit_transform(**arrays))
for warning in found:
    print(warning.category.__name__, warning.message)
"""
    process = start(arrays, tmp_path, 20, script)
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    assert output.count("CheckpointWarning A checkpoint could not be written to") == 1, output
    assert "File too large. The run goes on" in output and "checkpoints are written again" in output
    assert "in between: ['epoch-00000003', 'epoch-00000004'] []" in output
    assert np.array_equal(np.load(tmp_path / "map.npy"), PrecomputedUMAP(**SETTINGS).fit_transform(**arrays))
    (folder,) = (tmp_path / "runs").iterdir()
    assert newest(folder) == 20 and (folder / "graph.joblib").exists()


def test_disk_full_for_the_graph(arrays, whole, tmp_path, monkeypatch):
    """Checkpoints are written even if the graph does not fit on the disk. The graph follows when there is room."""

    def fail(folder, graph, lengths):
        raise OSError(28, "No space left on device")

    checkpoint = Checkpoint(tmp_path / "runs", every_epochs=1)
    with monkeypatch.context() as patch:
        patch.setattr(store, "write_graph", fail)
        with pytest.warns(CheckpointWarning, match="A graph could not be .*No space left on device. The run goes on"):
            stepped = PrecomputedUMAP(**SETTINGS, checkpoint=checkpoint).partial_fit(**arrays, epochs=3)
    (folder,) = (tmp_path / "runs").iterdir()
    assert newest(folder) == 3 and not (folder / "graph.joblib").exists()
    stepped.partial_fit()
    assert (folder / "graph.joblib").exists() and newest(folder) == 4
    assert np.array_equal(PrecomputedUMAP(**SETTINGS, checkpoint=checkpoint).fit_transform(**arrays), whole)


@pytest.mark.parametrize("damage", ["cut", "empty", "bit", "first bit", "last bit", "no notes", "bad notes", "foreign"])
def test_damaged_checkpoint(arrays, whole, half_done, damage):
    """A damaged checkpoint is found by its checksum or notes. A warning says that the one before it is used."""
    folder, model = half_done
    path, notes = folder / "epoch-00000012.joblib", folder / "epoch-00000012.json"
    if damage == "cut":
        os.truncate(path, path.stat().st_size - 1)
    elif damage == "empty":
        os.truncate(path, 0)
    elif damage.endswith("bit"):
        flip(path, {"bit": 0.5, "first bit": 0, "last bit": 1 - 1e-9}[damage])
    elif damage == "no notes":
        notes.unlink()
    elif damage == "bad notes":
        flip(notes, 0)
    else:
        _forge(path, run="another")
    with pytest.warns(CheckpointWarning, match="epoch-00000012.joblib cannot be used: .*The one before it is used"):
        model.partial_fit(**arrays, epochs=1)
    assert model.epoch_ == 12
    assert np.array_equal(model.partial_fit(epochs=8).embedding_, whole)
    assert newest(folder) == 20


def _forge(path, **changes):
    """Write a whole checkpoint with other content."""
    metadata.dump(path, {**joblib.load(path), **changes}, {"epoch": 12, "n_epochs": 20})


def test_all_checkpoints_damaged(arrays, whole, half_done):
    """If all checkpoints are damaged, the run restarts with a warning for each."""
    folder, model = half_done
    for path in folder.glob("epoch-*.joblib"):
        flip(path)
    with pytest.warns(CheckpointWarning) as found:
        assert np.array_equal(model.fit_transform(**arrays), whole)
    assert len(found) == 2 and newest(folder) == 20


def test_damaged_finished_run(arrays, whole, half_done):
    """If the last checkpoint of a finished run is damaged, its last epochs are computed again."""
    folder, model = half_done
    model.fit(**arrays)
    flip(folder / "epoch-00000020.joblib")
    with pytest.warns(CheckpointWarning, match="epoch-00000020.joblib cannot be used: its checksum differs"):
        assert np.array_equal(model.fit_transform(**arrays), whole)
    assert newest(folder) == 20


def test_damaged_description_of_the_run(arrays, whole, half_done):
    """A damaged run.json is written again with the same content."""
    folder, model = half_done
    content = json.loads((folder / "run.json").read_text())
    flip(folder / "run.json", 0)
    with pytest.warns(CheckpointWarning, match="run.json cannot be used: run.json is not JSON"):
        assert np.array_equal(model.fit_transform(**arrays), whole)
    again = json.loads((folder / "run.json").read_text())
    assert {**again, "written": ""} == {**content, "written": ""}


def test_leftovers_of_a_killed_process_are_removed(arrays, half_done):
    """The next process removes the temporary files of a killed one."""
    folder, model = half_done
    lock.unlock(folder)
    (folder / "epoch-00000013.joblib.tmp").write_bytes(b"half")
    model.fit(**arrays)
    assert not list(folder.glob("*.tmp"))


# ----------------------------------------------------------------------------------------------------- shut out


def test_file_in_the_place_of_the_directory(arrays, tmp_path, monkeypatch):
    """A file in place of the directory is an error before the graph is built."""
    (tmp_path / "runs").write_text("no folder")
    monkeypatch.setattr(learn, "build_graph", None)
    with pytest.raises(OSError, match="checkpoints cannot be kept in .*runs, so nothing was computed: .*Give a direct"):
        PrecomputedUMAP(**SETTINGS, checkpoint=tmp_path / "runs").fit(**arrays)


@pytest.fixture
def as_nobody(half_done):
    """Return a folder where an unprivileged user may write, and become that user if the tests run as root.

    The requested fixture imports every module before, since that user may not be able to read them.
    """
    folder, user = Path(tempfile.mkdtemp()), os.geteuid()
    folder.chmod(0o777)
    if user == 0:
        os.seteuid(65534)
    yield folder
    os.seteuid(user)
    shutil.rmtree(folder)


@pytest.mark.parametrize("epochs", [0, 1, 20])
def test_read_only_directory(arrays, whole, as_nobody, monkeypatch, epochs):
    """A read-only directory is an error before the graph is built, with a run in it or not. A finished run is read."""
    model = PrecomputedUMAP(**SETTINGS, checkpoint=as_nobody / "runs")
    (as_nobody / "runs").mkdir()
    if epochs:
        PrecomputedUMAP(**SETTINGS, checkpoint=as_nobody / "runs").partial_fit(**arrays, epochs=epochs)
    folders = [as_nobody / "runs", *(as_nobody / "runs").iterdir()]
    for folder in folders:
        lock.unlock(folder)
        folder.chmod(0o500)
    monkeypatch.setattr(learn, "build_graph", None)
    try:
        if epochs == 20:
            assert np.array_equal(model.fit_transform(**arrays), whole)
        else:
            with pytest.raises(PermissionError, match="checkpoints cannot be kept in .*runs, so nothing was computed"):
                model.fit(**arrays)
    finally:
        for folder in folders:
            folder.chmod(0o700)


def test_directory_that_becomes_read_only(arrays, whole, as_nobody):
    """If the folder becomes read-only, partial_fit warns and continues, so that the state in memory is not lost."""
    model = PrecomputedUMAP(**SETTINGS, checkpoint=as_nobody).partial_fit(**arrays, epochs=5)
    (folder,) = as_nobody.iterdir()
    folder.chmod(0o500)
    with pytest.warns(CheckpointWarning, match="Permission denied"):
        model.partial_fit(epochs=5)
    folder.chmod(0o700)
    assert np.array_equal(model.partial_fit(epochs=10).embedding_, whole) and newest(folder) == 20


def test_another_version(arrays, whole, half_done, monkeypatch):
    """Another version may compute other bits, so a new run starts, and the warning names the versions."""
    folder, model = half_done
    message = f"format={identity.RUN_FORMAT} there, 77 here; umap_sk='[0-9.]+' there, '99.0' here"
    monkeypatch.setattr(identity, "__version__", "99.0")
    monkeypatch.setattr(identity, "RUN_FORMAT", 77)
    strict = PrecomputedUMAP(**SETTINGS, checkpoint=Checkpoint(folder.parent, on_mismatch="raise"))
    lock.unlock(folder)  # This process still has the lock of the unfinished run.
    with pytest.raises(ValueError, match=message):
        strict.fit(**arrays)
    with pytest.warns(CheckpointMismatchWarning, match=message):
        assert np.array_equal(model.fit_transform(**arrays), whole)
    assert newest(folder) == 12 and len(list(folder.parent.iterdir())) == 2


# ------------------------------------------------------------------------------------------------------ two at once


def test_two_processes_on_one_run(arrays, tmp_path):
    """A second process gets an error that names the first, also between two steps.

    After the first is killed, it resumes.
    """
    process = start(arrays, tmp_path, 20, "model.partial_fit(**arrays)\nprint(flush=True)\nsys.stdin.read()")
    folder = wait_for(process, tmp_path)
    process.stdout.readline()
    model = PrecomputedUMAP(**SETTINGS, checkpoint=tmp_path / "runs")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(BlockingIOError, match=f"{folder} is being computed by process {process.pid} on .* Wait until"):
        model.fit(**arrays)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    other = PrecomputedUMAP(**{**SETTINGS, "min_dist": 0.3}, checkpoint=tmp_path / "runs").fit(**arrays)
    assert other.epoch_ == 20
    process.kill()
    process.communicate()
    whole = PrecomputedUMAP(**SETTINGS).fit_transform(**arrays)
    assert np.array_equal(model.fit_transform(**arrays), whole)


def test_finished_run_needs_no_lock(arrays, whole, half_done):
    """A finished run can be read while another process has its lock."""
    folder, model = half_done
    model.fit(**arrays)
    lock.lock(folder)
    try:
        assert np.array_equal(model.fit_transform(**arrays), whole)
    finally:
        lock.unlock(folder)


def test_a_run_is_given_back_with_its_estimator(arrays, tmp_path):
    """The lock of an unfinished run is released when its estimator is deleted."""
    settings = {**SETTINGS, "checkpoint": tmp_path / "runs"}
    stepped = PrecomputedUMAP(**settings).partial_fit(**arrays, epochs=3).partial_fit()
    (folder,) = (tmp_path / "runs").iterdir()
    assert lock.find_holder(folder)
    again = PrecomputedUMAP(**settings).partial_fit(**arrays)  # in the same process, from the first one's checkpoint
    assert again.epoch_ == 5
    del stepped
    gc.collect()
    assert not lock.find_holder(folder)
    again.partial_fit()
    assert lock.find_holder(folder)  # The call locks the folder again.
    del again
    gc.collect()
    assert not lock.find_holder(folder)


def test_a_lock_that_cannot_be_described_is_released(half_done, monkeypatch):
    """On a full disk, the lock of a fit that fails does not keep the next one out."""
    folder, _ = half_done

    def fail(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", fail)
        with pytest.raises(OSError, match="No space left"):
            lock.lock(folder)
    assert not lock.find_holder(folder) and lock.lock(folder)
    lock.unlock(folder)


def test_forked_child_does_not_hold_the_parents_lock(half_done):
    """A lock belongs to one process: a forked child that continues to run does not keep others out."""
    folder, _ = half_done
    assert lock.lock(folder) and lock.find_holder(folder)
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    try:
        time.sleep(0.5)
        lock.unlock(folder)
        assert not lock.find_holder(folder)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
