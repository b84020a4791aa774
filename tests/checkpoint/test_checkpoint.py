"""Tests of runs on disk: what a fit writes, what it resumes to the same bits, and when it is another run."""

import contextlib
import functools
import json
import logging
import os
import pickle
import shutil
import stat
import subprocess
import sys
import threading
from pathlib import Path

import joblib
import numba
import numpy as np
import pytest
from layouts import interrupted_at
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neighbors import NearestNeighbors

from umap_sk import Checkpoint, CheckpointMismatchWarning, CheckpointWarning, PrecomputedUMAP, knn_graph
from umap_sk.checkpoint import identity, session, store
from umap_sk.layout import coarsen, optimizer
from umap_sk.pipeline import learn
from umap_sk.runtime.checksum import hash_file

SETTINGS = {"n_neighbors": 5, "n_epochs": 20, "random_state": 0}
ROOT = Path(__file__).parents[2]


@pytest.fixture
def keep(tmp_path):
    """Return the settings of a checkpoint after every epoch."""
    return Checkpoint(tmp_path / "runs", every_epochs=1, every_seconds=None)


@contextlib.contextmanager
def interrupted(last):
    """Expect a KeyboardInterrupt from the block, and raise it after the given number of epochs."""
    with interrupted_at(last), pytest.raises(KeyboardInterrupt):
        yield


@pytest.fixture
def epochs_run(monkeypatch):
    """Return a list that collects the number of every epoch that is computed."""
    seen, advance = [], optimizer.run_epoch

    def spy(layout, state, spare=None):
        seen.append(state.epoch)
        return advance(layout, state, spare)

    monkeypatch.setattr(optimizer, "run_epoch", spy)
    return seen


def folders(checkpoint):
    """Return the folders of the runs."""
    return sorted(path.parent for path in checkpoint.path.glob("*/run.json"))


def epochs_in(folder):
    """Return the epochs of the checkpoints in a folder."""
    return sorted(int(path.stem.split("-")[1]) for path in folder.glob("epoch-*.joblib"))


# ------------------------------------------------------------------------------------------------------- the value


@pytest.mark.parametrize(
    "options, message",
    [
        ({"directory": 3}, "directory=3, but a path"),
        ({"directory": b"runs"}, "directory=b'runs', but a path"),
        ({"directory": ""}, "'.' is the current folder"),
        ({"every_epochs": 0}, "every_epochs=0, but a whole number of at least 1 or None"),
        ({"every_epochs": 1.5}, "every_epochs=1.5, but"),
        ({"every_epochs": True}, "every_epochs=True, but"),
        ({"every_seconds": 0}, "every_seconds=0, but a number above 0 or None"),
        ({"every_seconds": float("nan")}, "every_seconds=nan, but"),
        ({"every_seconds": None}, "every_epochs and every_seconds are both None"),
        ({"keep": 0}, "keep=0, but a whole number of at least 1"),
        ({"on_mismatch": "overwrite"}, "on_mismatch='overwrite' is not known; use 'new' or 'raise'"),
    ],
)
def test_value_out_of_range(options, message):
    """The error for an invalid value names the value and the valid ones."""
    with pytest.raises((TypeError, ValueError), match=message):
        Checkpoint(**{"directory": "runs", **options})


def test_value_is_a_parameter_like_others(keep):
    """A Checkpoint can be compared, pickled and cloned, is immutable, and expands a home directory."""
    model = PrecomputedUMAP(checkpoint=keep)
    assert clone(model).checkpoint == keep == pickle.loads(pickle.dumps(keep))
    assert "Checkpoint(directory=" in repr(model)
    assert Checkpoint("~/runs").path == Path.home() / "runs"
    with pytest.raises(AttributeError):
        keep.keep = 3


# ------------------------------------------------------------------------------------------------- what is written


@pytest.mark.parametrize("given", [str, Path, Checkpoint, lambda path: Checkpoint(path, every_epochs=3, keep=1)])
@pytest.mark.parametrize("call", ["fit", "fit_transform"])
def test_same_bits_with_checkpoints(arrays, whole, tmp_path, given, call):
    """Checkpoints do not change the map, and the folder finally contains the finished run."""
    model = PrecomputedUMAP(**SETTINGS, checkpoint=given(tmp_path / "deep" / "runs"))
    getattr(model, call)(**arrays)
    assert np.array_equal(model.embedding_, whole)
    (folder,) = (tmp_path / "deep" / "runs").iterdir()
    assert epochs_in(folder)[-1] == 20 and len(epochs_in(folder)) <= 2
    assert not list(folder.glob("*.tmp"))


def test_what_lies_in_a_folder(digits, keep):
    """Every joblib file has a JSON file with its size and checksum, and the graph is written only once."""
    arrays = {"knn_indices": digits.knn_indices, "knn_dists": digits.knn_dists}
    model = PrecomputedUMAP(n_epochs=20, random_state=7, min_dist=0.2, checkpoint=keep)
    with interrupted(9):
        model.fit(**arrays)
    (folder,) = folders(keep)
    graph = os.stat(folder / "graph.joblib")
    written = graph.st_ino, graph.st_mtime_ns
    with interrupted(15):
        model.fit(**arrays)
    graph = os.stat(folder / "graph.joblib")
    assert (graph.st_ino, graph.st_mtime_ns) == written
    assert epochs_in(folder)[-1] == 15 and len(epochs_in(folder)) == 2
    for path in folder.glob("*.joblib"):
        notes = json.loads(path.with_suffix(".json").read_text())
        assert notes["checksum"] == hash_file(path)
        assert notes["bytes"] == path.stat().st_size and notes["run"] == folder.name and notes["umap_sk"]
    notes = json.loads((folder / "epoch-00000015.json").read_text())
    assert (notes["epoch"], notes["n_epochs"], notes["level"], notes["seed"]) == (15, 20, 0, 7)
    assert notes["parameters"]["min_dist"] == 0.2
    assert {"n_jobs", "verbose", "checkpoint"}.isdisjoint(notes["parameters"])
    assert (folder / "epoch-00000015.joblib").stat().st_size <= 1797 * (12 * 2 + 16)
    stored = joblib.load(folder / "epoch-00000015.joblib")
    assert np.array_equal(stored["state"]["positions"], model.embedding_[model._fitted.run.layout.rows])
    assert stored["identity"]["data"].keys() == {"knn_indices", "knn_dists"}
    model.fit(**arrays)
    assert (folder / "epoch-00000020.joblib").stat().st_size <= 1797 * (4 * 2 + 16)
    assert np.array_equal(joblib.load(folder / "epoch-00000020.joblib")["state"]["positions"], model.embedding_)


@pytest.mark.parametrize("every_epochs, expected", [(1, list(range(1, 21))), (6, [6, 12, 18, 20]), (100, [20])])
def test_every_so_many_epochs(arrays, tmp_path, monkeypatch, every_epochs, expected):
    """A checkpoint is written every few epochs and at the end. The test waits, so that the disk is never too slow."""
    checkpoint = Checkpoint(tmp_path, every_epochs=every_epochs, keep=100)
    write_if_due = session.Session.write_if_due

    def wait(self, state):
        if self._pending:
            self._pending.result()
        write_if_due(self, state)

    monkeypatch.setattr(session.Session, "write_if_due", wait)
    PrecomputedUMAP(**SETTINGS, checkpoint=checkpoint).fit(**arrays)
    assert epochs_in(folders(checkpoint)[0]) == expected


def test_slow_disk_gets_the_state_of_its_epoch(arrays, keep, monkeypatch):
    """While a checkpoint is being written, others are skipped and its arrays are not overwritten by later epochs."""
    seven_later, write, write_if_due = threading.Event(), store.write_state, session.Session.write_if_due

    def write_late(folder, identity, stored):
        assert stored.state.epoch != 5 or seven_later.wait(60)
        write(folder, identity, stored)

    def tell(self, state):
        write_if_due(self, state)
        if state.epoch == 4:
            self._pending.result()
        if state.epoch == 12:
            seven_later.set()
            self._pending.result()

    monkeypatch.setattr(store, "write_state", write_late)
    monkeypatch.setattr(session.Session, "write_if_due", tell)
    checkpoint = Checkpoint(keep.directory, every_epochs=1, keep=100)
    PrecomputedUMAP(**SETTINGS, checkpoint=checkpoint).fit(**arrays)
    (folder,) = folders(keep)
    assert {5, 13} <= set(epochs_in(folder)) and not set(range(6, 13)) & set(epochs_in(folder))
    for epoch in set(epochs_in(folder)) - {20}:
        alone = PrecomputedUMAP(**SETTINGS).partial_fit(**arrays, epochs=epoch)._fitted.run.layout.state
        stored = joblib.load(folder / f"epoch-{epoch:08d}.joblib")["state"]
        assert np.array_equal(stored["positions"], alone.positions)
        assert np.array_equal(stored["moments"], alone.moments)


def test_every_so_many_seconds(arrays, tmp_path, monkeypatch):
    """A clock that jumps after the 7th epoch causes exactly one checkpoint before the last."""
    checkpoint = Checkpoint(tmp_path, every_seconds=60, keep=100)
    clock = [0.0]
    monkeypatch.setattr(session.time, "monotonic", lambda: clock[0])
    model, write_if_due = PrecomputedUMAP(**SETTINGS, checkpoint=checkpoint), session.Session.write_if_due

    def jump(self, state):
        if self._pending:
            self._pending.result()
        clock[0] += 100.0 * (state.epoch == 7)
        write_if_due(self, state)

    monkeypatch.setattr(session.Session, "write_if_due", jump)
    model.fit(**arrays)
    assert epochs_in(folders(checkpoint)[0]) == [7, 20]


def test_names_and_modes_of_files(arrays, whole, tmp_path):
    """Paths may contain spaces, other alphabets and links. New files have the permissions of the user's umask."""
    (tmp_path / "läufe auf дискe").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "läufe auf дискe")
    before = os.umask(0o027)
    try:
        model = PrecomputedUMAP(**SETTINGS, checkpoint=tmp_path / "link").fit(**arrays)
    finally:
        os.umask(before)
    assert np.array_equal(model.embedding_, whole)
    (folder,) = (tmp_path / "läufe auf дискe").iterdir()
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o640}


def test_failed_call_leaves_nothing(arrays, keep):
    """A fit that fails on its input leaves no folder of a run."""
    wrong = {**arrays, "knn_dists": np.full_like(arrays["knn_dists"], np.nan)}
    with pytest.raises(ValueError, match="NaN"):
        PrecomputedUMAP(**SETTINGS, checkpoint=keep).fit(**wrong)
    assert not list(keep.path.iterdir())


# ------------------------------------------------------------------------------------------------ what is resumed


@pytest.mark.parametrize("last", [1, 10, 19])
@pytest.mark.parametrize("call", ["fit", "fit_transform", "partial_fit"])
def test_same_fit_again_goes_on(arrays, whole, keep, epochs_run, caplog, last, call):
    """The same fit computes only the remaining epochs, on any number of threads, and logs that it resumed."""
    with interrupted(last):
        PrecomputedUMAP(**SETTINGS, checkpoint=keep).fit(**arrays)
    epochs_run.clear()
    again = PrecomputedUMAP(**SETTINGS, checkpoint=Checkpoint(keep.directory, keep=5), n_jobs=1, verbose=True)
    with caplog.at_level(logging.INFO, "umap_sk"):
        getattr(again, call)(**arrays, **({"epochs": 100} if call == "partial_fit" else {}))
    assert epochs_run == list(range(last, 20))
    assert np.array_equal(again.embedding_, whole)
    assert any(f"resumed epoch {last} of 20 from" in record.getMessage() for record in caplog.records)
    assert [phase["name"] for phase in again.report_["phases"]] == ["resume", "layout"]


@pytest.mark.parametrize("last", [1, 17, 20, 23, 32, 43])
def test_resumed_on_every_level(keep, monkeypatch, last):
    """A run resumes to the same bits on every level, also from a state between two phases."""
    monkeypatch.setattr(coarsen, "build_levels", functools.partial(coarsen.build_levels, largest=50))
    rows = np.random.default_rng(0).normal(size=(1000, 3)).astype(np.float32)
    dists, indices = NearestNeighbors(n_neighbors=10).fit(rows).kneighbors(rows)
    arrays, settings = {"knn_indices": indices, "knn_dists": dists}, {"n_epochs": 60, "random_state": 3}
    expected = PrecomputedUMAP(10, **settings).fit(**arrays)
    assert len(expected.report_["phases"][-2]["levels"]) == 3
    with interrupted(last):
        PrecomputedUMAP(10, **settings, checkpoint=keep).fit(**arrays)
    model = PrecomputedUMAP(10, **settings, checkpoint=keep).fit(**arrays)
    assert np.array_equal(model.embedding_, expected.embedding_)


def test_seed_that_was_drawn_is_resumed(arrays, keep):
    """A fit with random_state=None resumes with the stored seed. The same seed as a parameter makes another run."""
    settings = {**SETTINGS, "random_state": None, "checkpoint": keep}
    with interrupted(11):
        PrecomputedUMAP(**settings).fit(**arrays)
    model = PrecomputedUMAP(**settings).fit(**arrays)
    assert len(folders(keep)) == 1
    expected = PrecomputedUMAP(**{**SETTINGS, "random_state": model.seed_}).fit_transform(**arrays)
    assert np.array_equal(model.embedding_, expected)
    PrecomputedUMAP(**{**SETTINGS, "random_state": model.seed_}, checkpoint=keep).fit(**arrays)
    assert len(folders(keep)) == 2


def test_generators_are_drawn_from_as_without_checkpoints(arrays, keep):
    """Two fits with one generator are two runs. The same program finds the same two runs again."""
    for _ in range(2):
        random = np.random.RandomState(5)
        settings = {**SETTINGS, "random_state": random, "checkpoint": keep}
        maps = [PrecomputedUMAP(**settings).fit_transform(**arrays) for _ in range(2)]
        assert len(folders(keep)) == 2 and not np.array_equal(*maps)


def test_finished_run_is_returned(arrays, whole, keep, epochs_run, caplog):
    """A finished run is only read: no epoch is computed, the log says so, and the model is the same."""
    first = PrecomputedUMAP(**SETTINGS, checkpoint=keep).fit(**arrays)
    epochs_run.clear()
    again = PrecomputedUMAP(**SETTINGS, checkpoint=keep)
    with caplog.at_level(logging.INFO, "umap_sk"):
        assert np.array_equal(again.fit_transform(**arrays), whole)
    assert [phase["name"] for phase in again.report_["phases"]] == ["resume"]
    assert not epochs_run and any("finished run (epoch 20 of 20)" in record.getMessage() for record in caplog.records)
    assert again.__dict__.keys() == first.__dict__.keys()
    for name in ("seed_", "n_epochs_", "epoch_", "a_", "b_", "n_features_in_"):
        assert getattr(again, name) == getattr(first, name)
    new = {name: array[:5] for name, array in arrays.items()}
    assert np.array_equal(again.transform(**new), first.transform(**new))
    stepped = PrecomputedUMAP(**SETTINGS, checkpoint=keep).partial_fit(**arrays)
    assert stepped.epoch_ == 20 and np.array_equal(stepped.embedding_, whole) and not epochs_run
    with pytest.raises(ValueError, match="All 20 epochs have been run"):
        stepped.partial_fit()


def test_forms_of_input(ring, keep, epochs_run):
    """A run resumes for features, neighbors, a sparse graph, a manifold and a given initial layout."""
    manifold = PrecomputedUMAP(5).learn_manifold(knn_indices=ring[0], knn_dists=ring[1])
    start = ring[2][::-1].copy()
    cases = [
        ({"metric": "euclidean"}, {"X": ring[2]}),
        ({"init": "pca"}, {"X": ring[2], "knn_indices": ring[0], "knn_dists": ring[1]}),
        ({}, {"X": knn_graph(*ring[:2])}),
        ({}, {"manifold": manifold}),
        ({"init": start}, {"manifold": manifold}),
        ({}, {"manifold": manifold, "init": start[::2].repeat(2, 0)}),
    ]
    for number, (parameters, data) in enumerate(cases):
        expected = PrecomputedUMAP(**SETTINGS, **parameters).fit(**data)
        with interrupted(12):
            PrecomputedUMAP(**SETTINGS, **parameters, checkpoint=keep).fit(**data)
        epochs_run.clear()
        model = PrecomputedUMAP(**SETTINGS, **parameters, checkpoint=keep).fit(**data)
        assert epochs_run == list(range(12, 20)) and len(folders(keep)) == number + 1
        assert np.array_equal(model.embedding_, expected.embedding_)
        assert model.n_features_in_ == expected.n_features_in_
        if parameters.get("metric"):
            assert np.array_equal(model.transform(ring[2][:7] + 0.01), expected.transform(ring[2][:7] + 0.01))
    assert len(list(keep.path.glob("*/graph.joblib"))) == 3  # A manifold is not stored, since the caller has it.


@pytest.mark.parametrize("damage", ["removed", "damaged"])
def test_lost_graph_is_built_again(arrays, whole, keep, damage):
    """A graph that is missing or damaged is built again from the data, and the run resumes to the same map."""
    with interrupted(12):
        PrecomputedUMAP(**SETTINGS, checkpoint=keep).fit(**arrays)
    path = folders(keep)[0] / "graph.joblib"
    content = path.read_bytes()
    path.unlink() if damage == "removed" else path.write_bytes(content[:-1] + b"?")
    model = PrecomputedUMAP(**SETTINGS, checkpoint=keep)
    with pytest.warns(CheckpointWarning, match="built again") if damage == "damaged" else contextlib.nullcontext():
        model.fit(**arrays)
    assert np.array_equal(model.embedding_, whole)
    assert path.read_bytes() == content


@pytest.mark.parametrize("last", [12, 20])
def test_neighbors_that_change_begin_anew(ring, keep, monkeypatch, recwarn, last):
    """If the graph is lost and the search finds other neighbors, the run restarts and is stored again."""
    settings = {**SETTINGS, "metric": "euclidean"}
    with interrupted(last) if last < 20 else contextlib.nullcontext():
        PrecomputedUMAP(**settings, checkpoint=keep).fit(ring[2])
    (folders(keep)[0] / "graph.joblib").unlink()
    find = learn.search_training

    def find_others(*arguments):
        search, indices, dists, figures = find(*arguments)
        return search, indices, dists * 1.01 + np.arange(len(dists))[:, None], figures

    monkeypatch.setattr(learn, "search_training", find_others)
    expected = PrecomputedUMAP(**settings).fit_transform(ring[2])
    with pytest.warns(CheckpointWarning, match="not that of the run"):
        assert np.array_equal(PrecomputedUMAP(**settings, checkpoint=keep).fit_transform(ring[2]), expected)
    recwarn.clear()
    again = PrecomputedUMAP(**settings, checkpoint=keep).fit(ring[2])
    assert np.array_equal(again.embedding_, expected) and not recwarn
    assert again.report_["phases"][-1]["name"] == "resume"  # No epoch is computed.


# ---------------------------------------------------------------------------------------------------- partial_fit


@pytest.mark.parametrize("epochs", [1, 7])
def test_steps_go_on_in_the_next_process(arrays, whole, keep, epochs_run, epochs):
    """Every partial_fit ends with a checkpoint, whatever the settings, from which a new estimator resumes."""
    keep = Checkpoint(keep.directory)
    PrecomputedUMAP(**SETTINGS, checkpoint=keep).partial_fit(**arrays, epochs=epochs).partial_fit(epochs=epochs)
    assert epochs_in(folders(keep)[0])[-1] == 2 * epochs
    model = PrecomputedUMAP(**SETTINGS, checkpoint=keep).partial_fit(**arrays, epochs=epochs)
    assert model.epoch_ == min(3 * epochs, 20)
    while model.epoch_ < model.n_epochs_:
        model.partial_fit(epochs=epochs)
    assert np.array_equal(model.embedding_, whole) and epochs_run == [*range(20)]


def test_steps_after_an_interrupted_fit(arrays, whole, keep):
    """After an interrupted fit, partial_fit of the same estimator continues the run and its folder."""
    model = PrecomputedUMAP(**SETTINGS, checkpoint=keep)
    with interrupted(6):
        model.fit(**arrays)
    model.partial_fit(epochs=4)
    assert epochs_in(folders(keep)[0])[-1] == 10
    assert np.array_equal(PrecomputedUMAP(**SETTINGS, checkpoint=keep).fit_transform(**arrays), whole)
    assert np.array_equal(model.partial_fit(epochs=10).embedding_, whole)


def test_one_folder_by_two_names(arrays, whole, keep):
    """A process can resume its own run by another path to the same folder."""
    PrecomputedUMAP(**SETTINGS, checkpoint=keep).partial_fit(**arrays, epochs=5)
    keep.path.with_name("link").symlink_to(keep.path)
    model = PrecomputedUMAP(**SETTINGS, checkpoint=keep.path.with_name("link"))
    assert np.array_equal(model.partial_fit(**arrays, epochs=15).embedding_, whole)


def test_copies_share_a_run(arrays, whole, keep):
    """A copy that is behind the checkpoints on disk reaches the same bits and removes no newer checkpoint."""
    model = PrecomputedUMAP(**SETTINGS, checkpoint=keep).partial_fit(**arrays, epochs=5)
    twin = pickle.loads(pickle.dumps(model))
    model.partial_fit(epochs=10)
    assert twin.partial_fit(epochs=5).epoch_ == 10
    assert epochs_in(folders(keep)[0])[-1] == 15
    assert np.array_equal(model.partial_fit(epochs=5).embedding_, whole)
    assert np.array_equal(twin.partial_fit(epochs=10).embedding_, whole)


def test_checkpoint_that_comes_late(arrays, whole, keep):
    """A checkpoint cannot be set after the first epoch. Without it the estimator continues."""
    model = PrecomputedUMAP(**SETTINGS).partial_fit(**arrays, epochs=5).set_params(checkpoint=keep)
    with pytest.raises(ValueError, match="Set it before the first call, or checkpoint=None"):
        model.partial_fit()
    assert np.array_equal(model.set_params(checkpoint=None).partial_fit(epochs=15).embedding_, whole)


def test_half_done_estimators_in_another_process(arrays, whole, keep, tmp_path):
    """A pickled, unfinished estimator resumes to the same bits in a process with one thread."""
    for name, checkpoint in (("without", None), ("with", keep)):
        model = PrecomputedUMAP(**SETTINGS, checkpoint=checkpoint).partial_fit(**arrays, epochs=9)
        joblib.dump(model, tmp_path / f"{name}.joblib")
    model.partial_fit(epochs=11)  # This call unlocks the folder.
    script = (
        "import joblib, numpy\n"
        "for name in ('without', 'with'):\n"
        "    model = joblib.load(f'{name}.joblib').set_params(n_jobs=1)\n"
        "    numpy.save(f'{name}.npy', model.partial_fit(epochs=11).embedding_)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path, env=environment)
    assert np.array_equal(np.load(tmp_path / "without.npy"), whole)
    assert np.array_equal(np.load(tmp_path / "with.npy"), whole)


def test_finished_model_carries_no_optimizer(digits, keep):
    """A finished model has no state of the optimizer, and its pickle is only slightly larger than map and graph."""
    arrays = {"knn_indices": digits.knn_indices, "knn_dists": digits.knn_dists}
    model = PrecomputedUMAP(n_epochs=10, random_state=0, checkpoint=keep).partial_fit(**arrays, epochs=4)
    assert model._fitted.run.layout is not None and model._fitted.run.identity
    model.partial_fit(epochs=6)
    fitted = PrecomputedUMAP(n_epochs=10, random_state=0).fit(**arrays)
    for finished in (model, fitted):
        assert finished._fitted.run is None or finished._fitted.run.layout is None
        arrays_in_it = finished.embedding_.nbytes + sum(array.nbytes for array in finished.manifold_.arrays())
        assert len(pickle.dumps(finished)) < arrays_in_it + 10_000


def test_resumed_before_the_first_state(arrays, whole, keep):
    """A run that has only its graph starts from the stored distances and reaches the same map."""
    with interrupted(1):
        PrecomputedUMAP(**SETTINGS, checkpoint=keep).fit(**arrays)
    (folder,) = folders(keep)
    for path in folder.glob("epoch-*"):
        path.unlink()
    expected = PrecomputedUMAP(5).learn_manifold(**arrays)._shared.lengths
    model = PrecomputedUMAP(**SETTINGS, checkpoint=keep).fit(**arrays)
    assert [phase["name"] for phase in model.report_["phases"]] == ["start", "layout"]  # The graph is not built.
    assert model.report_["phases"][0]["init"] == "pivot_mds"
    assert np.array_equal(model.embedding_, whole)
    assert np.array_equal(model.manifold_._shared.lengths, expected)


# -------------------------------------------------------------------------------------------------- another run


@pytest.mark.parametrize(
    "change, message",
    [
        ({"min_dist": 0.2}, "min_dist=0.1 there, 0.2 here"),
        ({"random_state": 1}, "random_state=0 there, 1 here"),
        (
            {"n_epochs": 30, "symmetrize": False},
            "n_epochs=20 there, 30 here; symmetrize=True there, False here",
        ),
        ({"init": np.eye(60, 2, dtype=np.float32)}, "init='auto' there, 'hash [0-9a-f]+' here"),
        ({"knn_dists": 2.0}, "knn_dists differs"),
        ({"X": 1.0}, "X given only here"),
    ],
)
def test_other_run_that_is_unfinished(ring, arrays, whole, keep, change, message):
    """For other parameters or data, the warning or error names the difference. Both runs can be finished."""
    settings = {**SETTINGS, **{name: value for name, value in change.items() if name in PrecomputedUMAP().get_params()}}
    data = dict(arrays)
    if "knn_dists" in change:
        data["knn_dists"] = arrays["knn_dists"] * change["knn_dists"]
    if "X" in change:
        data["X"] = ring[2]
    with interrupted(12):
        PrecomputedUMAP(**SETTINGS, checkpoint=keep).fit(**arrays)
    (first,) = folders(keep)
    before = {path.name: path.read_bytes() for path in first.iterdir()}
    strict = Checkpoint(keep.directory, on_mismatch="raise")
    with pytest.raises(ValueError, match=f"{first.name}.*epoch 12 of 20.*{message}.*Use what it was begun with"):
        PrecomputedUMAP(**settings, checkpoint=strict).fit(**data)
    expected = PrecomputedUMAP(**settings).fit_transform(**data)
    with pytest.warns(CheckpointMismatchWarning, match=message):
        assert np.array_equal(PrecomputedUMAP(**settings, checkpoint=keep).fit_transform(**data), expected)
    assert {path.name: path.read_bytes() for path in first.iterdir()} == before
    assert np.array_equal(PrecomputedUMAP(**SETTINGS, checkpoint=strict).fit_transform(**arrays), whole)


def test_nearest_of_several_runs_is_named(arrays, keep):
    """The warning names the unfinished run with the fewest differences."""
    PrecomputedUMAP(**SETTINGS, spread=1.1, checkpoint=keep).fit(**arrays)
    for change in ({"min_dist": 0.2, "spread": 1.1}, {"min_dist": 0.2}):
        with (
            interrupted(12),
            pytest.warns(CheckpointMismatchWarning) if "spread" not in change else contextlib.nullcontext(),
        ):
            PrecomputedUMAP(**SETTINGS, **change, checkpoint=keep).fit(**arrays)
    with pytest.warns(CheckpointMismatchWarning, match="this one: min_dist=0.2 there, 0.1 here. A new"):
        PrecomputedUMAP(**SETTINGS, checkpoint=keep).fit(**arrays)


def test_numbers_that_are_equal_are_no_difference(arrays, keep, epochs_run):
    """Equal numbers of different types, such as 1 and 1.0, belong to the same run."""
    PrecomputedUMAP(**SETTINGS, spread=1, checkpoint=keep).fit(**arrays)
    epochs_run.clear()
    others = {"spread": np.float64(1), "n_epochs": np.int64(20), "symmetrize": np.True_}
    PrecomputedUMAP(**{**SETTINGS, **others}, checkpoint=keep).fit(**arrays)
    assert not epochs_run


def test_functions_are_told_apart_by_what_they_do(ring, keep):
    """Two metrics with the same name and different code make two runs, and the same metric twice makes one."""
    metrics = [lambda a, b: np.abs(a - b).sum(), lambda a, b: np.abs(a - b).max()]
    for metric in (metrics[0], metrics[1], metrics[0]):
        PrecomputedUMAP(**SETTINGS, metric=metric, checkpoint=keep).fit(ring[2])
    assert len(folders(keep)) == 2


EXPONENT = 1  # a global that a metric uses


def test_functions_are_told_apart_by_what_they_use(ring, keep, monkeypatch):
    """Metrics that differ in enclosing variables, defaults or globals make different runs, also if compiled."""
    names = set()

    def weighted(weights, power=1):
        def metric(a, b, power=power):
            return (weights * np.abs(a - b) ** power).sum() ** EXPONENT

        return metric

    def count_runs(*variant):
        metric = weighted(*variant)
        PrecomputedUMAP(**SETTINGS, metric=metric, checkpoint=keep).fit(ring[2][:, :2])
        names.add(identity.name_run(identity.identify_run({"metric": numba.njit(metric)}, {})))
        assert len(names) == len(folders(keep))
        return len(names)

    variants = (np.ones(2),), (np.array([1.0, 0.5]),), (np.ones(2), 2), (np.ones(2),)
    assert [count_runs(*variant) for variant in variants] == [1, 2, 3, 3]
    monkeypatch.setattr(sys.modules[__name__], "EXPONENT", 2)
    assert [count_runs(*variant) for variant in variants] == [4, 5, 6, 6]


def test_a_function_that_cannot_be_told(ring, keep):
    """The error names an object that a metric uses and that cannot be compared."""
    lock = threading.Lock()
    with pytest.raises(ValueError, match="uses 'lock', a lock, of which no checkpoint can tell"):
        PrecomputedUMAP(**SETTINGS, metric=lambda a, b: lock and 1.0, checkpoint=keep).fit(ring[2])


# ----------------------------------------------------------------------------------------------- cross-validation


@pytest.mark.filterwarnings("ignore::umap_sk.FewerNeighborsWarning", "ignore::umap_sk.DisconnectedWarning")
def test_search_that_is_cut_off_goes_on(ring, keep, epochs_run):
    """Each candidate and fold has a folder.

    A repeated search reads the finished ones and resumes the interrupted one.
    """
    graph, folds = knn_graph(*ring[:2]), KFold(2, shuffle=True, random_state=0)
    settings = {**SETTINGS, "n_neighbors": 3}

    def search(checkpoint):
        model = PrecomputedUMAP(**settings, checkpoint=checkpoint)
        return GridSearchCV(model, {"min_dist": [0.1, 0.5]}, cv=folds, error_score="raise").fit(graph)

    expected = search(None)
    epochs_run.clear()
    calls, run = [], optimizer.run_epochs
    third = pytest.MonkeyPatch()

    def stop_in_the_third(layout, state, epochs, on_epoch, **options):
        if state.epoch == 0:
            calls.append(state)

        def stop(state):
            on_epoch(state)
            if len(calls) == 3 and state.epoch == 8:
                raise KeyboardInterrupt

        return run(layout, state, epochs, stop, **options)

    with third.context() as patch:
        patch.setattr(optimizer, "run_epochs", stop_in_the_third)
        with pytest.raises(KeyboardInterrupt):
            search(keep)
    assert len(epochs_run) == 20 + 20 + 8 and len(folders(keep)) == 3
    epochs_run.clear()
    found = search(keep)
    assert len(epochs_run) == 12 + 20 + 20 and len(folders(keep)) == 5
    assert np.array_equal(found.best_estimator_.embedding_, expected.best_estimator_.embedding_)
    assert np.array_equal(found.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"])


@pytest.mark.filterwarnings("ignore::umap_sk.FewerNeighborsWarning", "ignore::umap_sk.DisconnectedWarning")
@pytest.mark.filterwarnings("error::umap_sk.CheckpointWarning", "error::umap_sk.CheckpointMismatchWarning")
def test_search_on_several_threads(ring, keep):
    """Candidates that are computed at the same time neither lock each other out nor warn of each other."""
    graph, grid = knn_graph(*ring[:2]), {"min_dist": [0.1, 0.2, 0.3, 0.4]}
    searches = []
    for checkpoint in (None, keep, keep):
        model = PrecomputedUMAP(**{**SETTINGS, "n_neighbors": 3}, checkpoint=checkpoint)
        search = GridSearchCV(model, grid, cv=KFold(2, shuffle=True, random_state=0), error_score="raise")
        with joblib.parallel_config(backend="threading", n_jobs=3):
            searches.append(search.fit(graph))
    assert len(folders(keep)) == 9
    for search in searches[1:]:
        assert np.array_equal(search.cv_results_["mean_test_score"], searches[0].cv_results_["mean_test_score"])


@pytest.mark.parametrize("removed", ["lock", "run.json"])
def test_folder_that_someone_tidied(arrays, whole, keep, removed):
    """Checkpoints are found without the small files next to them, which are written again."""
    with interrupted(12):
        PrecomputedUMAP(**SETTINGS, checkpoint=keep).fit(**arrays)
    (folder,) = folders(keep)
    (folder / removed).unlink()
    shutil.copytree(keep.path, keep.path.with_name("moved"))
    model = PrecomputedUMAP(**SETTINGS, checkpoint=keep.path.with_name("moved"))
    with (
        pytest.warns(CheckpointWarning, match="run.json is missing")
        if removed == "run.json"
        else contextlib.nullcontext()
    ):
        model.fit(**arrays)
    assert np.array_equal(model.embedding_, whole) and model.report_["phases"][0]["name"] == "resume"
    assert (keep.path.with_name("moved") / folder.name / removed).exists()
