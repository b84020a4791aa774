"""The competitors that follow other code than umap-learn's: programs in Rust and C++, and another method."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.datasets import CACHE
from benchmarks.task import NotAvailable, Outcome, epochs_of, require, start_of


def umap_rs(dataset, task, chunk=1):
    """umap-rs, by the cargo program in ``umap_rs/``, which steps ``chunk`` epochs at a time."""
    require(task, "the program for umap-rs", "n_components", "min_dist", "spread", "start")
    program = _umap_rs_program()
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / name) for name in ("indices.npy", "dists.npy", "start.npy", "embedding.f32")]
        for file, array in zip(files, (dataset.knn_indices, dataset.knn_dists, dataset.start), strict=False):
            np.save(file, array)
        k, epochs = dataset.knn_indices.shape[1], epochs_of(dataset, task)
        numbers = [str(k), str(epochs), str(chunk), str(task.symmetrize).lower()]
        environment = dict(os.environ, RAYON_NUM_THREADS=str(task.threads))
        done = subprocess.run([program, *files, *numbers], env=environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"status {done.returncode} {done.stderr.strip()}")
        embedding = np.fromfile(files[3], "<f4").reshape(dataset.n_rows, 2)
    told = json.loads(done.stdout)
    peak = (max(told["peak_graph"], told["peak_layout"]) - told["rss_inputs"]) * 2**20
    return Outcome(embedding, told["graph_s"], told["layout_s"], peak_bytes=peak)


def _umap_rs_program():
    """Path of the compiled program; compiled here if it is not there yet."""
    target = CACHE / "cargo"
    program = target / "release" / "umap_rs_bench"
    if not program.exists():
        if shutil.which("cargo") is None:
            raise NotAvailable("umap-rs needs cargo, which is not installed")
        folder = Path(__file__).parent / "umap_rs"
        command = ["cargo", "build", "--release", "--locked", "--target-dir", str(target)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise NotAvailable(f"umap-rs could not be compiled: {done.stderr.strip().splitlines()[-1]}")
    return str(program)


def manifolds_rs(dataset, task, optimizer="adam_parallel"):
    """manifolds-rs, which tells no phases: all its seconds stand under layout.

    It takes no start but the name of one, and the features only for that: the principal components of a start that
    consists of them are that start again, up to its scale.
    """
    import manifolds_rs

    require(task, "manifolds-rs", "symmetrize")
    manifolds_rs.set_num_threads(task.threads)
    model = manifolds_rs.UMAP(
        n_components=task.n_components, min_dist=task.min_dist, spread=task.spread, init=task.start, seed=task.seed,
        n_neighbors=dataset.knn_indices.shape[1] - 1, optimizer=optimizer,
        n_epochs=epochs_of(dataset, task),
    )  # fmt: skip
    indices, distances = np.array(dataset.knn_indices[:, 1:]), np.array(dataset.knn_dists[:, 1:])
    start = start_of(dataset, task)
    features = np.asarray(dataset.features) if isinstance(start, str) else start
    clock = time.perf_counter()
    embedding = model.fit_transform(features, knn_indices=indices, knn_distances=distances)
    return Outcome(embedding, float("nan"), time.perf_counter() - clock)


def manifolds_rs_sgd(dataset, task):
    """manifolds-rs with the optimizer that follows the original, one thread."""
    return manifolds_rs(dataset, task, "sgd")


def fastumap(dataset, task):
    """fastumap's graph and layout, as its `fit` calls them."""
    from fastumap.graph import find_ab_params, fuzzy_simplicial_set
    from fastumap.layout import optimize_layout, spectral_layout

    require(task, "fastumap", "symmetrize")
    a, b = find_ab_params(task.spread, task.min_dist)
    rng = np.random.default_rng(task.seed)
    indices, distances = dataset.knn_indices.astype(np.int64), dataset.knn_dists.astype(np.float64)
    start = start_of(dataset, task)
    if isinstance(start, str) and start == "random":
        raise NotAvailable("fastumap has no random start")
    epochs = epochs_of(dataset, task)
    clock = time.perf_counter()
    own_graph = fuzzy_simplicial_set(indices, distances)
    middle = time.perf_counter()
    if isinstance(start, str):
        start = spectral_layout(own_graph, task.n_components, rng=rng)
    embedding = optimize_layout(
        np.ascontiguousarray(start, np.float64), own_graph, epochs, a=a, b=b, rng=rng, negative_sample_rate=5
    )
    return Outcome(embedding, middle - clock, time.perf_counter() - middle)


def umapers(dataset, task):
    """umapers, which takes no start and tells no phases; one thread.

    It begins at its own spectral start, at a random one beyond 100,000 rows, where that takes most of the time.
    """
    import umapers

    require(task, "umapers", "symmetrize")
    model = umapers.Umap(
        n_neighbors=dataset.knn_indices.shape[1] - 1, n_components=task.n_components, n_epochs=epochs_of(dataset, task),
        min_dist=task.min_dist, spread=task.spread, random_seed=task.seed,
        init="random" if task.start == "random" or dataset.n_rows > 100_000 else "spectral",
    )  # fmt: skip
    indices = np.array(dataset.knn_indices[:, 1:], np.int64)
    distances, features = np.array(dataset.knn_dists[:, 1:]), np.asarray(dataset.features)
    clock = time.perf_counter()
    embedding = model.fit_transform_with_knn(features, indices, distances)
    return Outcome(embedding, float("nan"), time.perf_counter() - clock)


def umappp(dataset, task):
    """umappp, the C++ library, by scranpy's binding, which tells no phases and leaves its parallel layout off."""
    import knncolle
    import scranpy

    require(task, "umappp by scranpy", "symmetrize")
    neighbors = knncolle.FindKnnResults(
        np.array(dataset.knn_indices[:, 1:], np.uint32), np.array(dataset.knn_dists[:, 1:], np.float64)
    )
    start = start_of(dataset, task)
    given = None if isinstance(start, str) else np.ascontiguousarray(start, np.float64)
    clock = time.perf_counter()
    embedding = scranpy.run_umap(
        neighbors, num_dim=task.n_components, min_dist=task.min_dist, spread=task.spread,
        num_epochs=epochs_of(dataset, task), initialize_method="none" if given is not None else start,
        initial_coordinates=given, optimize_seed=task.seed, num_threads=task.threads,
    )  # fmt: skip
    return Outcome(np.asarray(embedding, np.float32), float("nan"), time.perf_counter() - clock)


def opentsne(dataset, task):
    """openTSNE, another method: t-SNE with uniform affinities of the same neighbors, its defaults otherwise."""
    import openTSNE
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    require(task, "openTSNE", "n_components", "min_dist", "spread", "start", "symmetrize")
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
