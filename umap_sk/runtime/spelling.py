"""Suggestions of known names for misspelled ones."""

import difflib
from collections.abc import Callable, Iterable
from types import SimpleNamespace

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import InvalidParameterError


def nearest_name(given: str, names: Iterable[str]) -> str:
    """Return the name whose spelling is most similar to a given one."""
    known = sorted(names)
    by_letters = {name.lower(): name for name in known}
    return by_letters[difflib.get_close_matches(given.lower(), list(by_letters), n=1, cutoff=0.0)[0]]


def validate_names(
    estimator: BaseEstimator | SimpleNamespace, validate: Callable[[], object], **known: Iterable[str]
) -> None:
    """Validate parameters, and append the nearest known name to errors about unknown names."""
    try:
        validate()
    except InvalidParameterError as error:
        for parameter, names in known.items():
            value = getattr(estimator, parameter, None)
            if isinstance(value, str) and f"'{parameter}' parameter" in str(error):
                raise InvalidParameterError(f"{error} The nearest name is {nearest_name(value, names)!r}.") from None
        raise
