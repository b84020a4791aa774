"""Which known name a misspelled one is near."""

import difflib
from collections.abc import Callable, Iterable
from typing import Any

from sklearn.utils._param_validation import InvalidParameterError


def nearest_name(given: str, names: Iterable[str]) -> str:
    """The name that is spelled most like a given one."""
    known = sorted(names)
    by_letters = {name.lower(): name for name in known}
    return by_letters[difflib.get_close_matches(given.lower(), list(by_letters), n=1, cutoff=0.0)[0]]


def validate_names(estimator: Any, validate: Callable[[], object], **known: Iterable[str]) -> None:
    """Validate parameters; the error for a name that is not known ends with the nearest one that is."""
    try:
        validate()
    except InvalidParameterError as error:
        for parameter, names in known.items():
            value = getattr(estimator, parameter, None)
            if isinstance(value, str) and f"'{parameter}' parameter" in str(error):
                raise InvalidParameterError(f"{error} The nearest name is {nearest_name(value, names)!r}.") from None
        raise
