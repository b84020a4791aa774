"""Data that several test files share."""

import fcntl
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import umap_sk
from benchmarks import datasets
from umap_sk import PrecomputedUMAP


def _frozen(name, n=None):
    """Return a data set with read-only arrays, so that no test changes them. One process loads at a time."""
    datasets.CACHE.mkdir(parents=True, exist_ok=True)
    with open(datasets.CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        dataset = datasets.in_memory(datasets.load(name, n))
    for array in dataset[1:]:
        array.flags.writeable = False
    return dataset


@pytest.fixture
def package(tmp_path):
    """Return a copy of the package without compiled files, in the test's folder."""
    source = Path(umap_sk.__file__).parent
    return shutil.copytree(source, tmp_path / "umap_sk", ignore=shutil.ignore_patterns("__pycache__"))


@pytest.fixture(scope="session")
def ring():
    """Return read-only indices, distances and points of 60 points near a circle, with 8 neighbors each.

    The first neighbor is the point itself.
    """
    angles = np.arange(60) * (2 * np.pi / 60)
    points = np.c_[np.cos(angles), np.sin(angles)] + np.random.default_rng(0).normal(scale=0.05, size=(60, 2))
    dists = np.sqrt(((points[:, None] - points) ** 2).sum(-1))
    indices = np.argsort(dists, axis=1)[:, :8]
    arrays = indices, np.take_along_axis(dists, indices, axis=1), points
    for array in arrays:
        array.flags.writeable = False
    return arrays


@pytest.fixture
def arrays(ring):
    """Return the neighbors of the ring as arguments."""
    return {"knn_indices": ring[0], "knn_dists": ring[1]}


@pytest.fixture
def folder(ring, tmp_path, monkeypatch):
    """Change to a folder with the neighbors, distances and features of the ring, and return it."""
    monkeypatch.chdir(tmp_path)
    for name, array in zip(("i", "d", "x"), ring, strict=True):
        np.save(f"{name}.npy", array)
    return tmp_path


@pytest.fixture
def manifold(arrays):
    """Return a manifold of the ring."""
    return PrecomputedUMAP(5).learn_manifold(**arrays)


@pytest.fixture
def saved(manifold, tmp_path):
    """Return a directory with the manifold of the ring."""
    manifold.save(tmp_path / "ring")
    return tmp_path / "ring"


@pytest.fixture
def whole(arrays):
    """Return the map of the ring from one uninterrupted fit in Python."""
    return PrecomputedUMAP(n_neighbors=5, n_epochs=20, random_state=0).fit(**arrays).embedding_


@pytest.fixture(scope="session")
def digits():
    """Return 1,797 digits with their 15 exact neighbors, the row itself first, and a PCA layout."""
    return _frozen("digits")


@pytest.fixture(scope="session")
def fashion_mnist():
    """Return 70,000 images with their 15 exact neighbors, the row itself first, and a PCA layout.

    The search for the neighbors takes about a minute. Later runs read them from the benchmarks' cache. Only tests that
    are marked as long use all images.
    """
    return _images()


@pytest.fixture(scope="session")
def images():
    """Return 26,000 random images with their own neighbors, which are enough for a layout with two levels."""
    return _images(26_000)


@pytest.fixture(scope="session")
def few_images():
    """Return 10,000 random images with their own neighbors."""
    return _images(10_000)


def _images(n=None):
    """Return images. If they are missing, skip the test, or fail in continuous integration (CI=true)."""
    try:
        return _frozen("fashion", n)
    except FileNotFoundError as error:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(error))
