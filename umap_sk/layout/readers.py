"""Estimators that are read while they fit: the arrays of the state that is read are not written over meanwhile."""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from umap_sk.layout.optimizer import LayoutState

_lock = threading.RLock()
_readers: Counter[int] = Counter()  # of a state's positions, by their id


@contextlib.contextmanager
def hold_attributes(take: Callable[[], dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Attributes of an estimator at one moment, whose layout stays as it is while the block runs."""
    with _lock:
        attributes = dict(take())
        run = getattr(attributes.get("_fitted"), "run", None)
        key = run and run.layout and id(run.layout.state.positions)
        if key:
            _readers[key] += 1
    try:
        yield attributes
    finally:
        if key:
            with _lock:
                _readers[key] -= 1
                if not _readers[key]:
                    del _readers[key]


def is_read(state: LayoutState) -> bool:
    """Whether somebody reads a state that is not the estimator's any more, so that nobody else begins to."""
    with _lock:
        return id(state.positions) in _readers
