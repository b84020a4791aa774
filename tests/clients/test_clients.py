"""Packages that take a UMAP, or import umap-learn themselves: each program runs with this package in its place.

`make clients` installs all of them; those that are not installed are skipped.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("with_*.py"))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_program_runs(program, tmp_path):
    """Its assertions hold under python -m umap_sk.replace, and the map is of this package."""
    name = program.stem.removeprefix("with_")
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed: make clients")
    command = [sys.executable, "-m", "umap_sk.replace", str(program)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr[-3000:]
