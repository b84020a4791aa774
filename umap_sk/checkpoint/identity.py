"""What makes two runs the same: data, parameters and version, not threads, output or where checkpoints lie."""

import hashlib
import inspect
import json
import time
from concurrent.futures import ThreadPoolExecutor
from numbers import Real
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import scipy.sparse

from umap_sk._version import __version__
from umap_sk.neighbors.sparse_structure import check_structure
from umap_sk.runtime.files import DamagedError
from umap_sk.runtime.json_files import to_json

RUN_FORMAT = 1  # of the files in a run's folder, raised when a newer version could not go on with an older one's
NO_DIFFERENCE = ("n_jobs", "verbose", "checkpoint")
SEEDS = range(2**32)  # what random_state takes, and more than is drawn


def version_fields() -> dict[str, Any]:
    """Format of the files and version of the package, as every JSON file of a run has them."""
    return {"format": RUN_FORMAT, "umap_sk": __version__}


def identity_of(parameters: dict[str, Any], data: dict[str, str]) -> dict[str, Any]:
    """What distinguishes a run from others, as JSON takes it: format and version, parameters, hashes of the data.

    The parameters have the `init` that counts, and the seed as `random_state`, or None for any seed.
    """
    told = {name: _comparable(value) for name, value in sorted(parameters.items()) if name not in NO_DIFFERENCE}
    return {**version_fields(), "parameters": told, "data": data}


def fingerprints(**given: Any) -> dict[str, str]:
    """Hashes of arrays, frames, sparse graphs, names or a manifold, by name; None is left out."""
    for name, value in given.items():
        check_structure(value, name)
    plain = {name: _content(value) for name, value in given.items() if value is not None}
    with ThreadPoolExecutor(max(1, len(plain))) as side_by_side:
        hashes = side_by_side.map(lambda value: joblib.hash(value, hash_name="sha1", coerce_mmap=True), plain.values())
        return dict(zip(plain, hashes, strict=True))


def _content(value: Any) -> Any:
    """What counts of a value: not the order of an array in memory, nor what a sparse one knows of itself."""
    if isinstance(value, tuple) and any(hasattr(part, "__array__") for part in value):
        return tuple(map(_content, value))
    if scipy.sparse.issparse(value):
        rows = scipy.sparse.csr_array(value)
        return rows.shape, rows.indptr, rows.indices, rows.data
    return np.asarray(value, order="C") if hasattr(value, "__array__") else value


def check_same(first: dict[str, str], again: dict[str, str]) -> None:
    """Raise if a later call of partial_fit brings other data than the first."""
    for name, value in again.items():
        if first.get(name) != value:
            raise ValueError(
                f"{name} differs from what the first call of partial_fit was given. Later calls may leave it out; to "
                "lay out other data, call fit, or partial_fit of a new estimator."
            )


def check_unchanged(first: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise if a parameter that matters was changed since a layout began; one that `first` lacks is not compared."""
    compared = [name for name in now if name in first and name not in NO_DIFFERENCE and now[name] is not first[name]]
    pairs = {name: (_comparable(first[name]), _comparable(now[name])) for name in compared}
    changed = [f"{name}={was!r} when the layout began, {new!r} now" for name, (was, new) in pairs.items() if was != new]
    if changed:
        raise ValueError(
            f"{'; '.join(changed)}: parameters cannot change between two calls of partial_fit. Set them back, or call "
            "fit to begin anew."
        )


def run_name(identity: dict[str, Any]) -> str:
    """Name of a run's folder: 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]


def stamp(folder: Path) -> dict[str, Any]:
    """What every JSON file begins with."""
    return {**version_fields(), "run": folder.name, "written": time.strftime("%Y-%m-%dT%H:%M:%S%z")}


def check_stamp(folder: Path, about: dict[str, Any]) -> None:
    """Raise DamagedError if a file belongs to another run, or describes one: a folder's name is its identity's hash."""
    if about.get("run") != folder.name:
        raise DamagedError(f"it belongs to run {about.get('run')!r}")
    if run_name({name: about.get(name) for name in ("format", "umap_sk", "parameters", "data")}) != folder.name:
        raise DamagedError("it describes another run")


def check_seed(seed: Any, identity: dict[str, Any]) -> None:
    """Raise DamagedError if a run cannot have a seed, or another one was asked for."""
    if type(seed) is not int or seed not in SEEDS:
        raise DamagedError(f"seed={seed!r} is no whole number from 0 to {SEEDS[-1]}")
    asked = identity["parameters"].get("random_state")
    if asked is not None and seed != asked:
        raise DamagedError(f"seed={seed}, but random_state={asked} was asked for")


def differences(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """What keeps two runs from being the same, one text a difference; what else `there` holds is not looked at."""
    found = [
        f"{name}={there.get(name)!r} there, {here[name]!r} here"
        for name in ("format", "umap_sk")
        if there.get(name) != here[name]
    ]
    for part, shown in (("parameters", _both), ("data", _name_alone)):
        old, new = there.get(part), here[part]
        old = old if isinstance(old, dict) else {}
        found += [shown(name, old, new) for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    return found


def _both(name: str, there: dict[str, Any], here: dict[str, Any]) -> str:
    return f"{name}={there.get(name)!r} there, {here.get(name)!r} here"


def _name_alone(name: str, there: dict[str, str], here: dict[str, str]) -> str:
    if name not in there or name not in here:
        return f"{name} given only {'there' if name in there else 'here'}"
    return f"{name} differs"


def _comparable(value: Any) -> Any:
    """A parameter as JSON has it: 1 and 1.0 are the same, arrays become hashes, functions their names."""
    if value is None or isinstance(value, str | Real | np.bool_):
        value = to_json(value)
        return int(value) if isinstance(value, float) and value.is_integer() else value
    if hasattr(value, "__code__"):
        return _function_told(value, ())
    return f"hash {joblib.hash(value, hash_name='sha1', coerce_mmap=True)}"


def _function_told(value: Any, above: tuple[Any, ...]) -> str:
    """A function's name and a hash of what it does: its code, and the values that the code finds outside of itself."""
    function = getattr(value, "py_func", value)  # numba keeps the original so
    codes = _codes(function.__code__)
    content = "".join(
        repr((code.co_code, code.co_names, [c for c in code.co_consts if not hasattr(c, "co_code")])) for code in codes
    )
    found = _outside(function, codes)
    if found:
        above = (*above, function)
        content += json.dumps({name: _bound(name, value, above) for name, value in sorted(found.items())})
    return f"{value.__module__}.{value.__qualname__} {hashlib.sha256(content.encode()).hexdigest()[:16]}"


def _codes(code: Any) -> list[Any]:
    """A function's code and that of the functions within it."""
    return [code, *(inner for const in code.co_consts if hasattr(const, "co_code") for inner in _codes(const))]


def _outside(function: Any, codes: list[Any]) -> dict[str, Any]:
    """Values of defaults, of the enclosing functions and of global names; modules and what is built in say nothing."""
    found = dict(enumerate(function.__defaults__ or ())) | (function.__kwdefaults__ or {})
    found |= dict(
        zip(function.__code__.co_freevars, (c.cell_contents for c in function.__closure__ or ()), strict=True)
    )
    named = {name for code in codes for name in code.co_names} & function.__globals__.keys()
    found |= {name: function.__globals__[name] for name in named}
    return {str(name): value for name, value in found.items() if not inspect.ismodule(value)}


def _bound(name: str, value: Any, above: tuple[Any, ...]) -> Any:
    """A value that a function finds, as JSON has it."""
    if any(getattr(value, "py_func", value) is function for function in above):  # it calls itself
        return "itself"
    if hasattr(value, "__code__"):
        return _function_told(value, above)
    try:
        return _comparable(value)
    except Exception as error:
        raise ValueError(
            f"A function among the parameters uses {name!r}, a {type(value).__name__}, of which no checkpoint can tell "
            "whether it is the same in another process. Give the value as a number or an array, or set checkpoint=None."
        ) from error
