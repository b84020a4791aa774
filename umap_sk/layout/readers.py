"""Concurrent reads of an estimator that fits: the arrays of a state are not overwritten while someone reads them."""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator

from umap_sk._typing import Parameters
from umap_sk.layout.optimizer import LayoutState

_lock = threading.RLock()
_readers: Counter[int] = Counter()  # number of readers by the id of a state's positions


@contextlib.contextmanager
def hold_attributes(take: Callable[[], Parameters]) -> Iterator[dict[str, object]]:
    """Yield the attributes of an estimator at one moment, and keep its layout unchanged within the block."""
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
    """Return whether someone reads a state."""
    with _lock:
        return id(state.positions) in _readers
