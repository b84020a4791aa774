"""The layout of a graph in pieces, from its levels to the last epoch, and its checkpoints."""

import contextlib
from contextlib import AbstractContextManager
from typing import NamedTuple

import numpy as np
from distributed import Future

from umap_sk._typing import Parameters
from umap_sk.checkpoint.identity import identify_run
from umap_sk.checkpoint.session import Session, open_session
from umap_sk.checkpoint.settings import CheckpointLike, as_checkpoint
from umap_sk.dask import epochs
from umap_sk.dask.arrange import Hierarchy, arrange
from umap_sk.dask.cluster import Cluster, gather, submit
from umap_sk.dask.epochs import DistributedState
from umap_sk.dask.learning import LearnedGraph
from umap_sk.dask.levels import build_levels
from umap_sk.dask.start import Layout, make_layout, start_layout
from umap_sk.layout.schedule import count_epochs
from umap_sk.layout.start import Start, choose_start
from umap_sk.monitor.progress import say
from umap_sk.monitor.report import Report
from umap_sk.pipeline.settings import Settings


class FinishedLayout(NamedTuple):
    """A finished layout."""

    positions: list[Future]  # of the rows in the graph, in the optimizer's order and in parts
    ranks: Future | None  # index of each row of the data in the optimizer's order, or -1 for a disconnected row
    embedding: np.ndarray | None  # the map, if a finished run was found on disk
    n_epochs: int  # of the whole schedule
    seed: int
    n_components: int


def open_run(
    parameters: Parameters,
    checkpoint: CheckpointLike | None,
    checksum: str,
    start: Start,
    seed: int,
) -> AbstractContextManager[Session | None]:
    """Return a context with the run on disk, or with None without a checkpoint."""
    if checkpoint is None:
        return contextlib.nullcontext()
    changes: dict[str, object] = {"init": start.name if start.positions is None else start.positions}
    if parameters["random_state"] is not None:
        changes["random_state"] = seed
    # The graph is identified by its checksum and not stored, because the workers can compute it again.
    identity = identify_run({**parameters, **changes}, {"manifold": checksum})
    return open_session(as_checkpoint(checkpoint), identity, seed, False, None)


def lay_out(
    cluster: Cluster,
    settings: Settings,
    graph: LearnedGraph,
    start: Start,
    seed: int,
    session: Session | None,
    report: Report,
) -> FinishedLayout:
    """Lay out a graph, or resume its run on disk."""
    n_components = settings.layout.n_components
    state = session.begin(None) if session else None
    if session and state and session.is_finished:
        return FinishedLayout([], None, state.positions, session.n_epochs, state.seed, n_components)
    if state:
        seed = state.seed
    start = choose_start(start, graph.graph.lengths is not None, n_components, seed)
    with report.phase("resume" if state else "start") as entry:
        levels = build_levels(
            cluster, graph.graph, graph.scale, n_components, seed, with_lengths=start.needs_lengths and not state
        )
        hierarchy, blocks = arrange(cluster, levels, seed)
        del levels
        layout = make_layout(cluster, hierarchy, blocks, settings.layout.schedule, settings.layout.forces, seed)
        if state:
            current = epochs.resume(cluster, layout, state)
        else:
            entry["init"] = start.name
            positions, width = start_layout(cluster, layout, start, graph.graph.mask)
            current = epochs.begin_phase(cluster, layout, positions, width)
        entry["levels"] = layout.level_sizes[: layout.phases[0].depth + 1]
    disconnected = graph.disconnected if graph.disconnected.any() else None
    ranks = submit(cluster, "place", _compute_ranks, hierarchy, graph.n_samples, disconnected, graph.graph.mask)
    current = _run_epochs(cluster, layout, current, ranks, session, report, settings.verbose)
    return FinishedLayout(current.positions, ranks, None, count_epochs(layout.phases), seed, n_components)


def _run_epochs(
    cluster: Cluster,
    layout: Layout,
    current: DistributedState,
    ranks: Future,
    session: Session | None,
    report: Report,
    verbose: bool,
) -> DistributedState:
    """Run all remaining epochs, and write the checkpoints that are due."""
    n_epochs = count_epochs(layout.phases)
    if session:
        session.n_epochs = n_epochs

    with report.phase("layout") as entry:

        def after_epoch(reached: DistributedState) -> None:
            entry["epochs"] = reached.epoch
            if verbose:
                say(f"epoch {reached.epoch} of {n_epochs}")
            if session and session.is_due(reached.epoch):
                session.write_if_due(epochs.gather_state(cluster, layout, reached))

        current = epochs.run_epochs(cluster, layout, current, after_epoch)
        if session:
            state = epochs.gather_state(cluster, layout, current)
            session.finalize(state, select_positions(state.positions, gather(cluster, ranks)))
    return current


def _compute_ranks(
    hierarchy: Hierarchy, n_samples: int, disconnected: np.ndarray | None, mask: np.ndarray | None
) -> np.ndarray:
    order = hierarchy.levels[0].order
    ranks = np.empty(n_samples, np.int64)
    ranks[order if mask is None else np.flatnonzero(mask)[order]] = np.arange(len(order))
    if disconnected is not None:
        ranks[disconnected] = -1
    return ranks


def select_positions(positions: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """Select positions by the ranks of rows, with NaN for rank -1."""
    out = positions[np.maximum(ranks, 0)]
    out[ranks < 0] = np.nan
    return out
