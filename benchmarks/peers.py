"""The competitors, each behind one function: ``run(name, dataset, task) -> Outcome``.

``dataset`` is a `benchmarks.datasets.DataSet` and ``task`` what is asked for. Every peer gets the same neighbors and,
where it takes one, the same start.
"""

import importlib.metadata
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks import other_peers
from benchmarks.task import NotAvailable, Outcome, Task, curve_of, require, start_of

__all__ = ["NotAvailable", "Outcome", "PEERS", "Peer", "Task", "curve_of", "reference_graph", "run", "version"]


def reference_graph(dataset):
    """umap-learn's symmetric fuzzy graph of the data set, CSR."""
    from umap.umap_ import fuzzy_simplicial_set

    k = dataset.knn_indices.shape[1]
    indices, distances = np.array(dataset.knn_indices, copy=None), np.array(dataset.knn_dists, copy=None)
    random_state = np.random.RandomState(0)
    return fuzzy_simplicial_set(dataset.features, k, random_state, "euclidean", {}, indices, distances)[0].tocsr()


def ours(dataset, task):
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


def umap_learn(dataset, task, parallel=True):
    """umap-learn's own functions for the graph and the layout; in parallel, which its seeded mode is not."""
    import numba
    from umap.umap_ import simplicial_set_embedding

    require(task, "umap-learn", "symmetrize")
    numba.set_num_threads(task.threads)
    a, b = curve_of(task)
    start = "spectral" if task.start == "auto" else start_of(dataset, task)
    clock = time.perf_counter()
    graph = reference_graph(dataset)
    middle = time.perf_counter()
    embedding, _ = simplicial_set_embedding(
        np.asarray(dataset.features), graph, task.n_components, 1.0, a, b, 1.0, 5, task.n_epochs, start,
        np.random.RandomState(task.seed), "euclidean", {}, False, {}, False, parallel=parallel,
    )  # fmt: skip
    return Outcome(embedding, middle - clock, time.perf_counter() - middle)


def umap_learn_seeded(dataset, task):
    """umap-learn with a random_state: one thread, the same bits each time."""
    return umap_learn(dataset, task, parallel=False)


class Peer(NamedTuple):
    """A competitor: its function, the distribution whose version is told, and what is to be known of it."""

    function: Callable
    distribution: str
    compiled: bool = False  # by numba on first use: it is warmed up on rows enough for all of its parts
    serial: bool = False  # on one thread, whatever the task says


PEERS = {
    "ours": Peer(ours, "umap-sk", compiled=True),
    "umap-learn": Peer(umap_learn, "umap-learn", compiled=True),
    "umap-learn-seeded": Peer(umap_learn_seeded, "umap-learn", compiled=True, serial=True),
    "umap-rs": Peer(other_peers.umap_rs, "umap-rs"),
    "manifolds-rs": Peer(other_peers.manifolds_rs, "manifolds-rs"),
    "manifolds-rs-sgd": Peer(other_peers.manifolds_rs_sgd, "manifolds-rs", serial=True),
    "umappp": Peer(other_peers.umappp, "scranpy", serial=True),
    "umapers": Peer(other_peers.umapers, "umapers", serial=True),
    "fastumap": Peer(other_peers.fastumap, "fastumap", serial=True),
    "opentsne": Peer(other_peers.opentsne, "openTSNE"),
}


def run(name, dataset, task):
    """Run a peer by name; `NotAvailable` says why it could not."""
    peer = PEERS[name]
    try:
        return peer.function(dataset, task)
    except ImportError as error:
        raise NotAvailable(f"{peer.distribution} is not installed ({error})") from error


def version(name):
    """The peer's version, or "not installed"."""
    distribution = PEERS[name].distribution
    if distribution == "umap-sk":
        import umap_sk

        return umap_sk.__version__
    if distribution == "umap-rs":
        lines = (Path(__file__).parent / "umap_rs" / "Cargo.lock").read_text().splitlines()
        return lines[lines.index('name = "umap-rs"') + 1].split('"')[1]
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
