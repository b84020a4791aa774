"""The first half of a fit: what was given, validated; neighbors read or searched; the manifold learned of them."""

from typing import Any, NamedTuple

import numpy as np

from umap_sk import inputs, parameters
from umap_sk.checkpoint.session import Session
from umap_sk.exceptions import DisconnectedWarning, warn
from umap_sk.graph.manifold import Manifold
from umap_sk.graph.radii import compute_data_radii, sort_distances_by_index
from umap_sk.graph.scales import mean_distances
from umap_sk.graph.shared import WHOLE
from umap_sk.monitor.report import Report
from umap_sk.neighbors.beside_features import check_against_features
from umap_sk.neighbors.choice import check_searcher_used, choose_searcher
from umap_sk.neighbors.distances import check_metric
from umap_sk.neighbors.read import (
    Neighbors,
    pack_found_neighbors,
    read_neighbors,
    warn_about,
    warn_about_equal_distances,
)
from umap_sk.neighbors.row_search import RowSearch
from umap_sk.neighbors.rows import NeighborCounts
from umap_sk.neighbors.search import Search
from umap_sk.neighbors.searchers import search_training
from umap_sk.neighbors.sparse_structure import check_structure
from umap_sk.neighbors.square import check_square
from umap_sk.neighbors.validate import check_no_positions
from umap_sk.runtime.allocation import Allocate, in_memory
from umap_sk.runtime.threads import spare_threads
from umap_sk.targets import Targets, check_manifold, graph_of, read_targets, used

MANY = 0.1  # share of rows without a neighbor beyond which umap-learn's warning has another beginning


class Given(NamedTuple):
    """What a call was given, as in :meth:`umap_sk.PrecomputedUMAP.fit`."""

    X: Any = None
    knn_indices: Any = None
    knn_dists: Any = None
    init: Any = None
    manifold: Any = None
    anchors: Any = None
    y: Any = None  # None where it is not used


def given_to(
    umap: Any,
    X: Any,
    y: Any,
    knn_indices: Any,
    knn_dists: Any,
    init: Any = None,
    manifold: Any = None,
    anchors: Any = None,
) -> Given:
    """What a call was given, y only where it is used; ValueError if X is broken, or X and y are neighbors."""
    check_structure(X, "X")
    if umap.metric == "precomputed" and knn_indices is None and manifold is None:
        check_no_positions(X, y)
    return Given(X, knn_indices, knn_dists, init, manifold, anchors, used(y, umap.target_metric))


def validated(umap: Any, given: Given) -> tuple[Any, Any, bool]:
    """An estimator that has read X and nothing else, X validated, and whether other neighbors take precedence."""
    check_metric(umap.metric)
    check_searcher_used(umap.metric, umap.searcher)
    precedence = inputs.check_combination(given.X, given.knn_indices, given.knn_dists, given.manifold)
    reader = type(umap)(**umap.get_params(deep=False))
    values = None if given.X is None else inputs.validated(reader, given.X, neighbors_given=precedence, reset=True)
    return reader, values, precedence


def searches(umap: Any, given: Given) -> bool:
    """Whether neighbors are searched among features."""
    return umap.metric != "precomputed" and given.knn_indices is None and given.manifold is None


def manifold_of(
    umap: Any, given: Given, values: Any, precedence: bool, stored: Session | None, report: Report, seed: int
) -> tuple[Manifold, Any]:
    """The manifold that was given, is on the disk, or is learned now, and the search that found its neighbors."""
    manifold, wanted = given.manifold, parameters.known_of(umap, given.y)
    if manifold is None:
        kept = stored.graph() if stored else None
        if kept:
            return Manifold(kept[0], wanted, own=WHOLE, **kept[1]), None
        return learned(umap, given, values, precedence, report, seed)
    if not isinstance(manifold, Manifold):
        raise TypeError(f"manifold must be a Manifold, but is {type(manifold).__name__}. Use Manifold.from_graph.")
    manifold.check_agrees(wanted)
    check_manifold(wanted.get("targets"), manifold.parameters.get("targets"))
    if values is not None and values.shape[0] != manifold.n_samples:
        raise ValueError(
            f"X has {values.shape[0]} rows, but the manifold has {manifold.n_samples}. Give the rows that it "
            "was learned from, or leave X out. Cross-validation cuts X and passes a manifold on whole: to try "
            "parameters on one graph, use cv=[(rows, rows)] with rows = np.arange(n)."
        )
    return manifold, None


def learned(
    umap: Any,
    given: Given,
    values: Any,
    precedence: bool,
    report: Report,
    seed: int | None = None,
    allocate: Allocate = in_memory,
) -> tuple[Manifold, Any]:
    """Manifold of the neighbors that were given or are found, and the search that found them."""
    indices, dists, search = given.knn_indices, given.knn_dists, None
    shaping = read_targets(given.y, umap, inputs.n_rows(values, indices))
    if searches(umap, given):
        with report.phase("search") as entry:
            asked = parameters.asked_of(umap, seed)
            if seed is None and choose_searcher(asked, values) not in ("exact", "inverted_file"):
                asked = asked._replace(seed=parameters.draw_seed(umap.random_state))
            search, indices, dists, report["search"] = search_training(values, asked, umap.n_neighbors - 1)
            entry.update(rows=len(indices), **report["search"])
    wanted = parameters.known_of(umap, given.y)
    with spare_threads(inputs.n_rows(values, indices)):
        with report.phase("neighbors") as entry:
            neighbors, counts = neighbors_of(umap, values, (indices, dists), search, wanted, allocate)
            if precedence:
                inputs.check_self_column(indices, dists)
                if values is not None:
                    check_against_features(values, indices, dists, umap.metric)
            elif umap.metric == "precomputed":
                check_square(values)
            entry.update(counts._asdict())
        warn_about(counts, neighbors.indptr, umap.n_neighbors - 1)
        warn_about_equal_distances(neighbors.distances)
        return united(neighbors, wanted, shaping, report, allocate, radii=umap.dens_lambda > 0), search


def neighbors_of(
    umap: Any, values: Any, arrays: tuple[Any, Any], search: Any, wanted: dict[str, Any], allocate: Allocate
) -> tuple[Neighbors, NeighborCounts]:
    """Neighbors of arrays or a graph, validated; what the package itself has just found is in order as it is."""
    (indices, dists), cut = arrays, wanted["disconnection_distance"]
    own = isinstance(search, RowSearch | Search) and indices.size
    if own and indices.min() >= 0 and dists.max() < cut:
        return pack_found_neighbors(indices, dists, umap.n_neighbors - 1, allocate)
    return read_neighbors(
        values if indices is None else None,
        knn_indices=indices,
        knn_dists=dists,
        n_neighbors=umap.n_neighbors,
        n_rows=None if values is None else values.shape[0],
        disconnection_distance=cut,
        allocate=allocate,
    )


def united(
    neighbors: Neighbors,
    wanted: dict[str, Any],
    shaping: Targets | None,
    report: Report,
    allocate: Allocate,
    *,
    radii: bool,
) -> Manifold:
    """Manifold of rows of neighbors, by the graph's parameters and the targets that shape it, with radii if asked."""
    with report.phase("graph") as entry:
        lengths = mean_distances(neighbors)
        used = {name: value for name, value in wanted.items() if name not in ("disconnection_distance", "targets")}
        distances = sort_distances_by_index(neighbors, allocate) if radii else None
        graph = graph_of(neighbors, used, shaping, allocate)
        found = None if distances is None else compute_data_radii(graph, neighbors, distances)
        entry.update(edges=len(graph.indices), bytes=sum(array.nbytes for array in graph))
    manifold = Manifold(graph, wanted, own=WHOLE, lengths=lengths, radii=found)
    lost = manifold.disconnected()
    report.phase_note("graph", disconnected_rows=int(lost.sum()))
    also = "" if shaping is None else ", or lower target_weight"
    warn_of_lost(lost, "rows have no neighbor", wanted["disconnection_distance"], also=also)
    return manifold


def warn_of_lost(lost: np.ndarray, what: str, cut: float, *, also: str = "") -> None:
    """Warn of rows that have no place, for a reason; `cut` is the distance from which on neighbors are dropped."""
    if lost.any():
        cure = "Search for more neighbors, or raise disconnection_distance"
        if cut == np.inf:
            cure = "They list no usable neighbor at any distance: have the search find some"
        many = "A few" if lost.mean() <= MANY else "A large number"
        warn(
            f"{int(lost.sum())} of {len(lost)} {what}, the first is row {int(np.argmax(lost))}; they are NaN in the "
            f"embedding. {cure}{also}. (umap-learn says: {many} of your vertices were disconnected from the manifold.)",
            DisconnectedWarning,
        )
