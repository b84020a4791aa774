"""How many of scikit-learn's checks pass, here and with umap-learn: ``python -m benchmarks.estimator_checks``.

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
    """umap-learn's, as scikit-learn wants transformers to be; three parameters are enough for the checks."""

    def __init__(self, n_neighbors=15, n_epochs=None, random_state=None):
        super().__init__(n_neighbors=n_neighbors, n_epochs=n_epochs, random_state=random_state)


def count(name, estimator):
    """Print how many checks passed, failed and were skipped, and which did not pass."""
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    statuses = collections.Counter(result["status"] for result in results)
    print(f"{name}: {len(results)} checks, {dict(statuses)}")
    print(*sorted({result["check_name"] for result in results if result["status"] != "passed"}), sep="\n")


def main():
    """Both estimators, and what umap-learn's class says as it is."""
    warnings.simplefilter("ignore")
    count("umap_sk", PrecomputedUMAP())
    count("umap_sk, metric='euclidean'", PrecomputedUMAP(metric="euclidean"))
    try:
        count("umap-learn", umap.UMAP())
    except RuntimeError as error:
        print(f"umap-learn as it is: {error}")

    count("umap-learn with TransformerMixin", UMAP())


if __name__ == "__main__":
    main()
