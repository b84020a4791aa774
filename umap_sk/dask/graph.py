"""The fuzzy graph in pieces on several workers."""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import dask
import dask.array
import numpy as np
from dask.array import Array
from distributed import Future

from umap_sk import kernels
from umap_sk.dask import rows
from umap_sk.dask.cluster import Cluster, choose_worker, gather, submit, submit_in_rounds
from umap_sk.graph.scales import compute_mean
from umap_sk.neighbors.read import INT32_LIMIT
from umap_sk.neighbors.rows import DROP_SELF, NeighborCounts, SelectionRules, check_not_similarities, make_counts
from umap_sk.neighbors.validate import refuse_transposed
from umap_sk.pipeline.settings import GraphSettings
from umap_sk.runtime.side_by_side import compute_prefix_sums

MAX_PIECES = 64  # unless there are more workers; each piece sends edges to each other piece


class GraphInPieces(NamedTuple):
    """A fuzzy graph in pieces of rows on several workers."""

    pieces: list[Future]  # in the order of their rows
    bounds: list[int]  # first row of each piece, and the number of rows
    summaries: list[Future]  # a PieceSummary for each piece
    lengths: list[Future] | None  # mean distances from rows to their neighbors, by piece
    mask: Future | None = None  # whether each row of the data is in the graph, or None if all are

    @property
    def n_rows(self) -> int:
        """Number of rows in the graph."""
        return self.bounds[-1]


def choose_bounds(cluster: Cluster, n_rows: int) -> list[int]:
    """Choose the bounds of pieces, of which each worker gets four, so that transfers are small."""
    blocks, count = -(-n_rows // kernels.BLOCK_ROWS), len(cluster.workers)
    parts = min(blocks, max(count, min(4 * count, MAX_PIECES)))
    return [min(n_rows, kernels.BLOCK_ROWS * (blocks * part // parts)) for part in range(parts + 1)]


def check_not_transposed(cluster: Cluster, knn_indices: Array) -> None:
    """Refuse transposed neighbors as in one process. Only arrays with more columns than rows are looked at."""
    if knn_indices.shape[1] > knn_indices.shape[0]:
        valid = dask.array.where(knn_indices < np.iinfo(knn_indices.dtype).max, knn_indices, 0)
        refuse_transposed(knn_indices.shape, int(gather(cluster, cluster.client.compute(valid.max()))))


def read_pieces(
    cluster: Cluster, knn_indices: Array, knn_dists: Array, settings: GraphSettings
) -> tuple[list[Future], list[int]]:
    """Read the neighbors of each piece from two dask arrays in chunks of rows."""
    n_rows = knn_indices.shape[0]
    index_dtype = np.int32 if n_rows <= INT32_LIMIT else np.uint32
    max_neighbors = min(settings.n_others, n_rows + 1)
    cut = float(settings.disconnection_distance)
    rules = SelectionRules(n_rows, max_neighbors, DROP_SELF, cut, index_dtype, np.float32)
    bounds = choose_bounds(cluster, n_rows)
    chunks = {0: tuple(last - first for first, last in pairwise(bounds)), 1: -1}
    arrays = (array.rechunk(chunks).to_delayed().ravel() for array in (knn_indices, knn_dists))
    parts = len(bounds) - 1
    futures = []
    for part, (indices, dists) in enumerate(zip(*arrays, strict=True)):
        task = dask.delayed(rows.read_neighbors, pure=False)(
            indices, dists, rules._replace(first_row=bounds[part]), dask_key_name=f"umap_read-{cluster.run}-{part}"
        )
        placement = {"workers": [choose_worker(cluster, part, parts)], "allow_other_workers": True}
        futures.append(cluster.client.compute(task, optimize_graph=True, **placement))
    return futures, bounds


def count_neighbors(cluster: Cluster, neighbors: list[Future], n_rows: int) -> tuple[NeighborCounts, int, float]:
    """Count the neighbors of all pieces, and return counts, the length of the shortest row, and the mean distance."""
    results = gather(cluster, map_pieces(cluster, "count", rows.get_counts, neighbors))
    sums, shortest, tallies = zip(*results, strict=True)
    tally = np.sum(tallies, axis=0)
    check_not_similarities(True, tally)
    counts = make_counts(n_rows, tally)
    return counts, min(shortest), compute_mean(np.concatenate(sums), counts.edges + n_rows)


def map_pieces(
    cluster: Cluster, phase: str, function: Callable[..., object], pieces: list[Future], *given: object
) -> list[Future]:
    """Submit a function for each piece, on the worker of the piece."""
    parts = len(pieces)
    return [
        submit(cluster, phase, function, piece, *given, worker=choose_worker(cluster, part, parts))
        for part, piece in enumerate(pieces)
    ]


def send_pieces(
    cluster: Cluster, function: Callable[..., object], pieces: list[Future], *given: object
) -> list[Future]:
    """Submit a function for all pieces of each worker. The value of each future lists the results of these pieces."""
    by_worker: dict[str, list[Future]] = {}
    for part, piece in enumerate(pieces):
        by_worker.setdefault(choose_worker(cluster, part, len(pieces)), []).append(piece)
    return [
        submit(cluster, "send", _list_results, function, of_worker, *given, worker=worker)
        for worker, of_worker in by_worker.items()
    ]


def _list_results(function: Callable[..., object], pieces: list[rows.Piece], *given: object) -> list[object]:
    return [function(piece, *given) for piece in pieces]


def unite(
    cluster: Cluster, neighbors: list[Future], bounds: list[int], mean: float, settings: GraphSettings
) -> GraphInPieces:
    """Compute the graph in pieces from neighbors in pieces."""
    lengths = map_pieces(cluster, "lengths", rows.compute_lengths, neighbors)
    arguments = mean, settings.n_neighbors, settings.local_connectivity
    directed = map_pieces(cluster, "strengths", rows.compute_strengths, neighbors, *arguments)
    if not settings.symmetrize:
        pieces = map_pieces(cluster, "strengths", rows.drop_zero_edges, directed)
        return summarize_pieces(cluster, pieces, bounds, lengths)

    def submit_part(part: int, worker: str) -> Future:
        received = send_pieces(cluster, rows.transpose_edges, directed, *bounds[part : part + 2])
        arguments = directed[part], received, settings.set_op_mix_ratio
        return submit(cluster, "unite", rows.unite_rows, *arguments, worker=worker)

    return summarize_pieces(cluster, submit_in_rounds(cluster, len(neighbors), submit_part), bounds, lengths)


def load_pieces(cluster: Cluster, directory: str, bounds: list[int], with_lengths: bool) -> GraphInPieces:
    """Load the graph of a manifold from a directory to which all workers have access."""
    parts, pieces, lengths = len(bounds) - 1, [], []
    for part, (first, last) in enumerate(pairwise(bounds)):
        worker = choose_worker(cluster, part, parts)
        pieces.append(submit(cluster, "map", rows.load_piece, directory, first, last, worker=worker))
        if with_lengths:
            lengths.append(submit(cluster, "map", rows.load_lengths, directory, first, last, worker=worker))
    return summarize_pieces(cluster, pieces, bounds, lengths or None)


def summarize_pieces(
    cluster: Cluster, pieces: list[Future], bounds: list[int], lengths: list[Future] | None
) -> GraphInPieces:
    """Compute the summaries of pieces, and return the graph."""
    return GraphInPieces(pieces, bounds, map_pieces(cluster, "describe", rows.summarize, pieces), lengths)


def select_connected(
    cluster: Cluster, graph: GraphInPieces, disconnected: np.ndarray, symmetric: bool
) -> GraphInPieces:
    """Return the graph of all rows with edges. Those in `disconnected` may still be targets of edges."""
    if not disconnected.any():
        return graph
    marked = [] if symmetric else map_pieces(cluster, "connect", rows.mark_targets, graph.pieces, graph.n_rows)
    mask = submit(cluster, "connect", _find_mask, disconnected, marked)
    counts = compute_prefix_sums(gather(cluster, mask))
    bounds = [int(counts[bound]) for bound in graph.bounds]
    if bounds[-1] == graph.n_rows:
        return graph
    pieces = map_pieces(cluster, "connect", rows.renumber, graph.pieces, mask)
    parts = list(pairwise(graph.bounds))
    lengths = graph.lengths and [
        submit(cluster, "connect", _select_rows, values, mask, *span)
        for values, span in zip(graph.lengths, parts, strict=True)
    ]
    return summarize_pieces(cluster, pieces, bounds, lengths)._replace(mask=mask)


def _find_mask(disconnected: np.ndarray, marked: list[np.ndarray]) -> np.ndarray:
    return np.logical_or.reduce([~disconnected, *marked])


def _select_rows(values: np.ndarray, mask: np.ndarray, first: int, last: int) -> np.ndarray:
    return values[mask[first:last]]
