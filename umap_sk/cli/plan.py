"""``umap-sk plan``: what a fit will take, from numbers or from the files that it would read."""

import argparse
from typing import Any

from umap_sk.cli.files import add_inputs, read_inputs
from umap_sk.cli.options import add_parameters, chosen, of_signature
from umap_sk.cli.signals import StopRequest
from umap_sk.cli.terminal import Terminal
from umap_sk.estimator import PrecomputedUMAP
from umap_sk.planning import plan as planning
from umap_sk.planning import sizes as plan_sizes

INPUTS = ("knn_indices", "manifold")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_inputs(parser.add_argument_group("input, instead of --n-samples"), *INPUTS)
    add_parameters(parser.add_argument_group("parameters, as in umap_sk.plan"), of_signature(planning.plan))


def run(options: argparse.Namespace, terminal: Terminal, request: StopRequest) -> dict[str, Any]:
    """The plan of the numbers or files that were given."""
    given = chosen(options, of_signature(planning.plan))
    data = read_inputs(options)
    if "n_samples" in given and data:
        raise ValueError("--n-samples was given beside files that tell the rows. Give one of them.")
    if "n_samples" not in given and not data:
        raise ValueError("Nothing tells the number of rows: give --n-samples, --knn-indices or --manifold.")
    plan = _of_files(given, data) if data else planning.plan(**given)
    phases = [phase._asdict() for phase in plan.phases]
    return {**plan._asdict(), "phases": phases, "peak": plan.peak, "seconds": plan.seconds, "table": str(plan)}


def text(answer: dict[str, Any]) -> str:
    """The answer for people, as a table."""
    return answer["table"]


def _of_files(given: dict[str, Any], data: dict[str, Any]) -> planning.Plan:
    """The plan of a fit of these arrays."""
    apart = {
        name: given.pop(name) for name in ("edges", "listed", "on_disk", "timed", "n_jobs", "init") if name in given
    }
    if "listed" in apart:
        raise ValueError("--listed was given beside a file that tells it. Leave it out.")
    estimator = PrecomputedUMAP(**given)
    estimator._validate_params()
    sizes = plan_sizes.derive_sizes(estimator, **data, edges=apart.get("edges"), init=apart.get("init", "array"))
    sizes = sizes._replace(on_disk=apart.get("on_disk", sizes.on_disk))
    return planning.plan_sizes(sizes, timed=apart.get("timed", True), n_jobs=apart.get("n_jobs"))
