"""The estimator's parameter `checkpoint`: where a run is stored on disk, and how often."""

import os
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import TypeAlias

ON_MISMATCH = ("new", "raise")


@dataclass(frozen=True)
class Checkpoint:
    """Store a run on disk, so that a fit can be interrupted at any moment and resumed later.

    Each run has a folder of its own in the directory, and the folder's name is a hash of data and parameters. Many runs
    can therefore share a directory. The same fit resumes from its newest checkpoint, or returns the finished map.

    Parameters
    ----------
    directory : str or path
        Directory of the runs' folders. It is created if it does not exist.
    every_epochs : int, default=None
        Number of epochs between two checkpoints. If None, only `every_seconds` counts.
    every_seconds : float, default=300
        Seconds between two checkpoints. If None, only `every_epochs` counts. If both are set, the earlier one counts.
    keep : int, default=2
        Number of checkpoints that each run keeps. With 1, a run cannot resume if its only checkpoint is damaged.
    on_mismatch : {"new", "raise"}, default="new"
        What to do if the directory contains an unfinished run, but of other data or parameters. "new" warns and
        begins a new run, "raise" raises an error.

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
        if not (self.every_epochs is None or (_is_integer(self.every_epochs) and self.every_epochs >= 1)):
            raise ValueError(f"every_epochs={self.every_epochs!r}, but a whole number of at least 1 or None is needed.")
        if not (self.every_seconds is None or (_is_real(self.every_seconds) and self.every_seconds > 0)):
            raise ValueError(f"every_seconds={self.every_seconds!r}, but a number above 0 or None is needed.")
        if self.every_epochs is None and self.every_seconds is None:
            raise ValueError("every_epochs and every_seconds are both None; one of them is needed.")
        if not (_is_integer(self.keep) and self.keep >= 1):
            raise ValueError(f"keep={self.keep!r}, but a whole number of at least 1 is needed.")
        if self.on_mismatch not in ON_MISMATCH:
            raise ValueError(f"on_mismatch={self.on_mismatch!r} is not known; use 'new' or 'raise'.")

    @property
    def path(self) -> Path:
        """The directory as a path, with ``~`` replaced by the home directory."""
        return Path(self.directory).expanduser()


CheckpointLike: TypeAlias = Checkpoint | str | os.PathLike[str]
"""The parameter `checkpoint`, unless it is None."""


def as_checkpoint(value: CheckpointLike) -> Checkpoint:
    """Return the parameter `checkpoint` as a Checkpoint. A path gets the defaults."""
    return value if isinstance(value, Checkpoint) else Checkpoint(value)


def _is_integer(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_real(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
