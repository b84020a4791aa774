"""``umap-sk transform``: places of new rows in the map of a model."""

import argparse
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from umap_sk.cli.files import add_inputs, check_ending, check_target, read_inputs, replaced
from umap_sk.cli.signals import StopRequest
from umap_sk.cli.terminal import Terminal
from umap_sk.estimator import PrecomputedUMAP
from umap_sk.runtime.allocation import write_array_to
from umap_sk.runtime.files import check_regular

INPUTS = ("knn_indices", "knn_dists", "graph", "features")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="What fit --model has written. It is a pickle, and LOADING A PICKLE CAN RUN ANY CODE: "
        "only name files that you have made yourself.",
    )
    group = parser.add_argument_group("input: new rows, and their neighbors among the rows of the map")
    add_inputs(group, *INPUTS)
    parser.add_argument("--out", required=True, metavar="P.npy", help="The places: new rows x axes, float32.")
    parser.add_argument("--n-jobs", type=int, metavar="N", help="Threads. The result does not depend on it.")


def run(options: argparse.Namespace, terminal: Terminal, request: StopRequest) -> dict[str, Any]:
    """Place the new rows, and write where they are."""
    check_ending(options.out, "--out", wanted=".npy")
    out = check_target(options.out, "--out", [options.model, *(getattr(options, name) for name in INPUTS)])
    data = read_inputs(options)
    model = loaded(options.model)
    if options.n_jobs is not None:
        model.set_params(n_jobs=options.n_jobs)
    places = np.asarray(model.transform(**data), np.float32)
    with replaced(out) as file:
        write_array_to(file, places)
    rows, components = places.shape
    lost = int(np.isnan(places[:, 0]).sum())
    return {"rows": rows, "n_components": components, "rows_without_place": lost, "out": str(out)}


def loaded(path: str) -> PrecomputedUMAP:
    """A model from the file that ``fit --model`` or joblib has written, which is unpickled."""
    try:
        check_regular(Path(path))
        model = joblib.load(path)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # a pickle that is damaged, or none at all, fails in any way
        raise ValueError(
            f"{path!r} cannot be loaded ({error!r}). Give what umap-sk fit --model has written."
        ) from error
    if not isinstance(model, PrecomputedUMAP):
        raise ValueError(
            f"{path!r} holds a {type(model).__name__}, but a PrecomputedUMAP is needed. Give what umap-sk fit --model "
            "has written."
        )
    return model


def text(answer: dict[str, Any]) -> str:
    """The answer for people, in one line."""
    return f"{answer['out']}: {answer['rows']:,} rows x {answer['n_components']} axes"
