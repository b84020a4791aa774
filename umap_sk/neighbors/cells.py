"""An inverted file of rows: cells around many centers, and the search for neighbors among them."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.kernels.cell_blocks import Centers, Compared, Packed
from umap_sk.kernels.cell_completion import Errors
from umap_sk.kernels.cell_search import Effort
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
NEAREST_CELLS, REACH, MOST_PAIRS = 6, 0.4, 20_000
IN_VIEW = 1024  # cells that a group looks at, unless all neighbors are to be found


class Rows(NamedTuple):
    """Rows whose Euclidean distances are to be compared: features, and scale and shift of each row of them."""

    features: np.ndarray
    affine: np.ndarray


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


def build_cells(rows: Rows, angular: bool) -> CellIndex:
    """Find centers and put each row into the cell of its nearest one."""
    n = len(rows.affine)
    axes = principal_axes(*rows)
    coordinates, errors = coordinates_of(rows, axes)
    average = max(LEAST_ROWS, int(np.sqrt(n / 3)))
    positions = find_centers(coordinates, max(1, n // average), axes, np.random.default_rng(1))
    homes = nearest_of(coordinates, positions)
    positions, groups, group_centers, homes = in_groups(positions, homes, average)
    members, starts = slots_of(homes, len(positions))
    width = coordinates.shape[1]
    slices, halves = np.empty(len(members) * width, np.float32), np.empty(len(members), np.float32)
    kernels.pack_cells(*map(readonly, (coordinates, members, starts, positions)), slices, halves)
    centers = Centers(*map(readonly, (positions, groups, group_centers, orders_of(positions, groups, group_centers))))
    cells = Packed(*map(readonly, (slices, halves, members, starts)))
    return CellIndex(rows, angular, axes, centers, cells, errors_of(errors, cells))


def coordinates_of(rows: Rows, axes: Axes) -> tuple[np.ndarray, np.ndarray]:
    """Rows along the axes with the length of what these leave of them, in float32, and bounds of their rounding."""
    n, columns = rows.features.shape
    errors = np.empty(n, np.float32)
    inputs = [readonly(array) for array in (rows.features, rows.affine, axes.mean)]
    if axes.directions is None:
        out = np.empty((n, columns), np.float32)
        kernels.center_rows(*inputs, out, errors)
    else:
        out = np.empty((n, len(axes.directions) + 1), np.float32)
        kernels.project_rows(*inputs, readonly(packed(axes.directions)), out, errors)
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
    halves[: len(centers)] = np.einsum("ij,ij->i", centers, centers, dtype=np.float64) / 2
    kernels.nearest_centers(readonly(rows), readonly(packed(centers)), readonly(halves), nearest)
    return nearest


def find_centers(rows: np.ndarray, count: int, axes: Axes, random: np.random.Generator) -> np.ndarray:
    """Centers by Lloyd's algorithm on a sample; what the axes leave of a row is no coordinate of theirs."""
    sample = rows[np.sort(random.choice(len(rows), min(len(rows), SAMPLED * count), replace=False))]
    if axes.directions is not None:
        sample[:, len(axes.directions) :] = 0
    centers = sample[np.sort(random.choice(len(sample), count, replace=False))]
    for _ in range(ROUNDS):
        members, starts = slots_of(nearest_of(sample, centers), count)
        kernels.means_of_cells(*map(readonly, (sample, members, starts)), centers)
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
    """Cells numbered by groups, too large ones cut, empty ones left out: centers, groups, their centers, homes of rows."""
    sizes = np.bincount(homes, minlength=len(centers))
    group_centers = find_centers(centers, max(1, len(centers) // GROUP), Axes(centers[0], None), np.random.default_rng(2))
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


def errors_of(errors: np.ndarray, cells: Packed) -> Errors:
    """Bounds of rows and of cells."""
    used = cells.members >= 0
    of_slots = np.where(used, errors[cells.members], 0)
    halves = np.where(used, cells.halves, 0)
    return Errors(*map(readonly, (errors, *(np.maximum.reduceat(x, cells.starts[:-1]) for x in (of_slots, halves)))))


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
    kept = n_neighbors + 6 if index.axes.directions is None else 3 * n_neighbors
    effort = Effort(n_neighbors, kept, NEAREST_CELLS, REACH, MOST_PAIRS)
    centers = index.centers
    if not exact:
        centers = centers._replace(orders=readonly(np.ascontiguousarray(centers.orders[:, :IN_VIEW])))
    done = 0
    for tasks in launches(blocks_of(queries.starts, index.centers.groups)):
        settings = (own, index.angular, indices, ranks)
        kernels.search_cells(tasks, queries, index.cells, centers, readonly(weights), compared, effort, *settings)
        if exact:
            bounds = index.errors._replace(rows=errors)
            kernels.complete_cells(tasks, queries, index.cells, centers, compared, bounds, *settings)
        if progress:
            done += int((tasks[:, 3] - tasks[:, 2]).sum())
            progress(done, len(queries.members))
    return indices, ranks


def packed_queries(index: CellIndex, new: Rows) -> tuple[Packed, np.ndarray]:
    """New rows in the cells of their nearest centers, and bounds of their rounding."""
    coordinates, errors = coordinates_of(new, index.axes)
    positions = index.centers.centers
    members, starts = slots_of(nearest_of(coordinates, positions), len(positions))
    slices = np.empty(len(members) * coordinates.shape[1], np.float32)
    halves = np.empty(len(members), np.float32)
    kernels.pack_cells(*map(readonly, (coordinates, members, starts, positions)), slices, halves)
    return Packed(*map(readonly, (slices, halves, members, starts))), readonly(errors)


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
