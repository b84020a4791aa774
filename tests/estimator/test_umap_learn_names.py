"""Tests of umap_sk.UMAP: umap-learn's names, positions and defaults, and the maps of PrecomputedUMAP."""

import inspect
import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors, kneighbors_graph
from sklearn.utils.estimator_checks import parametrize_with_checks

from umap_sk import UMAP, FewerNeighborsWarning, PrecomputedUMAP, UnusedParameterWarning
from umap_sk.compatible import translation
from umap_sk.umap_learn.names import REPLACEMENTS

IRIS = load_iris().data + np.random.default_rng(0).normal(0, 0.01, (150, 4))  # with distinct distances
FEW = {"n_epochs": 20, "random_state": 0}


@parametrize_with_checks([UMAP(n_epochs=11)])
def test_scikit_learn_check(estimator, check):
    """UMAP passes all checks of scikit-learn."""
    check(estimator)


def test_signature_is_umap_learns():
    """The parameters have umap-learn's names, positions and defaults, except for `init`. Others come after them."""
    umap = pytest.importorskip("umap")
    ours, theirs = ([(p.name, p.default) for p in inspect.signature(c).parameters.values()] for c in (UMAP, umap.UMAP))
    theirs[theirs.index(("init", "spectral"))] = ("init", "auto")
    assert ours[: len(theirs)] == theirs and ours[len(theirs)][0] == "searcher"


def test_every_name_that_the_estimator_lacks_is_told():
    """The TypeError of PrecomputedUMAP names a replacement for each parameter of umap-learn that it lacks."""
    own = inspect.signature(PrecomputedUMAP).parameters
    for name in inspect.signature(UMAP).parameters:
        if name not in own and name != "output_metric":
            assert name in REPLACEMENTS
    assert not REPLACEMENTS.keys() & own.keys()
    with pytest.raises(TypeError, match=r"metric_kwds is metric_params; densmap is dens_lambda=2\.0"):
        PrecomputedUMAP(metric_kwds={}, densmap=True)
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        PrecomputedUMAP(colour=1)


def test_bits_are_the_estimators():
    """The map and new rows are those of PrecomputedUMAP with the translated parameters."""
    ours = UMAP(10, 2, "manhattan", min_dist=0.3, **FEW).fit(IRIS)
    theirs = PrecomputedUMAP(n_neighbors=10, metric="manhattan", min_dist=0.3, **FEW).fit(IRIS)
    np.testing.assert_array_equal(ours.embedding_, theirs.embedding_)
    np.testing.assert_array_equal(ours.transform(IRIS[:9] + 0.05), theirs.transform(IRIS[:9] + 0.05).astype("float32"))
    assert (ours.graph_ != theirs.graph_).nnz == 0
    assert (ours._a, ours._b) == (theirs.a_, theirs.b_)
    assert ours.score(IRIS) == theirs.score(IRIS)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"densmap": True}, {"dens_lambda": 2.0}),
        ({"dens_lambda": 5.0}, {}),
        ({"output_metric": "haversine"}, {"output_metric": "haversine"}),
        ({"output_metric": "minkowski", "output_metric_kwds": {"p": 3.0}}, {"output_metric_params": {"p": 3.0}}),
        ({"metric": "minkowski", "metric_kwds": {"p": 3}}, {"metric": "minkowski", "metric_params": {"p": 3}}),
        ({"init": "tswspectral"}, {"init": "spectral"}),
        ({"metric": "taxicab"}, {"metric": "manhattan"}),
        ({"metric": "linfty"}, {"metric": "chebyshev"}),
        ({"metric": "matching"}, {"metric": "hamming"}),
        ({"metric": "l2", "output_metric": "l2"}, {}),
    ],
)
@pytest.mark.filterwarnings("ignore::umap_sk.UnusedParameterWarning")
def test_names_are_translated(theirs, ours):
    """umap-learn's names and those of PrecomputedUMAP give the same bits."""
    names = {"metric": "euclidean"} | ours
    if "output_metric_params" in names:
        names["output_metric"] = "minkowski"
    expected = PrecomputedUMAP(**names, **FEW).fit(IRIS).embedding_
    np.testing.assert_array_equal(UMAP(**theirs, **FEW).fit(IRIS).embedding_, expected)


def test_radii_are_returned():
    """With output_dens, fit_transform also returns the log radii, and the map does not change."""
    places, of_data, of_map = UMAP(output_dens=True, **FEW).fit_transform(IRIS)
    np.testing.assert_array_equal(places, UMAP(**FEW).fit_transform(IRIS))
    own = PrecomputedUMAP(metric="euclidean", dens_lambda=1.0, dens_frac=0.0, **FEW).fit(IRIS)
    np.testing.assert_array_equal(of_data, own.rad_orig_)
    np.testing.assert_array_equal(of_map, own.rad_emb_)


def test_radii_without_weight():
    """With dens_lambda=0, densmap does not change the map, and the radii are still returned."""
    expected = UMAP(output_dens=True, **FEW).fit_transform(IRIS)
    given = UMAP(densmap=True, dens_lambda=0, output_dens=True, **FEW).fit_transform(IRIS)
    for array, own in zip(given, expected, strict=True):
        np.testing.assert_array_equal(array, own)


@pytest.mark.parametrize("target", ["categorical", "l1"])
def test_targets_shape_the_map(target):
    """UMAP uses y by default, with its own target parameters."""
    y = load_iris().target
    ours = UMAP(target_metric=target, target_weight=0.7, target_n_neighbors=9, **FEW).fit(IRIS, y)
    names = {"target_metric": target, "target_weight": 0.7, "target_n_neighbors": 9}
    expected = PrecomputedUMAP(metric="euclidean", **names, **FEW).fit(IRIS, y)
    np.testing.assert_array_equal(ours.embedding_, expected.embedding_)
    assert (abs(ours.graph_ - UMAP(**FEW).fit(IRIS).graph_)).max() > 0.1


def test_precomputed_neighbors_in_all_forms():
    """umap-learn's precomputed_knn and cuML's knn_graph accept arrays, graphs and matrices, and give the same maps."""
    dists, ids = NearestNeighbors(n_neighbors=15).fit(IRIS).kneighbors(IRIS)
    graph = kneighbors_graph(IRIS, 14, mode="distance")
    full = np.linalg.norm(IRIS[:, None] - IRIS, axis=2)
    arrays = UMAP(precomputed_knn=(ids, dists, None), **FEW).fit_transform(IRIS)
    np.testing.assert_array_equal(UMAP(precomputed_knn=(ids, dists), **FEW).fit_transform(IRIS), arrays)
    np.testing.assert_array_equal(UMAP(**FEW).fit_transform(IRIS, knn_graph=(ids, dists)), arrays)
    sparse, dense = (UMAP(**FEW).fit(IRIS, knn_graph=given) for given in (graph, full))
    np.testing.assert_allclose(sparse.graph_.toarray(), dense.graph_.toarray(), atol=1e-5)
    for given, model in ((graph, sparse), (full, dense)):
        np.testing.assert_array_equal(UMAP(precomputed_knn=given, **FEW).fit_transform(IRIS), model.embedding_)
    assert clone(UMAP(precomputed_knn=(ids, dists, None))).precomputed_knn[2] is None


def test_rows_of_different_lengths_in_a_graph():
    """A sparse knn_graph whose rows differ in length gives the graph of PrecomputedUMAP."""
    graph = kneighbors_graph(IRIS, 14, mode="distance").tolil()
    graph[3, graph[3].nonzero()[1][:5]] = 0
    graph = scipy.sparse.csr_array(graph)
    ours = UMAP(**FEW).fit(IRIS, knn_graph=graph)
    theirs = PrecomputedUMAP(**FEW).fit(graph)
    np.testing.assert_array_equal(ours.graph_.toarray(), theirs.graph_.toarray())


@pytest.mark.parametrize("form", [np.asarray, scipy.sparse.csr_array])
def test_copies_lie_in_one_place(form):
    """With unique=True, the graph has each row once, and copies share their position."""
    X = np.vstack([IRIS[:60], IRIS[:7], IRIS[60:]])
    kinds = np.unique(X, axis=0, return_inverse=True)[1]
    model = UMAP(unique=True, **FEW).fit(form(X))
    assert model.graph_.shape[0] == kinds.max() + 1
    assert len(np.unique(model.embedding_, axis=0)) == kinds.max() + 1
    np.testing.assert_array_equal(model.embedding_[60:67], model.embedding_[:7])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).embedding_, model.embedding_)
    with pytest.raises(ValueError, match="unique=True looks for copies among features"):
        UMAP(metric="precomputed", unique=True).fit(np.zeros((4, 4)))


def test_maps_at_epochs():
    """A list of epochs gives a map for each, the last of which is that of the largest number."""
    model = UMAP(n_epochs=[5, 20, 10], random_state=0).fit(IRIS)
    straight = UMAP(**FEW).fit(IRIS)
    assert len(model.embedding_list_) == 3
    np.testing.assert_array_equal(model.embedding_list_[2], straight.embedding_)
    np.testing.assert_array_equal(model.embedding_, straight.embedding_)
    assert not np.array_equal(model.embedding_list_[0], model.embedding_list_[1])

    assert not hasattr(model.update(IRIS[:3] + 0.1), "embedding_list_")
    model.fit(IRIS)
    assert not hasattr(model.set_params(n_epochs=5).fit(IRIS), "embedding_list_")


@pytest.mark.parametrize("stops", [[], [0], (5, -1), [2.5]])
def test_lists_of_epochs_that_are_none(stops):
    """A list of epochs without a whole number from 1 on, or with other numbers than 0 and these, is refused."""
    with pytest.raises(ValueError, match="a list needs whole numbers of at least 0, of which one is larger"):
        UMAP(n_epochs=stops).fit(IRIS)


def test_graph_alone():
    """With transform_mode='graph', the output contains membership strengths, also of new rows, and there is no map."""
    model = UMAP(transform_mode="graph")
    graph = model.fit_transform(IRIS)
    np.testing.assert_array_equal(graph.toarray(), UMAP(**FEW).fit(IRIS).graph_.toarray())
    assert not hasattr(model, "embedding_")
    new = IRIS[::10] + 0.07
    strengths = model.transform(new)
    indices = NearestNeighbors(n_neighbors=15).fit(IRIS).kneighbors(new, return_distance=False)
    for row, nearest in enumerate(indices):
        np.testing.assert_array_equal(np.flatnonzero(strengths[[row]].toarray()[0]), np.sort(nearest))
    np.testing.assert_allclose(strengths.sum(axis=1), np.log2(15), rtol=1e-4)


def test_what_only_chooses_how_is_said_once(monkeypatch):
    """Each parameter without an effect is named in one warning if it is changed, and in none otherwise."""
    monkeypatch.setattr(translation, "_warned", set())
    changed = dict.fromkeys(translation.UNUSED_PARAMETERS, 7) | {"tqdm_kwds": {"disable": True}}
    with pytest.warns(UnusedParameterWarning) as told:
        UMAP(init="tswspectral", **changed, **FEW).fit(IRIS)
    assert len(told) == len(changed) + 1
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        UMAP(low_memory=False, **FEW).fit(IRIS)
        UMAP(**FEW).fit(IRIS)


def test_metrics_with_a_gradient():
    """A function that returns a distance and a gradient can be a metric. It gets its arguments by name."""

    def metric(x, y, power, factor):
        return factor * np.abs(x - y).sum() ** power, x - y

    ours = UMAP(metric=metric, metric_kwds={"factor": 2.0, "power": 1}, **FEW).fit(IRIS)
    np.testing.assert_allclose(ours.graph_.toarray(), UMAP(metric="l1", **FEW).fit(IRIS).graph_.toarray(), atol=2e-5)


@pytest.mark.parametrize("number", [np.uint8, np.int16])
def test_numbers_of_numpy(number):
    """Numbers of few bits as parameters do not overflow, and give the same bits."""
    ours = UMAP(number(12), number(2), n_epochs=number(9), random_state=0).fit(np.tile(IRIS, (4, 1)))
    expected = UMAP(12, n_epochs=9, random_state=0).fit(np.tile(IRIS, (4, 1)))
    np.testing.assert_array_equal(ours.embedding_, expected.embedding_)


def test_fewer_rows_than_neighbors():
    """n_neighbors is reduced to the possible number with a warning, as in umap-learn."""
    with pytest.warns(FewerNeighborsWarning, match="n_neighbors=200 is larger than the 40 rows allow; it is 39"):
        model = UMAP(n_neighbors=200, **FEW).fit(IRIS[:40])
    assert (model._n_neighbors, model.n_neighbors) == (39, 200)


def test_errors_about_data_come_before_warnings_about_their_number(recwarn):
    with pytest.raises(ValueError, match="could not convert string to float: 'abc'"):
        UMAP().fit("abc")
    assert not recwarn.list


@pytest.mark.parametrize("given", [(1, 2, 3), [1]])
def test_tuples_that_are_no_neighbors(given):
    """A knn_graph that is a sequence of other than two entries, or a precomputed_knn without distances, is refused."""
    with pytest.raises(ValueError, match=f"of {len(given)} entries, but two arrays are needed"):
        UMAP().fit(IRIS, knn_graph=given)
    with pytest.raises(ValueError, match="knn_indices was given without knn_dists"):
        UMAP(precomputed_knn=(np.zeros((150, 3), int),)).fit(IRIS)


def test_names_of_columns_stay():
    """With unique=True, the column names of a data frame are known, and new rows cause no warning."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(np.vstack([IRIS, IRIS[:9]]), columns=list("abcd"))
    model = UMAP(unique=True, **FEW).fit(frame)
    assert list(model.feature_names_in_) == list("abcd")
    np.testing.assert_array_equal(model.embedding_, UMAP(unique=True, **FEW).fit(frame.to_numpy()).embedding_)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.transform(frame[:3])


def test_unique_rows_are_combined_and_extended():
    """If unique=True finds no copies, the model can be combined and extended like one of all rows."""
    unique, whole = (UMAP(unique=flag, **FEW).fit(IRIS) for flag in (True, False))
    assert (unique + whole).embedding_.tobytes() == (whole + whole).embedding_.tobytes()
    new = IRIS[:7] + 0.01
    assert unique.update(new).embedding_.tobytes() == whole.update(new).embedding_.tobytes()


def test_copies_are_not_combined():
    """A model that left copies out can be combined neither with one of all rows nor with one of the distinct rows."""
    twice = np.vstack([IRIS, IRIS[:9]])
    copies, whole, distinct = UMAP(unique=True, **FEW).fit(twice), UMAP(**FEW).fit(twice), UMAP(**FEW).fit(IRIS)
    assert copies.graph_.shape == distinct.graph_.shape and copies.embedding_.shape == whole.embedding_.shape
    for one, other in ((copies, whole), (whole, copies), (copies, distinct), (distinct, copies), (copies, copies)):
        with pytest.raises(ValueError, match="unique=True left copies out of a graph. Fit both without it"):
            one + other


def test_combined_models_have_no_features():
    """A combined model has no features, but it can be converted and places new rows by their neighbors."""
    model = UMAP(**FEW).fit(IRIS)
    made = model + model
    assert not hasattr(made, "_raw_data")
    assert getattr(made, "_sparse_data", None) is None
    taken = PrecomputedUMAP.from_umap_learn(made)
    np.testing.assert_array_equal(taken.embedding_, made.embedding_)
    there = r"set_features, or pass neighbors of new rows: estimator_\.transform"
    with pytest.raises(ValueError, match=there):
        made.transform(IRIS)
    indices, dists = np.arange(5)[:, None], np.zeros((5, 1))
    assert made.estimator_.transform(knn_indices=indices, knn_dists=dists).shape == (5, 2)


def test_cures_are_a_models_own():
    """Errors name the parameters of UMAP, or say that they name those of estimator_."""
    with pytest.raises(ValueError, match=r"needs metric_kwds=\{'V'"):
        UMAP(metric="seuclidean").fit(IRIS)
    with pytest.raises(ValueError, match="and pass precomputed_knn=.indices, distances, None., or pass a function"):
        UMAP(metric="kulczynski1").fit(IRIS)
    with pytest.raises(ValueError, match="Set densmap=False or output_metric='euclidean'"):
        UMAP(densmap=True, output_metric="torus").fit(IRIS)
    dense, supervised = UMAP(densmap=True, **FEW).fit(IRIS), UMAP(**FEW).fit(IRIS, load_iris().target)
    for model in (dense, supervised):
        with pytest.raises(ValueError, match="named here are those of estimator_"):
            model.update(IRIS[:2] + 0.1)
    dense.estimator_.set_params(dens_lambda=0.0)
    assert dense.update(IRIS[:2] + 0.1).embedding_.shape == (152, 2)


@pytest.mark.parametrize("sign", ["__add__", "__mul__", "__sub__"])
def test_models_are_combined(sign):
    """Sums, products and differences of models are laid out from the combined graphs."""
    one, other = UMAP(**FEW).fit(IRIS[:, :2]), UMAP(n_neighbors=10, **FEW).fit(IRIS[:, 2:])
    made = getattr(one, sign)(other)
    expected = getattr(one.estimator_.manifold_, sign)(other.estimator_.manifold_).graph
    np.testing.assert_array_equal(made.graph_.toarray(), expected.toarray())
    with pytest.raises(ValueError, match="150 and 100 rows"):
        getattr(one, sign)(UMAP(**FEW).fit(IRIS[:100]))


# ------------------------------------------------------------------------------------------------ umap-learn's models


@pytest.fixture
def their_model():
    """Return a fitted model with umap-learn's attributes."""
    return UMAP(n_neighbors=10, metric="cosine", **FEW).fit(IRIS)


def assert_taken_over(model, theirs, X):
    """Check that graph, map, curve and parameters are those of `theirs`, and that its rows keep their positions."""
    np.testing.assert_array_equal(model.embedding_, theirs.embedding_)
    np.testing.assert_array_equal(model.graph_.toarray(), theirs.graph_.toarray())
    assert (model.a_, model.b_) == (theirs._a, theirs._b)
    assert (model.n_neighbors, model.metric, model.n_epochs) == (10, "cosine", 20)
    np.testing.assert_array_equal(model.transform(X), theirs.embedding_)


def test_models_are_taken_over(their_model):
    """A converted model gives the same new rows, inverse transforms and scores, and has a map of its own."""
    model = PrecomputedUMAP.from_umap_learn(their_model)
    assert_taken_over(model, their_model, IRIS)
    own = their_model.estimator_
    np.testing.assert_array_equal(model.transform(IRIS + 0.1), own.transform(IRIS + 0.1))
    np.testing.assert_array_equal(model.inverse_transform(own.embedding_), own.inverse_transform(own.embedding_))
    assert model.score(IRIS) == own.score(IRIS)
    model.embedding_[0] = 0
    assert their_model.embedding_[0, 0] != 0


@pytest.mark.slow
@pytest.mark.long
def test_models_of_umap_learn_are_taken_over():
    """A model of umap-learn can be converted, and new rows lie near the positions that umap-learn gives them."""
    umap = pytest.importorskip("umap")
    X = IRIS.astype("float32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = umap.UMAP(n_neighbors=10, metric="cosine", **FEW).fit(X)
        there = theirs.transform(X[::5] + np.float32(0.05))
    model = PrecomputedUMAP.from_umap_learn(theirs)
    assert_taken_over(model, theirs, X)
    apart = np.linalg.norm(model.transform(X[::5] + np.float32(0.05)) - there, axis=1)
    assert np.median(apart) < 0.1 * np.ptp(theirs.embedding_, axis=0).min()


def test_work_goes_on_from_a_model_taken_over(their_model):
    """A converted model can be laid out further, stored, and separated from its graph."""
    model = PrecomputedUMAP.from_umap_learn(their_model)
    again = clone(model).set_params(multilevel=False, rescale_init=False)
    again.fit(manifold=model.manifold_, init=model.embedding_)
    assert again.embedding_.shape == (150, 2)
    stored = pickle.loads(pickle.dumps(model))
    new = IRIS[:5] + 1
    np.testing.assert_array_equal(stored.transform(new), model.transform(new))
    np.testing.assert_array_equal(model.drop_graph().transform(new), stored.transform(new))


def test_what_cannot_be_taken_over():
    """Models without a fit, or with different rows in the graph and in the map, cannot be converted."""
    with pytest.raises(TypeError, match="no fitted umap.UMAP: it has no graph_"):
        PrecomputedUMAP.from_umap_learn(UMAP())
    copies = UMAP(unique=True, **FEW).fit(np.vstack([IRIS, IRIS]))
    with pytest.raises(ValueError, match="a graph of 150 rows and a map of 300"):
        PrecomputedUMAP.from_umap_learn(copies)


def test_graphs_are_matrices():
    """`*` is the product of matrices and rows stay two-dimensional, as with umap-learn's graphs."""
    model = UMAP(**FEW).fit(IRIS)
    alone, new = UMAP(transform_mode="graph", **FEW), IRIS[:3] + 0.1
    for graph in (model.graph_, alone.fit_transform(IRIS), alone.transform(new)):
        assert isinstance(graph, scipy.sparse.csr_matrix) and graph[0].shape == (1, 150)
    product = model.graph_.toarray() @ model.graph_.toarray()
    np.testing.assert_allclose((model.graph_ * model.graph_).toarray(), product, rtol=1e-5)
    assert np.shares_memory(model.graph_.data, model.estimator_.graph_.data)


def test_no_epoch_in_a_list_is_the_start():
    model = UMAP(n_epochs=[10, 0, 5], random_state=0).fit(IRIS)
    np.testing.assert_array_equal(model.embedding_list_[0], UMAP(n_epochs=0, random_state=0).fit_transform(IRIS))
    assert not np.array_equal(model.embedding_list_[0], model.embedding_list_[1])


def test_no_negative_sample_is_no_repulsion():
    embedding = UMAP(negative_sample_rate=0, **FEW).fit_transform(IRIS)
    np.testing.assert_array_equal(embedding, UMAP(repulsion_strength=0, **FEW).fit_transform(IRIS))


@pytest.mark.parametrize("given", [{"dens_frac": 2.0}, {"dens_lambda": -1.0}, {"dens_var_shift": -0.1}])
def test_density_parameters_are_checked_without_density(given):
    with pytest.raises(ValueError, match=f"The '{next(iter(given))}' parameter of UMAP must be"):
        UMAP(**given).fit(IRIS)


@pytest.mark.parametrize(
    ("metric", "theirs", "name", "ours"),
    [
        ("mahalanobis", {"vinv": np.diag([1.0, 2, 3, 4])}, "mahalanobis", {"VI": np.diag([1.0, 2, 3, 4])}),
        ("standardised_euclidean", {"sigma": np.arange(1.0, 5)}, "seuclidean", {"V": np.arange(1.0, 5)}),
    ],
)
def test_arguments_of_metrics_by_other_names(metric, theirs, name, ours):
    embedding = UMAP(metric=metric, metric_kwds=theirs, **FEW).fit_transform(IRIS)
    np.testing.assert_array_equal(embedding, UMAP(metric=name, metric_kwds=ours, **FEW).fit_transform(IRIS))


def test_the_earlier_name_of_ensure_all_finite():
    rows = np.where(np.arange(4) == np.arange(150)[:, None] % 40, np.nan, IRIS)
    given = {"metric": "nan_euclidean", **FEW}
    embedding = UMAP(**given).fit_transform(rows, force_all_finite="allow-nan")
    np.testing.assert_array_equal(embedding, UMAP(**given).fit(rows, ensure_all_finite="allow-nan").embedding_)


def test_maps_without_an_inverse_say_why():
    sphere = UMAP(output_metric="haversine", **FEW).fit(IRIS)
    graph = UMAP(metric="precomputed", **FEW).fit(pairwise_distances(IRIS))
    for model, reason in ((sphere, "output_metric='haversine'"), (graph, "X was the graph")):
        with pytest.raises(ValueError, match=reason):
            model.inverse_transform(model.embedding_[:2])
