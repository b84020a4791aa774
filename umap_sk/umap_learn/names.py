"""Parameters of umap-learn and cuML that have other names here, or none."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

ANY_SPEED = "not needed: it does not change the map"
BY_SEARCHER = "searcher='exact', 'pynndescent' or another"

ELSEWHERE = {
    "metric_kwds": "metric_params",
    "output_metric_kwds": "output_metric_params",
    "target_metric_kwds": "not taken: use a metric of targets that needs no arguments",
    "densmap": "dens_lambda=2.0 for densmap=True, and 0 for none",
    "output_dens": "rad_orig_ and rad_emb_ of a fit with dens_lambda above 0",
    "low_memory": ANY_SPEED,
    "transform_queue_size": "not needed: new rows are searched as the fit's are",
    "angular_rp_forest": BY_SEARCHER,
    "force_approximation_algorithm": BY_SEARCHER,
    "transform_seed": "not needed: a row's place depends on that row and the model",
    "transform_mode": "learn_manifold for the graph alone",
    "tqdm_kwds": "verbose=True",
    "optimizer": "not taken: there is one optimizer",
    "compatibility_layout": "not taken: there is one optimizer",
    "unique": "an argument of umap_sk.UMAP: copies lie beside each other here",
    "precomputed_knn": "an argument of fit: knn_indices=..., knn_dists=...",
    "knn_graph": "an argument of fit: knn_indices=..., knn_dists=..., or a graph as X with metric='precomputed'",
    "build_algo": BY_SEARCHER,
    "build_kwds": "an object in scikit-learn's style as searcher",
    "hash_input": "not needed: rows of the fit are known by their distance 0",
    "device_ids": "not needed: nothing runs on a GPU",
    "handle": "not needed: nothing runs on a GPU",
    "output_type": "set_output(transform='pandas')",
    "callback": "set_callbacks, or partial_fit",
}
"""Parameters of umap-learn and cuML that PrecomputedUMAP does not have, and their replacements."""


def explain_other_names(init: Callable[..., None]) -> Callable[..., None]:
    """Return the same constructor, whose TypeError for a name of umap-learn or cuML gives the name in this package."""
    own = set(inspect.signature(init).parameters)

    @functools.wraps(init)
    def checked(self: Any, *args: Any, **kwargs: Any) -> None:
        strange = [name for name in kwargs if name not in own and name in ELSEWHERE]
        if strange:
            told = "; ".join(f"{name} is {ELSEWHERE[name]}" for name in strange)
            raise TypeError(
                f"{type(self).__name__} has other names than umap-learn and cuML: {told}. Or use umap_sk.UMAP, which "
                "has umap-learn's."
            )
        init(self, *args, **kwargs)

    return checked
