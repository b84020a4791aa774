"""The addition of rows to a finished map: they join the graph and start at their neighbors, and all rows settle."""

from numbers import Integral

import numpy as np
import scipy.sparse
from numba import get_num_threads
from sklearn.utils.validation import check_array

from umap_sk._typing import Features
from umap_sk.graph.fuzzy_union import FuzzyGraph, fuzzy_graph
from umap_sk.graph.manifold import Manifold
from umap_sk.graph.scales import mean_distances
from umap_sk.graph.shared import WHOLE
from umap_sk.layout.anchors import AnchorsLike, check_anchors
from umap_sk.layout.growth import fill_positions
from umap_sk.layout.problem import Schedule
from umap_sk.layout.run import LayoutRun, advance, begin, compute_embedding, count_edges_by_phase
from umap_sk.layout.start import make_array_start
from umap_sk.layout.transform import MapCache
from umap_sk.monitor.progress import show_epochs
from umap_sk.monitor.report import Report
from umap_sk.neighbors.read import Neighbors, read_neighbors, warn_about
from umap_sk.neighbors.row_search import RowSearch
from umap_sk.neighbors.search import NoSearch, SklearnSearch, extend_search, find_neighbors, stack_rows
from umap_sk.neighbors.searchers import Search
from umap_sk.neighbors.sparse_structure import check_structure
from umap_sk.neighbors.training_rows import get_training_features
from umap_sk.pipeline.fitted import FittedModel
from umap_sk.pipeline.inputs import (
    SPARSE_FORMATS,
    Arguments,
    Columns,
    Inputs,
    check_combination,
    count_rows,
    read_new_X,
)
from umap_sk.pipeline.learn import check_manifold, identify_graph, learn_graph, warn_disconnected
from umap_sk.pipeline.new_rows import MANIFOLD_ADVICE, check_new_features, check_new_indices
from umap_sk.pipeline.settings import Settings, check_flat, replace_curve


def grow(settings: Settings, fitted: FittedModel, arguments: Arguments, epochs: int = 60) -> FittedModel:
    """Add new rows to the graph and the map, and return the model of all rows, with the old ones first.

    `arguments` contain the new rows, and anchors for all rows, as :meth:`umap_sk.PrecomputedUMAP.update` describes
    them. `fitted` must be finished, and does not change.
    """
    check_can_grow(settings, fitted, epochs)
    report, n_old = Report(threads=get_num_threads()), len(fitted.embedding)
    inputs = read_new_rows(settings, fitted, arguments)
    search = fitted.search
    if isinstance(search, SklearnSearch | RowSearch) and inputs.X is not None:
        check_new_features(get_training_features(search), inputs.X, n_old)
        search = extend_search(search, inputs.X)
    manifold = extend_manifold(settings, fitted, inputs, search, report)
    n_new = manifold.n_samples - n_old
    if inputs.X is not None and inputs.X.shape[0] != n_new:
        raise ValueError(
            f"X has {inputs.X.shape[0]} rows, but {n_new} come to the {n_old} of the map: give the new ones."
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
        columns=extend_columns(fitted, manifold),
        search=search,
        features=extend_features(fitted, inputs) if n_new else fitted.features,
        run=None,
        cache=MapCache(),
    )


def check_can_grow(settings: Settings, fitted: FittedModel, epochs: object) -> None:
    """Raise if the map is unfinished or cannot take more rows."""
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


def read_new_rows(settings: Settings, fitted: FittedModel, arguments: Arguments) -> Inputs:
    """Validate the arguments of an update, including X of the new rows."""
    X, knn_indices, knn_dists, _, manifold, *_ = arguments
    check_structure(X, "X")
    neighbors_given = check_combination(X, knn_indices, knn_dists, manifold)
    is_graph = X is not None and settings.takes_distances and not neighbors_given
    if X is not None and not (is_graph or neighbors_given) and not isinstance(fitted.search, SklearnSearch | RowSearch):
        why = "was fitted without features, so it cannot" if fitted.search is None else "has no exact search, to"
        raise ValueError(
            f"The estimator {why} search among old and new rows. Pass knn_indices and knn_dists of the new rows, or "
            f"{MANIFOLD_ADVICE}."
        )
    if is_graph:  # distances to old and new rows, whose number is not known yet
        X = check_array(X, accept_sparse=SPARSE_FORMATS, dtype=[np.float64, np.float32])
        n_old, n_new = len(fitted.embedding), X.shape[0]
        if X.shape[1] != n_old + n_new:
            raise ValueError(
                f"X has {X.shape[1]} columns, but {n_old + n_new} are needed: the distances of the new rows to the "
                f"{n_old} rows of the map, and then to the {n_new} new ones."
            )
    else:
        X = read_new_X(settings, X, fitted.columns, len(fitted.embedding), neighbors_given=neighbors_given)
    return Inputs(arguments, X, is_graph, neighbors_given, None)


def extend_features(fitted: FittedModel, inputs: Inputs) -> Features | None:
    """Append the features of the new rows to the stored ones. Returns None if either are missing."""
    if fitted.features is None or inputs.features is None:
        return None
    if inputs.features.shape[1] != fitted.features.shape[1]:
        raise ValueError(f"X has {inputs.features.shape[1]} features, but the fit had {fitted.features.shape[1]}.")
    return stack_rows(fitted.features, inputs.features)


def extend_manifold(
    settings: Settings, fitted: FittedModel, inputs: Inputs, search: Search | None, report: Report
) -> Manifold:
    """Return the manifold of old and new rows, which is given, learned from all rows, or extended by the new rows."""
    n_old, identity = len(fitted.embedding), identify_graph(settings, None)
    if inputs.arguments.manifold is not None:
        manifold = check_manifold(settings, inputs.arguments.manifold, None)
        if manifold.n_samples < n_old:
            raise ValueError(
                f"The manifold has {manifold.n_samples} rows, fewer than the map's {n_old}: {MANIFOLD_ADVICE}."
            )
        return manifold
    if settings.targets is not None:
        raise ValueError(
            f"target_metric={settings.targets.metric!r}, but update takes no y. Learn a manifold of all rows with "
            "their targets, learn_manifold(X, y), and pass it as manifold."
        )
    if isinstance(search, SklearnSearch | RowSearch) and not inputs.neighbors_given:
        return learn_with_search(settings, search, report)
    if fitted.manifold is None:
        raise ValueError(f"The graph was dropped by drop_graph, so new rows cannot join it: {MANIFOLD_ADVICE}.")
    fitted.manifold.check_agrees(identity)
    if settings.graph.symmetrize and not settings.graph.set_op_mix_ratio:
        raise ValueError(
            "set_op_mix_ratio=0 keeps edges of rows that list each other, and old rows do not list new ones in these "
            f"neighbors: {MANIFOLD_ADVICE}."
        )
    return add_rows(fitted.manifold, read_new_neighbors(settings, n_old, inputs, report), settings, report)


def learn_with_search(settings: Settings, search: SklearnSearch | RowSearch, report: Report) -> Manifold:
    """Search the neighbors among old and new rows, and learn the manifold."""
    with report.phase("search") as entry:
        indices, dists = find_neighbors(search, None, settings.graph.n_others, own=True)
        found_all = not isinstance(search, RowSearch) or search.finds_all
        report["search"] = {"searcher": "exact" if found_all else "inverted_file"}
        entry.update(rows=len(indices), **report["search"])
    arguments = Arguments(knn_indices=indices, knn_dists=dists)
    found = Inputs(arguments, None, False, False, None)  # not given, so their values are not questioned
    return learn_graph(settings, found, report)[0]


def read_new_neighbors(settings: Settings, n_old: int, inputs: Inputs, report: Report) -> Neighbors:
    """Return the new rows' neighbors among all rows. In the result, the old rows have no neighbors."""
    knn_indices, knn_dists = inputs.arguments.knn_indices, inputs.arguments.knn_dists
    n_new = count_rows(inputs.X, knn_indices)
    if knn_indices is not None and knn_dists is not None:
        check_new_indices(np.asarray(knn_indices), np.asarray(knn_dists), n_old)
    with report.phase("neighbors") as entry:
        neighbors, counts = read_neighbors(
            inputs.X if knn_indices is None else None,
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


def add_rows(manifold: Manifold, neighbors: Neighbors, settings: Settings, report: Report) -> Manifold:
    """Return the manifold with the new rows added. Its own edges keep their weights."""
    shared = manifold._shared
    with report.phase("graph") as entry:
        lengths = mean_distances(neighbors)
        lengths[: manifold.n_samples] = 0 if shared.lengths is None else shared.lengths
        if len(neighbors.indices):
            new = fuzzy_graph(neighbors, **settings.graph.edge_parameters)
        else:
            new = FuzzyGraph(neighbors.indptr, neighbors.indices, neighbors.distances)
        together = pad_graph(shared.rows(keep=False), len(lengths)) + pad_graph(new, len(lengths))
        graph = FuzzyGraph(
            together.indptr.astype(np.int64), together.indices.astype(neighbors.indices.dtype), together.data
        )
        entry.update(edges=len(graph.indices), bytes=sum(array.nbytes for array in graph))
    extended = Manifold(graph, manifold.parameters, own=WHOLE, lengths=None if shared.lengths is None else lengths)
    warn_disconnected(extended.disconnected(), "rows have no neighbor", settings.graph.disconnection_distance)
    return extended


def pad_graph(graph: FuzzyGraph, n: int) -> scipy.sparse.csr_array:
    """Return a graph as a sparse array of n rows and columns, in which additional rows are empty."""
    indptr = np.concatenate([graph.indptr, np.full(n + 1 - len(graph.indptr), graph.indptr[-1])])
    return scipy.sparse.csr_array((graph.weights, graph.indices, indptr), (n, n))


def settle(
    settings: Settings,
    fitted: FittedModel,
    manifold: Manifold,
    anchors: AnchorsLike | None,
    epochs: int,
    report: Report,
) -> LayoutRun:
    """Lay out all rows, beginning at the positions of the old ones, and return the finished layout."""
    n_components = fitted.embedding.shape[1]
    forces = replace_curve(settings, fitted.curve)
    checked = check_anchors(anchors, manifold.n_samples, n_components, forces.negative_rate)
    with report.phase("start") as entry:
        places = np.full((manifold.n_samples, n_components), np.nan, np.float32)
        places[: len(fitted.embedding)] = fitted.embedding
        start = make_array_start(fill_positions(manifold, places, forces, fitted.seed), rescale=False)
        schedule = Schedule(epochs, n_components, multilevel=False, settled=True)
        layout = begin(manifold._shared, start, schedule, forces, fitted.seed, checked)
        entry["init"] = "the map"
    with report.phase("layout") as entry, show_epochs(count_edges_by_phase(layout), 0, settings.verbose) as show:

        def after_epoch(layout: LayoutRun) -> bool:
            entry["epochs"] = layout.state.epoch
            return bool(show(layout.state.epoch))

        return advance(layout, epochs, after_epoch, reuse=True)


def extend_columns(fitted: FittedModel, manifold: Manifold) -> Columns:
    """Return the columns of X, or the new number of rows if the fit had no features."""
    if fitted.search is None and fitted.columns.n_columns == len(fitted.embedding):
        return Columns(manifold.n_samples)
    return fitted.columns
