"""Parameters of umap-learn and cuML that have another name here, or none."""

import functools
import inspect
from collections.abc import Callable

NOT_NEEDED = "not needed: it does not change the map"
USE_SEARCHER = "searcher='exact', 'pynndescent' or another"

REPLACEMENTS = {
    "metric_kwds": "metric_params",
    "output_metric_kwds": "output_metric_params",
    "target_metric_kwds": "not taken: use a metric of targets that needs no arguments",
    "densmap": "dens_lambda=2.0 for densmap=True, and 0 for none",
    "output_dens": "rad_orig_ and rad_emb_ of a fit with dens_lambda above 0",
    "low_memory": NOT_NEEDED,
    "transform_queue_size": "not needed: new rows are searched as the fit's are",
    "angular_rp_forest": USE_SEARCHER,
    "force_approximation_algorithm": USE_SEARCHER,
    "transform_seed": "not needed: a row's place depends on that row and the model",
    "transform_mode": "learn_manifold for the graph alone",
    "tqdm_kwds": "verbose=True",
    "optimizer": "not taken: there is one optimizer",
    "compatibility_layout": "not taken: there is one optimizer",
    "unique": "an argument of umap_sk.UMAP: copies lie beside each other here",
    "precomputed_knn": "an argument of fit: knn_indices=..., knn_dists=...",
    "knn_graph": "an argument of fit: knn_indices=..., knn_dists=..., or a graph as X with metric='precomputed'",
    "build_algo": USE_SEARCHER,
    "build_kwds": "an object in scikit-learn's style as searcher",
    "hash_input": "not needed: rows of the fit are known by their distance 0",
    "device_ids": "not needed: nothing runs on a GPU",
    "handle": "not needed: nothing runs on a GPU",
    "output_type": "set_output(transform='pandas')",
    "callback": "set_callbacks, or partial_fit",
}
"""Parameters of umap-learn and cuML that PrecomputedUMAP does not have, and what to use instead."""


def explain_other_names(init: Callable[..., None]) -> Callable[..., None]:
    """Wrap a constructor, so that its TypeError for a name of umap-learn or cuML explains what to use instead."""
    own = set(inspect.signature(init).parameters)

    @functools.wraps(init)
    def init_with_check(self: object, *args: object, **kwargs: object) -> None:
        foreign = [name for name in kwargs if name not in own and name in REPLACEMENTS]
        if foreign:
            remedies = "; ".join(f"{name} is {REPLACEMENTS[name]}" for name in foreign)
            raise TypeError(
                f"{type(self).__name__} has other names than umap-learn and cuML: {remedies}. Or use umap_sk.UMAP, "
                "which has umap-learn's."
            )
        init(self, *args, **kwargs)

    return init_with_check
