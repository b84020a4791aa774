"""More rows for a map that stands: they join its graph, start among their neighbors, and all rows settle."""

from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse
from numba import get_num_threads
from sklearn.utils.validation import check_array

from umap_sk import fitting, inputs, learning, parameters
from umap_sk.graph.fuzzy_union import FuzzyGraph, fuzzy_graph
from umap_sk.graph.manifold import Manifold
from umap_sk.graph.scales import mean_distances
from umap_sk.graph.shared import WHOLE
from umap_sk.layout.curve import Curve
from umap_sk.layout.growth import filled
from umap_sk.layout.problem import Schedule
from umap_sk.layout.run import LayoutRun, advanced, begun, edges_by_epoch
from umap_sk.layout.start import Start
from umap_sk.learning import Given
from umap_sk.monitor.progress import show_epochs
from umap_sk.monitor.report import Report
from umap_sk.neighbors.read import Neighbors, read_neighbors, warn_about
from umap_sk.neighbors.row_search import RowSearch
from umap_sk.neighbors.search import NoSearch, Search, extend_search, find_neighbors, stack_rows
from umap_sk.neighbors.sparse_structure import check_structure
from umap_sk.targets import check_manifold

FORMATS = ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"]  # of sparse graphs
ALL_ROWS = "learn a manifold of all rows, the old ones first, and pass it as manifold"


def grown(umap: Any, given: Given, epochs: Any) -> dict[str, Any]:
    """Results of an estimator with more rows; what it has published is read and stays as it is."""
    check_can_grow(umap, epochs)
    report, n_old = Report(threads=get_num_threads()), len(umap.embedding_)
    values, precedence = validated(umap, given)
    search = umap._search
    if isinstance(search, Search | RowSearch) and values is not None:
        search = extend_search(search, values)
    manifold = manifold_of_all(umap, given, values, None if precedence else search, report)
    n_new = manifold.n_samples - n_old
    if values is not None and values.shape[0] != n_new:
        raise ValueError(
            f"X has {values.shape[0]} rows, but {n_new} come to the {n_old} of the map: give the new ones."
        )
    if search is umap._search is not None and n_new:
        search = NoSearch("update took in rows that the search does not have.")
    run = settled(umap, manifold, given.anchors, int(epochs), report)
    standing = fitting.standing(run, manifold)
    done = umap.epoch_ + standing["epoch_"]
    kept = {name: getattr(umap, name) for name in ("a_", "b_", "seed_", "_X_is_graph")} | columns(umap, manifold)
    counted = {"epoch_": done, "n_epochs_": done}
    kept["_features"] = features_of_all(umap, values, precedence) if n_new else umap._features
    return kept | {"manifold_": manifold, "report_": report, "_search": search, "_run": None} | standing | counted


def features_of_all(umap: Any, values: Any, precedence: bool) -> Any:
    """What is kept of the features beside a search, with those of the new rows; None where those are not known."""
    if umap._features is None or values is None or (umap.metric == "precomputed" and not precedence):
        return None
    if values.shape[1] != umap._features.shape[1]:
        raise ValueError(f"X has {values.shape[1]} features, but the fit had {umap._features.shape[1]}.")
    return stack_rows(umap._features, values)


def check_can_grow(umap: Any, epochs: Any) -> None:
    """Raise if the estimator is no finished map that can take more rows."""
    parameters.check_flat(umap, "update settles rows")
    if isinstance(epochs, bool) or not isinstance(epochs, Integral) or epochs < 1:
        raise ValueError(f"epochs={epochs!r}, but a whole number of at least 1 is needed.")
    if umap.epoch_ < umap.n_epochs_:
        raise ValueError(
            f"Only {umap.epoch_} of {umap.n_epochs_} epochs have been run. Finish the map with partial_fit first."
        )
    if umap.checkpoint is not None:
        raise ValueError("update keeps nothing on the disk, but checkpoint is set. Call set_params(checkpoint=None).")
    if umap.dens_lambda > 0:
        raise ValueError(
            f"dens_lambda={umap.dens_lambda}, but an update does not keep density. Fit all rows, with the map "
            "as init for the old ones, or call set_params(dens_lambda=0.0) to let the density go."
        )


def validated(umap: Any, given: Given) -> tuple[Any, bool]:
    """X of the new rows, and whether other neighbors take precedence."""
    check_structure(given.X, "X")
    precedence = inputs.check_combination(given.X, given.knn_indices, given.knn_dists, given.manifold)
    if given.X is None:
        return None, precedence
    if umap.metric == "precomputed" and not precedence:
        return check_array(given.X, accept_sparse=FORMATS, dtype=[np.float64, np.float32]), False
    if not precedence and not isinstance(umap._search, Search | RowSearch):
        why = "was fitted without features, so it cannot" if umap._search is None else "has no exact search, to"
        raise ValueError(
            f"The estimator {why} search among old and new rows. Pass knn_indices and knn_dists of the new rows, or "
            f"{ALL_ROWS}."
        )
    return inputs.validated(umap, given.X, neighbors_given=precedence, reset=False), precedence


def manifold_of_all(
    umap: Any, given: Given, values: Any, search: Search | RowSearch | NoSearch | None, report: Report
) -> Manifold:
    """The manifold of old and new rows: given, of neighbors searched among all of them, or with new rows' added."""
    wanted, n_old = parameters.known_of(umap, None), len(umap.embedding_)
    if given.manifold is not None:
        manifold = given.manifold
        if not isinstance(manifold, Manifold):
            raise TypeError(f"manifold must be a Manifold, but is {type(manifold).__name__}. Use Manifold.from_graph.")
        manifold.check_agrees(wanted)
        check_manifold(wanted.get("targets"), manifold.parameters.get("targets"))
        if manifold.n_samples < n_old:
            raise ValueError(f"The manifold has {manifold.n_samples} rows, fewer than the map's {n_old}: {ALL_ROWS}.")
        return manifold
    if "targets" in wanted:
        raise ValueError(
            f"target_metric={umap.target_metric!r}, but update takes no y. Learn a manifold of all rows with their "
            "targets, learn_manifold(X, y), and pass it as manifold."
        )
    if search is not None:
        with report.phase("search") as entry:
            indices, dists = find_neighbors(search, None, umap.n_neighbors - 1, own=True)
            found_all = not isinstance(search, RowSearch) or search.finds_all
            report["search"] = {"searcher": "exact" if found_all else "inverted_file"}
            entry.update(rows=len(indices), **report["search"])
        return learning.learned(umap, Given(None, indices, dists), None, True, report)[0]
    if not hasattr(umap, "manifold_"):
        raise ValueError(f"The graph was dropped by drop_graph, so new rows cannot join it: {ALL_ROWS}.")
    umap.manifold_.check_agrees(wanted)
    if wanted["symmetrize"] and not wanted["set_op_mix_ratio"]:
        raise ValueError(
            "set_op_mix_ratio=0 keeps edges of rows that list each other, and old rows do not list new ones in these "
            f"neighbors: {ALL_ROWS}."
        )
    return joined(umap.manifold_, new_neighbors(umap, given, values, report), wanted, report)


def new_neighbors(umap: Any, given: Given, values: Any, report: Report) -> Neighbors:
    """The new rows' neighbors among old and new rows; the old rows have none here."""
    n_old = len(umap.embedding_)
    n_new = inputs.n_rows(values, given.knn_indices)
    with report.phase("neighbors") as entry:
        neighbors, counts = read_neighbors(
            values if given.knn_indices is None else None,
            knn_indices=given.knn_indices,
            knn_dists=given.knn_dists,
            n_neighbors=umap.n_neighbors,
            n_rows=n_new,
            n_columns=n_old + n_new,
            first_row=n_old,
            disconnection_distance=parameters.graph_parameters(umap)["disconnection_distance"],
        )
        entry.update(counts._asdict())
    warn_about(counts, neighbors.indptr, umap.n_neighbors - 1)
    return neighbors._replace(indptr=np.concatenate([np.zeros(n_old, np.int64), neighbors.indptr]))


def joined(manifold: Manifold, neighbors: Neighbors, wanted: dict[str, Any], report: Report) -> Manifold:
    """The manifold with more rows: its own edges as they are, and those of the new rows' neighbors."""
    shared = manifold._shared
    with report.phase("graph") as entry:
        lengths = mean_distances(neighbors)
        lengths[: manifold.n_samples] = 0 if shared.lengths is None else shared.lengths
        used = {name: value for name, value in wanted.items() if name != "disconnection_distance"}
        together = padded(shared.rows(keep=False), len(lengths)) + padded(fuzzy_graph(neighbors, **used), len(lengths))
        graph = FuzzyGraph(
            together.indptr.astype(np.int64), together.indices.astype(neighbors.indices.dtype), together.data
        )
        entry.update(edges=len(graph.indices), bytes=sum(array.nbytes for array in graph))
    grown = Manifold(graph, manifold.parameters, own=WHOLE, lengths=None if shared.lengths is None else lengths)
    learning.warn_of_lost(grown.disconnected(), "rows have no neighbor", wanted["disconnection_distance"])
    return grown


def padded(graph: FuzzyGraph, n: int) -> scipy.sparse.csr_array:
    """A graph as a sparse array of n rows and columns, those that it does not have empty."""
    indptr = np.concatenate([graph.indptr, np.full(n + 1 - len(graph.indptr), graph.indptr[-1])])
    return scipy.sparse.csr_array((graph.weights, graph.indices, indptr), (n, n))


def settled(umap: Any, manifold: Manifold, anchors: Any, epochs: int, report: Report) -> LayoutRun:
    """The layout of all rows, from the places of the old ones, at its end."""
    held, n_components = manifold._shared, umap.embedding_.shape[1]
    forces = parameters.forces_of(umap, Curve(umap.a_, umap.b_))
    holding = inputs.check_anchors(anchors, manifold.n_samples, n_components, forces.negative_rate)
    with report.phase("start") as entry:
        places = np.full((manifold.n_samples, n_components), np.nan, np.float32)
        places[: len(umap.embedding_)] = umap.embedding_
        places = filled(manifold, places, forces, umap.seed_)
        schedule = Schedule(epochs, n_components, multilevel=False, settled=True)
        run = begun(held, Start(places, rescale=False), schedule, forces, umap.seed_, holding)
        entry["init"] = "the map"
    with report.phase("layout") as entry, show_epochs(edges_by_epoch(run), 0, umap.verbose) as show:

        def told(run: LayoutRun) -> bool:
            entry["epochs"] = run.state.epoch
            return bool(show(run.state.epoch))

        return advanced(run, epochs, told, reuse=True)


def columns(umap: Any, manifold: Manifold) -> dict[str, Any]:
    """Number and names of the features, or how many rows there are where a fit without features had told that."""
    if umap._search is None and umap.n_features_in_ == len(umap.embedding_):
        return {"n_features_in_": manifold.n_samples}
    return {name: value for name, value in vars(umap).items() if name in ("n_features_in_", "feature_names_in_")}
