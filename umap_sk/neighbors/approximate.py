"""Libraries that find nearly all neighbors: how each builds an index, is asked, and is stored."""

import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

BREADTH = 6  # vertices that a walk through a graph keeps in view, a neighbor that is wanted
ONE_BY_ONE = 10_000  # rows that begin a graph of usearch: in a small one, threads side by side cut rows off
LISTS_SEARCHED = 32  # of the 4 sqrt(n) that faiss puts the rows into
LEAST_LISTED = 39  # rows of each, as faiss wants for its means


class Wanted(NamedTuple):
    """What an index is built for.

    Attributes
    ----------
    metric : str or callable
        As the library knows it.
    arguments : dict
        Of the metric.
    neighbors : int
        Neighbors of a row that will be asked for, the row itself among them.
    seed : int
        Of what the library draws.
    threads : int
        That it may run.
    """

    metric: Any
    arguments: dict[str, Any]
    neighbors: int
    seed: int
    threads: int


class Library(NamedTuple):
    """A library that searches.

    Attributes
    ----------
    names : tuple of str
        By which it is imported, and installed by pip.
    metrics : dict of str
        What it calls the metrics that it can search by.
    build : callable
        Index of float32 rows, by a :class:`Wanted`.
    ask : callable
        Indices of the neighbors of rows, by an index, of so many, on so many threads; -1 for none.
    own : callable or None
        The same for the rows in the index, where they are asked otherwise.
    dump, load : callable
        An index as bytes, and back.
    sparse : bool
        Whether it takes sparse rows.
    functions : bool
        Whether metrics may be functions that numba has compiled.
    """

    names: tuple[str, str]
    metrics: dict[str, str]
    build: Callable[[Any, Wanted], Any]
    ask: Callable[[Any, Any, int, int], np.ndarray]
    own: Callable[[Any, Any, int, int], np.ndarray] | None = None
    dump: Callable[[Any], Any] = pickle.dumps
    load: Callable[[Any], Any] = pickle.loads
    sparse: bool = False
    functions: bool = False


# ------------------------------------------------------------------------------------------------------ PyNNDescent


def build_pynndescent(features: Any, wanted: Wanted) -> Any:
    """Rows whose neighbors' neighbors are tried until few are nearer (Dong, Moses, Li 2011)."""
    from pynndescent import NNDescent

    return NNDescent(
        features,
        metric=wanted.metric,
        metric_kwds=wanted.arguments,
        n_neighbors=min(wanted.neighbors, features.shape[0]),
        random_state=wanted.seed % 2**32,
        n_jobs=wanted.threads,
    )


def own_pynndescent(index: Any, features: Any, count: int, threads: int) -> np.ndarray:
    """The lists that the descent ended with."""
    return index.neighbor_graph[0]


def ask_pynndescent(index: Any, features: Any, count: int, threads: int) -> np.ndarray:
    """A walk through the graph of neighbors, from where trees lead."""
    return index.query(features, k=count, epsilon=0.2)[0]


# ---------------------------------------------------------------------------------------------------------- hnswlib


def build_hnswlib(features: Any, wanted: Wanted) -> Any:
    """Hierarchical navigable small worlds (Malkov, Yashunin 2018)."""
    import hnswlib

    index = hnswlib.Index(space="l2", dim=features.shape[1])
    index.init_index(len(features), M=16, ef_construction=200, random_seed=wanted.seed % 2**31)
    index.add_items(features, num_threads=wanted.threads)
    return index


def ask_hnswlib(index: Any, features: Any, count: int, threads: int) -> np.ndarray:
    """A walk that sees more, where it finds fewer than are wanted."""
    held = index.get_current_count()
    breadth = BREADTH * count
    while True:
        index.set_ef(breadth)
        try:
            return index.knn_query(features, k=count, num_threads=threads)[0].astype(np.int64)
        except RuntimeError as error:  # fewer than k
            if breadth >= 2 * held:
                raise ValueError(
                    f"hnswlib does not reach {count} neighbors from every row ({error}), as where many rows are the "
                    "same. Use searcher='pynndescent', or leave repeated rows out."
                ) from error
            breadth *= 4


# ----------------------------------------------------------------------------------------------------------- usearch


def build_usearch(features: Any, wanted: Wanted) -> Any:
    """The same graph as hnswlib's, made by another library."""
    from usearch.index import Index as Graph

    index = Graph(ndim=features.shape[1], metric="l2sq", dtype="f32")
    keys = np.arange(len(features))
    index.add(keys[:ONE_BY_ONE], features[:ONE_BY_ONE], threads=1)
    if len(features) > ONE_BY_ONE:
        index.add(keys[ONE_BY_ONE:], features[ONE_BY_ONE:], threads=wanted.threads)
    return index


def ask_usearch(index: Any, features: Any, count: int, threads: int) -> np.ndarray:
    """Keys, of which a row has as many as it found."""
    index.expansion_search = BREADTH * count  # is not stored with an index
    found = index.search(features, count, threads=threads)
    keys = np.asarray(found.keys).astype(np.int64).reshape(len(features), -1)
    counts = np.asarray(getattr(found, "counts", len(keys[0]))).reshape(-1, 1)  # one row alone has no counts
    return np.where(np.arange(keys.shape[1]) < counts, keys, -1)


def dump_usearch(index: Any) -> np.ndarray:
    """Bytes of an index."""
    return np.frombuffer(index.save(), np.uint8)


def load_usearch(stored: Any) -> Any:
    """An index from the bytes of one."""
    from usearch.index import Index as Graph

    return Graph.restore(bytes(stored))


# ------------------------------------------------------------------------------------------------------------- faiss


def build_faiss(features: Any, wanted: Wanted) -> Any:
    """Lists of the rows that are nearest to each of 4 sqrt(n) means, of which a search looks through a few."""
    import faiss

    n, columns = features.shape
    lists = max(1, min(int(4 * np.sqrt(n)), n // LEAST_LISTED))
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(columns), columns, lists)
    index.cp.seed, index.cp.niter, index.cp.max_points_per_centroid = wanted.seed % 2**31, 6, 64
    with _FaissThreads(wanted.threads):
        index.train(features)
        index.add(features)
    return index


def ask_faiss(index: Any, features: Any, count: int, threads: int) -> np.ndarray:
    """The rows of the nearest lists; of more of them, where they hold too few."""
    searched = min(LISTS_SEARCHED, index.nlist)
    with _FaissThreads(threads):
        while True:
            index.nprobe = searched
            found = index.search(features, count)[1]
            if searched >= index.nlist or (found >= 0).all():
                return found
            searched = min(4 * searched, index.nlist)


class _FaissThreads:
    """As many threads of faiss as were asked for, while it works."""

    def __init__(self, threads: int):
        self._threads = threads

    def __enter__(self) -> None:
        import faiss

        self._before = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(self._threads)

    def __exit__(self, *_: Any) -> None:
        import faiss

        faiss.omp_set_num_threads(self._before)


def dump_faiss(index: Any) -> np.ndarray:
    """Bytes of an index."""
    import faiss

    return faiss.serialize_index(index)


def load_faiss(stored: np.ndarray) -> Any:
    """An index from the bytes of one."""
    import faiss

    return faiss.deserialize_index(np.array(stored))


# ------------------------------------------------------------------------------------------------------------------

EUCLIDEAN = {"euclidean": "euclidean", "sqeuclidean": "euclidean"}  # whose order of neighbors is the same
OTHERS = "braycurtis canberra chebyshev dice hamming haversine jaccard manhattan minkowski rogerstanimoto russellrao"
OF_PYNNDESCENT = EUCLIDEAN | {name: name for name in [*OTHERS.split(), "sokalsneath", "yule"]}

LIBRARIES = {
    "pynndescent": Library(
        ("pynndescent", "pynndescent"),
        OF_PYNNDESCENT,
        build_pynndescent,
        ask_pynndescent,
        own=own_pynndescent,
        sparse=True,
        functions=True,
    ),
    "hnswlib": Library(("hnswlib", "chroma-hnswlib"), EUCLIDEAN, build_hnswlib, ask_hnswlib),
    "faiss": Library(("faiss", "faiss-cpu"), EUCLIDEAN, build_faiss, ask_faiss, dump=dump_faiss, load=load_faiss),
    "usearch": Library(
        ("usearch", "usearch"), EUCLIDEAN, build_usearch, ask_usearch, dump=dump_usearch, load=load_usearch
    ),
}
"""By the names that `searcher` has for them. Metrics of unit vectors, such as cosine, are Euclidean here."""
