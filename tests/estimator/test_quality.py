"""Figures of quality on real data: medians of some seeds against the bars, and new rows against their labels."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from benchmarks.cases import CASES
from benchmarks.judge import Figures, judge, vote_accuracy
from umap_sk import PrecomputedUMAP

pytestmark = pytest.mark.slow

DEFAULTS = {variant.dataset: variant.bars for variant in CASES["defaults"]}
DIRECTED = next(variant.bars for variant in CASES["directed"] if variant.bars not in DEFAULTS.values())


def medians(dataset, seeds, **parameters):
    """Median figures of one layout a seed, all judged by the symmetric graph."""
    arrays = {"knn_indices": dataset.knn_indices, "knn_dists": dataset.knn_dists}
    graph = PrecomputedUMAP().learn_manifold(**arrays).graph
    models = [PrecomputedUMAP(random_state=seed, **parameters).fit(**arrays, init=dataset.start) for seed in seeds]
    return dict(zip(Figures._fields, np.median([judge(dataset, graph, m.embedding_) for m in models], 0), strict=True))


def assert_cleared(bars, figures):
    assert not [(bar, figures[bar.figure]) for bar in bars if not bar.cleared(figures, {})]


def test_defaults_on_digits(digits):
    assert_cleared(DEFAULTS["digits"], medians(digits, range(5)))


@pytest.mark.parametrize("seeds", [1, pytest.param(3, marks=pytest.mark.long)])
def test_defaults_on_fashion_mnist(fashion_mnist, seeds):
    assert_cleared(DEFAULTS["fashion"], medians(fashion_mnist, range(seeds)))


@pytest.mark.long
def test_directed_on_fashion_mnist(fashion_mnist):
    assert_cleared(DIRECTED, medians(fashion_mnist, range(1), symmetrize=False))


def test_new_rows_on_fashion_mnist(fashion_mnist):
    """The last 10,000 rows, from those of their neighbors that are among the first 60,000."""
    fitted, new = slice(60_000), slice(60_000, None)
    indices = np.where(fashion_mnist.knn_indices < 60_000, fashion_mnist.knn_indices, -1)
    dists = fashion_mnist.knn_dists
    with pytest.warns(match="fewer"):
        model = PrecomputedUMAP(random_state=0).fit(
            knn_indices=indices[fitted], knn_dists=dists[fitted], init=fashion_mnist.start[fitted]
        )
        placed = model.transform(knn_indices=indices[new], knn_dists=dists[new])
    labels = fashion_mnist.labels
    nearest = cKDTree(model.embedding_).query(placed, 5)[1]
    accuracy = vote_accuracy(labels[fitted], nearest, labels[new])
    assert accuracy >= 0.754
