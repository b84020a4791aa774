"""The first half of a fit: neighbors are read or searched, and the graph is learned from them."""

from typing import NamedTuple

import numpy as np
from numba import get_num_threads
from numpy.typing import ArrayLike

from umap_sk._typing import Features, Parameters
from umap_sk.checkpoint.identity import compute_fingerprints
from umap_sk.exceptions import DisconnectedWarning, warn
from umap_sk.graph.fuzzy_union import FuzzyGraph
from umap_sk.graph.manifold import Manifold
from umap_sk.graph.radii import compute_data_radii, sort_distances_by_index
from umap_sk.graph.scales import mean_distances
from umap_sk.graph.shared import WHOLE
from umap_sk.monitor.report import Report
from umap_sk.neighbors.beside_features import check_against_features
from umap_sk.neighbors.choice import choose_searcher, is_named
from umap_sk.neighbors.read import (
    Neighbors,
    pack_found_neighbors,
    read_neighbors,
    warn_about,
    warn_about_equal_distances,
)
from umap_sk.neighbors.reciprocity import check_own_entries, check_reciprocity
from umap_sk.neighbors.row_search import RowSearch
from umap_sk.neighbors.rows import NeighborCounts
from umap_sk.neighbors.search import SklearnSearch
from umap_sk.neighbors.searchers import Search, prepare_search, search_training
from umap_sk.neighbors.similarities import check_neighbor_values
from umap_sk.neighbors.square import check_not_distances, check_square
from umap_sk.neighbors.training_rows import select_kept_features
from umap_sk.pipeline.inputs import Columns, Inputs, check_radii, check_self_column, count_rows
from umap_sk.pipeline.settings import GraphSettings, Settings, draw_seed
from umap_sk.pipeline.targets import Targets, build_graph, check_manifold_targets, read_targets
from umap_sk.runtime.allocation import Allocate, allocate_in_memory
from umap_sk.runtime.threads import limit_threads_by_rows

LARGE_SHARE = 0.1  # share of disconnected rows above which umap-learn's warning begins differently


class LearnedGraph(NamedTuple):
    """The result of the first half of a fit."""

    manifold: Manifold
    search: Search | None  # for new rows, None if X has no features
    features: Features | None  # after validation, for a start by principal components
    kept_features: Features | None  # for the inverse transform, if the search does not contain them
    X_is_graph: bool  # whether X contained distances instead of features
    columns: Columns
    seed: int | None  # of the run, if it has been drawn already
    report: Report


def learn(
    settings: Settings,
    inputs: Inputs,
    *,
    seed: int | None = None,
    report: Report | None = None,
    stored_graph: tuple[FuzzyGraph, dict[str, np.ndarray]] | None = None,
) -> LearnedGraph:
    """Learn the graph of the given rows, unless a manifold or the graph of the run on disk is given.

    `stored_graph` is that graph with its row arrays. If a search needs a seed, it is drawn from the random state by
    default. The phases are added to `report`.
    """
    report = Report(threads=get_num_threads()) if report is None else report
    search = None
    if inputs.arguments.manifold is not None:
        manifold = read_manifold(settings, inputs)
        cut = settings.graph.disconnection_distance
        warn_disconnected(manifold.disconnected(), "rows of the manifold have no edge", cut)
    elif stored_graph is not None:
        manifold = Manifold(stored_graph[0], identify_graph(settings, inputs.arguments.y), own=WHOLE, **stored_graph[1])
    else:
        manifold, search = learn_graph(settings, inputs, report, seed)
    if search is None and inputs.X is not None and not settings.takes_distances:
        by_seed = settings.search._replace(seed=seed)
        search = prepare_search(inputs.X, by_seed, settings.graph.n_neighbors, given=inputs.neighbors_given)
    check_radii(settings.graph.dens_lambda, manifold._shared.radii is not None)
    kept_features = select_kept_features(inputs.arguments.X, inputs.features, search)
    columns = inputs.columns or Columns(manifold.n_samples)
    return LearnedGraph(manifold, search, inputs.features, kept_features, inputs.is_graph, columns, seed, report)


def identify_graph(settings: Settings, y: ArrayLike | None) -> dict[str, object]:
    """Return what a manifold stores about its origin: the parameters of the graph and of targets, and a hash of y."""
    known = settings.graph.get_identity()
    if settings.targets is None:
        return known
    hashes = {} if y is None else {"hash": compute_fingerprints(y=y)["y"]}
    return known | {"targets": settings.targets.get_identity() | hashes}


def get_targets(identity: Parameters) -> Parameters | None:
    """Return the part of a graph's identity that describes the targets, if there is one."""
    targets = identity.get("targets")
    return targets if isinstance(targets, dict) else None


def read_manifold(settings: Settings, inputs: Inputs) -> Manifold:
    """Check that the given manifold suits the settings and X, and return it."""
    manifold = check_manifold(settings, inputs.arguments.manifold, inputs.arguments.y)
    if inputs.X is not None and inputs.X.shape[0] != manifold.n_samples:
        raise ValueError(
            f"X has {inputs.X.shape[0]} rows, but the manifold has {manifold.n_samples}. Give the rows that it "
            "was learned from, or leave X out. Cross-validation cuts X and passes a manifold on whole: to try "
            "parameters on one graph, use cv=[(rows, rows)] with rows = np.arange(n)."
        )
    return manifold


def check_manifold(settings: Settings, manifold: object, y: ArrayLike | None) -> Manifold:
    """Check that a manifold was learned with these settings and targets, and return it."""
    if not isinstance(manifold, Manifold):
        raise TypeError(
            f"manifold must be a Manifold, but is {type(manifold).__name__}. Use Manifold.from_graph, or Manifold.load "
            "for a directory."
        )
    identity = identify_graph(settings, y)
    manifold.check_agrees(identity)
    check_manifold_targets(get_targets(identity), get_targets(manifold.parameters))
    return manifold


def learn_graph(
    settings: Settings,
    inputs: Inputs,
    report: Report,
    seed: int | None = None,
    allocate: Allocate = allocate_in_memory,
) -> tuple[Manifold, Search | None]:
    """Learn the manifold from given or searched neighbors, and return it with the search."""
    X, (_, indices, dists, *_) = inputs.X, inputs.arguments
    search: Search | None = None
    targets = read_targets(inputs.arguments.y, settings.targets, count_rows(X, indices))
    n_others = settings.graph.n_others
    if X is not None and inputs.is_searched:
        check_not_distances(X, settings.search.metric)
        with report.phase("search") as entry:
            if seed is None and not is_named(choose_searcher(settings.search, X), "exact", "inverted_file"):
                seed = draw_seed(settings)
            by_seed = settings.search._replace(seed=seed)
            search, indices, dists, report["search"] = search_training(X, by_seed, n_others)
            entry.update(rows=len(indices), **report["search"])
    identity = identify_graph(settings, inputs.arguments.y)
    with limit_threads_by_rows(count_rows(X, indices)):
        with report.phase("neighbors") as entry:
            neighbors, counts = prepare_neighbors(settings.graph, X, (indices, dists), search, allocate)
            if inputs.neighbors_given and indices is not None and dists is not None:
                if counts.self_entries < counts.rows:
                    check_self_column(indices, dists)
                check_neighbor_values(indices, dists)
                check_own_entries(indices, dists)
                if X is None:
                    check_reciprocity(indices, dists)
                else:
                    check_against_features(X, indices, dists, settings.search.metric)
            elif X is not None and inputs.is_graph:
                check_square(X)
            entry.update(counts._asdict())
        warn_about(counts, neighbors.indptr, n_others)
        warn_about_equal_distances(neighbors.distances)
        return build_manifold(neighbors, settings.graph, identity, targets, report, allocate), search


def prepare_neighbors(
    graph: GraphSettings,
    X: Features | None,
    arrays: tuple[ArrayLike | None, ArrayLike | None],
    search: Search | None,
    allocate: Allocate,
) -> tuple[Neighbors, NeighborCounts]:
    """Validate the neighbors of arrays or of a graph. Results of the package's own search need no validation."""
    (indices, dists), cut = arrays, graph.disconnection_distance
    found = isinstance(search, RowSearch | SklearnSearch)
    if found and isinstance(indices, np.ndarray) and isinstance(dists, np.ndarray):
        if indices.size and indices.min() >= 0 and dists.max() < cut:
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


def build_manifold(
    neighbors: Neighbors,
    settings: GraphSettings,
    identity: dict[str, object],
    targets: Targets | None,
    report: Report,
    allocate: Allocate,
) -> Manifold:
    """Build the manifold from neighbors, with the graph's settings and identity, and with targets if there are any."""
    with report.phase("graph") as entry:
        lengths = mean_distances(neighbors)
        distances = sort_distances_by_index(neighbors, allocate) if settings.dens_lambda > 0 else None
        graph = build_graph(neighbors, settings.edge_parameters, targets, allocate)
        data_radii = None if distances is None else compute_data_radii(graph, neighbors, distances)
        entry.update(edges=len(graph.indices), bytes=sum(array.nbytes for array in graph))
    manifold = Manifold(graph, identity, own=WHOLE, lengths=lengths, radii=data_radii)
    disconnected = manifold.disconnected()
    report.phase_note("graph", disconnected_rows=int(disconnected.sum()))
    hint = "" if targets is None else ", or lower target_weight"
    mutual_only, cut = settings.symmetrize and not settings.set_op_mix_ratio, settings.disconnection_distance
    warn_disconnected(disconnected, "rows have no neighbor", cut, hint=hint, mutual_only=mutual_only)
    return manifold


def warn_disconnected(
    disconnected: np.ndarray, what: str, cut: float, *, hint: str = "", mutual_only: bool = False
) -> None:
    """Warn if any rows are disconnected. Neighbors were dropped at distance `cut` or farther."""
    if disconnected.any():
        advice = "Search for more neighbors, or raise disconnection_distance"
        if cut == np.inf:
            advice = "They list no usable neighbor at any distance: have the search find some"
        if mutual_only:
            advice = "set_op_mix_ratio=0 only keeps edges of rows that list each other: raise it"
        many = "A few" if disconnected.mean() <= LARGE_SHARE else "A large number"
        warn(
            f"{int(disconnected.sum())} of {len(disconnected)} {what}, the first is row {int(np.argmax(disconnected))}"
            f"; they are NaN in the embedding. {advice}{hint}. (umap-learn says: {many} of your vertices were "
            "disconnected from the manifold.)",
            DisconnectedWarning,
        )
