"""Pictures of rows: PNG sheets of small pictures, or addresses that contain pictures."""

import struct
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from umap_sk.interactive_map.encode import make_block, make_json_block

SHEET_PIXELS = 2**22
"""Pixels of a sheet, which is decoded completely when one of its pictures is first shown."""
MAX_SIDE = 512
"""Largest height and width of a picture."""


def make_picture_blocks(images: ArrayLike | None, n: int) -> tuple[Mapping[str, object] | None, list[str]]:
    """Return the page's description of the pictures, and their data blocks."""
    if images is None:
        return None, []
    if isinstance(images, list | tuple) and all(isinstance(image, str) for image in images):
        return {"kind": "uris"}, [make_json_block("uris", _check_uris(images, n))]
    pixels = _to_bytes(_check_array(images, n))
    _, height, width = pixels.shape[:3]
    columns = max(1, int(np.sqrt(SHEET_PIXELS)) // width)
    per_sheet = columns * max(1, int(np.sqrt(SHEET_PIXELS)) // height)
    sheets = [pixels[start : start + per_sheet] for start in range(0, n, per_sheet)]
    description = {"kind": "sheets", "width": width, "height": height, "columns": columns, "perSheet": per_sheet}
    files = [encode_png(_arrange(sheet, columns)) for sheet in sheets]
    return description, [make_block(f"sheet-{k}", file, 0) for k, file in enumerate(files)]


def _check_uris(images: Sequence[str], n: int) -> list[str]:
    if len(images) != n:
        raise ValueError(f"images has {len(images):,} addresses, but the map has {n:,} rows. Pass one for each row.")
    for row, image in enumerate(images):
        if not image.startswith("data:image/"):
            raise ValueError(
                f"images: the address of row {row} begins with {image[:20]!r}, but the page loads nothing. Pass an "
                'address that contains the picture ("data:image/png;base64,..."), or an array of pixels.'
            )
    return list(images)


def _check_array(images: ArrayLike, n: int) -> np.ndarray:
    try:
        pixels = np.asarray(images)
    except ValueError:  # ragged lists, or a mixture of bytes and text
        pixels = np.asarray(None)
    is_color = pixels.ndim == 4 and pixels.shape[3] == 3
    if not (pixels.ndim == 3 or is_color) or len(pixels) != n or pixels.dtype.kind not in "biuf":
        raise ValueError(
            f"images has shape {pixels.shape} and dtype {pixels.dtype}, but numbers of shape ({n}, height, width) or "
            f"({n}, height, width, 3) are needed, or a list of addresses that begin with data:image/."
        )
    if not 0 < min(pixels.shape[1:3]) <= max(pixels.shape[1:3]) <= MAX_SIDE:
        raise ValueError(
            f"images are {pixels.shape[1]} x {pixels.shape[2]} pixels, but 1 to {MAX_SIDE} each way are "
            "needed. Make them smaller."
        )
    return pixels


def _to_bytes(pixels: np.ndarray) -> np.ndarray:
    """Convert pixels to shades from 0 to 255. Numbers other than bytes are scaled from at most 0 to their maximum."""
    if pixels.dtype == np.uint8:
        return pixels
    values = np.nan_to_num(pixels.astype(np.float32), posinf=0.0, neginf=0.0)
    low = min(0.0, float(values.min()))
    width = (float(values.max()) - low) or 1.0
    return np.rint((values - low) * (255 / width)).astype(np.uint8)


def _arrange(pixels: np.ndarray, columns: int) -> np.ndarray:
    """Arrange pictures in a grid with a given number of columns."""
    count, height, width = pixels.shape[:3]
    columns = min(columns, count)
    lines = -(-count // columns)
    padded = np.zeros((lines * columns, *pixels.shape[1:]), np.uint8)
    padded[:count] = pixels
    grid = padded.reshape(lines, columns, *pixels.shape[1:]).swapaxes(1, 2)
    return grid.reshape(lines * height, columns * width, *pixels.shape[3:])


def encode_png(pixels: np.ndarray) -> bytes:
    """Encode pixels of shape (height, width) or (height, width, 3) as PNG without filters."""
    height, width = pixels.shape[:2]
    lines = np.zeros((height, 1 + pixels[0].size), np.uint8)
    lines[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if pixels.ndim == 2 else 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
