"""Plans compared with measurements: memory and seconds of each half of a fit, in its own process.

``python -m benchmarks.plans fashion mixture uniform:5000000``

"uniform" stands for any number of shuffled points in three dimensions; the others are the benchmarks' data sets. The
plan receives the number of entries of the graph. Another process makes it directly after the fit, so that the load of
the machine is similar. Memory is the anonymous and shared memory of a fresh process, including imports, sampled every
two milliseconds. Seconds are measured in a process that has loaded all kernels. ``--cpu`` compares CPU seconds on one
thread. Bar: the ratio of planned to measured seconds of a whole fit is between 1 / 1.5 and 1.5.

``--on-disk`` learns the graph in files and maps it for the layout. The bars are 1.5 GiB for 10,000,000 rows and, with
``--kill``, 4 GiB for 30,000,000. ``--kill`` stores checkpoints, kills the process (SIGKILL) when half of the epochs are
stored, and starts a second process that resumes. ``--check`` makes the same map in memory and compares bits.
"""

import json
import logging
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import types
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from benchmarks import command, datasets

N_NEIGHBORS = 15
BLOCK = 100_000  # rows whose neighbors are looked up at a time
MIB = 2**20
HALVES = {"graph": ("neighbors", "graph"), "layout": ("start", "layout")}
FILES = {"indices": "knn_indices", "distances": "knn_dists", "start": "start"}
PLAN = """
import json, sys
from umap_sk import plan
n, edges, n_epochs, on_disk = map(int, sys.argv[1:])
made = plan(n_samples=n, n_neighbors=15, edges=edges, n_epochs=n_epochs or None, on_disk=bool(on_disk))
print(json.dumps({phase.name: (made.libraries + phase.bytes, phase.seconds) for phase in made.phases}))
"""


def make(folder, n):
    """Write neighbors, distances and an initial layout (two of three coordinates) of n random points, if missing."""
    if (folder / "made").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    points = np.random.default_rng(0).random((n, 3))
    np.save(folder / "start.npy", points[:, :2].astype(np.float32))
    kinds, shape = {"indices": np.int32, "distances": np.float32}, (n, N_NEIGHBORS)
    arrays = {
        name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+", kind, shape) for name, kind in kinds.items()
    }
    tree = cKDTree(points)
    for first in range(0, n, BLOCK):
        rows = slice(first, first + BLOCK)
        arrays["distances"][rows], arrays["indices"][rows] = tree.query(points[rows], N_NEIGHBORS, workers=-1)
    (folder / "made").touch()


def prepare(cpu):
    """Load all kernels, and let fits and plans of this process count CPU seconds on one thread, if requested."""
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


def lay_out(folder, graph, out, n_epochs, runs):
    """Learn the graph in a directory ("-" for memory), lay it out and write the map, with a printed line a phase.

    An existing graph is mapped. `runs` is the directory of checkpoints ("-" for none), one after every second epoch.
    """
    from umap_sk import Checkpoint, Manifold, PrecomputedUMAP

    indices, distances, start = (np.load(Path(folder) / f"{name}.npy", mmap_mode="r") for name in FILES)
    checkpoint = None if runs == "-" else Checkpoint(runs, every_epochs=2, every_seconds=None)
    model = PrecomputedUMAP(N_NEIGHBORS, n_epochs=int(n_epochs) or None, random_state=0, checkpoint=checkpoint)
    seconds = {}

    def note(record):
        if hasattr(record, "umap_sk"):  # not where kernels are compiled
            seconds[record.umap_sk["name"]] = record.umap_sk["seconds"]

    def tell(**figures):
        sys.stdout.write(json.dumps(figures) + "\n")
        sys.stdout.flush()

    logging.getLogger("umap_sk").setLevel(logging.INFO)
    logging.getLogger("umap_sk").addFilter(note)
    tell(phase="imports")
    if graph != "-" and Path(graph).exists():
        manifold = Manifold.load(graph)
    else:
        directory = None if graph == "-" else graph
        manifold = model.learn_manifold(knn_indices=indices, knn_dists=distances, directory=directory)
    tell(phase="graph", edges=manifold.n_edges, seconds=seconds)
    model.fit(manifold=manifold, init=start)
    tell(phase="layout", seconds=seconds)
    np.save(out, model.embedding_)


def resident(pid):
    """Return the anonymous and shared memory of a process in bytes, or 0 after its end."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("RssAnon", "RssShmem")))


def newest_epoch(runs):
    """Return the epoch of the newest checkpoint in a directory of runs, or -1."""
    return max((int(path.stem.split("-")[1]) for path in Path(runs).glob("*/epoch-*.joblib")), default=-1)


def measured(folder, out, n_epochs, graph="-", first="", runs="-", kill_at=None):
    """Run `lay_out` in its own process, and return its phases with peak memory and seconds until their ends.

    The process first runs the statement `first`, and is killed when epoch `kill_at` is stored.
    """
    code = f"{first}\nimport sys; from benchmarks.plans import lay_out; lay_out(*sys.argv[1:])"
    arguments = [sys.executable, "-c", code, *map(str, (folder, graph, out, n_epochs, runs))]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    peak, began = [0], time.perf_counter()

    def watch():
        while process.poll() is None:
            peak[0] = max(peak[0], resident(process.pid))
            if kill_at is not None and newest_epoch(runs) >= kill_at:
                process.kill()
            time.sleep(0.002)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    phases = []
    for line in process.stdout:
        phases.append({**json.loads(line), "peak": peak[0], "wall": time.perf_counter() - began})
        peak[0] = 0
    code = process.wait()
    watcher.join()
    if kill_at is not None and code == -signal.SIGKILL:
        killed = {"phase": f"killed at epoch {newest_epoch(runs)}", "peak": peak[0]}
        return [*phases, killed | {"wall": time.perf_counter() - began}]
    if code or kill_at is not None:
        raise RuntimeError(f"the run ended with exit status {code}; its messages are above")
    return phases


def file_system(folder):
    """Return the type of the file system of a folder, such as "ext4"."""
    kinds = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        kinds[Path(line.split()[4])] = line.split(" - ")[1].split()[0]
    return next(kinds[place] for place in (folder.resolve(), *folder.resolve().parents) if place in kinds)


def inputs(name, folder):
    """Write a case's neighbors and initial layout into a folder, and return the number of rows."""
    name, _, n = name.partition(":")
    if name == "uniform":
        make(folder, int(n))
        return int(n)
    rows = datasets.load(name, int(n) if n else None).n_rows
    for target, source in FILES.items():
        (folder / f"{target}.npy").symlink_to(datasets.folder_of(name, rows).resolve() / f"{source}.npy")
    return rows


def from_disk(folder, options):
    """Return the phases of a run with its graph in files, killed and resumed if requested, and whether bits agree."""
    graph, runs, out = folder / "graph", folder / "runs", folder / "map.npy"
    for path in (graph, runs):
        shutil.rmtree(path, ignore_errors=True)
    if options.kill:
        kill_at = (options.n_epochs + 1) // 2
        phases = measured(folder, out, options.n_epochs, graph, runs=runs, kill_at=kill_at)
        phases += measured(folder, out, options.n_epochs, graph, runs=runs)
        if "resume" not in phases[-1]["seconds"]:
            raise RuntimeError("the second process did not resume")
    else:
        phases = measured(folder, out, options.n_epochs, graph)
    same = None
    if options.check:
        measured(folder, folder / "in_memory.npy", options.n_epochs)
        one, other = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("map", "in_memory"))
        same = bool(np.array_equal(one, other, equal_nan=True))
    return phases, same


def compare(case, options):
    """Return the table rows of a case: planned and measured figures of both halves and of the whole, and notes."""
    first = f"from benchmarks.plans import prepare; prepare({options.cpu})"
    datasets.CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.folder or datasets.CACHE) as place:
        folder, notes = Path(place), {}
        if options.on_disk and file_system(folder) == "tmpfs":
            raise SystemExit(f"{folder} lies on a tmpfs, whose files are memory: give a folder on a disk.")
        n = inputs(case, folder)
        if options.on_disk:
            phases, notes["same bits"] = from_disk(folder, options)
            seconds = phases[-1]["seconds"]
        else:
            phases, warm = (measured(folder, folder / "map.npy", options.n_epochs, first=code) for code in ("", first))
            seconds = warm[-1]["seconds"]
        edges = phases[1]["edges"]
        arguments = [sys.executable, "-c", first + PLAN, *map(str, (n, edges, options.n_epochs, int(options.on_disk)))]
        planned = json.loads(subprocess.run(arguments, capture_output=True, text=True, check=True).stdout)
    lines = {}
    for half, parts in HALVES.items():
        found = [
            phase["peak"] for phase in phases if phase["phase"] == half or half == "layout" and "kill" in phase["phase"]
        ]
        line = {"planned MiB": max(planned[part][0] for part in parts) / MIB, "measured MiB": max(found) / MIB}
        line["planned s"] = sum(planned[part][1] for part in parts)
        lines[half] = line | {"measured s": sum(seconds.get(part, 0.0) for part in parts)}
    lines["whole"] = {
        key: (sum if key.endswith(" s") else max)(line[key] for line in lines.values()) for key in lines["graph"]
    }
    return lines, notes | {"rows": n, "edges": edges, "phases": phases}


def missed(case, line, notes, options):
    """Return the missed bars of a case, in words."""
    words = []
    ratio = line["planned s"] / max(line["measured s"], 1e-3)
    if options.on_disk:
        bar = {10_000_000: 1536, 30_000_000: 4096}.get(notes["rows"], float("inf"))
        words += [f"{case}: {line['measured MiB']:.0f} MiB, bar {bar}"] * (line["measured MiB"] > bar)
        words += [f"{case}: other bits than in memory"] * (notes["same bits"] is False)
    elif not 1 / 1.5 <= ratio <= 1.5:
        words.append(f"{case}: planned seconds are {ratio:.2f} of those measured")
    return words


def main(arguments=None):
    """Compare the cases, and print a table and the missed bars."""
    parser = command.parser("plans", __doc__)
    parser.add_argument("cases", nargs="*", default=["fashion", "mixture", "uniform:5000000"])
    parser.add_argument("--n-epochs", type=int, default=0, help="0 for the default number")
    parser.add_argument("--cpu", action="store_true", help="compare seconds of CPU on one thread")
    parser.add_argument("--on-disk", action="store_true", help="keep the graph in files")
    parser.add_argument("--kill", action="store_true", help="with --on-disk: kill the process, and resume")
    parser.add_argument("--check", action="store_true", help="with --on-disk: compare bits with a run in memory")
    parser.add_argument("--folder", help="where files go, not on a tmpfs (default: the benchmarks' cache)")
    options = parser.parse_args(arguments)
    rows, words, results = {}, [], {}
    for case in options.cases:
        lines, notes = results[case] = compare(case, options)
        rows |= {f"{case}, {half}": line for half, line in lines.items()}
        words += missed(case, lines["whole"], notes, options)
        print(case, {key: value for key, value in notes.items() if key != "phases"}, flush=True)
    print(command.markdown(rows, "case"))
    command.conclude(options, {"cases": results}, words)


if __name__ == "__main__":
    main()
