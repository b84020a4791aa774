"""This judge's figures against another's.

``python -m benchmarks.other_judge OTHER_JUDGE.py --set digits`` compares them with those of another judge's
``all_quality`` on the start of a set.
"""

import importlib.util
import sys

import numpy as np

from benchmarks import command, datasets, peers
from benchmarks.judge import DEFAULT_CURVE, Figures, judge


def check_against(module_path, dataset, graph, embedding, curve=DEFAULT_CURVE):
    """Largest difference between this judge's figures and those of ``all_quality`` in another file."""
    specification = importlib.util.spec_from_file_location("other_judge", module_path)
    other = importlib.util.module_from_spec(specification)
    sys.modules["other_judge"] = other  # numba's cache looks it up by name
    specification.loader.exec_module(other)
    listed = np.c_[np.arange(dataset.n_rows), dataset.nearest]
    theirs = other.all_quality(dataset.features, dataset.labels, listed, graph, embedding, *curve)
    ours = judge(dataset, graph, embedding, curve)
    return max(abs(theirs[name] - value) for name, value in zip(Figures._fields, ours, strict=True))


def main():
    """Compare with another judge."""
    parser = command.parser("other_judge", __doc__)
    parser.add_argument("module_path")
    parser.add_argument("--set", default="digits", choices=datasets.SIZES)
    arguments = parser.parse_args()
    dataset = datasets.load(arguments.set)
    graph = peers.reference_graph(dataset)
    print(check_against(arguments.module_path, dataset, graph, dataset.start))


if __name__ == "__main__":
    main()
