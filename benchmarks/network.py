"""Network namespaces joined by a bridge, as machines of a cluster. They need Linux and root."""

import contextlib
import subprocess

SUBNET, PREFIX = "10.77.3", "umapsk"
DELAYED = ("netem", "delay", "0.5ms", "rate", "1gbit", "limit", "100000")
RATE_ALONE = ("tbf", "rate", "1gbit", "burst", "256kb", "latency", "400ms")
HOST = f"{SUBNET}.1"


def run_program(*words):
    """Run a program of the system, and raise a RuntimeError with its message if it fails."""
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def shape_link(device, inside=()):
    """Limit a link to 1 Gbit/s and delay it by 0.5 ms. If the kernel has no netem, print that there is no delay."""
    try:
        run_program(*inside, "tc", "qdisc", "add", "dev", device, "root", *DELAYED)
    except RuntimeError as error:
        print(f"{device} has 1 Gbit/s and no delay: {error}", flush=True)
        run_program(*inside, "tc", "qdisc", "add", "dev", device, "root", *RATE_ALONE)


@contextlib.contextmanager
def namespaces(count):
    """Make network namespaces with shaped links to a bridge at HOST, yield their names, and remove everything."""
    names = [f"{PREFIX}{number}" for number in range(count)]
    try:
        run_program("ip", "link", "add", PREFIX, "type", "bridge")
        run_program("ip", "addr", "add", f"{HOST}/24", "dev", PREFIX)
        run_program("ip", "link", "set", PREFIX, "up")
        for number, name in enumerate(names):
            inner, outer, inside = f"{name}i", f"{name}o", ("ip", "netns", "exec", name)
            run_program("ip", "netns", "add", name)
            run_program("ip", "link", "add", outer, "type", "veth", "peer", "name", inner, "netns", name)
            run_program("ip", "link", "set", outer, "master", PREFIX, "up")
            run_program(*inside, "ip", "addr", "add", f"{SUBNET}.{number + 2}/24", "dev", inner)
            for device in ("lo", inner):
                run_program(*inside, "ip", "link", "set", device, "up")
            shape_link(outer)
            shape_link(inner, inside)
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        subprocess.run(["ip", "link", "del", PREFIX], capture_output=True)


def bytes_received(name):
    """Return the bytes that a namespace's link has received."""
    return int(run_program("ip", "netns", "exec", name, "cat", f"/sys/class/net/{name}i/statistics/rx_bytes"))
