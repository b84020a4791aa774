"""The competitors, each behind one function: ``run(dataset, graph, task) -> Outcome``.

``dataset`` is a `benchmarks.datasets.DataSet`, ``graph`` the reference fuzzy graph (for peers that time the layout
alone) and ``task`` what is asked for. Every peer gets the same neighbors and, where it takes one, the same start.
"""

import importlib.metadata
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.datasets import CACHE, pca_start


class Task(NamedTuple):
    """What an embedding is asked for; the defaults are UMAP's."""

    seed: int = 0
    n_epochs: int | None = None  # None: each peer's rule
    threads: int = 2
    n_components: int = 2
    min_dist: float = 0.1
    spread: float = 1.0
    start: str = "pca"  # "pca", "spectral" or "random"
    symmetrize: bool = True


class Outcome(NamedTuple):
    """An embedding and the seconds it took: from neighbors to graph, from graph and start to embedding.

    ``start_seconds`` is a part of the layout's, where the peer tells it.
    """

    embedding: np.ndarray
    graph_seconds: float
    layout_seconds: float
    start_seconds: float = float("nan")


class NotAvailable(Exception):
    """The peer is not installed, or cannot do what the task asks; the message says which."""


def curve_of(task):
    """umap-learn's (a, b) of the task's min_dist and spread."""
    from umap.umap_ import find_ab_params

    return tuple(float(value) for value in find_ab_params(task.spread, task.min_dist))


def start_of(dataset, task):
    """The start to give to a peer: principal components, or the name of a start that the peer makes itself."""
    if task.start != "pca":
        return task.start
    if task.n_components == dataset.start.shape[1]:
        return np.array(dataset.start)
    return pca_start(dataset.features, task.n_components)


def reference_graph(dataset):
    """umap-learn's symmetric fuzzy graph of the data set, CSR."""
    from umap.umap_ import fuzzy_simplicial_set

    k = dataset.knn_indices.shape[1]
    indices, distances = np.array(dataset.knn_indices, copy=None), np.array(dataset.knn_dists, copy=None)
    random_state = np.random.RandomState(0)
    return fuzzy_simplicial_set(dataset.features, k, random_state, "euclidean", {}, indices, distances)[0].tocsr()


def _require(task, peer, *plain):
    """Refuse what a peer cannot do: every field named must have its default."""
    for field in plain:
        if getattr(task, field) != Task._field_defaults[field]:
            raise NotAvailable(f"{peer} has no {field} = {getattr(task, field)!r}")


def ours(dataset, graph, task):
    """This package, on ``task.threads`` threads."""
    import umap_sk

    model = umap_sk.PrecomputedUMAP(
        n_neighbors=dataset.knn_indices.shape[1],
        n_components=task.n_components,
        min_dist=task.min_dist,
        spread=task.spread,
        symmetrize=task.symmetrize,
        n_epochs=task.n_epochs,
        random_state=task.seed,
        n_jobs=task.threads,
    )
    start = start_of(dataset, task)
    clock = time.perf_counter()
    manifold = model.learn_manifold(knn_indices=dataset.knn_indices, knn_dists=dataset.knn_dists)
    middle = time.perf_counter()
    model.fit(manifold=manifold, init=start)
    seconds = time.perf_counter() - middle
    return Outcome(model.embedding_, middle - clock, seconds, model.report_.seconds("start"))


def umap_learn(dataset, graph, task, parallel=True):
    """umap-learn's own functions for the graph and the layout; in parallel, which its seeded mode is not."""
    import numba
    from umap.umap_ import simplicial_set_embedding

    _require(task, "umap-learn", "symmetrize")
    numba.set_num_threads(task.threads)
    a, b = curve_of(task)
    start = start_of(dataset, task)
    clock = time.perf_counter()
    graph = reference_graph(dataset)
    middle = time.perf_counter()
    embedding, _ = simplicial_set_embedding(
        np.asarray(dataset.features), graph, task.n_components, 1.0, a, b, 1.0, 5, task.n_epochs, start,
        np.random.RandomState(task.seed), "euclidean", {}, False, {}, False, parallel=parallel,
    )  # fmt: skip
    return Outcome(embedding, middle - clock, time.perf_counter() - middle)


def umap_learn_seeded(dataset, graph, task):
    """umap-learn with a random_state: one thread, the same bits each time."""
    return umap_learn(dataset, graph, task, parallel=False)


def umap_rs(dataset, graph, task, chunk=1):
    """umap-rs, by the cargo program in ``umap_rs/``, which steps ``chunk`` epochs at a time."""
    _require(task, "the program for umap-rs", "n_components", "min_dist", "spread", "start")
    program = _umap_rs_program()
    epochs = task.n_epochs or (500 if dataset.n_rows <= 10_000 else 200)
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / name) for name in ("indices.npy", "dists.npy", "start.npy", "embedding.f32")]
        for file, array in zip(files, (dataset.knn_indices, dataset.knn_dists, dataset.start), strict=False):
            np.save(file, array)
        numbers = [str(dataset.knn_indices.shape[1]), str(epochs), str(chunk), str(task.symmetrize).lower()]
        environment = dict(os.environ, RAYON_NUM_THREADS=str(task.threads))
        done = subprocess.run([program, *files, *numbers], env=environment, check=True, capture_output=True, text=True)
        embedding = np.fromfile(files[3], "<f4").reshape(dataset.n_rows, 2)
    seconds = json.loads(done.stdout)
    return Outcome(embedding, seconds["graph_s"], seconds["layout_s"])


def _umap_rs_program():
    """Path of the compiled program; compiled here if it is not there yet."""
    target = CACHE / "cargo"
    program = target / "release" / "umap_rs_bench"
    if not program.exists():
        if shutil.which("cargo") is None:
            raise NotAvailable("umap-rs needs cargo, which is not installed")
        folder = Path(__file__).parent / "umap_rs"
        subprocess.run(["cargo", "build", "--release", "--target-dir", str(target)], cwd=folder, check=True)
    return str(program)


def manifolds_rs(dataset, graph, task, optimiser="adam_parallel"):
    """manifolds-rs, which takes no start and tells no phases: all its seconds stand under layout."""
    import manifolds_rs

    _require(task, "manifolds-rs", "symmetrize")
    manifolds_rs.set_num_threads(task.threads)
    model = manifolds_rs.UMAP(
        n_components=task.n_components, min_dist=task.min_dist, spread=task.spread, init=task.start, seed=task.seed,
        n_neighbors=dataset.knn_indices.shape[1] - 1, optimiser=optimiser,
        n_epochs=task.n_epochs or (500 if dataset.n_rows <= 10_000 else 200),
    )  # fmt: skip
    indices, distances = np.array(dataset.knn_indices[:, 1:]), np.array(dataset.knn_dists[:, 1:])
    features = np.asarray(dataset.features)
    clock = time.perf_counter()
    embedding = model.fit_transform(features, knn_indices=indices, knn_distances=distances)
    return Outcome(embedding, float("nan"), time.perf_counter() - clock)


def manifolds_rs_sgd(dataset, graph, task):
    """manifolds-rs with the optimizer that follows the original, one thread."""
    return manifolds_rs(dataset, graph, task, "sgd")


def fastumap(dataset, graph, task):
    """fastumap's graph and layout, as its `fit` calls them."""
    from fastumap.graph import find_ab_params, fuzzy_simplicial_set
    from fastumap.layout import optimize_layout, spectral_layout

    _require(task, "fastumap", "symmetrize")
    a, b = find_ab_params(task.spread, task.min_dist)
    rng = np.random.default_rng(task.seed)
    indices, distances = dataset.knn_indices.astype(np.int64), dataset.knn_dists.astype(np.float64)
    start = start_of(dataset, task)
    if isinstance(start, str) and start == "random":
        raise NotAvailable("fastumap has no random start")
    epochs = task.n_epochs or (500 if dataset.n_rows <= 10_000 else 200)
    clock = time.perf_counter()
    own_graph = fuzzy_simplicial_set(indices, distances)
    middle = time.perf_counter()
    if isinstance(start, str):
        start = spectral_layout(own_graph, task.n_components, rng=rng)
    embedding = optimize_layout(
        np.ascontiguousarray(start, np.float64), own_graph, epochs, a=a, b=b, rng=rng, negative_sample_rate=5
    )
    return Outcome(embedding, middle - clock, time.perf_counter() - middle)


def opentsne(dataset, graph, task):
    """openTSNE, another method: t-SNE with uniform affinities of the same neighbors, its defaults otherwise."""
    import openTSNE
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    _require(task, "openTSNE", "n_components", "min_dist", "spread", "start", "symmetrize")
    start = np.array(dataset.start, np.float64)
    neighbors = PrecomputedNeighbors(np.array(dataset.knn_indices[:, 1:]), np.array(dataset.knn_dists[:, 1:]))
    clock = time.perf_counter()
    affinities = openTSNE.affinity.Uniform(
        knn_index=neighbors, k_neighbors=neighbors.k, symmetrize="mean", n_jobs=task.threads
    )
    middle = time.perf_counter()
    model = openTSNE.TSNE(n_jobs=task.threads, random_state=task.seed)
    embedding = model.fit(affinities=affinities, initialization=openTSNE.initialization.rescale(start))
    return Outcome(np.asarray(embedding), middle - clock, time.perf_counter() - middle)


PEERS = {  # name: (function, the distribution whose version is reported)
    "ours": (ours, "umap-sk"),
    "umap-learn": (umap_learn, "umap-learn"),
    "umap-learn-seeded": (umap_learn_seeded, "umap-learn"),
    "umap-rs": (umap_rs, "umap-rs"),
    "manifolds-rs": (manifolds_rs, "manifolds-rs"),
    "manifolds-rs-sgd": (manifolds_rs_sgd, "manifolds-rs"),
    "fastumap": (fastumap, "fastumap"),
    "opentsne": (opentsne, "openTSNE"),
}


def run(name, dataset, graph, task):
    """Run a peer by name; `NotAvailable` says why it could not."""
    function, distribution = PEERS[name]
    try:
        return function(dataset, graph, task)
    except ImportError as error:
        raise NotAvailable(f"{distribution} is not installed ({error})") from error


def version(name):
    """The peer's version, or "not installed"."""
    distribution = PEERS[name][1]
    if distribution == "umap-rs":
        lines = (Path(__file__).parent / "umap_rs" / "Cargo.lock").read_text().splitlines()
        return lines[lines.index('name = "umap-rs"') + 1].split('"')[1]
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
