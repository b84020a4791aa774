"""Tests of nearest rows among equal numbers, which depend neither on the threads nor on the order of the rows."""

import naive_set_operations
import naive_ties
import numpy as np
import pytest
from graphs import dense, random_graph
from scipy.stats import spearmanr
from sklearn.datasets import make_blobs
from sklearn.metrics import pairwise_distances

from umap_sk import PrecomputedUMAP
from umap_sk.graph.nearest_targets import compute_row_keys, find_nearest_targets
from umap_sk.neighbors.read import read_neighbors
from umap_sk.runtime.threads import limit_threads

RNG = np.random.default_rng(0)
N, COUNT = 90, 7
GRAPH = random_graph(0, N, edges=12)
DISTANCES = [sorted(RNG.integers(1, 3, 4) / 2) for _ in range(N)]  # many rows have the same
KEYS = np.array(naive_ties.keys_of(DISTANCES), np.uint64)
NUMBERS = {
    "no two equal": RNG.normal(size=N),
    "no two equal, evenly spaced": RNG.permutation(N).astype(float),
    "pairs": RNG.permutation(N) // 2 * 1.0,
    "groups of about as many as are wanted": RNG.integers(0, N // COUNT, N).astype(float),
    "groups of four and five, ever farther apart": np.repeat(np.arange(20.0) ** 2, [4, 5] * 10)[RNG.permutation(N)],
    "pairs of one and five": np.repeat([0.0, 1, 2, 3, 4, 5, 6, 7, 8], [5, 1, 1, 1, 1, 1, 1, 1, 78])[RNG.permutation(N)],
    "five numbers": RNG.integers(0, 5, N).astype(float),
    "one number": np.zeros(N),
    "one of its own": np.where(np.arange(N) == 30, 5.0, 0.0),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_like_the_twin(name):
    """The rows and distances equal the twin's, also where a row's key decides between equal numbers."""
    values = NUMBERS[name]
    indices, dists = find_nearest_targets(values[:, None], "l1", COUNT, GRAPH, KEYS)
    lists = naive_ties.groups_along_a_line(values.tolist())
    expected = naive_ties.nearest_rows(values.tolist(), lists, COUNT, dense(GRAPH).tolist(), KEYS.tolist())
    assert [list(zip(*row, strict=True)) for row in zip(indices.tolist(), dists.tolist(), strict=True)] == expected
    np.testing.assert_array_equal(dists, np.abs(values[indices] - values[:, None]))
    if name.startswith("no two equal"):
        assert indices.tolist() == naive_set_operations.nearest_on_a_line(values.tolist(), COUNT).tolist()


def test_keys_like_the_twin():
    """The keys equal the twin's, and rows with the same distances to their neighbors have different keys."""
    columns = np.arange(1, 5) + np.arange(N)[:, None]
    near, _ = read_neighbors(knn_indices=columns % N, knn_dists=np.array(DISTANCES), n_neighbors=5)
    assert compute_row_keys(near).tolist() == KEYS.tolist() and len(set(KEYS.tolist())) == N


def test_several_columns():
    """With several columns, the nearest rows have the right distances in any metric, and differ from each other."""
    values = RNG.integers(1, 4, (N, 2)).astype(float)
    indices, dists = find_nearest_targets(values, "canberra", COUNT, GRAPH, KEYS)
    expected = pairwise_distances(values, metric="canberra")
    np.fill_diagonal(expected, np.inf)
    np.testing.assert_allclose(dists, np.sort(expected, axis=1)[:, :COUNT])
    np.testing.assert_allclose(dists, np.take_along_axis(expected, indices, 1))
    assert all(len(set(row)) == COUNT for row in indices.tolist())


@pytest.mark.parametrize(
    "values", [RNG.integers(0, 3, 2500), RNG.integers(0, 400, 2500), RNG.integers(0, 9, (2500, 2))]
)
def test_threads_and_order(values):
    """The bits are the same on one thread and on two, and the weights are the same in another order of the rows."""
    points, order = np.random.default_rng(1).normal(size=(2500, 3)), np.random.default_rng(2).permutation(2500)
    model = PrecomputedUMAP(8, metric="euclidean", target_metric="l2")
    found = []
    for threads in (1, 2):
        with limit_threads(threads):
            found.append(model.learn_manifold(points, values))
    for one, other in zip(*(manifold.arrays() for manifold in found), strict=True):
        assert one.tobytes() == other.tobytes()
    shuffled = model.learn_manifold(points[order], values[order]).graph
    assert (shuffled != found[0].graph[order][:, order]).nnz == 0


def test_no_row_is_a_neighbor_of_all():
    """If the graph has no edge among equal rows, the random neighbors are spread over all of them."""
    lonely = random_graph(0, 600, edges=1, hub=False)
    keys = np.random.default_rng(0).integers(0, 2**64, 600, np.uint64)
    indices, _ = find_nearest_targets(np.zeros((600, 1)), "l1", COUNT, lonely, keys)
    assert np.bincount(indices.ravel(), minlength=600).max() < 10 * COUNT


def test_places_do_not_follow_the_order_of_rows():
    """With labels as numbers, the positions within a label do not follow the order of the rows."""
    points, labels = make_blobs(150, cluster_std=0.5, random_state=42)
    settings = {"min_dist": 0.01, "target_metric": "l1", "target_weight": 0.8, "n_epochs": 200, "random_state": 42}
    embedding = PrecomputedUMAP(10, metric="euclidean", **settings).fit_transform(points, labels)
    for label in range(3):
        places = embedding[labels == label]
        axes = np.linalg.svd(places - places.mean(axis=0), full_matrices=False)[2]
        assert max(abs(spearmanr(places @ axis, np.arange(len(places)))[0]) for axis in axes) < 0.5
