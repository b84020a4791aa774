"""The run on the disk that a fit begins or goes on with."""

import contextlib
from contextlib import AbstractContextManager
from typing import Any

from umap_sk.checkpoint.identity import identify_run
from umap_sk.checkpoint.session import Session, open_session
from umap_sk.checkpoint.settings import as_checkpoint
from umap_sk.neighbors.choice import identify_searcher
from umap_sk.pipeline.fitted import Fitted
from umap_sk.pipeline.given import Given
from umap_sk.pipeline.settings import Settings


def open_run(
    parameters: dict[str, Any],
    settings: Settings,
    given: Given,
    fingerprints: dict[str, str],
    seed: int,
    *,
    keeper: object = None,
) -> AbstractContextManager[Session | None]:
    """Return the run on the disk of these parameters and data as a context, which is None without a checkpoint.

    Parameters
    ----------
    parameters : dict
        All parameters of the estimator, `checkpoint` among them.
    settings : Settings
        What they stand for.
    given : Given
        The data.
    fingerprints : dict of str
        Hashes of what the call was given.
    seed : int
        The seed of a run that is not there yet.
    keeper : object, optional
        The estimator whose other calls may follow: the folder stays locked as long as it lives.
    """
    if parameters["checkpoint"] is None:
        return contextlib.nullcontext()
    init = given.arguments.init
    counted = parameters | {"init": parameters["init"] if init is None else init}
    if settings.random_state is not None:
        counted["random_state"] = seed
    counted["searcher"] = identify_searcher(settings.search, given.X) if given.is_searched else "auto"
    data = {name: value for name, value in fingerprints.items() if name != "init"}
    return open_session(as_checkpoint(parameters["checkpoint"]), identify_run(counted, data), seed, False, keeper)


def reopen_run(checkpoint: Any, fitted: Fitted, *, keeper: object) -> AbstractContextManager[Session | None]:
    """Return the run on the disk of an unfinished fit as a context, which is None without a checkpoint."""
    if checkpoint is None:
        return contextlib.nullcontext()
    if fitted.run is None or fitted.run.identity is None:
        raise ValueError(
            "checkpoint was set after the run had begun. Set it before the first call, or checkpoint=None to go on "
            "without."
        )
    return open_session(as_checkpoint(checkpoint), fitted.run.identity, fitted.seed, True, keeper)
