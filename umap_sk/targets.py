"""A target that is given and not used: said once a process, where a person called and not a pipeline."""

import inspect
from pathlib import Path
from typing import Any

import sklearn

from umap_sk.exceptions import IgnoredTargetWarning, warn

PACKAGE, SKLEARN = Path(__file__).parent, Path(sklearn.__file__).parent
WRAPPERS = (SKLEARN / "base.py", SKLEARN / "utils" / "_set_output.py")  # around every method
INSTALLED = {"site-packages", "dist-packages"}

_said: set[str] = set()


def warn_of_target(y: Any) -> None:
    """Warn the first time that a person's own code gives a fit a target.

    Where the code of an installed package calls, as scikit-learn's pipelines, searches and checks or BERTopic do, a
    target is passed to every step as a matter of routine.
    """
    if y is None or _said or not called_directly():
        return
    _said.add("y")
    warn(
        "y is not used: targets do not shape the map yet. Leave y out, or put what it knows into the features or "
        "distances. This is said once a process.",
        IgnoredTargetWarning,
    )


def called_directly() -> bool:
    """Whether the innermost code outside of this package, and of scikit-learn's wrappers, is no installed package's."""
    frame = inspect.currentframe()
    while frame is not None:
        file = Path(frame.f_code.co_filename)
        if PACKAGE not in file.parents and file not in WRAPPERS:
            return SKLEARN not in file.parents and INSTALLED.isdisjoint(file.parts)
        frame = frame.f_back
    return False
