"""The fuzzy graph in pieces: neighbors read where they lie, edges sent to the piece of their other end."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import dask
import numpy as np
from distributed import Future

from umap_sk import kernels
from umap_sk.dask import rows
from umap_sk.dask.cluster import Cluster, by_rounds, home, outcome, submit
from umap_sk.graph.scales import compute_mean
from umap_sk.neighbors.read import INT32_LIMIT
from umap_sk.neighbors.rows import DROP_SELF, NeighborCounts, SelectionRules, check_not_similarities, make_counts
from umap_sk.runtime.side_by_side import prefix_sums

MOST_PIECES = 64  # beyond as many workers: each sends to each


class GraphInPieces(NamedTuple):
    """A fuzzy graph whose rows lie in pieces on several workers.

    Attributes
    ----------
    pieces : list of Future
        The pieces, in the order of their rows.
    bounds : list of int
        Where each begins, and the number of rows.
    known : list of Future
        What is known of each; see :class:`umap_sk.dask.rows.Known`.
    lengths : list of Future or None
        Mean distances from rows to their neighbors, by piece.
    kept : Future or None
        Whether each row of the data takes part, where not all do.
    """

    pieces: list[Future]
    bounds: list[int]
    known: list[Future]
    lengths: list[Future] | None
    kept: Future | None = None

    @property
    def n_rows(self) -> int:
        """Rows that take part."""
        return self.bounds[-1]


def bounds_of(cluster: Cluster, n_rows: int) -> list[int]:
    """Bounds of pieces, each of whole blocks of rows: four for a worker, so that what is on its way is small."""
    blocks, count = -(-n_rows // kernels.BLOCK_ROWS), len(cluster.workers)
    parts = min(blocks, max(count, min(4 * count, MOST_PIECES)))
    return [min(n_rows, kernels.BLOCK_ROWS * (blocks * part // parts)) for part in range(parts + 1)]


def spans(bounds: list[int]) -> Iterator[tuple[int, int]]:
    """First row of every part, and the first behind it."""
    return zip(bounds, bounds[1:], strict=False)


def read_pieces(
    cluster: Cluster, knn_indices: Any, knn_dists: Any, wanted: dict[str, Any]
) -> tuple[list[Future], list[int]]:
    """Neighbors by piece, of two dask arrays in chunks of rows."""
    n_rows = knn_indices.shape[0]
    index_dtype = np.int32 if n_rows <= INT32_LIMIT else np.uint32
    most = min(wanted["n_neighbors"] - 1, n_rows + 1)
    rules = SelectionRules(n_rows, most, DROP_SELF, float(wanted["disconnection_distance"]), index_dtype, np.float32)
    bounds = bounds_of(cluster, n_rows)
    chunks = {0: tuple(last - first for first, last in spans(bounds)), 1: -1}
    given = (array.rechunk(chunks).to_delayed().ravel() for array in (knn_indices, knn_dists))
    parts = len(bounds) - 1
    futures = []
    for part, (indices, dists) in enumerate(zip(*given, strict=True)):
        task = dask.delayed(rows.read, pure=False)(
            indices, dists, rules._replace(first_row=bounds[part]), dask_key_name=f"umap_read-{cluster.run}-{part}"
        )
        at = {"workers": [home(cluster, part, parts)], "allow_other_workers": True}
        futures.append(cluster.client.compute(task, optimize_graph=True, **at))
    return futures, bounds


def count(cluster: Cluster, read: list[Future]) -> tuple[NeighborCounts, int, float]:
    """What was met in all pieces, the shortest row, and the mean of all distances; a piece's error is raised here."""
    sums, shortest, counted = zip(*outcome(cluster, each(cluster, "count", rows.counted_in, read)), strict=True)
    n_rows, edges, tally, short, empty = (sum(values) for values in zip(*counted, strict=True))
    check_not_similarities(True, tally)
    return (
        make_counts(n_rows, edges, tally, short, empty),
        min(shortest),
        compute_mean(np.concatenate(sums), edges + n_rows),
    )


def each(cluster: Cluster, phase: str, function: Any, pieces: list[Future], *given: Any) -> list[Future]:
    """A function of every piece, where that lies."""
    parts = len(pieces)
    return [
        submit(cluster, phase, function, piece, *given, at=home(cluster, k, parts)) for k, piece in enumerate(pieces)
    ]


def unite(
    cluster: Cluster, read: list[Future], bounds: list[int], mean: float, wanted: dict[str, Any]
) -> GraphInPieces:
    """The graph of neighbors in pieces."""
    lengths = each(cluster, "lengths", rows.lengths_of, read)
    parameters = mean, wanted["n_neighbors"], wanted["local_connectivity"]
    directed = each(cluster, "strengths", rows.directed, read, *parameters)
    if not wanted["symmetrize"]:
        return described(cluster, each(cluster, "strengths", rows.own_edges, directed), bounds, lengths)

    def united(part: int, at: str) -> Future:
        received = each(cluster, "send", rows.sent, directed, *bounds[part : part + 2])
        return submit(cluster, "unite", rows.united, directed[part], received, wanted["set_op_mix_ratio"], at=at)

    return described(cluster, by_rounds(cluster, len(read), united), bounds, lengths)


def mapped(cluster: Cluster, directory: str, bounds: list[int], with_lengths: bool) -> GraphInPieces:
    """The graph of a manifold in a directory that all workers see."""
    parts, pieces, lengths = len(bounds) - 1, [], []
    for part, (first, last) in enumerate(spans(bounds)):
        at = home(cluster, part, parts)
        pieces.append(submit(cluster, "map", rows.of_files, directory, first, last, at=at))
        if with_lengths:
            lengths.append(submit(cluster, "map", rows.lengths_of_files, directory, first, last, at=at))
    return described(cluster, pieces, bounds, lengths or None)


def described(cluster: Cluster, pieces: list[Future], bounds: list[int], lengths: list[Future] | None) -> GraphInPieces:
    """Pieces with what is known of each."""
    return GraphInPieces(pieces, bounds, each(cluster, "describe", rows.known_of, pieces), lengths)


def connected_part(cluster: Cluster, graph: GraphInPieces, lost: np.ndarray, symmetric: bool) -> GraphInPieces:
    """The graph of the rows that have an edge or are at the end of one; `lost` are those without their own."""
    if not lost.any():
        return graph
    reached = [] if symmetric else each(cluster, "connect", rows.targets_of, graph.pieces, graph.n_rows)
    kept = submit(cluster, "connect", _kept, lost, reached)
    counts = prefix_sums(outcome(cluster, kept))
    bounds = [int(counts[bound]) for bound in graph.bounds]
    if bounds[-1] == graph.n_rows:
        return graph
    pieces = each(cluster, "connect", rows.renumbered, graph.pieces, kept)
    parts = list(spans(graph.bounds))
    lengths = graph.lengths and [
        submit(cluster, "connect", _of_kept, values, kept, *span)
        for values, span in zip(graph.lengths, parts, strict=True)
    ]
    return described(cluster, pieces, bounds, lengths)._replace(kept=kept)


def _kept(lost: np.ndarray, reached: list[np.ndarray]) -> np.ndarray:
    return np.logical_or.reduce([~lost, *reached])


def _of_kept(values: np.ndarray, kept: np.ndarray, first: int, last: int) -> np.ndarray:
    return values[kept[first:last]]
