"""From the graph to the map: the start of the layout, its epochs, and who watches them."""

import contextlib
import copy
from collections.abc import Callable, Iterator
from typing import Any

from umap_sk.checkpoint.session import Session
from umap_sk.layout.anchors import Anchors, check_anchors, mask_free_rows
from umap_sk.layout.growth import fill_positions
from umap_sk.layout.loss_curve import make_loss_recorder
from umap_sk.layout.optimizer import LayoutState
from umap_sk.layout.readers import is_read
from umap_sk.layout.run import (
    LayoutRun,
    advance,
    begin,
    compute_embedding,
    count_edges_by_epoch,
    count_planned_epochs,
    get_level_sizes,
    is_finished,
    restore,
    resume,
)
from umap_sk.layout.spaces import check_inside
from umap_sk.layout.start import Start, choose_start, make_array_start, resolve_init
from umap_sk.layout.transform import MapCache
from umap_sk.monitor.callbacks import FitTask
from umap_sk.monitor.progress import show_epochs
from umap_sk.pipeline.fitted import ATTRIBUTE, Fitted, Run, at_layout, known_manifold
from umap_sk.pipeline.learn import Learned
from umap_sk.pipeline.settings import LayoutSettings, Settings, check_flat, draw_seed
from umap_sk.runtime.threads import spare_threads

NOBODY = FitTask(None, None, {})  # a task that no callback watches


def lay_out(settings: Settings, learned: Learned, *, init: Any = None, anchors: Any = None) -> Fitted:
    """Lay a graph out, from the start to the last epoch.

    Parameters
    ----------
    settings : Settings
        The settings.
    learned : Learned
        The graph; see :func:`umap_sk.pipeline.learn.learn`.
    init, anchors : object, optional
        As in :meth:`umap_sk.PrecomputedUMAP.fit`.

    Returns
    -------
    Fitted
        The map, and all that new rows need.

    Raises
    ------
    ValueError, TypeError
        If the start or the anchors do not fit the graph or the output metric.
    """
    return run_epochs(settings, begin_layout(settings, learned, init=init, anchors=anchors), reuse=True)


def begin_layout(
    settings: Settings, learned: Learned, *, init: Any = None, anchors: Any = None, stored: Session | None = None
) -> Fitted:
    """Return the fit before its first epoch, or where its run on the disk (`stored`) is."""
    manifold, report = learned.manifold, learned.report
    start, anchors = check_start(settings, learned, init, anchors)
    seed = draw_seed(settings) if learned.seed is None else learned.seed
    state = None
    if stored:
        report["run"] = str(stored.folder)
        state = stored.take(manifold._shared)
    if stored and state and stored.finished:
        with report.phase("resume") as entry:
            entry["epoch"] = state.epoch
        embedding, epoch, n_epochs, seed, layout = state.positions, state.epoch, stored.n_epochs, state.seed, None
    else:
        layout = start_layout(settings.layout, learned, start, anchors, seed, state)
        embedding, epoch = compute_embedding(layout, manifold.disconnected()), layout.state.epoch
        n_epochs, seed = count_planned_epochs(layout), layout.state.seed
        if stored:
            stored.n_epochs = n_epochs
    return Fitted(
        embedding=embedding,
        manifold=manifold,
        epoch=epoch,
        n_epochs=n_epochs,
        curve=settings.layout.forces.curve,
        seed=seed,
        report=report,
        columns=learned.columns,
        search=learned.search,
        features=learned.kept_features,
        X_is_graph=learned.X_is_graph,
        run=Run(layout, {}),
        cache=MapCache(),
    )


def check_start(settings: Settings, learned: Learned, init: Any, anchors: Any) -> tuple[Start, Anchors | None]:
    """Return the start and the anchors, after a look whether both fit the graph, the features and the space."""
    layout, n_samples = settings.layout, learned.manifold.n_samples
    start = resolve_init(
        layout.init if init is None else init,
        (n_samples, layout.n_components),
        has_lengths=learned.manifold._shared.lengths is not None,
        features=learned.features,
        rescale=layout.rescale_init,
    )
    checked = check_anchors(anchors, n_samples, layout.n_components, layout.forces.negative_rate)
    if layout.space and start.positions is not None:
        check_inside(layout.space, start.positions)
    if checked:
        check_flat(settings, "anchors hold rows")
    return start, checked


def start_layout(
    settings: LayoutSettings,
    learned: Learned,
    start: Start,
    anchors: Anchors | None,
    seed: int,
    state: LayoutState | None,
) -> LayoutRun:
    """The layout at its start, or at the state that was stored."""
    manifold, report = learned.manifold, learned.report
    shared, schedule, forces = manifold._shared, settings.schedule, settings.forces
    with spare_threads(manifold.n_samples), report.phase("resume" if state else "start") as entry:
        if state:
            layout = resume(shared, schedule, forces, state, anchors)
            entry["epoch"] = state.epoch
        else:
            if anchors and start.name == "auto":
                start = make_array_start(fill_positions(manifold, mask_free_rows(anchors), forces, seed), rescale=False)
            start = choose_start(start, shared.lengths is not None, settings.n_components, seed)
            entry["init"] = start.name
            layout = begin(shared, start, schedule, forces, seed, anchors)
        entry["levels"] = get_level_sizes(layout)
    return layout


def run_epochs(
    settings: Settings,
    fitted: Fitted,
    epochs: int | None = None,
    *,
    publish: Callable[[Fitted], object] | None = None,
    task: FitTask = NOBODY,
    stored: Session | None = None,
    reuse: bool = False,
) -> Fitted:
    """Return the fit so many epochs later, or where its schedule ends or somebody wants a stop.

    Parameters
    ----------
    settings : Settings
        The settings.
    fitted : Fitted
        A fit whose layout is unfinished.
    epochs : int, optional
        Epochs to run; None for all that are left.
    publish : callable, optional
        Gets the fit before the first epoch, after each with a layout that is ahead of the map, and at the end. An
        interrupt leaves the last whole epoch published.
    task : FitTask
        The callbacks of scikit-learn.
    stored : Session, optional
        The run on the disk.
    reuse : bool
        Whether the arrays of the layout's state may be overwritten.
    """
    publish = publish or (lambda fitted: None)
    fitted = with_layout(fitted, restore(unfinished_layout(fitted), known_manifold(fitted)._shared))
    publish(fitted)
    epochs = fitted.n_epochs - fitted.epoch if epochs is None else epochs
    try:
        with watched(settings, fitted, epochs, task, stored) as observe:

            def after_epoch(layout: LayoutRun) -> bool:
                nonlocal fitted
                fitted = with_layout(fitted, layout)
                publish(fitted)
                return observe(fitted, layout)

            advance(unfinished_layout(fitted), epochs, after_epoch, reuse=reuse, must_stay=must_stay(stored))
    finally:
        layout = unfinished_layout(fitted)
        fitted = at_layout(fitted, layout)
        if is_finished(layout):
            fitted = fitted._replace(run=Run(None, fitted.run.fingerprints if fitted.run else {}))
        publish(fitted)
        if stored:
            stored.finalize(layout.state, fitted.embedding)
    return fitted


def unfinished_layout(fitted: Fitted) -> LayoutRun:
    """The layout of a fit that has one."""
    layout = fitted.layout
    assert layout is not None
    return layout


def with_layout(fitted: Fitted, layout: LayoutRun) -> Fitted:
    """The fit with a layout that is ahead of its map."""
    assert fitted.run is not None
    return fitted._replace(run=fitted.run._replace(layout=layout))


@contextlib.contextmanager
def watched(
    settings: Settings, fitted: Fitted, epochs: int, task: FitTask, stored: Session | None
) -> Iterator[Callable[[Fitted, LayoutRun], bool]]:
    """What to call after every epoch: report, loss, progress, checkpoint, callbacks; true where one wants a stop."""
    begins = unfinished_layout(fitted)
    edges, first = count_edges_by_epoch(begins), begins.state.epoch
    last = min(fitted.n_epochs, first + epochs)
    report = fitted.report
    record_loss = make_loss_recorder(report.setdefault("losses", []), begins)
    del fitted, begins  # whose arrays are not needed once the epochs run
    with (
        task.subtask("layout", last - first) as layout_task,
        report.phase("layout") as entry,
        show_epochs(edges, first, settings.verbose) as show,
    ):

        def observe(fitted: Fitted, layout: LayoutRun) -> bool:
            state = layout.state
            entry["epochs"] = state.epoch
            record_loss(layout)
            stops = show(state.epoch)
            if stored:
                stored.after_epoch(state)

            def attributes() -> dict[str, Any]:
                return {ATTRIBUTE: at_layout(fitted, layout._replace(state=copy.deepcopy(state)))}

            stop = bool(layout_task.end_epoch(attributes) or stops)
            if not stop and state.epoch < last:
                layout_task.begin_epoch()
            return stop

        layout_task.begin_epoch()
        yield observe


def must_stay(stored: Session | None) -> Callable[[LayoutState], bool]:
    """Which states are being read or written, so that their arrays are not written over."""
    return lambda state: is_read(state) or (stored is not None and state is stored.writing)
