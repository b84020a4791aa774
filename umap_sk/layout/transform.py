"""New rows against the finished map, which is held still; a row's place depends on that row alone."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from umap_sk import kernels
from umap_sk.graph.scales import compute_memberships
from umap_sk.layout.optimizer import Forces, as_record
from umap_sk.layout.repulsion import GridField, Kernel, grid_field, spacing_for
from umap_sk.layout.spaces import Space, check_raised, coordinates_of, inside
from umap_sk.neighbors.read import Neighbors
from umap_sk.runtime.compile import readonly

EPOCHS = 30
STEP = 0.5  # of the first epoch, in units of the embedding: the map has come to rest
NEGATIVES = 64  # a row and epoch, where the repulsion is sampled

Made = TypeVar("Made")


class FrozenMap(NamedTuple):
    """A finished map, ready to take new rows.

    Attributes
    ----------
    positions : ndarray of shape (n, d), float32
        The training rows; rows without neighbors are NaN.
    forces : Forces
        Curve and rates; an edge of a new row acts from one end, so its attraction is 2.
    seed : int
        What the sampled repulsion depends on, beside the row's content.
    field : GridField or None
        Repulsion of the map, in two dimensions.
    pool : ndarray of shape (d, 2 * POOL), float32, or None
        Random rows of the map, otherwise.
    n_placed : int
        Training rows that have a place.
    space : Space or None
        Where the map lies, if not in Euclidean space.
    """

    positions: np.ndarray
    forces: Forces
    seed: int
    field: GridField | None
    pool: np.ndarray | None
    n_placed: int
    space: Space | None = None


class MapCache:
    """What is made of a model's map when it is first needed, by name; left out of pickles."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def get(self, name: str, make: Callable[[], Made]) -> Made:
        """The thing, from `make` at the first call."""
        if name not in self._made:
            self._made[name] = make()
        made: Made = self._made[name]
        return made

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return MapCache, ()


def freeze(positions: np.ndarray, forces: Forces, seed: int, space: Space | None = None) -> FrozenMap:
    """Prepare a map for new rows, once a model."""
    forces = forces._replace(attraction=2.0)
    placed = positions[~np.isnan(positions[:, 0])]
    if space:
        placed = inside(space, placed)
    elif positions.shape[1] == 2:
        field = grid_field(placed, spacing_for(*forces.curve), Kernel(*forces.curve, forces.gamma))
        return FrozenMap(positions, forces, seed, field, None, len(placed))
    drawn = placed[np.random.Philox(seed).random_raw(kernels.POOL_SIZE) % np.uint64(len(placed))].T
    pool = np.ascontiguousarray(np.concatenate([drawn, drawn], axis=1))
    return FrozenMap(positions, forces, seed, None, pool, len(placed), space)


def place(
    frozen: FrozenMap, neighbors: Neighbors, n_neighbors: int, local_connectivity: float, epochs: int = EPOCHS
) -> np.ndarray:
    """Places of new rows.

    A row with a neighbor at distance 0 takes its place. Any other starts at its neighbors' mean, weighted by membership
    strength, and descends the map's loss with the map held still.
    """
    if frozen.n_placed < len(frozen.positions):
        neighbors = among_placed(neighbors, frozen.positions)
    strengths = compute_memberships(neighbors, n_neighbors, max(0.0, local_connectivity - 1), new_rows=True)
    strengths = np.maximum(strengths, np.float32(1e-30))
    settings = row_settings(frozen)
    out = np.empty((len(neighbors.indptr) - 1, frozen.positions.shape[1]), np.float32)
    rows = tuple(
        readonly(a) for a in (neighbors.indptr, neighbors.indices.view(np.uint32), neighbors.distances, strengths)
    )
    training = readonly(frozen.positions)
    if frozen.space:
        return placed_in_space(frozen, frozen.space, rows, settings, epochs)
    if frozen.field is not None:
        frame = frozen.field.frame
        cells = (*map(np.float32, frame.origin), np.float32(1 / frame.spacing))
        kernels.place_in_field(*rows, training, readonly(frozen.field.values), *cells, settings, epochs, out)
    else:
        kernels.place_by_samples(*rows, training, frozen.pool, settings, epochs, out)
    return out


def placed_in_space(
    frozen: FrozenMap, space: Space, rows: tuple[np.ndarray, ...], settings: np.ndarray, epochs: int
) -> np.ndarray:
    """Places of new rows in a space; a neighbor at distance 0 gives its own, to the bit."""
    indptr, indices, distances, _ = rows
    training = inside(space, frozen.positions)
    out = np.empty((len(indptr) - 1, training.shape[1]), np.float32)
    kernels.place_in_space(*rows, readonly(training), frozen.pool, *space.measured, settings, epochs, out)
    check_raised(space)
    out = coordinates_of(space.name, out)
    first = np.minimum(indptr[:-1], max(0, len(indices) - 1))
    same = np.flatnonzero((np.diff(indptr) > 0) & (distances[first] == 0)) if len(indices) else first[:0]
    out[same] = frozen.positions[indices[first[same]]]
    return out


def among_placed(neighbors: Neighbors, positions: np.ndarray) -> Neighbors:
    """Neighbors without those that have no place in the map."""
    kept = ~np.isnan(positions[neighbors.indices, 0])
    indptr = np.concatenate([[0], np.cumsum(kept)])[neighbors.indptr]
    return neighbors._replace(indptr=indptr, indices=neighbors.indices[kept], distances=neighbors.distances[kept])


def row_settings(frozen: FrozenMap) -> np.ndarray:
    """Scalars of the placement, as one record for the kernels."""
    step = STEP * frozen.forces.learning_rate * (frozen.space.unit if frozen.space else 1.0)
    return as_record(frozen.forces, step=step, seed=frozen.seed, negatives=NEGATIVES, n_rows=frozen.n_placed)
