"""Tests of cross-validation with one graph, in the usual forms, and of the forms that are refused."""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import sklearn
from scipy.spatial.distance import cdist
from scipy.stats import binom
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, KFold, cross_validate
from sklearn.neighbors import KNeighborsClassifier, KNeighborsTransformer
from sklearn.pipeline import Pipeline

from umap_sk import FewerNeighborsWarning, PrecomputedUMAP, knn_graph, metrics

N = 150
X, LABELS = make_blobs(N, 6, centers=4, cluster_std=2.0, random_state=0)
GRID = {"min_dist": [0.05, 0.5], "n_neighbors": [6, 10]}
ALL = [(np.arange(N), np.arange(N))]
CV = KFold(3, shuffle=True, random_state=0)


def arrays(k):
    """Return the k nearest rows of every row, itself first, with distances whose bits do not depend on the batch."""
    distances = cdist(X, X)
    indices = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return indices, np.take_along_axis(distances, indices, axis=1)


GRAPH = knn_graph(*arrays(50))


def umap(**parameters):
    return PrecomputedUMAP(**{"n_neighbors": 10, "n_epochs": 10, "random_state": 0, "init": "pivot_mds", **parameters})


def split_scores(search, n_splits):
    return np.array([search.cv_results_[f"split{i}_test_score"] for i in range(n_splits)]).T


# -------------------------------------------------------------------------- a: a graph, cut by rows and columns


def test_graph_in_grid_search():
    """The map and the score of a fold are those of the fold's rows with their own nearest neighbors."""
    search = GridSearchCV(umap(), GRID, cv=CV, error_score="raise").fit(GRAPH)
    scores = split_scores(search, 3)
    for parameters, row in zip(search.cv_results_["params"], scores, strict=True):
        for (train, test), score in zip(CV.split(X), row, strict=True):
            fold = umap(**parameters, metric="euclidean").fit(X[train])
            cut = umap(**parameters).fit(GRAPH[train][:, train])
            np.testing.assert_array_equal(cut.embedding_, fold.embedding_)
            assert score == cut.score(GRAPH[test][:, train]) == fold.score(X[test])
    best = search.cv_results_["params"][scores.mean(axis=1).argmax()]
    assert search.best_params_ == best and len(set(scores.ravel())) > 6
    np.testing.assert_array_equal(search.best_estimator_.embedding_, umap(**best).fit(GRAPH).embedding_)


def test_ragged_rows_say_what_they_lost():
    """If the graph lists too few neighbors, the warning counts the rows of each fold that lack some."""
    graph = knn_graph(*arrays(11))
    train, _ = next(iter(CV.split(X)))
    left = np.diff(graph[train][:, train].indptr) - 1
    assert 0 < (left < 9).sum() < len(train)
    with pytest.warns(FewerNeighborsWarning) as caught:
        GridSearchCV(umap(), {"n_neighbors": [10]}, cv=[next(iter(CV.split(X)))], refit=False).fit(graph)
    expected = f"{(left < 9).sum()} of 100 rows have fewer than 9 neighbors (the fewest: {left.min()})"
    assert expected in str(caught[0].message)


@pytest.mark.parametrize("kind", ["csr_matrix", "csc", "coo", "dense"])
def test_graph_of_any_form(kind):
    """Other sparse formats give the scores of csr_array, and a matrix of all distances gives those of features."""
    if kind == "dense":
        graph, expected = cdist(X, X), cross_validate(umap(metric="euclidean"), X, cv=CV)["test_score"]
    else:
        graph = scipy.sparse.csr_matrix(GRAPH) if kind == "csr_matrix" else GRAPH.asformat(kind)
        expected = cross_validate(umap(), GRAPH, cv=CV)["test_score"]
    np.testing.assert_array_equal(cross_validate(umap(), graph, cv=CV, error_score="raise")["test_score"], expected)


def test_scorers_in_grid_search():
    """A grid search accepts several scorers of the metrics at once."""
    scoring = {"recall": metrics.neighbor_recall_scorer, "trust": metrics.trustworthiness_scorer}
    search = GridSearchCV(umap(), {"min_dist": [0.05, 0.9]}, cv=CV, scoring=scoring, refit="trust").fit(GRAPH)
    plain = GridSearchCV(umap(), {"min_dist": [0.05, 0.9]}, cv=CV).fit(GRAPH)
    np.testing.assert_array_equal(search.cv_results_["mean_test_recall"], plain.cv_results_["mean_test_score"])
    train, test = next(iter(CV.split(X)))
    first = umap(min_dist=0.05).fit(GRAPH[train][:, train])
    found = metrics.trustworthiness(
        GRAPH[test][:, train], first.transform(GRAPH[test][:, train]), training=first.embedding_
    )
    assert search.cv_results_["split0_test_trust"][0] == pytest.approx(found, abs=1e-12)


# ------------------------------------------------------------- b: a pipeline from features to a classifier, cached


class CountingTransformer(KNeighborsTransformer):
    """A KNeighborsTransformer that counts the fits of all its clones."""

    fits: list = []

    def fit_transform(self, X, y=None):
        type(self).fits.append(X.shape)
        return super().fit_transform(X)


def test_pipeline_with_memory(tmp_path):
    """The scores equal those by hand, and memory= limits the searches to one for each fold and one for the refit."""
    steps = [
        ("neighbors", CountingTransformer(n_neighbors=10, mode="distance")),
        ("umap", umap()),
        ("vote", KNeighborsClassifier(5)),
    ]
    grid = {f"umap__{name}": values for name, values in GRID.items()}
    CountingTransformer.fits.clear()
    search = GridSearchCV(Pipeline(steps, memory=str(tmp_path)), grid, cv=CV, error_score="raise").fit(X, LABELS)
    assert len(CountingTransformer.fits) == 4
    plain = GridSearchCV(Pipeline(steps), grid, cv=CV).fit(X, LABELS)
    np.testing.assert_array_equal(split_scores(search, 3), split_scores(plain, 3))
    train, test = next(iter(CV.split(X)))
    neighbors, model = clone(steps[0][1]), umap(min_dist=0.05, n_neighbors=6)
    places = model.fit_transform(neighbors.fit_transform(X[train]))
    vote = KNeighborsClassifier(5).fit(places, LABELS[train])
    by_hand = vote.score(model.transform(neighbors.transform(X[test])), LABELS[test])
    assert by_hand == search.cv_results_["split0_test_score"][0] > 0.7


# ----------------------------------------------------------------------- c and d: one graph, whole, for every candidate


def test_one_whole_graph_unsupervised():
    """With cv=[(all, all)], nothing is cut, and the score of a candidate is the recall of its own map."""
    search = GridSearchCV(umap(), GRID, cv=ALL, error_score="raise").fit(GRAPH)
    for parameters, score in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True):
        assert score == metrics.neighbor_recall(GRAPH, umap(**parameters).fit(GRAPH).embedding_)
    assert search.score(GRAPH) == search.best_score_


@pytest.mark.parametrize("routing", [False, True])
def test_one_manifold_for_every_candidate(routing, monkeypatch):
    """The manifold reaches every candidate uncut, and no candidate learns a graph of its own."""
    manifold = umap().learn_manifold(GRAPH)
    expected = [umap(min_dist=m).fit(manifold=manifold) for m in (0.05, 0.5)]

    def learned_again(*arguments, **options):
        raise AssertionError("a graph was learned")

    monkeypatch.setattr("umap_sk.pipeline.learn.build_graph", learned_again)
    with sklearn.config_context(enable_metadata_routing=routing):
        model = umap().set_fit_request(manifold=True) if routing else umap()
        search = GridSearchCV(model, {"min_dist": [0.05, 0.5]}, cv=ALL, error_score="raise")
        search.fit(GRAPH, manifold=manifold)
    scores = [metrics.neighbor_recall(GRAPH, model.embedding_) for model in expected]
    assert list(search.cv_results_["mean_test_score"]) == scores
    np.testing.assert_array_equal(search.best_estimator_.embedding_, expected[int(np.argmax(scores))].embedding_)


def test_manifold_beside_a_cut_graph():
    """If folds cut X but not the manifold, the error names the form with cv=[(rows, rows)]."""
    manifold = umap().learn_manifold(GRAPH)
    with pytest.raises(ValueError, match=r"X has 100 rows, but the manifold has 150.*cv=\[\(rows, rows\)\]"):
        GridSearchCV(umap(), {"min_dist": [0.1]}, cv=3, error_score="raise").fit(GRAPH, manifold=manifold)


# ---------------------------------------------------------------------------------------------------- cut arrays


def tools():
    """Return the functions that cut fit parameters, which take an estimator, X and the parameters."""
    grid = {"min_dist": [0.1, 0.5]}
    in_pipeline = {"umap__min_dist": [0.1, 0.5]}

    def prefixed(parameters):
        if sklearn.get_config()["enable_metadata_routing"]:
            return parameters
        return {f"umap__{name}": value for name, value in parameters.items()}

    def grid_search(model, data, parameters):
        GridSearchCV(model, grid, cv=CV, error_score="raise").fit(data, **parameters)

    def halving(model, data, parameters):
        search = HalvingGridSearchCV(model, grid, cv=CV, error_score="raise", min_resources=60)
        search.fit(data, np.zeros(N), **parameters)

    def validate(model, data, parameters):
        cross_validate(model, data, cv=CV, params=parameters, error_score="raise")

    def pipeline(model, data, parameters):
        search = GridSearchCV(Pipeline([("umap", model)]), in_pipeline, cv=CV, error_score="raise")
        search.fit(data, **prefixed(parameters))

    return [grid_search, halving, validate, pipeline]


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("metric", ["euclidean", "precomputed"])
@pytest.mark.parametrize("tool", tools(), ids=lambda tool: tool.__name__)
def test_cut_arrays_are_refused(tool, metric, routing):
    """Cut arrays are refused for every form of X, and the error names knn_graph."""
    indices, dists = arrays(15)
    with sklearn.config_context(enable_metadata_routing=routing):
        model = umap(metric=metric)
        if routing:
            model.set_fit_request(knn_indices=True, knn_dists=True)
            model.set_score_request(knn_indices=True, knn_dists=True)
        with pytest.raises(ValueError, match=r"knn_graph\(knn_indices, knn_dists\)"):
            tool(model, X if metric == "euclidean" else GRAPH, {"knn_indices": indices, "knn_dists": dists})


def test_cut_arrays_are_named_where_errors_become_scores():
    """If all fits fail, the error that scikit-learn raises by default contains the message about cut arrays."""
    indices, dists = arrays(15)
    with pytest.raises(ValueError, match="All the 6 fits failed") as caught:
        GridSearchCV(umap(metric="euclidean"), {"min_dist": [0.1, 0.5]}, cv=3).fit(
            X, knn_indices=indices, knn_dists=dists
        )
    assert "knn_graph(knn_indices, knn_dists)" in str(caught.value)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint64])
def test_cut_that_stays_in_range(dtype):
    """Rows in another order, also with some of them twice, are recognized although no index is out of range."""
    indices, dists = arrays(15)
    indices = indices.astype(dtype)
    order = np.random.default_rng(0).permutation(N)
    some_twice = np.r_[order[:-5], order[:5]]
    rounded = np.c_[np.full(N, 1e-4), dists[:, 1:]]  # rounding in the search
    for rows in (order, some_twice):
        with pytest.raises(ValueError, match="first column of knn_indices holds the rows themselves in another order"):
            umap().fit(knn_indices=indices[rows], knn_dists=dists[rows])
        with pytest.raises(ValueError, match=r"row 0 begins with \d+, at distance 0.0001.*knn_graph"):
            umap().fit(knn_indices=indices[rows], knn_dists=rounded[rows])


def test_what_only_looks_like_a_cut():
    """Correct arrays are accepted if rows do not list themselves, have copies or ties, or lack their own index."""
    indices, dists = arrays(15)
    rows = np.arange(N)
    lattice = np.abs(rows[:, None] - rows[None, :]).astype(float) + 9e9 * (rows[:, None] == rows)
    nearest = np.argsort(lattice, axis=1, kind="stable")[:, :6]
    partner = np.where(rows % 2, rows - 1, rows + 1)  # every row has a twin, which a search may list first
    twins = np.c_[partner, rows, indices[:, 2:]]
    following = np.where(rows % 3 == 2, rows - 2, rows + 1)  # three equal rows, the next one first
    triplets = np.c_[following, rows, indices[:, 2:]]
    swapped = indices.copy()
    swapped[::3, 0], swapped[::3, 1] = indices[::3, 1], indices[::3, 0]
    lost = indices.copy()
    lost[::4, 0] = -1
    flat = np.tile([0.0, 0.0, *range(1, 14)], (N, 1))
    for given in (
        (indices, dists),
        (indices[:, 1:], dists[:, 1:]),
        (nearest, np.take_along_axis(lattice, nearest, axis=1)),
        (twins, flat),
        (triplets, flat),
        (swapped, flat),
        (lost, dists),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FewerNeighborsWarning)
            assert umap().fit(knn_indices=given[0], knn_dists=given[1]).embedding_.shape == (N, 2)


def test_features_with_the_default_metric():
    """With the default metric, scikit-learn itself refuses to cut features, which are not square."""
    with pytest.raises(ValueError, match="square kernel matrix"):
        GridSearchCV(PrecomputedUMAP(), {"min_dist": [0.1]}, cv=3).fit(X)


def test_halving_over_a_graph():
    """Successive halving cuts a graph to half of its rows for two candidates, and gives the better one all rows."""
    shapes = []

    def recall(model, graph, y):
        shapes.append((len(model.embedding_), graph.shape))
        return metrics.neighbor_recall_scorer(model, graph)

    options = {"factor": 2, "min_resources": N // 2, "return_train_score": False, "random_state": 0}
    grid = {"min_dist": GRID["min_dist"]}
    search = HalvingGridSearchCV(umap(), grid, cv=CV, scoring=recall, error_score="raise", **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewerNeighborsWarning)
        search.fit(GRAPH, np.zeros(N))
    assert (search.n_candidates_, search.n_resources_) == ([2, 1], [N // 2, N])
    assert shapes == [(50, (25, 50))] * 3 * 2 + [(100, (50, 100))] * 3
    np.testing.assert_array_equal(search.best_estimator_.embedding_, umap(**search.best_params_).fit(GRAPH).embedding_)


def test_table_of_the_docs():
    """The shares in the table are binomial.

    Each of the k - 1 neighbors of a row stays in a fold with probability 1 - 1 / F.
    """
    page = (Path(__file__).parents[2] / "docs" / "cross_validation.md").read_text()
    lines = re.findall(r"^\| k = (\d+) \| (.*) % \| (.*) % \| (.*) % \|$", page, re.MULTILINE)
    assert len(lines) == 5
    for k, *shares in lines:
        for folds, share in zip((3, 5, 10), shares, strict=True):
            exact = 100 * binom.cdf(13, int(k) - 1, 1 - 1 / folds)
            assert exact < 0.01 if share == "< 0.01" else abs(exact - float(share)) <= 0.05


@pytest.mark.parametrize("folds", [3, 5, 10])
def test_twice_the_neighbors_are_enough(folds):
    """With twice the neighbors, as the guide recommends, less than 3 % of the rows lack neighbors in a fold."""
    neighbors = np.argsort(np.random.default_rng(0).random((2000, 2000)), axis=1)[:, :29]
    short = np.concatenate(
        [
            np.isin(neighbors[train], train).sum(axis=1) < 14
            for train, _ in KFold(folds, shuffle=True, random_state=0).split(neighbors)
        ]
    )
    assert short.mean() < 0.03
