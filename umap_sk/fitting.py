"""A fit in steps: the manifold, the start of the layout run, and who watches its epochs.

The functions read the estimator's parameters and never write to it; what they find is for it to publish.
"""

import contextlib
import copy
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numba import get_num_threads

from umap_sk import inputs, parameters
from umap_sk.checkpoint.identity import identity_of
from umap_sk.checkpoint.session import Session, opened
from umap_sk.checkpoint.settings import as_checkpoint
from umap_sk.graph.manifold import Manifold
from umap_sk.layout.anchors import Anchors, known_places
from umap_sk.layout.curve import Curve
from umap_sk.layout.growth import filled
from umap_sk.layout.init import automatic_start
from umap_sk.layout.loss_curve import recorder
from umap_sk.layout.optimizer import LayoutState
from umap_sk.layout.readers import is_read
from umap_sk.layout.run import LayoutRun, begun, edges_by_epoch, level_sizes, planned_epochs, resumed, whole_positions
from umap_sk.layout.spaces import Space, check_inside
from umap_sk.layout.start import Start
from umap_sk.layout.transform import MapCache
from umap_sk.learning import Given, manifold_of, searches, validated
from umap_sk.monitor.callbacks import FitTask
from umap_sk.monitor.progress import show_epochs
from umap_sk.monitor.report import Report
from umap_sk.neighbors.choice import identify_searcher
from umap_sk.neighbors.searchers import prepare_search
from umap_sk.neighbors.training_rows import select_kept_features
from umap_sk.planning.plan import warn_if_too_large
from umap_sk.runtime.threads import spare_threads


class Run(NamedTuple):
    """What an estimator keeps of an unfinished fit, to go on with it.

    Attributes
    ----------
    fingerprints : dict of str
        Hashes of what was given.
    layout : LayoutRun or None
        Where the layout is; None where it has been run to its end, of which nothing but the hashes is kept.
    parameters : dict or None
        The estimator's, with which the run was begun.
    identity : dict or None
        Of its folder on the disk, if it has one.
    """

    fingerprints: dict[str, str]
    layout: LayoutRun | None = None
    parameters: dict[str, Any] | None = None
    identity: dict[str, Any] | None = None


def fingerprints(given: Given) -> dict[str, str]:
    """Hashes of what a call was given, by name."""
    return inputs.fingerprints(**given._asdict())


def session(umap: Any, given: Given, seen: dict[str, str], run: Run | None, *, stepped: bool) -> Any:
    """The place on the disk of the run that this call begins (None) or goes on with, as a context.

    The folder stays locked for the estimator's next call if it is stepped.
    """
    if umap.checkpoint is None:
        return contextlib.nullcontext()
    settings, keeper = as_checkpoint(umap.checkpoint), umap if stepped else None
    if run is None:
        seed = parameters.draw_seed(umap.random_state)
        changed = {"init": umap.init if given.init is None else given.init}
        if umap.random_state is not None:
            changed["random_state"] = seed
        changed["searcher"] = (
            "auto" if not searches(umap, given) else identify_searcher(parameters.asked_of(umap), given.X)
        )
        data = {name: value for name, value in seen.items() if name != "init"}
        return opened(settings, identity_of(umap.get_params(deep=False) | changed, data), seed, False, keeper)
    if run.identity is None:
        raise ValueError(
            "checkpoint was set after the run had begun. Set it before the first call, or checkpoint=None to go on "
            "without."
        )
    return opened(settings, run.identity, umap.seed_, True, keeper)


def begin(umap: Any, given: Given, seen: dict[str, str], stored: Session | None) -> tuple[dict[str, Any], np.dtype]:
    """Results of a fit at its start, or where its run on the disk (`stored`) was, and the dtype of its output."""
    report, curve = Report(threads=get_num_threads()), parameters.curve_of(umap)
    space = parameters.output_space(umap)
    reader, values, precedence = validated(umap, given)
    warn_if_too_large(umap, values, given.knn_indices, given.manifold, given.init)
    seed = stored.seed if stored else parameters.draw_seed(umap.random_state)
    manifold, search = manifold_of(umap, given, values, precedence, stored, report, seed)
    if search is None and values is not None and umap.metric != "precomputed":
        asked = parameters.asked_of(umap, seed)
        search = prepare_search(values, asked, umap.n_neighbors, given=precedence)
    features = values if precedence or umap.metric != "precomputed" else None
    inputs.check_radii(umap.dens_lambda, manifold._shared.radii is not None)
    init, anchors = checked_start(umap, given, manifold, features, space)
    names = {name: value for name, value in vars(reader).items() if name in ("n_features_in_", "feature_names_in_")}
    results = {"n_features_in_": manifold.n_samples, **names, "manifold_": manifold, "report_": report}
    results |= {"a_": curve.a, "b_": curve.b, "_map": MapCache(), "_search": search, "_run": Run(seen)}
    results |= {"_features": select_kept_features(given.X, features, search), "_X_is_graph": values is not features}
    dtype = np.dtype(np.float32) if values is None else values.dtype
    state = None
    if stored:
        report["run"] = str(stored.folder)
        state = stored.take(manifold._shared)
    if stored and state and stored.finished:
        with report.phase("resume") as entry:
            entry["epoch"] = state.epoch
        found = {"embedding_": state.positions, "epoch_": state.epoch, "n_epochs_": stored.n_epochs}
        return results | found | {"seed_": state.seed}, dtype
    start = Start(init, features, umap.rescale_init)
    planned = stored.n_epochs if stored and state else None
    run = started(umap, manifold, curve, start, seed, state, report, anchors, planned)
    n_epochs = planned_epochs(run)
    if stored:
        stored.n_epochs = n_epochs
    kept = Run(seen, run, umap.get_params(deep=False), stored.identity if stored else None)
    begun_at = {"seed_": run.state.seed, "n_epochs_": n_epochs, "_run": kept}
    return results | begun_at | standing(run, manifold), dtype


def checked_start(
    umap: Any, given: Given, manifold: Manifold, features: Any, space: Space | None
) -> tuple[Any, Anchors | None]:
    """Where the layout begins and what holds it, if both fit the manifold, the features and the space."""
    init, known = umap.init if given.init is None else given.init, manifold._shared.lengths is not None
    init = inputs.check_start(init, manifold.n_samples, umap.n_components, features, known)
    anchors = inputs.check_anchors(given.anchors, manifold.n_samples, umap.n_components, umap.negative_sample_rate)
    if space and not isinstance(init, str):
        check_inside(space, init)
    if anchors:
        parameters.check_flat(umap, "anchors hold rows")
    return init, anchors


def started(
    umap: Any,
    manifold: Manifold,
    curve: Curve,
    start: Start,
    seed: int,
    state: LayoutState | None,
    report: Report,
    anchors: Anchors | None = None,
    planned: int | None = None,
) -> LayoutRun:
    """The layout run at its start, or at the state that was stored, in a plan of so many epochs."""
    schedule, forces, held = parameters.schedule_of(umap), parameters.forces_of(umap, curve), manifold._shared
    with spare_threads(manifold.n_samples), report.phase("resume" if state else "start") as entry:
        if state:
            run = resumed(held, schedule, forces, state, anchors)
            if planned not in (None, planned_epochs(run)):  # by the rule of the former version
                run = resumed(held, schedule._replace(counted=False), forces, state, anchors)
            entry["epoch"] = state.epoch
        else:
            if anchors and isinstance(start.init, str) and start.init == "auto":
                start = Start(filled(manifold, known_places(anchors), forces, seed), rescale=False)
            elif isinstance(start.init, str) and start.init == "auto":
                found = automatic_start(start.features, held.lengths is not None, umap.n_components, seed)
                start = Start(found, start.features, found=True)
            entry["init"] = start.init if isinstance(start.init, str) else "array"
            run = begun(held, start, schedule, forces, seed, anchors)
        entry["levels"] = level_sizes(run)
    return run


def standing(run: LayoutRun, manifold: Manifold) -> dict[str, Any]:
    """Results of a layout as it stands."""
    positions = whole_positions(run, manifold.disconnected())
    return {"embedding_": positions, "epoch_": run.state.epoch, "_map": MapCache()}


@contextlib.contextmanager
def watched(umap: Any, epochs: int, task: FitTask, stored: Session | None) -> Iterator[Callable[[LayoutRun], bool]]:
    """What to call after every epoch: report, loss, progress, checkpoint, callbacks; true where one wants a stop."""
    edges, begin_at = edges_by_epoch(umap._run.layout), umap._run.layout.state.epoch
    last = min(umap.n_epochs_, begin_at + epochs)
    record_loss = recorder(umap.report_.setdefault("losses", []), umap._run.layout)
    with (
        task.subtask("layout", last - begin_at) as layout,
        umap.report_.phase("layout") as entry,
        show_epochs(edges, begin_at, umap.verbose) as show,
    ):

        def on_epoch(run: LayoutRun) -> bool:
            state = run.state
            entry["epochs"] = state.epoch
            record_loss(run)
            asked = show(state.epoch)
            if stored:
                stored.after_epoch(state)

            def attributes() -> dict[str, Any]:
                still = run._replace(state=copy.deepcopy(state))
                return standing(still, umap.manifold_) | {"_run": umap._run._replace(layout=still)}

            stop = bool(layout.end_epoch(attributes) or asked)
            if not stop and state.epoch < last:
                layout.begin_epoch()
            return stop

        layout.begin_epoch()
        yield on_epoch


def must_stay(stored: Session | None) -> Callable[[LayoutState], bool]:
    """Which states are being read or written, so that their arrays are not written over."""
    return lambda state: is_read(state) or (stored is not None and state is stored.writing)
