"""How much more memory this process can get: what the machine has left, and what control groups and limits allow."""

from collections.abc import Iterator
from pathlib import Path

RECLAIMABLE = ("inactive_file", "active_file", "total_inactive_file", "total_active_file")


def available_memory(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Bytes that this process can still get, before something is killed or swapped out; None where nothing is known."""
    left = [*_machine(proc), *_groups(proc, groups), *_limit("RLIMIT_DATA", "VmData", proc)]
    return max(0, min(left)) if left else None


def available_addresses(proc: Path = Path("/proc")) -> int | None:
    """Bytes that this process can still map, files among them, under ``ulimit -v``; None without that limit."""
    left = [*_limit("RLIMIT_AS", "VmSize", proc)]
    return max(0, *left) if left else None


def _limit(name: str, used: str, proc: Path) -> Iterator[int]:
    """What is left of a limit of the process itself."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    limit = resource.getrlimit(getattr(resource, name))[0]
    for line in _lines(proc / "self" / "status"):
        if line.startswith(f"{used}:") and limit != resource.RLIM_INFINITY:
            yield limit - int(line.split()[1]) * 1024


def _machine(proc: Path) -> Iterator[int]:
    for line in _lines(proc / "meminfo"):
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) * 1024


def _groups(proc: Path, groups: Path) -> Iterator[int]:
    """What is left of the limit of each group that the process is in, and of the groups around it."""
    for line in _lines(proc / "self" / "cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            yield from _around(groups, path, "memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            yield from _around(groups / "memory", path, "memory.limit_in_bytes", "memory.usage_in_bytes")


def _around(root: Path, path: str, limit_name: str, usage_name: str) -> Iterator[int]:
    group = root / path.lstrip("/")
    for place in (group, *group.parents):
        limit, usage = (_lines(place / name) for name in (limit_name, usage_name))
        if limit and usage and limit[0].strip() != "max":
            yield int(limit[0]) - int(usage[0]) + _reclaimable(place)
        if place == root:
            return


def _reclaimable(group: Path) -> int:
    """Cached files, which count as used but make room when it is needed."""
    statistics = dict(line.split() for line in _lines(group / "memory.stat"))
    whole = any(name.startswith("total_") for name in statistics)  # version 1 tells of subgroups in extra lines
    names = [name for name in RECLAIMABLE if name.startswith("total_") == whole]
    return sum(int(statistics.get(name, 0)) for name in names)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
