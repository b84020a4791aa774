"""``umap-sk learn``: build the graph only, in files that fit --manifold maps into memory."""

import argparse
import os
from collections.abc import Mapping

from umap_sk.cli.files import add_inputs, read_inputs
from umap_sk.cli.options import add_parameters, read_estimator, select_given
from umap_sk.cli.signals import StopRequest
from umap_sk.cli.terminal import Terminal
from umap_sk.estimator import PrecomputedUMAP
from umap_sk.graph.manifold import GRAPH_PARAMETERS

TARGET_PARAMETERS = ("target_metric", "target_weight", "target_n_neighbors")
LEARN_PARAMETERS = (
    *GRAPH_PARAMETERS,
    *TARGET_PARAMETERS,
    "metric",
    "metric_params",
    "searcher",
    "dens_lambda",
    "n_jobs",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_inputs(parser.add_argument_group("input"), "knn_indices", "knn_dists", "graph", "features", "y")
    parser.add_argument("--out", required=True, metavar="DIR", help="The manifold: a new or empty directory.")
    parameters = [parameter for parameter in read_estimator(PrecomputedUMAP) if parameter.name in LEARN_PARAMETERS]
    add_parameters(parser.add_argument_group("parameters, as in Python"), parameters)


def execute(options: argparse.Namespace, terminal: Terminal, request: StopRequest) -> dict[str, object]:
    """Build the graph in its directory."""
    estimator = PrecomputedUMAP(**select_given(options, read_estimator(PrecomputedUMAP)))
    manifold = estimator.learn_manifold(**read_inputs(options), directory=options.out)
    return {"rows": manifold.n_samples, "edges": manifold.n_edges, "out": os.path.realpath(options.out)}


def format_answer(answer: Mapping[str, object]) -> str:
    """Format the answer for people in one line."""
    return f"{answer['out']}: {answer['rows']:,} rows, {answer['edges']:,} edges"
