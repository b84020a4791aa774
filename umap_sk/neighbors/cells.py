"""An inverted file of rows: cells around many centers, and the search for neighbors among them."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.kernels.cell_blocks import Centers, Compared, Packed
from umap_sk.kernels.cell_completion import Errors
from umap_sk.kernels.cell_search import Effort
from umap_sk.neighbors.euclidean import Rows
from umap_sk.neighbors.principal_axes import SLICE, Axes, principal_axes
from umap_sk.runtime.compile import readonly

LEAST_ROWS = 200  # of a cell on average
SAMPLED = 32  # rows of the sample by which the centers are found, for each of them
ROUNDS = 4  # of Lloyd's algorithm
GROUP = 8  # cells of a group on average
BLOCK = 960  # slots of a block, whose rows are searched together
LARGEST = 8  # times the average rows of a cell: larger ones are cut
RESIDUAL = 0.25  # correlation of what the axes leave of neighbors
LAUNCHES = 20  # in which all rows are searched, so that progress can be shown
NEAREST_CELLS, MOST_PAIRS = 6, 20_000
REACHES = [-np.inf, 0.4, 0.6, 0.8, 1.0]  # of the rounds; the first one is that of the nearest cells
FURTHER = 200_000  # numbers of other rows that a row is compared with before the third round and those after it
IN_VIEW = 1024  # cells that a group looks at, unless all neighbors are to be found


class CellPlan(NamedTuple):
    """What is kept of an index in a file: all but the rows, which are packed again.

    Attributes
    ----------
    axes : Axes
    centers : Centers
    members, starts : ndarray
        Which row is in each slot, and where each cell begins.
    """

    axes: Axes
    centers: Centers
    members: np.ndarray
    starts: np.ndarray


class CellIndex(NamedTuple):
    """Rows in cells.

    Attributes
    ----------
    rows : Rows
    angular : bool
        Whether rows are unit vectors.
    axes : Axes
    centers : Centers
    cells : Packed
    errors : Errors
        Bounds of the rounding.
    """

    rows: Rows
    angular: bool
    axes: Axes
    centers: Centers
    cells: Packed
    errors: Errors


def build_cells(rows: Rows, angular: bool, plan: CellPlan | None = None) -> CellIndex:
    """Find centers and put each row into the cell of its nearest one, or where a plan has put it."""
    axes = principal_axes(*rows) if plan is None else plan.axes
    coordinates, errors = coordinates_of(rows, axes)
    if plan is None:
        plan = plan_cells(coordinates, axes)
    cells = packed_cells(coordinates, plan.members, plan.starts, plan.centers.centers)
    return CellIndex(rows, angular, axes, Centers(*map(readonly, plan.centers)), cells, errors_of(errors, cells))


def plan_cells(coordinates: np.ndarray, axes: Axes) -> CellPlan:
    """Centers, and which rows are in the cell of each."""
    n = len(coordinates)
    average = max(LEAST_ROWS, int(np.sqrt(n / 3)))
    positions = find_centers(coordinates, max(1, n // average), axes, np.random.default_rng(1))
    homes = nearest_of(coordinates, positions)
    positions, groups, group_centers, homes = in_groups(positions, homes, average)
    members, starts = slots_of(homes, len(positions))
    lengths = np.maximum(half_squares(positions), largest_in_cells(half_squares(coordinates), members, starts))
    orders = orders_of(positions, groups, group_centers)
    return CellPlan(axes, Centers(positions, groups, group_centers, orders, lengths), members, starts)


def plan_of(index: CellIndex) -> CellPlan:
    """What is kept of an index in a file."""
    return CellPlan(index.axes, index.centers, index.cells.members, index.cells.starts)


def packed_cells(coordinates: np.ndarray, members: np.ndarray, starts: np.ndarray, centers: np.ndarray) -> Packed:
    """Rows in their slots."""
    slices = np.empty(len(members) * coordinates.shape[1], np.float32)
    halves = np.empty(len(members), np.float32)
    kernels.pack_cells(len(centers), *map(readonly, (coordinates, members, starts, centers)), slices, halves)
    return Packed(*map(readonly, (slices, halves, members, starts)))


def coordinates_of(rows: Rows, axes: Axes) -> tuple[np.ndarray, np.ndarray]:
    """Rows along the axes with the length of what these leave of them, in float32, and bounds of their rounding."""
    n, columns = rows.features.shape
    errors = np.empty(n, np.float32)
    inputs = [readonly(array) for array in (rows.features, rows.affine, axes.mean)]
    if axes.directions is None:
        out = np.empty((n, columns), np.float32)
        kernels.center_rows(n, *inputs, out, errors)
    else:
        out = np.empty((n, len(axes.directions) + 1), np.float32)
        kernels.project_rows(n, *inputs, readonly(packed(axes.directions)), out, errors)
    return out, errors


def packed(rows: np.ndarray) -> np.ndarray:
    """Rows in slices, filled up with zeros."""
    count, width = rows.shape
    full = np.zeros((-(-count // SLICE) * SLICE, width), np.float32)
    full[:count] = rows
    return np.ascontiguousarray(full.reshape(-1, SLICE, width).transpose(0, 2, 1)).reshape(-1)


def nearest_of(rows: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """The nearest center of each row."""
    nearest = np.empty(len(rows), np.int32)
    halves = np.full(-(-len(centers) // SLICE) * SLICE, np.inf, np.float32)
    halves[: len(centers)] = half_squares(centers)
    kernels.nearest_centers(len(rows), readonly(rows), readonly(packed(centers)), readonly(halves), nearest)
    return nearest


def find_centers(rows: np.ndarray, count: int, axes: Axes, random: np.random.Generator) -> np.ndarray:
    """Centers by Lloyd's algorithm on a sample; what the axes leave of a row is no coordinate of theirs."""
    sample = rows[np.sort(random.choice(len(rows), min(len(rows), SAMPLED * count), replace=False))]
    if axes.directions is not None:
        sample[:, len(axes.directions) :] = 0
    centers = sample[np.sort(random.choice(len(sample), count, replace=False))]
    for _ in range(ROUNDS):
        members, starts = slots_of(nearest_of(sample, centers), count)
        kernels.means_of_cells(count, *map(readonly, (sample, members, starts)), centers)
    return centers


def slots_of(homes: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Which row is in each slot, by cell and then by row, -1 in empty ones; and where each cell begins."""
    sizes = np.bincount(homes, minlength=count)
    starts = np.concatenate([[0], np.cumsum(-(-sizes // SLICE) * SLICE)])
    order = np.argsort(homes, kind="stable")
    members = np.full(starts[-1], -1, np.int32 if len(homes) < 2**31 else np.int64)
    firsts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    members[np.arange(len(homes)) + np.repeat(starts[:-1] - firsts, sizes)] = order
    return members, starts


def in_groups(
    centers: np.ndarray, homes: np.ndarray, average: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Cells numbered by groups, too large ones cut and empty ones left out.

    Returns centers, their groups, the centers of these, and homes of rows.
    """
    sizes = np.bincount(homes, minlength=len(centers))
    n_groups, as_they_are = max(1, len(centers) // GROUP), Axes(centers[0], None)
    group_centers = find_centers(centers, n_groups, as_they_are, np.random.default_rng(2))
    groups = nearest_of(centers, group_centers)
    parts = -(-sizes // (LARGEST * average))
    order = np.argsort(groups, kind="stable")
    firsts = np.empty(len(centers), np.int64)
    firsts[order] = np.concatenate([[0], np.cumsum(parts[order])[:-1]])
    rows = np.argsort(homes, kind="stable")
    places = np.arange(len(homes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)  # of each row in its cell
    numbered = np.empty(len(homes), np.int64)
    numbered[rows] = firsts[homes[rows]] + places // (LARGEST * average)
    kept = np.repeat(order, parts[order])
    return centers[kept], groups[kept].astype(np.int64), group_centers, numbered


def orders_of(centers: np.ndarray, groups: np.ndarray, group_centers: np.ndarray) -> np.ndarray:
    """Which cells each group looks at: its own ones first, then those whose centers are nearest to its center."""
    orders = np.empty((len(group_centers), len(centers)), np.int32)
    for group, origin in enumerate(group_centers):
        distances = ((centers - origin) ** 2).sum(axis=1)
        orders[group] = np.lexsort((np.where(groups == group, 0, distances), groups != group))
    return orders


def half_squares(rows: np.ndarray) -> np.ndarray:
    """Half the squared length of each row, in float32."""
    return (np.einsum("ij,ij->i", rows, rows, dtype=np.float64) / 2).astype(np.float32)


def largest_in_cells(values: np.ndarray, members: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The largest of the values of the rows of each cell."""
    of_slots = np.where(members >= 0, values[members], 0)
    return np.maximum.reduceat(of_slots, starts[:-1])


def errors_of(errors: np.ndarray, cells: Packed) -> Errors:
    """Bounds of rows and of cells."""
    halves = np.where(cells.members >= 0, cells.halves, 0)
    of_cells = largest_in_cells(errors, cells.members, cells.starts)
    return Errors(readonly(errors), readonly(of_cells), readonly(np.maximum.reduceat(halves, cells.starts[:-1])))


# -------------------------------------------------------------------------------------------------------- the search


def search(
    index: CellIndex,
    new: Rows | None,
    n_neighbors: int,
    *,
    exact: bool,
    progress: Callable[[int, int], object] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Nearest training rows of new rows, or of the training rows themselves (None): indices, and ranks in float64."""
    own = new is None
    rows = index.rows if new is None else new
    queries, errors = (index.cells, index.errors.rows) if new is None else packed_queries(index, new)
    n, width = len(rows.affine), index.centers.centers.shape[1]
    indices, ranks = np.empty((n, n_neighbors), np.int64), np.empty((n, n_neighbors))
    compared = Compared(*map(readonly, (*rows, *index.rows)))
    weights = np.ones(width, np.float32)
    if index.axes.directions is not None:
        weights[len(index.axes.directions)] = RESIDUAL
    weights = readonly(weights)
    kept = n_neighbors + 6 if index.axes.directions is None else 3 * n_neighbors
    reaches = readonly(np.array(REACHES, np.float32))
    most_pairs = readonly(np.minimum(MOST_PAIRS, [MOST_PAIRS, MOST_PAIRS, *[FURTHER // width] * 3]))
    effort = Effort(n_neighbors, kept, NEAREST_CELLS, reaches, most_pairs)
    centers = index.centers
    if not exact:
        centers = centers._replace(orders=readonly(np.ascontiguousarray(centers.orders[:, :IN_VIEW])))
    done = 0
    for tasks in launches(blocks_of(queries.starts, index.centers.groups)):
        settings = (own, index.angular, indices, ranks)
        kernels.search_cells(len(tasks), tasks, queries, index.cells, centers, weights, compared, effort, *settings)
        if exact:
            bounds = index.errors._replace(rows=errors)
            kernels.complete_cells(len(tasks), tasks, queries, index.cells, centers, compared, bounds, *settings)
        if progress:
            done += int((tasks[:, 3] - tasks[:, 2]).sum())
            progress(done, len(queries.members))
    return indices, ranks


def packed_queries(index: CellIndex, new: Rows) -> tuple[Packed, np.ndarray]:
    """New rows in the cells of their nearest centers, and bounds of their rounding."""
    coordinates, errors = coordinates_of(new, index.axes)
    positions = index.centers.centers
    slots = slots_of(nearest_of(coordinates, positions), len(positions))
    return packed_cells(coordinates, *slots, positions), readonly(errors)


def blocks_of(starts: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Cells and slots of blocks: neighboring cells of one group, or a part of a cell."""
    blocks, cell = [], 0
    while cell < len(groups):
        end = cell + 1
        if starts[end] - starts[cell] > BLOCK:
            firsts = range(starts[cell], starts[end], BLOCK)
            blocks += [(cell, end, first, min(first + BLOCK, starts[end])) for first in firsts]
        else:
            while end < len(groups) and groups[end] == groups[cell] and starts[end + 1] - starts[cell] <= BLOCK:
                end += 1
            if starts[end] > starts[cell]:
                blocks.append((cell, end, starts[cell], starts[end]))
        cell = end
    return np.array(blocks, np.int64).reshape(-1, 4)


def launches(blocks: np.ndarray) -> Iterator[Any]:
    """Blocks in a few parts."""
    for part in np.array_split(blocks, min(LAUNCHES, max(1, len(blocks) // 16))):
        yield readonly(part)
