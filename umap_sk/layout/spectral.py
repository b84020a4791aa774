"""The initial layout "spectral": the first eigenvectors of the coarsest level's graph, for each component."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import connected_components

from umap_sk.exceptions import SpectralFallbackWarning, warn
from umap_sk.layout.coarsen import Level
from umap_sk.layout.components import measure_components, place_components
from umap_sk.layout.eigenvectors import RESIDUAL_TOLERANCE, Matrix, find_leading_eigenvectors
from umap_sk.layout.init import draw_positions

DOMINANT_SHARE = 0.9  # A component with more of the mass is laid out as if it were the whole graph.


class SpectralLayout(NamedTuple):
    """The spectral positions of a level's vertices."""

    positions: np.ndarray
    is_guided: bool  # whether a guide arranges the components, none of which is dominant


def compute_spectral_positions(
    level: Level, n_components: int, seed: int, find_guide: Callable[[], np.ndarray | None] = lambda: None
) -> SpectralLayout:
    """Return eigenvectors of the normalized Laplacian of a level's graph, for each connected component.

    Where a graph has several components, it does not show how they lie to each other. Then each takes the place and the
    size that it has in the guide, positions of the vertices. Without one, large components are near the center.
    """
    graph = make_weight_matrix(level)
    count, label = connected_components(graph, directed=False)
    order = np.argsort(label, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(np.bincount(label, minlength=count))])
    graph = graph if count == 1 else graph[order][:, order]
    parts = zip(bounds[:-1], bounds[1:], strict=True)
    inside = np.concatenate([lay_out_component(graph, part, n_components, seed) for part in parts])
    guide, share = None, 1.0
    if count > 1:
        guide, mass = find_guide(), np.bincount(label, level.mass, count)
        share = float(mass.max() / mass.sum())
        placed = place_components(mass, n_components) if guide is None else measure_components(guide, label, level.mass)
        centers, radii = (np.repeat(values, np.diff(bounds), axis=0) for values in placed)
        inside = centers + radii.reshape(len(radii), -1) * inside
    positions = np.empty(inside.shape, np.float32)
    positions[order] = inside
    return SpectralLayout(positions, guide is not None and share <= DOMINANT_SHARE)


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
