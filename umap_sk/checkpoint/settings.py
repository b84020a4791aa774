"""When and where a run is kept on disk, as a value that goes into the estimator's parameters."""

import os
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path

ON_MISMATCH = ("new", "raise")


@dataclass(frozen=True)
class Checkpoint:
    """Where a run is kept on disk so that it can be cut off at any moment, and how often.

    Every run has a folder of its own in the directory, named by its data and parameters, so that many runs can share
    a directory. The same fit again goes on from its newest checkpoint, or returns what is finished.

    Parameters
    ----------
    directory : str or path
        Where the runs' folders are; made if it does not exist.
    every_epochs : int, default=None
        Epochs from one checkpoint to the next; None leaves it to `every_seconds`.
    every_seconds : float, default=300
        Seconds from one checkpoint to the next, whichever comes first; None leaves it to `every_epochs`.
    keep : int, default=2
        How many of a run's checkpoints are kept, the newest ones. With 1 there is nothing to fall back on where the
        newest is damaged.
    on_mismatch : {"new", "raise"}, default="new"
        What to do if the directory holds no such run, but an unfinished one of other data or parameters: warn and begin
        a new run beside it, or raise.

    Raises
    ------
    ValueError, TypeError
        If a value is out of range.

    Examples
    --------
    >>> from umap_sk import Checkpoint, PrecomputedUMAP
    >>> umap = PrecomputedUMAP(checkpoint=Checkpoint("runs", every_epochs=10))
    >>> umap.checkpoint.keep
    2
    """

    directory: str | os.PathLike[str]
    every_epochs: int | None = None
    every_seconds: float | None = 300.0
    keep: int = 2
    on_mismatch: str = "new"

    def __post_init__(self) -> None:
        if not isinstance(self.directory, str | os.PathLike) or not isinstance(os.fspath(self.directory), str):
            raise TypeError(f"directory={self.directory!r}, but a path (str or pathlib.Path) is needed.")
        if not str(self.directory):
            raise ValueError("directory='', but a path is needed; '.' is the current folder.")
        if not (self.every_epochs is None or (_whole(self.every_epochs) and self.every_epochs >= 1)):
            raise ValueError(f"every_epochs={self.every_epochs!r}, but a whole number of at least 1 or None is needed.")
        if not (self.every_seconds is None or (_real(self.every_seconds) and self.every_seconds > 0)):
            raise ValueError(f"every_seconds={self.every_seconds!r}, but a number above 0 or None is needed.")
        if self.every_epochs is None and self.every_seconds is None:
            raise ValueError("every_epochs and every_seconds are both None; one of them is needed.")
        if not (_whole(self.keep) and self.keep >= 1):
            raise ValueError(f"keep={self.keep!r}, but a whole number of at least 1 is needed.")
        if self.on_mismatch not in ON_MISMATCH:
            raise ValueError(f"on_mismatch={self.on_mismatch!r} is not known; use 'new' or 'raise'.")

    @property
    def path(self) -> Path:
        """The directory as a path, ``~`` replaced by the home."""
        return Path(self.directory).expanduser()


def as_checkpoint(value: Checkpoint | str | os.PathLike[str]) -> Checkpoint:
    """The estimator's parameter as a value: a bare path gets the defaults."""
    return value if isinstance(value, Checkpoint) else Checkpoint(value)


def _whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _real(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
