"""Tests of the directions of the largest variance against numpy's singular vectors."""

import numpy as np
import pytest
import scipy.sparse

from umap_sk.linear_algebra import principal_directions as directions
from umap_sk.linear_algebra.eigenpairs import orthonormalize_rows

RNG = np.random.default_rng


def falling(n, columns, rank=30, seed=0):
    """Return rows in which each direction has half the variance of the previous one, with a mean other than 0."""
    left, right = RNG(seed).normal(size=(n, rank)), np.linalg.qr(RNG(seed + 1).normal(size=(columns, rank)))[0]
    return (left * 0.5 ** (np.arange(rank) / 2)) @ right.T + RNG(seed + 2).normal(size=columns)


def singular(features, count):
    """Return the leading singular vectors of the centered rows, as rows, and their singular values."""
    _, values, vectors = np.linalg.svd(features - features.mean(axis=0), full_matrices=False)
    return vectors[:count], values[:count]


CASES = {
    "few columns": falling(500, 40),
    "many columns": falling(700, 300),
    "float32": falling(700, 300).astype(np.float32),
    "fewer rows than columns": falling(12, 300),
    "more columns than one sum takes": falling(60, 2_500),
    "units far apart": falling(500, 40) * np.where(np.arange(40) == 3, 1e6, 1.0),
    "large": falling(500, 40) * 1e148,
    "small": falling(500, 40) * 1e-200,
    "small beside constants": np.where(np.arange(40) == 3, 7.0, falling(500, 40) * 1e-200),
}


@pytest.mark.parametrize("name", CASES)
def test_directions_are_singular_vectors(name):
    features = CASES[name]
    rows = directions.center_rows(features)
    found = directions.find_principal_directions(rows, 2, 0)
    wanted, values = singular(features.astype(np.float64), 2)
    np.testing.assert_allclose(np.abs((found.vectors * wanted).sum(axis=1)), 1, atol=1e-5)
    np.testing.assert_allclose(found.squares, (values / rows.scale) ** 2, rtol=1e-4)
    along = directions.compute_coordinates(rows, found.vectors) * rows.scale
    expected = (features - rows.mean) @ found.vectors.T
    np.testing.assert_allclose(along, expected, atol=1e-4 * np.abs(expected).max())


def test_sparse_rows_are_those_of_dense_ones():
    features = RNG(0).normal(size=(3_000, 200)) * (RNG(1).random((3_000, 200)) < 0.1 * 0.9 ** np.arange(200))
    found = [
        directions.find_principal_directions(directions.center_rows(form(features)), 2, 0).vectors
        for form in (np.asarray, scipy.sparse.csr_array, scipy.sparse.csc_matrix)
    ]
    np.testing.assert_allclose(found[1], found[0], atol=1e-4)
    np.testing.assert_array_equal(found[2], found[1])


def test_directions_of_many_rows(monkeypatch):
    """The directions come from a sample and one product with all rows.

    They are much closer to those of all rows than the directions of the sample are.
    """
    monkeypatch.setattr(directions, "SAMPLED_ROWS", 200)
    features = falling(4_000, 150)
    rows = directions.center_rows(features)
    found = directions.find_principal_directions(rows, 2, 0).vectors
    wanted = singular(features, 2)[0]
    sample = RNG(0)
    sample.random((16, 150))
    few = singular(features[np.sort(sample.choice(4_000, 200, replace=False))], 2)[0]
    missed = np.sqrt(1 - np.minimum(1, (found * wanted).sum(axis=1) ** 2))
    by_few = np.sqrt(1 - np.minimum(1, (few * wanted).sum(axis=1) ** 2))
    assert (missed < 0.01).all() and (missed < by_few / 5).all()


@pytest.mark.parametrize("rank", [0, 1, 5])
def test_orthonormal_rows(rank):
    """The orthonormal rows span the given ones. Further rows result from rounding or are 0."""
    rows = RNG(2).normal(size=(8, rank)) @ RNG(3).normal(size=(rank, 20))
    found = orthonormalize_rows(rows)
    lengths = np.square(found).sum(axis=1)
    kept = found[lengths > 0.5]
    assert len(kept) >= rank and not found[lengths <= 0.5].any()
    np.testing.assert_allclose(kept @ kept.T, np.eye(len(kept)), atol=1e-12)
    np.testing.assert_allclose(rows @ kept.T @ kept, rows, atol=1e-9)


def test_the_order_of_a_sum_does_not_matter():
    """Sums are exact, so they do not depend on the order in which BLAS adds their terms."""
    rows = directions.center_rows(falling(3_000, 300))
    vectors = orthonormalize_rows(RNG(4).normal(size=(16, 300)))
    order = RNG(5).permutation(300)
    turned = directions.CenteredRows(rows.features[:, order], rows.mean[order], rows.units[order], rows.scale)
    whole = directions.multiply_by_covariance(rows, vectors)
    np.testing.assert_array_equal(directions.multiply_by_covariance(turned, vectors[:, order]), whole[:, order])
