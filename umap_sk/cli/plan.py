"""``umap-sk plan``: estimate the resources of a fit, from numbers or from the files that it would read."""

import argparse
from collections.abc import Mapping
from typing import Any

from umap_sk.cli.files import add_inputs, read_inputs
from umap_sk.cli.options import add_parameters, read_signature, select_given
from umap_sk.cli.signals import StopRequest
from umap_sk.cli.terminal import Terminal
from umap_sk.estimator import PrecomputedUMAP
from umap_sk.planning import plan as planning
from umap_sk.planning import sizes as plan_sizes

PLAN_INPUTS = ("knn_indices", "manifold")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_inputs(parser.add_argument_group("input, instead of --n-samples"), *PLAN_INPUTS)
    add_parameters(parser.add_argument_group("parameters, as in umap_sk.plan"), read_signature(planning.plan))


def execute(options: argparse.Namespace, terminal: Terminal, request: StopRequest) -> dict[str, object]:
    """Make the plan for the given numbers or files."""
    arguments = select_given(options, read_signature(planning.plan))
    data = read_inputs(options)
    if "n_samples" in arguments and data:
        raise ValueError("--n-samples was given with files that determine the rows. Pass only one of them.")
    if "n_samples" not in arguments and not data:
        raise ValueError("The number of rows is unknown: pass --n-samples, --knn-indices or --manifold.")
    plan = _plan_files(arguments, data) if data else planning.plan(**arguments)
    phases = [phase._asdict() for phase in plan.phases]
    return {**plan._asdict(), "phases": phases, "peak": plan.peak, "seconds": plan.seconds, "table": str(plan)}


def format_answer(answer: Mapping[str, object]) -> str:
    """Return the answer for people, a table."""
    return str(answer["table"])


def _plan_files(arguments: dict[str, Any], data: dict[str, Any]) -> planning.Plan:
    """Make the plan of a fit of these arrays."""
    apart = {
        name: arguments.pop(name)
        for name in ("edges", "listed", "on_disk", "timed", "n_jobs", "init")
        if name in arguments
    }
    if "listed" in apart:
        raise ValueError("--listed was given with a file that determines it. Omit it.")
    estimator = PrecomputedUMAP(**arguments)
    estimator._validate_params()
    given = {"edges": apart.get("edges"), "init": apart.get("init", "array"), "checkpoint": estimator.checkpoint}
    data["knn_indices"] = plan_sizes.read_indices(data.get("knn_indices"))
    sizes = plan_sizes.derive_sizes(estimator._get_settings(), **data, **given)
    sizes = sizes._replace(on_disk=apart.get("on_disk", sizes.on_disk))
    return planning.plan_sizes(sizes, timed=apart.get("timed", True), n_jobs=apart.get("n_jobs"))
