"""A cluster of workers: which there are, what is submitted to them, and what an error of theirs means."""

import contextlib
import itertools
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from copy import copy
from typing import Any, NamedTuple

from distributed import Client, Future, get_client, get_worker
from distributed.client import wait
from distributed.scheduler import KilledWorker

from umap_sk._version import __version__
from umap_sk.exceptions import UMAPWarning, warn
from umap_sk.runtime.kernel_cache import hash_sources
from umap_sk.runtime.threads import set_threads

PATIENCE = 10  # seconds after which it is looked whether any worker is left
GONE = "Start a cluster and give its client: DistributedUMAP(client=Client(...))."


class Cluster(NamedTuple):
    """Workers that a run is shared out to.

    Attributes
    ----------
    client : Client
        The client.
    workers : tuple of str
        Addresses of the workers there were when the run began.
    run : str
        What the keys of its tasks have in common.
    numbers : iterator of int
        What tells them apart.
    """

    client: Client
    workers: tuple[str, ...]
    run: str
    numbers: Iterator[int]


def connected(client: Client | None) -> Cluster:
    """The cluster of a client, or of the current one, whose workers have this version of the package."""
    client = client or _current_client()
    if client.status != "running":
        raise ValueError(f"The client is {client.status}. {GONE}")
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
        raise ValueError(f"There is no current client of Dask. {GONE}") from None


def _check_versions(client: Client) -> None:
    """Raise if a worker has no package, or one whose kernels may give other bits."""
    here = _versions()
    there = on_every_worker(client, _versions)
    wrong = {worker: versions for worker, versions in there.items() if versions != here}
    if wrong:
        worker, versions = next(iter(wrong.items()))
        told = "umap-sk {} (kernels {})".format
        raise ValueError(
            f"{len(wrong)} of {len(there)} workers have other versions: the one at {worker} has {told(*versions)}, the "
            f"client {told(*here)}. Install the same umap-sk everywhere and start the workers anew."
        )


def on_every_worker(client: Client, function: Callable[..., Any], *given: Any) -> dict[str, Any]:
    """What a function gives on every worker; one that dies meanwhile is left out."""
    answers = client.run(function, *given, on_error="return")
    for worker, answer in answers.items():
        if isinstance(answer, Exception) and "umap_sk" in str(answer):  # which it cannot import
            raise ValueError(f"The worker at {worker} has no umap-sk. Install it everywhere: {answer}")
        if isinstance(answer, Exception) and not isinstance(answer, OSError):
            raise answer
    return {worker: answer for worker, answer in answers.items() if not isinstance(answer, Exception)}


def _versions() -> tuple[str, str]:
    return __version__, hash_sources()[:8]


def home(cluster: Cluster, part: int, parts: int) -> str:
    """The worker that a part belongs to while it lives; neighboring parts lie together."""
    return cluster.workers[part * len(cluster.workers) // parts]


def by_rounds(cluster: Cluster, parts: int, make: Callable[[int, str], Future]) -> list[Future]:
    """A task for every part at its home, one part of each worker at a time, so that little is on its way at once."""
    made: dict[int, Future] = {}
    homes = [home(cluster, part, parts) for part in range(parts)]
    numbers = [homes[:part].count(at) for part, at in enumerate(homes)]
    for number in range(max(numbers) + 1):
        some = [part for part in range(parts) if numbers[part] == number]
        made |= {part: make(part, homes[part]) for part in some}
        finished(cluster, [made[part] for part in some])
    return [made[part] for part in range(parts)]


def submit(
    cluster: Cluster, phase: str, function: Callable[..., Any], *given: Any, at: str = "", wide: bool = False
) -> Future:
    """A task of a phase, which the dashboard shows by its name: on one thread, or if it is wide on all of a worker's.

    It runs at a worker's address (default: the first one's), or elsewhere if that is gone.
    """
    return cluster.client.submit(
        _on_threads,
        function,
        wide,
        *given,
        key=f"umap_{phase}-{cluster.run}-{next(cluster.numbers)}",
        workers=[at or cluster.workers[0]],
        allow_other_workers=True,
    )


def _on_threads(function: Callable[..., Any], wide: bool, *given: Any) -> Any:
    with set_threads(get_worker().state.nthreads if wide else 1):
        return function(*given)


def outcome(cluster: Cluster, awaited: Any) -> Any:
    """The value of a future, or of several; an error of a task as if it had been raised here."""
    futures = [awaited] if isinstance(awaited, Future) else list(awaited)
    finished(cluster, futures)
    with _explained():
        return cluster.client.gather(awaited)


def finished(cluster: Cluster, futures: Sequence[Future]) -> None:
    """Wait for futures, and raise the first error among them as if it had been raised here."""
    with _explained(), cluster.client.as_current():
        while wait_a_while(futures):
            if cluster.client.nthreads():
                cluster.client.run_on_scheduler(free)
            else:
                warn(f"The cluster has no worker: the run waits for one. {RESTART}", UMAPWarning)
    for future in futures:
        if future.status == "error":
            raise _plain(copy(future.exception()))  # the client keeps the original, and with it what a traceback holds
        if future.status == "cancelled":
            raise RuntimeError(f"The scheduler has lost the run: {future.key}. {RESTART}")


def free(dask_scheduler: Any) -> None:
    """Let tasks run anywhere that wait for a worker which is gone, and need not be there.

    The scheduler does so by itself, but for tasks that became ready while there was no worker at all.
    """
    stuck = [task for task in dask_scheduler.unrunnable if task.loose_restrictions]
    for task in stuck:
        task.worker_restrictions = None
    dask_scheduler.transitions({task.key: "processing" for task in stuck}, f"umap-free-{uuid.uuid4().hex}")


def wait_a_while(futures: Sequence[Future]) -> bool:
    """Whether futures are still not done after a while, or were and died with their worker: these are made again."""
    try:
        wait(futures, timeout=PATIENCE)
    except TimeoutError:
        return True
    return any(future.status == "lost" for future in futures)


RESTART = "Fit again; with checkpoint=directory that goes on from the last epochs that were written."


def _plain(error: BaseException) -> BaseException:
    if isinstance(error, KilledWorker):
        return RuntimeError(
            f"Workers died again and again at one task ({error.task}), mostly for want of memory: see their logs. Give "
            f"them more, or take more workers. {RESTART}"
        )
    return error.with_traceback(None)


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Say what a lost connection means."""
    try:
        yield
    except (OSError, TimeoutError) as error:
        raise RuntimeError(f"The connection to the scheduler is lost: {error}. {RESTART}") from error
    except CancelledError as error:
        raise RuntimeError(f"The scheduler has lost the run: {error}. {RESTART}") from error
