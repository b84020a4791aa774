"""``umap-sk show``: an interactive map, one HTML file, of a map and a table beside it."""

import argparse
import contextlib
import csv
import re
from pathlib import Path
from typing import Any

import numpy as np

from umap_sk.appearance.colors import PALETTE
from umap_sk.cli.files import check_ending, check_target, mapped, replaced
from umap_sk.cli.signals import StopRequest
from umap_sk.cli.terminal import Terminal
from umap_sk.interactive_map.interactive import interactive
from umap_sk.runtime.files import check_regular

NAME = re.compile(r"[-+]?(0\d|\d{16})|.*_", re.DOTALL)
"""Digits that name something, such as 007, though Python reads them as a number."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("map", metavar="MAP.npy", help="The map: rows x 2, as fit has written it.")
    parser.add_argument(
        "--labels",
        metavar="L",
        help="A .csv file (commas, semicolons or tabs) with a line of names and then a line for each row, or a .npy "
        "file with a value for each row: what cards, search and colors show.",
    )
    parser.add_argument(
        "--colour",
        action="append",
        metavar="NAME",
        help="A column of --labels that colors the points; several times for several colorings. By default all that "
        f"are numbers or have at most {len(PALETTE)} values.",
    )
    parser.add_argument("--images", metavar="P.npy", help="Pictures for the cards: rows x height x width (x 3).")
    parser.add_argument("--title", metavar="TEXT", help="Title of the page.")
    parser.add_argument("--out", required=True, metavar="F.html", help="The page, one file that needs no network.")


def run(options: argparse.Namespace, terminal: Terminal, request: StopRequest) -> dict[str, Any]:
    """Write the page."""
    check_ending(options.out, "--out", wanted=".html")
    out = check_target(options.out, "--out", [options.map, options.labels, options.images])
    embedding = mapped(options.map, "MAP")
    columns = _labels(options.labels, len(embedding)) if options.labels else {}
    colorings = {name: columns[name] for name in _coloring_names(columns, options.colour)}
    images = mapped(options.images, "--images") if options.images else None
    made = interactive(embedding, columns or None, colour=colorings or None, images=images, title=options.title)
    with replaced(out) as file:
        size = file.write(made.page.encode())
    lost = made.n_left_out
    named = {"columns": list(columns), "colorings": list(colorings)}
    return {"rows": made.n_samples, "rows_without_place": lost, **named, "bytes": size, "out": str(out)}


def _coloring_names(columns: dict[str, np.ndarray], asked: list[str] | None) -> list[str]:
    """Columns that color the points."""
    unknown = [name for name in asked or () if name not in columns]
    if unknown:
        raise ValueError(f"--colour {unknown[0]!r} names no column of --labels. Give one of {list(columns)}.")
    if asked:
        return list(dict.fromkeys(asked))
    return [name for name, column in columns.items() if column.dtype != object or len(set(column)) <= len(PALETTE)]


def _labels(path: str, n: int) -> dict[str, np.ndarray]:
    """The columns of a table, or the one of an array."""
    if Path(path).suffix.lower() == ".npy":
        array = mapped(path, "--labels")
        if array.ndim != 1:
            raise ValueError(f"--labels: {path!r} has shape {array.shape}, but one value for each row is needed.")
        columns = {"label": np.asarray(array)}
    else:
        columns = _table(path)
    for column in columns.values():
        if len(column) != n:
            raise ValueError(
                f"--labels: {path!r} has {len(column):,} rows, but the map has {n:,}. Give one for each, "
                "below a line of names."
            )
    return columns


def _table(path: str) -> dict[str, np.ndarray]:
    """The columns of a .csv file with a header."""
    wanted = "a .csv file in UTF-8 with a line of names is needed, or a .npy file"
    try:
        check_regular(Path(path))
        with open(path, newline="", encoding="utf-8-sig") as file:
            separator = _separator(next((line for line in file if line.strip()), ""))
            file.seek(0)
            names, *lines = [line for line in csv.reader(file, delimiter=separator, strict=True) if line]
    except OSError as error:
        raise ValueError(f"--labels: {path!r} cannot be read ({error.strerror or error}); {wanted}.") from error
    except MemoryError:
        raise
    except Exception as error:  # other bytes than text, quotes that do not end, no line at all
        raise ValueError(f"--labels: {path!r} is no table ({error}); {wanted}.") from error
    for number, line in enumerate(lines, start=1):
        if len(line) != len(names):
            raise ValueError(f"--labels: {path!r} has {len(line)} values in row {number}, but {len(names)} columns.")
    if len(set(names)) < len(names):
        raise ValueError(f"--labels: {path!r} names two columns alike: {names}. Give each a name of its own.")
    return {name: _typed([line[at] for line in lines]) for at, name in enumerate(names)}


def _separator(header: str) -> str:
    """A comma; a tab or a semicolon if the line of names has no comma between two, but one of these."""
    return next((mark for mark in ",\t;" if len(next(csv.reader([header], delimiter=mark))) > 1), ",")


def _typed(words: list[str]) -> np.ndarray:
    """Numbers if all are (NaN where nothing is written), else words (None where nothing is written)."""
    if not any(NAME.match(word) for word in words):
        with contextlib.suppress(ValueError):
            return np.array([int(word) for word in words], np.int64)
        with contextlib.suppress(ValueError):
            return np.array([float(word or "nan") for word in words])
    return np.array([word or None for word in words], object)


def text(answer: dict[str, Any]) -> str:
    """The answer for people, in one line."""
    return f"{answer['out']}: {answer['rows']:,} rows, {answer['bytes']:,} bytes"
