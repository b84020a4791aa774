"""``umap-sk info``: what is in a file or directory, for people and as JSON."""

import argparse
from typing import Any

from umap_sk.cli.inspect import describe
from umap_sk.cli.signals import StopRequest
from umap_sk.cli.terminal import Terminal
from umap_sk.runtime.json_files import to_json

HINT = "not opened, since loading a pickle can run any code; --trust loads one that you have made yourself"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "path", metavar="FILE_OR_DIR", help="A checkpoint, run, directory of runs, manifold, model, .npy or .npz file."
    )
    parser.add_argument(
        "--trust",
        action="store_true",
        help="Load a model. It is a pickle, and LOADING A PICKLE CAN RUN ANY CODE: only with files of your own.",
    )


def run(options: argparse.Namespace, terminal: Terminal, request: StopRequest) -> dict[str, Any]:
    """What the file or directory is; a pickle is opened only with --trust."""
    found = describe(options.path)
    if found["kind"] != "pickle":
        return found
    return found | (_opened(options.path) if options.trust else {"hint": HINT})


def text(answer: dict[str, Any]) -> str:
    """The answer for people, a line for each thing."""
    shown = {name: value for name, value in answer.items() if name not in ("command", "umap_sk", "status", "exit_code")}
    runs = [_run_line(run) for run in shown.pop("runs", [])]
    lines = [f"{name:<13}{_for_people(value)}" for name, value in shown.items() if value is not None]
    return "\n".join([*lines, *runs])


def _run_line(run: dict[str, Any]) -> str:
    """A run of a directory; its path tells the rest."""
    if "damaged" in run:
        return f"run          {run['path']}: damaged, {run['damaged']}"
    state = "no checkpoint yet" if run["epoch"] is None else f"epoch {run['epoch']} of {run['n_epochs']}"
    rows = "" if None in (run["rows"], run["edges"]) else f", {run['rows']:,} rows, {run['edges']:,} edges"
    holder = f", being computed by {run['computed_by']}" if run["computed_by"] else ""
    return f"run          {run['path']}: {state}{rows}, {run['written']}{holder}"


def _for_people(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return "\n             ".join(f"{name}={_inner(one)}" for name, one in value.items())
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "\n             ".join(_inner(one) for one in value)
    return str(value)


def _inner(value: Any) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{name}={one}" for name, one in value.items())
    return str(value)


def _opened(path: str) -> dict[str, Any]:
    """A model, unpickled."""
    from umap_sk.cli.transform import loaded

    model = loaded(path)
    found: dict[str, Any] = {
        "kind": "model",
        "parameters": to_json(model.get_params(deep=False)),
    }
    if hasattr(model, "embedding_"):
        found["rows"], found["n_components"] = model.embedding_.shape
        found |= {"epoch": int(model.epoch_), "n_epochs": int(model.n_epochs_), "seed": int(model.seed_)}
    if hasattr(model, "manifold_"):
        found["edges"] = model.manifold_.n_edges
    return found
