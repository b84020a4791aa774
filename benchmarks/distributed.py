"""Fits on a Dask cluster of this machine, compared with one process of equally many threads.

``python -m benchmarks.distributed --n 1000000 --workers 2 --rounds 3`` finds the 15 nearest neighbors of random points
in three dimensions, and stores them in the cache. It then takes turns between a fit in this process and one on a
LocalCluster of `--workers` processes of `--threads-per-worker` threads, which read their chunks from files. The table
has the median seconds of each phase and of the whole fit after a warm-up. Below it are the largest anonymous memory
that a worker adds during the fit, and the positions that a worker receives in an epoch. Bars: at most 1.3 times the
seconds, (graph / workers) * 1.3 + 40 bytes a row + 200 MiB of memory, and the same bits.

``--namespaces 4`` runs the scheduler here and four workers in network namespaces of their own, joined by a bridge
with 1 Gbit/s and 0.5 ms on each link. It uses ``ip`` and ``tc`` as root, and removes everything at the end. One worker
joins in the middle of the first fit, and one is killed in the middle of the last. ``--kills 100`` kills a worker with
SIGKILL at a random moment of each of 100 fits, and counts the fits that fail or have other bits.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np

from benchmarks import command, datasets, network, plans

CHUNK = 2**17  # rows of an input chunk
NAMES = {"knn_indices": "indices", "knn_dists": "distances"}


def chunk_of(path, first, last):
    """Return rows of a .npy file."""
    return np.array(np.load(path, mmap_mode="r")[first:last])


def as_dask_array(path):
    """Return a dask array of a .npy file, which workers read chunk by chunk."""
    import dask
    import dask.array

    array = np.load(path, mmap_mode="r")
    bounds = [*range(0, len(array), CHUNK), len(array)]

    def block(first, last):
        return dask.array.from_delayed(
            dask.delayed(chunk_of)(str(path), first, last), (last - first, array.shape[1]), array.dtype
        )

    return dask.array.concatenate([block(*span) for span in zip(bounds, bounds[1:], strict=False)])


def fit_here(folder, threads, n_epochs):
    """Return seconds by phase, map and edges of a fit in this process."""
    from umap_sk import PrecomputedUMAP

    arrays = {name: np.load(folder / f"{file}.npy", mmap_mode="r") for name, file in NAMES.items()}
    began = time.perf_counter()
    model = PrecomputedUMAP(random_state=0, n_jobs=threads, n_epochs=n_epochs).fit(**arrays)
    return phases_of(model, began), model.embedding_, model.manifold_.n_edges


def fit_there(folder, n_epochs):
    """Return seconds by phase and map of a fit on the current client's cluster."""
    from umap_sk.dask import DistributedUMAP

    arrays = {name: as_dask_array(folder / f"{file}.npy") for name, file in NAMES.items()}
    began = time.perf_counter()
    model = DistributedUMAP(random_state=0, n_epochs=n_epochs).fit(**arrays)
    embedding = model.embedding_.compute()
    return phases_of(model, began), embedding


def phases_of(model, began):
    """Return the seconds of every phase and of the whole fit."""
    seconds = {entry["name"]: entry["seconds"] for entry in model.report_["phases"]}
    return {**seconds, "all": time.perf_counter() - began}


def received(dask_worker):
    """Return the bytes of positions that a worker has received."""
    logs = (entry["keys"] for entry in dask_worker.transfer_incoming_log)
    return sum(size for keys in logs for key, size in keys.items() if str(key).startswith("umap_positions"))


class MemoryWatch:
    """Sampling of the largest anonymous memory that processes add after the start, every 5 ms."""

    def __init__(self, pids):
        self.before = {pid: plans.resident(pid) for pid in pids}
        self.peak = dict(self.before)
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self):
        while not self.done.wait(0.005):
            for pid in self.peak:
                self.peak[pid] = max(self.peak[pid], plans.resident(pid))

    def stop(self):
        """Stop, and return the largest number of added bytes."""
        self.done.set()
        self.thread.join()
        return max(self.peak[pid] - self.before[pid] for pid in self.peak)


@contextlib.contextmanager
def local_cluster(options):
    """Start worker processes of this machine and yield a client."""
    from distributed import Client, LocalCluster

    settings = {"threads_per_worker": options.threads_per_worker, "dashboard_address": None}
    with LocalCluster(n_workers=options.workers, **settings) as cluster, Client(cluster) as client:
        yield client


def measure(options, folder):
    """Compare interleaved rounds, print the table, and return figures and missed bars."""
    here, there, memory, same = [], [], [], True
    threads = options.workers * options.threads_per_worker
    fit_here(options.warm, threads, options.n_epochs)
    for _ in range(options.rounds):
        with local_cluster(options) as client:
            fit_there(options.warm, options.n_epochs)
            watch = MemoryWatch(list(client.run(os.getpid).values()))
            seconds, embedding = fit_there(folder, options.n_epochs)
            memory.append(watch.stop())
            sent = max(client.run(received).values())
        local, expected, edges = fit_here(folder, threads, options.n_epochs)
        same = same and bool(np.array_equal(embedding, expected, equal_nan=True))
        here.append(local)
        there.append({phase: seconds.get(phase, 0.0) for phase in local})
    one, several = command.medians(here), command.medians(there)
    lines = {phase: {"one process s": one[phase], f"{options.workers} workers s": several[phase]} for phase in one}
    ratio, bar = several["all"] / one["all"], 1.3 * 8 * edges / options.workers + 40 * options.n + 200 * 2**20
    print(command.markdown(lines, "phase"))
    print(f"ratio {ratio:.2f}; a worker had {max(memory) / 2**20:.0f} MiB above its start and received "
          f"{sent / 2**20:.0f} MiB of positions; same bits: {same}")  # fmt: skip
    missed = [f"{ratio:.2f} times the seconds"] * (ratio > 1.3) + ["bits"] * (not same)
    missed += [f"{max(memory) / 2**20:.0f} MiB, bar {bar / 2**20:.0f}"] * (max(memory) > bar)
    return {"lines": lines, "memory": max(memory), "received": sent, "same bits": same}, missed


def start_worker(name, address, threads):
    """Start a worker in a network namespace, and return its process."""
    flags = ["--nthreads", str(threads), "--no-nanny", "--no-dashboard"]
    words = ["ip", "netns", "exec", name, sys.executable, "-m", "distributed.cli.dask_worker", address, *flags]
    return subprocess.Popen(words, stderr=subprocess.DEVNULL)


def measure_namespaces(options, folder):
    """Fit on workers in network namespaces, and return seconds and bytes of each fit, and the missed bars."""
    from distributed import Client, LocalCluster

    local, expected, _ = fit_here(folder, options.namespaces * options.threads_per_worker, options.n_epochs)
    lines, workers, middle = {}, {}, local["all"]
    with (
        network.namespaces(options.namespaces) as names,
        LocalCluster(n_workers=0, host=network.HOST, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):

        def start(name):
            workers[name] = start_worker(name, cluster.scheduler_address, options.threads_per_worker)

        try:
            for name in names[1:]:
                start(name)
            client.wait_for_workers(len(names) - 1)
            fit_there(options.warm, options.n_epochs)
            changes = {"a worker joins": lambda: start(names[0]), "undisturbed": lambda: None}
            changes["a worker is killed"] = lambda: workers[names[-1]].kill()
            for what, change in changes.items():
                timer = threading.Timer(middle, change)
                timer.start()
                before = sum(map(network.bytes_received, names))
                seconds, embedding = fit_there(folder, options.n_epochs)
                timer.join()
                total, middle = sum(map(network.bytes_received, names)) - before, seconds["all"] / 2
                line = {"s": seconds["all"], "layout s": seconds["layout"], "MiB received": total / 2**20}
                lines[what] = line | {"same bits": bool(np.array_equal(embedding, expected, equal_nan=True))}
                print(what, lines[what], flush=True)
        finally:
            for process in workers.values():
                process.kill()
    print(f"one process: {local['all']:.2f} s\n\n{command.markdown(lines, 'fit')}")
    return {"one process": local, "fits": lines}, [
        f"{what}: other bits" for what in lines if not lines[what]["same bits"]
    ]


def kill(options, folder):
    """Kill a worker in each fit, and return how many fits had other bits or failed, and the missed bars."""
    _, expected, _ = fit_here(folder, options.workers * options.threads_per_worker, options.n_epochs)
    rng, wrong = np.random.default_rng(0), 0
    with local_cluster(options):
        longest = fit_there(folder, options.n_epochs)[0]["all"]
    for _ in range(options.kills):  # each on workers of its own, since a nanny's new worker does not always come up
        with local_cluster(options) as client:
            pid = int(rng.choice(list(client.run(os.getpid).values())))
            timer = threading.Timer(rng.uniform(0, longest), os.kill, (pid, signal.SIGKILL))
            timer.start()
            try:
                wrong += not np.array_equal(fit_there(folder, options.n_epochs)[1], expected, equal_nan=True)
            except Exception as error:  # whatever it is, it is counted and printed
                print(f"{type(error).__name__}: {error}")
                wrong += 1
            timer.join()
    return {"kills": options.kills, "wrong": wrong, "seconds": longest}, [f"{wrong} fits failed"] * (wrong > 0)


def main(arguments=None):
    """Measure, and print figures and missed bars."""

    def number(text):
        return int(float(text))

    parser = command.parser("distributed", __doc__, rounds=3)
    parser.add_argument("--n", type=number, default=1_000_000, help="rows")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads-per-worker", type=int, default=1)
    parser.add_argument("--n-epochs", type=int)
    parser.add_argument("--namespaces", type=int, help="number of workers in network namespaces")
    parser.add_argument("--kills", type=int, help="number of fits in which a worker is killed")
    options = parser.parse_args(arguments)
    folder, options.warm = (datasets.CACHE / "large" / str(n) for n in (options.n, 30_000))
    plans.make(folder, options.n)
    plans.make(options.warm, 30_000)
    run = measure_namespaces if options.namespaces else kill if options.kills else measure
    found, missed = run(options, folder)
    command.conclude(options, found, missed)


if __name__ == "__main__":
    main()
