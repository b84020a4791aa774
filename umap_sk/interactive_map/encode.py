"""Bytes for the page: places in 65,536 steps; blocks that are deflated and in base64, so no text can end its tag."""

import base64
import json
import zlib
from typing import Any, NamedTuple

import numpy as np

STEPS = 65535


class Places(NamedTuple):
    """Places of rows in steps of one square frame.

    Attributes
    ----------
    steps : ndarray of shape (2, n_placed), uint16
        First all x, then all y; the larger of the map's two extents takes all steps.
    placed : ndarray of shape (n_samples,), bool
        Which rows have a place.
    """

    steps: np.ndarray
    placed: np.ndarray


def to_steps(embedding: np.ndarray) -> Places:
    """The rows with finite places, as whole numbers."""
    placed = np.isfinite(embedding).all(axis=1)
    if not placed.any():
        raise ValueError(f"None of the map's {len(embedding):,} rows has a place: all are NaN or infinite.")
    points = embedding[placed].astype(np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    width = (high - low).max() or 1.0
    scaled = 0.5 + (points - (low + high) / 2) / width
    return Places(np.rint(np.clip(scaled, 0, 1) * STEPS).astype("<u2").T.copy(), placed)


def block(name: str, content: bytes | np.ndarray, level: int = 6) -> str:
    """A block of the page: data that no browser runs."""
    data = content.astype(content.dtype.newbyteorder("<")).tobytes() if isinstance(content, np.ndarray) else content
    text = base64.b64encode(zlib.compress(data, level)).decode()
    return f'<script type="application/octet-stream" id="data-{name}">{text}</script>'


def json_block(name: str, value: Any) -> str:
    """A block of JSON."""
    return block(name, json.dumps(value, allow_nan=False, separators=(",", ":")).encode())
