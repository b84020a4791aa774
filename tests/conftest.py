"""Data that several test files share, and what happens where it is missing."""

import os

import pytest

from benchmarks import datasets


def _frozen(dataset):
    """Read-only arrays: a test that writes to them would change what the next one sees."""
    dataset = datasets.in_memory(dataset)
    for array in dataset[1:]:
        array.flags.writeable = False
    return dataset


@pytest.fixture(scope="session")
def digits():
    """1,797 digits with their 15 exact neighbors, the row itself first, and a PCA start."""
    return _frozen(datasets.load("digits"))


@pytest.fixture(scope="session")
def fashion_mnist():
    """70,000 images with their 15 exact neighbors, the row itself first, and a PCA start.

    Where the images are missing the test is skipped, but fails in continuous integration (CI=true). The neighbors
    take about a minute once; later runs read them from the benchmarks' cache.
    """
    try:
        return _frozen(datasets.load("fashion"))
    except FileNotFoundError as error:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(error))
