"""umap-learn's set operations in plain Python, since they take longer to compile than the tests to run."""

import contextlib
from unittest import mock

import numpy as np
import umap.sparse
import umap.umap_

COMPILED = {
    umap.umap_: ("fast_intersection", "reprocess_row", "reset_local_metrics"),
    umap.sparse: ("general_sset_intersection", "general_sset_union"),
}
WRITTEN = {"fast_intersection": 2, "reset_local_metrics": 1}  # positions of the arguments that receive results
WRITTEN |= {"general_sset_intersection": 8, "general_sset_union": 8}


def in_python(name, function):
    """Return the function in plain Python, with float64 between float32 arguments and results, as when compiled."""

    def call(*arguments, **options):
        taken = list(arguments)
        for place, array in enumerate(arguments):
            if getattr(array, "dtype", None) == np.float32 and place != WRITTEN.get(name):
                taken[place] = array.astype(np.float64)
        return function.py_func(*taken, **options)

    return call


@contextlib.contextmanager
def plain():
    """Replace umap-learn's compiled functions with plain Python in this block."""
    with contextlib.ExitStack() as patches:
        for module, names in COMPILED.items():
            for name in names:
                patches.enter_context(mock.patch.object(module, name, in_python(name, getattr(module, name))))
        yield
