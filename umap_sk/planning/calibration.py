"""How fast this machine runs the kernels: about a second of them, on a map of made-up neighbors."""

import functools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from umap_sk import kernels
from umap_sk.graph.fuzzy_union import FuzzyGraph, fuzzy_graph
from umap_sk.layout import optimizer
from umap_sk.layout.coarsen import build_levels
from umap_sk.layout.curve import fit_curve
from umap_sk.layout.repulsion import Kernel, add_near_field, grid_field, read_field, spacing_for
from umap_sk.layout.sell import arrange
from umap_sk.layout.width import smoothed_start
from umap_sk.neighbors.read import Neighbors, read_neighbors
from umap_sk.runtime.compile import readonly

SIDE = 256  # rows of the made-up map are a square grid on a torus, in random order
BLOCKS = 48  # blocks of rows that a step is timed on
FAR = 8  # of so many edges one ends anywhere, the others in these blocks, as in graphs of a million rows
FEW = 64  # rows of a map whose field takes no time but its grid's
DEGREE = 20  # edges of their rows
NEGATIVES = 64
WIDTH = 30.0  # of the map whose field is timed
LARGEST = 2**22  # rows whose positions are made to time how they are gathered; more are beyond any cache

GATHERED = (2**23, 2**25, 2**27)  # bytes that are read here and there: as many as the made-up map has, and more
READS = 2**19


class Rates(NamedTuple):
    """Seconds a unit of work takes.

    Attributes
    ----------
    read, graph : float
        Of an entry of the neighbor arrays, and of a neighbor that is kept.
    levels, arrange : float
        Of an edge that is coarsened, and of one that is laid out in strips.
    smooth : float
        Of an edge when a start is smoothed and scaled.
    attract, attract_coarse : float
        Of an edge in an epoch, among so many rows, and among few.
    sample : float
        Of a sampled vertex in an epoch.
    grid, field, near : float
        Of a cell of the grid in an epoch; of a row: field on the grid, and its short range.
    fresh : float
        Of a byte of memory that is used for the first time.
    gather : tuple of float
        Of reading a number that lies anywhere among so many bytes, `GATHERED`, which no kernel has read before.
    """

    read: float
    graph: float
    levels: float
    arrange: float
    smooth: float
    attract: float
    attract_coarse: float
    sample: float
    grid: float
    field: float
    near: float
    fresh: float
    gather: tuple[float, ...]

    def missed(self, size: int) -> float:
        """Seconds that a read takes longer among so many bytes than in the made-up map.

        Parameters
        ----------
        size : int
            Bytes.

        Returns
        -------
        float
            0 where they are no more than that has.
        """
        return max(0.0, float(np.interp(np.log2(max(1, size)), np.log2(GATHERED), self.gather)) - self.gather[0])


_ONE_XEON = (18e-9, 50e-9, 21e-9, 9e-9, 12e-9, 4.5e-9, 3e-9, 2e-9, 45e-9, 15e-9, 66e-9, 1e-9)
TYPICAL = Rates(*_ONE_XEON, (5e-9, 5e-9, 5e-9))
"""What one thread took somewhere, for comparisons of work with work."""


def rates(n_samples: int, n_components: int, threads: int) -> Rates:
    """Rates of this machine, measured once a process for each order of size.

    Parameters
    ----------
    n_samples : int
        Rows; their positions may or may not fit into the processor's caches.
    n_components : int
        Axes of the embedding.
    threads : int
        Threads in force, which the result is for.

    Returns
    -------
    Rates
        Seconds.
    """
    return _measured(min(LARGEST, max(SIDE**2, 2 ** (n_samples - 1).bit_length())), n_components, threads)


@functools.lru_cache(maxsize=64)
def _measured(rows: int, n_components: int, threads: int) -> Rates:
    indices, dists = made_up_neighbors()
    made = _graph(indices, dists)
    built = build_levels(made, 0)
    place = np.random.default_rng(0).random((len(indices), n_components), np.float32)
    read = _seconds(lambda: _read(indices, dists)) / indices.size
    graph = _seconds(lambda: _graph(indices, dists)) / indices.size - read
    edges = len(made.indices)
    levels = _seconds(lambda: build_levels(made, 0)) / edges
    laid = _seconds(lambda: arrange(built, 0)) / edges
    finest = arrange(built, 0)[0]
    smooth = _seconds(lambda: smoothed_start(finest, place)) / edges
    attract, sample = _steps(rows, n_components)
    attract_coarse, _ = _steps(SIDE**2, n_components)
    fields = _fields(SIDE**2) if n_components == 2 else (0.0, 0.0, 0.0)
    work = (read, max(graph, read / 4), levels, laid, smooth, attract, attract_coarse, sample, *fields)
    return Rates(*work, *_memory(128 * rows, threads))


def _memory(size: int, threads: int) -> tuple[float, tuple[float, ...]]:
    """Seconds of a byte of fresh memory, and of a read anywhere in so many bytes, by all threads at once."""
    words = np.empty(min(GATHERED[-1], max(GATHERED[0], size)) // 8)
    with ThreadPoolExecutor(threads) as pool:

        def on_all(work: Callable[[int], object]) -> None:
            list(pool.map(work, range(threads)))

        def read_anywhere(among: np.ndarray) -> float:
            places = np.random.default_rng(0).integers(0, len(among), (threads, READS), np.intp)
            found = np.empty(places.shape)
            read = functools.partial(np.take, among, mode="clip")
            return _seconds(lambda: on_all(lambda thread: read(places[thread], out=found[thread]))) / places.size

        on_all(int)  # starts the threads
        parts = np.array_split(words, threads)
        began = time.perf_counter()
        on_all(lambda thread: parts[thread].fill(1))
        fresh = (time.perf_counter() - began) / words.nbytes
        gather = [read_anywhere(words[: among // 8]) for among in GATHERED]
    return fresh, tuple(np.maximum.accumulate(gather).tolist())


def made_up_neighbors() -> tuple[np.ndarray, np.ndarray]:
    """Fifteen neighbors of every row of a square grid on a torus, rows in random order.

    Returns
    -------
    tuple of 2 ndarray of shape (n, 15)
        Indices and distances.
    """
    offsets = np.array([(0, 0), (0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1), (0, 2), (2, 0)])
    offsets = np.concatenate([offsets, [(0, -2), (-2, 0), (1, 2), (2, 1)]])
    x, y = np.divmod(np.arange(SIDE**2), SIDE)
    rng = np.random.default_rng(0)
    name = rng.permutation(SIDE**2).astype(np.int32)
    near = (x[:, None] + offsets[:, 0]) % SIDE * SIDE + (y[:, None] + offsets[:, 1]) % SIDE
    dists = np.sqrt((offsets**2).sum(1)) * (1 + 0.1 * rng.random(near.shape))
    indices = np.empty_like(near, dtype=np.int32)
    indices[name] = name[near]
    return indices, dists.astype(np.float32)


def _seconds(work: Callable[[], object], calls: int = 1) -> float:
    """Least seconds of some calls after a first one, which loads machine code."""
    work()
    seconds = []
    for _ in range(calls):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def _read(indices: np.ndarray, dists: np.ndarray) -> Neighbors:
    return read_neighbors(knn_indices=indices, knn_dists=dists, n_neighbors=indices.shape[1])[0]


def _graph(indices: np.ndarray, dists: np.ndarray) -> FuzzyGraph:
    return fuzzy_graph(_read(indices, dists), indices.shape[1])


def _settings(rows: int = 0) -> np.ndarray:
    forces = optimizer.Forces(fit_curve(), attraction=1, negative_rate=1)
    ones = dict.fromkeys(("step", "correction1", "correction2"), 1)
    return optimizer.as_record(forces, **ones, negatives=NEGATIVES, n_rows=rows)


def _steps(rows: int, n_components: int) -> tuple[float, float]:
    """Seconds of an edge, and of a sampled vertex, in a step of a few blocks among so many rows."""
    rng = np.random.default_rng(0)
    own = BLOCKS * kernels.BLOCK
    positions = rng.random((rows, n_components), np.float32)
    indices = rng.integers(0, rows, own * DEGREE, np.uint32)
    indices[np.arange(len(indices)) % FAR > 0] %= own
    graph = readonly(indices), readonly(np.ones(own * DEGREE, np.float32)), np.ones(own, np.float32)
    starts = readonly(np.arange(own // kernels.STRIP + 1, dtype=np.int64) * DEGREE * kernels.STRIP)
    moments, out = np.zeros((2, own, n_components), np.float32), positions[:own].copy()
    no_edges = readonly(np.zeros_like(starts))
    before = readonly(positions), optimizer.places_of(positions), readonly(moments)
    ends = (_settings(rows), 0, BLOCKS, out, np.empty_like(moments))
    pull = _seconds(lambda: kernels.field_step(*before, starts, *graph, *ends), 3)
    push = _seconds(lambda: kernels.sampled_step(*before, no_edges, *graph, np.empty(0, np.int32), *ends), 3)
    return pull / (own * DEGREE), push / (own * NEGATIVES)


def _fields(rows: int) -> tuple[float, float, float]:
    """Seconds of a cell in an epoch's grid, of a row in its field, and of a row in its short range."""
    positions = (np.random.default_rng(0).random((rows, 2), np.float32) * WIDTH).astype(np.float32)
    curve, out, settings = fit_curve(), np.zeros((rows, 2), np.float32), _settings()
    shape = (spacing_for(*curve), Kernel(*curve))
    frame = grid_field(positions, *shape).frame
    few = np.concatenate([positions.min(0, keepdims=True), positions.max(0, keepdims=True), positions[: FEW - 2]])

    def far(places: np.ndarray) -> None:
        read_field(grid_field(places, *shape), places, 1.0, out, (0, len(places)))

    near = _seconds(lambda: add_near_field(positions, frame, 1.0, settings, out, (0, rows)), 3)
    grid, whole = _seconds(lambda: far(few), 3), _seconds(lambda: far(positions), 3)
    return grid / (frame.shape[0] * frame.shape[1]), max(0.0, whole - grid) / rows, near / rows
