"""The cache of compiled kernels on disk.

numba identifies a stored function by its own bytecode and by the modification time of its file. A change in a helper
from another file, or in a compiler option, would therefore leave outdated machine code in use. numba also gives equal
names to files of different content, numbers them by an index that two processes may write at once, and writes the index
before the code. So this cache has no index. The name of each file contains a digest of all kernels and of the way they
are compiled, numba's version, the signature and the processor.
"""

import contextlib
import functools
import hashlib
import inspect
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numba
from numba.core import caching

from umap_sk.runtime.threads import config

DataFiles: Any = getattr(caching, "IndexDataCacheFile", object)
Implementation: Any = caching.FunctionCache._impl_class
LOCATORS = getattr(Implementation, "_locator_classes", [])
Key: TypeAlias = tuple[object, ...]
"""numba's key of compiled code: the signature, the processor and hashes of the function."""


@functools.cache
def hash_sources() -> str:
    """Return a digest of all files that determine what the compiled functions do and how they are stored."""
    here = Path(__file__)
    sums = hashlib.sha256()
    for path in (here, here.with_name("compile.py"), *sorted((here.parents[1] / "kernels").glob("*.py"))):
        sums.update(path.read_bytes())
    return sums.hexdigest()


class SignatureFiles(DataFiles):
    """Files of machine code of one function: one for each signature and processor, without an index.

    With numba's index, two processes that compile two signatures at once give both the same file, and a third process
    may then run the wrong one. New files go to the first folder, unless its name is empty.
    """

    def __init__(self, folders: list[str], name: str):
        super().__init__(folders[0], name, None)
        self._folders, self._name = folders, name

    def save(self, key: Key, data: tuple[object, ...]) -> None:
        """Write to a temporary file and rename it."""
        if self._folders[0]:
            self._save_data(self._name_file(key), (key, data))

    def load(self, key: Key) -> tuple[object, ...] | None:
        """Return the data from the first folder that has a complete file of this key, or None."""
        for folder in filter(None, self._folders):
            with contextlib.suppress(OSError, EOFError, pickle.UnpicklingError):
                stored, data = self._load_data(str(Path(folder) / self._name_file(key)))
                if stored == key:
                    return data
        return None

    def _name_file(self, key: Key) -> str:
        return f"{self._name}.{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}.nbc"


class NoFolder:
    """Stands in for a writable folder if there is none, so that numba still looks into the readable ones."""

    def __init__(self, function: Callable[..., object], file: str):
        self._lineno, self._py_file = function.__code__.co_firstlineno, file

    @classmethod
    def from_function(cls, function: Callable[..., object], file: str) -> "NoFolder":
        """Make the locator. numba calls this to look for a folder."""
        return cls(function, file)

    def get_cache_path(self) -> str:
        """Return an empty path, since there is no writable folder."""
        return ""

    def get_source_stamp(self) -> None:
        """Return None, since the file names replace stamps."""

    def get_disambiguator(self) -> str:
        """Return the line of the function, as numba does."""
        return str(self._lineno)

    def ensure_cache_path(self) -> None:
        """Do nothing, since there is no folder to make."""


class _CacheImplementation(Implementation):
    _locator_classes = [*LOCATORS, NoFolder]


class PackageCache(caching.FunctionCache):
    """numba's cache of one function, in files specific to a source, numba's version and a way of compiling.

    The cache also reads folders that cannot be written to, such as those of a container image.
    """

    _impl_class = _CacheImplementation

    def __init__(self, function: Callable[..., object], way: str = ""):
        super().__init__(function)
        file, folders = Path(inspect.getfile(function)), [self._cache_path]
        if config.CACHE_DIR:
            subfolder = caching._CacheLocator.get_suitable_cache_subpath(str(file))
            folders.append(str(Path(config.CACHE_DIR) / subfolder))
        folders.append(str(file.parent / "__pycache__"))
        name = f"{self._impl.filename_base}{way}.{numba.__version__}.{hash_sources()[:16]}"
        self._cache_file = SignatureFiles(list(dict.fromkeys(folders)), name)


def find_cache_folder(launch: Any) -> Path | None:
    """Return the folder in which a parallel kernel and all others are cached, or None if none is writable."""
    path = getattr(getattr(launch.compiled(alone=True), "_cache", None), "cache_path", None)
    return Path(path) if path else None


def list_cached_files(folder: Path) -> list[Path]:
    """Return the cached files of the current source and version of numba."""
    return sorted(folder.glob(f"*.{numba.__version__}.{hash_sources()[:16]}.*"))


def has_kernels(cache: PackageCache) -> bool:
    """Return whether any kernel of the current source is in one of the folders that a cache reads."""
    folders = getattr(cache._cache_file, "_folders", [cache.cache_path])
    return any(list_cached_files(Path(folder)) for folder in folders if folder)
