"""What a peer is asked for, what it answers, and the figures and starts that all are given alike."""

from typing import NamedTuple

import numpy as np

from benchmarks.datasets import pca_start


class Task(NamedTuple):
    """What an embedding is asked for; the defaults are UMAP's."""

    seed: int = 0
    n_epochs: int | None = None  # None: each peer's rule
    threads: int = 2
    n_components: int = 2
    min_dist: float = 0.1
    spread: float = 1.0
    start: str = "pca"  # "pca", "spectral", "random", or "auto": what each peer does with neighbors alone
    symmetrize: bool = True


class Outcome(NamedTuple):
    """An embedding and the seconds it took: from neighbors to graph, from graph and start to embedding.

    ``start_seconds`` is a part of the layout's, where the peer tells it; ``peak_bytes`` the memory above the inputs,
    where the peer is a program of its own.
    """

    embedding: np.ndarray
    graph_seconds: float
    layout_seconds: float
    start_seconds: float = float("nan")
    peak_bytes: float = float("nan")


class NotAvailable(Exception):
    """The peer is not installed, or cannot do what the task asks; the message says which."""


def curve_of(task):
    """umap-learn's (a, b) of the task's min_dist and spread."""
    from umap.umap_ import find_ab_params

    return tuple(float(value) for value in find_ab_params(task.spread, task.min_dist))


def epochs_of(dataset, task):
    """umap-learn's rule, for peers that have another one."""
    return task.n_epochs or (500 if dataset.n_rows <= 10_000 else 200)


def start_of(dataset, task):
    """The start to give to a peer: principal components, or the name of a start that the peer makes itself."""
    if task.start != "pca":
        return task.start
    if task.n_components == dataset.start.shape[1]:
        return np.array(dataset.start)
    return pca_start(dataset.features, task.n_components)


def require(task, peer, *plain):
    """Refuse what a peer cannot do: every field named must have its default."""
    for field in plain:
        if getattr(task, field) != Task._field_defaults[field]:
            raise NotAvailable(f"{peer} has no {field} = {getattr(task, field)!r}")
