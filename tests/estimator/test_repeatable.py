"""Tests that the same input and seed give the same map, even with ties and symmetries."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tied_inputs


@pytest.fixture(scope="module")
def elsewhere():
    """Return the hashes of the maps that another process makes."""
    here = Path(__file__).parents[1]
    paths = os.pathsep.join([str(here.parent), str(here)])
    ended = subprocess.run(
        [sys.executable, tied_inputs.__file__],
        env=os.environ | {"PYTHONPATH": paths, "PYTHONHASHSEED": "7"},
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(ended.stdout)


@pytest.mark.parametrize("name", tied_inputs.INPUTS)
def test_ties(name, elsewhere):
    """All maps on one thread and on two, in this process and in another, are the same."""
    here = [tied_inputs.fitted(name, n_jobs) for n_jobs in (1, 1, 2, 2)]
    assert len(set(here + elsewhere[name])) == 1
