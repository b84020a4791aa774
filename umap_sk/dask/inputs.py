"""The conversion of arguments to dask arrays in chunks of rows, and their validation."""

import os
from pathlib import Path
from typing import Protocol, TypeAlias

import dask.array
import numpy as np
from dask.array import Array
from numpy.typing import ArrayLike

from umap_sk.dask.cluster import Cluster, run_on_workers
from umap_sk.graph import storage
from umap_sk.neighbors import validate as checks

CHUNK_ROWS = 2**17  # rows of a chunk, for arrays in this process
CHUNKS_ADVICE = (
    "Give both arrays the same chunks of rows: knn_dists = knn_dists.rechunk(knn_indices.chunks). Where their lengths "
    "are not known, knn_indices.compute_chunk_sizes() finds them."
)


class DaskFrame(Protocol):
    """A frame of Dask."""

    def to_dask_array(self, lengths: bool | None) -> Array:
        """Return the values, and compute the lengths of the chunks if `lengths` is True."""
        ...


ArrayOrFrame: TypeAlias = Array | DaskFrame | ArrayLike
"""A dask array, a dask frame, or an array in this process."""


def check_neighbors(knn_indices: ArrayOrFrame | None, knn_dists: ArrayOrFrame | None) -> tuple[Array, Array]:
    """Convert both arrays to dask arrays, and check that their chunks of rows are known and equal."""
    if knn_indices is None or knn_dists is None:
        raise ValueError(f"Neighbors are missing. {checks.PAIR} Or give a manifold in a directory.")
    indices = as_dask_array(knn_indices, "knn_indices")
    dists = as_dask_array(knn_dists, "knn_dists", like=indices)
    for array, name in ((indices, "knn_indices"), (dists, "knn_dists")):
        if array.ndim != 2:
            raise ValueError(f"{name} has {array.ndim} dimension(s), but rows x neighbors are needed.")
        if np.isnan(array.shape).any():
            raise ValueError(f"The chunks of {name} have unknown lengths. {CHUNKS_ADVICE}")
    checks.check_dtypes(indices.dtype, dists.dtype)
    if indices.shape != dists.shape:
        raise ValueError(f"knn_indices has shape {indices.shape}, but knn_dists has {dists.shape}. {checks.PAIR}")
    if indices.chunks[0] != dists.chunks[0]:
        raise ValueError(
            f"knn_indices has {len(indices.chunks[0])} chunks of rows, of {indices.chunks[0][0]} rows at first, but "
            f"knn_dists {len(dists.chunks[0])}, of {dists.chunks[0][0]}. {CHUNKS_ADVICE}"
        )
    checks.check_rows(indices.shape[0], "knn_indices", n_rows=None, fewest=2)
    checks.check_width(indices.shape[0], indices.dtype)
    return indices, dists


def as_dask_array(values: ArrayOrFrame, name: str, *, like: Array | None = None, lengths: bool = True) -> Array:
    """Convert a dask array, a dask frame or an array in this process to a dask array, with the chunks of `like`."""
    if isinstance(values, dask.array.Array):
        return values
    if hasattr(values, "to_dask_array"):
        return values.to_dask_array(lengths=lengths or None)
    array = checks.as_array(values, name)
    rows = like.chunks[0] if like is not None and like.shape[0] == len(array) else CHUNK_ROWS
    return dask.array.from_array(array, chunks=(rows, -1))


def check_directory(cluster: Cluster, manifold: object) -> tuple[str, dict[str, object], int, bool]:
    """Check that all workers have access to a manifold.

    Returns its path, its parameters, its number of rows, and whether it has lengths.
    """
    if not isinstance(manifold, (str, os.PathLike)):
        raise TypeError(
            f"manifold must be the directory of one, which all workers see, but is {type(manifold).__name__}. "
            "Save it there: manifold.save(directory)."
        )
    path = Path(manifold).absolute()
    graph, parameters, row_arrays = storage.load(path, checked=True)  # each worker checks its own rows
    visible = run_on_workers(cluster.client, _file_exists, str(path / storage.DESCRIPTION))
    failed = [worker for worker, is_visible in visible.items() if not is_visible]
    if failed:
        raise ValueError(
            f"{len(failed)} of {len(cluster.workers)} workers do not see {str(path)!r}, such as the one at {failed[0]}"
            ". Put the manifold on a file system that all of them share, or give the neighbors as dask arrays."
        )
    return str(path), parameters, len(graph.indptr) - 1, "lengths" in row_arrays


def _file_exists(path: str) -> bool:
    return os.path.exists(path)
