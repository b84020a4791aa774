"""More rows for a map that stands: they join its graph, start among their neighbors, and all rows settle."""

from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse
from numba import get_num_threads
from sklearn.utils.validation import check_array

from umap_sk.graph.fuzzy_union import FuzzyGraph, fuzzy_graph
from umap_sk.graph.manifold import Manifold
from umap_sk.graph.scales import mean_distances
from umap_sk.graph.shared import WHOLE
from umap_sk.layout.anchors import check_anchors
from umap_sk.layout.growth import fill_positions
from umap_sk.layout.problem import Schedule
from umap_sk.layout.run import LayoutRun, advance, begin, compute_embedding, count_edges_by_epoch
from umap_sk.layout.start import make_array_start
from umap_sk.layout.transform import MapCache
from umap_sk.monitor.progress import show_epochs
from umap_sk.monitor.report import Report
from umap_sk.neighbors.read import Neighbors, read_neighbors, warn_about
from umap_sk.neighbors.row_search import RowSearch
from umap_sk.neighbors.search import NoSearch, SklearnSearch, extend_search, find_neighbors, stack_rows
from umap_sk.neighbors.sparse_structure import check_structure
from umap_sk.pipeline.fitted import Fitted
from umap_sk.pipeline.given import FORMATS, OWNER, Arguments, Columns, Given, check_combination, n_rows, read_new_X
from umap_sk.pipeline.learn import check_given_manifold, graph_identity, learn_graph, warn_of_lost
from umap_sk.pipeline.settings import Settings, check_flat, forces_by

ALL_ROWS = "learn a manifold of all rows, the old ones first, and pass it as manifold"


def grow(settings: Settings, fitted: Fitted, arguments: Arguments, epochs: int = 60, *, owner: str = OWNER) -> Fitted:
    """Take new rows into the graph and the map.

    Parameters
    ----------
    settings : Settings
        The settings.
    fitted : Fitted
        The finished map of the old rows, which stays as it is.
    arguments : Arguments
        The new rows, and anchors of all rows, as :meth:`umap_sk.PrecomputedUMAP.update` describes them.
    epochs : int, default=60
        Epochs in which all rows settle.
    owner : str
        Name of the estimator, for messages.

    Returns
    -------
    Fitted
        The map of all rows, the old ones first.

    Raises
    ------
    ValueError, TypeError
        If the map is not finished, its graph was dropped and no manifold is given, or arguments do not fit.
    """
    check_can_grow(settings, fitted, epochs)
    report, n_old = Report(threads=get_num_threads()), len(fitted.embedding)
    given = read_new_rows(settings, fitted, arguments, owner)
    search = fitted.search
    if isinstance(search, SklearnSearch | RowSearch) and given.X is not None:
        search = extend_search(search, given.X)
    manifold = manifold_of_all(settings, fitted, given, search, report)
    n_new = manifold.n_samples - n_old
    if given.X is not None and given.X.shape[0] != n_new:
        raise ValueError(
            f"X has {given.X.shape[0]} rows, but {n_new} come to the {n_old} of the map: give the new ones."
        )
    if search is fitted.search is not None and n_new:
        search = NoSearch("update took in rows that the search does not have.")
    layout = settle(settings, fitted, manifold, arguments.anchors, int(epochs), report)
    done = fitted.epoch + layout.state.epoch
    return fitted._replace(
        embedding=compute_embedding(layout, manifold.disconnected()),
        manifold=manifold,
        epoch=done,
        n_epochs=done,
        report=report,
        columns=columns_of_all(fitted, manifold),
        search=search,
        features=features_of_all(fitted, given) if n_new else fitted.features,
        run=None,
        cache=MapCache(),
    )


def check_can_grow(settings: Settings, fitted: Fitted, epochs: Any) -> None:
    """Raise if this is no finished map that can take more rows."""
    check_flat(settings, "update settles rows")
    if isinstance(epochs, bool) or not isinstance(epochs, Integral) or epochs < 1:
        raise ValueError(f"epochs={epochs!r}, but a whole number of at least 1 is needed.")
    if not fitted.is_finished:
        raise ValueError(
            f"Only {fitted.epoch} of {fitted.n_epochs} epochs have been run. Finish the map with partial_fit first."
        )
    if settings.graph.dens_lambda > 0:
        raise ValueError(
            f"dens_lambda={settings.graph.dens_lambda}, but an update does not keep density. Fit all rows, with the "
            "map as init for the old ones, or call set_params(dens_lambda=0.0) to let the density go."
        )


def read_new_rows(settings: Settings, fitted: Fitted, arguments: Arguments, owner: str) -> Given:
    """The arguments of an update, with X of the new rows validated."""
    X, knn_indices, knn_dists, _, manifold, *_ = arguments
    check_structure(X, "X")
    neighbors_given = check_combination(X, knn_indices, knn_dists, manifold)
    is_graph = X is not None and settings.takes_distances and not neighbors_given
    if X is not None and not (is_graph or neighbors_given) and not isinstance(fitted.search, SklearnSearch | RowSearch):
        why = "was fitted without features, so it cannot" if fitted.search is None else "has no exact search, to"
        raise ValueError(
            f"The estimator {why} search among old and new rows. Pass knn_indices and knn_dists of the new rows, or "
            f"{ALL_ROWS}."
        )
    if is_graph:  # of distances to old and new rows, however many these are
        X = check_array(X, accept_sparse=FORMATS, dtype=[np.float64, np.float32])
    else:
        X = read_new_X(settings, X, fitted.columns, len(fitted.embedding), neighbors_given=neighbors_given, owner=owner)
    return Given(arguments, X, is_graph, neighbors_given, None)


def features_of_all(fitted: Fitted, given: Given) -> Any:
    """What is kept of the features beside a search, with those of the new rows; None where those are not known."""
    if fitted.features is None or given.features is None:
        return None
    if given.X.shape[1] != fitted.features.shape[1]:
        raise ValueError(f"X has {given.X.shape[1]} features, but the fit had {fitted.features.shape[1]}.")
    return stack_rows(fitted.features, given.X)


def manifold_of_all(settings: Settings, fitted: Fitted, given: Given, search: Any, report: Report) -> Manifold:
    """The manifold of old and new rows: given, of neighbors searched among all of them, or with new rows' added."""
    n_old, wanted = len(fitted.embedding), graph_identity(settings, None)
    if given.arguments.manifold is not None:
        manifold = check_given_manifold(settings, given.arguments.manifold, None)
        if manifold.n_samples < n_old:
            raise ValueError(f"The manifold has {manifold.n_samples} rows, fewer than the map's {n_old}: {ALL_ROWS}.")
        return manifold
    if settings.targets is not None:
        raise ValueError(
            f"target_metric={settings.targets.metric!r}, but update takes no y. Learn a manifold of all rows with "
            "their targets, learn_manifold(X, y), and pass it as manifold."
        )
    if search is not None and not given.neighbors_given:
        return searched_manifold(settings, search, report)
    if fitted.manifold is None:
        raise ValueError(f"The graph was dropped by drop_graph, so new rows cannot join it: {ALL_ROWS}.")
    fitted.manifold.check_agrees(wanted)
    if settings.graph.symmetrize and not settings.graph.set_op_mix_ratio:
        raise ValueError(
            "set_op_mix_ratio=0 keeps edges of rows that list each other, and old rows do not list new ones in these "
            f"neighbors: {ALL_ROWS}."
        )
    return join(fitted.manifold, new_neighbors(settings, n_old, given, report), settings, report)


def searched_manifold(settings: Settings, search: Any, report: Report) -> Manifold:
    """The manifold of neighbors that are searched among old and new rows."""
    with report.phase("search") as entry:
        indices, dists = find_neighbors(search, None, settings.graph.n_others, own=True)
        found_all = not isinstance(search, RowSearch) or search.finds_all
        report["search"] = {"searcher": "exact" if found_all else "inverted_file"}
        entry.update(rows=len(indices), **report["search"])
    found = Arguments(knn_indices=indices, knn_dists=dists)
    return learn_graph(settings, Given(found, None, False, True, None), report)[0]


def new_neighbors(settings: Settings, n_old: int, given: Given, report: Report) -> Neighbors:
    """The new rows' neighbors among old and new rows; the old rows have none here."""
    knn_indices, knn_dists = given.arguments.knn_indices, given.arguments.knn_dists
    n_new = n_rows(given.X, knn_indices)
    with report.phase("neighbors") as entry:
        neighbors, counts = read_neighbors(
            given.X if knn_indices is None else None,
            knn_indices=knn_indices,
            knn_dists=knn_dists,
            n_neighbors=settings.graph.n_neighbors,
            n_rows=n_new,
            n_columns=n_old + n_new,
            first_row=n_old,
            disconnection_distance=settings.graph.disconnection_distance,
        )
        entry.update(counts._asdict())
    warn_about(counts, neighbors.indptr, settings.graph.n_others)
    return neighbors._replace(indptr=np.concatenate([np.zeros(n_old, np.int64), neighbors.indptr]))


def join(manifold: Manifold, neighbors: Neighbors, settings: Settings, report: Report) -> Manifold:
    """The manifold with more rows: its own edges as they are, and those of the new rows' neighbors."""
    shared = manifold._shared
    with report.phase("graph") as entry:
        lengths = mean_distances(neighbors)
        lengths[: manifold.n_samples] = 0 if shared.lengths is None else shared.lengths
        used = {name: value for name, value in settings.graph.identity().items() if name != "disconnection_distance"}
        together = padded(shared.rows(keep=False), len(lengths)) + padded(fuzzy_graph(neighbors, **used), len(lengths))
        graph = FuzzyGraph(
            together.indptr.astype(np.int64), together.indices.astype(neighbors.indices.dtype), together.data
        )
        entry.update(edges=len(graph.indices), bytes=sum(array.nbytes for array in graph))
    grown = Manifold(graph, manifold.parameters, own=WHOLE, lengths=None if shared.lengths is None else lengths)
    warn_of_lost(grown.disconnected(), "rows have no neighbor", settings.graph.disconnection_distance)
    return grown


def padded(graph: FuzzyGraph, n: int) -> scipy.sparse.csr_array:
    """A graph as a sparse array of n rows and columns, those that it does not have empty."""
    indptr = np.concatenate([graph.indptr, np.full(n + 1 - len(graph.indptr), graph.indptr[-1])])
    return scipy.sparse.csr_array((graph.weights, graph.indices, indptr), (n, n))


def settle(
    settings: Settings, fitted: Fitted, manifold: Manifold, anchors: Any, epochs: int, report: Report
) -> LayoutRun:
    """The layout of all rows, from the places of the old ones, at its end."""
    n_components = fitted.embedding.shape[1]
    forces = forces_by(settings, fitted.curve)
    checked = check_anchors(anchors, manifold.n_samples, n_components, forces.negative_rate)
    with report.phase("start") as entry:
        places = np.full((manifold.n_samples, n_components), np.nan, np.float32)
        places[: len(fitted.embedding)] = fitted.embedding
        start = make_array_start(fill_positions(manifold, places, forces, fitted.seed), rescale=False)
        schedule = Schedule(epochs, n_components, multilevel=False, settled=True)
        layout = begin(manifold._shared, start, schedule, forces, fitted.seed, checked)
        entry["init"] = "the map"
    with report.phase("layout") as entry, show_epochs(count_edges_by_epoch(layout), 0, settings.verbose) as show:

        def after_epoch(layout: LayoutRun) -> bool:
            entry["epochs"] = layout.state.epoch
            return bool(show(layout.state.epoch))

        return advance(layout, epochs, after_epoch, reuse=True)


def columns_of_all(fitted: Fitted, manifold: Manifold) -> Columns:
    """The columns of X, or the number of rows where a fit without features had that number."""
    if fitted.search is None and fitted.columns.n_columns == len(fitted.embedding):
        return Columns(manifold.n_samples)
    return fitted.columns
