"""Types of the indices of libraries for approximate search, by the methods that the package calls."""

from typing import Protocol, TypeAlias

import numpy as np

from umap_sk._typing import Features


class PynndescentIndex(Protocol):
    """The methods of pynndescent's index that are called here."""

    neighbor_graph: tuple[np.ndarray, np.ndarray]

    def query(self, query_data: Features, k: int, epsilon: float) -> tuple[np.ndarray, np.ndarray]:
        """Return indices and distances."""
        ...


class HnswlibIndex(Protocol):
    """The methods of hnswlib's index that are called here."""

    def get_current_count(self) -> int:
        """Return the number of rows."""
        ...

    def set_ef(self, ef: int) -> None:
        """Set the breadth of the search."""
        ...

    def knn_query(self, data: np.ndarray, k: int, num_threads: int) -> tuple[np.ndarray, np.ndarray]:
        """Return indices and squared distances."""
        ...


class UsearchMatches(Protocol):
    """The result of a search by usearch."""

    keys: np.ndarray


class UsearchIndex(Protocol):
    """The methods of usearch's index that are called here."""

    expansion_search: int

    def search(self, vectors: np.ndarray, count: int, threads: int) -> UsearchMatches:
        """Return the keys of the nearest rows."""
        ...

    def save(self) -> bytes:
        """Return the index as bytes."""
        ...


class FaissIndex(Protocol):
    """The methods of faiss's inverted file that are called here."""

    nlist: int
    nprobe: int

    def search(self, x: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return squared distances and indices."""
        ...


Index: TypeAlias = PynndescentIndex | HnswlibIndex | UsearchIndex | FaissIndex
"""An index of any library."""

StoredIndex: TypeAlias = bytes | np.ndarray
"""An index in the library's own format."""
