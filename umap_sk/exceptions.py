"""Warnings of this package: one class for each situation that users may want to silence or turn into an error."""

import contextlib
import inspect
import os
import warnings

import sklearn

PACKAGES = tuple(os.path.join(os.path.dirname(path), "") for path in (__file__, sklearn.__file__))
INTERNAL_PATHS = (*PACKAGES, contextlib.__file__)  # context managers of the package are left by contextlib


class UMAPWarning(UserWarning):
    """Base class of all warnings of this package, which is raised itself where no subclass fits."""


class FewerNeighborsWarning(UMAPWarning):
    """Raised when some rows have fewer usable neighbors than `n_neighbors`; they use those they have."""


class DisconnectedWarning(UMAPWarning):
    """Raised when some rows have no edge; their rows of the embedding are NaN."""


class DuplicateNeighborsWarning(UMAPWarning):
    """Raised when a row lists the same neighbor more than once; the smallest distance is used."""


class NegativeDistanceWarning(UMAPWarning):
    """Raised when distances are below zero by rounding, as in cosine searches; they become 0."""


class DoubtfulDistancesWarning(UMAPWarning):
    """Raised when distances are doubtful.

    A dense distance matrix may be asymmetric or have a nonzero diagonal. Arrays of neighbors may have values that are
    the larger, the more neighbors two rows share. Or features that are passed with neighbors show that the distances
    are squares, or that the indices belong to other rows.
    """


class EqualDistancesWarning(UMAPWarning):
    """Raised when all distances are equal, so that no neighbor is closer than another."""


class IgnoredTargetWarning(UMAPWarning):
    """Raised once per process when `y` is passed to a fit that does not use it."""


class UnusedParameterWarning(UMAPWarning):
    """Raised for parameters of umap-learn that only affect its computation (once per process each) or drawing."""


class SpectralFallbackWarning(UMAPWarning):
    """Raised when the eigensolver of the spectral start does not converge; its last result is used."""


class LowRecallWarning(UMAPWarning):
    """Raised when an approximate search misses many of the nearest neighbors of sampled rows."""


class SlowSearchWarning(UMAPWarning):
    """Raised when many rows are searched exactly, or an index is built that the fit did not need."""


class MemoryPlanWarning(UMAPWarning):
    """Raised before a fit whose plan may exceed the memory that the process can get."""


class CheckpointWarning(UMAPWarning):
    """Raised when a checkpoint cannot be written, or is damaged and another one or none is used."""


class CheckpointMismatchWarning(UMAPWarning):
    """Raised when a new run begins next to an unfinished one with other data or parameters."""


def warn(message: str, category: type[UMAPWarning]) -> None:
    """Issue a warning that refers to the innermost line outside of this package and scikit-learn."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(INTERNAL_PATHS):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
