"""The start of a run: positions by a name or given, smoothed, scaled, and on the level where epochs begin."""

from typing import Any, NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.layout import few_rows
from umap_sk.layout.init import pca_positions, random_positions
from umap_sk.layout.optimizer import LayoutProblem
from umap_sk.layout.pivot_mds import pivot_mds_positions
from umap_sk.layout.problem import Coarsest
from umap_sk.layout.sell import JITTER, ArrangedLevel, average, prolongation, smoothed
from umap_sk.layout.spectral import spectral_positions
from umap_sk.layout.width import (
    NARROWEST,
    WIDEST,
    length_spread,
    robust_widths,
    sampled_edges,
    scaled_robustly,
    smoothed_start,
    suited_width,
)
from umap_sk.runtime.side_by_side import taken
from umap_sk.runtime.threads import FEW_ROWS

OF_A_GRAPH = ("pivot_mds", "spectral")  # starts that the graph gives
SMOOTHING = 4  # passes over a coarse level's start by shortest paths: what lies around something else contracts
SPECTRAL_WIDTH = 12.0  # the loss does not see how far eigenvectors fold what is large, and would have them wider


class Start(NamedTuple):
    """Where a layout begins.

    Attributes
    ----------
    init : {"pivot_mds", "spectral", "pca", "random"} or ndarray of shape (n, n_components)
        The start.
    features : ndarray or sparse matrix of shape (n, n_features), optional
        What "pca" needs.
    rescale : bool
        Smooth and scale a start that is an array.
    found : bool
        Whether an array was computed here, and is flat, or was given, and is of the space's own coordinates.
    """

    init: str | np.ndarray
    features: Any = None
    rescale: bool = True
    found: bool = False

    @property
    def is_of_graph(self) -> bool:
        """Whether the graph gives it."""
        return isinstance(self.init, str) and self.init in OF_A_GRAPH

    @property
    def needs_lengths(self) -> bool:
        """Whether it needs lengths of the coarsest level's edges."""
        return self.is_of_graph and self.init != "spectral"


def start_positions(
    start: Start,
    problem: LayoutProblem,
    coarsest: Coarsest,
    connected: np.ndarray | None,
    n_components: int,
    seed: int,
) -> tuple[np.ndarray, float]:
    """Positions of the vertices of the first phase's level, and the width of the start.

    "pivot_mds" needs the coarsest level's lengths; `connected` are the rows that take part, None for all.
    """
    levels, scaled = problem.levels, is_scaled(start)
    if start.is_of_graph:
        positions, width = scaled_by_graph(start, problem, coarsest, n_components, seed)
    else:
        finest = given_positions(start, levels, connected, n_components, seed)
        positions, width = rescaled(finest, problem) if scaled else averaged(finest, problem)
    if len(positions) != levels[problem.phases[0].depth].n_vertices:
        for depth in range(len(levels) - 1, 0, -1):
            positions = prolongation(levels, depth, positions)
    if scaled:
        positions = np.ascontiguousarray(positions)
        jitter = few_rows.jitter if len(positions) <= FEW_ROWS else kernels.jitter
        jitter(positions, 0, np.float32(JITTER))
    return positions, width


def is_scaled(start: Start) -> bool:
    """Whether a start is brought to scale, or taken as it is."""
    return start.rescale or isinstance(start.init, str)


def averaged(finest: np.ndarray, problem: LayoutProblem) -> tuple[np.ndarray, float]:
    """Means on the first phase's level of positions that are taken as they are, and how wide they are."""
    positions = finest
    for depth in range(problem.phases[0].depth):
        positions = average(problem.levels[depth + 1], problem.levels[depth].mass, positions)
    return positions, min(WIDEST, max(NARROWEST, float(robust_widths(positions).max())))


def rescaled(finest: np.ndarray, problem: LayoutProblem) -> tuple[np.ndarray, float]:
    """Means on the coarsest level of smoothed positions, as wide as suits them, and that width."""
    finest = smoothed_start(problem.levels[0], finest)
    return scaled_averages(finest, problem, length_spread(*sampled_edges(problem.levels[0], finest)))


def scaled_averages(finest: np.ndarray, problem: LayoutProblem, spread: float) -> tuple[np.ndarray, float]:
    """Means on the coarsest level of smoothed positions, whose edges have this spread, as wide as suits them."""
    levels, positions = problem.levels, finest
    for finer, coarser in zip(levels, levels[1:], strict=False):
        positions = average(coarser, finer.mass, positions)
    width = suited_width(levels[0].n_vertices, levels[-1], positions, problem.forces, spread)
    return positions * np.float32(width), width


def scaled_by_graph(
    start: Start, problem: LayoutProblem, coarsest: Coarsest, n_components: int, seed: int
) -> tuple[np.ndarray, float]:
    """Positions of the coarsest level's vertices that its graph gives, in the optimizer's order, and their width."""
    levels, order = problem.levels, problem.levels[-1].order
    if not start.needs_lengths:
        positions = scaled_robustly(spectral_positions(coarsest.level, n_components, seed)[order])
        return positions * np.float32(SPECTRAL_WIDTH), SPECTRAL_WIDTH
    assert coarsest.lengths is not None
    positions = scaled_robustly(pivot_mds_positions(coarsest.level, coarsest.lengths, n_components, seed)[order])
    width = suited_width(levels[0].n_vertices, levels[-1], positions, problem.forces)
    if len(levels) > 1:
        for _ in range(SMOOTHING):
            positions = smoothed(levels[-1], positions, 1.0)
        positions = scaled_robustly(positions)
    return positions * np.float32(width), width


def given_positions(
    start: Start, levels: tuple[ArrangedLevel, ...], connected: np.ndarray | None, n_components: int, seed: int
) -> np.ndarray:
    """Positions of the finest level's vertices that are given, random, or principal components, in its order."""
    n = levels[0].n_vertices
    if isinstance(start.init, str) and start.init == "random":
        positions = random_positions(n, n_components, seed)
    elif isinstance(start.init, str):
        positions = pca_positions(start.features, n_components, seed)
    else:
        positions = np.asarray(start.init, np.float32)
    if connected is not None and len(positions) != n:
        positions = taken(positions, connected)
    return taken(positions, levels[0].order)
