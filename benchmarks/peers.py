"""The compared programs, each behind one function: ``run(name, dataset, task) -> Outcome``.

All get the same neighbors and, if they accept one, the same initial layout.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks import machine
from benchmarks.datasets import CACHE, pca_start


class Task(NamedTuple):
    """The parameters of an embedding, with the defaults of UMAP."""

    seed: int = 0
    n_epochs: int | None = None  # None: each program's rule
    threads: int = 2
    n_components: int = 2
    min_dist: float = 0.1
    spread: float = 1.0
    start: str = "pca"  # "pca", "spectral", or "auto": what each program does with neighbors alone
    symmetrize: bool = True


class Outcome(NamedTuple):
    """An embedding, the seconds of its graph, layout and initial layout, and its peak memory without the inputs."""

    embedding: np.ndarray
    graph_seconds: float  # NaN: the program does not separate the graph from the layout
    layout_seconds: float
    start_seconds: float = float("nan")
    peak_bytes: float = float("nan")


class NotAvailable(Exception):
    """Raised if a program is not installed or cannot perform the task; the message says which."""


def curve_of(task):
    """Return umap-learn's (a, b) of the task's min_dist and spread."""
    from umap.umap_ import find_ab_params

    return tuple(float(value) for value in find_ab_params(task.spread, task.min_dist))


def epochs_of(dataset, task):
    """Return the number of epochs by umap-learn's rule."""
    return task.n_epochs or (500 if dataset.n_rows <= 10_000 else 200)


def start_of(dataset, task):
    """Return the initial layout for a program: principal components, or a name."""
    if task.start != "pca":
        return task.start
    if task.n_components == dataset.start.shape[1]:
        return np.array(dataset.start)
    return pca_start(dataset.features, task.n_components)


def require_default(task, program, *fields):
    """Raise NotAvailable unless the given fields of the task have their defaults."""
    for field in fields:
        if getattr(task, field) != Task._field_defaults[field]:
            raise NotAvailable(f"{program} has no {field} = {getattr(task, field)!r}")


def umap_learn_graph(features, indices, distances, **parameters):
    """Return umap-learn's fuzzy graph of neighbors, the row itself first."""
    from umap.umap_ import fuzzy_simplicial_set

    arrays = {"knn_indices": np.array(indices), "knn_dists": np.array(distances, np.float32)}
    seed = np.random.RandomState(0)
    return fuzzy_simplicial_set(features, indices.shape[1], seed, "euclidean", **arrays, **parameters)[0]


def umap_learn_layout(features, graph, task, start, parallel=True, **output):
    """Return umap-learn's layout of a graph. ``output`` contains arguments of its output metric."""
    import numba
    from umap.umap_ import simplicial_set_embedding

    numba.set_num_threads(task.threads)
    seed = np.random.RandomState(task.seed)
    return simplicial_set_embedding(
        np.asarray(features), graph, task.n_components, 1.0, *curve_of(task), 1.0, 5, task.n_epochs, start, seed,
        "euclidean", {}, False, {}, False, parallel=parallel, **output,
    )[0]  # fmt: skip


def reference_graph(dataset):
    """Return umap-learn's symmetric fuzzy graph of the data set, CSR."""
    return umap_learn_graph(dataset.features, dataset.knn_indices, dataset.knn_dists).tocsr()


def ours(dataset, task):
    """Run this package on ``task.threads`` threads."""
    from umap_sk import PrecomputedUMAP

    settings = {"n_components": task.n_components, "min_dist": task.min_dist, "spread": task.spread}
    settings |= {"symmetrize": task.symmetrize, "n_epochs": task.n_epochs, "random_state": task.seed}
    model = PrecomputedUMAP(dataset.knn_indices.shape[1], n_jobs=task.threads, **settings)
    start, clock = start_of(dataset, task), time.perf_counter()
    manifold = model.learn_manifold(**dataset.arrays)
    middle = time.perf_counter()
    model.fit(manifold=manifold, init=start)
    seconds = time.perf_counter() - middle
    return Outcome(model.embedding_, middle - clock, seconds, model.report_.seconds("start"))


def umap_learn(dataset, task, parallel=True):
    """Run umap-learn's functions for the graph and the layout, in parallel."""
    require_default(task, "umap-learn", "symmetrize")
    start = "spectral" if task.start == "auto" else start_of(dataset, task)
    clock = time.perf_counter()
    graph = reference_graph(dataset)
    middle = time.perf_counter()
    embedding = umap_learn_layout(dataset.features, graph, task, start, parallel)
    return Outcome(embedding, middle - clock, time.perf_counter() - middle)


def umap_learn_seeded(dataset, task):
    """Run umap-learn as with a random_state: on one thread, with the same bits each time."""
    return umap_learn(dataset, task, parallel=False)


def umap_rs(dataset, task):
    """Run umap-rs, by the cargo program in ``umap_rs/``."""
    import json
    import os
    import subprocess
    import tempfile

    require_default(task, "the program for umap-rs", "n_components", "min_dist", "spread", "start")
    program = _umap_rs_program()
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / name) for name in ("indices.npy", "dists.npy", "start.npy", "embedding.f32")]
        for file, array in zip(files, (dataset.knn_indices, dataset.knn_dists, dataset.start), strict=False):
            np.save(file, array)
        words = [dataset.knn_indices.shape[1], epochs_of(dataset, task), 1, str(task.symmetrize).lower()]
        environment = dict(os.environ, RAYON_NUM_THREADS=str(task.threads))
        command = [program, *files, *map(str, words)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"status {done.returncode} {done.stderr.strip()}")
        embedding = np.fromfile(files[3], "<f4").reshape(dataset.n_rows, 2)
    report = json.loads(done.stdout)
    peak = (max(report["peak_graph"], report["peak_layout"]) - report["rss_inputs"]) * 2**20
    return Outcome(embedding, report["graph_s"], report["layout_s"], peak_bytes=peak)


def _umap_rs_program():
    """Return the path of the program, after compiling it on first use."""
    import shutil
    import subprocess

    target = CACHE / "cargo"
    program = target / "release" / "umap_rs_bench"
    if not program.exists():
        if shutil.which("cargo") is None:
            raise NotAvailable("umap-rs needs cargo, which is not installed")
        command = ["cargo", "build", "--release", "--locked", "--target-dir", str(target)]
        done = subprocess.run(command, cwd=Path(__file__).parent / "umap_rs", capture_output=True, text=True)
        if done.returncode:
            raise NotAvailable(f"umap-rs could not be compiled: {done.stderr.strip().splitlines()[-1]}")
    return str(program)


def manifolds_rs(dataset, task, optimizer="adam_parallel"):
    """Run manifolds-rs. It only uses principal components of features, so the initial layout is passed as features."""
    import manifolds_rs

    require_default(task, "manifolds-rs", "symmetrize")
    manifolds_rs.set_num_threads(task.threads)
    model = manifolds_rs.UMAP(
        n_components=task.n_components, min_dist=task.min_dist, spread=task.spread, init=task.start, seed=task.seed,
        n_neighbors=dataset.knn_indices.shape[1] - 1, optimizer=optimizer, n_epochs=epochs_of(dataset, task),
    )  # fmt: skip
    indices, distances = np.array(dataset.knn_indices[:, 1:]), np.array(dataset.knn_dists[:, 1:])
    start = start_of(dataset, task)
    features = np.asarray(dataset.features) if isinstance(start, str) else start
    return _in_one(lambda: model.fit_transform(features, knn_indices=indices, knn_distances=distances))


def manifolds_rs_sgd(dataset, task):
    """Run manifolds-rs with the optimizer that follows the original, on one thread."""
    return manifolds_rs(dataset, task, "sgd")


def umappp(dataset, task):
    """Run umappp, the C++ library, by scranpy's binding."""
    import knncolle
    import scranpy

    require_default(task, "umappp by scranpy", "symmetrize")
    indices, distances = dataset.knn_indices[:, 1:].astype(np.uint32), dataset.knn_dists[:, 1:].astype(np.float64)
    neighbors, start = knncolle.FindKnnResults(indices, distances), start_of(dataset, task)
    given = None if isinstance(start, str) else np.ascontiguousarray(start, np.float64)
    return _in_one(lambda: scranpy.run_umap(
        neighbors, num_dim=task.n_components, min_dist=task.min_dist, spread=task.spread,
        num_epochs=epochs_of(dataset, task), initialize_method="none" if given is not None else start,
        initial_coordinates=given, optimize_seed=task.seed, num_threads=task.threads,
    ))  # fmt: skip


def opentsne(dataset, task):
    """Run openTSNE, another method: t-SNE with uniform affinities of the same neighbors."""
    import openTSNE
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    require_default(task, "openTSNE", "n_components", "min_dist", "spread", "start", "symmetrize")
    neighbors = PrecomputedNeighbors(np.array(dataset.knn_indices[:, 1:]), np.array(dataset.knn_dists[:, 1:]))
    start = openTSNE.initialization.rescale(np.array(dataset.start, np.float64))
    settings = {"k_neighbors": neighbors.k, "symmetrize": "mean", "n_jobs": task.threads}
    clock = time.perf_counter()
    affinities = openTSNE.affinity.Uniform(knn_index=neighbors, **settings)
    middle = time.perf_counter()
    model = openTSNE.TSNE(n_jobs=task.threads, random_state=task.seed)
    embedding = model.fit(affinities=affinities, initialization=start)
    return Outcome(np.asarray(embedding), middle - clock, time.perf_counter() - middle)


def _in_one(call):
    """Return the outcome of a program that does not separate the graph from the layout."""
    clock = time.perf_counter()
    embedding = np.asarray(call(), np.float32)
    return Outcome(embedding, float("nan"), time.perf_counter() - clock)


class Peer(NamedTuple):
    """A program: its function, its distribution, and its properties for the benchmark."""

    function: Callable
    distribution: str
    compiled: bool = False  # by numba on first use, so the warm-up needs rows enough for all of its parts
    serial: bool = False  # on one thread, whatever the task says


PEERS = {
    "ours": Peer(ours, "umap-sk", compiled=True),
    "umap-learn": Peer(umap_learn, "umap-learn", compiled=True),
    "umap-learn-seeded": Peer(umap_learn_seeded, "umap-learn", compiled=True, serial=True),
    "umap-rs": Peer(umap_rs, "umap-rs"),
    "manifolds-rs": Peer(manifolds_rs, "manifolds-rs"),
    "manifolds-rs-sgd": Peer(manifolds_rs_sgd, "manifolds-rs", serial=True),
    "umappp": Peer(umappp, "scranpy", serial=True),
    "opentsne": Peer(opentsne, "openTSNE"),
}


def run(name, dataset, task):
    """Run a program by name, or raise NotAvailable if it is not installed."""
    peer = PEERS[name]
    try:
        return peer.function(dataset, task)
    except ImportError as error:
        raise NotAvailable(f"{peer.distribution} is not installed ({error})") from error


def version(name):
    """Return a program's version, or "not installed"."""
    distribution = PEERS[name].distribution
    if distribution == "umap-sk":
        return machine.umap_sk.__version__
    if distribution == "umap-rs":
        lines = (Path(__file__).parent / "umap_rs" / "Cargo.lock").read_text().splitlines()
        return lines[lines.index('name = "umap-rs"') + 1].split('"')[1]
    return machine.version(distribution)
