"""Scikit-learn's callbacks around the tasks of a fit. They are not called before scikit-learn 1.9."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from umap_sk._typing import Parameters

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from sklearn.callback import CallbackContext

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stand-in for the mixin of scikit-learn 1.9, without callbacks."""


CALLBACK_ATTRIBUTES = ("_callback_fit_ctx", "_skl_callbacks_to_teardown", "_parent_callback_ctx")
"""Attributes that scikit-learn sets on an estimator while its fit runs."""


class FitTask:
    """A task with callbacks: the whole fit, its graph, or its layout, whose subtasks are the epochs.

    The context is None if scikit-learn has no callbacks. `data` contains X, y and the metadata, which the hooks
    receive.
    """

    def __init__(self, estimator: "BaseEstimator | None", context: "CallbackContext | None", data: Parameters):
        self._estimator, self._context, self._data = estimator, context, data
        self._epoch: CallbackContext | None = None

    @contextlib.contextmanager
    def subtask(self, name: str, max_subtasks: int = 0) -> Iterator["FitTask"]:
        """Yield a part of this task, which ends with the block."""
        context = self._context and self._context.subcontext(task_name=name, max_subtasks=max_subtasks)
        with _call_hooks(FitTask(self._estimator, context, self._data)) as task:
            yield task

    def begin_epoch(self) -> None:
        """Notify the callbacks that an epoch begins."""
        if self._context is not None:
            self._epoch = self._context.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def end_epoch(self, attributes: Callable[[], Parameters]) -> bool:
        """Notify the callbacks that the epoch has ended, and return whether one of them requests a stop.

        `attributes` returns the attributes of an estimator fitted so far. It is called only if a callback asks for
        them.
        """
        if self._epoch is None:
            return False
        return bool(
            self._epoch.call_on_fit_task_end(
                estimator=self._estimator, reconstruction_attributes=attributes, **self._data
            )
        )


@contextlib.contextmanager
def begin_fit_task(
    estimator: "BaseEstimator", n_subtasks: int, X: object, y: object, metadata: Parameters
) -> Iterator[FitTask]:
    """Yield the task of one call of fit or partial_fit, which ends with the block unless an error is raised."""
    context = None
    if hasattr(estimator, "_init_callback_context"):
        context = estimator._init_callback_context(max_subtasks=n_subtasks)
    metadata = {name: value for name, value in metadata.items() if value is not None}
    with _call_hooks(FitTask(estimator, context, {"X": X, "y": y, "metadata": metadata})) as task:
        yield task


@contextlib.contextmanager
def _call_hooks(task: FitTask) -> Iterator[FitTask]:
    """Call the hooks at both ends of a task."""
    if task._context is None:
        yield task
        return
    task._context.call_on_fit_task_begin(estimator=task._estimator, **task._data)
    yield task
    task._context.call_on_fit_task_end(estimator=task._estimator, **task._data)
