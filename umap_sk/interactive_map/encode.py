"""Data blocks of the page: quantized positions, and blocks in base64, whose text cannot end its tag."""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

MAX_STEP = 65535


class QuantizedPositions(NamedTuple):
    """Positions of rows in 65,536 steps of a square. The larger extent of the map takes all steps."""

    steps: np.ndarray  # all x, then all y, of the rows with a position, uint16
    has_position: np.ndarray  # for each row


def quantize(embedding: np.ndarray) -> QuantizedPositions:
    """Quantize the positions of all rows with finite positions."""
    has_position = np.isfinite(embedding).all(axis=1)
    if not has_position.any():
        raise ValueError(f"None of the map's {len(embedding):,} rows has a position: all are NaN or infinite.")
    points = embedding[has_position].astype(np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    width = (high - low).max() or 1.0
    scaled = 0.5 + (points - (low + high) / 2) / width
    return QuantizedPositions(np.rint(np.clip(scaled, 0, 1) * MAX_STEP).astype("<u2").T.copy(), has_position)


def make_block(name: str, content: bytes | np.ndarray, level: int = 6) -> str:
    """Return a block of data in a script element that browsers do not execute."""
    data = content.astype(content.dtype.newbyteorder("<")).tobytes() if isinstance(content, np.ndarray) else content
    text = base64.b64encode(zlib.compress(data, level)).decode()
    return f'<script type="application/octet-stream" id="data-{name}">{text}</script>'


def make_json_block(name: str, value: Mapping[str, object] | Sequence[str]) -> str:
    """Return a block of JSON."""
    return make_block(name, json.dumps(value, allow_nan=False, separators=(",", ":")).encode())
