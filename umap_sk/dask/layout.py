"""The layout of a graph in pieces, from levels to the last epoch, and its checkpoints."""

import contextlib
from typing import Any, NamedTuple

import numpy as np
from distributed import Future

from umap_sk.checkpoint.identity import identity_of
from umap_sk.checkpoint.session import Session, opened
from umap_sk.checkpoint.settings import as_checkpoint
from umap_sk.dask import epochs
from umap_sk.dask.arrange import Tower, arrange
from umap_sk.dask.cluster import Cluster, outcome, submit
from umap_sk.dask.epochs import Standing
from umap_sk.dask.learning import Learned
from umap_sk.dask.levels import build_levels
from umap_sk.dask.start import Layout, layout_of, start
from umap_sk.layout.schedule import count_epochs
from umap_sk.layout.start import Start, choose_start
from umap_sk.monitor.progress import say
from umap_sk.monitor.report import Report
from umap_sk.pipeline.settings import Settings


class LaidOut(NamedTuple):
    """A finished layout.

    Attributes
    ----------
    positions : list of Future
        Positions of the rows that take part, in the optimizer's order, part by part.
    places : Future or None
        For every row of the data its place among these, -1 for a row that is lost.
    embedding : ndarray or None
        The map, where a finished run was found on the disk.
    n_epochs, seed, n_components : int
        Epochs of the whole schedule, what the map depends on, and its axes.
    """

    positions: list[Future]
    places: Future | None
    embedding: np.ndarray | None
    n_epochs: int
    seed: int
    n_components: int


def stored_run(parameters: dict[str, Any], checksum: str, begin: Start, seed: int) -> Any:
    """The place on the disk of a run, as a context; None without checkpoints."""
    if parameters["checkpoint"] is None:
        return contextlib.nullcontext()
    changed: dict[str, Any] = {"init": begin.name if begin.positions is None else begin.positions}
    if parameters["random_state"] is not None:
        changed["random_state"] = seed
    # The graph is not kept, as if the caller had given it: it is made again from what the workers read.
    identity = identity_of(parameters | changed, {"manifold": checksum})
    return opened(as_checkpoint(parameters["checkpoint"]), identity, seed, False, None)


def laid_out(
    cluster: Cluster,
    settings: Settings,
    graph: Learned,
    begin: Start,
    seed: int,
    stored: Session | None,
    report: Report,
) -> LaidOut:
    """Lay out a graph, or go on where its run on the disk was."""
    n_components = settings.layout.n_components
    state = stored.take(None) if stored else None
    if stored and state and stored.finished:
        return LaidOut([], None, state.positions, stored.n_epochs, state.seed, n_components)
    if state:
        seed = state.seed
    begin = choose_start(begin, graph.graph.lengths is not None, n_components, seed)
    with report.phase("resume" if state else "start") as entry:
        levels = build_levels(
            cluster, graph.graph, graph.scale, n_components, seed, measured=begin.needs_lengths and not state
        )
        tower, blocks = arrange(cluster, levels, seed)
        del levels
        layout = layout_of(cluster, tower, blocks, settings.layout.schedule, settings.layout.forces, seed)
        if state:
            standing = epochs.taken_up(cluster, layout, state)
        else:
            positions, width = start(cluster, layout, begin, graph.graph.kept)
            standing = epochs.begun(cluster, layout, positions, width)
        entry["levels"] = layout.n_levels
    lost = graph.lost if graph.lost.any() else None
    places = submit(cluster, "place", _places, tower, graph.n_samples, lost, graph.graph.kept)
    standing = _run(cluster, layout, standing, places, stored, report, settings.verbose)
    return LaidOut(standing.positions, places, None, count_epochs(layout.phases), seed, n_components)


def _run(
    cluster: Cluster,
    layout: Layout,
    standing: Standing,
    places: Future,
    stored: Session | None,
    report: Report,
    verbose: Any,
) -> Standing:
    """Run all epochs that are left; what is due goes to the disk on the way."""
    n_epochs = count_epochs(layout.phases)
    if stored:
        stored.n_epochs = n_epochs

    with report.phase("layout") as entry:

        def told(reached: Standing) -> None:
            entry["epochs"] = reached.epoch
            if verbose:
                say(f"epoch {reached.epoch} of {n_epochs}")
            if stored and stored.is_due(reached.epoch):
                stored.after_epoch(epochs.whole_state(cluster, layout, reached))

        standing = epochs.run(cluster, layout, standing, told)
        if stored:
            state = epochs.whole_state(cluster, layout, standing)
            stored.finalize(state, placed(state.positions, outcome(cluster, places)))
    return standing


def _places(tower: Tower, n_samples: int, lost: np.ndarray | None, kept: np.ndarray | None) -> np.ndarray:
    order = tower.levels[0].order
    places = np.empty(n_samples, np.int64)
    places[order if kept is None else np.flatnonzero(kept)[order]] = np.arange(len(order))
    if lost is not None:
        places[lost] = -1
    return places


def placed(positions: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Positions of rows by their places, NaN for those without."""
    out = positions[np.maximum(places, 0)]
    out[places < 0] = np.nan
    return out
