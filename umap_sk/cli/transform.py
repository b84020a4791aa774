"""``umap-sk transform``: place new rows in the map of a model."""

import argparse
from collections.abc import Mapping
from pathlib import Path

import joblib
import numpy as np

from umap_sk.cli.files import add_inputs, check_ending, check_target, open_replacement, read_inputs
from umap_sk.cli.signals import StopRequest
from umap_sk.cli.terminal import Terminal
from umap_sk.estimator import PrecomputedUMAP
from umap_sk.runtime.allocation import write_array_to
from umap_sk.runtime.files import check_regular

NEW_ROW_INPUTS = ("knn_indices", "knn_dists", "graph", "features")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="A model from fit --model. It is a pickle, and LOADING A PICKLE CAN RUN ANY CODE: "
        "use only files that you made yourself.",
    )
    group = parser.add_argument_group("input: new rows, and their neighbors among the rows of the map")
    add_inputs(group, *NEW_ROW_INPUTS)
    parser.add_argument("--out", required=True, metavar="P.npy", help="The positions: new rows x axes, float32.")
    parser.add_argument("--n-jobs", type=int, metavar="N", help="Number of threads. It does not affect the result.")


def execute(options: argparse.Namespace, terminal: Terminal, request: StopRequest) -> dict[str, object]:
    """Place the new rows, and write their positions."""
    check_ending(options.out, "--out", wanted=".npy")
    out = check_target(options.out, "--out", [options.model, *(getattr(options, name) for name in NEW_ROW_INPUTS)])
    data = read_inputs(options)
    model = load_model(options.model)
    if options.n_jobs is not None:
        model.set_params(n_jobs=options.n_jobs)
    places = np.asarray(model.transform(**data), np.float32)
    with open_replacement(out) as file:
        write_array_to(file, places)
    rows, components = places.shape
    lost = int(np.isnan(places[:, 0]).sum())
    return {"rows": rows, "n_components": components, "rows_without_place": lost, "out": str(out)}


def load_model(path: str) -> PrecomputedUMAP:
    """Unpickle a model from a file that ``fit --model`` or joblib has written."""
    try:
        check_regular(Path(path))
        model = joblib.load(path)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # a damaged pickle may raise any error
        raise ValueError(f"{path!r} cannot be loaded ({error!r}). Pass a model from umap-sk fit --model.") from error
    if not isinstance(model, PrecomputedUMAP):
        raise ValueError(
            f"{path!r} contains a {type(model).__name__}, but a PrecomputedUMAP is needed. Pass a model from umap-sk "
            "fit --model."
        )
    return model


def format_answer(answer: Mapping[str, object]) -> str:
    """Format the answer for people in one line."""
    return f"{answer['out']}: {answer['rows']:,} rows x {answer['n_components']} axes"
