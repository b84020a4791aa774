"""Plans beside what was measured: anonymous memory and seconds of each half of a fit, in a process of its own.

``python -m benchmarks.plans fashion mixture uniform:5000000``

"uniform" stands for shuffled points in three dimensions, of any number; the others are the benchmarks' data sets. The
plan knows the number of entries of the graph, and is made in another process right after the fit, so that the machine
is as busy as it was. Bytes are measured in a fresh process, seconds in one that has loaded all kernels. ``--cpu``
compares seconds of CPU on one thread, which depend less on what else the machine does. ``--n-epochs 0`` stands for the
default. Bar: planned over measured seconds of a whole fit between 1 / 1.5 and 1.5.
"""

import json
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from benchmarks import command, datasets, larger_than_memory, machine

N_NEIGHBORS = 15
HALVES = {"graph": ("neighbors", "graph"), "layout": ("start", "layout")}
FILES = {"indices": "knn_indices", "distances": "knn_dists", "start": "start"}
CODE = """
import json, sys
from umap_sk import plan
n, edges, n_epochs = map(int, sys.argv[1:])
made = plan(n_samples=n, n_neighbors=15, edges=edges, n_epochs=n_epochs or None)
print(json.dumps({phase.name: (made.libraries + phase.bytes, phase.seconds) for phase in made.phases}))
"""


def prepare(cpu):
    """Load all kernels, and let fits and plans of this process count seconds of CPU on one thread if asked for."""
    from umap_sk import PrecomputedUMAP
    from umap_sk.monitor import report
    from umap_sk.planning import seconds

    if cpu:
        import numba

        numba.set_num_threads(1)
        seconds.time = report.time = types.SimpleNamespace(perf_counter=time.process_time)
    points = np.random.default_rng(0).random((30_000, 3))  # enough for coarse levels
    dists, indices = cKDTree(points).query(points, N_NEIGHBORS)
    PrecomputedUMAP(n_epochs=20, init=points[:, :2]).fit(knn_indices=indices, knn_dists=dists)


def inputs(name, folder):
    """Rows of a case, once its neighbors and start are in the folder."""
    name, _, n = name.partition(":")
    if name == "uniform":
        larger_than_memory.make(folder, int(n))
        return int(n)
    rows = datasets.load(name, int(n) if n else None).n_rows
    for target, source in FILES.items():
        (folder / f"{target}.npy").symlink_to(datasets.folder_of(name, rows).resolve() / f"{source}.npy")
    return rows


def compare(name, n_epochs, cpu):
    """Planned and measured bytes and seconds of both halves of a fit."""
    first = f"from benchmarks.plans import prepare; prepare({cpu})"
    datasets.CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=datasets.CACHE) as place:
        folder = Path(place)
        n = inputs(name, folder)
        cold, warm = (larger_than_memory.measured(folder, "-", folder / "map.npy", n_epochs, f) for f in ("", first))
    edges = cold[1]["edges"]
    arguments = [sys.executable, "-c", first + CODE, *map(str, (n, edges, n_epochs))]
    planned = json.loads(subprocess.run(arguments, capture_output=True, text=True, check=True).stdout)
    seconds = warm[1]["seconds"] | warm[2]["seconds"]
    rows = []
    for phase in cold[1:]:
        parts = HALVES[phase["phase"]]
        rows.append(
            {
                "half": phase["phase"],
                "planned_bytes": max(planned[part][0] for part in parts),
                "measured_bytes": phase["peak"],
                "planned_seconds": sum(planned[part][1] for part in parts),
                "measured_seconds": sum(seconds[part] for part in parts),
            }
        )
    whole = {key: (sum if key.endswith("seconds") else max)(row[key] for row in rows) for key in list(rows[0])[1:]}
    rows.append({"half": "whole fit", **whole})
    return {"case": name, "rows": n, "edges": edges, "n_epochs": n_epochs, "halves": rows}


def main(arguments=None):
    """Compare the cases that are named, and print a table."""
    parser = command.parser("plans", __doc__)
    parser.add_argument("cases", nargs="*", default=["fashion", "mixture", "uniform:5000000"])
    parser.add_argument("--n-epochs", type=int, default=0)
    parser.add_argument("--cpu", action="store_true", help="seconds of CPU, on one thread")
    parser.add_argument("--json", help="write the results to this file")
    options = parser.parse_args(arguments)
    results = [compare(name, options.n_epochs, options.cpu) for name in options.cases]
    rows = [
        [
            result["case"],
            half["half"],
            *(f"{half[f'{kind}_bytes'] / 2**20:,.0f}" for kind in ("planned", "measured")),
            f"{half['planned_bytes'] / half['measured_bytes']:.2f}",
            *(f"{half[f'{kind}_seconds']:.1f}" for kind in ("planned", "measured")),
            f"{half['planned_seconds'] / max(half['measured_seconds'], 1e-3):.2f}",
        ]
        for result in results
        for half in result["halves"]
    ]
    header = ["case", "half", "planned MiB", "measured MiB", "ratio", "planned s", "measured s", "ratio"]
    print(machine.markdown(header, rows))
    machine.write(options.json, {"cases": results})


if __name__ == "__main__":
    main()
