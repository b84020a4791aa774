"""The format of stored models and manifolds, and the refusal of unknown formats."""

from collections.abc import Mapping
from typing import Any

from umap_sk._version import __version__

FORMAT = 1  # increased when older versions cannot read newer models


def format_fields() -> dict[str, int | str]:
    """Return the format and the version, which every stored model and manifold contains."""
    return {"stored_format": FORMAT, "umap_sk_version": __version__}


def without_format(what: str, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored fields without the format. Raise ValueError if this version cannot read it."""
    if "stored_format" not in state:
        raise ValueError(f"The {what} was made by a development version of umap_sk, which no release reads. Fit again.")
    stored, writer = state["stored_format"], state.get("umap_sk_version")
    if stored > FORMAT:
        raise ValueError(
            f"The {what} was written by umap_sk {writer} in format {stored}, but umap_sk {__version__} reads formats "
            f"up to {FORMAT}. Install umap_sk {writer}, or fit again."
        )
    return {name: value for name, value in state.items() if name not in ("stored_format", "umap_sk_version")}
