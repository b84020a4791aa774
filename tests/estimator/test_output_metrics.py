"""Tests of output metrics: their bits, initial layouts, figures and losses, and invalid arguments."""

import pickle

import numba
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from umap_sk import Checkpoint, PrecomputedUMAP, knn_graph, metrics
from umap_sk.layout import spaces

ROWS = 400
SPACES = [("haversine", None, 2), ("hyperboloid", None, 2), ("torus", {"period": (3, 6)}, 2), ("cosine", None, 3)]


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:ROWS]


@pytest.fixture(scope="module")
def arrays(digits):
    dists, indices = NearestNeighbors(n_neighbors=16).fit(digits).kneighbors(digits)
    return {"knn_indices": indices, "knn_dists": dists}


def model_of(metric, params=None, n_components=2, **parameters):
    settings = {"n_epochs": 60, "random_state": 0} | parameters
    return PrecomputedUMAP(n_components=n_components, output_metric=metric, output_metric_params=params, **settings)


@pytest.mark.parametrize("metric, params, axes", SPACES)
def test_same_bits(metric, params, axes, arrays, tmp_path):
    """Fits on one or two threads, from a pickle and from a checkpoint give the same bits."""
    whole = model_of(metric, params, axes, n_jobs=1).fit(**arrays).embedding_
    assert whole.shape == (ROWS, axes) and np.isfinite(whole).all()
    cut = model_of(metric, params, axes, n_jobs=2).partial_fit(**arrays, epochs=23)
    cut = pickle.loads(pickle.dumps(cut)).partial_fit(epochs=1000)
    np.testing.assert_array_equal(cut.embedding_, whole)
    kept = Checkpoint(tmp_path, every_epochs=5)
    model_of(metric, params, axes, checkpoint=kept).partial_fit(**arrays, epochs=31)
    resumed = model_of(metric, params, axes, checkpoint=kept).fit(**arrays)
    np.testing.assert_array_equal(resumed.embedding_, whole)
    again = model_of(metric, params, axes, checkpoint=kept).fit(**arrays)
    np.testing.assert_array_equal(again.embedding_, whole)


@numba.njit
def stretch(x, y, first=1.0, second=1.0):
    """Return a distance with a factor for each axis, and its gradient."""
    factors = np.array([first, second], np.float32)
    difference = factors * (x - y)
    distance = np.sqrt((difference**2).sum())
    return distance, factors * difference / (1e-6 + distance)


def test_arguments_by_name(arrays):
    """A function gets its arguments by name, and an argument that it does not have is refused."""
    maps = [
        model_of(stretch, params).fit(**arrays).embedding_
        for params in ({"second": 9.0}, {"second": 9.0, "first": 1.0}, {"first": 1.0, "second": 9.0})
    ]
    np.testing.assert_array_equal(maps[1:], [maps[0]] * 2)
    with pytest.raises(ValueError, match=r"stretch cannot be called with two rows and output_metric_params=\{'third'"):
        model_of(stretch, {"third": 2.0}).fit(**arrays)


@pytest.mark.parametrize("metric, params, axes", SPACES)
def test_map_is_good(metric, params, axes, arrays, digits):
    """By its own distances, the map keeps neighbors near, and transform finds the positions of fitted rows again."""
    model = model_of(metric, params, axes).fit(digits, **arrays)
    assert model.score(**arrays) > 0.35
    np.testing.assert_array_equal(model.transform(**arrays), model.embedding_)
    given = {"output_metric": metric, "output_metric_params": params}
    graph = knn_graph(arrays["knn_indices"], arrays["knn_dists"])
    for figure in (metrics.neighbor_recall, metrics.trustworthiness):
        good, bad = (figure(graph, rows, k=10, **given) for rows in (model.embedding_, model.embedding_[::-1]))
        assert good > bad + 0.25
    assert metrics.triplet_accuracy(digits, model.embedding_, **given) > 0.55
    assert metrics.distance_correlation(digits, model.embedding_, **given) > 0.1
    others = {"knn_indices": arrays["knn_indices"][:, 1:], "knn_dists": arrays["knn_dists"][:, 1:]}
    placed = model.transform(**others)
    space = spaces.resolve_space(metric, params, axes)
    near = spaces.compute_pair_distances(
        space, *(spaces.to_positions(space, rows) for rows in (placed, model.embedding_))
    )
    far = spaces.compute_pair_distances(
        space, *(spaces.to_positions(space, rows) for rows in (placed, model.embedding_[::-1]))
    )
    assert np.median(near) < 0.2 * np.median(far)


def test_loss_is_the_euclidean_ones_where_metrics_agree(arrays):
    """Minkowski distances with p=2 and a torus that is large enough have the Euclidean loss."""
    model = PrecomputedUMAP(random_state=0, n_epochs=30).fit(**arrays)
    given = {"a": model.a_, "b": model.b_}
    expected = metrics.sampled_loss(model.manifold_, model.embedding_, **given)
    for metric, params in (("minkowski", {"p": 2}), ("torus", {"period": 1e3})):
        space = {"output_metric": metric, "output_metric_params": params}
        loss = metrics.sampled_loss(model.manifold_, model.embedding_, **given, **space)
        assert abs(loss / expected - 1) < 1e-3
    assert metrics.sampled_loss(model.manifold_, model.embedding_, **given, output_metric="manhattan") != expected
    flat = model_of("minkowski", {"p": 2}, n_epochs=100).fit(**arrays)
    ours = PrecomputedUMAP(random_state=0, n_epochs=100).fit(**arrays)
    losses = [metrics.sampled_loss(m.manifold_, m.embedding_, **given) for m in (flat, ours)]
    assert abs(losses[0] / losses[1] - 1) < 0.03
    assert -metrics.sampled_loss_scorer(flat) == pytest.approx(losses[0], rel=1e-3)


@pytest.mark.parametrize("init", ["auto", "random", "pca", "pivot_mds", "spectral"])
def test_starts_by_name(init, arrays, digits):
    """Every named initial layout surrounds the pole and reaches about to the equator."""
    begun = model_of("haversine", init=init, learning_rate=1e-9).partial_fit(digits, **arrays)
    polar, longitude = begun.embedding_.T
    assert polar.max() > 1.2 and np.ptp(longitude) > 4
    assert polar.min() >= 0 and polar.max() <= np.pi + 1e-6 and np.abs(longitude).max() <= np.pi + 1e-6


def test_start_of_own_coordinates(arrays):
    """An array of the space's coordinates is used as it is, so that a fit can continue from a map."""
    first = model_of("haversine").fit(**arrays)
    begun = model_of("haversine", init=first.embedding_, rescale_init=False, learning_rate=1e-9).fit(**arrays)
    np.testing.assert_allclose(begun.embedding_, first.embedding_, atol=1e-5)


@numba.njit
def three_numbers(x, y):
    return 1.0, x, y


@numba.njit
def no_gradient(x, y):
    return np.abs(x - y).sum()


INIT = np.random.default_rng(0).uniform(0.1, 3, (ROWS, 2))
REFUSED = [
    ({"output_metric": "haversine", "n_components": 3}, "n_components=2"),
    ({"output_metric": "correlation"}, "at least n_components=3"),
    ({"output_metric": "jaccard"}, "'haversine'.*compiled by numba"),
    ({"output_metric": "torus", "output_metric_params": {"period": [1, 2, 3]}}, "one number for all axes, or 2 of"),
    ({"output_metric": "torus", "output_metric_params": {"period": "x"}}, "{'period': 'x'}, but .* one number for all"),
    ({"output_metric": "torus", "output_metric_params": {"period": None}}, "one number for all axes"),
    ({"output_metric": "torus", "output_metric_params": {"period": [1, [2]]}}, "one number for all axes"),
    ({"output_metric": "torus", "output_metric_params": {"period": [1, 0]}}, "must be positive"),
    ({"output_metric": "torus", "output_metric_params": {"p": 2}}, "takes 'period' alone"),
    ({"output_metric": "euclidean", "output_metric_params": {"p": 2}}, "takes none"),
    ({"output_metric": "minkowski", "output_metric_params": {"p": 0.5}}, "from 1 to 30"),
    ({"output_metric": "minkowski", "output_metric_params": {"p": "x"}}, "{'p': 'x'}, but an exponent from 1 to 30"),
    ({"output_metric": "minkowski", "output_metric_params": {"p": None}}, "{'p': None}, but an exponent from 1 to 30"),
    ({"output_metric": "minkowski", "output_metric_params": {"p": [3]}}, r"{'p': \[3\]}, but an exponent"),
    ({"output_metric": lambda x, y: (1.0, x)}, "numba.njit"),
    ({"output_metric": no_gradient}, "no_gradient"),
    ({"output_metric": three_numbers}, "a distance and its gradient"),
    ({"output_metric": "haversine", "init": INIT + [2, 0]}, "polar angles from 0 to 3.142"),
    ({"output_metric": "torus", "init": INIT * 9}, "from 0 to 6.283"),
    ({"output_metric": "hyperboloid", "init": INIT * 1e5}, "lengths up to 4052"),
    ({"output_metric": "cosine", "init": INIT * (np.arange(ROWS) != 7)[:, None]}, "first row 7"),
]


@pytest.mark.parametrize("parameters, message", REFUSED)
def test_refusals(parameters, message, arrays):
    with pytest.raises((ValueError, TypeError), match=message):
        PrecomputedUMAP(**parameters).fit(**arrays)


@numba.njit
def raises_far_apart(x, y, reach):
    distance = np.sqrt(((x - y) ** 2).sum())
    if distance > reach:
        raise ValueError("the points lie too far apart")
    return distance, (x - y) / (distance + np.float32(1e-6))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_function_that_raises_ends_what_called_it(arrays, n_jobs, capfd):
    """An exception in a metric ends the fit, transform or figure that called it, and its message has the points.

    numba alone would print the exception and continue.
    """
    message = "raised ValueError: the points lie too far apart. Its points were"
    settings = {"n_epochs": 60, "n_jobs": n_jobs}
    with pytest.raises(ValueError, match=message):
        model_of(raises_far_apart, {"reach": 0.9}, **settings).fit(**arrays)
    model = model_of(raises_far_apart, {"reach": 1e6}, **settings).fit(**arrays)
    model.set_params(output_metric_params={"reach": 0.9})
    with pytest.raises(ValueError, match=message):
        model.transform(knn_indices=arrays["knn_indices"], knn_dists=arrays["knn_dists"] + 1)
    given = {"output_metric": raises_far_apart, "output_metric_params": {"reach": 0.9}}
    with pytest.raises(ValueError, match=message):
        metrics.neighbor_recall(knn_graph(arrays["knn_indices"], arrays["knn_dists"]), model.embedding_, **given)
    assert "ignored" not in capfd.readouterr().err


def test_what_needs_euclidean_distances_is_refused(arrays, digits):
    model = model_of("haversine", n_epochs=1).fit(digits, **arrays)
    with pytest.raises(AttributeError) as raised:
        model.inverse_transform(model.embedding_[:2])
    assert "Fit with output_metric='euclidean'" in str(raised.value.__cause__)
    with pytest.raises(ValueError, match="update settles rows by Euclidean"):
        model.update(knn_indices=arrays["knn_indices"][:1], knn_dists=arrays["knn_dists"][:1] + 1)
    with pytest.raises(ValueError, match="anchors hold rows by Euclidean"):
        model_of("haversine").fit(**arrays, anchors=model.embedding_)
    with pytest.raises(ValueError, match="Set dens_lambda=0"):
        model_of("haversine", dens_lambda=1.0).fit(**arrays)


def test_function_is_the_metric_it_computes(arrays):
    """A function of umap-learn gives the map of the metric with its name, but cannot replace it during a layout."""
    umap_distances = pytest.importorskip("umap.distances")
    given = {"init": INIT * 5, "rescale_init": False, "n_epochs": 20}
    function = model_of(umap_distances.chebyshev_grad, **given).partial_fit(**arrays).embedding_
    named = model_of("chebyshev", **given).partial_fit(**arrays).embedding_
    np.testing.assert_allclose(function, named, rtol=1e-3, atol=1e-3)
    begun = model_of("chebyshev", **given).partial_fit(**arrays).set_params(output_metric=umap_distances.chebyshev_grad)
    with pytest.raises(ValueError, match="output_metric"):
        begun.partial_fit()
