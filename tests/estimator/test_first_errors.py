"""Tests of the errors and warnings that new users meet: class names, misspelled values and wrong neighbors."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.neighbors import NearestNeighbors

from umap_sk import (
    UMAP,
    DoubtfulDistancesWarning,
    EqualDistancesWarning,
    NeighborsTransformer,
    PrecomputedUMAP,
    UMAPWarning,
    nearest_neighbors,
)

X = np.random.default_rng(0).normal(size=(150, 5))
DISTS, INDICES = NearestNeighbors(n_neighbors=8).fit(X).kneighbors(X)
SHORT = {"n_neighbors": 8, "n_epochs": 3, "random_state": 0}


def message_of(model, *data):
    with pytest.raises((ValueError, TypeError)) as found:
        model.fit(*data)
    return str(found.value)


def test_missing_values_are_not_for_trees():
    """The error about missing values recommends imputing them, and not scikit-learn's HistGradientBoosting."""
    holes = np.where(np.arange(5) == np.arange(150)[:, None] % 90, np.nan, X)
    for model in (UMAP(), PrecomputedUMAP(metric="euclidean"), NeighborsTransformer()):
        message = message_of(model, holes)
        assert message.startswith("Input X contains NaN. Impute missing values") and "HistGradient" not in message
        assert "PrecomputedUMAP" not in message


@pytest.mark.parametrize(
    ("given", "data"),
    [
        ({"init": "spektral"}, (X,)),
        ({"n_neighbors": 1}, (X,)),
        ({"searcher": "exakt"}, (X,)),
        ({"metric": "hellinger"}, (X,)),
        ({}, ([["a"], ["b"]],)),
    ],
)
def test_errors_of_umap_do_not_name_another_class(given, data):
    """The errors of UMAP do not mention PrecomputedUMAP, which its users may not know."""
    assert "PrecomputedUMAP" not in message_of(UMAP(**given), *data)
    if "n_neighbors" in given:
        assert "of UMAP must be" in message_of(UMAP(**given), *data)


@pytest.mark.parametrize("cls", [UMAP, PrecomputedUMAP])
@pytest.mark.parametrize(
    ("parameter", "given", "meant"),
    [
        ("init", "Spektral", "spectral"),
        ("init", "pivotmds", "pivot_mds"),
        ("searcher", "exakt", "exact"),
        ("searcher", "hnsw", "hnswlib"),
        ("output_metric", "haversin", "haversine"),
        ("target_metric", "categories", "categorical"),
        ("metric", "euclidaen", "euclidean"),
    ],
)
def test_misspelled_names(cls, parameter, given, meant):
    """The error about a misspelled value suggests the nearest valid name, for every parameter."""
    model = cls(**{"metric": "euclidean", parameter: given})
    assert f"nearest name is {meant!r}" in message_of(model, X, np.arange(150) % 3)


def test_misspelled_searcher_of_neighbors():
    assert "nearest name is 'exact'" in message_of(NeighborsTransformer(searcher="exakt"), X)


def test_umap_takes_a_searcher():
    """UMAP passes its searcher, a name or an object, on to the search."""
    model = UMAP(searcher="exact", **SHORT).fit(X)
    assert model.estimator_.searcher == "exact" and model.report_["search"]["searcher"] == "exact"
    by_object = UMAP(searcher=NearestNeighbors(n_neighbors=8), **SHORT).fit(X)
    assert by_object.report_["search"]["searcher"] == "NearestNeighbors"


def warnings_of(indices, dists, features=X, **given):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        PrecomputedUMAP(**SHORT, **given).fit(features, knn_indices=indices, knn_dists=dists)
    return [(warning.category, str(warning.message)) for warning in found if issubclass(warning.category, UMAPWarning)]


def test_squares_beside_features():
    """Squared distances that contradict the features cause a warning, unless the metric is a squared one."""
    assert warnings_of(INDICES, DISTS) == []
    ((category, message),) = warnings_of(INDICES, DISTS**2)
    assert category is DoubtfulDistancesWarning and "np.sqrt(knn_dists)" in message
    assert warnings_of(INDICES, DISTS**2, metric="sqeuclidean") == []
    assert warnings_of(INDICES, DISTS**2, features=None) == []


def test_indices_of_other_rows_beside_features():
    """Features that were shuffled after the search cause a warning. Other features of the same rows do not."""
    shuffled = X[np.random.default_rng(1).permutation(150)]
    ((category, message),) = warnings_of(INDICES, DISTS, shuffled)
    assert category is DoubtfulDistancesWarning and "no nearer to each other in X" in message
    assert warnings_of(INDICES, DISTS, np.abs(X) + 3) == []  # other features of the same rows


def test_equal_distances():
    """Neighbors that are all equally far are used, with a warning."""
    ((category, message),) = warnings_of(INDICES[:, 1:], np.full((150, 7), 2.5), features=None)
    assert category is EqualDistancesWarning and "are 2.5" in message
    assert issubclass(EqualDistancesWarning, UMAPWarning)


def test_a_manifold_and_annotated_data_are_no_features():
    """A manifold by position, and an AnnData object, are refused at once with the right call."""
    manifold = PrecomputedUMAP(8).learn_manifold(knn_indices=INDICES, knn_dists=DISTS)
    assert "fit(manifold=manifold)" in message_of(PrecomputedUMAP(8), manifold)
    cells = type("AnnData", (), {"X": X, "__len__": lambda self: len(X)})()
    for model in (UMAP(), PrecomputedUMAP()):
        assert "umap_sk.scanpy.umap(adata)" in message_of(model, cells)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_distances_that_are_not_finite(value):
    """Entries of a matrix or a graph that are not finite are no features to impute."""
    distances = np.linalg.norm(X[:, None] - X, axis=2)
    distances[3, 5] = distances[5, 3] = value
    for form in (distances, csr_array(distances)):
        message = message_of(PrecomputedUMAP(8), form)
        assert "Finite distances are needed" in message and "Impute" not in message


def test_fractions_before_a_regressor():
    """The error for fractions as labels names the estimator that leaves y out, which it does without a warning."""
    y = X[:, 0] + 0.5
    assert "PrecomputedUMAP(metric='euclidean'), whose target_metric is None" in message_of(UMAP(), X, y)


def test_too_few_neighbors_are_counted_with_the_row():
    with pytest.raises(ValueError, match="n_neighbors is 1, but at least 2 is needed: the row itself"):
        nearest_neighbors(X, 1)


def test_frames_of_neighbors_must_have_one_order():
    """Two frames whose row labels differ are refused, and frames with the same labels are taken."""
    names = [f"row{i}" for i in range(150)]
    indices, dists = (pd.DataFrame(values, index=names) for values in (INDICES, DISTS))
    with pytest.raises(ValueError, match=r"row labels differ.*knn_dists.loc\[knn_indices.index\]"):
        PrecomputedUMAP(**SHORT).fit(knn_indices=indices, knn_dists=dists[::-1])
    expected = PrecomputedUMAP(**SHORT).fit(knn_indices=INDICES, knn_dists=DISTS).embedding_
    np.testing.assert_array_equal(
        PrecomputedUMAP(**SHORT).fit_transform(knn_indices=indices, knn_dists=dists), expected
    )


def test_the_folder_of_a_run_is_no_folder_for_runs(tmp_path):
    given = {"knn_indices": INDICES, "knn_dists": DISTS}
    run = PrecomputedUMAP(checkpoint=tmp_path, **SHORT).partial_fit(**given).report_["run"]
    with pytest.raises(ValueError, match=f"{re.escape(str(run))} is the folder of one run. Pass .*{tmp_path.name}"):
        PrecomputedUMAP(checkpoint=run, **SHORT).fit(**given)
