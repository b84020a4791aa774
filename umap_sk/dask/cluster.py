"""The workers of a cluster, the submission of tasks, and explanations of errors."""

import contextlib
import itertools
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from copy import copy
from typing import Any, NamedTuple, TypeVar

from distributed import Client, Future, get_client, get_worker
from distributed.client import wait
from distributed.scheduler import KilledWorker, Scheduler

from umap_sk._version import __version__
from umap_sk.exceptions import UMAPWarning, warn
from umap_sk.runtime.kernel_cache import hash_sources
from umap_sk.runtime.threads import set_threads

POLL_SECONDS = 10  # seconds between two checks for remaining workers
Result = TypeVar("Result")
CLIENT_ADVICE = "Start a cluster and give its client: DistributedUMAP(client=Client(...))."


class Cluster(NamedTuple):
    """The workers of a run."""

    client: Client
    workers: tuple[str, ...]  # addresses at the beginning of the run
    run: str  # part of the keys of all tasks of the run
    numbers: Iterator[int]  # for the keys of tasks


def connect(client: Client | None) -> Cluster:
    """Return the cluster of a client or of the current client, after checks of its workers."""
    client = client or _current_client()
    if not isinstance(client, Client):
        raise TypeError(
            f"client is a {type(client).__name__}, but a client is needed, such as dask.distributed.Client."
        )
    if client.status != "running":
        raise ValueError(f"The client is {client.status}. {CLIENT_ADVICE}")
    if client.asynchronous:
        raise ValueError("The client is asynchronous, but fit waits for its tasks. Give one without asynchronous=True.")
    workers = tuple(sorted(client.scheduler_info(n_workers=-1)["workers"]))
    if not workers:
        raise ValueError(
            "The cluster has no worker. Start some (cluster.scale(2)), and wait: client.wait_for_workers(2)."
        )
    _check_versions(client)
    return Cluster(client, workers, uuid.uuid4().hex[:8], itertools.count())


def _current_client() -> Client:
    try:
        return get_client()
    except ValueError:
        raise ValueError(f"There is no current client of Dask. {CLIENT_ADVICE}") from None


def _check_versions(client: Client) -> None:
    """Raise if a worker lacks this package, or has another version whose kernels may give other bits."""
    local = _get_versions()
    remote = run_on_workers(client, _get_versions)
    wrong = {worker: versions for worker, versions in remote.items() if versions != local}
    if wrong:
        worker, versions = next(iter(wrong.items()))
        describe = "umap-sk {} (kernels {})".format
        raise ValueError(
            f"{len(wrong)} of {len(remote)} workers have other versions: the one at {worker} has {describe(*versions)}"
            f", the client {describe(*local)}. Install the same umap-sk everywhere and start the workers anew."
        )


def run_on_workers(client: Client, function: Callable[..., Result], *arguments: object) -> dict[str, Result]:
    """Run a function on all workers, and return its results by worker. Workers that die meanwhile are missing."""
    answers = client.run(function, *arguments, on_error="return")
    for worker, answer in answers.items():
        if isinstance(answer, Exception) and "umap_sk" in str(answer):  # the import failed
            raise ValueError(f"The worker at {worker} has no umap-sk. Install it everywhere: {answer}")
        if isinstance(answer, Exception) and not isinstance(answer, OSError):
            raise answer
    return {worker: answer for worker, answer in answers.items() if not isinstance(answer, Exception)}


def _get_versions() -> tuple[str, str]:
    return __version__, hash_sources()[:8]


def choose_worker(cluster: Cluster, part: int, parts: int) -> str:
    """Choose the worker of a part. Neighboring parts are on the same worker."""
    return cluster.workers[part * len(cluster.workers) // parts]


def submit_in_rounds(cluster: Cluster, parts: int, submit_part: Callable[[int, str], Future]) -> list[Future]:
    """Submit a task for each part, one part for each worker at a time, which limits the data in transfer."""
    futures: dict[int, Future] = {}
    workers = [choose_worker(cluster, part, parts) for part in range(parts)]
    numbers = [workers[:part].count(worker) for part, worker in enumerate(workers)]
    for number in range(max(numbers) + 1):
        parts_of_round = [part for part in range(parts) if numbers[part] == number]
        futures |= {part: submit_part(part, workers[part]) for part in parts_of_round}
        wait_for(cluster, [futures[part] for part in parts_of_round])
    return [futures[part] for part in range(parts)]


def submit(
    cluster: Cluster,
    phase: str,
    function: Callable[..., object],
    *arguments: object,
    worker: str = "",
    all_threads: bool = False,
) -> Future:
    """Submit a task of a phase, whose name the dashboard shows.

    It runs on the given or the first worker, or on another one if that is gone. It uses one thread, or all threads of
    the worker if `all_threads`.
    """
    return cluster.client.submit(
        _run_on_threads,
        function,
        all_threads,
        *arguments,
        key=f"umap_{phase}-{cluster.run}-{next(cluster.numbers)}",
        workers=[worker or cluster.workers[0]],
        allow_other_workers=True,
    )


def _run_on_threads(function: Callable[..., Result], all_threads: bool, *arguments: object) -> Result:
    with set_threads(get_worker().state.nthreads if all_threads else 1):
        return function(*arguments)


def gather(cluster: Cluster, awaited: Future | Sequence[Future]) -> Any:
    """Return the value of a future or of several. Errors of tasks are raised here."""
    futures = [awaited] if isinstance(awaited, Future) else list(awaited)
    wait_for(cluster, futures)
    with _explain_errors():
        return cluster.client.gather(awaited)


def wait_for(cluster: Cluster, futures: Sequence[Future]) -> None:
    """Wait for futures, and raise the first error among them."""
    with _explain_errors(), cluster.client.as_current():
        while wait_briefly(futures):
            if cluster.client.nthreads():
                cluster.client.run_on_scheduler(free_stuck_tasks)
            else:
                warn(f"The cluster has no worker: the run waits for one. {RESTART_ADVICE}", UMAPWarning)
    for future in futures:
        if future.status == "error":
            raise _simplify_error(copy(future.exception()))  # a copy, because the client stores the original
        if future.status == "cancelled":
            raise RuntimeError(f"The scheduler has lost the run: {future.key}. {RESTART_ADVICE}")


def free_stuck_tasks(dask_scheduler: Scheduler) -> None:
    """Let tasks that wait for a lost worker run on others.

    The scheduler does this itself, except for tasks that became ready while there was no worker at all.
    """
    stuck = [task for task in dask_scheduler.unrunnable if task.loose_restrictions]
    for task in stuck:
        task.worker_restrictions = None
    dask_scheduler.transitions({task.key: "processing" for task in stuck}, f"umap-free-{uuid.uuid4().hex}")


def wait_briefly(futures: Sequence[Future]) -> bool:
    """Wait a while, and return whether futures are unfinished or were lost with their worker, and so run again."""
    try:
        wait(futures, timeout=POLL_SECONDS)
    except TimeoutError:
        return True
    return any(future.status == "lost" for future in futures)


RESTART_ADVICE = "Fit again; with checkpoint=directory that goes on from the last epochs that were written."


def _simplify_error(error: BaseException) -> BaseException:
    if isinstance(error, KilledWorker):
        return RuntimeError(
            f"Workers died again and again at one task ({error.task}), mostly for want of memory: see their logs. Give "
            f"them more, or take more workers. {RESTART_ADVICE}"
        )
    return error.with_traceback(None)


@contextlib.contextmanager
def _explain_errors() -> Iterator[None]:
    """Explain a lost connection."""
    try:
        yield
    except (OSError, TimeoutError) as error:
        raise RuntimeError(f"The connection to the scheduler is lost: {error}. {RESTART_ADVICE}") from error
    except CancelledError as error:
        raise RuntimeError(f"The scheduler has lost the run: {error}. {RESTART_ADVICE}") from error
