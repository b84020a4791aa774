"""The first half of a fit on a cluster, which learns the graph and summarizes it in this process."""

import hashlib
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from dask.array import Array

from umap_sk.dask.cluster import Cluster, gather
from umap_sk.dask.graph import (
    GraphInPieces,
    check_not_transposed,
    choose_bounds,
    count_neighbors,
    load_pieces,
    read_pieces,
    select_connected,
    unite,
)
from umap_sk.dask.inputs import check_directory
from umap_sk.graph.fuzzy_union import raise_no_edge
from umap_sk.graph.manifold import check_agreement
from umap_sk.monitor.report import Report
from umap_sk.neighbors.read import check_any_neighbor, warn_about
from umap_sk.pipeline.learn import warn_disconnected
from umap_sk.pipeline.settings import GraphSettings


class LearnedGraph(NamedTuple):
    """A graph in pieces, and its summary in this process."""

    graph: GraphInPieces  # of the rows that have edges
    n_samples: int  # rows of the data
    disconnected: np.ndarray  # whether each row of the data has no edges of its own, so that its position is NaN
    scale: float  # factor of the weights, which makes the largest one 1
    checksum: str  # of the whole graph; it does not depend on the pieces
    chunks: tuple[int, ...]  # number of rows of the data in each piece


def learn_graph(
    cluster: Cluster, settings: GraphSettings, neighbors: tuple[Array, Array] | None, manifold: object, report: Report
) -> LearnedGraph:
    """Learn the graph from neighbors, or load that of a manifold in a directory."""
    parameters = settings.get_identity()
    if neighbors is None:
        directory, known, n_rows, has_lengths = check_directory(cluster, manifold)
        check_agreement(known, parameters)
        graph = load_pieces(cluster, directory, choose_bounds(cluster, n_rows), has_lengths)
        symmetric = known.get("symmetrize") is True
    else:
        with report.phase("neighbors") as entry:
            check_not_transposed(cluster, neighbors[0])
            neighbor_pieces, bounds = read_pieces(cluster, *neighbors, settings)
            counts, shortest, mean = count_neighbors(cluster, neighbor_pieces, bounds[-1])
            entry.update(counts._asdict())
        warn_about(counts, np.array([0, shortest]), settings.n_others)
        check_any_neighbor(counts)
        graph = unite(cluster, neighbor_pieces, bounds, mean, settings)
        symmetric = settings.symmetrize
        del neighbor_pieces
    learned = summarize_graph(cluster, graph, symmetric, settings.set_op_mix_ratio, report)
    if neighbors is not None:
        warn_disconnected(learned.disconnected, "rows have no neighbor", settings.disconnection_distance)
    return learned


def summarize_graph(
    cluster: Cluster, graph: GraphInPieces, symmetric: bool, set_op_mix_ratio: float, report: Report
) -> LearnedGraph:
    """Summarize a graph, and remove the rows that have no edges."""
    with report.phase("graph") as entry:
        known = gather(cluster, graph.summaries)
        disconnected = np.concatenate([piece.lengths for piece in known]) == 0
        entry.update(edges=int(sum(piece.lengths.sum() for piece in known)), disconnected_rows=int(disconnected.sum()))
        if disconnected.all():
            raise_no_edge(set_op_mix_ratio)
        sums = np.array([checksum for piece in known for checksum in piece.checksums], np.uint64)
        connected = select_connected(cluster, graph, disconnected, symmetric)
    chunks = tuple(last - first for first, last in pairwise(graph.bounds))
    scale = 1.0 / max(piece.largest for piece in known)
    return LearnedGraph(
        connected, graph.n_rows, disconnected, scale, hashlib.sha256(sums.tobytes()).hexdigest(), chunks
    )
