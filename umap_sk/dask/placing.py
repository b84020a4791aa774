"""The map as a dask array, and the placement of new rows in chunks."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import dask
import dask.array
import numpy as np
from dask.array import Array
from dask.delayed import Delayed
from distributed import Future
from sklearn.utils.validation import check_is_fitted

from umap_sk._typing import Parameters
from umap_sk.dask.cluster import Cluster, choose_worker, submit
from umap_sk.dask.inputs import CHUNKS_ADVICE, ArrayOrFrame, as_dask_array
from umap_sk.dask.layout import FinishedLayout, select_positions
from umap_sk.dask.learning import LearnedGraph
from umap_sk.estimator import PrecomputedUMAP
from umap_sk.layout.curve import Curve
from umap_sk.layout.transform import MapCache
from umap_sk.neighbors.validate import PAIR
from umap_sk.pipeline.fitted import FittedModel
from umap_sk.pipeline.inputs import Columns
from umap_sk.runtime.side_by_side import compute_prefix_sums

if TYPE_CHECKING:
    from umap_sk.dask.estimator import DistributedUMAP


class MapOnWorkers(NamedTuple):
    """A map in chunks of rows."""

    array: Array
    parts: list[Future]  # the chunks on the workers; none if the map is in this process


def make_embedding(
    cluster: Cluster, layout: FinishedLayout, graph: LearnedGraph, chunks: tuple[int, ...]
) -> MapOnWorkers:
    """Return the map in chunks of rows on the workers."""
    if layout.embedding is not None:
        return MapOnWorkers(dask.array.from_array(layout.embedding, chunks=(chunks, -1)), [])
    bounds = compute_prefix_sums(np.array(chunks)).tolist()
    whole: dict[str, Future] = {}
    parts = []
    for part, span in enumerate(pairwise(bounds)):
        worker = choose_worker(cluster, part, len(chunks))
        if worker not in whole:
            whole[worker] = submit(cluster, "embedding", np.concatenate, layout.positions, worker=worker)
        parts.append(submit(cluster, "embedding", _select_rows, whole[worker], layout.ranks, *span, worker=worker))
    return MapOnWorkers(concatenate_arrays(parts, chunks, layout.n_components), parts)


def get_stored_model(model: PrecomputedUMAP) -> PrecomputedUMAP:
    """Return a model as it was stored, in the place of an estimator whose map was on workers."""
    return model


def check_reachable(embedding: MapOnWorkers) -> None:
    """Raise RuntimeError if the map was lost with its client."""
    if any(part.client.status != "running" or part.status == "cancelled" for part in embedding.parts):
        raise RuntimeError(
            "The map was on the workers of a cluster, and the client of the fit, which held it there, is closed or has "
            "lost its scheduler. Fit again; before a client is closed, take the map by embedding_.compute(), or the "
            "model by to_local()."
        )


def _select_rows(positions: np.ndarray, ranks: np.ndarray, first: int, last: int) -> np.ndarray:
    return select_positions(positions, ranks[first:last])


def concatenate_arrays(parts: Sequence[Future | Delayed], chunks: tuple[int, ...], n_components: int) -> Array:
    """Concatenate the rows of arrays, which are futures or tasks."""
    arrays = [
        dask.array.from_delayed(dask.delayed(part), (rows, n_components), np.float32)
        for part, rows in zip(parts, chunks, strict=True)
    ]
    return dask.array.concatenate(arrays, allow_unknown_chunksizes=True)


def make_fitted_model(model: "DistributedUMAP | PrecomputedUMAP") -> FittedModel:
    """Return a model that can place new rows once it gets its map."""
    return FittedModel(
        embedding=np.empty((0, model.n_components), np.float32),
        manifold=None,
        epoch=model.n_epochs_,
        n_epochs=model.n_epochs_,
        curve=Curve(model.a_, model.b_),
        seed=model.seed_,
        report=model.report_,
        columns=Columns(model.n_features_in_),
        search=None,
        features=None,
        X_is_graph=False,
        run=None,
        cache=MapCache(),
    )


def make_local_model(parameters: Parameters, fitted: FittedModel, embedding: np.ndarray) -> PrecomputedUMAP:
    """Return a fitted estimator in one process, without its graph."""
    umap = PrecomputedUMAP(**parameters)
    umap._publish(fitted._replace(embedding=embedding))
    return umap


def transform(model: "DistributedUMAP | PrecomputedUMAP", knn_indices: ArrayOrFrame, knn_dists: ArrayOrFrame) -> Array:
    """Place new rows in a fitted map, lazily and in chunks.

    The map is sent to each worker once. The places have the same bits as those of the estimator's `transform`. The
    place of a row depends only on that row, so chunks may have any size. All chunks together may exceed the memory.

    Parameters
    ----------
    model : DistributedUMAP or umap_sk.PrecomputedUMAP
        The fitted estimator.
    knn_indices : dask array or dask frame of shape (n_new, k), integers
        Neighbors among the training rows, in chunks of rows.
    knn_dists : dask array or dask frame of shape (n_new, k), real numbers
        Distances to these neighbors, in the same chunks. The lengths of chunks may be unknown.

    Returns
    -------
    dask.array.Array of shape (n_new, n_components), float32
        Places, NaN for rows without a usable neighbor.

    Raises
    ------
    ValueError
        If the chunks differ.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from sklearn.neighbors import NearestNeighbors
    >>> from umap_sk import PrecomputedUMAP
    >>> from umap_sk.dask import transform
    >>> X, new = np.random.default_rng(0).normal(size=(300, 4)), np.random.default_rng(1).normal(size=(40, 4))
    >>> search = NearestNeighbors(n_neighbors=10).fit(X)
    >>> dists, indices = search.kneighbors(X)
    >>> model = PrecomputedUMAP(n_neighbors=10, random_state=0).fit(knn_indices=indices, knn_dists=dists)
    >>> dists, indices = (da.from_array(array, chunks=(10, -1)) for array in search.kneighbors(new))
    >>> places = transform(model, indices, dists)
    >>> places.numblocks, places.compute().shape
    ((4, 1), (40, 2))
    """
    check_is_fitted(model)
    if knn_indices is None or knn_dists is None:
        raise ValueError(f"Neighbors are missing. {PAIR}")
    indices = as_dask_array(knn_indices, "knn_indices", lengths=False)
    dists = as_dask_array(knn_dists, "knn_dists", like=indices, lengths=False)
    if indices.numblocks[0] != dists.numblocks[0]:
        raise ValueError(
            f"knn_indices has {indices.numblocks[0]} chunks of rows, but knn_dists {dists.numblocks[0]}. "
            f"{CHUNKS_ADVICE}"
        )
    given = [array.rechunk({1: -1}) for array in (indices, dists)]
    local = delay_model(model)
    blocks = zip(*(array.to_delayed().ravel() for array in given), strict=True)
    return concatenate_arrays(
        [_place(local, number, *block) for number, block in enumerate(blocks)], indices.chunks[0], model.n_components
    )


@dask.delayed
def _place(model: PrecomputedUMAP, number: int, indices: np.ndarray, dists: np.ndarray) -> np.ndarray:
    if not len(indices):
        return np.empty((0, model.embedding_.shape[1]), np.float32)
    try:
        return model.transform(knn_indices=indices, knn_dists=dists)
    except ValueError as error:
        raise ValueError(f"{error} (Rows are counted within chunk {number} of the new rows.)") from error


def delay_model(model: "DistributedUMAP | PrecomputedUMAP") -> Delayed:
    """Return a fitted model as a single task for all chunks."""
    local = model if isinstance(model, PrecomputedUMAP) else model.local()
    parameters = local.get_params(deep=False) | {"n_jobs": 1, "checkpoint": None}
    if isinstance(model, PrecomputedUMAP):
        return dask.delayed(make_local_model(parameters, make_fitted_model(model), model.embedding_), traverse=False)
    whole = (
        model.embedding_.rechunk((-1, -1)).to_delayed(optimize_graph=False).item()
    )  # an optimized graph would contain no future
    own = (dask.delayed(value, traverse=False) for value in (parameters, make_fitted_model(model)))
    return dask.delayed(make_local_model)(*own, whole)
