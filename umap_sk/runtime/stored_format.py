"""The format of stored models and manifolds, and the refusal of unknown formats."""

FORMAT = 4  # increased when older versions cannot read newer models


def check_format(what: str, stored: int, writer: str | None = None) -> None:
    """Raise an error if a newer version has written the file."""
    from umap_sk import __version__

    if stored > FORMAT:
        by = f"umap_sk {writer}" if writer else "a newer umap_sk"
        raise ValueError(
            f"The {what} was written by {by} in format {stored}, but umap_sk {__version__} reads formats up to "
            f"{FORMAT}. Install {by}, or fit again."
        )
