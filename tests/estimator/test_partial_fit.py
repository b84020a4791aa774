"""Tests of partial_fit: steps, copies, interrupts, and the arguments of later calls."""

import copy
import pickle
import re
import tracemalloc

import joblib
import numpy as np
import pandas as pd
import pytest
from layouts import interrupted_at
from sklearn.base import clone

from umap_sk import UMAP, PrecomputedUMAP, knn_graph
from umap_sk.layout import optimizer
from umap_sk.pipeline import learn

SETTINGS = {"n_neighbors": 5, "n_epochs": 20, "random_state": 0}


@pytest.fixture
def whole(arrays):
    """Return the map of one fit."""
    return PrecomputedUMAP(**SETTINGS).fit_transform(**arrays)


@pytest.mark.parametrize("cuts", [[1] * 20, [7, 13], [19, 5], [3, 100]])
def test_any_cut_gives_the_bits_of_fit(arrays, whole, cuts):
    """Any division into calls gives the bits of fit, and the last call runs only the remaining epochs."""
    model = PrecomputedUMAP(**SETTINGS)
    for number, epochs in enumerate(cuts):
        assert model.partial_fit(epochs=epochs, **(arrays if number == 0 else {})) is model
        assert (model.epoch_, model.n_epochs_) == (min(20, sum(cuts[: number + 1])), 20)
        assert model.embedding_.shape == (60, 2) and np.isfinite(model.embedding_).all()
    assert np.array_equal(model.embedding_, whole)


def test_no_epochs_left(arrays, whole):
    """After the last epoch, an error names the remedy, and the map does not change."""
    stepped = PrecomputedUMAP(**SETTINGS).partial_fit(**arrays, epochs=20)
    fitted = PrecomputedUMAP(**SETTINGS).fit(**arrays)
    for model, again in ((stepped, {}), (stepped, arrays), (fitted, {})):
        with pytest.raises(ValueError, match="All 20 epochs have been run.*init=embedding_, rescale_init=False"):
            model.partial_fit(**again)
        assert np.array_equal(model.embedding_, whole)


def test_data_after_a_finished_fit_begin_anew(ring, arrays, whole):
    """After a finished fit, partial_fit with data restarts, as scikit-learn's checks require."""
    model = PrecomputedUMAP(**SETTINGS).fit(knn_graph(*ring[:2])).partial_fit(**arrays, epochs=5)
    assert model.epoch_ == 5
    assert np.array_equal(model.partial_fit(epochs=15).embedding_, whole)


@pytest.mark.parametrize("epochs", [0, -1, 1.5, None, "all", True])
def test_epochs_out_of_range(arrays, epochs):
    """The argument epochs must be a whole number of at least 1."""
    model = PrecomputedUMAP(**SETTINGS)
    with pytest.raises(ValueError, match=f"epochs={epochs!r}, but a whole number of at least 1 is needed"):
        model.partial_fit(**arrays, epochs=epochs)
    assert not hasattr(model, "embedding_")


def test_features_that_arrays_came_beside_may_come_alone(ring, arrays):
    """A later call may pass the features without the arrays. Their hash shows that they are no distance graph."""
    features = np.where(np.arange(ring[2].size).reshape(ring[2].shape) == 3, np.nan, ring[2])
    settings = {**SETTINGS, "init": "pivot_mds"}
    whole = PrecomputedUMAP(**settings).fit_transform(features, **arrays)
    model = PrecomputedUMAP(**settings).partial_fit(features, **arrays, epochs=10)
    assert np.array_equal(model.partial_fit(features, epochs=10).embedding_, whole)


def test_first_call_needs_data():
    with pytest.raises(ValueError, match="Nothing to work on"):
        PrecomputedUMAP(**SETTINGS).partial_fit()


@pytest.mark.parametrize("again", [np.asfortranarray, np.array, lambda array: array])
def test_same_data_may_come_again(ring, arrays, whole, again):
    """Later calls may pass the same data again, in any array with the same content."""
    model = PrecomputedUMAP(**SETTINGS, init="pivot_mds").partial_fit(ring[2], **arrays, epochs=10)
    model.partial_fit(again(ring[2]), knn_indices=again(ring[0]), knn_dists=again(ring[1]), epochs=10)
    assert np.array_equal(model.embedding_, whole)


def test_other_data_are_refused(ring, arrays, whole):
    """Later calls with other data are refused, and the layout can continue."""
    model = PrecomputedUMAP(**SETTINGS).partial_fit(**arrays, epochs=10)
    half = model.embedding_.copy()
    others = [
        ({"knn_indices": ring[0][:30], "knn_dists": ring[1][:30]}, "knn_indices differs"),
        ({"knn_indices": ring[0], "knn_dists": ring[1] * 2}, "knn_dists differs"),
        ({"X": knn_graph(*ring[:2])}, "X differs"),
        ({"init": half}, "init differs"),
        ({"manifold": model.manifold_}, "manifold differs"),
        ({"knn_indices": ring[0]}, "knn_indices was given without knn_dists"),
    ]
    for data, message in others:
        with pytest.raises(ValueError, match=message):
            model.partial_fit(**data)
        assert model.epoch_ == 10 and np.array_equal(model.embedding_, half)
    assert np.array_equal(model.partial_fit(epochs=10).embedding_, whole)


@pytest.mark.parametrize("name, value", [("min_dist", 0.5), ("n_epochs", 30), ("init", "random"), ("n_neighbors", 6)])
def test_parameters_must_not_change(arrays, whole, name, value):
    """A changed parameter causes an error that names it with both values, before and after pickling."""
    model = PrecomputedUMAP(**SETTINGS).partial_fit(**arrays, epochs=10)
    before = getattr(model, name)
    for stepped in (model, pickle.loads(pickle.dumps(model))):
        stepped.set_params(**{name: value})
        message = re.escape(f"{name}={before!r} when the layout began, {value!r} now: parameters cannot change")
        with pytest.raises(ValueError, match=message):
            stepped.partial_fit()
        assert stepped.epoch_ == 10
        stepped.set_params(**{name: before})
        assert np.array_equal(stepped.partial_fit(epochs=10).embedding_, whole)


def test_what_may_change_between_steps(arrays, whole):
    """The number of threads, the output and the type of an equal value may change between steps.

    The generator that the seed was drawn from may advance.
    """
    model = PrecomputedUMAP(**SETTINGS).partial_fit(**arrays, epochs=10)
    model.set_params(n_jobs=1, verbose=0, n_epochs=np.int64(20), spread=1)
    assert np.array_equal(model.partial_fit(epochs=10).embedding_, whole)
    start, generator = np.random.default_rng(0).normal(size=(60, 2)), np.random.RandomState(0)
    model = PrecomputedUMAP(5, n_epochs=20, init=start, random_state=generator).partial_fit(**arrays)
    generator.rand(5)
    model = pickle.loads(pickle.dumps(model)).set_params(init=start.copy())
    assert model.partial_fit().epoch_ == 2
    model.set_params(init=start + 1)
    with pytest.raises(ValueError, match="init='hash .*' when the layout began, 'hash .*' now"):
        model.partial_fit()


def test_parameters_of_the_next_layout(arrays):
    """After the last epoch, parameters may change, and a call with data restarts with them."""
    model = PrecomputedUMAP(**SETTINGS).fit(**arrays).set_params(min_dist=0.5)
    expected = PrecomputedUMAP(**SETTINGS, min_dist=0.5).fit(**arrays).embedding_
    assert np.array_equal(model.partial_fit(**arrays, epochs=20).embedding_, expected)


def test_frames_and_manifolds_may_come_again(ring, whole):
    """Later calls may pass a data frame or a manifold again, but no features with other columns."""
    frame = pd.DataFrame(ring[2], columns=["x", "y"])
    model = PrecomputedUMAP(**SETTINGS, init="pivot_mds", metric="euclidean").partial_fit(frame, epochs=10)
    assert np.array_equal(model.partial_fit(frame.copy(), epochs=10).embedding_, whole)
    with pytest.raises(ValueError, match="X has 1 features, but PrecomputedUMAP is expecting 2"):
        PrecomputedUMAP(metric="euclidean", n_neighbors=5).partial_fit(ring[2]).partial_fit(ring[2][:, :1])
    model = PrecomputedUMAP(**SETTINGS).partial_fit(manifold=model.manifold_, epochs=10)
    assert np.array_equal(model.partial_fit(manifold=model.manifold_, epochs=10).embedding_, whole)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
@pytest.mark.parametrize("epochs", [1, 10, 19])
def test_half_done_copies_go_on(arrays, whole, copied, epochs):
    """Both the copy and the original of a partially fitted model reach the bits of one fit."""
    model = PrecomputedUMAP(**SETTINGS).partial_fit(**arrays, epochs=epochs)
    twin = copied(model)
    assert np.array_equal(twin.partial_fit(epochs=20).embedding_, whole)
    assert model.epoch_ == epochs
    assert np.array_equal(model.partial_fit(epochs=20).embedding_, whole)


def test_half_done_file_is_mapped_and_goes_on(arrays, whole, tmp_path):
    """A partially fitted model in a read-only memory map reaches the bits of one fit and does not change its file."""
    joblib.dump(PrecomputedUMAP(**SETTINGS).partial_fit(**arrays, epochs=10), tmp_path / "half.joblib")
    bits = (tmp_path / "half.joblib").read_bytes()
    model = joblib.load(tmp_path / "half.joblib", mmap_mode="r")
    assert np.array_equal(model.partial_fit(epochs=10).embedding_, whole)
    assert (tmp_path / "half.joblib").read_bytes() == bits


def test_steps_between_two_fits(ring, arrays, whole):
    """A fit restarts after any steps and leaves no epochs to run."""
    model = PrecomputedUMAP(**SETTINGS).partial_fit(knn_graph(*ring[:2]), epochs=3)
    assert np.array_equal(model.fit_transform(**arrays), whole)
    with pytest.raises(ValueError, match="All 20 epochs"):
        model.partial_fit()


@pytest.mark.parametrize("call", ["fit", "fit_transform", "partial_fit"])
def test_interrupt_keeps_the_last_whole_epoch(arrays, whole, call):
    """After an interrupt, the model has the map of the finished epochs, and partial_fit continues from there."""
    expected = PrecomputedUMAP(**SETTINGS).partial_fit(**arrays, epochs=6).embedding_
    model = PrecomputedUMAP(**SETTINGS)
    with interrupted_at(6), pytest.raises(KeyboardInterrupt):
        getattr(model, call)(**arrays, **({"epochs": 15} if call == "partial_fit" else {}))
    assert model.epoch_ == 6
    assert np.array_equal(model.embedding_, expected)
    assert model.report_["phases"][-1]["epochs"] == 6
    with pytest.raises(ValueError, match="knn_dists differs"):
        model.partial_fit(knn_indices=arrays["knn_indices"], knn_dists=arrays["knn_dists"] * 2)
    assert np.array_equal(model.partial_fit(**arrays, epochs=20).embedding_, whole)


def test_interrupt_of_umap_keeps_the_last_whole_epoch(ring):
    """A fit that is interrupted has the map of its finished epochs, and one that has none keeps the earlier map."""
    features, model = ring[2], UMAP(5, random_state=0, n_epochs=20)
    whole = UMAP(5, random_state=0, n_epochs=20).fit(features)
    expected = clone(whole.estimator_).partial_fit(features, epochs=6).embedding_
    with interrupted_at(6), pytest.raises(KeyboardInterrupt):
        model.fit(features)
    np.testing.assert_array_equal(model.embedding_, expected)
    assert model.transform(features[:3]).shape == (3, 2)
    with pytest.raises(ValueError, match="min_dist"):
        model.set_params(min_dist=2.0).fit(features)
    np.testing.assert_array_equal(model.embedding_, expected)
    np.testing.assert_array_equal(model.estimator_.partial_fit(epochs=14).embedding_, whole.embedding_)


@pytest.mark.parametrize("half_done", [False, True])
def test_interrupt_before_the_first_epoch_changes_nothing(ring, arrays, whole, monkeypatch, half_done):
    """An interrupt while the graph is learned leaves the estimator unchanged."""

    def stop(*arguments, **options):
        raise KeyboardInterrupt

    model = PrecomputedUMAP(**SETTINGS).partial_fit(**arrays, epochs=10 if half_done else 20)
    before = joblib.hash(model)
    with monkeypatch.context() as patch:
        patch.setattr(learn, "build_graph", stop)
        with pytest.raises(KeyboardInterrupt):
            model.fit(ring[2], knn_indices=ring[0], knn_dists=ring[1])
    assert joblib.hash(model) == before
    if half_done:
        assert np.array_equal(model.partial_fit(epochs=10).embedding_, whole)


def test_shallow_copies_go_their_own_ways(arrays):
    one = PrecomputedUMAP(**SETTINGS).partial_fit(**arrays, epochs=3)
    other = copy.copy(one)
    assert np.array_equal(one.partial_fit(epochs=5).embedding_, other.partial_fit(epochs=5).embedding_)


def test_a_call_that_failed_can_be_repeated(arrays, whole, monkeypatch):
    advance = optimizer.run_epoch

    def fail_in_epoch_7(layout, state, spare=None):
        if state.epoch == 7:
            raise MemoryError
        return advance(layout, state, spare)

    model = PrecomputedUMAP(**SETTINGS).partial_fit(**arrays, epochs=3)
    with monkeypatch.context() as patch:
        patch.setattr(optimizer, "run_epoch", fail_in_epoch_7)
        with pytest.raises(MemoryError):
            model.partial_fit(epochs=17)
    assert np.array_equal(model.partial_fit(epochs=20).embedding_, whole)


def test_a_step_costs_the_same_in_any_schedule(ring):
    """A step of a schedule of ten million epochs needs no list of them."""
    model = PrecomputedUMAP(n_epochs=10**7, random_state=0).partial_fit(knn_indices=ring[0], knn_dists=ring[1])
    tracemalloc.start()
    model.partial_fit()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**21
