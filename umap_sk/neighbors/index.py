"""An index of a library among a model's attributes: built, asked and stored."""

import importlib
import importlib.metadata
from typing import Any

import numpy as np
import scipy.sparse

from umap_sk.neighbors.approximate import LIBRARIES, Library, Wanted


class Index:
    """An index of a library, that is stored as the library stores it and read when it is first asked after that."""

    def __init__(self, name: str, wanted: Wanted, features: Any):
        self.name, self.version = name, version_of(LIBRARIES[name])
        self._stored: Any = None
        self._built = LIBRARIES[name].build(narrow(features), wanted)

    def own(self, features: Any, count: int, threads: int) -> np.ndarray:
        """Candidates of all rows that the index is of, themselves among them."""
        library = LIBRARIES[self.name]
        return (library.own or library.ask)(self._ready(), narrow(features), count, threads)

    def ask(self, features: Any, count: int, threads: int) -> np.ndarray:
        """Candidates of other rows."""
        return LIBRARIES[self.name].ask(self._ready(), narrow(features), count, threads)

    def _ready(self) -> Any:
        if self._built is None:
            installed = version_of(LIBRARIES[self.name])
            try:
                self._built = LIBRARIES[self.name].load(self._stored)
            except Exception as error:
                raise ValueError(
                    f"The index was stored by {self.name} {self.version} and cannot be read by {installed}: {error}. "
                    f"Install the former, pass knn_indices and knn_dists of the new rows, or fit again."
                ) from error
            self._stored = None
        return self._built

    def __getstate__(self) -> dict[str, Any]:
        stored = self._stored if self._built is None else LIBRARIES[self.name].dump(self._built)
        return {"name": self.name, "version": self.version, "_stored": stored, "_built": None}


def imported(library: Library) -> Any:
    """The module of a library, or an ImportError that says how to install it."""
    try:
        return importlib.import_module(library.names[0])
    except ImportError as error:
        name = next(name for name, other in LIBRARIES.items() if other is library)
        raise ImportError(
            f"searcher={name!r} needs {library.names[1]}: python -m pip install {library.names[1]}. Or use "
            "searcher='exact', or pass knn_indices and knn_dists that were found elsewhere."
        ) from error


def version_of(library: Library) -> str:
    """Version of a library that is installed, as far as it tells."""
    module = imported(library)
    try:
        return str(getattr(module, "__version__", None) or importlib.metadata.version(library.names[1]))
    except importlib.metadata.PackageNotFoundError:  # hnswlib, which comes in more than one package
        return "of unknown version"


def narrow(features: Any) -> Any:
    """Features in float32, which is what the libraries compute in; ValueError if they are too large for its squares."""
    if features.dtype == bool:
        return features.astype(np.float32)
    stored = features.data if scipy.sparse.issparse(features) else features
    largest = max(float(stored.max(initial=0)), -float(stored.min(initial=0)))
    if largest > 1e17:
        raise ValueError(
            f"X goes up to {largest:.2g}, but libraries that search compute in float32 and take features below 1e+17. "
            "Scale X down, for example by X / np.abs(X).max(), or use searcher='exact'."
        )
    narrowed = features.astype(np.float32)
    return narrowed if scipy.sparse.issparse(features) else np.ascontiguousarray(narrowed)
