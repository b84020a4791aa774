"""Test of the versions that ``make test-oldest`` installs, which are the oldest that the package allows."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_oldest_versions_are_the_lower_bounds():
    """The list contains each dependency once, at its lower bound."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    bounds = dict(re.fullmatch(r"([\w-]+)>=([\d.]+)", needed).groups() for needed in project["dependencies"])
    lines = (ROOT / "tests" / "oldest.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))

    def numbers(version):
        return [int(part) for part in version.split(".")]

    assert pinned.keys() == bounds.keys()
    for name, version in pinned.items():
        at_most = numbers(bounds[name])
        assert numbers(version)[: len(at_most)] == at_most and not any(numbers(version)[len(at_most) :])
