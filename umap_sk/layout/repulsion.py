"""Repulsion of all vertices: a field on a grid by fast Fourier transforms, and a near field by samples."""

import functools
import math
from typing import NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.layout.fourier import choose_corners, convolve, transform_odd_kernel
from umap_sk.runtime.compile import as_readonly
from umap_sk.runtime.threads import limit_threads_by_rows

GRID_PARTS = 8  # of the rows with a grid each: the number is fixed, so that sums have one order
MAX_CELLS = 1_000  # along a side
NEAR_FIELD_CELLS = 3  # radius of the near field, in cells
DEFAULT_A, DEFAULT_B = 1.5769434602697652, 0.8950608778515733  # the curve of min_dist 0.1 and spread 1
DEFAULT_SPACING = 0.15  # side of a cell for this curve, in units of the embedding
FRAME_SPEEDUP = 100  # as below, for the bounding box
GRID_SPEEDUP = 16  # rows whose deposition takes as long as one row of an epoch, to choose the number of threads
SPACING_GROWTH = 1.05  # ratio of successive spacings when the map outgrows the grid


GridArguments = tuple[np.float32, np.float32, np.float32, np.int32, np.ndarray, np.float32]
NO_GRID: GridArguments = (*np.zeros(3, np.float32), np.int32(0), as_readonly(np.empty(0, np.uint64)), np.float32(0))


class RepulsionKernel(NamedTuple):
    """Repulsion of a unit mass at distance d: the difference times 2 gamma b / ((0.001 + d^2) (1 + a d^2b))."""

    a: float
    b: float
    gamma: float = 1.0
    softening: float = 0.0  # added to d^2, in squared units of the embedding


class Frame(NamedTuple):
    """Position and size of a grid."""

    origin: tuple[float, float]  # lower left corner
    extent: tuple[float, float]  # width and height of the map
    spacing: float  # side of a cell, in units of the embedding
    shape: tuple[int, int]  # number of cells along both axes


class NearPoints(NamedTuple):
    """All positions, sorted by the cells of a coarse grid."""

    points: np.ndarray  # (n, 2) float32
    order: np.ndarray  # rows of these positions
    begin: np.ndarray  # index of the first point of each cell
    cells: tuple[np.float32 | int, ...]  # origin, cells per unit, numbers of rows and columns, and side of a cell


class GridField(NamedTuple):
    """A field on a grid."""

    frame: Frame
    values: np.ndarray  # (rows + 1, columns + 1, 2) float32: both components at the corners, for unit masses


def choose_spacing(a: float, b: float) -> float:
    """Return the side of a cell for the curve 1 / (1 + a d^2b), in proportion to the distance where it is 1/2."""
    return DEFAULT_SPACING * float(a ** (-1 / (2 * b)) / DEFAULT_A ** (-1 / (2 * DEFAULT_B)))


def make_frame(positions: np.ndarray, spacing: float, most: int = MAX_CELLS) -> Frame:
    """Return a grid that covers all positions. Its cells are larger if the map outgrows it."""
    boxes = np.empty((-(-len(positions) // kernels.BLOCK_ROWS), 4), np.float32)
    kernels.bounding_boxes(as_readonly(positions), boxes)
    left, bottom, right, top = boxes.min(axis=0).tolist()
    width, height = -right - left, -top - bottom
    excess = max(width, height) / (spacing * (most - 3))
    if excess > 1:
        spacing *= SPACING_GROWTH ** math.ceil(math.log(excess) / math.log(SPACING_GROWTH))
    rows, columns = (choose_corners(int(side / spacing) + 4) - 1 for side in (width, height))
    return Frame((left, bottom), (width, height), spacing, (rows, columns))


@functools.lru_cache(maxsize=1)
def transform_kernel(shape: tuple[int, int], spacing: float, near: bool, kernel: RepulsionKernel) -> np.ndarray:
    """Return the Fourier transforms of both components of the repulsion on a periodic grid."""
    components = np.empty((2, *shape), np.float32)
    reach = np.float32(NEAR_FIELD_CELLS * spacing if near else 0)
    kernels.tabulate_kernel(np.float32(spacing), reach, *map(np.float32, kernel), components[0], components[1])
    return transform_odd_kernel(components)


def make_grid_field(
    positions: np.ndarray,
    spacing: float,
    kernel: RepulsionKernel,
    *,
    near: bool = False,
    mass: np.ndarray | None = None,
    most: int = MAX_CELLS,
) -> GridField:
    """Compute the repulsion of masses at all positions as a field on a grid.

    FIt-SNE does the same for t-SNE (Linderman, Rachh, Hoskins, Steinerberger, Kluger, Nature Methods 2019).
    """
    with limit_threads_by_rows(len(positions) // FRAME_SPEEDUP):
        frame = make_frame(positions, spacing, most)
    with limit_threads_by_rows(len(positions) // GRID_SPEEDUP):
        grids = deposit_masses(frame, positions, mass)
    shape = 2 * grids.shape[1], 2 * grids.shape[2]
    return GridField(frame, convolve(grids, transform_kernel(shape, frame.spacing, near, kernel)))


def deposit_masses(frame: Frame, positions: np.ndarray, mass: np.ndarray | None) -> np.ndarray:
    """Deposit the masses of all positions on grids, one for each part of the rows.

    Each mass is shared among the four corners of its cell.
    """
    corners = frame.shape[0] + 1, frame.shape[1] + 1
    grids = np.empty((GRID_PARTS, corners[0] * corners[1]), np.float32)
    masses = as_readonly(np.empty(0, np.float32) if mass is None else mass)
    kernels.deposit(as_readonly(positions), masses, *get_cell_arguments(frame), 0, GRID_PARTS, grids)
    return grids.reshape(GRID_PARTS, *corners)


def get_cell_arguments(frame: Frame) -> tuple[np.float32, np.float32, np.float32, np.int32]:
    """Return the origin, the cells per unit of the embedding and the corners per column, for the kernels."""
    return (*map(np.float32, frame.origin), np.float32(1 / frame.spacing), np.int32(frame.shape[1] + 1))  # type: ignore[return-value]


def get_grid_arguments(field: GridField | None, scale: float) -> GridArguments:
    """Return a field on a grid, times a factor, for the kernels. Without a field, it has no corners."""
    if field is None:
        return NO_GRID
    return *get_cell_arguments(field.frame), as_readonly(field.values.reshape(-1).view(np.uint64)), np.float32(scale)


def read_field(field: GridField, positions: np.ndarray, scale: float, out: np.ndarray, first_row: int = 0) -> None:
    """Interpolate the field at the rows from `first_row` on, and write it to `out`."""
    kernels.interpolate(as_readonly(positions), get_grid_arguments(field, scale), first_row, out)


def sort_near_points(positions: np.ndarray, frame: Frame) -> NearPoints:
    """Sort the positions by cells whose side is the radius of the near field."""
    n = len(positions)
    reach = NEAR_FIELD_CELLS * frame.spacing
    n_rows, n_columns = (int(side / reach) + 2 for side in frame.extent)
    cells = (*map(np.float32, frame.origin), np.float32(1 / reach))
    counts = np.zeros((GRID_PARTS, n_rows * n_columns), np.int32)
    kernels.count_cells(as_readonly(positions), *cells, n_columns, counts)
    begin = np.concatenate([[0], np.cumsum(counts.sum(0, dtype=np.int64))])
    order = np.empty(n, np.int32 if n < 2**31 else np.uint32)
    points = np.empty((n, 2), np.float32)
    kernels.sort_into_cells(as_readonly(positions), *cells, n_columns, counts, begin, order, points)
    return NearPoints(points, order, begin, (*cells, n_rows, n_columns, np.float32(reach)))


def add_near_field(near: NearPoints, scale: float, settings: np.ndarray, out: np.ndarray, first_row: int = 0) -> None:
    """Add the near field, which the grid does not resolve, to the rows from `first_row` on."""
    kernels.add_near_field(*near[:3], *near.cells, np.float32(scale), settings, first_row, out)
