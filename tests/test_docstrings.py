"""Test of the form of public docstrings, which follow numpydoc."""

import inspect

import pytest
from numpydoc.validate import validate

import umap_sk
import umap_sk.dask
from umap_sk import metrics

CHECKS = {
    "GL03": "one blank line between sections",
    "GL05": "no tabs",
    "GL06": "known sections only",
    "GL07": "sections in numpydoc's order",
    "GL08": "there is a docstring",
    "GL10": "directives end in two colons",
    "SS01": "there is a summary",
    "SS02": "the summary starts with a capital letter",
    "SS03": "the summary ends with a period",
    "SS04": "the summary is not indented",
    "SS06": "the summary is one line",
    "PR01": "every parameter is documented",
    "PR02": "no other parameter is",
    "PR03": "they stand in the signature's order",
    "PR04": "each has a type",
    "PR05": "which does not end in a period",
    "PR07": "each has a description",
    "PR10": "a space stands before the colon",
    "RT01": "what is returned is documented",
    "RT03": "with a description",
    "YD01": "what is yielded is documented",
}


def _public():
    """Yield the names of the public objects and of the methods that they define themselves."""
    yield from (f"umap_sk.metrics.{name}" for name in metrics.__all__)
    yield from _of(umap_sk, "umap_sk")
    yield from _of(umap_sk.dask, "umap_sk.dask")
    yield from (f"umap_sk.plot.{name}" for name in ("points", "connectivity", "diagnostic", "interactive"))


def _of(module, path):
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            yield f"{path}.{name}"
        if inspect.isclass(thing):
            for attribute, value in vars(thing).items():
                own = inspect.unwrap(value.fget if isinstance(value, property) else getattr(value, "__func__", value))
                if not attribute.startswith("_") and getattr(own, "__module__", "").startswith("umap_sk"):
                    yield f"{path}.{name}.{attribute}"


@pytest.mark.parametrize("name", list(_public()))
def test_docstring(name):
    """A public docstring passes all of the checks above."""
    found = [f"{code} ({CHECKS[code]}): {text}" for code, text in validate(name)["errors"] if code in CHECKS]
    assert not found, "\n".join([name, *found])
