"""Tests of invalid parameters: the error names the parameter, the given value and the valid values."""

import re

import numpy as np
import pytest

from umap_sk import UMAP, DisconnectedWarning, PrecomputedUMAP

OUT_OF_RANGE = {
    "n_neighbors": [1, 2.5, None],
    "n_components": [0, 1.5],
    "metric": [None, 3],
    "metric_params": [3],
    "min_dist": [-0.1, np.nan, np.inf, "small"],
    "spread": [0, -1.0, np.inf, 1e300, 1e-300],
    "a": [0, -1.0],
    "b": [0, np.nan],
    "local_connectivity": [-1, np.inf],
    "set_op_mix_ratio": [-0.1, 1.1],
    "disconnection_distance": [0, -1.0, np.nan],
    "symmetrize": ["yes", None],
    "target_metric": [3, True],
    "target_weight": [-0.1, 1.1, None, np.nan],
    "target_n_neighbors": [1, 2.5],
    "init": ["umap", None, 3],
    "rescale_init": [2],
    "n_epochs": [0, 2.5],
    "learning_rate": [0, np.inf, 1e38],
    "negative_sample_rate": [0, -1, 1e300],
    "repulsion_strength": [-1, np.inf, 1e300],
    "multilevel": ["no"],
    "random_state": [-1, 1.5, "seed"],
    "n_jobs": [0, 1.5],
    "verbose": ["loud"],
    "dens_lambda": [-1, np.inf, None],
    "dens_frac": [-0.1, 1.1],
    "dens_var_shift": [-0.1, np.nan],
    "output_metric": [3, None],
    "output_metric_params": [3],
    "searcher": ["annoy", None],
    "checkpoint": [3, True],
}
AT_THE_BORDER = {
    "n_neighbors": 2,
    "n_components": 1,
    "min_dist": 0,
    "local_connectivity": 0,
    "set_op_mix_ratio": 0,
    "disconnection_distance": np.inf,
    "n_epochs": 1,
    "negative_sample_rate": 0.5,
    "repulsion_strength": 0,
    "dens_lambda": 0,
    "dens_frac": 1,
    "dens_var_shift": 0,
    "n_jobs": -1,
}


@pytest.mark.parametrize("name, value", [(name, value) for name, values in OUT_OF_RANGE.items() for value in values])
def test_out_of_range(ring, name, value):
    """The error names the parameter and its value, and the estimator stays unfitted."""
    model = PrecomputedUMAP(**{name: value})
    for call in (model.fit, model.fit_transform, model.partial_fit, model.learn_manifold):
        got = re.escape(f"Got {value!r} instead")
        with pytest.raises(ValueError, match=f"'{name}' parameter of PrecomputedUMAP must be .* {got}"):
            call(knn_indices=ring[0], knn_dists=ring[1])
    assert not hasattr(model, "embedding_")


def test_every_parameter_is_tried():
    """OUT_OF_RANGE has an entry for every parameter."""
    assert set(OUT_OF_RANGE) == set(PrecomputedUMAP().get_params())


@pytest.mark.parametrize("name, value", AT_THE_BORDER.items())
def test_at_the_border(ring, name, value):
    """Values at the ends of the ranges are valid."""
    settings = {"n_neighbors": 5, "n_epochs": 3, "random_state": 0, name: value}
    assert np.isfinite(PrecomputedUMAP(**settings).fit_transform(knn_indices=ring[0], knn_dists=ring[1])).all()


EXTREMES = [
    {name: value}
    for name in ("learning_rate", "negative_sample_rate", "repulsion_strength", "spread")
    for value in (1e12, 1e-12)
] + [
    {"a": 1e20, "b": 0.9},
    {"a": 1e-20, "b": 0.9},
    {"a": 1.5, "b": 30},
    {"a": 2.0, "b": 1 / 30},
    {"n_neighbors": 2**64},
    {"n_neighbors": 10**30},
    {"local_connectivity": 1e300},
    {"dens_lambda": 1e12, "dens_frac": 1.0, "dens_var_shift": 0.0},
    {"dens_lambda": 1e-12, "dens_var_shift": 1e12, "negative_sample_rate": 1e-12},
]


@pytest.mark.filterwarnings("error", "ignore::umap_sk.FewerNeighborsWarning")
@pytest.mark.parametrize("n_components", [2, 3])
@pytest.mark.parametrize("settings", EXTREMES, ids=str)
def test_where_the_ranges_end(ring, settings, n_components):
    """Extreme values give finite positions of fitted and new rows, without a warning of numpy."""
    settings = {"n_neighbors": 5, "n_epochs": 60, "n_components": n_components, "random_state": 0, **settings}
    settings |= {"min_dist": 0} if settings.get("spread", 1) < 1 else {}
    model = PrecomputedUMAP(**settings).fit(knn_indices=ring[0], knn_dists=ring[1])
    assert np.isfinite(model.embedding_).all()
    assert np.isfinite(model.transform(knn_indices=ring[0], knn_dists=ring[1] + 0.01)).all()


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"a": 1.5}, "a=1.5 and b=None: give both"),
        ({"b": 0.8}, "a=None and b=0.8: give both"),
        ({"a": 1e300, "b": 0.9}, r"a=1e\+300 with b=0.9: points are near up to .* = 1e-167, but 1e-12 to 1e\+12"),
        ({"a": 1e-30, "b": 0.9}, r"a=1e-30 with b=0.9: points are near up to .* = 1e\+17, but"),
        ({"a": 1.5, "b": 1e-300}, "b=1e-300 is no exponent of a curve: give 1/30 to 30"),
        ({"a": 1.5, "b": 100}, "b=100.0 is no exponent of a curve: give 1/30 to 30"),
        ({"min_dist": 1.5}, "min_dist=1.5 must be at most spread=1.0"),
        ({"init": "pca"}, "init='pca' needs features: pass them as X"),
    ],
)
def test_together(ring, settings, message):
    """Parameters that are invalid in combination are refused."""
    with pytest.raises(ValueError, match=message):
        PrecomputedUMAP(5, **settings).fit(knn_indices=ring[0], knn_dists=ring[1])


def test_given_curve_is_used(ring):
    """The parameters a and b take precedence over min_dist and spread."""
    arrays = {"knn_indices": ring[0], "knn_dists": ring[1]}
    given = PrecomputedUMAP(5, a=2.0, b=0.7, n_epochs=3, random_state=0).fit(**arrays)
    assert (given.a_, given.b_) == (2.0, 0.7)
    fitted = PrecomputedUMAP(5, n_epochs=3, random_state=0).fit(**arrays)
    assert np.allclose((fitted.a_, fitted.b_), (1.5769434602697652, 0.8950608778515733), rtol=1e-6)
    assert not np.array_equal(given.embedding_, fitted.embedding_)


@pytest.mark.parametrize(
    "init, message",
    [
        (np.zeros((3, 2)), r"init has shape \(3, 2\), but 60 rows and n_components=2 axes are needed"),
        (np.ones((60, 3)), r"init has shape \(60, 3\)"),
        (np.c_[np.arange(60), np.full(60, 7)], "Axis 1 of init is constant"),
        (np.c_[np.arange(60), np.r_[np.zeros(59), np.nan]], "init has a value that is NaN .* first in row 59"),
        (np.c_[np.arange(60), np.r_[np.zeros(59), 1e39]], "infinite .* first in row 59"),
        (
            np.c_[np.arange(60), np.arange(60) * 1e20],
            r"init goes up to 5.9e\+21, but positions up to 1e\+15",
        ),
        ([[0, 1]] * 59 + [[1]], "init is no array .*rows differ in length, but 60 rows of n_components=2 numbers each"),
        ("umap", "init='umap' is not known; use 'auto', 'pivot_mds', 'spectral', 'pca', 'random' or an array"),
    ],
)
def test_bad_start(ring, init, message):
    """An invalid initial layout causes the same error as an argument of fit and as a parameter."""
    arrays = {"knn_indices": ring[0], "knn_dists": ring[1]}
    with pytest.raises(ValueError, match=message):
        PrecomputedUMAP(5).fit(**arrays, init=init)
    if not isinstance(init, str):
        with pytest.raises(ValueError, match=message):
            PrecomputedUMAP(5, init=init).fit(**arrays)


@pytest.mark.parametrize("init", ["pca", "umap", np.zeros((3, 2))])
def test_a_start_is_checked_before_the_graph_is_learned(ring, init, caplog):
    """An error does not come after the minutes that a large graph takes."""
    with caplog.at_level("INFO", "umap_sk"), pytest.raises(ValueError, match="init"):
        PrecomputedUMAP(5, init=init).fit(knn_indices=ring[0], knn_dists=ring[1])
    assert not caplog.records


@pytest.mark.parametrize("init", [np.ones((60, 2)) + 1j, [["a", "b"]] * 60])
def test_start_of_no_numbers(ring, init):
    """An initial layout of complex numbers or strings is refused."""
    with pytest.raises(TypeError, match="init must be real numbers, but is .* of dtype"):
        PrecomputedUMAP(5).fit(knn_indices=ring[0], knn_dists=ring[1], init=init)


@pytest.mark.filterwarnings("ignore::umap_sk.DisconnectedWarning", "ignore::umap_sk.FewerNeighborsWarning")
def test_start_of_an_embedding_with_disconnected_rows(ring):
    """An embedding is an initial layout, too. Only rows without a neighbor may be NaN, and they move no other row."""
    indices = np.where(ring[0] == 7, -1, ring[0])
    indices[7] = -1
    model = PrecomputedUMAP(5, n_epochs=9, random_state=0, rescale_init=False)
    arrays = {"knn_indices": indices, "knn_dists": ring[1]}
    start = model.fit_transform(**arrays)
    assert np.isnan(start[7]).all()
    filled = np.where(np.isnan(start), start[30], start)
    expected = model.fit_transform(**arrays, init=filled)
    np.testing.assert_array_equal(model.fit_transform(**arrays, init=start), expected)
    start[8] = np.nan
    with pytest.raises(ValueError, match="in 1 rows, first in row 8.*Only rows without a neighbor may be NaN"):
        model.fit(**arrays, init=start)


def test_arguments_of_a_metric_that_is_not_used(ring):
    """Arguments of precomputed distances are refused, but a UMAP ignores them, as umap-learn does."""
    with pytest.raises(ValueError, match="metric_params={'p': 3}, but metric='precomputed'.*metric_params=None"):
        PrecomputedUMAP(5, metric_params={"p": 3}).fit(knn_indices=ring[0], knn_dists=ring[1])
    distances = np.linalg.norm(ring[2][:, None] - ring[2], axis=2)
    maps = [
        UMAP(5, n_epochs=9, random_state=0, metric="precomputed", metric_kwds=arguments)
        for arguments in (None, {"p": 3})
    ]
    np.testing.assert_array_equal(*(model.fit_transform(distances) for model in maps))


def test_start_of_the_call_wins(ring):
    """The argument init of fit takes precedence over the parameter."""
    arrays = {"knn_indices": ring[0], "knn_dists": ring[1]}
    settings = {"n_neighbors": 5, "n_epochs": 3, "random_state": 0}
    start = np.random.default_rng(0).normal(size=(60, 2))
    expected = PrecomputedUMAP(**settings, init=start).fit_transform(**arrays)
    for other in ("spectral", start[:3]):
        assert np.array_equal(PrecomputedUMAP(**settings, init=other).fit_transform(**arrays, init=start), expected)
    assert not np.array_equal(PrecomputedUMAP(**settings).fit_transform(**arrays), expected)


@pytest.mark.filterwarnings("ignore::umap_sk.FewerNeighborsWarning")
@pytest.mark.parametrize(
    "metric, cut", [("cosine", 2), ("correlation", 2), ("hellinger", 1), ("jaccard", 1), ("dice", 1)]
)
def test_metric_names_what_is_too_far(ring, metric, cut):
    """Each metric has its own default of disconnection_distance, which the parameter overrides."""
    indices, dists = np.where(ring[0] == 7, -1, ring[0]), np.array(ring[1])
    dists[7] = cut
    model = PrecomputedUMAP(5, metric=metric, n_epochs=1, random_state=0)
    with pytest.warns(DisconnectedWarning, match="1 of 60 rows have no neighbor, the first is row 7"):
        model.fit(knn_indices=indices, knn_dists=dists)
    assert np.flatnonzero(np.isnan(model.embedding_[:, 0])).tolist() == [7]
    model.set_params(disconnection_distance=np.inf).fit(knn_indices=indices, knn_dists=dists)
    assert np.isfinite(model.embedding_).all()


@pytest.mark.parametrize(
    "features, message",
    [
        (np.ones((60, 3)), "vary in n_components=2 directions, but those of X vary in 0"),
        (np.outer(np.arange(60.0), [1, 2, 3]), "vary in n_components=2 directions, but those of X vary in 1"),
        (np.ones((60, 1)), r"at least n_components=2 features and rows, but X has shape \(60, 1\)"),
        (np.arange(180.0).reshape(60, 3) * 1e300, r"squares the features, but X goes up to 1.8e\+302.*np.abs"),
        (np.where(np.arange(180).reshape(60, 3) == 7, np.nan, 1.0), "squares the features, but X has NaN.*Fill in"),
    ],
)
def test_too_little_for_principal_components(ring, features, message):
    """init='pca' refuses features that vary in too few directions, are too large or contain NaN."""
    with pytest.raises(ValueError, match=message):
        PrecomputedUMAP(5, init="pca").fit(features, knn_indices=ring[0], knn_dists=ring[1])
