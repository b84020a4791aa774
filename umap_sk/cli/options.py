"""Options of the command line, made from the signatures of functions, so that new parameters become options."""

import argparse
import inspect
import json
import re
import typing
from collections.abc import Callable, Sequence
from functools import partial
from numbers import Integral
from typing import Any, NamedTuple

from sklearn.utils._param_validation import Interval

MARKUP = re.compile(r":\w+:`~?([^`]*)`|`+([^`]*)`+")


class Parameter(NamedTuple):
    """A parameter that becomes an option."""

    name: str  # in Python; the option has dashes for underscores
    kind: type  # int, float, bool, str or dict
    default: object
    help: str  # from the docstring


def read_estimator(estimator: type) -> list[Parameter]:
    """Return the parameters of a scikit-learn estimator, with the types that its constraints allow."""
    constraints = estimator._parameter_constraints  # type: ignore[attr-defined]
    return _make_parameters(estimator, lambda parameter: _find_allowed_type(constraints[parameter.name]))


def read_signature(function: Callable[..., object]) -> list[Parameter]:
    """Return the parameters of a function or dataclass with annotations."""
    return _make_parameters(function, lambda parameter: _find_annotated_type(parameter.annotation))


def add_parameters(group: argparse._ArgumentGroup, parameters: list[Parameter], prefix: str = "") -> None:
    """Add an option for each parameter, with `prefix` before its name. The result omits options that are not given."""
    for parameter in parameters:
        option = f"--{prefix}{parameter.name}".replace("_", "-")
        text = parameter.help.replace("%", "%%")
        add = partial(group.add_argument, option, dest=prefix + parameter.name, default=argparse.SUPPRESS, help=text)
        if parameter.kind is bool:
            add(action=argparse.BooleanOptionalAction)
        else:
            metavar = {int: "N", float: "X", dict: "JSON"}.get(parameter.kind, "TEXT")
            add(type=_make_reader(parameter), metavar=metavar)


def select_given(options: argparse.Namespace, parameters: list[Parameter], prefix: str = "") -> dict[str, Any]:
    """Return the given parameters by name."""
    values = vars(options)
    return {name: values[prefix + name] for name, *_ in parameters if prefix + name in values}


def _make_parameters(function: Callable[..., object], kind_of: Callable[[inspect.Parameter], type]) -> list[Parameter]:
    texts = _parse_descriptions(inspect.getdoc(function) or "")
    return [
        Parameter(found.name, kind_of(found), found.default, texts.get(found.name, "") + _format_default(found.default))
        for found in inspect.signature(function).parameters.values()
    ]


def _parse_descriptions(docstring: str) -> dict[str, str]:
    """Return the description of each parameter in a numpydoc docstring, without markup."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in docstring.splitlines():
        before, colon, _ = line.partition(" : ")
        if colon and not before.startswith(" "):
            names = before.split(", ")
        elif line.startswith(" "):
            found |= {name: f"{found.get(name, '')} {line.strip()}".strip() for name in names}
        else:
            names = []
    return {name: MARKUP.sub(r"\1\2", text) for name, text in found.items()}


def _format_default(default: object) -> str:
    if default in (None, inspect.Parameter.empty):
        return ""
    text = {True: "yes", False: "no"}[default] if isinstance(default, bool) else default
    return f" (default: {text})"


def _find_allowed_type(constraints: Sequence[object]) -> type:
    """Return the type of a parameter from scikit-learn's constraints."""
    numbers = [constraint.type for constraint in constraints if isinstance(constraint, Interval)]
    if numbers:
        return int if Integral in numbers else float
    if "boolean" in constraints or "verbose" in constraints:
        return bool
    if "random_state" in constraints:
        return int
    return dict if dict in constraints else str


def _find_annotated_type(annotation: Any) -> type:
    """Return the type of a parameter from its annotation, or the first of several."""
    return next((kind for kind in typing.get_args(annotation) if kind is not type(None)), annotation)


def _make_reader(parameter: Parameter) -> Callable[[str], object]:
    """Return a function that converts the text of an option. "none" becomes None, unless the type is str."""

    def read(text: str) -> object:
        if text.lower() == "none" and parameter.kind is not str:
            return None
        try:
            value = json.loads(text) if parameter.kind is dict else parameter.kind(text)
            if parameter.kind is dict and not isinstance(value, dict):
                raise ValueError
        except (ValueError, RecursionError):
            wanted = {int: "a whole number", float: "a number", dict: 'a JSON object such as {"p": 3}'}
            raise argparse.ArgumentTypeError(f"{text!r}, but {wanted[parameter.kind]} is needed") from None
        return value

    return read
