"""The cache of compiled kernels on disk.

numba keys what it stores on a function's own bytecode and stamps it with the file that defines the function, so a
helper in another file, or an option of the compiler, would leave stale machine code behind. It also names its files
alike whatever is in them, numbers them by an index that two processes may write at once, and writes the index before
the code. So each file is named by a digest of all kernels and of how they are compiled, by numba's version, and by
signature and processor, and there is no index.
"""

import contextlib
import functools
import hashlib
import inspect
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core import caching

from umap_sk.runtime.threads import config

Files: Any = getattr(caching, "IndexDataCacheFile", object)
Implementation: Any = caching.FunctionCache._impl_class
LOCATORS = getattr(Implementation, "_locator_classes", [])


@functools.cache
def digest() -> str:
    """Checksum of every file that decides what the compiled functions do, or how they are stored."""
    here = Path(__file__)
    sums = hashlib.sha256()
    for path in (here, here.with_name("compile.py"), *sorted((here.parents[1] / "kernels").glob("*.py"))):
        sums.update(path.read_bytes())
    return sums.hexdigest()


class SignatureFiles(Files):
    """Cached machine code of one function: a file for each signature and processor, named by both, and no index.

    With numba's index two processes that compile two signatures at once give both the same file, and a third one then
    runs one for the other. The first folder is written to, unless it is "".
    """

    def __init__(self, folders: list[str], name: str):
        super().__init__(folders[0], name, None)
        self._folders, self._name = folders, name

    def save(self, key: Any, data: Any) -> None:
        """Write beside the place and rename."""
        if self._folders[0]:
            self._save_data(self._file_of(key), (key, data))

    def load(self, key: Any) -> Any:
        """What one of the folders has; None where there is nothing, or no whole file."""
        for folder in filter(None, self._folders):
            with contextlib.suppress(OSError, EOFError, pickle.UnpicklingError):
                stored, data = self._load_data(str(Path(folder) / self._file_of(key)))
                if stored == key:
                    return data
        return None

    def _file_of(self, key: Any) -> str:
        return f"{self._name}.{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}.nbc"


class NoFolder:
    """Stands for a folder where no other can be written to, so that those which can be read are looked into."""

    def __init__(self, function: Callable[..., Any], file: str):
        self._lineno, self._py_file = function.__code__.co_firstlineno, file

    @classmethod
    def from_function(cls, function: Callable[..., Any], file: str) -> "NoFolder":
        """Where numba asks for a folder."""
        return cls(function, file)

    def get_cache_path(self) -> str:
        """None that can be written to."""
        return ""

    def get_source_stamp(self) -> None:
        """Nothing is stamped."""

    def get_disambiguator(self) -> str:
        """As numba's own."""
        return str(self._lineno)

    def ensure_cache_path(self) -> None:
        """There is nothing to make."""


class _Stored(Implementation):
    _locator_classes = [*LOCATORS, NoFolder]


class PackageCache(caching.FunctionCache):
    """numba's cache of one function, in files that no other source, version of numba or way of compiling it has.

    Looked for is also where nothing can be written, as in the image of a container.
    """

    _impl_class = _Stored

    def __init__(self, function: Callable[..., Any], way: str = ""):
        super().__init__(function)
        file, folders = Path(inspect.getfile(function)), [self._cache_path]
        if config.CACHE_DIR:
            subfolder = caching._CacheLocator.get_suitable_cache_subpath(str(file))
            folders.append(str(Path(config.CACHE_DIR) / subfolder))
        folders.append(str(file.parent / "__pycache__"))
        name = f"{self._impl.filename_base}{way}.{numba.__version__}.{digest()[:16]}"
        self._cache_file = SignatureFiles(list(dict.fromkeys(folders)), name)


def cache_folder(launch: Any) -> Path | None:
    """Where a parallel kernel is kept, as all others are; None where no folder can be written to."""
    path = getattr(getattr(launch.compiled(alone=True), "_cache", None), "cache_path", None)
    return Path(path) if path else None


def cached_files(folder: Path) -> list[Path]:
    """Files of the kernels of this source and version of numba."""
    return sorted(folder.glob(f"*.{numba.__version__}.{digest()[:16]}.*"))


def has_kernels(cache: Any) -> bool:
    """Whether any kernel of this source is in one of the folders in which a cache looks for its own."""
    folders = getattr(cache._cache_file, "_folders", [cache.cache_path])
    return any(cached_files(Path(folder)) for folder in folders if folder)
