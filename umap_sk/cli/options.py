"""Options of the command line, made from the signatures that they set: a new parameter is a new option."""

import argparse
import inspect
import json
import re
import typing
from collections.abc import Callable
from numbers import Integral
from typing import Any, NamedTuple

from sklearn.utils._param_validation import Interval

MARKUP = re.compile(r":\w+:`~?([^`]*)`|`+([^`]*)`+")


class Parameter(NamedTuple):
    """A parameter that becomes an option."""

    name: str  # in Python; with a dash for each underscore the option's
    kind: type  # int, float, bool, str or dict
    default: Any
    help: str  # from the docstring


def of_estimator(estimator: type) -> list[Parameter]:
    """Parameters of a scikit-learn estimator's constructor, with the types that its constraints allow."""
    constraints = estimator._parameter_constraints  # type: ignore[attr-defined]
    return _parameters(estimator, lambda parameter: _kind_allowed(constraints[parameter.name]))


def of_signature(function: Callable[..., Any]) -> list[Parameter]:
    """Parameters of a function or dataclass with annotations."""
    return _parameters(function, lambda parameter: _kind_annotated(parameter.annotation))


def add_parameters(group: Any, parameters: list[Parameter], prefix: str = "") -> None:
    """Add an option for each parameter, with a prefix before its name; one that is not given is not in the result."""
    for parameter in parameters:
        option = f"--{prefix}{parameter.name}".replace("_", "-")
        settings: dict[str, Any] = {"dest": prefix + parameter.name, "default": argparse.SUPPRESS}
        settings["help"] = parameter.help.replace("%", "%%")
        if parameter.kind is bool:
            group.add_argument(option, action=argparse.BooleanOptionalAction, **settings)
        else:
            settings["metavar"] = {int: "N", float: "X", dict: "JSON"}.get(parameter.kind, "TEXT")
            group.add_argument(option, type=_reader(parameter), **settings)


def chosen(options: argparse.Namespace, parameters: list[Parameter], prefix: str = "") -> dict[str, Any]:
    """What was given for the parameters, by name; what was not given is left out."""
    given = vars(options)
    return {name: given[prefix + name] for name, *_ in parameters if prefix + name in given}


def _parameters(function: Callable[..., Any], kind_of: Callable[[inspect.Parameter], type]) -> list[Parameter]:
    texts = _descriptions(inspect.getdoc(function) or "")
    return [
        Parameter(found.name, kind_of(found), found.default, texts.get(found.name, "") + _default_text(found.default))
        for found in inspect.signature(function).parameters.values()
    ]


def _descriptions(docstring: str) -> dict[str, str]:
    """What a numpydoc docstring says of each parameter: the indented lines below "name : type", without markup."""
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


def _default_text(default: Any) -> str:
    if default in (None, inspect.Parameter.empty):
        return ""
    text = {True: "yes", False: "no"}[default] if isinstance(default, bool) else default
    return f" (default: {text})"


def _kind_allowed(constraints: list[Any]) -> type:
    """The type of a parameter from scikit-learn's constraints."""
    numbers = [constraint.type for constraint in constraints if isinstance(constraint, Interval)]
    if numbers:
        return int if Integral in numbers else float
    if "boolean" in constraints or "verbose" in constraints:
        return bool
    if "random_state" in constraints:
        return int
    return dict if dict in constraints else str


def _kind_annotated(annotation: Any) -> type:
    """The type of a parameter from its annotation; the first of several."""
    return next((kind for kind in typing.get_args(annotation) if kind is not type(None)), annotation)


def _reader(parameter: Parameter) -> Callable[[str], Any]:
    """What turns the text of an option into its value; "none" is None where that is another value than none given."""

    def read(text: str) -> Any:
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
