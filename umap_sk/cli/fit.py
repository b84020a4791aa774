"""``umap-sk fit``: a map from neighbors in files, which a signal can stop and the same command goes on with."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from umap_sk.checkpoint import store
from umap_sk.checkpoint.settings import Checkpoint
from umap_sk.cli.files import add_inputs, check_ending, check_target, mapped, read_inputs, replaced
from umap_sk.cli.options import Parameter, add_parameters, chosen, of_estimator, of_signature
from umap_sk.cli.signals import STOPPED, StopRequest
from umap_sk.cli.terminal import Terminal
from umap_sk.estimator import PrecomputedUMAP
from umap_sk.inputs import STARTS
from umap_sk.monitor.progress import Watcher, set_watcher
from umap_sk.runtime.allocation import write_array_to

FEATURES = ("knn_indices", "knn_dists", "graph", "features", "y", "manifold")
NO_MODELS = (".npy", ".npz", ".csv", ".tsv", ".txt", ".json", ".h5", ".parquet")  # endings
EXPLAINED = {
    "init": "auto, pca (with --features), pivot_mds, spectral, random, or a .npy file of positions, rows x axes "
    "(default: auto)",
    "checkpoint": "Directory that keeps the run; the same command goes on from there.",
    "verbose": "The estimator's parameter; progress is shown anyway.",
    "random_state": "Seed; without it one is drawn, and printed at the end.",
}
"""Where the command line has other words for a parameter than Python."""


def parameters() -> list[Parameter]:
    """Parameters of the estimator."""
    found = of_estimator(PrecomputedUMAP)
    return [parameter._replace(help=EXPLAINED.get(parameter.name, parameter.help)) for parameter in found]


def checkpoint_parameters() -> list[Parameter]:
    """Parameters of a checkpoint but its directory."""
    return of_signature(Checkpoint)[1:]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.usage = "%(prog)s --knn-indices I.npy --knn-dists D.npy --out E.npy [options]"
    add_inputs(parser.add_argument_group("input"), *FEATURES)
    outputs = parser.add_argument_group("output")
    outputs.add_argument("--out", required=True, metavar="E.npy", help="The map: rows x axes, float32.")
    outputs.add_argument("--model", metavar="M.joblib", help="The fitted estimator, for transform; holds the graph.")
    add_parameters(parser.add_argument_group("parameters, as in Python"), parameters())
    add_parameters(parser.add_argument_group("when checkpoints are written"), checkpoint_parameters(), "checkpoint_")


def estimator_from(options: argparse.Namespace) -> PrecomputedUMAP:
    """The estimator with the parameters that were given; a start from a file is not among them."""
    given = chosen(options, parameters())
    if given.get("init", STARTS[0]) not in STARTS:
        del given["init"]
    settings = chosen(options, checkpoint_parameters(), "checkpoint_")
    if "checkpoint" in given:
        given["checkpoint"] = Checkpoint(given["checkpoint"], **settings)
    elif settings:
        raise ValueError(f"--checkpoint-{next(iter(settings)).replace('_', '-')} needs --checkpoint DIR beside it.")
    return PrecomputedUMAP(**given)


def run(options: argparse.Namespace, terminal: Terminal, request: StopRequest) -> dict[str, Any]:
    """Fit and write; the answer, also of a run that a signal has stopped."""
    start = getattr(options, "init", STARTS[0])
    start = None if start in STARTS else start
    inputs = [getattr(options, name) for name in FEATURES]
    check_ending(options.out, "--out", wanted=".npy")
    out = check_target(options.out, "--out", [*inputs, start, options.model])
    model_file = options.model and check_target(options.model, "--model", [*inputs, start])
    if options.model:
        check_ending(options.model, "--model", wanted=".joblib", others=NO_MODELS)
    model = estimator_from(options)
    data = read_inputs(options) | ({"init": mapped(start, "--init")} if start else {})
    try:
        with set_watcher(_watcher(terminal, request)):
            model.fit(**data)
    except KeyboardInterrupt:
        if not _kept(model):
            raise
    if model.epoch_ < model.n_epochs_:
        return _stopped(model, request)
    with replaced(out) as file:
        write_array_to(file, model.embedding_)
    if model_file:
        with replaced(model_file) as file:
            joblib.dump(model, file)
    return _figures(model) | {"out": str(out), "model": model_file and str(model_file)}


def text(answer: dict[str, Any]) -> str:
    """The answer for people, in one line."""
    epochs = f"epoch {answer['epoch']} of {answer['n_epochs']}, seed {answer['seed']}"
    if answer["status"] == "stopped":
        return f"stopped by {answer['signal']} at {epochs}; the same command goes on from {answer['run']}"
    return f"{answer['out']}: {answer['rows']:,} rows x {answer['n_components']} axes, {epochs}"


def _watcher(terminal: Terminal, request: StopRequest) -> Watcher:
    """Shows every epoch, and asks to stop after the one during which a signal came."""

    def begin(edges: Sequence[int], done: int) -> Callable[[int], bool]:
        show = terminal.progress(edges, done)

        def after(epoch: int) -> bool:
            show(epoch)
            return request.received is not None

        return after

    return begin


def _stopped(model: PrecomputedUMAP, request: StopRequest) -> dict[str, Any]:
    """The answer of a run that was stopped on the way."""
    answer = {**_figures(model), "status": "stopped", "signal": request.name}
    if _kept(model):
        return answer | {"exit_code": STOPPED, "run": model.report_["run"]}
    number = request.received or 0
    error = f"stopped by {request.name} at epoch {model.epoch_} of {model.n_epochs_}; no checkpoint could be written"
    return answer | {"exit_code": 128 + number, "error": error}


def _kept(model: PrecomputedUMAP) -> bool:
    """Whether a run was stopped at an epoch that is on the disk."""
    folder = getattr(model, "report_", {}).get("run")
    if folder is None or model.epoch_ >= model.n_epochs_:
        return False
    metadata = store.newest_metadata(Path(folder))
    return metadata is not None and metadata["epoch"] == model.epoch_


def _figures(model: PrecomputedUMAP) -> dict[str, Any]:
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
