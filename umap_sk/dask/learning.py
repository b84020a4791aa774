"""The graph of a fit on a cluster: read, united, and what is known of it in this process."""

import hashlib
from typing import Any, NamedTuple

import numpy as np

from umap_sk.dask.cluster import Cluster, outcome
from umap_sk.dask.graph import GraphInPieces, bounds_of, connected_part, count, mapped, read_pieces, spans, unite
from umap_sk.dask.inputs import check_directory
from umap_sk.graph.fuzzy_union import raise_no_edge
from umap_sk.graph.manifold import check_agreement
from umap_sk.monitor.report import Report
from umap_sk.neighbors.read import check_any_neighbor, warn_about
from umap_sk.pipeline.learn import warn_disconnected
from umap_sk.pipeline.settings import GraphSettings


class Learned(NamedTuple):
    """A graph in pieces, and what is known of it here.

    Attributes
    ----------
    graph : GraphInPieces
        Of the rows that take part.
    n_samples : int
        Rows of the data.
    lost : ndarray of shape (n_samples,), bool
        Rows without edges of their own, which have no place.
    scale : float
        What weights are multiplied by, so that the largest is 1.
    checksum : str
        Of the whole graph, however it is cut.
    chunks : tuple of int
        Rows of the data in every piece.
    """

    graph: GraphInPieces
    n_samples: int
    lost: np.ndarray
    scale: float
    checksum: str
    chunks: tuple[int, ...]


def learned(
    cluster: Cluster, settings: GraphSettings, neighbors: tuple[Any, Any] | None, manifold: Any, report: Report
) -> Learned:
    """The graph of neighbors, or of a manifold in a directory."""
    wanted = settings.identity()
    if neighbors is None:
        directory, known, n_rows, has_lengths = check_directory(cluster, manifold)
        check_agreement(known, wanted)
        graph = mapped(cluster, directory, bounds_of(cluster, n_rows), has_lengths)
        symmetric = known.get("symmetrize") is True
    else:
        with report.phase("neighbors") as entry:
            read, bounds = read_pieces(cluster, *neighbors, wanted)
            counts, shortest, mean = count(cluster, read)
            entry.update(counts._asdict())
        warn_about(counts, np.array([0, shortest]), settings.n_others)
        check_any_neighbor(counts)
        graph = unite(cluster, read, bounds, mean, wanted)
        symmetric = wanted["symmetrize"]
        del read
    found = described(cluster, graph, symmetric, wanted["set_op_mix_ratio"], report)
    if neighbors is not None:
        warn_disconnected(found.lost, "rows have no neighbor", wanted["disconnection_distance"])
    return found


def described(
    cluster: Cluster, graph: GraphInPieces, symmetric: bool, set_op_mix_ratio: float, report: Report
) -> Learned:
    """A graph with what is known of it, without rows that have no part in it."""
    with report.phase("graph") as entry:
        known = outcome(cluster, graph.known)
        lost = np.concatenate([piece.lengths for piece in known]) == 0
        entry.update(edges=int(sum(piece.lengths.sum() for piece in known)), disconnected_rows=int(lost.sum()))
        if lost.all():
            raise_no_edge(set_op_mix_ratio)
        sums = np.array([checksum for piece in known for checksum in piece.checksums], np.uint64)
        part = connected_part(cluster, graph, lost, symmetric)
    chunks = tuple(last - first for first, last in spans(graph.bounds))
    scale = 1.0 / max(piece.largest for piece in known)
    return Learned(part, graph.n_rows, lost, scale, hashlib.sha256(sums.tobytes()).hexdigest(), chunks)
