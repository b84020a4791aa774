"""``umap-sk show``: make an interactive page from a map and a table."""

import argparse
import contextlib
import csv
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from umap_sk.appearance.colors import PALETTE
from umap_sk.cli.files import check_ending, check_target, map_array, open_replacement
from umap_sk.cli.signals import StopRequest
from umap_sk.cli.terminal import Terminal
from umap_sk.interactive_map.interactive import interactive
from umap_sk.runtime.files import check_regular

NAME_PATTERN = re.compile(r"[-+]?(0\d|\d{16})|.*_", re.DOTALL)
"""Identifiers such as 007, which Python would read as numbers."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("map", metavar="MAP.npy", help="The map: rows x 2, as written by fit.")
    parser.add_argument(
        "--labels",
        metavar="L",
        help="A .csv file (commas, semicolons or tabs) with a line of names and then a line for each row, or a .npy "
        "file with a value for each row. Cards, search and colors use it.",
    )
    parser.add_argument(
        "--colour",
        "--color",
        action="append",
        metavar="NAME",
        help="A column of --labels that colors the points; several times for several colorings. By default all that "
        f"are numbers or have at most {len(PALETTE)} values.",
    )
    parser.add_argument("--images", metavar="P.npy", help="Pictures for the cards: rows x height x width (x 3).")
    parser.add_argument("--title", metavar="TEXT", help="Title of the page.")
    parser.add_argument("--out", required=True, metavar="F.html", help="The page, a file that needs no network.")


def execute(options: argparse.Namespace, terminal: Terminal, request: StopRequest) -> dict[str, object]:
    """Write the page."""
    check_ending(options.out, "--out", wanted=".html")
    out = check_target(options.out, "--out", [options.map, options.labels, options.images])
    embedding = map_array(options.map, "MAP")
    columns = _read_labels(options.labels, len(embedding)) if options.labels else {}
    colorings = {name: columns[name] for name in _choose_colorings(columns, options.colour)}
    images = map_array(options.images, "--images") if options.images else None
    page = interactive(embedding, columns or None, colour=colorings or None, images=images, title=options.title)
    with open_replacement(out) as file:
        size = file.write(page.page.encode())
    lost = page.n_left_out
    named = {"columns": list(columns), "colorings": list(colorings)}
    return {"rows": page.n_samples, "rows_without_place": lost, **named, "bytes": size, "out": str(out)}


def _choose_colorings(columns: dict[str, np.ndarray], requested: list[str] | None) -> list[str]:
    """Return the columns that color the points."""
    unknown = [name for name in requested or () if name not in columns]
    if unknown:
        raise ValueError(f"--colour {unknown[0]!r} is not a column of --labels. Choose one of {list(columns)}.")
    if requested:
        return list(dict.fromkeys(requested))
    return [name for name, column in columns.items() if column.dtype != object or len(set(column)) <= len(PALETTE)]


def _read_labels(path: str, n: int) -> dict[str, np.ndarray]:
    """Read the columns of a table, or the single column of an array."""
    if Path(path).suffix.lower() == ".npy":
        array = map_array(path, "--labels")
        if array.ndim != 1:
            raise ValueError(f"--labels: {path!r} has shape {array.shape}, but one value for each row is needed.")
        columns = {"label": np.asarray(array)}
    else:
        columns = _read_table(path)
    for column in columns.values():
        if len(column) != n:
            raise ValueError(
                f"--labels: {path!r} has {len(column):,} rows, but the map has {n:,}. Pass a row for each, "
                "below a line of names."
            )
    return columns


def _read_table(path: str) -> dict[str, np.ndarray]:
    """Read the columns of a .csv file with a header."""
    wanted = "a .csv file in UTF-8 with a line of names is needed, or a .npy file"
    try:
        check_regular(Path(path))
        with open(path, newline="", encoding="utf-8-sig") as file:
            separator = _detect_separator(next((line for line in file if line.strip()), ""))
            file.seek(0)
            names, *lines = [line for line in csv.reader(file, delimiter=separator, strict=True) if line]
    except OSError as error:
        raise ValueError(f"--labels: {path!r} cannot be read ({error.strerror or error}); {wanted}.") from error
    except MemoryError:
        raise
    except Exception as error:  # invalid text, unclosed quotes, or no line at all
        raise ValueError(f"--labels: {path!r} is no table ({error}); {wanted}.") from error
    for number, line in enumerate(lines, start=1):
        if len(line) != len(names):
            raise ValueError(f"--labels: {path!r} has {len(line)} values in row {number}, but {len(names)} columns.")
    if len(set(names)) < len(names):
        raise ValueError(f"--labels: {path!r} names two columns alike: {names}. Give each a unique name.")
    return {name: _convert_words([line[at] for line in lines]) for at, name in enumerate(names)}


def _detect_separator(header: str) -> str:
    """Return the separator: a comma, or a tab or semicolon if the header contains only these."""
    return next((mark for mark in ",\t;" if len(next(csv.reader([header], delimiter=mark))) > 1), ",")


def _convert_words(words: list[str]) -> np.ndarray:
    """Convert words to numbers, or to objects. Empty words become NaN or None."""
    if not any(NAME_PATTERN.match(word) for word in words):
        with contextlib.suppress(ValueError):
            return np.array([int(word) for word in words], np.int64)
        with contextlib.suppress(ValueError):
            return np.array([float(word or "nan") for word in words])
    return np.array([word or None for word in words], object)


def format_answer(answer: Mapping[str, object]) -> str:
    """Format the answer for people in one line."""
    return f"{answer['out']}: {answer['rows']:,} rows, {answer['bytes']:,} bytes"
