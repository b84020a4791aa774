"""Tests of blocks that are shared among threads: each is computed once, whichever thread is slow."""

import numba
import numpy as np
import pytest
from numba import prange
from numpy.testing import assert_array_equal

from umap_sk.kernels.turns import END, NEXT, divide_blocks, next_block
from umap_sk.runtime.threads import limit_threads


@numba.njit(nogil=True)
def given_out(n_blocks):
    """Return the initial turns of a launch."""
    return divide_blocks(n_blocks)


@numba.njit(parallel=True)
def computed(slow, times, by):
    """Count for each block how often each thread computes it. Threads before `slow` are slow."""
    turns = divide_blocks(times.shape[0])
    for thread in prange(turns.shape[0]):
        block = next_block(turns, thread)
        while block >= 0:
            total = 0.0
            for step in range(20_000 if block < slow else 10):
                total += np.sin(step * 0.1)
            times[block] += 1 if total < 1e9 else 2
            by[block] = thread
            block = next_block(turns, thread)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("n_blocks", [0, 1, 2, 5, 1000])
def test_every_block_is_computed_once(threads, n_blocks):
    for slow in (0, n_blocks // 4):
        times, by = np.zeros(n_blocks, np.int64), np.full(n_blocks, -1)
        with limit_threads(threads):
            computed(slow, times, by)
        assert_array_equal(times, 1)
        assert set(by.tolist()) <= set(range(threads))


@pytest.mark.parametrize("threads", [1, 2])
def test_blocks_of_a_thread_follow_each_other(threads):
    with limit_threads(threads) as used:
        turns = given_out(7)
    assert turns[:, NEXT].tolist() == [thread * 7 // used for thread in range(used)]
    assert turns[:, END].tolist() == [*turns[1:, NEXT].tolist(), 7]


@numba.njit
def taken_by_one(n_blocks, threads):
    """Return the order in which one thread takes all blocks while the others do nothing."""
    turns = np.zeros((threads, 8), np.int64)
    for thread in range(threads):
        turns[thread, NEXT] = thread * n_blocks // threads
        turns[thread, END] = (thread + 1) * n_blocks // threads
    order = np.empty(n_blocks, np.int64)
    for turn in range(n_blocks):
        order[turn] = next_block(turns, 1)
    return order, next_block(turns, 1)


def test_a_thread_takes_its_own_blocks_first_and_then_those_of_the_next():
    order, after = taken_by_one(9, 3)
    assert order.tolist() == [3, 4, 5, 6, 7, 8, 0, 1, 2]
    assert after == -1
