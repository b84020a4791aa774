"""A few examples of the fuzz tests, which must all end properly. UMAP_SK_FUZZ=100 runs 100 times as many."""

import importlib
import os

import fuzz_dask
import numpy as np
import pytest
from fuzzing import fuzz

EXAMPLES = {  # their number, and outcomes that must occur, so that not all are alike
    "fuzz_files": (100, ["manifold, refused", "graph.npz, refused", "points.npy, read"]),
    "fuzz_graphs": (60, ["a map", "refused"]),
    "fuzz_sparse": (200, ["features, accepted", "features, refused", "distances, accepted", "memberships, refused"]),
    "fuzz_page": (200, ["a page", "ValueError", "TypeError"]),
    "fuzz_commands": (100, ["fit, done", "info, done", "plan, code 2", "show, code 2"]),
    "fuzz_dask": (8, ["the same bits"]),
}


@pytest.fixture(scope="module", autouse=True)
def no_cluster_stays():
    yield
    fuzz_dask.close()


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_examples(name):
    count, outcomes = EXAMPLES[name]
    count *= int(os.environ.get("UMAP_SK_FUZZ", 1))
    with np.errstate(over="ignore"):  # numbers of an example that its type cannot represent
        found = fuzz(importlib.import_module(name).check, range(count), 0)
    assert found.total() == count and found.keys() >= set(outcomes)


def test_an_example_that_fails_is_named():
    def check(random):
        if random.random() > 0.9:
            raise KeyError("lost")
        return "done"

    with pytest.raises(AssertionError, match=r"example \d+ of seed 3: KeyError\('lost'\)"):
        fuzz(check, range(100), 3)
