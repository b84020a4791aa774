"""Spectral start: the first eigenvectors of the coarsest level's graph, component by component."""

import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import ArpackError, eigsh
from threadpoolctl import threadpool_limits

from umap_sk.exceptions import SpectralFallbackWarning, warn
from umap_sk.levels import Level
from umap_sk.start import random_positions

PRODUCTS = 5_000  # matrix-vector products at most, so that the clock decides nothing
TOLERANCE = 1e-4
GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))


def spectral_positions(level: Level, n_components: int, seed: int) -> np.ndarray:
    """Eigenvectors of the normalised Laplacian of a level's graph; components side by side, larger ones further inside.

    Parameters
    ----------
    level : Level
        The coarsest level.
    n_components : int
        Axes of the embedding.
    seed : int
        Seed of the solver's first vector and of the places inside components too small to have eigenvectors.

    Returns
    -------
    ndarray of shape (n_vertices, n_components), float32
        The positions.

    Warns
    -----
    SpectralFallbackWarning
        If the solver does not converge on a component; its vertices then start at random.
    """
    graph = weight_matrix(level)
    count, label = connected_components(graph, directed=False)
    if count == 1:
        return component_positions(graph, n_components, seed).astype(np.float32)
    mass = np.bincount(label, level.mass, count)
    centers, radii = component_places(mass, n_components)
    members = np.split(np.argsort(label, kind="stable"), np.cumsum(np.bincount(label, minlength=count))[:-1])
    positions = np.empty((level.n_vertices, n_components), np.float32)
    for component, rows in enumerate(members):
        inside = component_positions(graph[rows][:, rows], n_components, seed)
        positions[rows] = centers[component] + radii[component] * inside
    return positions


def weight_matrix(level: Level) -> scipy.sparse.csr_array:
    """Symmetric weights of a level, those inside of its vertices on the diagonal.

    Parameters
    ----------
    level : Level
        Any level.

    Returns
    -------
    csr_array of shape (n, n), float64
        The weights.
    """
    shape = (level.n_vertices, level.n_vertices)
    weights = level.weights.astype(np.float64) * level.scale
    graph = scipy.sparse.csr_array((weights, level.indices, level.indptr), shape)
    graph = (graph + graph.T) / 2
    inside = np.maximum(level.degree - graph.sum(1), 0)
    return (graph + scipy.sparse.diags_array(inside)).tocsr()


def component_places(mass: np.ndarray, n_components: int) -> tuple[np.ndarray, np.ndarray]:
    """Centres and radii of components: discs of an area by their mass on a spiral, the heaviest in the middle.

    Parameters
    ----------
    mass : ndarray of shape (n,)
        Rows of every component.
    n_components : int
        Axes of the embedding; the spiral lies in the first two.

    Returns
    -------
    tuple of ndarray
        Of shapes (n, n_components) and (n,).
    """
    order = np.argsort(-mass, kind="stable")
    share = mass[order] / mass.sum()
    distance = np.sqrt(np.cumsum(share) - share / 2)
    distance[0] = 0 if share[0] > 0.5 else distance[0]
    angle = GOLDEN_ANGLE * np.arange(len(mass))
    centers = np.zeros((len(mass), n_components))
    centers[order, 0] = distance * np.cos(angle)
    if n_components > 1:
        centers[order, 1] = distance * np.sin(angle)
    radii = np.empty(len(mass))
    radii[order] = 0.7 * np.sqrt(share)
    return centers, radii


def component_positions(graph: scipy.sparse.csr_array, n_components: int, seed: int) -> np.ndarray:
    """Positions of one component's vertices in [-1, 1], random where it is too small for the solver or defeats it.

    Parameters
    ----------
    graph : csr_array of shape (n, n)
        Symmetric weights of a connected graph.
    n_components : int
        Axes of the embedding.
    seed : int
        Seed of the random places.

    Returns
    -------
    ndarray of shape (n, n_components), float64
        The positions.
    """
    n = graph.shape[0]
    if n == 1:
        return np.zeros((1, n_components))
    if n > 2 * (n_components + 1):
        try:
            return eigenvectors(graph, n_components)
        except ArpackError as error:
            warn(
                f"The eigensolver did not converge on a component of {n} vertices ({error}); they start at random. "
                "Pass init='pca' or an array for a start of your own.",
                SpectralFallbackWarning,
            )
    return random_positions(n, n_components, seed).astype(float) / 10


def eigenvectors(graph: scipy.sparse.csr_array, n_components: int) -> np.ndarray:
    """First non-trivial eigenvectors of the normalised Laplacian (as Laplacian eigenmaps; Belkin, Niyogi 2003).

    Parameters
    ----------
    graph : csr_array of shape (n, n)
        Symmetric weights of a connected graph.
    n_components : int
        How many.

    Returns
    -------
    ndarray of shape (n, n_components), float64
        Each scaled to a largest entry of 1; its sign makes that entry positive.
    """
    root = np.sqrt(graph.sum(1))
    scaling = scipy.sparse.diags_array(1 / root)
    normalised = (scaling @ graph @ scaling).tocsr()
    first = np.random.Philox(len(root)).random_raw(len(root)).astype(np.float64) / 2.0**64 - 0.5
    with threadpool_limits(limits=1, user_api="blas"):
        values, vectors = eigsh(
            normalised,
            n_components + 1,
            which="LA",
            v0=first + root / root.max(),
            ncv=min(len(root), max(20, 4 * n_components + 4)),
            tol=TOLERANCE,
            maxiter=PRODUCTS // 10,
        )
    vectors = vectors[:, np.argsort(-values, kind="stable")[1:]] / root[:, None]
    return vectors / vectors[np.argmax(np.abs(vectors), axis=0), np.arange(n_components)]
