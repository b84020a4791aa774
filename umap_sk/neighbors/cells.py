"""An inverted file: rows in cells around many centers, and the search for neighbors among them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.kernels.cell_blocks import Centers, Compared, Packed
from umap_sk.kernels.cell_completion import Errors
from umap_sk.kernels.cell_search import Effort
from umap_sk.kernels.products import TILE_COLUMNS
from umap_sk.neighbors.euclidean import AffineRows, compute_half_squares
from umap_sk.neighbors.principal_axes import Axes, find_principal_axes
from umap_sk.runtime.compile import as_readonly

MIN_CELL_ROWS = 200  # smallest average number of rows in a cell
ROWS_PER_CENTER = 32  # sampled rows per center
LLOYD_ROUNDS = 4  # iterations of Lloyd's algorithm
CELLS_PER_GROUP = 8  # average number of cells in a group
BLOCK_SLOTS = 960  # slots of a block, whose rows are searched together
MAX_CELL_FACTOR = 8  # larger multiples of the average are split
RESIDUAL_CORRELATION = 0.25  # assumed correlation between the residuals of neighbors
PROGRESS_STEPS = 20  # launches in which all rows are searched, so that progress can be shown
NEAREST_CELLS = 6
CELL_REACHES = [-np.inf, 0.4, 0.6, 0.8, 1.0]  # reaches of the rounds; the first round visits the nearest cells
CELLS_IN_VIEW = 1024  # cells that a group visits in an approximate search


class SearchEffort(NamedTuple):
    """The effort of an approximate search."""

    variance_share: float  # along the principal axes
    kept_per_neighbor: int  # candidates that a row keeps per wanted neighbor, if the rows are projected
    max_pairs: int  # rows that a row is compared with before the rounds
    max_numbers: int  # numbers that a row is compared with before the third round and those after it


USUAL_EFFORT = SearchEffort(0.94, 3, 20_000, 200_000)
GREAT_EFFORT = SearchEffort(0.985, 6, 80_000, 800_000)  # recall .60 -> .99 of 50,000 normal rows in 50 dimensions


class CellPlan(NamedTuple):
    """The stored part of an index. The rows are packed again when it is loaded."""

    axes: Axes
    centers: Centers
    members: np.ndarray  # row in each slot
    starts: np.ndarray  # first slot of each cell
    effort: SearchEffort


class CellIndex(NamedTuple):
    """An index of rows in cells."""

    rows: AffineRows
    angular: bool  # whether the rows are unit vectors
    axes: Axes
    centers: Centers
    cells: Packed
    errors: Errors  # bounds of the rounding errors
    effort: SearchEffort


def build_cells(
    rows: AffineRows, angular: bool, plan: CellPlan | None = None, effort: SearchEffort = USUAL_EFFORT
) -> CellIndex:
    """Build an index: find centers and assign each row to its nearest one, or use those of `plan` and its effort."""
    axes = find_principal_axes(*rows, effort.variance_share) if plan is None else plan.axes
    coordinates, errors = project_rows(rows, axes)
    if plan is None:
        plan = plan_cells(coordinates, axes, effort)
    cells = pack_cells(coordinates, plan.members, plan.starts, plan.centers.centers)
    centers = Centers(*map(as_readonly, plan.centers))
    return CellIndex(rows, angular, axes, centers, cells, bound_errors(errors, cells), plan.effort)


def plan_cells(coordinates: np.ndarray, axes: Axes, effort: SearchEffort) -> CellPlan:
    """Find centers, and assign each row to a cell."""
    n = len(coordinates)
    average = max(MIN_CELL_ROWS, int(np.sqrt(n / 3)))
    positions = find_centers(coordinates, max(1, n // average), axes, np.random.default_rng(1))
    homes = find_nearest_centers(coordinates, positions)
    positions, groups, group_centers, homes = group_cells(positions, homes, average)
    members, starts = assign_slots(homes, len(positions))
    halves = [compute_half_squares(array).astype(np.float32) for array in (positions, coordinates)]
    lengths = np.maximum(halves[0], find_cell_maxima(halves[1], members, starts))
    orders = order_cells(positions, groups, group_centers)
    return CellPlan(axes, Centers(positions, groups, group_centers, orders, lengths), members, starts, effort)


def extract_plan(index: CellIndex) -> CellPlan:
    """Return the stored part of an index."""
    return CellPlan(index.axes, index.centers, index.cells.members, index.cells.starts, index.effort)


def pack_cells(coordinates: np.ndarray, members: np.ndarray, starts: np.ndarray, centers: np.ndarray) -> Packed:
    """Store rows in the slots of their cells."""
    slices = np.empty(len(members) * coordinates.shape[1], np.float32)
    halves = np.empty(len(members), np.float32)
    kernels.pack_cells(len(centers), *map(as_readonly, (coordinates, members, starts, centers)), slices, halves)
    return Packed(*map(as_readonly, (slices, halves, members, starts)))


def project_rows(rows: AffineRows, axes: Axes) -> tuple[np.ndarray, np.ndarray]:
    """Return float32 coordinates along the axes, the length of each residual, and bounds of the rounding errors."""
    n, columns = rows.features.shape
    errors = np.empty(n, np.float32)
    inputs = [as_readonly(array) for array in (rows.features, rows.affine, axes.mean)]
    if axes.directions is None:
        out = np.empty((n, columns), np.float32)
        kernels.center_rows(n, *inputs, out, errors)
    else:
        out = np.empty((n, len(axes.directions) + 1), np.float32)
        kernels.project_rows(n, *inputs, as_readonly(pack_slices(axes.directions)), out, errors)
    return out, errors


def pack_slices(rows: np.ndarray) -> np.ndarray:
    """Store rows in slices, padded with zeros."""
    count, width = rows.shape
    full = np.zeros((-(-count // TILE_COLUMNS) * TILE_COLUMNS, width), np.float32)
    full[:count] = rows
    return np.ascontiguousarray(full.reshape(-1, TILE_COLUMNS, width).transpose(0, 2, 1)).reshape(-1)


def find_nearest_centers(rows: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """Return the nearest center of each row."""
    nearest = np.empty(len(rows), np.int32)
    halves = np.full(-(-len(centers) // TILE_COLUMNS) * TILE_COLUMNS, np.inf, np.float32)
    halves[: len(centers)] = compute_half_squares(centers)
    kernels.nearest_centers(
        len(rows), as_readonly(rows), as_readonly(pack_slices(centers)), as_readonly(halves), nearest
    )
    return nearest


def find_centers(rows: np.ndarray, count: int, axes: Axes, random: np.random.Generator) -> np.ndarray:
    """Find centers by Lloyd's algorithm on a sample. Their coordinate of the residual is 0."""
    sample = rows[np.sort(random.choice(len(rows), min(len(rows), ROWS_PER_CENTER * count), replace=False))]
    if axes.directions is not None:
        sample[:, len(axes.directions) :] = 0
    centers = sample[np.sort(random.choice(len(sample), count, replace=False))]
    for _ in range(LLOYD_ROUNDS):
        members, starts = assign_slots(find_nearest_centers(sample, centers), count)
        kernels.means_of_cells(count, *map(as_readonly, (sample, members, starts)), centers)
    return centers


def assign_slots(homes: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the row of each slot, by cell and then by row, or -1 for padding, and the first slot of each cell."""
    sizes = np.bincount(homes, minlength=count)
    starts = np.concatenate([[0], np.cumsum(-(-sizes // TILE_COLUMNS) * TILE_COLUMNS)])
    order = np.argsort(homes, kind="stable")
    members = np.full(starts[-1], -1, np.int32 if len(homes) < 2**31 else np.int64)
    firsts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    members[np.arange(len(homes)) + np.repeat(starts[:-1] - firsts, sizes)] = order
    return members, starts


def group_cells(
    centers: np.ndarray, homes: np.ndarray, average: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Number cells by groups, split cells that are too large, and drop empty ones.

    Returns the centers, their groups, the centers of these, and the cell of each row.
    """
    sizes = np.bincount(homes, minlength=len(centers))
    n_groups, as_they_are = max(1, len(centers) // CELLS_PER_GROUP), Axes(centers[0], None)
    group_centers = find_centers(centers, n_groups, as_they_are, np.random.default_rng(2))
    groups = find_nearest_centers(centers, group_centers)
    parts = -(-sizes // (MAX_CELL_FACTOR * average))
    order = np.argsort(groups, kind="stable")
    firsts = np.empty(len(centers), np.int64)
    firsts[order] = np.concatenate([[0], np.cumsum(parts[order])[:-1]])
    rows = np.argsort(homes, kind="stable")
    places = np.arange(len(homes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)  # position of each row in its cell
    numbered = np.empty(len(homes), np.int64)
    numbered[rows] = firsts[homes[rows]] + places // (MAX_CELL_FACTOR * average)
    kept = np.repeat(order, parts[order])
    return centers[kept], groups[kept].astype(np.int64), group_centers, numbered


def order_cells(centers: np.ndarray, groups: np.ndarray, group_centers: np.ndarray) -> np.ndarray:
    """Return the order in which each group visits cells: its own first, then those with the nearest centers."""
    orders = np.empty((len(group_centers), len(centers)), np.int32)
    for group, origin in enumerate(group_centers):
        distances = ((centers - origin) ** 2).sum(axis=1)
        orders[group] = np.lexsort((np.where(groups == group, 0, distances), groups != group))
    return orders


def find_cell_maxima(values: np.ndarray, members: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return the maximum of the rows' values in each cell."""
    of_slots = np.where(members >= 0, values[members], 0)
    return np.maximum.reduceat(of_slots, starts[:-1])


def bound_errors(errors: np.ndarray, cells: Packed) -> Errors:
    """Return bounds of the rounding errors of rows and of cells."""
    halves = np.where(cells.members >= 0, cells.halves, 0)
    of_cells = find_cell_maxima(errors, cells.members, cells.starts)
    return Errors(
        as_readonly(errors), as_readonly(of_cells), as_readonly(np.maximum.reduceat(halves, cells.starts[:-1]))
    )


# -------------------------------------------------------------------------------------------------------- search


def search_cells(
    index: CellIndex,
    new: AffineRows | None,
    n_neighbors: int,
    *,
    exact: bool,
    progress: Callable[[int, int], object] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Search the nearest training rows of new rows, or of the training rows (None). Returns indices and ranks."""
    own = new is None
    rows = index.rows if new is None else new
    queries, errors = (index.cells, index.errors.rows) if new is None else pack_queries(index, new)
    n, width, limits = len(rows.affine), index.centers.centers.shape[1], index.effort
    indices, ranks = np.empty((n, n_neighbors), np.int64), np.empty((n, n_neighbors))
    compared = Compared(*map(as_readonly, (*rows, *index.rows)))
    weights = np.ones(width, np.float32)
    if index.axes.directions is not None:
        weights[len(index.axes.directions)] = RESIDUAL_CORRELATION
    weights = as_readonly(weights)
    kept = n_neighbors + 6 if index.axes.directions is None else limits.kept_per_neighbor * n_neighbors
    reaches = as_readonly(np.array(CELL_REACHES, np.float32))
    most_pairs = np.full(len(reaches), min(limits.max_pairs, limits.max_numbers // width))
    most_pairs[:2] = limits.max_pairs
    effort = Effort(n_neighbors, kept, NEAREST_CELLS, reaches, as_readonly(most_pairs))
    centers = index.centers
    if not exact:
        centers = centers._replace(orders=as_readonly(np.ascontiguousarray(centers.orders[:, :CELLS_IN_VIEW])))
    done = 0
    blocks = split_blocks(queries.starts, index.centers.groups)
    for tasks in map(as_readonly, np.array_split(blocks, min(PROGRESS_STEPS, max(1, len(blocks) // 16)))):
        settings = (own, index.angular, indices, ranks)
        kernels.search_cells(len(tasks), tasks, queries, index.cells, centers, weights, compared, effort, *settings)
        if exact:
            bounds = index.errors._replace(rows=errors)
            kernels.complete_cells(len(tasks), tasks, queries, index.cells, centers, compared, bounds, *settings)
        if progress:
            done += int((tasks[:, 3] - tasks[:, 2]).sum())
            progress(done, len(queries.members))
    return indices, ranks


def pack_queries(index: CellIndex, new: AffineRows) -> tuple[Packed, np.ndarray]:
    """Store new rows in the cells of their nearest centers, and return bounds of their rounding errors."""
    coordinates, errors = project_rows(new, index.axes)
    positions = index.centers.centers
    slots = assign_slots(find_nearest_centers(coordinates, positions), len(positions))
    return pack_cells(coordinates, *slots, positions), as_readonly(errors)


def split_blocks(starts: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the cells and slots of each block: adjacent cells of one group, or a part of a large cell."""
    blocks, cell = [], 0
    while cell < len(groups):
        end = cell + 1
        if starts[end] - starts[cell] > BLOCK_SLOTS:
            firsts = range(starts[cell], starts[end], BLOCK_SLOTS)
            blocks += [(cell, end, first, min(first + BLOCK_SLOTS, starts[end])) for first in firsts]
        else:
            while end < len(groups) and groups[end] == groups[cell] and starts[end + 1] - starts[cell] <= BLOCK_SLOTS:
                end += 1
            if starts[end] > starts[cell]:
                blocks.append((cell, end, starts[cell], starts[end]))
        cell = end
    return np.array(blocks, np.int64).reshape(-1, 4)
