"""The index of a library as part of a model: built, queried and stored."""

import importlib
import importlib.metadata
from types import ModuleType

import numpy as np

from umap_sk._typing import Features, is_sparse
from umap_sk.neighbors.approximate import LIBRARIES, Index, IndexSettings, Library


class LibraryIndex:
    """An index of a library. It is stored in the library's own format, and loaded at its first query."""

    def __init__(self, name: str, settings: IndexSettings, features: Features):
        self.name, self.version = name, find_version(LIBRARIES[name])
        self._stored: bytes | np.ndarray | None = None
        self._built: Index | None = LIBRARIES[name].build(to_float32(features), settings)

    def query(self, features: Features, count: int, threads: int, *, own: bool) -> np.ndarray:
        """Return candidates of rows. With `own`, these are all rows of the index, which may be their own candidates."""
        library = LIBRARIES[self.name]
        find = (library.query_training if own else None) or library.query
        return find(self._load(), to_float32(features), count, threads)

    def _load(self) -> Index:
        if self._built is None:
            installed = find_version(LIBRARIES[self.name])
            try:
                self._built = LIBRARIES[self.name].load(self._stored)
            except Exception as error:
                raise ValueError(
                    f"The index was stored by {self.name} {self.version} and cannot be read by {installed}: {error}. "
                    f"Install the former, pass knn_indices and knn_dists of the new rows, or fit again."
                ) from error
            self._stored = None
        return self._built

    def __getstate__(self) -> dict[str, object]:
        stored = self._stored if self._built is None else LIBRARIES[self.name].dump(self._built)
        return {"name": self.name, "version": self.version, "_stored": stored, "_built": None}


def import_library(library: Library) -> ModuleType:
    """Import a library, or raise an ImportError that says how to install it."""
    try:
        return importlib.import_module(library.names[0])
    except ImportError as error:
        name = next(name for name, other in LIBRARIES.items() if other is library)
        raise ImportError(
            f"searcher={name!r} needs {library.names[1]}: python -m pip install {library.names[1]}. Or use "
            "searcher='exact', or pass knn_indices and knn_dists that were found elsewhere."
        ) from error


def find_version(library: Library) -> str:
    """Return the version of an installed library."""
    module = import_library(library)
    try:
        return str(getattr(module, "__version__", None) or importlib.metadata.version(library.names[1]))
    except importlib.metadata.PackageNotFoundError:  # hnswlib is distributed under several names
        return "of unknown version"


def to_float32(features: Features) -> Features:
    """Convert features to float32, which the libraries use. Raise ValueError if their squares would overflow."""
    if features.dtype == bool:
        return features.astype(np.float32)
    stored = features.data if is_sparse(features) else features
    largest = max(float(stored.max(initial=0)), -float(stored.min(initial=0)))
    if largest > 1e17:
        raise ValueError(
            f"X goes up to {largest:.2g}, but libraries that search compute in float32 and take features below 1e+17. "
            "Scale X down, for example by X / np.abs(X).max(), or use searcher='exact'."
        )
    narrowed = features.astype(np.float32)
    return narrowed if is_sparse(narrowed) else np.ascontiguousarray(narrowed)
