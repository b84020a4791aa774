"""Rows or distances in another order are recognized by pairs of rows, and neighbors of any search pass."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from umap_sk import DoubtfulDistancesWarning, PrecomputedUMAP
from umap_sk.neighbors.reciprocity import check_own_entries, check_reciprocity, compare_directions

DIGITS = load_digits().data
DISTS, INDICES = NearestNeighbors(n_neighbors=15).fit(DIGITS).kneighbors(DIGITS)
ORDER = np.random.default_rng(0).permutation(len(DIGITS))
UNRELATED = "should have one distance, but 8.% of .* row i of knn_indices"


def test_rows_in_another_order():
    """Neighbors of shuffled rows cause a warning in a fit, although their indices are valid."""
    arrays = {"knn_indices": INDICES[ORDER, 1:], "knn_dists": DISTS[ORDER, 1:]}
    with pytest.warns(DoubtfulDistancesWarning, match=UNRELATED), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*fewer than 14 neighbors")
        PrecomputedUMAP().learn_manifold(**arrays)


def test_distances_in_another_order():
    with pytest.warns(DoubtfulDistancesWarning, match=UNRELATED):
        PrecomputedUMAP().learn_manifold(knn_indices=INDICES, knn_dists=DISTS[ORDER])


def test_hardly_any_row_lists_another():
    """Random neighbors of many rows hardly ever list each other."""
    rng = np.random.default_rng(0)
    with pytest.warns(DoubtfulDistancesWarning, match="only 0..% of 6000 sampled entries have a counterpart"):
        check_reciprocity(rng.integers(0, 20_000, (20_000, 15)), np.sort(rng.random((20_000, 15)), axis=1))


@pytest.mark.parametrize("change", [lambda d: d, lambda d: d.astype(np.float16), lambda d: d**2, lambda d: 1 - d / 100])
@pytest.mark.parametrize("columns", [slice(None), slice(1, None), slice(0, 3), slice(None, None, -1)])
def test_distances_in_the_order_of_their_rows_pass(change, columns):
    noise = np.exp(0.1 * np.random.default_rng(0).normal(size=DISTS.shape))  # of compressed vectors
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for dists in (DISTS, DISTS * noise):
            check_reciprocity(INDICES[:, columns], change(dists[:, columns]))


@pytest.mark.parametrize("features", [None, DIGITS])
def test_indices_that_were_sorted_alone(features):
    """Most rows then list themselves at the distance of another row."""
    arrays = {"knn_indices": np.sort(INDICES, axis=1), "knn_dists": DISTS}
    with pytest.warns(DoubtfulDistancesWarning, match="9.% of 400 sampled rows list themselves .* sorted alone"):
        PrecomputedUMAP().learn_manifold(features, **arrays)


def test_own_entries_at_the_distances_of_searches_pass():
    """Rounding, compressed vectors, equal rows, and missing entries cause no warning."""
    random = np.random.default_rng(0)
    rounded = DISTS + 1e-3 * random.random(DISTS.shape)
    compressed = np.sort(DISTS + 0.2 * DISTS[:, -1:] + random.normal(size=DISTS.shape), axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for dists in (DISTS, rounded, compressed, DISTS.astype(np.float16), np.zeros_like(DISTS), DISTS * np.nan):
            check_own_entries(INDICES, dists)
        check_own_entries(np.full_like(INDICES, -1), DISTS)
        check_own_entries(INDICES[:, :1], DISTS[:, :1])
        check_own_entries(INDICES[:, 1:], DISTS[:, 1:])


def test_missing_neighbors_have_no_direction():
    """Missing and own entries do not count, and both distances of a pair are found."""
    names = np.array([[0, 1, -1], [5, 0, 2], [1, -1, 2], [3, 0, 9]])
    values = np.array([[0.0, 2.0, 1.0], [9.0, 3.0, 4.0], [4.5, 1.0, 0.0], [0.0, 7.0, np.inf]])
    is_reciprocal, forth, back, elsewhere = compare_directions(names, values)
    assert is_reciprocal.tolist() == [True, True, True, True, False]
    assert forth.tolist() == [2, 3, 4, 4.5] and back.tolist() == [3, 2, 4.5, 4] and len(elsewhere) == 4


def test_distances_that_are_alike_in_all_rows():
    """Even points have similar distances in each column, and another order of their rows is recognized."""
    points = np.random.default_rng(0).random((5000, 3))
    dists, indices = NearestNeighbors(n_neighbors=15).fit(points).kneighbors(points)
    with pytest.warns(DoubtfulDistancesWarning, match="row i of knn_indices"):
        check_reciprocity(indices, np.random.default_rng(0).permutation(dists))
