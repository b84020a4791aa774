"""The layout of a graph: its start, its epochs, and the progress, callbacks and checkpoints during them."""

import contextlib
import copy
from collections.abc import Callable, Iterator

from numpy.typing import ArrayLike

from umap_sk.checkpoint.session import Session
from umap_sk.layout.anchors import Anchors, AnchorsLike, check_anchors, mask_free_rows
from umap_sk.layout.growth import fill_positions
from umap_sk.layout.loss_curve import make_loss_recorder
from umap_sk.layout.optimizer import LayoutState
from umap_sk.layout.readers import is_read
from umap_sk.layout.run import (
    LayoutRun,
    advance,
    begin,
    compute_embedding,
    count_edges_by_phase,
    count_planned_epochs,
    get_level_sizes,
    is_finished,
    restore,
    resume,
)
from umap_sk.layout.spaces import check_inside
from umap_sk.layout.start import Start, check_name, check_positions, choose_start, make_array_start, resolve_init
from umap_sk.layout.transform import MapCache
from umap_sk.monitor.callbacks import FitTask
from umap_sk.monitor.progress import show_epochs
from umap_sk.pipeline.fitted import ATTRIBUTE, FittedModel, Run, get_manifold, update_embedding
from umap_sk.pipeline.inputs import Inputs, count_rows
from umap_sk.pipeline.learn import LearnedGraph
from umap_sk.pipeline.settings import LayoutSettings, Settings, check_flat, draw_seed
from umap_sk.runtime.threads import limit_threads_by_rows

UNWATCHED_TASK = FitTask(None, None, {"X": None, "y": None, "metadata": {}})  # a task without callbacks


def lay_out(
    settings: Settings, graph: LearnedGraph, *, init: str | ArrayLike | None = None, anchors: AnchorsLike | None = None
) -> FittedModel:
    """Lay out a graph, from the start to the last epoch, and return the map with all that places new rows.

    `init` and `anchors` are those of :meth:`umap_sk.PrecomputedUMAP.fit`.
    """
    return run_epochs(settings, begin_layout(settings, graph, init=init, anchors=anchors), reuse=True)


def begin_layout(
    settings: Settings,
    graph: LearnedGraph,
    *,
    init: str | ArrayLike | None = None,
    anchors: AnchorsLike | None = None,
    session: Session | None = None,
) -> FittedModel:
    """Return the model before its first epoch, or at the state of its run on disk (`session`)."""
    manifold, report = graph.manifold, graph.report
    start, anchors = check_start(settings, graph, init, anchors)
    seed = draw_seed(settings) if graph.seed is None else graph.seed
    state = None
    if session:
        report["run"] = str(session.folder)
        state = session.begin(manifold._shared)
    if session and state and session.is_finished:
        with report.phase("resume") as entry:
            entry["epoch"] = state.epoch
        embedding, epoch, n_epochs, seed, layout = state.positions, state.epoch, session.n_epochs, state.seed, None
    else:
        layout = start_layout(settings.layout, graph, start, anchors, seed, state)
        embedding, epoch = compute_embedding(layout, manifold.disconnected()), layout.state.epoch
        n_epochs, seed = count_planned_epochs(layout), layout.state.seed
        if session:
            session.n_epochs = n_epochs
    return FittedModel(
        embedding=embedding,
        manifold=manifold,
        epoch=epoch,
        n_epochs=n_epochs,
        curve=settings.layout.forces.curve,
        seed=seed,
        report=report,
        columns=graph.columns,
        search=graph.search,
        features=graph.kept_features,
        X_is_graph=graph.X_is_graph,
        run=Run(layout, {}),
        cache=MapCache(),
    )


def check_init(settings: Settings, inputs: Inputs) -> None:
    """Raise an error if the start cannot suit the rows or the features, before a graph is learned."""
    X, knn_indices, _, init, manifold, *_ = inputs.arguments
    init = settings.layout.init if init is None else init
    if isinstance(init, str):
        check_name(init, inputs.features, has_lengths=True)
        return
    n_samples = count_rows(X, knn_indices) if manifold is None else manifold.n_samples
    if n_samples:
        check_positions(init, n_samples, settings.layout.n_components, disconnected=True)  # check_start knows the graph


def check_start(
    settings: Settings, graph: LearnedGraph, init: str | ArrayLike | None, anchors: AnchorsLike | None
) -> tuple[Start, Anchors | None]:
    """Check that the start and the anchors suit the graph, the features and the space, and return both."""
    layout, n_samples = settings.layout, graph.manifold.n_samples
    init = layout.init if init is None else init
    start = resolve_init(
        init,
        (n_samples, layout.n_components),
        has_lengths=graph.manifold._shared.lengths is not None,
        features=graph.features,
        rescale=layout.rescale_init,
        disconnected=False if isinstance(init, str) else graph.manifold.disconnected(),
    )
    checked = check_anchors(anchors, n_samples, layout.n_components, layout.forces.negative_rate)
    if layout.space and start.positions is not None:
        check_inside(layout.space, start.positions)
    if checked:
        check_flat(settings, "anchors hold rows")
    return start, checked


def start_layout(
    settings: LayoutSettings,
    graph: LearnedGraph,
    start: Start,
    anchors: Anchors | None,
    seed: int,
    state: LayoutState | None,
) -> LayoutRun:
    """Return the layout at its start, or at a stored state."""
    manifold, report = graph.manifold, graph.report
    shared, schedule, forces = manifold._shared, settings.schedule, settings.forces
    with limit_threads_by_rows(manifold.n_samples), report.phase("resume" if state else "start") as entry:
        if state:
            layout = resume(shared, schedule, forces, state, anchors)
            entry["epoch"] = state.epoch
        else:
            if anchors and start.name == "auto":
                start = make_array_start(fill_positions(manifold, mask_free_rows(anchors), forces, seed), rescale=False)
            start = choose_start(start, shared.lengths is not None, settings.n_components, seed)
            entry["init"] = start.name
            if disconnected := int(manifold.disconnected().sum()):
                entry["disconnected_rows"] = disconnected
            layout = begin(shared, start, schedule, forces, seed, anchors)
        entry["levels"] = get_level_sizes(layout)
    return layout


def run_epochs(
    settings: Settings,
    fitted: FittedModel,
    epochs: int | None = None,
    *,
    publish: Callable[[FittedModel], object] | None = None,
    task: FitTask = UNWATCHED_TASK,
    session: Session | None = None,
    reuse: bool = False,
) -> FittedModel:
    """Run some epochs, or all that remain, until a callback requests a stop, and return the model after them.

    `publish` is called with the model before the first epoch, after each epoch, and at the end. Only at the end does
    the map match the layout. After an interrupt, the last complete epoch is published. With `reuse`, the arrays of the
    layout's state may be overwritten.
    """
    publish = publish or (lambda fitted: None)
    fitted = replace_layout(fitted, restore(get_layout(fitted), get_manifold(fitted)._shared))
    publish(fitted)
    epochs = fitted.n_epochs - fitted.epoch if epochs is None else epochs
    try:
        with watch_epochs(settings, fitted, epochs, task, session) as observe:

            def after_epoch(layout: LayoutRun) -> bool:
                nonlocal fitted
                fitted = replace_layout(fitted, layout)
                publish(fitted)
                return observe(fitted, layout)

            advance(get_layout(fitted), epochs, after_epoch, reuse=reuse, must_stay=protect_states(session))
    finally:
        layout = get_layout(fitted)
        fitted = update_embedding(fitted, layout)
        if is_finished(layout):
            fitted = fitted._replace(run=Run(None, fitted.run.fingerprints if fitted.run else {}))
        publish(fitted)
        if session:
            session.finalize(layout.state, fitted.embedding)
    return fitted


def get_layout(fitted: FittedModel) -> LayoutRun:
    """Return the layout of a model that has one."""
    layout = fitted.layout
    assert layout is not None
    return layout


def replace_layout(fitted: FittedModel, layout: LayoutRun) -> FittedModel:
    """Return the model with another layout and the same map."""
    assert fitted.run is not None
    return fitted._replace(run=fitted.run._replace(layout=layout))


@contextlib.contextmanager
def watch_epochs(
    settings: Settings, fitted: FittedModel, epochs: int, task: FitTask, session: Session | None
) -> Iterator[Callable[[FittedModel, LayoutRun], bool]]:
    """Provide a function to call after every epoch, which returns whether to stop.

    It updates the report, the loss and the progress, writes checkpoints, and calls callbacks.
    """
    layout = get_layout(fitted)
    phases, first = count_edges_by_phase(layout), layout.state.epoch
    last = min(fitted.n_epochs, first + epochs)
    report = fitted.report
    record_loss = make_loss_recorder(report.setdefault("losses", []), layout)
    del fitted, layout  # free their arrays, which the epochs do not need
    with (
        task.subtask("layout", last - first) as layout_task,
        report.phase("layout") as entry,
        show_epochs(phases, first, settings.verbose) as show,
    ):

        def observe(fitted: FittedModel, layout: LayoutRun) -> bool:
            state = layout.state
            entry["epochs"] = state.epoch
            record_loss(layout)
            stops = show(state.epoch)
            if session:
                session.write_if_due(state)

            def attributes() -> dict[str, FittedModel]:
                return {ATTRIBUTE: update_embedding(fitted, layout._replace(state=copy.deepcopy(state)))}

            stop = bool(layout_task.end_epoch(attributes) or stops)
            if not stop and state.epoch < last:
                layout_task.begin_epoch()
            return stop

        layout_task.begin_epoch()
        yield observe


def protect_states(session: Session | None) -> Callable[[LayoutState], bool]:
    """Return a predicate of states that are being read or written, and must not be overwritten."""
    return lambda state: is_read(state) or (session is not None and state is session.pending_state)
