"""``umap-sk fit``: make a map from neighbors in files. A signal stops it, and the same command resumes it."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import joblib
import numpy as np

from umap_sk.checkpoint import store
from umap_sk.checkpoint.settings import Checkpoint
from umap_sk.cli.files import add_inputs, check_ending, check_target, map_array, open_replacement, read_inputs
from umap_sk.cli.options import Parameter, add_parameters, read_estimator, read_signature, select_given
from umap_sk.cli.signals import STOPPED, StopRequest
from umap_sk.cli.terminal import Terminal
from umap_sk.estimator import PrecomputedUMAP
from umap_sk.layout.start import START_NAMES
from umap_sk.monitor.progress import Watcher, set_watcher
from umap_sk.runtime.allocation import write_array_to

FIT_INPUTS = ("knn_indices", "knn_dists", "graph", "features", "y", "anchors", "manifold")
# Endings of files that are not models.
OTHER_ENDINGS = (".npy", ".npz", ".csv", ".tsv", ".txt", ".json", ".h5", ".parquet")
HELP_TEXTS = {
    "init": "auto, pca (with --features), pivot_mds, spectral, random, or a .npy file of positions, rows x axes "
    "(default: auto)",
    "checkpoint": "Directory for checkpoints, from which the same command resumes the run.",
    "verbose": "The estimator's parameter; the command always shows progress.",
    "random_state": "Seed. Without it, a seed is drawn and printed at the end.",
}
"""Help texts that differ from the docstrings of the parameters."""


def list_parameters() -> list[Parameter]:
    """Return the parameters of the estimator."""
    found = read_estimator(PrecomputedUMAP)
    return [parameter._replace(help=HELP_TEXTS.get(parameter.name, parameter.help)) for parameter in found]


def list_checkpoint_settings() -> list[Parameter]:
    """Return the parameters of a checkpoint, except its directory."""
    return read_signature(Checkpoint)[1:]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.usage = "%(prog)s --knn-indices I.npy --knn-dists D.npy --out E.npy [options]"
    add_inputs(parser.add_argument_group("input"), *FIT_INPUTS)
    outputs = parser.add_argument_group("output")
    outputs.add_argument("--out", required=True, metavar="E.npy", help="The map: rows x axes, float32.")
    outputs.add_argument("--model", metavar="M.joblib", help="The fitted estimator, for transform, with the graph.")
    add_parameters(parser.add_argument_group("parameters, as in Python"), list_parameters())
    add_parameters(parser.add_argument_group("when checkpoints are written"), list_checkpoint_settings(), "checkpoint_")


def make_estimator(options: argparse.Namespace) -> PrecomputedUMAP:
    """Make the estimator with the given parameters, except a start from a file."""
    arguments = select_given(options, list_parameters())
    if arguments.get("init", START_NAMES[0]) not in START_NAMES:
        del arguments["init"]
    settings = select_given(options, list_checkpoint_settings(), "checkpoint_")
    if "checkpoint" in arguments:
        arguments["checkpoint"] = Checkpoint(arguments["checkpoint"], **settings)
    elif settings:
        raise ValueError(f"--checkpoint-{next(iter(settings)).replace('_', '-')} needs --checkpoint DIR.")
    return PrecomputedUMAP(**arguments)


def execute(options: argparse.Namespace, terminal: Terminal, request: StopRequest) -> dict[str, object]:
    """Fit and write the map. Returns the answer, also for a run that was stopped by a signal."""
    start = getattr(options, "init", START_NAMES[0])
    start = None if start in START_NAMES else start
    inputs = [getattr(options, name) for name in FIT_INPUTS]
    check_ending(options.out, "--out", wanted=".npy")
    out = check_target(options.out, "--out", [*inputs, start, options.model])
    model_file = options.model and check_target(options.model, "--model", [*inputs, start])
    if options.model:
        check_ending(options.model, "--model", wanted=".joblib", others=OTHER_ENDINGS)
    model = make_estimator(options)
    names = f", or one of {', '.join(START_NAMES)},"
    data = read_inputs(options) | ({"init": map_array(start, "--init", names)} if start else {})
    try:
        with set_watcher(_make_watcher(terminal, request)):
            model.fit(**data)
    except KeyboardInterrupt:
        if not _is_checkpointed(model):
            raise
    if model.epoch_ < model.n_epochs_:
        return _describe_stop(model, request)
    with open_replacement(out) as file:
        write_array_to(file, model.embedding_)
    if model_file:
        with open_replacement(model_file) as file:
            joblib.dump(model, file)
    return _collect_figures(model) | {"out": str(out), "model": model_file and str(model_file)}


def format_answer(answer: Mapping[str, object]) -> str:
    """Format the answer for people in one line."""
    epochs = f"epoch {answer['epoch']} of {answer['n_epochs']}, seed {answer['seed']}"
    if answer["status"] == "stopped":
        return f"stopped by {answer['signal']} at {epochs}; the same command resumes from {answer['run']}"
    return f"{answer['out']}: {answer['rows']:,} rows x {answer['n_components']} axes, {epochs}"


def _make_watcher(terminal: Terminal, request: StopRequest) -> Watcher:
    """Return a watcher that shows every epoch, and stops after the epoch during which a signal arrived."""

    def begin(edges: Sequence[int], done: int) -> Callable[[int], bool]:
        show = terminal.show_progress(edges, done)

        def after(epoch: int) -> bool:
            show(epoch)
            return request.received is not None

        return after

    return begin


def _describe_stop(model: PrecomputedUMAP, request: StopRequest) -> dict[str, object]:
    """Return the answer for a stopped run."""
    answer = {**_collect_figures(model), "status": "stopped", "signal": request.name}
    if _is_checkpointed(model):
        return answer | {"exit_code": STOPPED, "run": model.report_["run"]}
    number = request.received or 0
    error = f"stopped by {request.name} at epoch {model.epoch_} of {model.n_epochs_}; no checkpoint could be written"
    return answer | {"exit_code": 128 + number, "error": error}


def _is_checkpointed(model: PrecomputedUMAP) -> bool:
    """Return whether a run was stopped at an epoch that is stored on disk."""
    folder = getattr(model, "report_", {}).get("run")
    if folder is None or model.epoch_ >= model.n_epochs_:
        return False
    metadata = store.read_newest_metadata(Path(folder))
    return metadata is not None and metadata["epoch"] == model.epoch_


def _collect_figures(model: PrecomputedUMAP) -> dict[str, object]:
    rows, components = model.embedding_.shape
    return {
        "rows": rows,
        "n_components": components,
        "edges": model.manifold_.n_edges,
        "rows_without_place": int(np.isnan(model.embedding_[:, 0]).sum()),
        "epoch": int(model.epoch_),
        "n_epochs": int(model.n_epochs_),
        "seed": int(model.seed_),
        "phases": model.report_["phases"],
    }
