"""Tests of foreign files in a run's folder: each is refused by name, and the map is right."""

import contextlib
import json
import shutil
import warnings

import joblib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from umap_sk import Checkpoint, CheckpointWarning, PrecomputedUMAP
from umap_sk.checkpoint import lock, metadata

SETTINGS = {"n_neighbors": 5, "n_epochs": 20, "random_state": 0}
FILES = ("run.json", "graph.json", "graph.joblib", "epoch-00000011.json", "epoch-00000011.joblib",
         "epoch-00000012.json", "epoch-00000012.joblib")  # fmt: skip
CONTENTS = [-1, 0, 1, 12, 20, 2**32, 10**30, 1.5, float("nan"), True, None, "", "0", [], {}, [[]], {"epoch": 1}]


def begun(arrays, directory, epochs=12, **changes):
    """Return the folder of an interrupted run, with two checkpoints unless `epochs` is 0."""
    checkpoint = Checkpoint(directory, every_seconds=1000)
    model = PrecomputedUMAP(**{**SETTINGS, **changes}, checkpoint=checkpoint)
    model.partial_fit(**arrays, epochs=max(epochs - 1, 1)).partial_fit()
    (folder,) = directory.iterdir()
    lock.unlock(folder)
    for path in [] if epochs else folder.glob("epoch-*"):
        path.unlink()
    return folder


@pytest.fixture
def unstarted(arrays, tmp_path):
    """Return the folder of a run that was killed between its graph and its first checkpoint."""
    return begun(arrays, tmp_path / "runs", 0)


@pytest.fixture
def half_done(arrays, tmp_path):
    return begun(arrays, tmp_path / "runs")


@pytest.fixture
def other(arrays, tmp_path):
    """Return the folder of a run with other data and another seed."""
    fewer = {name: array[:, :4] for name, array in arrays.items()}
    return begun(fewer, tmp_path / "others", random_state=5, n_neighbors=4)


def gone_on(arrays, folder, **changes):
    """Return the map and the seed of the same fit."""
    model = PrecomputedUMAP(**{**SETTINGS, **changes}, checkpoint=folder.parent)
    return model.fit_transform(**arrays), model.seed_


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("seed", [5, -1, 10**30, 2**32, "0", 0.0, False, None])
@pytest.mark.parametrize("started", ["unstarted", "half_done"])
def test_seed_that_was_not_asked_for(arrays, whole, request, started, seed):
    """A wrong seed in run.json does not change the map, and the file is written again."""
    folder = request.getfixturevalue(started)
    edit(folder / "run.json", seed=seed)
    with pytest.warns(CheckpointWarning, match=r"run.json cannot be used: seed=.*It is written again"):
        found, used = gone_on(arrays, folder)
    assert np.array_equal(found, whole) and used == 0
    assert json.loads((folder / "run.json").read_text())["seed"] == 0


@pytest.mark.parametrize("seed", [-1, 10**30, "7"])
def test_seed_that_was_drawn(arrays, tmp_path, seed):
    """With random_state=None and a damaged run.json, the seed is that of the checkpoint.

    Without one, a new seed is drawn.
    """
    folder = begun(arrays, tmp_path / "runs", random_state=None)
    drawn = json.loads((folder / "run.json").read_text())["seed"]
    expected = PrecomputedUMAP(**{**SETTINGS, "random_state": drawn}).fit_transform(**arrays)
    edit(folder / "run.json", seed=seed)
    with pytest.warns(CheckpointWarning, match="run.json cannot be used: seed="):
        assert np.array_equal(gone_on(arrays, folder, random_state=None)[0], expected)
    edit(folder / "run.json", seed=drawn ^ 1)
    for path in folder.glob("epoch-*"):
        path.unlink()
    with pytest.warns(CheckpointWarning, match="run.json cannot be used: its checksum differs"):
        found, used = gone_on(arrays, folder, random_state=None)
    assert used not in (seed, drawn ^ 1) and json.loads((folder / "run.json").read_text())["seed"] == used
    again = PrecomputedUMAP(**{**SETTINGS, "random_state": used}).fit_transform(**arrays)
    assert np.array_equal(found, again)


def test_a_checkpoint_of_another_draw(arrays, tmp_path):
    """A checkpoint with another seed than that of run.json is refused, and the map has the seed of run.json."""
    first = begun(arrays, tmp_path / "first", random_state=None)
    second = begun(arrays, tmp_path / "second", random_state=None)
    seed = json.loads((first / "run.json").read_text())["seed"]
    for path in second.glob("epoch-*"):
        shutil.copy(path, first)
    with pytest.warns(
        CheckpointWarning, match=rf"epoch-00000012.joblib cannot be used: seed=\d+, but the run has {seed}"
    ):
        found, used = gone_on(arrays, first, random_state=None)
    assert used == seed
    assert np.array_equal(found, PrecomputedUMAP(**{**SETTINGS, "random_state": seed}).fit_transform(**arrays))


def test_another_runs_graph(arrays, whole, unstarted, other):
    """A graph of another run is refused with the name of that run, and is built again."""
    for name in ("graph.joblib", "graph.json"):
        shutil.copy(other / name, unstarted)
    with pytest.warns(CheckpointWarning, match=f"graph.joblib cannot be used: it belongs to run '{other.name}'"):
        assert np.array_equal(gone_on(arrays, unstarted)[0], whole)
    assert json.loads((unstarted / "graph.json").read_text())["run"] == unstarted.name


def test_a_removal_that_was_cut_short(arrays, whole, half_done):
    """If a process was killed between removing the two files of a checkpoint, the next checkpoint removes the other."""
    (half_done / "epoch-00000011.joblib").unlink()
    places, _ = gone_on(arrays, half_done)
    np.testing.assert_array_equal(places, whole)
    assert not (half_done / "epoch-00000011.json").exists()


@pytest.mark.parametrize("started", ["unstarted", "half_done"])
def test_all_of_another_run(arrays, whole, request, other, started):
    """Each file of another run is refused by name."""
    folder = request.getfixturevalue(started)
    for path in other.iterdir():
        shutil.copy(path, folder)
    with pytest.warns(CheckpointWarning) as found:
        assert np.array_equal(gone_on(arrays, folder)[0], whole)
    told = "\n".join(str(warning.message) for warning in found)
    for name in ("run.json", "graph.joblib", "epoch-00000011.joblib", "epoch-00000012.joblib"):
        assert f"{name} cannot be used: it belongs to run '{other.name}'" in told


def test_after_a_refused_checkpoint(arrays, whole, half_done):
    """After all checkpoints are refused, the run restarts with the given seed and not with the refused one."""
    for path in half_done.glob("epoch-*.joblib"):
        value = joblib.load(path)
        notes = json.loads(path.with_suffix(".json").read_text())
        metadata.dump(path, value | {"state": value["state"] | {"seed": 5}}, notes | {"seed": 5})
    edit(half_done / "run.json", seed=5)
    with pytest.warns(CheckpointWarning, match="cannot be used: seed=5, but random_state=0 was asked for") as found:
        assert np.array_equal(gone_on(arrays, half_done)[0], whole)
    assert len(found) == 3


@pytest.mark.parametrize(
    "forged, message",
    [
        (lambda value: (1, 2), "it is no checkpoint"),
        (lambda value: {"run": value["run"]}, "it is no checkpoint"),
        (lambda value: value | {"identity": {**value["identity"], "data": {}}}, "it describes another run"),
        (lambda value: value | {"state": value["state"] | {"epoch": 13}}, "it is of epoch 13"),
        (lambda value: value | {"n_epochs": 12}, "epoch-00000012.json says n_epochs=20, not 12"),
        (lambda value: value | {"state": value["state"] | {"moments": np.zeros((2, 60, 3))}}, "axes, not"),
        (lambda value: value | {"state": {"positions": 1}}, "it is no checkpoint"),
    ],
)
def test_whole_files_that_say_something_else(arrays, whole, half_done, forged, message):
    """A checkpoint with a right checksum and wrong content is refused."""
    path = half_done / "epoch-00000012.joblib"
    notes = json.loads(path.with_suffix(".json").read_text())
    metadata.dump(path, forged(joblib.load(path)), notes)
    with pytest.warns(CheckpointWarning, match=f"epoch-00000012.joblib cannot be used: .*{message}"):
        assert np.array_equal(gone_on(arrays, half_done)[0], whole)


def test_notes_that_call_a_run_finished(arrays, whole, half_done):
    """A run that wrong notes call finished resumes, and its last epoch is stored."""
    edit(half_done / "epoch-00000012.json", n_epochs=12)
    with pytest.warns(CheckpointWarning, match="epoch-00000012.json says n_epochs=12, not 20"):
        assert np.array_equal(gone_on(arrays, half_done)[0], whole)
    assert (half_done / "epoch-00000020.joblib").exists()


NAMES = ("seed", "run", "epoch", "n_epochs", "bytes", "checksum", "parameters", "data", "format", "n_samples", "edges")
DAMAGES = st.one_of(
    st.tuples(st.just("bit"), st.floats(0, 1, exclude_max=True), st.integers(0, 7)),
    st.tuples(st.just("cut"), st.floats(0, 1, exclude_max=True), st.none()),
    st.tuples(st.just("json"), st.sampled_from(NAMES), st.sampled_from(CONTENTS)),
    st.tuples(st.just("copy"), st.sampled_from(FILES), st.booleans()),
    st.tuples(st.just("lost"), st.none(), st.none()),
)


def damage(folder, other, name, kind, where, how):
    """Damage one file in the given way."""
    path = folder / name
    if kind == "lost":
        path.unlink()
    elif kind == "copy":
        shutil.copy((other if how else folder) / where, path)
    elif kind == "json":
        path = path.with_suffix(".json")
        try:
            edit(path, **{where: how})
        except (ValueError, TypeError):  # The file is no longer JSON.
            path.write_text(json.dumps(how))
    elif content := bytearray(path.read_bytes()):
        content[int(where * len(content))] ^= 1 << (how if kind == "bit" else 0)
        path.write_bytes(content if kind == "bit" else content[: int(where * len(content))])


@given(st.integers(0, 2), st.lists(st.tuples(st.sampled_from(FILES), DAMAGES), min_size=1, max_size=3))
@settings(derandomize=True, deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
def test_whatever_happens_to_the_files(arrays, whole, half_done, other, tmp_path, checkpoints, damages):
    """With any damage and any number of checkpoints, the map is right and the only warnings are CheckpointWarning."""
    shutil.rmtree(tmp_path / "copy", ignore_errors=True)
    folder = tmp_path / "copy" / half_done.name
    shutil.copytree(half_done, folder)
    for path in sorted(folder.glob("epoch-*"))[2 * checkpoints :]:
        path.unlink()
    for name, (kind, where, how) in damages:
        with contextlib.suppress(FileNotFoundError, shutil.SameFileError):
            damage(folder, other, name, kind, where, how)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", CheckpointWarning)
        found, used = gone_on(arrays, folder)
    assert np.array_equal(found, whole) and used == 0
