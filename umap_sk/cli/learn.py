"""``umap-sk learn``: the graph alone, built in the files that fit --manifold maps into memory."""

import argparse
import os
from typing import Any

from umap_sk.cli.files import add_inputs, read_inputs
from umap_sk.cli.options import add_parameters, chosen, of_estimator
from umap_sk.cli.signals import StopRequest
from umap_sk.cli.terminal import Terminal
from umap_sk.estimator import PrecomputedUMAP
from umap_sk.graph.manifold import GRAPH_PARAMETERS

OF_TARGETS = ("target_metric", "target_weight", "target_n_neighbors")
NAMES = (*GRAPH_PARAMETERS, *OF_TARGETS, "metric", "metric_params", "n_jobs")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_inputs(parser.add_argument_group("input"), "knn_indices", "knn_dists", "graph", "features", "y")
    parser.add_argument("--out", required=True, metavar="DIR", help="The manifold: a new or empty directory.")
    parameters = [parameter for parameter in of_estimator(PrecomputedUMAP) if parameter.name in NAMES]
    add_parameters(parser.add_argument_group("parameters, as in Python"), parameters)


def run(options: argparse.Namespace, terminal: Terminal, request: StopRequest) -> dict[str, Any]:
    """Build the graph in its directory."""
    estimator = PrecomputedUMAP(**chosen(options, of_estimator(PrecomputedUMAP)))
    manifold = estimator.learn_manifold(**read_inputs(options), directory=options.out)
    edges = manifold.n_edges
    return {"rows": manifold.n_samples, "edges": edges, "out": os.path.realpath(options.out)}


def text(answer: dict[str, Any]) -> str:
    """The answer for people, in one line."""
    return f"{answer['out']}: {answer['rows']:,} rows, {answer['edges']:,} edges"
