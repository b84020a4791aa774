"""Times of the main methods, compared with those of earlier runs. `benchmarks.compare` measures quality.

``python -m pytest benchmarks/trend --benchmark-autosave --benchmark-compare`` stores its times in .benchmarks, compares
them with the previous run, and prints the commit of that run.
"""

import pytest

from benchmarks import datasets
from umap_sk import PrecomputedUMAP

SIZES = [("digits", 1_797), ("uniform", 10_000), ("uniform", 100_000)]
ROUNDS = 5
N_EPOCHS = 50  # enough for all phases of the layout


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}-{size[1]}", scope="module")
def arrays(request):
    """Return neighbors and an initial layout, in memory."""
    dataset = datasets.in_memory(datasets.load(*request.param))
    return {"knn_indices": dataset.knn_indices, "knn_dists": dataset.knn_dists}, dataset.start


def model():
    return PrecomputedUMAP(n_epochs=N_EPOCHS, random_state=0, n_jobs=2)


def test_graph(benchmark, arrays):
    benchmark.pedantic(model().learn_manifold, kwargs=arrays[0], rounds=ROUNDS, warmup_rounds=1)


def test_layout(benchmark, arrays):
    manifold = model().learn_manifold(**arrays[0])
    benchmark.pedantic(model().fit, kwargs={"manifold": manifold, "init": arrays[1]}, rounds=ROUNDS, warmup_rounds=1)


def test_spectral_start(benchmark, arrays):
    """One epoch a level, so that the levels and their start are most of it."""
    manifold = model().learn_manifold(**arrays[0])
    fit = PrecomputedUMAP(n_epochs=1, random_state=0, n_jobs=2, init="spectral").fit
    benchmark.pedantic(fit, kwargs={"manifold": manifold}, rounds=ROUNDS, warmup_rounds=1)


def test_transform(benchmark, arrays):
    neighbors, start = arrays
    fitted = model().fit(**neighbors, init=start)
    rows = {name: array[:1_000] for name, array in neighbors.items()}
    benchmark.pedantic(fitted.transform, kwargs=rows, rounds=ROUNDS, warmup_rounds=1)
