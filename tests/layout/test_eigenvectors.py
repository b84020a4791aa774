"""The eigensolver equals dense twins: filter, rotations, and eigenvectors of difficult graphs."""

import naive_eigenvectors as naive
import numpy as np
import pytest
import scipy.sparse

from umap_sk import kernels
from umap_sk.layout import eigenvectors
from umap_sk.layout.eigenvectors import Matrix, find_leading_eigenvectors

RNG = np.random.default_rng


def normalised(graph):
    """Return a graph's weights, divided by the roots of both ends' degrees, with the known eigenvector."""
    graph = scipy.sparse.csr_array(graph)
    root = np.sqrt(graph.sum(1))
    weights = graph.data / (np.repeat(root, np.diff(graph.indptr)) * root[graph.indices])
    known = root / np.sqrt(graph.sum())
    return Matrix(graph.indptr.astype(np.int64), graph.indices.astype(np.uint32), weights, known)


def dense(matrix):
    n = len(matrix.known)
    return scipy.sparse.csr_array((matrix.weights, matrix.indices.view(np.int32), matrix.indptr), (n, n)).toarray()


def chain(n):
    return scipy.sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(n, n))


def ring(n):
    ends = scipy.sparse.coo_array(([1.0, 1.0], ([0, n - 1], [n - 1, 0])), (n, n))
    return chain(n) + ends


def square(side):
    one = scipy.sparse.eye_array(side)
    return scipy.sparse.kron(chain(side), one) + scipy.sparse.kron(one, chain(side))


def complete(n):
    return 1.0 - np.eye(n)


def star(n):
    graph = np.zeros((n, n))
    graph[0, 1:] = graph[1:, 0] = 1
    return graph


def neighbors(n, seed):
    """Return a graph of random points with about four near neighbors each."""
    points = RNG(seed).uniform(size=(n, 2))
    apart = ((points[:, None] - points) ** 2).sum(-1)
    return np.exp(-apart * n) * (apart < np.sort(apart, axis=1)[:, [4]]) * (1 - np.eye(n)) + 1e-3 * complete(n) / n


def cliques(count, size):
    """Return a row of cliques, each with one edge to the next. There is an eigenvalue close to 1 for each clique."""
    graph = scipy.sparse.block_diag([complete(size)] * count).toarray()
    ends = np.arange(count - 1) * size
    graph[ends, ends + size] = graph[ends + size, ends] = 0.01
    return graph


GRAPHS = {
    "chain": chain(500),
    "ring": ring(300),
    "square": square(18),
    "complete": complete(60),
    "star": star(100),
    "neighbors": neighbors(400, 0) + neighbors(400, 0).T,
    "cliques": cliques(25, 12),
    "few vertices": neighbors(20, 1) + neighbors(20, 1).T,
    "three vertices": chain(3),
}


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("count", [1, 2, 3, 10])
def test_leading_eigenvectors(name, count):
    """The vectors are orthonormal and have the largest eigenvalues with their multiplicities."""
    matrix = normalised(GRAPHS[name])
    count = min(count, len(matrix.known) - 1)
    solved = find_leading_eigenvectors(matrix, count, 0)
    whole = dense(matrix)
    errors = np.linalg.norm(whole @ solved.vectors - solved.vectors * solved.values, axis=0)
    assert (
        errors.max() < 1.01 * eigenvectors.RESIDUAL_TOLERANCE + 1e-7
        and solved.residual <= eigenvectors.RESIDUAL_TOLERANCE
    )
    everything = np.c_[matrix.known, solved.vectors]
    np.testing.assert_allclose(everything.T @ everything, np.eye(count + 1), atol=1e-9)
    np.testing.assert_allclose(solved.values, naive.leading(whole, matrix.known, count), atol=3e-5)


@pytest.mark.parametrize("n", [9, 10, 24, 25, 26])
@pytest.mark.parametrize("seed", range(5))
def test_around_the_width_of_a_block(n, seed):
    """The solutions are correct for matrices that are solved directly, and for slightly larger ones."""
    graph = RNG(seed).uniform(size=(n, n)) ** 3
    matrix = normalised(graph + graph.T)
    solved = find_leading_eigenvectors(matrix, 2, seed)
    np.testing.assert_allclose(solved.values, naive.leading(dense(matrix), matrix.known, 2), atol=1e-6)


def test_seed_chooses_among_vectors_of_one_eigenvalue():
    """The seed chooses a basis. Its vectors differ from 0 at most vertices, which would otherwise coincide."""
    matrix = normalised(complete(40))
    found = [find_leading_eigenvectors(matrix, 2, seed).vectors for seed in (0, 0, 1)]
    assert found[0].tobytes() == found[1].tobytes()
    assert np.abs(found[0] - found[2]).max() > 0.1
    assert (np.abs(found[0]) > 1e-3).sum(0).min() > 30


def test_steps_are_bounded(monkeypatch):
    """After the last step, the solver returns its best vectors with their residual."""
    monkeypatch.setattr(eigenvectors, "MAX_STEPS", 50)
    matrix = normalised(chain(3000))
    solved = find_leading_eigenvectors(matrix, 2, 0)
    assert 50 <= solved.steps < 150 and solved.residual > eigenvectors.RESIDUAL_TOLERANCE
    image = dense(matrix) @ solved.vectors - solved.vectors * solved.values
    assert np.linalg.norm(image, axis=0).max() == pytest.approx(solved.residual, rel=1e-6)


@pytest.mark.parametrize("cut, degree", [(-0.5, 3), (0.7, 11), (0.99, 40)])
def test_filter_is_the_twins(cut, degree):
    matrix = normalised(GRAPHS["few vertices"])
    block = RNG(2).normal(size=(20, 3))
    found = eigenvectors.apply_filter(matrix, block.copy(), cut, degree)
    np.testing.assert_allclose(found, naive.chebyshev(dense(matrix), block, cut, degree), atol=1e-9)


def test_filter_step_is_the_twins():
    matrix = normalised(GRAPHS["neighbors"])
    now, before = RNG(3).normal(size=(2, 400, 8))
    out = np.full_like(now, np.nan)
    kernels.filter_step(matrix.indptr, matrix.indices, matrix.weights, now, before, 0.3, 1.7, 0.6, out)
    np.testing.assert_allclose(out, naive.filter_step(dense(matrix), now, before, 0.3, 1.7, 0.6), atol=1e-12)


def test_products_and_combinations_are_the_twins():
    left, right, shares = RNG(4).normal(size=(300, 3)), RNG(5).normal(size=(300, 5)), RNG(6).normal(size=(5, 5))
    np.testing.assert_allclose(eigenvectors.compute_inner_products(left, right), left.T @ right, atol=1e-12)
    np.testing.assert_allclose(eigenvectors.combine_columns(right, shares), right @ shares, atol=1e-12)


@pytest.mark.parametrize("case", ["random", "multiple", "one", "diagonal", "zero"])
def test_eigenpairs_are_numpys(case):
    n = 1 if case == "one" else 12
    graph = RNG(7).uniform(-1, 1, (n, n))
    matrix = (graph + graph.T) / 2 / n
    if case == "multiple":
        matrix = np.ones((n, n)) / n
    elif case in ("diagonal", "zero"):
        matrix = np.diag(np.arange(n) / n) * (case == "diagonal")
    values, vectors = eigenvectors.compute_eigenpairs(matrix)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(matrix)[::-1], atol=1e-13)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(n), atol=1e-13)
    np.testing.assert_allclose(matrix @ vectors, vectors * values, atol=1e-13)


def test_orthonormal_mends_vectors_that_are_almost_the_same():
    known = np.full(200, 1 / np.sqrt(200))
    block = RNG(8).normal(size=(200, 1)) + 1e-5 * RNG(9).normal(size=(200, 6)) + 50
    found = np.c_[known, eigenvectors.orthonormalize(known, block)]
    np.testing.assert_allclose(found.T @ found, np.eye(7), atol=1e-9)
    rest = block - known[:, None] * (known @ block)
    np.testing.assert_allclose(found @ (found.T @ rest), rest, atol=1e-9)
