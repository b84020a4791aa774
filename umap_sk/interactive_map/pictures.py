"""Pictures of rows: sheets of small pictures as PNG, or addresses that hold a picture themselves."""

import struct
import zlib
from typing import Any

import numpy as np

from umap_sk.interactive_map.encode import block, json_block

MOST_PIXELS = 2**22
"""Of a sheet, which is decoded as a whole when one of its pictures is first looked at."""
LARGEST = 512
"""Height and width of a picture."""


def picture_blocks(images: Any, n: int) -> tuple[dict[str, Any] | None, list[str]]:
    """What the page has to know of the pictures, and the blocks that hold them."""
    if images is None:
        return None, []
    if isinstance(images, list | tuple) and all(isinstance(image, str) for image in images):
        return {"kind": "uris"}, [json_block("uris", _checked_uris(images, n))]
    pixels = _as_bytes(_checked_array(images, n))
    _, height, width = pixels.shape[:3]
    across = max(1, int(np.sqrt(MOST_PIXELS)) // width)
    per_sheet = across * max(1, int(np.sqrt(MOST_PIXELS)) // height)
    sheets = [pixels[start : start + per_sheet] for start in range(0, n, per_sheet)]
    about = {"kind": "sheets", "width": width, "height": height, "across": across, "perSheet": per_sheet}
    return about, [block(f"sheet-{k}", png(_sheet(part, across)), level=0) for k, part in enumerate(sheets)]


def _checked_uris(images: Any, n: int) -> list[str]:
    if len(images) != n:
        raise ValueError(f"images has {len(images):,} addresses, but the map has {n:,} rows. Give one for each.")
    for row, image in enumerate(images):
        if not image.startswith("data:image/"):
            raise ValueError(
                f"images: that of row {row} begins with {image[:20]!r}, but the page fetches nothing: an address that "
                'holds its picture ("data:image/png;base64,...") is needed, or an array of pixels.'
            )
    return list(images)


def _checked_array(images: Any, n: int) -> np.ndarray:
    try:
        pixels = np.asarray(images)
    except ValueError:  # lists of different lengths, or bytes among text
        pixels = np.asarray(None)
    is_color = pixels.ndim == 4 and pixels.shape[3] == 3
    if not (pixels.ndim == 3 or is_color) or len(pixels) != n or pixels.dtype.kind not in "biuf":
        raise ValueError(
            f"images has shape {pixels.shape} and dtype {pixels.dtype}, but numbers of shape ({n}, height, width) or "
            f"({n}, height, width, 3) are needed, or a list of addresses that begin with data:image/."
        )
    if not 0 < min(pixels.shape[1:3]) <= max(pixels.shape[1:3]) <= LARGEST:
        raise ValueError(
            f"images are {pixels.shape[1]} x {pixels.shape[2]} pixels, but 1 to {LARGEST} each way are "
            "needed. Make them smaller."
        )
    return pixels


def _as_bytes(pixels: np.ndarray) -> np.ndarray:
    """Shades from 0 to 255: bytes as they are, other numbers from their smallest (at most 0) to their largest."""
    if pixels.dtype == np.uint8:
        return pixels
    values = np.nan_to_num(pixels.astype(np.float32), posinf=0.0, neginf=0.0)
    low = min(0.0, float(values.min()))
    width = (float(values.max()) - low) or 1.0
    return np.rint((values - low) * (255 / width)).astype(np.uint8)


def _sheet(pixels: np.ndarray, across: int) -> np.ndarray:
    """Pictures side by side, so many in a line."""
    count, height, width = pixels.shape[:3]
    across = min(across, count)
    lines = -(-count // across)
    padded = np.zeros((lines * across, *pixels.shape[1:]), np.uint8)
    padded[:count] = pixels
    grid = padded.reshape(lines, across, *pixels.shape[1:]).swapaxes(1, 2)
    return grid.reshape(lines * height, across * width, *pixels.shape[3:])


def png(pixels: np.ndarray) -> bytes:
    """A PNG file of shape (height, width) in gray or (height, width, 3) in color, each line as it is."""
    height, width = pixels.shape[:2]
    lines = np.zeros((height, 1 + pixels[0].size), np.uint8)
    lines[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if pixels.ndim == 2 else 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
