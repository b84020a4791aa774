"""How much more memory this process can get, by the state of the machine, control groups and process limits."""

from collections.abc import Iterator
from pathlib import Path

UNLIMITED = 2**62  # bytes; version 1 of control groups has no word for it
RECLAIMABLE = ("inactive_file", "active_file", "total_inactive_file", "total_active_file")


def find_available_memory(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Return the bytes that this process can still get without swapping or being killed, or None if unknown."""
    left = [*_read_machine(proc), *_read_groups(proc, groups), *_read_limit("RLIMIT_DATA", "VmData", proc)]
    return max(0, min(left)) if left else None


def find_available_addresses(proc: Path = Path("/proc")) -> int | None:
    """Return the bytes that this process can still map, files included, or None without ``ulimit -v``."""
    left = [*_read_limit("RLIMIT_AS", "VmSize", proc)]
    return max(0, *left) if left else None


def _read_limit(name: str, used: str, proc: Path) -> Iterator[int]:
    """Yield the bytes that a limit of the process leaves."""
    try:
        import resource
    except ImportError:  # Windows has no such module
        return
    limit = resource.getrlimit(getattr(resource, name))[0]
    if limit == resource.RLIM_INFINITY:
        return
    for line in _read_lines(proc / "self" / "status"):
        if line.startswith(f"{used}:"):
            yield limit - int(line.split()[1]) * 1024


def _read_machine(proc: Path) -> Iterator[int]:
    for line in _read_lines(proc / "meminfo"):
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) * 1024


def _read_groups(proc: Path, groups: Path) -> Iterator[int]:
    """Yield the bytes that the limits of the process's control group and its parents leave."""
    for line in _read_lines(proc / "self" / "cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            yield from _read_parents(groups, path, "memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            yield from _read_parents(groups / "memory", path, "memory.limit_in_bytes", "memory.usage_in_bytes")


def _read_parents(root: Path, path: str, limit_name: str, usage_name: str) -> Iterator[int]:
    group = root / path.lstrip("/")
    for place in (group, *group.parents):
        limit = _read_lines(place / limit_name)
        is_limited = bool(limit) and limit[0].strip() != "max" and int(limit[0]) < UNLIMITED
        if is_limited and (usage := _read_lines(place / usage_name)):
            yield int(limit[0]) - int(usage[0]) + _count_reclaimable(place)
        if place == root:
            return


def _count_reclaimable(group: Path) -> int:
    """Return the bytes of cached files, which count as used but are freed when memory is needed."""
    statistics = dict(line.split() for line in _read_lines(group / "memory.stat"))
    whole = any(name.startswith("total_") for name in statistics)  # version 1 counts subgroups in separate lines
    names = [name for name in RECLAIMABLE if name.startswith("total_") == whole]
    return sum(int(statistics.get(name, 0)) for name in names)


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
