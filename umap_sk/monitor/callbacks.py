"""Scikit-learn's callbacks around the tasks of a fit; where scikit-learn has none (before 1.9), nothing is called."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stand-in for scikit-learn before 1.9: no callbacks can be set."""


OF_A_FIT = ("_callback_fit_ctx", "_skl_callbacks_to_teardown", "_parent_callback_ctx")
"""What scikit-learn keeps in an estimator while its fit runs."""


class FitTask:
    """A task with callbacks: the whole fit, its graph, or its layout, whose subtasks are the epochs.

    The context is None where scikit-learn has no callbacks; `given` are X, y and metadata, as the hooks get them.
    """

    def __init__(self, estimator: Any, context: Any, given: dict[str, Any]):
        self._estimator, self._context, self._given = estimator, context, given
        self._epoch: Any = None

    @contextlib.contextmanager
    def subtask(self, name: str, max_subtasks: int = 0) -> Iterator["FitTask"]:
        """A part of this task, which ends with the block."""
        context = self._context and self._context.subcontext(task_name=name, max_subtasks=max_subtasks)
        with _running(FitTask(self._estimator, context, self._given)) as task:
            yield task

    def begin_epoch(self) -> None:
        """Tell the callbacks that an epoch begins."""
        if self._context is not None:
            self._epoch = self._context.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(estimator=self._estimator, **self._given)

    def end_epoch(self, attributes: Callable[[], dict[str, Any]]) -> bool:
        """Tell the callbacks that the epoch has ended; whether one of them wants the fit to stop here.

        `attributes` turn a copy of the estimator into one fitted so far; they are made if a callback asks for that.
        """
        if self._context is None:
            return False
        return bool(
            self._epoch.call_on_fit_task_end(
                estimator=self._estimator, reconstruction_attributes=attributes, **self._given
            )
        )


@contextlib.contextmanager
def fit_task(estimator: Any, n_subtasks: int, X: Any, y: Any, metadata: dict[str, Any]) -> Iterator[FitTask]:
    """The task of one call of fit or partial_fit, which ends with the block unless an error does."""
    context = None
    if hasattr(estimator, "_init_callback_context"):
        context = estimator._init_callback_context(max_subtasks=n_subtasks)
    metadata = {name: value for name, value in metadata.items() if value is not None}
    with _running(FitTask(estimator, context, {"X": X, "y": y, "metadata": metadata})) as task:
        yield task


@contextlib.contextmanager
def _running(task: FitTask) -> Iterator[FitTask]:
    """Call the hooks at both ends of a task."""
    if task._context is None:
        yield task
        return
    task._context.call_on_fit_task_begin(estimator=task._estimator, **task._given)
    yield task
    task._context.call_on_fit_task_end(estimator=task._estimator, **task._given)
