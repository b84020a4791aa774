"""umap-learn's set operations without compiling them, which takes longer than the tests run."""

import contextlib
from unittest import mock

import numpy as np
import umap.sparse
import umap.umap_

COMPILED = {
    umap.umap_: ("fast_intersection", "reprocess_row", "reset_local_metrics"),
    umap.sparse: ("general_sset_intersection", "general_sset_union"),
}
WRITTEN = {"fast_intersection": 2, "reset_local_metrics": 1}  # places of arguments that results are written to
WRITTEN |= {"general_sset_intersection": 8, "general_sset_union": 8}


def in_python(name, function):
    """The function as Python runs it, but in float64 between its float32 arguments and results, as when compiled."""

    def call(*arguments, **options):
        taken = list(arguments)
        for place, array in enumerate(arguments):
            if getattr(array, "dtype", None) == np.float32 and place != WRITTEN.get(name):
                taken[place] = array.astype(np.float64)
        return function.py_func(*taken, **options)

    return call


@contextlib.contextmanager
def plain():
    """Within it, umap-learn's functions are Python's."""
    with contextlib.ExitStack() as patches:
        for module, names in COMPILED.items():
            for name in names:
                patches.enter_context(mock.patch.object(module, name, in_python(name, getattr(module, name))))
        yield
