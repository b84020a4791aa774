"""``umap-sk info``: describe a file or directory, for people and as JSON."""

import argparse
from collections.abc import Mapping

from umap_sk.cli.inspect import describe
from umap_sk.cli.signals import StopRequest
from umap_sk.cli.terminal import Terminal
from umap_sk.runtime.json_files import to_json

HINT = "not opened, because loading a pickle can run any code; --trust loads a pickle that you made yourself"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "path", metavar="FILE_OR_DIR", help="A checkpoint, run, directory of runs, manifold, model, .npy or .npz file."
    )
    parser.add_argument(
        "--trust",
        action="store_true",
        help="Load a model. It is a pickle, and LOADING A PICKLE CAN RUN ANY CODE: use it only with your own files.",
    )


def execute(options: argparse.Namespace, terminal: Terminal, request: StopRequest) -> dict[str, object]:
    """Describe the file or directory. A pickle is opened only with --trust."""
    found = describe(options.path)
    if found["kind"] != "pickle":
        return found
    return found | (_describe_model(options.path) if options.trust else {"hint": HINT})


def format_answer(answer: Mapping[str, object]) -> str:
    """Format the answer for people, with a line for each entry."""
    shown = {name: value for name, value in answer.items() if name not in ("command", "umap_sk", "status", "exit_code")}
    runs = shown.pop("runs", None)
    lines = [f"{name:<13}{_format_value(value)}" for name, value in shown.items() if value is not None]
    return "\n".join([*lines, *(map(_format_run, runs) if isinstance(runs, list) else ())])


def _format_run(run: Mapping[str, object]) -> str:
    """Format a run of a directory. `umap-sk info` of its path shows more."""
    if "damaged" in run:
        return f"run          {run['path']}: damaged, {run['damaged']}"
    state = "no checkpoint yet" if run["epoch"] is None else f"epoch {run['epoch']} of {run['n_epochs']}"
    rows = "" if None in (run["rows"], run["edges"]) else f", {run['rows']:,} rows, {run['edges']:,} edges"
    holder = f", being computed by {run['computed_by']}" if run["computed_by"] else ""
    return f"run          {run['path']}: {state}{rows}, {run['written']}{holder}"


def _format_value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return "\n             ".join(f"{name}={_format_inner(one)}" for name, one in value.items())
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "\n             ".join(_format_inner(one) for one in value)
    return str(value)


def _format_inner(value: object) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{name}={one}" for name, one in value.items())
    return str(value)


def _describe_model(path: str) -> dict[str, object]:
    """Load a model by unpickling, and describe it."""
    from umap_sk.cli.transform import load_model

    model = load_model(path)
    found: dict[str, object] = {"kind": "model", "parameters": to_json(model.get_params(deep=False))}
    if hasattr(model, "embedding_"):
        found["rows"], found["n_components"] = model.embedding_.shape
        found |= {"epoch": int(model.epoch_), "n_epochs": int(model.n_epochs_), "seed": int(model.seed_)}
    if hasattr(model, "manifold_"):
        found["edges"] = model.manifold_.n_edges
    return found
