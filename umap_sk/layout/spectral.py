"""The initial layout "spectral": the first eigenvectors of the coarsest level's graph, for each component."""

import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import connected_components

from umap_sk.exceptions import SpectralFallbackWarning, warn
from umap_sk.layout.coarsen import Level
from umap_sk.layout.eigenvectors import RESIDUAL_TOLERANCE, Matrix, find_leading_eigenvectors
from umap_sk.layout.init import draw_positions

GOLDEN_COSINE, GOLDEN_SINE = -0.7373688780783197, 0.6754902942615238  # of the golden angle, pi * (3 - sqrt(5))


def compute_spectral_positions(level: Level, n_components: int, seed: int) -> np.ndarray:
    """Return eigenvectors of the normalized Laplacian of a level's graph. Large components are near the center."""
    graph = make_weight_matrix(level)
    count, label = connected_components(graph, directed=False)
    order = np.argsort(label, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(np.bincount(label, minlength=count))])
    graph = graph if count == 1 else graph[order][:, order]
    parts = zip(bounds[:-1], bounds[1:], strict=True)
    inside = np.concatenate([lay_out_component(graph, part, n_components, seed) for part in parts])
    if count > 1:
        centers, radii = place_components(np.bincount(label, level.mass, count), n_components)
        sizes = np.diff(bounds)
        inside = np.repeat(centers, sizes, axis=0) + np.repeat(radii, sizes)[:, None] * inside
    positions = np.empty(inside.shape, np.float32)
    positions[order] = inside
    return positions


def extract_component(graph: scipy.sparse.csr_array, rows: tuple[int, int]) -> scipy.sparse.csr_array:
    """Return the graph of the consecutive vertices from `rows[0]` to `rows[1]`, which have no edges to others."""
    first, last = rows
    indptr = graph.indptr[first : last + 1]
    entries = slice(indptr[0], indptr[-1])
    arrays = graph.data[entries], graph.indices[entries] - first, indptr - indptr[0]
    return scipy.sparse.csr_array(arrays, shape=(last - first, last - first))


def make_weight_matrix(level: Level) -> scipy.sparse.csr_array:
    """Return the symmetric weights of a level. The diagonal contains the weights within vertices."""
    shape = (level.n_vertices, level.n_vertices)
    weights = level.weights.astype(np.float64) * level.scale
    graph = scipy.sparse.csr_array((weights, level.indices, level.indptr), shape)
    graph = (graph + graph.T) / 2
    inside = np.maximum(level.degree - graph.sum(1), 0)
    return (graph + scipy.sparse.diags_array(inside)).tocsr()


def place_components(mass: np.ndarray, n_components: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the centers and radii of components, which are discs with their mass as area.

    The discs lie on a spiral, with the heaviest component in the middle.
    """
    order = np.argsort(-mass, kind="stable")
    share = mass[order] / mass.sum()
    distance = np.sqrt(np.cumsum(share) - share / 2)
    distance[0] = 0 if share[0] > 0.5 else distance[0]
    centers = np.zeros((len(mass), n_components))
    axes = min(2, n_components)
    centers[order, :axes] = distance[:, None] * make_spiral(len(mass))[:, :axes]
    radii = np.empty(len(mass))
    radii[order] = 0.7 * np.sqrt(share)
    return centers, radii


def make_spiral(count: int) -> np.ndarray:
    """Return points of the unit circle at multiples of the golden angle.

    They are computed by products, since the sines of libraries differ in the last bits.
    """
    points = np.empty((count, 2))
    x, y = 1.0, 0.0
    for k in range(count):
        points[k] = x, y
        x, y = x * GOLDEN_COSINE - y * GOLDEN_SINE, x * GOLDEN_SINE + y * GOLDEN_COSINE
    return points


def lay_out_component(graph: scipy.sparse.csr_array, rows: tuple[int, int], n_components: int, seed: int) -> np.ndarray:
    """Return the positions of a component in [-1, 1]. They are random if it is too small for eigenvectors."""
    n = rows[1] - rows[0]
    if n == 1:
        return np.zeros((1, n_components))
    if n > 2 * (n_components + 1):
        return compute_laplacian_eigenvectors(extract_component(graph, rows), n_components, seed)
    return draw_positions(n, n_components, seed).astype(float) / 10


def compute_laplacian_eigenvectors(graph: scipy.sparse.csr_array, n_components: int, seed: int) -> np.ndarray:
    """Return the first nontrivial eigenvectors of the normalized Laplacian (Belkin, Niyogi 2003)."""
    degree = graph.sum(1)
    root = np.sqrt(degree)
    weights = graph.data / (np.repeat(root, np.diff(graph.indptr)) * root[graph.indices])
    known = root / np.sqrt(degree.sum())
    solved = find_leading_eigenvectors(
        Matrix(graph.indptr.astype(np.int64), graph.indices.astype(np.uint32), weights, known), n_components, seed
    )
    if not solved.residual <= RESIDUAL_TOLERANCE:
        warn(
            f"The eigensolver did not converge on a component of {len(root)} vertices (residual {solved.residual:.1e} "
            f"after {solved.steps} steps); they start at what it has found. Pass init='pca' or an array for a start of "
            "your own.",
            SpectralFallbackWarning,
        )
    vectors = solved.vectors / root[:, None]
    return vectors / vectors[np.argmax(np.abs(vectors), axis=0), np.arange(n_components)]
