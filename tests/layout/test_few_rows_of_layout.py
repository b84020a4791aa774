"""The numpy functions for few rows return the bits of the kernels of the same names."""

import numpy as np
import pytest

from umap_sk import kernels
from umap_sk.layout import eigenvectors, few_rows, sell
from umap_sk.runtime.compile import as_readonly


@pytest.fixture
def rows():
    """Return the indptr of rows of all lengths, some longer than a block, and an order of them."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 40, 2500)
    lengths[::500] = 1100
    return np.concatenate([[0], np.cumsum(lengths)]), rng.permutation(2500).astype(np.int32)


def test_order_by_length_is_the_kernels(rows):
    """Longer rows come first within blocks, and rows of the same length keep their order."""
    indptr, order = rows
    one, other = order.copy(), order.copy()
    few_rows.longest_first(indptr, one)
    kernels.longest_first(as_readonly(indptr), other)
    np.testing.assert_array_equal(one, other)
    assert (one != order).any()


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("first_row", [0, 1024])
def test_slices_are_the_kernels(rows, named, first_row):
    """Both functions fill slices with the same values, renumbered values and padding."""
    indptr, order = rows
    values = np.random.default_rng(1).integers(0, 2500, indptr[-1]).astype(np.uint32)
    names = np.random.default_rng(2).permutation(2500).astype(np.uint32)[: 2500 * named]
    starts = sell.find_slice_starts(indptr, order)
    one, other = np.empty((2, starts[-1]), np.uint32)
    given = as_readonly(indptr), as_readonly(values), names, order, first_row, as_readonly(starts)
    few_rows.fill_slices(*given, one)
    kernels.fill_slices(*given, other)
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_jitter_is_the_kernels(axes):
    """Each row and axis has the same random number."""
    one, other = np.zeros((2, 1500, axes), np.float32)
    few_rows.jitter(one, 7, np.float32(0.01))
    kernels.jitter(other, 7, np.float32(0.01))
    np.testing.assert_array_equal(one, other)
    assert one.any()


@pytest.mark.parametrize("has_inner", [True, False])
@pytest.mark.parametrize("first_row", [0, 512])
def test_smoothed_positions_are_the_kernels(rows, has_inner, first_row):
    """Rows of any length move to the mean of their neighbors, in the order of their edges. Some have no weight."""
    indptr, order = rows
    random = np.random.default_rng(4)
    starts = sell.find_slice_starts(indptr, order)
    indices = random.integers(0, 3100, starts[-1]).astype(np.uint32)
    weights = random.random(starts[-1]).astype(np.float32)
    weights[: starts[3]] = 0
    inner = random.random(2500 * has_inner).astype(np.float32)
    positions = random.normal(size=(3100, 3)).astype(np.float32)
    edges = as_readonly(starts), as_readonly(indices), as_readonly(weights)
    one, other = np.empty((2, 2500, 3), np.float32)
    for function, out in ((few_rows.smooth, one), (kernels.smooth, other)):
        function(as_readonly(positions), first_row, out, *edges, as_readonly(inner), np.float32(0.7))
    np.testing.assert_array_equal(one, other)
    if not has_inner:
        still = slice(3 * kernels.SLICE)
        np.testing.assert_allclose(one[still], positions[first_row:][still], rtol=1e-5)


def test_inner_products_are_the_kernels(monkeypatch):
    """Both functions add the products row by row, with the same bits."""
    left, right = np.random.default_rng(3).normal(size=(2, 2000, 8))
    for columns in (8, 1):
        few = eigenvectors.compute_inner_products(left[:, :columns], right)
        with monkeypatch.context() as patched:
            patched.setattr(eigenvectors, "FEW_ROWS", 0)
            np.testing.assert_array_equal(few, eigenvectors.compute_inner_products(left[:, :columns], right))
