"""The format of stored models and manifolds, and the refusal of one that this version does not know."""

FORMAT = 4  # raised when an older version of the package could not make sense of a newer model


def check_format(what: str, stored: int, writer: str | None = None) -> None:
    """Refuse what a newer version has written."""
    from umap_sk import __version__

    if stored > FORMAT:
        by = f"umap_sk {writer}" if writer else "a newer umap_sk"
        raise ValueError(
            f"The {what} was written by {by} in format {stored}, but umap_sk {__version__} reads formats up to "
            f"{FORMAT}. Install {by}, or fit again."
        )
