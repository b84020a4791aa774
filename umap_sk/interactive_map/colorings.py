"""What colors the points: classes or numbers of the rows, as one byte a row."""

from typing import Any, NamedTuple

import numpy as np

from umap_sk.appearance.classes import encode_classes
from umap_sk.appearance.colors import MAX_CLASSES, PALETTE, select_classes
from umap_sk.interactive_map.columns import columns_of
from umap_sk.interactive_map.encode import Places
from umap_sk.interactive_map.times import time_words, unit_of

VIRIDIS = "440154 482878 3e4a89 31688e 26828e 1f9e89 35b779 6ece58 b5de2b fde725".split()
OTHER = "a4a9b1"

MISSING = 255
"""The code of rows without a value."""
SHADES = 254
"""The highest code of a number."""
BARS = 51
"""Bars of a histogram, of five shades each."""
MOST_NAMES = 1000
"""Classes whose names stand in the map, those with the most rows."""
TAIL = 0.01
"""Share of the rows at either end of a scale that get its last color."""


class Coloring(NamedTuple):
    """One way to color the points.

    Attributes
    ----------
    codes : ndarray of shape (n_samples,), uint8
        Class or shade of each row.
    legend : dict
        What the page says of them: `name`, `kind` ("classes" or "scale"), and what that kind has.
    members : ndarray of shape (n_samples,), int, or None
        Of classes, each row's place among those whose names stand in the map; -1 for all others.
    """

    codes: np.ndarray
    legend: dict[str, Any]
    members: np.ndarray | None = None


def read_colorings(colour: Any, places: Places) -> list[Coloring]:
    """The colorings of what was given: one for an array, one a column for a frame or dict, a plain one for None."""
    n = len(places.placed)
    if colour is None:
        plain = {"name": "", "kind": "classes", "classes": ["rows"], "colors": [f"#{PALETTE[0]}"], "names": []}
        return [Coloring(np.zeros(n, np.uint8), {**plain, "counts": [int(places.placed.sum())], "missing": 0})]
    if hasattr(colour, "columns") or isinstance(colour, dict):
        columns = columns_of(colour, n, "colour")
        if not columns:
            raise ValueError("colour has no columns. Give at least one, or None.")
        return [_coloring(name, column, places) for name, column in columns.items()]
    name = getattr(colour, "name", None)
    column = columns_of({name if isinstance(name, str) else "color": colour}, n, "colour")
    return [_coloring(*item, places) for item in column.items()]


def _coloring(name: str, column: Any, places: Places) -> Coloring:
    """Numbers as shades of a scale, all else as classes, and so few whole numbers as there are colors."""
    array = np.asarray(column)
    kind = array.dtype.kind
    if kind in "fmM" or (kind in "iu" and len(np.unique(array)) > MAX_CLASSES):
        return _scale(name, array, places.placed)
    return _classes(name, column, places)


def _scale(name: str, values: np.ndarray, placed: np.ndarray) -> Coloring:
    """Shades from low to high; the ends go by quantiles, so that single far values do not take all shades."""
    numbers = values.astype("i8") if values.dtype.kind in "mM" else values
    known = ~np.isnat(values) if values.dtype.kind in "mM" else np.isfinite(values)
    numbers = np.where(known, numbers, 0).astype(np.float64)
    shown = numbers[known & placed]
    low, high = np.quantile(shown, [TAIL, 1 - TAIL]) if len(shown) else (0.0, 1.0)
    if not high > low:
        low, high = (shown.min(), shown.max()) if len(shown) else (0.0, 1.0)
    width = high - low or 1.0
    codes = np.rint(np.clip((numbers - low) / width, 0, 1) * SHADES).astype(np.uint8)
    codes[~known] = MISSING
    beyond = [bool(len(shown) and shown.min() < low), bool(len(shown) and shown.max() > high)]
    edges = np.clip((np.arange(BARS + 1) * (SHADES + 1) / BARS - 0.5) / SHADES, 0, 1)
    words = _words(np.append(low + edges[:-1] * (high - low), high), values)
    return Coloring(
        codes,
        {
            "name": name,
            "kind": "scale",
            "stops": [f"#{color}" for color in VIRIDIS],
            "low": f"≤ {words[0]}" if beyond[0] else words[0],
            "high": f"≥ {words[-1]}" if beyond[1] else words[-1],
            "edges": words,
            "bars": np.bincount(codes[known & placed] // ((SHADES + 1) // BARS), minlength=BARS).tolist(),
            "missing": int((~known & placed).sum()),
        },
    )


def _words(numbers: np.ndarray, values: np.ndarray) -> list[str]:
    """Numbers of a scale as people read them; times to the second, unless both ends would be the same."""
    if values.dtype.kind not in "mM":
        return [f"{number:.4g}" for number in numbers]
    times, unit = numbers.astype(np.int64).astype(values.dtype), unit_of(values)
    words = [str(word) for word in time_words(times, "s" if unit in ("ms", "us", "ns") else unit)]
    return words if words[0] != words[-1] else [str(word) for word in time_words(times, unit)]


def _classes(name: str, column: Any, places: Places) -> Coloring:
    """Classes in the order of a Categorical's categories, or sorted; the rarest of very many share a color."""
    (codes, found), placed = encode_classes(column), places.placed
    names = [str(name) for name in found]
    rows = np.bincount(codes[placed & (codes >= 0)], minlength=len(names))
    kept = select_classes(codes[placed], len(names))
    table = np.full(len(names) + 1, len(kept), np.uint8)  # the last is that of code -1
    table[kept], table[-1] = np.arange(len(kept)), MISSING
    legend = {
        "name": name,
        "kind": "classes",
        "classes": [names[place] for place in kept],
        "colors": [f"#{color}" for color in PALETTE[: len(kept)]],
        "counts": rows[kept].tolist(),
        "names": _names(codes[placed], names, rows, table, places.steps),
        "missing": int((placed & (codes < 0)).sum()),
    }
    if len(kept) < len(names):
        legend["classes"].append(f"{len(names) - len(kept):,} other classes")
        legend["colors"].append(f"#{OTHER}")
        legend["counts"].append(int(rows.sum() - rows[kept].sum()))
    ranks = np.full(len(names) + 1, -1)
    named = _largest(rows)
    ranks[named] = np.arange(len(named))
    return Coloring(table[codes], legend, ranks[codes])


def _largest(rows: np.ndarray) -> np.ndarray:
    """Classes with rows in the map, those with the most first."""
    order = np.argsort(-rows, kind="stable")[:MOST_NAMES]
    return order[rows[order] > 0]


def _names(codes: np.ndarray, names: list[str], rows: np.ndarray, table: np.ndarray, steps: np.ndarray) -> list[Any]:
    """Name, place, rows and color code of the largest classes."""
    by_class = np.split(np.argsort(codes, kind="stable")[(codes < 0).sum() :], np.cumsum(rows)[:-1])
    return [
        [names[place], *_spot(steps[:, by_class[place]]), int(rows[place]), int(table[place])]
        for place in _largest(rows)
    ]


def _spot(steps: np.ndarray) -> list[int]:
    """Where the name of a class stands: its point that is nearest to the median of both axes."""
    points = steps.astype(np.int64)
    return points[:, np.argmin(((points - np.median(points, axis=1, keepdims=True)) ** 2).sum(axis=0))].tolist()
