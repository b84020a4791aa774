"""A map from neighbors that lie on disk, in less memory than its graph takes.

``python -m benchmarks.larger_than_memory --n 10000000 --folder /data/large``

Makes the 15 nearest neighbors of shuffled random points in three dimensions (once: they are kept in the folder), then
learns the graph in files and lays it out, in a process of its own. What is measured is the anonymous and shared memory
of that process (RssAnon + RssShmem), imports included, sampled every two milliseconds from here. The bar is 1.5 GiB
for 10,000,000 rows. ``--check`` lays out the same in memory and compares bits. ``--kill`` keeps checkpoints, kills the
process (SIGKILL) once half of the epochs are on the disk, and lets a second one go on from there; the bar is 4 GiB for
30,000,000 rows, and with ``--check`` the second one ends at the bits of a run in memory that was left alone.
"""

import json
import logging
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

from benchmarks import command, datasets, machine

N_NEIGHBORS = 15
BLOCK = 100_000  # rows whose neighbors are looked up at a time
BAR = 1.5 * 2**30
BAR_KILLED = 4 * 2**30
NAMES = ("indices", "distances", "start")


def make(folder, n):
    """Write neighbors, distances and a start (two of the three coordinates), unless they are there."""
    from scipy.spatial import cKDTree

    if (folder / "made").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    points = np.random.default_rng(0).random((n, 3))
    np.save(folder / "start.npy", points[:, :2].astype(np.float32))
    arrays = [
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", dtype, (n, N_NEIGHBORS))
        for name, dtype in (("indices", np.int32), ("distances", np.float32))
    ]
    tree = cKDTree(points)
    for first in range(0, n, BLOCK):
        distances, indices = tree.query(points[first : first + BLOCK], N_NEIGHBORS, workers=-1)
        arrays[0][first : first + BLOCK], arrays[1][first : first + BLOCK] = indices, distances
    (folder / "made").touch()


def lay_out(folder, graph, out, n_epochs, runs="-"):
    """Learn the graph in a directory (in memory, if that is "-"), lay it out, write the embedding; tells of phases.

    A graph that is there is mapped. `runs` is where checkpoints go ("-" for none), one after every other epoch.
    """
    from umap_sk import Checkpoint, Manifold, PrecomputedUMAP

    indices, distances, start = (np.load(Path(folder) / f"{name}.npy", mmap_mode="r") for name in NAMES)
    checkpoint = None if runs == "-" else Checkpoint(runs, every_epochs=2, every_seconds=None)
    model = PrecomputedUMAP(N_NEIGHBORS, n_epochs=int(n_epochs) or None, random_state=0, checkpoint=checkpoint)
    _tell(phase="imports")
    seconds = {}
    logger = logging.getLogger("umap_sk")
    logger.setLevel(logging.INFO)

    def note(record):
        if hasattr(record, "umap_sk"):  # none where kernels are compiled
            seconds[record.umap_sk["name"]] = record.umap_sk["seconds"]
            _tell(step=record.umap_sk["name"], seconds=record.umap_sk["seconds"])

    logger.addFilter(note)
    if graph != "-" and Path(graph).exists():
        manifold = Manifold.load(graph)
    else:
        directory = None if graph == "-" else graph
        manifold = model.learn_manifold(knn_indices=indices, knn_dists=distances, directory=directory)
    _tell(phase="graph", edges=manifold.n_edges, seconds=seconds)
    model.fit(manifold=manifold, init=start)
    _tell(phase="layout", seconds=seconds, threads=model.report_["threads"])
    np.save(out, model.embedding_)


def _tell(**figures):
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


def resident(pid):
    """Anonymous and shared memory of a process in bytes; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("RssAnon", "RssShmem")))


def measured(folder, graph, out, n_epochs, before="", runs="-", kill_at=None):
    """Run `lay_out` in a process of its own; its phases, each with the largest memory and the seconds until its end.

    ``before`` is a statement that the process runs first. It is killed when epoch `kill_at` is on the disk. The steps
    of a phase have memory and seconds of their own.
    """
    code = f"{before}\nimport sys; from benchmarks.larger_than_memory import lay_out; lay_out(*sys.argv[1:])"
    arguments = [sys.executable, "-c", code, *map(str, (folder, graph, out, n_epochs, runs))]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    peak = [0]

    def watch():
        while process.poll() is None:
            peak[0] = max(peak[0], resident(process.pid))
            if kill_at is not None and newest_epoch(runs) >= kill_at:
                process.kill()
            time.sleep(0.002)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    phases, steps, began = [], [], time.perf_counter()
    for line in process.stdout:
        told = {**json.loads(line), "peak": peak[0], "wall": round(time.perf_counter() - began, 1)}
        peak[0] = 0
        steps.append(told)
        if "phase" in told:
            phases.append({**told, "peak": max(step["peak"] for step in steps), "steps": steps[:-1]})
            steps = []
    code = process.wait()
    watcher.join()
    if kill_at is not None and code == -signal.SIGKILL:
        wall = round(time.perf_counter() - began, 1)
        largest = max([peak[0], *(step["peak"] for step in steps)])
        killed = f"killed at epoch {newest_epoch(runs)}"
        return [*phases, {"phase": killed, "peak": largest, "wall": wall, "steps": steps}]
    if code or kill_at is not None:
        raise RuntimeError(f"the run ended with exit status {code}; its messages are above")
    phases[-1]["peak"] = max(phases[-1]["peak"], peak[0])
    return phases


def newest_epoch(runs):
    """Epoch of the newest checkpoint in a directory of runs; -1 where there is none."""
    return max((int(path.stem.split("-")[1]) for path in Path(runs).glob("*/epoch-*.joblib")), default=-1)


def file_system(folder):
    """Type of the file system that a folder lies on, such as "ext4"."""
    places = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount, kind = line.split()[4], line.split(" - ")[1].split()[0]
        places[Path(mount)] = kind
    real = folder.resolve()
    return next(places[place] for place in (real, *real.parents) if place in places)


def same_bits(one, other):
    """Whether two .npy files hold the same."""
    return bool(np.array_equal(np.load(one, mmap_mode="r"), np.load(other, mmap_mode="r"), equal_nan=True))


def laid_out_from_disk(folder, n_epochs, kill):
    """Phases of the run from files: one process, or with `kill` one that is killed and one that goes on from there."""
    for name in ("graph", "runs"):
        shutil.rmtree(folder / name, ignore_errors=True)
    arguments = (folder, folder / "graph", folder / "embedding.npy", n_epochs)
    if not kill:
        return measured(*arguments)
    first = measured(*arguments, runs=folder / "runs", kill_at=(n_epochs + 1) // 2)
    second = measured(*arguments, runs=folder / "runs")
    if not any(step["step"] == "resume" for phase in second for step in phase["steps"]):
        raise RuntimeError("the second process began anew")
    return first + second


def run(n, folder, n_epochs, check, kill=False):
    """Make the neighbors, lay them out from disk, and tell; with `check` compare with the map of a graph in memory."""
    from umap_sk import Checkpoint, plan

    folder.mkdir(parents=True, exist_ok=True)
    if file_system(folder) == "tmpfs":
        raise SystemExit(f"{folder} lies on a tmpfs, whose files are memory: give a folder on a disk.")
    make_command = "import sys; from pathlib import Path; from benchmarks.larger_than_memory import make; "
    make_command += "make(Path(sys.argv[1]), int(sys.argv[2]))"
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", make_command, str(folder), str(n)], check=True)
    made = time.perf_counter() - began
    phases = laid_out_from_disk(folder, n_epochs, kill)
    edges = phases[1]["edges"]
    kept = Checkpoint(folder / "runs", every_epochs=2, every_seconds=None) if kill else None
    planned = plan(n_samples=n, n_neighbors=N_NEIGHBORS, edges=edges, on_disk=True, timed=False, checkpoint=kept)
    results = {
        "rows": n,
        "edges": edges,
        "epochs": n_epochs,
        "file_system": file_system(folder),
        "seconds_of_neighbors": round(made, 1),
        "peak": max(phase["peak"] for phase in phases),
        "planned": planned.peak,
        "bar": BAR_KILLED if kill else BAR,
        "phases": phases,
        "files": sum(path.stat().st_size for path in (folder / "graph").iterdir()),
    }
    if check:
        in_memory = measured(folder, "-", folder / "in_memory.npy", n_epochs)
        results["peak_in_memory"] = max(phase["peak"] for phase in in_memory)
        results["same_bits"] = same_bits(folder / "embedding.npy", folder / "in_memory.npy")
    return results


def table(phases):
    """Rows of the steps and of the phases, each with its memory and the seconds until its end."""
    rows = []
    for phase in phases:
        for step in phase["steps"]:
            rows.append([f"- {step['step']}, {step['seconds']:.1f} s", step["peak"], step["wall"]])
        rows.append([phase["phase"], phase["peak"], phase["wall"]])
    return [[name, f"{peak / 2**20:.0f}", f"{wall}"] for name, peak, wall in rows]


def main(arguments=None):
    """Run it and print a table and the figures."""
    parser = command.parser("larger_than_memory", __doc__)
    parser.add_argument("--n", type=int, default=10_000_000, help="rows (default: 10,000,000)")
    parser.add_argument("--folder", type=Path, help="where files go, not on a tmpfs (default: the benchmarks' cache)")
    parser.add_argument("--n-epochs", type=int, default=20)
    parser.add_argument("--check", action="store_true", help="lay out in memory as well and compare bits")
    parser.add_argument("--kill", action="store_true", help="kill the process in the middle of the layout, and go on")
    parser.add_argument("--json", help="write the results to this file")
    options = parser.parse_args(arguments)
    folder = options.folder or datasets.CACHE / "large" / str(options.n)
    results = run(options.n, folder, options.n_epochs, options.check, options.kill)
    print(machine.markdown(["until the end of", "peak, MiB", "seconds"], table(results["phases"])))
    print({name: value for name, value in results.items() if name != "phases"})
    machine.write(options.json, results)


if __name__ == "__main__":
    main()
