"""Where and when a figure was measured: the CPU, the versions, the date."""

import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path

import umap_sk

LIBRARIES = ("umap-sk", "umap-learn", "numpy", "scipy", "scikit-learn", "numba", "llvmlite")


def description():
    """CPU, cores, Python, versions of the libraries, and the date, as a dict that JSON takes."""
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "commit": _commit(),
        "versions": {name: _version(name) for name in LIBRARIES},
    }


def _cpu():
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else platform.processor()


def _commit():
    """The commit that was measured, with a + where files differ from it; empty outside of a repository."""
    command = [
        "git",
        "-C",
        str(Path(__file__).parent),
        "describe",
        "--always",
        "--abbrev=10",
        "--dirty=+",
        "--exclude=*",
    ]
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except FileNotFoundError:
        return ""


def _version(name):
    if name == "umap-sk":  # which may be imported without being installed
        return umap_sk.__version__
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def write(path, results):
    """Write results and the description of the machine to a JSON file; no path, no file."""
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(json.dumps({"machine": description(), **results}, indent=1, default=float) + "\n")


def markdown(header, rows):
    """A Markdown table; cells are texts."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
