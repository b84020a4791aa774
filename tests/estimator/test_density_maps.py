"""Tests of maps that preserve density: their gain, interrupted and resumed fits, and invalid calls."""

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.manifold import trustworthiness

from umap_sk import DisconnectedWarning, Manifold, PrecomputedUMAP

DENSE = {"n_neighbors": 5, "dens_lambda": 2.0, "n_epochs": 40, "random_state": 0}


def correlation(model):
    """Return the correlation of the log radii in the data and in the map."""
    return np.corrcoef(model.rad_orig_, model.rad_emb_)[0, 1]


def test_digits(digits):
    """The radii correlate better than in umap-learn's densMAP, and the map is about as trustworthy.

    With 700 epochs, densMAP reaches a correlation of .856 and a trustworthiness of .9676. Without densMAP, umap-learn's
    map has a correlation of .09.
    """
    arrays = {"knn_indices": digits.knn_indices, "knn_dists": digits.knn_dists}
    plain = PrecomputedUMAP(random_state=0, dens_lambda=2.0, dens_frac=0).fit(**arrays)
    model = PrecomputedUMAP(random_state=0, dens_lambda=2.0).fit(**arrays)
    assert correlation(plain) < 0.3 and correlation(model) > 0.856 + 0.02
    assert trustworthiness(digits.features, model.embedding_, n_neighbors=15) > 0.9676 - 0.002
    np.testing.assert_array_equal(plain.embedding_, PrecomputedUMAP(random_state=0).fit(**arrays).embedding_)
    np.testing.assert_array_equal(plain.rad_orig_, model.rad_orig_)


@pytest.mark.parametrize(
    "settings",
    [{}, {"n_components": 3}, {"n_components": 1}, {"symmetrize": False}, {"multilevel": False}, {"dens_frac": 1.0}],
    ids=str,
)
def test_it_is_felt(arrays, settings):
    """With any settings, the radii of the map follow those of the data more closely than without the density term."""
    model = PrecomputedUMAP(**DENSE | {"n_epochs": 200} | settings).fit(**arrays)
    without = clone(model).set_params(dens_frac=0.0).fit(**arrays)
    assert np.isfinite(model.embedding_).all()
    assert correlation(model) > correlation(without) + 0.1


def test_any_cut(arrays, tmp_path):
    """Single epochs, a stored model and a resumed run give the same bits as one fit."""
    whole = PrecomputedUMAP(**DENSE).fit(**arrays)
    half = PrecomputedUMAP(**DENSE).partial_fit(**arrays, epochs=30)
    assert half.epoch_ > 0.7 * half.n_epochs_
    joblib.dump(half, tmp_path / "half")
    loaded = joblib.load(tmp_path / "half")
    np.testing.assert_array_equal(loaded.rad_orig_, whole.rad_orig_)
    np.testing.assert_array_equal(loaded.partial_fit(epochs=99).embedding_, whole.embedding_)
    stepped = half.partial_fit(epochs=1)
    before = stepped.rad_emb_
    assert stepped.rad_emb_ is before  # computed once
    np.testing.assert_array_equal(stepped.partial_fit(epochs=99).embedding_, whole.embedding_)
    assert not np.array_equal(stepped.rad_emb_, before)
    kept = {"checkpoint": tmp_path / "run"}
    PrecomputedUMAP(**DENSE, **kept).partial_fit(**arrays, epochs=31)
    for _ in range(2):  # the first fit resumes the run, the second one reads its result
        resumed = PrecomputedUMAP(**DENSE, **kept).fit(**arrays)
        np.testing.assert_array_equal(resumed.embedding_, whole.embedding_)
        np.testing.assert_array_equal(resumed.rad_orig_, whole.rad_orig_)


def test_from_a_manifold(arrays, tmp_path):
    """A manifold that was learned with another density weight, in memory or on disk, gives the same map."""
    whole = PrecomputedUMAP(**DENSE).fit(**arrays)
    learner = PrecomputedUMAP(5, dens_lambda=0.1)
    on_disk = learner.learn_manifold(**arrays, directory=tmp_path / "graph")
    for manifold in (learner.learn_manifold(**arrays), on_disk):
        np.testing.assert_array_equal(PrecomputedUMAP(**DENSE).fit(manifold=manifold).embedding_, whole.embedding_)


def test_refused(arrays, manifold):
    """A graph without known radii is refused, and the density weight cannot change during a layout."""
    for unknown in (manifold, Manifold.from_graph(manifold.graph)):
        with pytest.raises(ValueError, match=r"dens_lambda=2.0 needs the radii .* Learn it .* set dens_lambda=0"):
            PrecomputedUMAP(**DENSE).fit(manifold=unknown)
    model = PrecomputedUMAP(**DENSE).partial_fit(**arrays)
    with pytest.raises(ValueError, match="dens_lambda=2 when the layout began, 3 now"):
        model.set_params(dens_lambda=3.0).partial_fit()


def test_radii_that_there_are_not(arrays):
    """The radii of the map are always known, and those of the data only if the graph was learned with them."""
    model = PrecomputedUMAP(**DENSE | {"dens_lambda": 0.0}).fit(**arrays)
    with pytest.raises(AttributeError, match="Set it and fit again; with dens_frac=0 the map does not change"):
        model.rad_orig_  # noqa: B018
    assert model.rad_emb_.shape == (60,) and model.rad_emb_.dtype == np.float32
    dropped = PrecomputedUMAP(**DENSE).fit(**arrays).drop_graph()
    assert not hasattr(dropped, "rad_orig_") and hasattr(dropped, "rad_emb_")
    with pytest.raises(ValueError, match="read-only"):
        dropped.rad_emb_[0] = 0


@pytest.mark.filterwarnings("ignore::umap_sk.FewerNeighborsWarning")
@pytest.mark.parametrize("symmetrize", [True, False])
def test_disconnected_rows(arrays, symmetrize):
    """A disconnected row has NaN as its position and radii, even if other rows of a directed graph list it."""
    indices = np.array(arrays["knn_indices"])
    indices[7] = -1
    if symmetrize:
        indices[indices == 7] = -1
    with pytest.warns(DisconnectedWarning):
        model = PrecomputedUMAP(**DENSE, symmetrize=symmetrize).fit(knn_indices=indices, knn_dists=arrays["knn_dists"])
    for values in (model.embedding_[:, 0], model.rad_orig_, model.rad_emb_):
        assert np.flatnonzero(np.isnan(values)).tolist() == [7]


def test_new_rows(arrays, ring):
    """New rows get finite positions, and fitted rows keep theirs."""
    model = PrecomputedUMAP(**DENSE).fit(**arrays)
    placed = model.transform(**arrays)
    np.testing.assert_array_equal(placed, model.embedding_)
    assert np.isfinite(model.transform(knn_indices=ring[0][:, 1:], knn_dists=ring[1][:, 1:] + 0.01)).all()


def test_plans_count_it():
    """A plan includes the memory of the density term.

    For each row, the term needs 60 bytes while the graph is learned, 8 at the start and at least 8 in the layout.
    """
    n = 10**6
    plans = (PrecomputedUMAP(dens_lambda=weight).plan(n_samples=n, timed=False) for weight in (0.0, 2.0))
    plain, dense = ({phase.name: phase.bytes for phase in plan.phases} for plan in plans)
    assert dense["graph"] - plain["graph"] == 4 * 14 * n + 4 * n
    assert dense["layout"] - plain["layout"] >= 8 * n == dense["start"] - plain["start"]
