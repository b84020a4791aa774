"""Libraries for approximate search: how each builds, queries and stores an index."""

import contextlib
import pickle
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from umap_sk._typing import Features, Metric, Parameters

SEARCH_BREADTH = 6  # vertices in the queue of a graph search, per requested neighbor
SERIAL_ROWS = 10_000  # rows that one thread adds first: in a small graph of usearch, concurrent insertion isolates rows
LISTS_PER_QUERY = 32  # of the 4 sqrt(n) lists of faiss
MIN_ROWS_PER_LIST = 39  # rows per list that faiss requires to compute its means

Index: TypeAlias = Any
"""An index of a library, none of which ships types."""


class IndexSettings(NamedTuple):
    """The settings with which an index is built."""

    metric: Metric  # the library's name of it
    arguments: Parameters  # of the metric
    neighbors: int  # number of neighbors per row that the queries will request, including the row itself
    seed: int
    threads: int


class Library(NamedTuple):
    """A library for approximate search. `query` returns indices, and -1 for neighbors that were not found."""

    names: tuple[str, str]  # by which Python imports the library and pip installs it
    metrics: dict[str, str]  # the library's names of the metrics that it supports
    build: Callable[[Any, IndexSettings], Index]  # an index of float32 rows
    query: Callable[[Index, Any, int, int], np.ndarray]  # by rows, a number of neighbors and a number of threads
    query_training: Callable[[Index, Any, int, int], np.ndarray] | None = None  # if the index's own rows need another
    dump: Callable[[Index], bytes | np.ndarray] = pickle.dumps
    load: Callable[[Any], Index] = pickle.loads  # of what `dump` returned
    sparse: bool = False  # whether it supports sparse rows
    functions: bool = False  # whether a metric may be a function compiled by numba


# ------------------------------------------------------------------------------------------------------ PyNNDescent


def build_pynndescent(features: Features, settings: IndexSettings) -> Index:
    """Build a graph by nearest-neighbor descent (Dong, Moses, Li 2011)."""
    from pynndescent import NNDescent

    return NNDescent(
        features,
        metric=settings.metric,
        metric_kwds=settings.arguments,
        n_neighbors=min(settings.neighbors, features.shape[0]),
        random_state=settings.seed % 2**32,
        n_jobs=settings.threads,
    )


def query_training_pynndescent(index: Index, features: Features, count: int, threads: int) -> np.ndarray:
    """Return the lists of neighbors at the end of the descent."""
    return index.neighbor_graph[0]


def query_pynndescent(index: Index, features: Features, count: int, threads: int) -> np.ndarray:
    """Search the graph of neighbors, starting from random trees."""
    return index.query(features, k=count, epsilon=0.2)[0]


# ---------------------------------------------------------------------------------------------------------- hnswlib


def build_hnswlib(features: np.ndarray, settings: IndexSettings) -> Index:
    """Build a hierarchical navigable small world graph (Malkov, Yashunin 2018)."""
    import hnswlib

    index = hnswlib.Index(space="l2", dim=features.shape[1])
    index.init_index(len(features), M=16, ef_construction=200, random_seed=settings.seed % 2**31)
    index.add_items(features, num_threads=settings.threads)
    return index


def query_hnswlib(index: Index, features: np.ndarray, count: int, threads: int) -> np.ndarray:
    """Search the graph, with a larger breadth if there are fewer neighbors than requested."""
    n_rows = index.get_current_count()
    breadth = SEARCH_BREADTH * count
    while True:
        index.set_ef(breadth)
        try:
            return index.knn_query(features, k=count, num_threads=threads)[0].astype(np.int64)
        except RuntimeError as error:  # it found fewer than k
            if breadth >= 2 * n_rows:
                raise ValueError(
                    f"hnswlib does not reach {count} neighbors from every row ({error}), as where many rows are the "
                    "same. Use searcher='pynndescent', or leave repeated rows out."
                ) from error
            breadth *= 4


# ----------------------------------------------------------------------------------------------------------- usearch


def build_usearch(features: np.ndarray, settings: IndexSettings) -> Index:
    """Build the same kind of graph as hnswlib, by another library."""
    from usearch.index import Index as Graph

    index = Graph(ndim=features.shape[1], metric="l2sq", dtype="f32")
    keys = np.arange(len(features))
    index.add(keys[:SERIAL_ROWS], features[:SERIAL_ROWS], threads=1)
    if len(features) > SERIAL_ROWS:
        index.add(keys[SERIAL_ROWS:], features[SERIAL_ROWS:], threads=settings.threads)
    return index


def query_usearch(index: Index, features: np.ndarray, count: int, threads: int) -> np.ndarray:
    """Return the keys of the neighbors, with -1 for rows that have found fewer."""
    index.expansion_search = SEARCH_BREADTH * count  # this is not stored with an index
    found = index.search(features, count, threads=threads)
    keys = np.asarray(found.keys).astype(np.int64).reshape(len(features), -1)
    counts = np.asarray(getattr(found, "counts", len(keys[0]))).reshape(-1, 1)  # a single row has no counts
    return np.where(np.arange(keys.shape[1]) < counts, keys, -1)


def dump_usearch(index: Index) -> np.ndarray:
    """Return an index as bytes."""
    return np.frombuffer(index.save(), np.uint8)


def load_usearch(stored: np.ndarray) -> Index:
    """Return the index of some bytes."""
    from usearch.index import Index as Graph

    return Graph.restore(bytes(stored))


# ------------------------------------------------------------------------------------------------------------- faiss


def build_faiss(features: np.ndarray, settings: IndexSettings) -> Index:
    """Build an inverted file: lists of the rows nearest to each of 4 sqrt(n) means."""
    import faiss

    n, columns = features.shape
    lists = max(1, min(int(4 * np.sqrt(n)), n // MIN_ROWS_PER_LIST))
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(columns), columns, lists)
    index.cp.seed, index.cp.niter, index.cp.max_points_per_centroid = settings.seed % 2**31, 6, 64
    with _use_faiss_threads(settings.threads):
        index.train(features)
        index.add(features)
    return index


def query_faiss(index: Index, features: np.ndarray, count: int, threads: int) -> np.ndarray:
    """Search the nearest lists, and more of them if they contain too few rows."""
    searched = min(LISTS_PER_QUERY, index.nlist)
    with _use_faiss_threads(threads):
        while True:
            index.nprobe = searched
            found = index.search(features, count)[1]
            if searched >= index.nlist or (found >= 0).all():
                return found
            searched = min(4 * searched, index.nlist)


@contextlib.contextmanager
def _use_faiss_threads(threads: int) -> Iterator[None]:
    """Set the number of faiss's threads in a block."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def dump_faiss(index: Index) -> np.ndarray:
    """Return an index as bytes."""
    import faiss

    return faiss.serialize_index(index)


def load_faiss(stored: np.ndarray) -> Index:
    """Return the index of some bytes."""
    import faiss

    return faiss.deserialize_index(np.array(stored))


# ------------------------------------------------------------------------------------------------------------------

EUCLIDEAN_NAMES = {"euclidean": "euclidean", "sqeuclidean": "euclidean"}  # metrics of the same order of neighbors
OTHER_METRICS = (
    "braycurtis canberra chebyshev dice hamming haversine jaccard manhattan minkowski rogerstanimoto russellrao"
)
PYNNDESCENT_METRICS = EUCLIDEAN_NAMES | {name: name for name in [*OTHER_METRICS.split(), "sokalsneath", "yule"]}

LIBRARIES: dict[str, Library] = {
    "pynndescent": Library(
        ("pynndescent", "pynndescent"),
        PYNNDESCENT_METRICS,
        build_pynndescent,
        query_pynndescent,
        query_training=query_training_pynndescent,
        sparse=True,
        functions=True,
    ),
    "hnswlib": Library(("hnswlib", "chroma-hnswlib"), EUCLIDEAN_NAMES, build_hnswlib, query_hnswlib),
    "faiss": Library(
        ("faiss", "faiss-cpu"), EUCLIDEAN_NAMES, build_faiss, query_faiss, dump=dump_faiss, load=load_faiss
    ),
    "usearch": Library(
        ("usearch", "usearch"), EUCLIDEAN_NAMES, build_usearch, query_usearch, dump=dump_usearch, load=load_usearch
    ),
}
"""Libraries by the values of `searcher`. Metrics of unit vectors, such as cosine, count as Euclidean here."""
