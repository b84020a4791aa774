"""The identity of a run.

Two runs are the same if their data, parameters and versions are. Threads, output and the place of checkpoints do not
matter.
"""

import hashlib
import inspect
import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from numbers import Real
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, TypedDict

import joblib
import numpy as np
import scipy.sparse

from umap_sk._typing import Parameters
from umap_sk._version import __version__
from umap_sk.neighbors.sparse_structure import check_structure
from umap_sk.runtime.checksum import hash_arrays
from umap_sk.runtime.files import DamagedError
from umap_sk.runtime.json_files import Json, to_json

RUN_FORMAT = 1  # format of the files of a run; increase it when a new version cannot resume older runs
IRRELEVANT_PARAMETERS = ("n_jobs", "verbose", "checkpoint")
VALID_SEEDS = range(2**32)  # the values of random_state, which include all seeds that are drawn


class Identity(TypedDict):
    """What distinguishes a run from others, as values for JSON."""

    format: int
    umap_sk: str
    parameters: dict[str, Json]
    data: dict[str, str]


def identify_run(parameters: Parameters, data: dict[str, str]) -> Identity:
    """Return what distinguishes a run from others, as values for JSON.

    The identity consists of format, version, parameters and hashes of the data. Its `init` is the one in use. Its
    `random_state` is the seed, or None for any seed.
    """
    names = sorted(parameters.keys() - set(IRRELEVANT_PARAMETERS))
    compared = {name: _to_comparable(parameters[name]) for name in names}
    return {"format": RUN_FORMAT, "umap_sk": __version__, "parameters": compared, "data": data}


def compute_fingerprints(**given: object) -> dict[str, str]:
    """Compute hashes of arrays, frames, sparse graphs, names or a manifold, by name. None is left out."""
    for name, value in given.items():
        check_structure(value, name)
    plain = {name: _normalize(value) for name, value in given.items() if value is not None}
    with ThreadPoolExecutor(max(1, len(plain))) as side_by_side:
        return dict(zip(plain, side_by_side.map(_hash, plain.values()), strict=True))


def _normalize(value: object) -> object:
    """Return the part of a value that is compared, without memory order and without flags of sparse arrays."""
    if isinstance(value, tuple) and any(hasattr(part, "__array__") for part in value):
        return tuple(_hash(_normalize(part)) for part in value)
    if scipy.sparse.issparse(value):
        rows = scipy.sparse.csr_array(value)
        return rows.shape, rows.indptr, rows.indices, rows.data
    return np.asarray(value) if hasattr(value, "__array__") else value


def _hash(value: object) -> str:
    """Return a hash that does not depend on memory order."""
    if not isinstance(value, np.ndarray) or value.dtype.hasobject:
        return joblib.hash(value, hash_name="sha1", coerce_mmap=True)
    return f"{value.dtype.str} {value.shape} {hash_arrays([np.atleast_1d(value)])}"


def check_same_data(first: dict[str, str], later: dict[str, str]) -> None:
    """Raise if a later call of partial_fit has other data than the first call."""
    for name, value in later.items():
        if first.get(name) != value:
            raise ValueError(
                f"{name} differs from what the first call of partial_fit was given. Later calls may leave it out; to "
                "lay out other data, call fit, or partial_fit of a new estimator."
            )


def check_same_parameters(first: Parameters, now: Parameters) -> None:
    """Raise if a relevant parameter was changed after the layout began. Parameters missing in `first` are ignored."""
    relevant = [name for name in now if name in first and name not in IRRELEVANT_PARAMETERS]
    compared = [name for name in relevant if now[name] is not first[name]]
    pairs = {name: (_to_comparable(first[name]), _to_comparable(now[name])) for name in compared}
    changes = [f"{name}={was!r} when the layout began, {new!r} now" for name, (was, new) in pairs.items() if was != new]
    if changes:
        raise ValueError(
            f"{'; '.join(changes)}: parameters cannot change between two calls of partial_fit. Set them back, or call "
            "fit to begin anew."
        )


def name_run(identity: Mapping[str, object]) -> str:
    """Return the name of a run's folder, which consists of 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]


def make_stamp(folder: Path) -> dict[str, object]:
    """Return the first fields of every JSON file of a run."""
    written = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    return {"format": RUN_FORMAT, "umap_sk": __version__, "run": folder.name, "written": written}


def check_stamp(folder: Path, fields: Mapping[str, object]) -> None:
    """Raise DamagedError if a file belongs to another run or describes another run than its folder's name."""
    if fields.get("run") != folder.name:
        raise DamagedError(f"it belongs to run {fields.get('run')!r}")
    if name_run({name: fields.get(name) for name in ("format", "umap_sk", "parameters", "data")}) != folder.name:
        raise DamagedError("it describes another run")


def check_seed(seed: object, parameters: Parameters) -> None:
    """Raise DamagedError if a seed is invalid, or is not the requested one."""
    if type(seed) is not int or seed not in VALID_SEEDS:
        raise DamagedError(f"seed={seed!r} is no whole number from 0 to {VALID_SEEDS[-1]}")
    requested = parameters.get("random_state")
    if requested is not None and seed != requested:
        raise DamagedError(f"seed={seed}, but random_state={requested} was asked for")


def find_differences(stored: Mapping[str, object], current: Mapping[str, object]) -> list[str]:
    """Return the differences between two runs as texts. Other entries of `stored` are ignored."""
    found = [
        f"{name}={stored.get(name)!r} there, {current[name]!r} here"
        for name in ("format", "umap_sk")
        if stored.get(name) != current[name]
    ]
    for part in ("parameters", "data"):
        old, new = (fields if isinstance(fields, dict) else {} for fields in (stored.get(part), current[part]))
        for name in (name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)):
            if part == "parameters":
                found.append(f"{name}={old.get(name)!r} there, {new.get(name)!r} here")
            elif name in old and name in new:
                found.append(f"{name} differs")
            else:
                found.append(f"{name} given only {'there' if name in old else 'here'}")
    return found


def _to_comparable(value: object) -> Json:
    """Convert a parameter to a value for JSON, in which 1 equals 1.0, and arrays and functions become hashes."""
    if value is None or isinstance(value, str | Real | np.bool_):
        plain = to_json(value)
        return int(plain) if isinstance(plain, float) and plain.is_integer() else plain
    if hasattr(value, "__code__"):
        return _describe_function(value, ())
    return f"hash {joblib.hash(value, hash_name='sha1', coerce_mmap=True)}"


def _describe_function(value: Any, callers: tuple[FunctionType, ...]) -> str:
    """Return the name of a function of Python or of numba, and a hash of its code and of outer values that it uses."""
    function = getattr(value, "py_func", value)  # numba stores the original function there
    codes = _collect_codes(function.__code__)
    content = "".join(
        repr((code.co_code, code.co_names, [c for c in code.co_consts if not hasattr(c, "co_code")])) for code in codes
    )
    found = _find_outer_values(function, codes)
    if found:
        callers = (*callers, function)
        descriptions = {name: _describe_outer_value(name, value, callers) for name, value in sorted(found.items())}
        content += json.dumps(descriptions)
    return f"{value.__module__}.{value.__qualname__} {hashlib.sha256(content.encode()).hexdigest()[:16]}"


def _collect_codes(code: CodeType) -> list[CodeType]:
    """Return a function's code and the code of all functions inside it."""
    return [code, *(inner for const in code.co_consts if hasattr(const, "co_code") for inner in _collect_codes(const))]


def _find_outer_values(function: FunctionType, codes: list[CodeType]) -> dict[str, object]:
    """Return the values of defaults, closures and globals that a function uses, except modules and builtins."""
    found = dict(enumerate(function.__defaults__ or ())) | (function.__kwdefaults__ or {})
    found |= dict(
        zip(function.__code__.co_freevars, (c.cell_contents for c in function.__closure__ or ()), strict=True)
    )
    names = {name for code in codes for name in code.co_names} & function.__globals__.keys()
    found |= {name: function.__globals__[name] for name in names}
    return {str(name): value for name, value in found.items() if not inspect.ismodule(value)}


def _describe_outer_value(name: str, value: object, callers: tuple[FunctionType, ...]) -> Json:
    """Convert a value that a function uses to a value for JSON."""
    if any(getattr(value, "py_func", value) is function for function in callers):  # it calls itself
        return "itself"
    if hasattr(value, "__code__"):
        return _describe_function(value, callers)
    try:
        return _to_comparable(value)
    except Exception as error:
        raise ValueError(
            f"A function among the parameters uses {name!r}, a {type(value).__name__}, of which no checkpoint can tell "
            "whether it is the same in another process. Give the value as a number or an array, or set checkpoint=None."
        ) from error
