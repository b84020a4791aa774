"""Tests of initial layouts by name: their positions, the choice of "auto", and the name in the report."""

import numpy as np
import pytest
import scipy.sparse
from sklearn import config_context
from sklearn.neighbors import NearestNeighbors

from umap_sk import Manifold, PrecomputedUMAP
from umap_sk.layout import init as start
from umap_sk.layout.start import START_NAMES

SETTINGS = {"n_neighbors": 10, "n_epochs": 20, "random_state": 0}
POINTS = np.random.default_rng(0).normal(size=(300, 3))
DISTS, INDICES = NearestNeighbors(n_neighbors=10).fit(POINTS).kneighbors(POINTS)
ARRAYS = {"knn_indices": INDICES, "knn_dists": DISTS}


def read_start_name(model):
    """Return the initial layout that the report names."""
    (init,) = (phase["init"] for phase in model.report_["phases"] if phase["name"] == "start")
    return init


@pytest.mark.parametrize("name", [name for name in START_NAMES if name != "auto"])
@pytest.mark.parametrize("n_components", [1, 2, 3])
def test_every_name(name, n_components):
    """The constructor and the call give the same map, and the report has the name. Other names give other maps."""
    settings = {**SETTINGS, "n_components": n_components}
    model = PrecomputedUMAP(**settings, init=name).fit(POINTS, **ARRAYS)
    assert read_start_name(model) == name and f"init={name}" in str(model.report_)
    assert np.isfinite(model.embedding_).all() and model.embedding_.shape == (300, n_components)
    again = PrecomputedUMAP(**settings, init=POINTS[:, :n_components]).fit(POINTS, **ARRAYS, init=name)
    assert np.array_equal(again.embedding_, model.embedding_)
    array = PrecomputedUMAP(**settings, init=POINTS[:, :n_components]).fit(POINTS, **ARRAYS)
    assert read_start_name(array) == "array" and not np.array_equal(array.embedding_, model.embedding_)


def test_names_that_there_are():
    assert set(START_NAMES) == {"auto", "pca", "pivot_mds", "spectral", "random"}
    assert PrecomputedUMAP().init == "auto"


# --------------------------------------------------------------------------------------------------------------- auto


def chosen(X=None, n_components=2, **data):
    """Return the choice of "auto", and check that the map is the same as by name."""
    settings = {**SETTINGS, "n_components": n_components}
    data = data or ARRAYS
    model = PrecomputedUMAP(**settings).fit(X, **data)
    name = read_start_name(model)
    by_name = PrecomputedUMAP(**settings, init=name).fit(X, **data)
    assert np.array_equal(by_name.embedding_, model.embedding_), name
    return name


@pytest.mark.parametrize("form", [np.array, scipy.sparse.csr_array, lambda X: X.astype(np.float32)])
def test_features_give_components(form):
    """Features may be dense, sparse or float32, with arrays or a manifold, and with as many columns as axes."""
    assert chosen(form(POINTS)) == "pca"
    assert chosen(form(POINTS), n_components=3) == "pca"
    assert chosen(form(POINTS), manifold=PrecomputedUMAP(10).learn_manifold(**ARRAYS)) == "pca"
    assert chosen(form(POINTS), manifold=Manifold.from_graph(graph())) == "pca"


def test_features_that_are_searched_give_components():
    model = PrecomputedUMAP(**SETTINGS, metric="euclidean").fit(POINTS)
    by_name = PrecomputedUMAP(**SETTINGS, metric="euclidean", init="pca").fit(POINTS)
    assert np.array_equal(model.embedding_, by_name.embedding_)


def graph():
    """Return the fuzzy graph without the distances."""
    return PrecomputedUMAP(10).learn_manifold(**ARRAYS).graph


def test_without_features_the_distances_give_the_start():
    """The distances come from arrays, a distance graph, a matrix or a manifold."""
    assert chosen() == "pivot_mds"
    assert chosen(manifold=PrecomputedUMAP(10).learn_manifold(**ARRAYS)) == "pivot_mds"
    matrix = np.sqrt(((POINTS[:, None] - POINTS) ** 2).sum(-1))
    expected = PrecomputedUMAP(**SETTINGS).fit(**ARRAYS).embedding_
    for X in (matrix, scipy.sparse.csr_array(matrix)):
        model = PrecomputedUMAP(**SETTINGS).fit(X)
        assert read_start_name(model) == "pivot_mds" and np.array_equal(model.embedding_, expected)


def test_without_distances_the_spectrum_gives_the_start():
    """A manifold of memberships has no distances. "pivot_mds" by name is an error then."""
    manifold = Manifold.from_graph(graph())
    assert chosen(manifold=manifold) == "spectral"
    with pytest.raises(ValueError, match="init='pivot_mds' needs the distances of the graph, but this manifold has"):
        PrecomputedUMAP(**SETTINGS, init="pivot_mds").fit(manifold=manifold)


@pytest.mark.parametrize(
    "features",
    [
        np.ones((300, 3)),
        np.outer(np.arange(300.0), [1, 2, 3]),
        np.ones((300, 3)) + 1e-9 * POINTS * [1, 0, 0],
        POINTS[:, :1],
        np.where(np.arange(900).reshape(300, 3) == 7, np.nan, POINTS),
        np.where(np.arange(900).reshape(300, 3) == 7, np.inf, POINTS),
        np.where(np.arange(900).reshape(300, 3) == 7, 1e200, POINTS),
        scipy.sparse.csr_array((300, 3)),
        scipy.sparse.csr_array(graph()),
    ],
    ids=["constant", "one direction", "rounding", "one column", "NaN", "infinite", "huge", "empty", "a graph"],
)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_features_that_give_no_components(features):
    """Next to arrays, X may be anything: features that vary too little or cannot be squared are ignored."""
    assert chosen(features) == "pivot_mds"
    assert chosen(features, manifold=Manifold.from_graph(graph())) == "spectral"


@pytest.mark.parametrize("dtype, size", [(np.float32, 1e14), (np.float64, 1e35), (np.float64, 1e149)])
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_large_features(dtype, size):
    """If sums of squares are finite, there is no warning, and the features are used."""
    assert chosen((POINTS / 10 * size).astype(dtype)) == "pca"


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_features_whose_squares_leave_float32():
    """The option "auto" ignores features with such squares, and "pca" raises an error."""
    features = (POINTS * 1e20).astype(np.float32)
    assert chosen(features) == "pivot_mds"
    with pytest.raises(ValueError, match=r"X goes up to .*e\+20; values below 1e\+15 are needed in float32"):
        PrecomputedUMAP(**SETTINGS, init="pca").fit(features, **ARRAYS)


@pytest.mark.parametrize("frame", ["pandas", "polars"])
@pytest.mark.parametrize("init", ["auto", "pca"])
def test_frames_as_output_of_everything(frame, init):
    """scikit-learn's global setting of the output does not affect the components."""
    pytest.importorskip(frame)
    expected = PrecomputedUMAP(**SETTINGS, init=init).fit(POINTS, **ARRAYS).embedding_
    with config_context(transform_output=frame):
        model = PrecomputedUMAP(**SETTINGS, init=init).fit(POINTS, **ARRAYS)
    assert np.array_equal(model.embedding_, expected)


@pytest.mark.parametrize("rows, columns", [(15, 2), (300, 2), (40, 4)])
def test_sparse_features_of_as_many_columns_as_axes(rows, columns):
    """Their components are those of dense features up to signs and rounding."""
    points = np.random.default_rng(1).normal(size=(rows, columns))
    found = start.compute_pca_positions(scipy.sparse.csr_array(points), columns, 0)
    np.testing.assert_allclose(np.abs(found), np.abs(start.compute_pca_positions(points, columns, 0)), atol=1e-5)
    dists, indices = NearestNeighbors(n_neighbors=5).fit(points).kneighbors(points)
    model = PrecomputedUMAP(5, columns, n_epochs=5).fit(
        scipy.sparse.csr_array(points), knn_indices=indices, knn_dists=dists
    )
    assert read_start_name(model) == "pca"


def test_rescale_init_is_for_arrays_alone():
    """The choice of "auto" is always rescaled."""
    for X in (None, POINTS):
        one, other = (PrecomputedUMAP(**SETTINGS, rescale_init=keep).fit(X, **ARRAYS) for keep in (False, True))
        assert np.array_equal(one.embedding_, other.embedding_)


@pytest.mark.filterwarnings("ignore::umap_sk.UMAPWarning")
def test_rows_that_are_lost_have_no_start():
    """Distances, components and arrays are reduced to the connected rows."""
    indices, dists = INDICES.copy(), DISTS
    lost = [5, 299]
    indices[lost] = -1
    indices[np.isin(indices, lost)] = -1
    kept = np.setdiff1d(np.arange(300), lost)
    number = np.full(301, -1)
    number[kept] = np.arange(298)
    expected = {"knn_indices": number[indices[kept]], "knn_dists": dists[kept]}
    for init in ("pivot_mds", "spectral", POINTS[:, :2]):
        model = PrecomputedUMAP(**SETTINGS).fit(knn_indices=indices, knn_dists=dists, init=init)
        assert np.flatnonzero(np.isnan(model.embedding_[:, 0])).tolist() == lost
        whole = PrecomputedUMAP(**SETTINGS).fit(**expected, init=init if isinstance(init, str) else init[kept])
        assert np.array_equal(model.embedding_[kept], whole.embedding_), init


# ---------------------------------------------------------------------------------------------- graphs of many pieces


def cliques(size, n=30_000):
    """Return neighbors of rows in cliques of one size, all at distance 1."""
    n -= n % size
    first = np.arange(n) // size * size
    others = [first + (np.arange(n) - first + step) % size for step in range(1, size)]
    return {"knn_indices": np.stack(others, 1), "knn_dists": np.ones((n, size - 1))}


@pytest.mark.parametrize("size", [2, 3, 5, 10])
@pytest.mark.filterwarnings("ignore::umap_sk.FewerNeighborsWarning")
def test_thousands_of_pieces_stay_together(size):
    """Thousands of small pieces make a compact map, in which the rows of a piece are close but rarely coincide.

    Their final distances are about 1e-5, close to the resolution of float32, so a few in a thousand rows coincide.
    """
    positions = PrecomputedUMAP(random_state=0).fit_transform(**cliques(size))
    assert np.isfinite(positions).all()
    width = np.ptp(positions, axis=0).max()
    assert 10 < width < 300
    assert len(np.unique(positions, axis=0)) > 0.98 * len(positions)
    assert np.ptp(positions.reshape(-1, size, 2), axis=1).max() < 0.1 * width
