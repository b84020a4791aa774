"""Names that are not known here: what umap-learn's and cuML's are called, and which name a misspelled one is near."""

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from sklearn.utils._param_validation import InvalidParameterError

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
"""Parameters of umap-learn and cuML that PrecomputedUMAP has not, and what is to be used."""


def nearest_name(given: str, names: Iterable[str]) -> str:
    """The name that is spelled most like a given one."""
    known = sorted(names)
    by_letters = {name.lower(): name for name in known}
    return by_letters[difflib.get_close_matches(given.lower(), list(by_letters), n=1, cutoff=0.0)[0]]


def validate_names(estimator: Any, validate: Callable[[], object], **known: Iterable[str]) -> None:
    """Validate parameters; the error for a name that is not known ends with the nearest one that is."""
    try:
        validate()
    except InvalidParameterError as error:
        for parameter, names in known.items():
            value = getattr(estimator, parameter, None)
            if isinstance(value, str) and f"'{parameter}' parameter" in str(error):
                raise InvalidParameterError(f"{error} The nearest name is {nearest_name(value, names)!r}.") from None
        raise


def tells_other_names(init: Callable[..., None]) -> Callable[..., None]:
    """The same constructor, whose TypeError for a name of umap-learn's or cuML's says what it is called here."""
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
