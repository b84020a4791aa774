"""What makes two runs the same: data, parameters and version, not threads, output or where checkpoints lie."""

import hashlib
import json
from numbers import Integral, Real
from typing import Any

import joblib
import numpy as np

FORMAT = 4  # of the files in a run's folder, raised when a newer version could not go on with an older one's
NO_DIFFERENCE = ("n_jobs", "verbose", "checkpoint")


def version_fields() -> dict[str, Any]:
    """Format of the files and version of the package, as every JSON file of a run has them."""
    from umap_sk import __version__

    return {"format": FORMAT, "umap_sk": __version__}


def identity_of(parameters: dict[str, Any], data: dict[str, str]) -> dict[str, Any]:
    """What distinguishes a run from others, as a dict that JSON takes.

    Parameters
    ----------
    parameters : dict
        The estimator's, with the `init` that counts and the seed as `random_state`, or None for any seed.
    data : dict of str
        Hashes of what the call was given, by name.

    Returns
    -------
    dict
        Format and version, parameters, data.
    """
    plain = {name: _plain(value) for name, value in sorted(parameters.items()) if name not in NO_DIFFERENCE}
    return {**version_fields(), "parameters": plain, "data": data}


def check_unchanged(first: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise if a parameter that matters was changed while a layout is on its way, which has the first ones.

    Parameters
    ----------
    first, now : dict
        The estimator's parameters when the layout began, and now; one that `first` lacks is not compared.

    Raises
    ------
    ValueError
        If one differs, with both values.
    """
    compared = [name for name in now if name in first and name not in NO_DIFFERENCE and now[name] is not first[name]]
    pairs = {name: (_plain(first[name]), _plain(now[name])) for name in compared}
    changed = [f"{name}={was!r} when the layout began, {new!r} now" for name, (was, new) in pairs.items() if was != new]
    if changed:
        raise ValueError(
            f"{'; '.join(changed)}: parameters cannot change between two calls of partial_fit. Set them back, or call "
            "fit to begin anew."
        )


def run_name(identity: dict[str, Any]) -> str:
    """Name of a run's folder.

    Parameters
    ----------
    identity : dict
        From :func:`identity_of`.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]


def differences(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """What keeps two runs from being the same.

    Parameters
    ----------
    there, here : dict
        Two identities; what else `there` holds is not looked at.

    Returns
    -------
    list of str
        One text a difference.
    """
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


def _plain(value: Any) -> Any:
    """A parameter as JSON has it: 1 and 1.0 are the same, arrays become hashes, functions their names."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        return int(number) if number.is_integer() else number
    if hasattr(value, "__code__"):
        code = value.__code__
        content = repr((code.co_code, code.co_names, [c for c in code.co_consts if not hasattr(c, "co_code")]))
        return f"{value.__module__}.{value.__qualname__} {hashlib.sha256(content.encode()).hexdigest()[:16]}"
    return f"hash {joblib.hash(value, hash_name='sha1', coerce_mmap=True)}"
