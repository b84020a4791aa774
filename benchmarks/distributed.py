"""A fit on a Dask cluster of this machine beside one process with as many threads: seconds, memory, bytes, bits.

``python -m benchmarks.distributed --n 1000000 --workers 2 --rounds 3`` makes the 15 nearest neighbors of random points
in three dimensions (once: they are kept in the cache), then fits them by turns in this process, and on a LocalCluster
of so many worker processes of `--threads` threads each, which read their chunks from files. Columns: seconds of the
phases and of all, medians over the rounds after a warm-up; the largest anonymous memory of a worker (RssAnon, sampled
every 5 ms) above what it had before the fit; bytes of positions that a worker received in an epoch. Bars: 1.3 times the
seconds; (graph / workers) * 1.3 + 40 bytes a row + 200 MiB of memory; the same bits.

``--new 10000000`` streams so many new rows through a model of `--n` rows instead (bar: 1 GiB a worker); ``--kills 100``
kills a worker with SIGKILL at a random moment of each of so many fits, and counts those that fail or have other bits.
"""

import os
import signal
import statistics
import threading
import time

import numpy as np

from benchmarks import command, datasets, larger_than_memory, machine

CHUNK = 2**17  # rows of an input chunk


def chunk_of(path, first, last):
    """Rows of a .npy file."""
    return np.array(np.load(path, mmap_mode="r")[first:last])


def as_dask_array(path):
    """A dask array of a .npy file, which workers read chunk by chunk."""
    import dask
    import dask.array

    array = np.load(path, mmap_mode="r")
    bounds = [*range(0, len(array), CHUNK), len(array)]
    parts = [
        dask.array.from_delayed(
            dask.delayed(chunk_of)(str(path), *span), (span[1] - span[0], array.shape[1]), array.dtype
        )
        for span in zip(bounds, bounds[1:], strict=False)
    ]
    return dask.array.concatenate(parts)


def fit_here(folder, threads, n_epochs):
    """Seconds by phase, and the map, of a fit in this process."""
    from umap_sk import PrecomputedUMAP

    indices, dists = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("indices", "distances"))
    began = time.perf_counter()
    model = PrecomputedUMAP(random_state=0, n_jobs=threads, n_epochs=n_epochs).fit(knn_indices=indices, knn_dists=dists)
    return phases_of(model, began), model.embedding_, model.manifold_.n_edges


def fit_there(folder, client, n_epochs):
    """The same of a fit on a cluster."""
    from umap_sk.dask import DistributedUMAP

    indices, dists = (as_dask_array(folder / f"{name}.npy") for name in ("indices", "distances"))
    began = time.perf_counter()
    model = DistributedUMAP(random_state=0, n_epochs=n_epochs).fit(knn_indices=indices, knn_dists=dists)
    embedding = model.embedding_.compute()
    return phases_of(model, began), embedding


def phases_of(model, began):
    """Seconds of every phase, and of all."""
    seconds = {entry["name"]: entry["seconds"] for entry in model.report_["phases"]}
    return {**seconds, "all": time.perf_counter() - began}


def received(dask_worker):
    """Bytes of positions that a worker has received."""
    return sum(
        size
        for entry in dask_worker.transfer_incoming_log
        for key, size in entry["keys"].items()
        if str(key).startswith("umap_positions")
    )


class Watch:
    """The largest anonymous memory of processes, above what they had at first."""

    def __init__(self, pids):
        self.before = {pid: larger_than_memory.resident(pid) for pid in pids}
        self.peak = dict(self.before)
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self):
        while not self.done.wait(0.005):
            for pid in self.peak:
                self.peak[pid] = max(self.peak[pid], larger_than_memory.resident(pid))

    def stop(self):
        """Bytes above the beginning, and in all, of the largest."""
        self.done.set()
        self.thread.join()
        return max(self.peak[pid] - self.before[pid] for pid in self.peak), max(self.peak.values())


def measure(options, folder):
    """All figures, from interleaved rounds."""
    from distributed import Client, LocalCluster

    cluster = {"n_workers": options.workers, "threads_per_worker": options.threads, "dashboard_address": None}
    here, there, memory, same = [], [], [], []
    with LocalCluster(**cluster) as workers, Client(workers) as client:
        for number in range(options.rounds + 1):
            client.restart()
            pids = list(client.run(os.getpid).values())
            if number:
                fit_there(options.warm, client, options.n_epochs)
            watch = Watch(pids)
            seconds, embedding = fit_there(folder, client, options.n_epochs)
            memory.append(watch.stop())
            sent = max(client.run(received).values())
            local, expected, edges = fit_here(folder, options.workers * options.threads, options.n_epochs)
            same.append(bool(np.array_equal(embedding, expected, equal_nan=True)))
            if number:
                here.append(local)
                there.append(seconds)
    return {"here": here, "there": there, "memory": memory[1:], "received": sent, "same": all(same), "edges": edges}


def made_chunk(rows, number, n_training):
    """Neighbors of new rows: near each other among the training rows, and nearer with every column."""
    rng = np.random.default_rng(number)
    first = rng.integers(0, n_training - 15, rows)
    dists = np.sort(rng.random((rows, 15), np.float32), axis=1)
    return (first[:, None] + np.arange(15)).astype(np.int32), dists


def stream(options, folder):
    """Memory and seconds of new rows that are made, placed and summed up chunk by chunk."""
    import dask
    import dask.array
    from distributed import Client, LocalCluster

    from umap_sk import PrecomputedUMAP
    from umap_sk.dask import transform

    indices, dists = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("indices", "distances"))
    model = PrecomputedUMAP(random_state=0, n_epochs=20).fit(knn_indices=indices, knn_dists=dists).drop_graph()
    chunks = [min(CHUNK, options.new - first) for first in range(0, options.new, CHUNK)]
    made = [dask.delayed(made_chunk, nout=2)(rows, number, options.n) for number, rows in enumerate(chunks)]
    arrays = (
        dask.array.concatenate(
            [dask.array.from_delayed(pair[which], (rows, 15), dtype) for pair, rows in zip(made, chunks, strict=True)]
        )
        for which, dtype in ((0, np.int32), (1, np.float32))
    )
    places = transform(model, *arrays)
    cluster = {"n_workers": options.workers, "threads_per_worker": options.threads, "dashboard_address": None}
    with LocalCluster(**cluster) as workers, Client(workers) as client:
        watch = Watch(list(client.run(os.getpid).values()))
        began = time.perf_counter()
        total = places.sum(axis=0).compute()
        return {
            "rows": options.new,
            "seconds": time.perf_counter() - began,
            "memory": watch.stop(),
            "sum": total.tolist(),
        }


def kills(options, folder):
    """Fits in which a worker is killed at a random moment, and how many of them had other bits or failed."""
    from distributed import Client, LocalCluster

    seconds, expected, _ = fit_here(folder, options.workers * options.threads, options.n_epochs)
    rng, wrong = np.random.default_rng(0), 0
    cluster = {"n_workers": options.workers, "threads_per_worker": options.threads, "dashboard_address": None}
    with LocalCluster(**cluster) as workers, Client(workers) as client:
        longest = fit_there(folder, client, options.n_epochs)[0]["all"]
    for _ in range(options.kills):  # each on workers of its own, since a nanny's new worker does not always come up
        with LocalCluster(**cluster) as workers, Client(workers) as client:
            pids = list(client.run(os.getpid).values())
            timer = threading.Timer(rng.uniform(0, longest), os.kill, (int(rng.choice(pids)), signal.SIGKILL))
            timer.start()
            try:
                found = fit_there(folder, client, options.n_epochs)[1]
                wrong += not np.array_equal(found, expected, equal_nan=True)
            except Exception as error:  # whatever it is, it is counted, and told
                print(f"{type(error).__name__}: {error}")
                wrong += 1
            timer.join()
    return {"kills": options.kills, "wrong": wrong, "seconds": longest, "alone": seconds["all"]}


def main(arguments=None):
    """Run it and print a table and the figures."""
    parser = command.parser("distributed", __doc__)
    parser.add_argument("--n", type=lambda text: int(float(text)), default=1_000_000, help="rows")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1, help="of a worker")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--n-epochs", type=int, default=None)
    parser.add_argument("--new", type=lambda text: int(float(text)), help="stream so many new rows instead")
    parser.add_argument("--kills", type=int, help="kill a worker in so many fits instead, each at a random moment")
    parser.add_argument("--json", help="write the results to this file")
    options = parser.parse_args(arguments)
    folder, options.warm = (datasets.CACHE / "large" / str(n) for n in (options.n, 30_000))
    for n, path in ((options.n, folder), (30_000, options.warm)):
        larger_than_memory.make(path, n)
    if options.new or options.kills:
        found = stream(options, folder) if options.new else kills(options, folder)
        print(found)
        machine.write(options.json, found)
        return
    found = measure(options, folder)
    names = list(found["here"][0])
    medians = {
        who: {name: statistics.median(one.get(name, 0) for one in found[who]) for name in names}
        for who in ("here", "there")
    }
    rows = [
        [
            name,
            *(f"{medians[who][name]:.2f}" for who in medians),
            f"{medians['there'][name] / medians['here'][name]:.2f}",
        ]
        for name in names
    ]
    print(machine.markdown(["phase", "one process s", f"{options.workers} workers s", "ratio"], rows))
    bar = 1.3 * 8 * found["edges"] / options.workers + 40 * options.n + 200 * 2**20
    above, whole = (max(values) / 2**20 for values in zip(*found["memory"], strict=True))
    print(f"memory of a worker: {above:.0f} MiB above its start, {whole:.0f} in all; bar {bar / 2**20:.0f}")
    print(f"positions received: {found['received'] / 2**20:.0f} MiB a worker; same bits: {found['same']}")
    machine.write(options.json, {"options": {name: str(value) for name, value in vars(options).items()}, **found})


if __name__ == "__main__":
    main()
