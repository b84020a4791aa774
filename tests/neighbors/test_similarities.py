"""Similarities in arrays of neighbors are recognized in any order of the columns, and distances never are."""

import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn.datasets import load_digits
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestNeighbors

from umap_sk import DoubtfulDistancesWarning, PrecomputedUMAP
from umap_sk.neighbors import similarities
from umap_sk.neighbors.similarities import check_neighbor_values

DIGITS = load_digits().data
DISTS, INDICES = NearestNeighbors(n_neighbors=15).fit(DIGITS).kneighbors(DIGITS)
ORDER = np.argsort(np.random.default_rng(0).random(INDICES.shape), axis=1)
CONVERSIONS = [lambda d: np.exp(-d / 20), lambda d: 1 / (1 + d), lambda d: 1 - (d / 100) ** 2]


def mixed(values):
    return np.take_along_axis(values, ORDER, axis=1)


@pytest.mark.parametrize("convert", CONVERSIONS)
@pytest.mark.parametrize("arrange", [mixed, lambda values: values[:, ::-1]])
def test_the_row_itself_is_the_most_similar(convert, arrange):
    """A fit is refused if most rows are most similar to themselves."""
    arrays = {"knn_indices": arrange(INDICES), "knn_dists": arrange(convert(DISTS))}
    with pytest.raises(ValueError, match=r"larger at a row itself.*50 of 50.*1 - similarity.*to themselves to 0"):
        PrecomputedUMAP().learn_manifold(**arrays)


@pytest.mark.parametrize("convert", CONVERSIONS)
def test_rows_that_share_neighbors_are_similar(convert):
    """Without the row itself, values are doubtful if rows with many common neighbors have the largest."""
    others = DISTS[:, :0:-1]
    for scale in (1, 40):
        with pytest.warns(DoubtfulDistancesWarning, match="the more neighbors two rows share .*as similarities do"):
            check_neighbor_values(INDICES[:, :0:-1], scale * convert(others))


@pytest.mark.parametrize("dtype", [np.int32, np.uint32, np.uint64])
def test_missing_neighbors_of_any_dtype(monkeypatch, dtype):
    """Missing neighbors are not shared, whatever number stands for them."""
    found, is_missing = [], np.random.default_rng(0).random(INDICES.shape) < 0.3
    monkeypatch.setattr(similarities, "is_correlated", found.append)
    for kind, missing in ((np.int64, -1), (dtype, np.iinfo(dtype).max)):
        indices = INDICES.astype(kind)
        indices[is_missing] = missing
        check_neighbor_values(indices[:, 1:], DISTS[:, 1:])
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
@pytest.mark.parametrize("scale", [1.0, 1e-4])
@pytest.mark.parametrize("arrange", [mixed, lambda values: values, lambda values: values[:, 1:]])
def test_distances_pass(metric, scale, arrange):
    dists, indices = NearestNeighbors(n_neighbors=15, metric=metric).fit(DIGITS).kneighbors(DIGITS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_neighbor_values(arrange(indices), arrange(scale * dists))


def test_distances_with_an_infinite_diagonal_pass():
    """Distances to the row itself that were set to infinity or are missing are no similarities."""
    dists = np.where(INDICES == np.arange(len(INDICES))[:, None], np.inf, DISTS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_neighbor_values(mixed(INDICES), mixed(dists))


@pytest.mark.parametrize("form", ["dense", "sparse", "coo"])
def test_similarities_of_new_rows(form):
    """transform warns if 1 - X has the distances that the fit had, and takes distances without a warning."""
    similarities = cosine_similarity(DIGITS)
    model = PrecomputedUMAP(n_epochs=2, random_state=0).fit(1 - similarities[:1700, :1700])
    new = similarities[1700:, :1700]
    if form != "dense":
        nearest = np.argsort(-new, axis=1)[:, :60]
        kept = np.zeros(new.shape)
        np.put_along_axis(kept, nearest, np.take_along_axis(new, nearest, axis=1), axis=1)
        new = scipy.sparse.csr_array(kept)
    distances = new.copy() if form != "dense" else 1 - new
    if form != "dense":
        distances.data = 1 - distances.data
    new, distances = (X.tocoo() if form == "coo" else X for X in (new, distances))
    with pytest.warns(DoubtfulDistancesWarning, match="15 smallest values .* which suits 1 - X.*1 - similarity"):
        model.transform(new)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.transform(distances)
