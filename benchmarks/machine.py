"""Description of a measurement: the CPU, the versions and the date; and the memory of this process."""

import ctypes
import datetime
import gc
import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path

import umap_sk

LIBRARIES = ("umap-learn", "numpy", "scipy", "scikit-learn", "numba", "llvmlite")


def description():
    """Return CPU, cores, load, versions, commit and date as a dict for JSON."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "cpu": names[0].partition(":")[2].strip() if names else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "commit": _commit(),
        "versions": {"umap-sk": umap_sk.__version__} | {name: version(name) for name in LIBRARIES},
    }


def _commit():
    """Return the commit, with a + if files differ from it, or an empty text outside of a repository."""
    describe = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--abbrev=10", "--dirty=+"]
    try:
        return subprocess.run([*describe, "--exclude=*"], capture_output=True, text=True).stdout.strip()
    except FileNotFoundError:
        return ""


def version(distribution):
    """Return the version of an installed distribution, or "not installed"."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def write(path, results):
    """Write results and the description of the machine to a JSON file, if a path is given."""
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(json.dumps({"machine": description(), **results}, indent=1, default=float) + "\n")


def status(field):
    """Return a field of /proc/self/status in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def settle():
    """Release free memory, reset the peak, and return the resident bytes."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return status("VmRSS")
