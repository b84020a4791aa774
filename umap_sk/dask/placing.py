"""The map as a dask array, and new rows in it, chunk by chunk."""

from typing import Any, NamedTuple

import dask
import dask.array
import numpy as np
from distributed import Future
from sklearn.utils.validation import check_is_fitted

from umap_sk.dask.cluster import Cluster, home, submit
from umap_sk.dask.graph import spans
from umap_sk.dask.inputs import CHUNKS, as_dask_array
from umap_sk.dask.layout import LaidOut, placed
from umap_sk.dask.learning import Learned
from umap_sk.estimator import PrecomputedUMAP
from umap_sk.layout.curve import Curve
from umap_sk.layout.transform import MapCache
from umap_sk.neighbors.validate import PAIR
from umap_sk.pipeline.fitted import FittedModel
from umap_sk.pipeline.inputs import Columns
from umap_sk.runtime.side_by_side import compute_prefix_sums


class MapOnWorkers(NamedTuple):
    """The map in chunks of rows.

    Attributes
    ----------
    array : dask.array.Array
        The map.
    parts : list of Future
        The chunks on the workers; none where the client has the map.
    """

    array: Any
    parts: list[Future]


def embedding_of(cluster: Cluster, found: LaidOut, graph: Learned, chunks: tuple[int, ...]) -> MapOnWorkers:
    """The map in chunks of rows, which lie on the workers."""
    if found.embedding is not None:
        return MapOnWorkers(dask.array.from_array(found.embedding, chunks=(chunks, -1)), [])
    bounds = compute_prefix_sums(np.array(chunks)).tolist()
    whole: dict[str, Future] = {}
    parts = []
    for part, span in enumerate(spans(bounds)):
        at = home(cluster, part, len(chunks))
        if at not in whole:
            whole[at] = submit(cluster, "embedding", np.concatenate, found.positions, at=at)
        parts.append(submit(cluster, "embedding", _rows, whole[at], found.places, *span, at=at))
    return MapOnWorkers(array_of(parts, chunks, found.n_components), parts)


def check_reachable(there: MapOnWorkers) -> None:
    """Raise RuntimeError if the map went with the client that held it."""
    if any(part.client.status != "running" or part.status == "cancelled" for part in there.parts):
        raise RuntimeError(
            "The map was on the workers of a cluster, and the client of the fit, which held it there, is closed or has "
            "lost its scheduler. Fit again; before a client is closed, take the map by embedding_.compute(), or the "
            "model by to_local()."
        )


def _rows(positions: np.ndarray, places: np.ndarray, first: int, last: int) -> np.ndarray:
    return placed(positions, places[first:last])


def array_of(parts: list[Any], chunks: tuple[int, ...], n_components: int) -> Any:
    """Futures or tasks of arrays, one below the other."""
    arrays = [
        dask.array.from_delayed(dask.delayed(part), (rows, n_components), np.float32)
        for part, rows in zip(parts, chunks, strict=True)
    ]
    return dask.array.concatenate(arrays, allow_unknown_chunksizes=True)


def fitted_of(model: Any) -> FittedModel:
    """What places new rows of neighbors by a fitted model, but for its map."""
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


def local_model(parameters: dict[str, Any], fitted: FittedModel, embedding: np.ndarray) -> PrecomputedUMAP:
    """A fitted estimator of one process, without its graph."""
    umap = PrecomputedUMAP(**parameters)
    umap._publish(fitted._replace(embedding=embedding))
    return umap


def transform(model: Any, knn_indices: Any, knn_dists: Any) -> Any:
    """Place new rows in a fitted map, lazily, chunk by chunk.

    Every worker is sent the map once. A row's place has the bits that `transform` of the estimator gives it, and
    depends on that row alone: chunks may be of any size, and hold more rows together than memory does.

    Parameters
    ----------
    model : DistributedUMAP or umap_sk.PrecomputedUMAP
        The fitted estimator.
    knn_indices : dask array or dask frame of shape (n_new, k), integers
        Neighbors among the training rows, in chunks of rows.
    knn_dists : dask array or dask frame of shape (n_new, k), real numbers
        Their distances, in the same chunks; lengths of chunks need not be known.

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
            f"knn_indices has {indices.numblocks[0]} chunks of rows, but knn_dists {dists.numblocks[0]}. {CHUNKS}"
        )
    given = [array.rechunk({1: -1}) for array in (indices, dists)]
    local = delayed_model(model)
    blocks = zip(*(array.to_delayed().ravel() for array in given), strict=True)
    return array_of([_place(local, *block) for block in blocks], indices.chunks[0], model.n_components)


@dask.delayed
def _place(model: PrecomputedUMAP, indices: np.ndarray, dists: np.ndarray) -> np.ndarray:
    if not len(indices):
        return np.empty((0, model.embedding_.shape[1]), np.float32)
    return model.transform(knn_indices=indices, knn_dists=dists)


def delayed_model(model: Any) -> Any:
    """A fitted model as one task, for all chunks."""
    local = isinstance(model, PrecomputedUMAP)
    parameters = (model if local else model.local()).get_params(deep=False) | {"n_jobs": 1, "checkpoint": None}
    if local:
        return dask.delayed(local_model(parameters, fitted_of(model), model.embedding_), traverse=False)
    whole = model.embedding_.rechunk((-1, -1)).to_delayed(optimize_graph=False).item()  # optimized, it holds no future
    own = (dask.delayed(value, traverse=False) for value in (parameters, fitted_of(model)))
    return dask.delayed(local_model)(*own, whole)
