"""The warnings of this package: one class for each thing that a user may want to silence or turn into an error."""

import inspect
import os
import warnings

import sklearn

INSIDE = tuple(os.path.join(os.path.dirname(path), "") for path in (__file__, sklearn.__file__))


class UMAPWarning(UserWarning):
    """Base class of every warning that this package gives; comes up only as one of its subclasses."""


class FewerNeighborsWarning(UMAPWarning):
    """Comes up when some rows have fewer usable neighbors than `n_neighbors` asks for; they use those they have."""


class DisconnectedWarning(UMAPWarning):
    """Comes up when some rows are left without any edge; their rows of the embedding are NaN."""


class DuplicateNeighborsWarning(UMAPWarning):
    """Comes up when a row lists the same neighbor more than once; the smallest of its distances is kept."""


class NegativeDistanceWarning(UMAPWarning):
    """Comes up when distances lie below zero by no more than rounding, as cosine searches give; they become 0."""


class DoubtfulDistancesWarning(UMAPWarning):
    """Comes up when distances are doubtful.

    A dense matrix of them is not symmetric, or has other values than 0 on its diagonal. Or the features beside
    neighbors say that their distances are squares, or that their indices mean other rows.
    """


class EqualDistancesWarning(UMAPWarning):
    """Comes up when all distances are equal, so that no neighbor is nearer than another one."""


class IgnoredTargetWarning(UMAPWarning):
    """Comes up, once a process, when a fit is given a `y`, which it does not use."""


class UnusedParameterWarning(UMAPWarning):
    """Comes up for parameters of umap-learn that only choose how it computes (once a process each) or how it draws."""


class SpectralFallbackWarning(UMAPWarning):
    """Comes up when the eigensolver of the spectral start does not converge; what it has found is the start then."""


class SlowSearchWarning(UMAPWarning):
    """Comes up where neighbors are searched exactly among many rows, or an index is built that the fit did not need."""


class MemoryPlanWarning(UMAPWarning):
    """Comes up before a fit that may need more memory than the process can get, as its plan says."""


class CheckpointWarning(UMAPWarning):
    """Comes up when a checkpoint cannot be written, or is damaged and another one or none is used."""


class CheckpointMismatchWarning(UMAPWarning):
    """Comes up when a new run begins beside an unfinished one of other data or parameters."""


def warn(message: str, category: type[UMAPWarning]) -> None:
    """Warn, and point at the caller's own line: the innermost one outside of this package and of scikit-learn."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(INSIDE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
