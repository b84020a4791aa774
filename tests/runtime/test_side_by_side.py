"""Tests of numpy functions over blocks of rows: the results are those over all rows, on any number of threads."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from umap_sk.runtime import side_by_side
from umap_sk.runtime.threads import limit_threads

SIZES = [0, 1, 63, 64, 65, 1000]


@pytest.fixture(params=[1, 2])
def threads(request, monkeypatch):
    """Use small blocks and the given number of threads, and return this number."""
    monkeypatch.setattr(side_by_side, "ROWS_AT_ONCE", 64)
    with limit_threads(request.param):
        yield request.param


@pytest.mark.parametrize("n", SIZES)
def test_every_row_is_in_one_block_and_results_keep_their_order(threads, n):
    rows = side_by_side.map_blocks(lambda block: np.arange(n)[block].tolist(), n)
    assert sum(rows, []) == list(range(n))
    assert len(rows) == -(-n // 64)


@pytest.mark.parametrize("dtype", [np.int32, np.uint32, np.int64])
@pytest.mark.parametrize("shape", [(), (2,), (3,)])
def test_rows_are_taken_and_put(threads, dtype, shape):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(1000, *shape)).astype(np.float32)
    rows = rng.permutation(1000)[:700].astype(dtype)
    assert_array_equal(side_by_side.take_rows(values, rows), values[rows])
    out = np.full_like(values, -1)
    side_by_side.put_rows(values[:700], rows, out)
    expected = np.full_like(values, -1)
    expected[rows] = values[:700]
    assert_array_equal(out, expected)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_prefix_sums_begin_with_nothing_and_end_with_all(threads, n, dtype):
    lengths = np.random.default_rng(0).integers(0, 50, n)
    sums = side_by_side.compute_prefix_sums(lengths, dtype)
    assert sums.dtype == dtype
    assert sums.tolist() == [sum(lengths[:i].tolist()) for i in range(n + 1)]


def test_an_error_in_a_block_is_raised(threads):
    with pytest.raises(IndexError, match="out of bounds"):
        side_by_side.take_rows(np.zeros(10), np.full(200, 10))
