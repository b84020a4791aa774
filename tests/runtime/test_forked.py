"""Tests of processes that are forked after numba's threads have started, and of the way these threads wait."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from umap_sk.runtime import waiting

pytestmark = pytest.mark.slow  # each test starts a process

ROOT = Path(__file__).parents[2]
SCRIPT = """
import os, sys, warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
import joblib, numba, numpy as np
from umap_sk import PrecomputedUMAP
warnings.simplefilter("ignore")
indices = (np.arange(200)[:, None] + np.arange(1, 8)) % 200
def fit(seed=0):
    model = PrecomputedUMAP(5, n_epochs=10, random_state=seed)
    return model.fit_transform(knn_indices=indices, knn_dists=indices * 0 + 1.0)
"""
FORKED = """
first = fit()
print(numba.threading_layer())
try:
    # Not joblib's pool, which kills its workers after an error: it may wait forever for one that had a lock then.
    with ProcessPoolExecutor(2, get_context("fork")) as workers:
        maps = list(workers.map(fit, [0] * 4))
    print(all(np.array_equal(map_, first) for map_ in maps))
except RuntimeError as error:
    print("RuntimeError:", error)
print(np.array_equal(fit(), first))
"""


def python(script, **environment):
    """Return the lines of stdout and the text of stderr of a new process, which must end without an error."""
    inherited = {name: value for name, value in os.environ.items() if name not in waiting.WAIT_VARIABLES}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT + script], cwd=ROOT, env=inherited | environment, capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="forked processes and GNU OpenMP")
def test_workers_forked_after_a_fit():
    """Workers that are forked after a fit raise an error that says what to do. Their parent process still works."""
    lines, _ = python(FORKED)
    if lines[0] != "omp":
        pytest.skip(f"numba's threading layer is {lines[0]}")
    assert lines[1].startswith("RuntimeError:") and "was forked after numba's threads had started" in lines[1]
    for cure in ("loky", "spawn", "forkserver", "NUMBA_THREADING_LAYER=workqueue"):
        assert cure in lines[1]
    assert lines[2] == "True"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forked processes")
def test_where_forked_workers_can_work():
    """Workers with the threading layer "workqueue" can fit, since these threads survive a fork."""
    lines, _ = python(FORKED, NUMBA_THREADING_LAYER="workqueue")
    assert lines == ["workqueue", "True", "True"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forked processes")
def test_workers_forked_before_a_fit():
    """Workers can fit if they are forked before the first fit of their parent."""
    lines, _ = python(
        "maps = joblib.Parallel(2, backend='multiprocessing')(joblib.delayed(fit)() for _ in range(2))\n"
        "print(np.array_equal(maps[0], fit()), np.array_equal(maps[1], fit()))"
    )
    assert lines == ["True True"]


@pytest.mark.parametrize(
    "environment, spins",
    [
        ({}, "0"),
        ({"OMP_WAIT_POLICY": "active"}, None),
        pytest.param({"GOMP_SPINCOUNT": "7"}, "7", marks=pytest.mark.long),
    ],
)
def test_numbas_threads_wait_asleep(environment, spins):
    """Numba's threads wait without spinning unless the environment says otherwise. A fit leaves it unchanged."""
    lines, told = python(
        "before = dict(os.environ)\nfit()\nprint(numba.threading_layer(), dict(os.environ) == before)",
        OMP_DISPLAY_ENV="verbose",
        **environment,
    )
    layer, unchanged = lines[0].split()
    assert unchanged == "True"
    if layer != "omp" or "GOMP_SPINCOUNT" not in told:
        pytest.skip("numba's threading layer is not GNU OpenMP")
    found = told.rpartition("GOMP_SPINCOUNT = '")[2].partition("'")[0]  # of the runtime that was loaded last
    assert found == spins if spins else int(found) > 10**6


def test_the_command_line_waits_asleep():
    """The command line sets a passive waiting policy if none is set, but not if it is called with arguments."""
    code = (
        "import os, sys\nfrom umap_sk.cli import main\nsys.argv = ['umap-sk', '--version']\n"
        "for within in (['--version'],), ():\n"
        "    try:\n        main.main(*within)\n    except SystemExit:\n        print(os.environ.get('OMP_WAIT_POLICY'))"
    )
    assert python(code)[0][1::2] == ["None", "passive"]
    assert python(code, OMP_WAIT_POLICY="active")[0][1::2] == ["active", "active"]


def test_environment_is_put_back():
    """The environment is restored even if the runtime cannot be loaded."""
    before = dict(os.environ)
    with pytest.raises(OSError), waiting.load_with_passive_waiting():
        raise OSError
    assert dict(os.environ) == before
