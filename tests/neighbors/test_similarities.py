"""Similarities in arrays of neighbors are recognized in any order of the columns, and distances never are."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from umap_sk import DoubtfulDistancesWarning, PrecomputedUMAP
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
    """Without the row itself, values up to 1 are doubtful if rows with many common neighbors have the largest."""
    others = DISTS[:, :0:-1]
    with pytest.warns(DoubtfulDistancesWarning, match="the more neighbors two rows share .*as similarities do"):
        check_neighbor_values(INDICES[:, :0:-1], convert(others))


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
