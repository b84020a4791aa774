"""Tests of the instructions for the installation, which must agree with pyproject.toml."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
FOR_THE_PROJECT = {"all", "bench", "docs", "test", "trend", "clients"}


def extras_in(text):
    """Return the names in brackets after a point or the project's name."""
    return {name for found in re.findall(r"(?:umap-sk|\.)\[([a-z,]+)\]", text) for name in found.split(",")}


def test_one_extra_has_all():
    """The extra "all" contains every extra for users, except scanpy, which installs umap-learn."""
    (everything,) = EXTRAS["all"]
    assert extras_in(everything) == EXTRAS.keys() - FOR_THE_PROJECT - {"scanpy"}


def test_pages_name_extras_that_are_there():
    """The pages name only existing extras, and the first page of the guide shows the extra "all"."""
    pages = {path.name: extras_in(path.read_text()) for path in (ROOT / "docs").glob("*.md")}
    assert set().union(*pages.values()) <= EXTRAS.keys()
    assert "all" in pages["getting_started.md"]
