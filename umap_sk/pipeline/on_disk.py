"""The run on disk that a fit begins or continues."""

import contextlib
from contextlib import AbstractContextManager

from umap_sk._typing import Parameters
from umap_sk.checkpoint.identity import identify_run
from umap_sk.checkpoint.session import Session, open_session
from umap_sk.checkpoint.settings import CheckpointLike, as_checkpoint
from umap_sk.neighbors.choice import identify_searcher
from umap_sk.pipeline.fitted import FittedModel
from umap_sk.pipeline.inputs import Inputs
from umap_sk.pipeline.settings import Settings


def open_run(
    parameters: Parameters,
    checkpoint: CheckpointLike | None,
    settings: Settings,
    inputs: Inputs,
    fingerprints: dict[str, str],
    seed: int,
    *,
    keeper: object = None,
) -> AbstractContextManager[Session | None]:
    """Return a context with the run on disk for these parameters and data, or with None without a checkpoint.

    `fingerprints` are hashes of the arguments, and `seed` is that of a new run. The folder stays locked while `keeper`
    exists, the estimator that may continue the run.
    """
    if checkpoint is None:
        return contextlib.nullcontext()
    init = inputs.arguments.init
    compared = {**parameters, "init": parameters["init"] if init is None else init}
    if settings.random_state is not None:
        compared["random_state"] = seed
    compared["searcher"] = "auto"
    if inputs.X is not None and inputs.is_searched:
        compared["searcher"] = identify_searcher(settings.search, inputs.X)
    data = {name: value for name, value in fingerprints.items() if name != "init"}
    return open_session(as_checkpoint(checkpoint), identify_run(compared, data), seed, False, keeper)


def reopen_run(
    checkpoint: CheckpointLike | None, fitted: FittedModel, *, keeper: object
) -> AbstractContextManager[Session | None]:
    """Return a context with the run on disk of an unfinished fit, or with None without a checkpoint."""
    if checkpoint is None:
        return contextlib.nullcontext()
    if fitted.run is None or fitted.run.identity is None:
        raise ValueError(
            "checkpoint was set after the run had begun. Set it before the first call, or checkpoint=None to go on "
            "without."
        )
    return open_session(as_checkpoint(checkpoint), fitted.run.identity, fitted.seed, True, keeper)
