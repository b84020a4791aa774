"""What the memory gives: the triad a = b + s c of STREAM (McCalpin 1995), on one thread and on more.

``python -m benchmarks.bandwidth --threads 1,2`` prints GB/s, the best and the median of the rounds, which take the
numbers of threads in turn; 24 bytes an element are counted, as STREAM does. Arrays must be larger than all caches, of
which a virtual machine may share some with others. Beside it, what the layout asks for: the bytes that an epoch of the
whole graph reads in order, over its seconds in ``python -m benchmarks.scaling``, must stay below.
"""

import statistics
import time

import numba
import numpy as np

from benchmarks import command, machine

ELEMENT = 24  # bytes: two numbers read and one written
SCALAR = 3.0


@numba.njit(parallel=True, nogil=True)
def triad(a, b, c, scalar):
    """One pass."""
    for i in numba.prange(a.shape[0]):
        a[i] = b[i] + scalar * c[i]


def measure(threads, length, rounds):
    """GB/s of every round, by number of threads."""
    a, b, c = np.zeros(length), np.full(length, 1.0), np.full(length, 2.0)
    rates = {count: [] for count in threads}
    triad(a, b, c, SCALAR)
    for _ in range(rounds):
        for count in threads:
            numba.set_num_threads(count)
            began = time.perf_counter()
            triad(a, b, c, SCALAR)
            rates[count].append(ELEMENT * length / (time.perf_counter() - began) / 1e9)
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    return rates


def main(arguments=None):
    """Measure and print."""
    parser = command.parser("bandwidth", __doc__)
    parser.add_argument("--threads", default=f"1,{numba.config.NUMBA_NUM_THREADS}", help="comma-separated")
    parser.add_argument("--mib", type=int, default=512, help="of each of the three arrays")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", help="file for the results")
    options = parser.parse_args(arguments)
    threads = list(dict.fromkeys(int(count) for count in options.threads.split(",")))
    rates = measure(threads, options.mib * 2**20 // 8, options.rounds)
    cells = [[str(count), f"{max(of):.1f}", f"{statistics.median(of):.1f}"] for count, of in rates.items()]
    print(machine.markdown(["threads", "best GB/s", "median GB/s"], cells))
    machine.write(options.json, {"options": vars(options), "rates": rates})


if __name__ == "__main__":
    main()
