"""Tests of update: the graph with the new rows, the small movement of the map, and the calls that are refused."""

import pickle

import naive_graph
import numpy as np
import pytest
from layouts import interrupted_at
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from umap_sk import UMAP, DisconnectedWarning, Manifold, PrecomputedUMAP, knn_graph

OLD = 1500
SETTINGS = {"random_state": 0, "n_epochs": 60}


def neighbors_of(X, rows=slice(None), k=15):
    dists, indices = NearestNeighbors(n_neighbors=k).fit(X).kneighbors(X[rows])
    return {"knn_indices": indices, "knn_dists": dists}


@pytest.fixture(scope="module")
def X(digits):
    return digits.features[np.random.default_rng(0).permutation(len(digits.features))]


@pytest.fixture(scope="module")
def stored(X):
    """Return a pickled model of the old rows."""
    return pickle.dumps(PrecomputedUMAP(**SETTINGS).fit(**neighbors_of(X[:OLD])))


@pytest.fixture
def model(stored):
    return pickle.loads(stored)


@pytest.fixture(scope="module")
def new(X):
    """Return the neighbors of the new rows among all rows, with ties in the order of the row numbers."""
    dists = cdist(X[OLD:], X)
    indices = np.argsort(dists, axis=1, kind="stable")[:, :15]
    return {"knn_indices": indices, "knn_dists": np.take_along_axis(dists, indices, axis=1)}


def moved(before, after):
    """Return the median distance that old rows move, as a share of the map's width."""
    steps = np.linalg.norm(after[: len(before)] - before, axis=1)
    return np.median(steps) / np.ptp(before, axis=0).max()


# ------------------------------------------------------------------------------------------------------------- graphs


def test_features_give_the_graph_of_all_rows(X):
    """An update with features gives the graph of all rows and hardly moves the map. transform finds the new rows."""
    for metric in ("euclidean", "correlation"):
        steps = []
        for seed in range(9):
            model = PrecomputedUMAP(metric=metric, random_state=seed).fit(X[:300])
            before = model.embedding_.copy()
            assert model.update(X[300:360]) is model
            steps.append(moved(before, model.embedding_))
        for found, expected in zip(model.manifold_.arrays(), model.learn_manifold(X[:360]).arrays(), strict=True):
            np.testing.assert_array_equal(found, expected)
        assert min(steps) > 0 and np.median(steps) < 1 / 20
        np.testing.assert_array_equal(model.transform(X[290:360]), model.embedding_[290:])
        assert model.n_features_in_ == 64


def test_new_rows_join_the_graph_by_their_own_lists(X, model, new):
    """Old edges keep their bits, and the other edges are the fuzzy union of the new rows' own lists."""
    before = model.graph_.copy()
    model.update(**new)
    graph = model.graph_
    old = graph[:OLD, :OLD]
    old.sort_indices()
    np.testing.assert_array_equal(old.data, before.data)
    np.testing.assert_array_equal(old.indices, before.indices)
    lists = [[] for _ in range(OLD)]
    for row, (names, dists) in enumerate(zip(*new.values(), strict=True), OLD):
        lists.append([(int(name), float(d)) for name, d in zip(names, dists, strict=True) if name != row][:14])
    expected = np.zeros((len(X), len(X)))
    for row in range(OLD, len(X)):
        dists = np.array([d for _, d in lists[row]])
        rho, sigma = naive_graph.local_scales([dists], 15)[0]
        expected[row, [name for name, _ in lists[row]]] = naive_graph.memberships(dists, rho, sigma)
    expected = naive_graph.fuzzy_union(expected, 1.0)
    found = graph.toarray()
    found[:OLD, :OLD] = 0
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert model.manifold_.parameters["n_neighbors"] == 15
    assert len(model.manifold_._shared.lengths) == len(X)


def test_every_form_of_neighbors_is_the_same(X, stored, new):
    """Arrays in any order of columns, graphs and matrices give the same map, whether or not rows list themselves."""
    order = np.random.default_rng(0).permutation(15)
    shuffled = {name: array[:, order] for name, array in new.items()}
    without = {name: array[:, 1:] for name, array in new.items()}
    sparse = knn_graph(*new.values(), n_columns=len(X))
    maps = [
        pickle.loads(stored).update(**new),
        pickle.loads(stored).update(**shuffled),
        pickle.loads(stored).update(**without),
        pickle.loads(stored).update(sparse),
        pickle.loads(stored).update(X[OLD:], **new),
        pickle.loads(stored).update(cdist(X[OLD:], X)),
    ]
    assert len({model.embedding_.tobytes() for model in maps}) == 1


def test_a_manifold_of_all_rows(X, stored):
    """A manifold of all rows hardly moves the map, and gives the same map after drop_graph."""
    manifold = PrecomputedUMAP().learn_manifold(**neighbors_of(X))
    model, other = pickle.loads(stored), pickle.loads(stored).drop_graph()
    before = model.embedding_.copy()
    assert model.update(manifold=manifold).manifold_ is manifold
    assert moved(before, model.embedding_) < 1 / 20
    np.testing.assert_array_equal(other.update(manifold=manifold).embedding_, model.embedding_)


def test_rows_that_lacked_neighbors_get_them_from_new_rows(ring):
    """An update places disconnected rows that get neighbors, and warns of new rows without neighbors, which are NaN."""
    indices, dists, _ = (array.copy() for array in ring)
    lost = indices == 7
    lost[7] = True
    indices[lost] = -1
    with pytest.warns(DisconnectedWarning):
        model = PrecomputedUMAP(5, **SETTINGS).fit(knn_indices=indices, knn_dists=dists)
    assert np.isnan(model.embedding_[7]).all()
    with pytest.warns(DisconnectedWarning, match="1 of 62 rows"):
        model.update(knn_indices=[[7, 6, 8], [-1, -1, -1]], knn_dists=[[0.1, 0.2, 0.2], [0, 0, 0]])
    assert np.isnan(model.embedding_[61]).all() and np.isfinite(model.embedding_[:61]).all()
    near = np.argsort(np.linalg.norm(model.embedding_ - model.embedding_[7], axis=1))[:6]
    assert 60 in near and {6, 8} & set(near.tolist())


def test_a_directed_graph_grows(ring):
    indices, dists, _ = ring
    model = PrecomputedUMAP(5, symmetrize=False, **SETTINGS).fit(knn_indices=indices[:50] % 50, knn_dists=dists[:50])
    before = model.graph_.nnz
    model.update(knn_indices=[[0, 1], [50, 2]], knn_dists=[[1.0, 2.0], [1.0, 2.0]])
    assert model.graph_.nnz == before + 4 and np.isfinite(model.embedding_).all()


# ---------------------------------------------------------------------------------------------------------------- maps


def test_the_map_stays_and_new_rows_find_their_place(X, model, new):
    """Old rows hardly move, and new rows keep about as many neighbors as in a new fit of all rows."""
    before = model.embedding_.copy()
    model.update(**new)
    assert moved(before, model.embedding_) < 1 / 20
    anew = PrecomputedUMAP(**SETTINGS).fit(**neighbors_of(X))

    def kept(embedding):
        found = neighbors_of(embedding, slice(OLD, None))["knn_indices"]
        return np.mean([len(set(a) & set(b)) for a, b in zip(found, new["knn_indices"], strict=True)]) / 15

    assert kept(model.embedding_) > kept(anew.embedding_) - 0.02


def rows_on_a_circle(n, first, last):
    """Return the neighbors of some rows on a circle of n rows, four on either side."""
    rows = np.arange(first, last)[:, None]
    offsets = np.array([1, -1, 2, -2, 3, -3, 4, -4])
    return {"knn_indices": (rows + offsets) % n, "knn_dists": np.broadcast_to(np.abs(offsets), (last - first, 8))}


def test_threads_pickles_and_levels():
    """After a fit over two levels, a model and its pickled copy on two threads are updated to the same bits."""
    old, n = 25_600, 26_000
    model = PrecomputedUMAP(9, random_state=0, n_epochs=6, n_jobs=1).fit(**rows_on_a_circle(old, 0, old))
    assert len(model.report_["phases"][-2]["levels"]) == 2
    copy = pickle.loads(pickle.dumps(model)).set_params(n_jobs=2)
    for one in (model, copy):
        one.update(**rows_on_a_circle(n, old, n), epochs=3)
    assert model.embedding_.shape == (n, 2) and np.isfinite(model.embedding_).all()
    assert model.embedding_.tobytes() == copy.embedding_.tobytes()
    assert pickle.loads(pickle.dumps(copy)).embedding_.tobytes() == copy.embedding_.tobytes()
    assert [phase["name"] for phase in model.report_["phases"]] == ["neighbors", "graph", "start", "layout"]
    assert model.seed_ == 0 and model.epoch_ == model.n_epochs_ and model.report_["phases"][-1]["epochs"] == 3


def test_twice_is_not_once_but_goes_on(X, stored):
    """A second update finds the rows of the first one under their numbers."""
    model = pickle.loads(stored)
    model.update(**neighbors_of(X[:1650], slice(OLD, 1650))).update(**neighbors_of(X, slice(1650, None)))
    assert model.embedding_.shape == (len(X), 2) and model.graph_.shape == (len(X), len(X))
    assert model.n_features_in_ == len(X)
    placed = model.transform(knn_indices=[[1700, 5]], knn_dists=[[0.0, 1.0]])
    np.testing.assert_array_equal(placed[0], model.embedding_[1700])


def test_anchors_hold_old_rows(X, stored, new):
    places = np.full((len(X), 2), np.nan)
    places[:OLD] = pickle.loads(stored).embedding_
    free, held = (pickle.loads(stored).update(**new, anchors=given) for given in (None, (places, 10.0)))
    assert moved(places[:OLD], held.embedding_) < moved(places[:OLD], free.embedding_) / 5


def test_three_axes_and_other_seeds(ring):
    indices, dists, _ = ring
    results = []
    for seed in (0, 0, 1):
        model = PrecomputedUMAP(5, 3, n_epochs=20, random_state=seed, init="random")
        model.fit(knn_indices=indices[:50] % 50, knn_dists=dists[:50])
        results.append(model.update(knn_indices=[[0, 1]], knn_dists=[[1.0, 2.0]]).embedding_)
    assert results[0].shape == (51, 3)
    np.testing.assert_array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


# ------------------------------------------------------------------------------------------------------------ refusals


def test_an_interrupt_leaves_all_as_it_was(stored, new):
    model = pickle.loads(stored)
    before, report = dict(vars(model)), str(model.report_)
    with interrupted_at(5), pytest.raises(KeyboardInterrupt):
        model.update(**new)
    assert all(vars(model)[name] is value for name, value in before.items()) and str(model.report_) == report
    assert np.array_equal(model.graph_.data, pickle.loads(stored).graph_.data)


@pytest.mark.parametrize(
    "parameters, given, message",
    [
        ({}, {"epochs": 0}, "epochs=0"),
        ({"checkpoint": "runs"}, {}, "set_params\\(checkpoint=None\\)"),
        ({"set_op_mix_ratio": 0.0}, {}, "old rows do not list new ones.*learn a manifold of all rows"),
        ({"n_neighbors": 6}, {}, "n_neighbors=5 there, 6 here"),
        ({}, {"X": np.zeros((3, 2))}, "X has 3 rows"),
        ({}, {"knn_indices": [[61]], "knn_dists": [[1.0]]}, "61"),
        ({"metric": "euclidean"}, {"knn_indices": None, "knn_dists": None, "X": np.zeros((1, 60))}, "without features"),
    ],
)
def test_what_is_refused(arrays, parameters, given, message):
    mix = {name: value for name, value in parameters.items() if name == "set_op_mix_ratio"}
    model = PrecomputedUMAP(5, n_epochs=5, **mix).fit(**arrays).set_params(**parameters)
    before = model.embedding_
    with pytest.raises(ValueError, match=message):
        model.update(**{"knn_indices": [[0, 1]], "knn_dists": [[1.0, 2.0]]} | given)
    assert model.embedding_ is before


def test_what_cannot_grow(arrays, manifold):
    half = PrecomputedUMAP(5, n_epochs=5).partial_fit(**arrays)
    with pytest.raises(ValueError, match="Only 1 of .* epochs have been run"):
        half.update(manifold=manifold)
    whole = PrecomputedUMAP(5, n_epochs=5).fit(**arrays)
    with pytest.raises(TypeError, match="Manifold.from_graph"):
        whole.update(manifold=manifold.graph)
    with pytest.raises(ValueError, match="50 rows, fewer than the map's 60"):
        whole.update(manifold=Manifold.from_graph(manifold.graph[:50][:, :50]))
    with pytest.raises(ValueError, match="The graph was dropped by drop_graph.*learn a manifold of all rows"):
        whole.drop_graph().update(knn_indices=[[0, 1]], knn_dists=[[1.0, 2.0]])


def test_the_way_back_knows_the_new_rows(X, new):
    """After an update, inverse_transform uses the features of all rows, and fails if those of new rows are unknown."""
    for metric in ("precomputed", "correlation"):
        settings = {"metric": metric, "disconnection_distance": 1e9, "n_epochs": 5, "random_state": 0}
        model = PrecomputedUMAP(**settings).fit(X[:OLD], **neighbors_of(X[:OLD]))
        model.update(X[OLD:], **new, epochs=1)
        found = model.inverse_transform(model.embedding_[-5:])
        np.testing.assert_array_equal(found, model.inverse_transform(model.embedding_[-5:], features=X))
    model = PrecomputedUMAP(n_epochs=5, random_state=0).fit(X[:OLD], **neighbors_of(X[:OLD])).update(**new, epochs=1)
    with pytest.raises(ValueError, match="this estimator has none"):
        model.inverse_transform(model.embedding_[:5])


def test_a_search_that_lacks_the_new_rows_is_not_used(X):
    """After an update without features, rows are placed, scored and added by their neighbors, but not by features."""
    model = PrecomputedUMAP(metric="euclidean", n_epochs=5, random_state=0).fit(X[:200])
    model.update(**neighbors_of(X[:210], slice(200, 210)), epochs=1)
    for call in (model.transform, model.score):
        with pytest.raises(ValueError, match="rows that the search does not have"):
            call(X[:3])
    with pytest.raises(ValueError, match="has no exact search"):
        model.update(X[210:213])
    given = neighbors_of(X[:210])
    np.testing.assert_array_equal(model.transform(**given), model.embedding_)
    assert model.score(**given) > 0.3
    assert model.update(**neighbors_of(X[:213], slice(210, 213)), epochs=1).embedding_.shape == (213, 2)


def test_rows_of_the_map_are_not_added_again(X, model, new):
    """Neighbors or features of all rows, and new rows that are numbered from 0, are refused."""
    everything = neighbors_of(X)
    without_themselves = {name: array[:, 1:] for name, array in everything.items()}
    for arrays in (everything, without_themselves, neighbors_of(X[OLD:])):
        with pytest.raises(ValueError, match=rf"numbers its own rows from 0 on.*knn_indices\[{OLD}:\].*manifold"):
            model.update(**arrays)
    for cls in (PrecomputedUMAP, UMAP):
        fitted = cls(metric="euclidean", **SETTINGS).fit(X[:OLD])
        with pytest.raises(ValueError, match=rf"begins with the {OLD} rows of the map.*X\[{OLD}:\]"):
            fitted.update(X)
    assert len(model.update(**new).embedding_) == len(X)


def test_new_rows_may_be_next_to_old_ones_in_their_order():
    """Copies with some noise list the old rows first that have their numbers."""
    points = np.random.default_rng(0).normal(size=(200, 5))
    model = PrecomputedUMAP(**SETTINGS).fit(**neighbors_of(points))
    arrays = neighbors_of(np.concatenate([points, points + 1e-6]), slice(200, None))
    arrays = {name: array[:, 1:] for name, array in arrays.items()}
    assert (arrays["knn_indices"][:, 0] == np.arange(200)).all()
    assert len(model.update(**arrays).embedding_) == 400


def test_one_copy_of_a_row(model, X):
    """A single new row that equals a row of the map is no sign of wrong numbers."""
    before = model.embedding_[0].copy()
    model.update(**neighbors_of(X[:OLD], slice(0, 1)))
    assert np.linalg.norm(model.embedding_[OLD] - before) < 1


def test_new_rows_without_neighbors(model):
    """New rows that all lack neighbors are NaN, as they are beside others."""
    with pytest.warns(DisconnectedWarning, match="2 of 1502 rows have no neighbor, the first is row 1500"):
        model.update(knn_indices=np.full((2, 5), -1), knn_dists=np.zeros((2, 5)))
    assert np.isnan(model.embedding_[OLD:]).all() and np.isfinite(model.embedding_[:OLD]).all()
