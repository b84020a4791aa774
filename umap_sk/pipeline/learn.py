"""From what was given to the graph: neighbors read or searched, and the manifold learned of them."""

from typing import Any, NamedTuple

import numpy as np
from numba import get_num_threads

from umap_sk.checkpoint.identity import compute_fingerprints
from umap_sk.exceptions import DisconnectedWarning, warn
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.graph.manifold import Manifold
from umap_sk.graph.radii import compute_data_radii, sort_distances_by_index
from umap_sk.graph.scales import mean_distances
from umap_sk.graph.shared import WHOLE
from umap_sk.monitor.report import Report
from umap_sk.neighbors.beside_features import check_against_features
from umap_sk.neighbors.choice import choose_searcher
from umap_sk.neighbors.read import (
    Neighbors,
    pack_found_neighbors,
    read_neighbors,
    warn_about,
    warn_about_equal_distances,
)
from umap_sk.neighbors.row_search import RowSearch
from umap_sk.neighbors.rows import NeighborCounts
from umap_sk.neighbors.search import SklearnSearch
from umap_sk.neighbors.searchers import prepare_search, search_training
from umap_sk.neighbors.square import check_square
from umap_sk.neighbors.training_rows import select_kept_features
from umap_sk.pipeline.given import Columns, Given, check_radii, check_self_column, n_rows
from umap_sk.pipeline.settings import GraphSettings, Settings, draw_seed
from umap_sk.pipeline.targets import Targets, check_manifold, graph_of, read_targets
from umap_sk.runtime.allocation import Allocate, allocate_in_memory
from umap_sk.runtime.threads import limit_threads_by_rows

MANY = 0.1  # share of rows without a neighbor beyond which umap-learn's warning has another beginning


class Learned(NamedTuple):
    """What the first half of a fit has found.

    Attributes
    ----------
    manifold : Manifold
        The graph.
    search : object or None
        What finds the neighbors of new rows; None where X is no features.
    features : ndarray, sparse matrix or None
        The rows' features as numbers, for a start by principal components.
    kept_features : ndarray, sparse matrix or None
        The features that a model keeps for the way back, where its search does not hold them.
    X_is_graph : bool
        Whether X held distances, and not features.
    columns : Columns
        Of X; without X, as many as the graph has rows.
    seed : int or None
        What the random numbers of the run depend on, if it is drawn already.
    report : Report
        Phases with their seconds and counts.
    """

    manifold: Manifold
    search: Any
    features: Any
    kept_features: Any
    X_is_graph: bool
    columns: Columns
    seed: int | None
    report: Report


def learn(
    settings: Settings,
    given: Given,
    *,
    seed: int | None = None,
    report: Report | None = None,
    stored: tuple[FuzzyGraph, dict[str, np.ndarray]] | None = None,
) -> Learned:
    """Learn the graph of the rows that were given, unless it is given as well.

    Parameters
    ----------
    settings : Settings
        The settings.
    given : Given
        The validated arguments; see :func:`umap_sk.pipeline.given.read_given`.
    seed : int, optional
        The seed of the run; drawn from the settings' random state where a search needs one.
    report : Report, optional
        Where phases are written; a new one by default.
    stored : tuple, optional
        The graph of the run and what is known of its rows, read from the disk, so that nothing is learned.

    Returns
    -------
    Learned
        The graph, and what of the arguments later steps need.

    Raises
    ------
    ValueError, TypeError
        If neighbors, targets or the manifold do not fit the settings or each other.
    """
    report = Report(threads=get_num_threads()) if report is None else report
    search = None
    if given.arguments.manifold is not None:
        manifold = given_manifold(settings, given)
    elif stored is not None:
        manifold = Manifold(stored[0], graph_identity(settings, given.arguments.y), own=WHOLE, **stored[1])
    else:
        manifold, search = learn_graph(settings, given, report, seed)
    if search is None and given.X is not None and not settings.takes_distances:
        by_seed = settings.search._replace(seed=seed)
        search = prepare_search(given.X, by_seed, settings.graph.n_neighbors, given=given.neighbors_given)
    check_radii(settings.graph.dens_lambda, manifold._shared.radii is not None)
    kept = select_kept_features(given.arguments.X, given.features, search)
    columns = given.columns or Columns(manifold.n_samples)
    return Learned(manifold, search, given.features, kept, given.is_graph, columns, seed, report)


def graph_identity(settings: Settings, y: Any) -> dict[str, Any]:
    """What a manifold knows of how it was learned: the graph's parameters, and what its targets were, if it has any."""
    known = settings.graph.identity()
    if settings.targets is None:
        return known
    hashed = {} if y is None else {"hash": compute_fingerprints(y=y)["y"]}
    return known | {"targets": settings.targets.identity() | hashed}


def given_manifold(settings: Settings, given: Given) -> Manifold:
    """The manifold that was given, if it is one, was learned by these settings, and has the rows of X."""
    manifold = check_given_manifold(settings, given.arguments.manifold, given.arguments.y)
    if given.X is not None and given.X.shape[0] != manifold.n_samples:
        raise ValueError(
            f"X has {given.X.shape[0]} rows, but the manifold has {manifold.n_samples}. Give the rows that it "
            "was learned from, or leave X out. Cross-validation cuts X and passes a manifold on whole: to try "
            "parameters on one graph, use cv=[(rows, rows)] with rows = np.arange(n)."
        )
    return manifold


def check_given_manifold(settings: Settings, manifold: Any, y: Any) -> Manifold:
    """The manifold, if it is one, and was learned by these settings and targets."""
    if not isinstance(manifold, Manifold):
        raise TypeError(f"manifold must be a Manifold, but is {type(manifold).__name__}. Use Manifold.from_graph.")
    wanted = graph_identity(settings, y)
    manifold.check_agrees(wanted)
    check_manifold(wanted.get("targets"), manifold.parameters.get("targets"))
    return manifold


def learn_graph(
    settings: Settings,
    given: Given,
    report: Report,
    seed: int | None = None,
    allocate: Allocate = allocate_in_memory,
) -> tuple[Manifold, Any]:
    """The manifold of the neighbors that were given or are found, and the search that found them."""
    X, (_, indices, dists, *_), search = given.X, given.arguments, None
    shaping = read_targets(given.arguments.y, settings.targets, n_rows(X, indices))
    n_others = settings.graph.n_others
    if given.is_searched:
        with report.phase("search") as entry:
            if seed is None and choose_searcher(settings.search, X) not in ("exact", "inverted_file"):
                seed = draw_seed(settings)
            by_seed = settings.search._replace(seed=seed)
            search, indices, dists, report["search"] = search_training(X, by_seed, n_others)
            entry.update(rows=len(indices), **report["search"])
    wanted = graph_identity(settings, given.arguments.y)
    with limit_threads_by_rows(n_rows(X, indices)):
        with report.phase("neighbors") as entry:
            neighbors, counts = neighbors_of(settings.graph, X, (indices, dists), search, allocate)
            if given.neighbors_given:
                check_self_column(indices, dists)
                if X is not None:
                    check_against_features(X, indices, dists, settings.search.metric)
            elif given.is_graph:
                check_square(X)
            entry.update(counts._asdict())
        warn_about(counts, neighbors.indptr, n_others)
        warn_about_equal_distances(neighbors.distances)
        return unite(neighbors, wanted, shaping, report, allocate, radii=settings.graph.needs_radii), search


def neighbors_of(
    graph: GraphSettings, X: Any, arrays: tuple[Any, Any], search: Any, allocate: Allocate
) -> tuple[Neighbors, NeighborCounts]:
    """Neighbors of arrays or a graph, validated; what the package itself has just found is in order as it is."""
    (indices, dists), cut = arrays, graph.disconnection_distance
    own = isinstance(search, RowSearch | SklearnSearch) and indices.size
    if own and indices.min() >= 0 and dists.max() < cut:
        return pack_found_neighbors(indices, dists, graph.n_others, allocate)
    return read_neighbors(
        X if indices is None else None,
        knn_indices=indices,
        knn_dists=dists,
        n_neighbors=graph.n_neighbors,
        n_rows=None if X is None else X.shape[0],
        disconnection_distance=cut,
        allocate=allocate,
    )


def unite(
    neighbors: Neighbors,
    wanted: dict[str, Any],
    shaping: Targets | None,
    report: Report,
    allocate: Allocate,
    *,
    radii: bool,
) -> Manifold:
    """The manifold of rows of neighbors, by the graph's parameters and its targets, with radii if asked."""
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
