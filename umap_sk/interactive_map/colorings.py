"""Colorings of the points by classes or numbers, with one byte per row."""

from typing import Any, NamedTuple, TypedDict

import numpy as np
from numpy.typing import ArrayLike

from umap_sk.appearance.classes import encode_classes
from umap_sk.appearance.colors import MAX_CLASSES, PALETTE, select_classes
from umap_sk.appearance.inputs import Columns, is_columns
from umap_sk.appearance.names import find_densest_row
from umap_sk.appearance.times import find_unit, format_times
from umap_sk.interactive_map.columns import read_columns
from umap_sk.interactive_map.encode import MAX_STEP, QuantizedPositions

VIRIDIS = "440154 482878 3e4a89 31688e 26828e 1f9e89 35b779 6ece58 b5de2b fde725".split()
OTHER_COLOR = "a4a9b1"

MISSING_CODE = 255
"""Code of rows without a value."""
MAX_SHADE = 254
"""Highest code of a number."""
HISTOGRAM_BARS = 51
"""Bars of a histogram, of five shades each."""
MAX_NAMES = 1000
"""Largest number of classes whose names stand in the map."""
TAIL_SHARE = 0.01
"""Share of the rows at either end of a scale that have the color of the end."""


class Legend(TypedDict, total=False):
    """Data of a coloring's legend in the page: of both kinds, of classes, and of numbers."""

    name: str
    kind: str  # "classes" or "scale"
    missing: int  # rows without a value
    colors: list[str]
    classes: list[str]
    counts: list[int]  # rows of each class
    names: list[list[str | int]]  # name, position, number of rows and color code
    finer: list[int | list[int]] | None  # index of the finer coloring, and the coarser class of each of its names
    low: str
    high: str
    stops: list[str]  # colors of the scale
    edges: list[str]  # numbers between the bars of the histogram
    bars: list[int]  # rows of each bar


class Coloring(NamedTuple):
    """A coloring of the points."""

    codes: np.ndarray  # class or shade of each row, uint8
    legend: Legend
    members: np.ndarray | None = None  # index of each row's class among those whose names stand in the map, or -1


def read_colorings(colour: Columns | ArrayLike | None, quantized: QuantizedPositions) -> list[Coloring]:
    """Return the colorings: one for an array, one per column of a frame or dict, or a plain one for None."""
    n = len(quantized.has_position)
    if colour is None:
        plain: Legend = {"name": "", "kind": "classes", "classes": ["rows"], "colors": [f"#{PALETTE[0]}"], "names": []}
        plain |= {"counts": [int(quantized.has_position.sum())], "missing": 0}
        return [Coloring(np.zeros(n, np.uint8), plain)]
    if not is_columns(colour):
        name = getattr(colour, "name", None)
        colour = {name if isinstance(name, str) else "color": colour}
    columns = read_columns(colour, n, "colour")
    if not columns:
        raise ValueError("colour has no columns. Pass at least one, or None.")
    return [_make_coloring(name, column, quantized) for name, column in columns.items()]


def _make_coloring(name: str, column: ArrayLike, quantized: QuantizedPositions) -> Coloring:
    """Make a scale for real numbers, times and many distinct integers, and classes for other values."""
    values: Any = column
    if getattr(getattr(column, "dtype", None), "tz", None) is not None:
        values = values.array.tz_localize(None)  # the times that the column shows
    array = np.asarray(values)
    kind = array.dtype.kind
    if kind in "fmM" or (kind in "iu" and len(np.unique(array)) > MAX_CLASSES):
        return _make_scale(name, array, quantized.has_position)
    return _make_classes(name, column, quantized)


def _make_scale(name: str, values: np.ndarray, has_position: np.ndarray) -> Coloring:
    """Make shades from low to high. The ends are quantiles, so that outliers do not use up all shades."""
    numbers = values.astype("i8") if values.dtype.kind in "mM" else values
    known = ~np.isnat(values) if values.dtype.kind in "mM" else np.isfinite(values)
    numbers = np.where(known, numbers, 0).astype(np.float64)
    finite = numbers[known & has_position]
    low, high = np.quantile(finite, [TAIL_SHARE, 1 - TAIL_SHARE]) if len(finite) else (0.0, 1.0)
    if not high > low:
        low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 1.0)
    width = high - low or 1.0
    codes = np.rint(np.clip((numbers - low) / width, 0, 1) * MAX_SHADE).astype(np.uint8)
    codes[~known] = MISSING_CODE
    has_outliers = [bool(len(finite) and finite.min() < low), bool(len(finite) and finite.max() > high)]
    edges = np.clip((np.arange(HISTOGRAM_BARS + 1) * (MAX_SHADE + 1) / HISTOGRAM_BARS - 0.5) / MAX_SHADE, 0, 1)
    words = _format_scale(np.append(low + edges[:-1] * (high - low), high), values)
    return Coloring(
        codes,
        {
            "name": name,
            "kind": "scale",
            "stops": [f"#{color}" for color in VIRIDIS],
            "low": f"≤ {words[0]}" if has_outliers[0] else words[0],
            "high": f"≥ {words[-1]}" if has_outliers[1] else words[-1],
            "edges": words,
            "bars": np.bincount(
                codes[known & has_position] // ((MAX_SHADE + 1) // HISTOGRAM_BARS), minlength=HISTOGRAM_BARS
            ).tolist(),
            "missing": int((~known & has_position).sum()),
        },
    )


def _format_scale(numbers: np.ndarray, values: np.ndarray) -> list[str]:
    """Format the numbers of a scale. Times are rounded to seconds, unless both ends would be equal."""
    if values.dtype.kind not in "mM":
        return [f"{number:.4g}" for number in numbers]
    times, unit = numbers.astype(np.int64).astype(values.dtype), find_unit(values)
    words = [str(word) for word in format_times(times, "s" if unit in ("ms", "us", "ns") else unit)]
    return words if words[0] != words[-1] else [str(word) for word in format_times(times, unit)]


def _make_classes(name: str, column: ArrayLike, quantized: QuantizedPositions) -> Coloring:
    """Make classes in the order of a Categorical's categories, or sorted. The rarest of many classes share a color."""
    (codes, classes), has_position = encode_classes(column), quantized.has_position
    names = [str(label) for label in classes]
    rows = np.bincount(codes[has_position & (codes >= 0)], minlength=len(names))
    selected = select_classes(codes[has_position], len(names))
    table = np.full(len(names) + 1, len(selected), np.uint8)  # the last one is for code -1
    table[selected], table[-1] = np.arange(len(selected)), MISSING_CODE
    legend: Legend = {
        "name": name,
        "kind": "classes",
        "classes": [names[code] for code in selected],
        "colors": [f"#{color}" for color in PALETTE[: len(selected)]],
        "counts": rows[selected].tolist(),
        "names": _list_names(codes[has_position], names, rows, table, quantized.steps),
        "missing": int((has_position & (codes < 0)).sum()),
    }
    if len(selected) < len(names):
        legend["classes"].append(f"{len(names) - len(selected):,} other classes")
        legend["colors"].append(f"#{OTHER_COLOR}")
        legend["counts"].append(int(rows.sum() - rows[selected].sum()))
    ranks = np.full(len(names) + 1, -1)
    named = _select_largest(rows)
    ranks[named] = np.arange(len(named))
    return Coloring(table[codes], legend, ranks[codes])


def _select_largest(rows: np.ndarray) -> np.ndarray:
    """Return the classes with rows in the map, starting with the largest."""
    order = np.argsort(-rows, kind="stable")[:MAX_NAMES]
    return order[rows[order] > 0]


def _list_names(
    codes: np.ndarray, names: list[str], rows: np.ndarray, table: np.ndarray, steps: np.ndarray
) -> list[list[str | int]]:
    """Return name, position, number of rows and color code of the largest classes."""
    by_class = np.split(np.argsort(codes, kind="stable")[(codes < 0).sum() :], np.cumsum(rows)[:-1])
    return [
        [names[code], *_place_name(steps[:, by_class[code]]), int(rows[code]), int(table[code])]
        for code in _select_largest(rows)
    ]


def _place_name(steps: np.ndarray) -> list[int]:
    return steps[:, find_densest_row(steps.T, np.zeros(2), MAX_STEP)].tolist()
