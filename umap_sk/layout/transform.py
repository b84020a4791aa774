"""New rows in a fixed map. The position of a row depends on this row only."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from umap_sk import kernels
from umap_sk.graph.scales import compute_memberships
from umap_sk.layout.optimizer import Forces, make_settings
from umap_sk.layout.repulsion import GridField, RepulsionKernel, choose_spacing, make_grid_field
from umap_sk.layout.spaces import Space, check_raised, to_coordinates, to_positions
from umap_sk.neighbors.read import Neighbors
from umap_sk.runtime.compile import as_readonly

PLACEMENT_EPOCHS = 30
FIRST_PLACEMENT_STEP = 0.5  # in units of the embedding, and small, since the map does not move
ROW_NEGATIVES = 64  # samples per row and epoch, if the repulsion is sampled

Value = TypeVar("Value")


class FrozenMap(NamedTuple):
    """A map that is prepared for new rows."""

    positions: np.ndarray  # (n, d) float32, NaN for rows without neighbors
    forces: Forces  # whose attraction is 2, since only the new row of an edge moves
    seed: int  # of the sampled repulsion, which also depends on the new row
    field: GridField | None  # repulsion of the map, in two dimensions
    pool: np.ndarray | None  # (d, 2 * POOL_SIZE) float32 positions of random rows, in other dimensions
    n_placed: int  # number of training rows with a position
    space: Space | None = None  # None for Euclidean space


class MapCache:
    """Values that are computed from a model's map when they are first needed. They are not pickled."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def get(self, name: str, make: Callable[[], Value]) -> Value:
        """Return the value with this name. The first call computes it with `make`."""
        if name not in self._made:
            self._made[name] = make()
        made: Value = self._made[name]
        return made

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return MapCache, ()


def freeze(positions: np.ndarray, forces: Forces, seed: int, space: Space | None = None) -> FrozenMap:
    """Prepare a map for new rows, once for each model."""
    forces = forces._replace(attraction=2.0)
    placed = positions[~np.isnan(positions[:, 0])]
    if space:
        placed = to_positions(space, placed)
    elif positions.shape[1] == 2:
        field = make_grid_field(placed, choose_spacing(*forces.curve), RepulsionKernel(*forces.curve, forces.gamma))
        return FrozenMap(positions, forces, seed, field, None, len(placed))
    drawn = placed[np.random.Philox(seed).random_raw(kernels.POOL_SIZE) % np.uint64(len(placed))].T
    pool = np.ascontiguousarray(np.concatenate([drawn, drawn], axis=1))
    return FrozenMap(positions, forces, seed, None, pool, len(placed), space)


def place_rows(
    frozen: FrozenMap, neighbors: Neighbors, n_neighbors: int, local_connectivity: float, epochs: int = PLACEMENT_EPOCHS
) -> np.ndarray:
    """Return the positions of new rows.

    A row with a neighbor at distance 0 gets its position. Other rows start at the mean of their neighbors, weighted by
    membership strength, and minimize the loss in the fixed map.
    """
    if frozen.n_placed < len(frozen.positions):
        neighbors = keep_placed_neighbors(neighbors, frozen.positions)
    strengths = compute_memberships(neighbors, n_neighbors, max(0.0, local_connectivity - 1), new_rows=True)
    strengths = np.maximum(strengths, np.float32(1e-30))
    settings = make_placement_settings(frozen)
    out = np.empty((len(neighbors.indptr) - 1, frozen.positions.shape[1]), np.float32)
    rows = tuple(
        as_readonly(a) for a in (neighbors.indptr, neighbors.indices.view(np.uint32), neighbors.distances, strengths)
    )
    training = as_readonly(frozen.positions)
    if frozen.space:
        return place_rows_in_space(frozen, frozen.space, rows, settings, epochs)
    grid = (0.0, 0.0, 0.0)
    if frozen.field is not None:
        frame = frozen.field.frame
        grid = (*frame.origin, 1 / frame.spacing)
    repulsion = frozen.pool if frozen.field is None else as_readonly(frozen.field.values)
    kernels.place_rows(*rows, training, repulsion, tuple(map(np.float32, grid)), settings, epochs, out)
    return out


def place_rows_in_space(
    frozen: FrozenMap, space: Space, rows: tuple[np.ndarray, ...], settings: np.ndarray, epochs: int
) -> np.ndarray:
    """Return the positions of new rows in a space. A neighbor at distance 0 gives its exact coordinates."""
    indptr, indices, distances, _ = rows
    training = to_positions(space, frozen.positions)
    out = np.empty((len(indptr) - 1, training.shape[1]), np.float32)
    kernels.place_in_space(*rows, as_readonly(training), frozen.pool, *space.measured, settings, epochs, out)
    check_raised(space)
    out = to_coordinates(space.name, out)
    first = np.minimum(indptr[:-1], max(0, len(indices) - 1))
    same = np.flatnonzero((np.diff(indptr) > 0) & (distances[first] == 0)) if len(indices) else first[:0]
    out[same] = frozen.positions[indices[first[same]]]
    return out


def keep_placed_neighbors(neighbors: Neighbors, positions: np.ndarray) -> Neighbors:
    """Remove neighbors without a position in the map."""
    kept = ~np.isnan(positions[neighbors.indices, 0])
    indptr = np.concatenate([[0], np.cumsum(kept)])[neighbors.indptr]
    return neighbors._replace(indptr=indptr, indices=neighbors.indices[kept], distances=neighbors.distances[kept])


def make_placement_settings(frozen: FrozenMap) -> np.ndarray:
    """Return the scalars of the placement as a record for the kernels."""
    step = FIRST_PLACEMENT_STEP * frozen.forces.learning_rate * (frozen.space.unit if frozen.space else 1.0)
    return make_settings(frozen.forces, step=step, seed=frozen.seed, negatives=ROW_NEGATIVES, n_rows=frozen.n_placed)
