"""Number of scikit-learn's estimator checks that pass, with this package and with umap-learn.

Without SCIPY_ARRAY_API=1, one check is skipped. umap-learn's class lacks TransformerMixin, which the checks need, so it
is added.
"""

import collections
import warnings

import umap
from sklearn.base import TransformerMixin
from sklearn.utils.estimator_checks import check_estimator

from umap_sk import PrecomputedUMAP


class UMAP(TransformerMixin, umap.UMAP):
    """umap-learn's class as a transformer of scikit-learn, with the three parameters that the checks need."""

    def __init__(self, n_neighbors=15, n_epochs=None, random_state=None):
        super().__init__(n_neighbors=n_neighbors, n_epochs=n_epochs, random_state=random_state)


def main():
    """Print for each estimator how many checks passed, failed or were skipped, and which ones did not pass."""
    warnings.simplefilter("ignore")
    for name, estimator in (("umap_sk", PrecomputedUMAP(metric="euclidean")), ("umap-learn", UMAP())):
        results = check_estimator(estimator, on_fail=None, on_skip=None)
        print(f"{name}: {len(results)} checks, {dict(collections.Counter(result['status'] for result in results))}")
        print(*sorted({result["check_name"] for result in results if result["status"] != "passed"}), sep="\n")


if __name__ == "__main__":
    main()
