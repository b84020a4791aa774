"""How many of scikit-learn's estimator checks pass, with this package and with umap-learn.

Set SCIPY_ARRAY_API=1, or one check is skipped. umap-learn's class lacks TransformerMixin, without which the checks do
not begin; it is added.
"""

import collections
import warnings

import umap
from sklearn.base import TransformerMixin
from sklearn.utils.estimator_checks import check_estimator

from umap_sk import PrecomputedUMAP


class UMAP(TransformerMixin, umap.UMAP):
    """umap-learn's class as scikit-learn wants transformers; three parameters are enough for the checks."""

    def __init__(self, n_neighbors=15, n_epochs=None, random_state=None):
        super().__init__(n_neighbors=n_neighbors, n_epochs=n_epochs, random_state=random_state)


def main():
    """Print for each estimator how many checks passed, failed and were skipped, and which did not pass."""
    warnings.simplefilter("ignore")
    for name, estimator in (("umap_sk", PrecomputedUMAP(metric="euclidean")), ("umap-learn", UMAP())):
        results = check_estimator(estimator, on_fail=None, on_skip=None)
        print(f"{name}: {len(results)} checks, {dict(collections.Counter(result['status'] for result in results))}")
        print(*sorted({result["check_name"] for result in results if result["status"] != "passed"}), sep="\n")


if __name__ == "__main__":
    main()
