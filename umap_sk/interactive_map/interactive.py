"""`interactive`: a map that people can move in, search and choose from, as one HTML file."""

import base64
import hashlib
import html
import os
import re
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from umap_sk.appearance.positions import find_position_columns, get_embedding, read_positions
from umap_sk.interactive_map.colorings import Coloring, read_colorings
from umap_sk.interactive_map.columns import columns_of, index_of, json_values
from umap_sk.interactive_map.encode import block, json_block, to_steps
from umap_sk.interactive_map.nested import with_finer
from umap_sk.interactive_map.pictures import picture_blocks
from umap_sk.runtime.files import choose_hidden_path, open_new_file

SCRIPTS = "data raster view pick screen histogram legend names contours looks card pointed".split()
SCRIPTS += "shares chosen gestures actions main".split()
"""Files of `page/` whose functions are the page's script, in the order of their use."""
HIGH = 560
"""Pixels of the map's height in a notebook."""


class InteractiveMap(NamedTuple):
    """An interactive map, which a notebook shows; see :func:`interactive`.

    Parameters
    ----------
    page : str
        The whole page, HTML.
    path : Path or None
        Where it was written.
    n_samples, n_left_out : int
        Rows that were given, and those of them that have no place (NaN) and are not shown.
    """

    page: str
    path: Path | None
    n_samples: int
    n_left_out: int

    def __repr__(self) -> str:
        where = "" if self.path is None else f", path={str(self.path)!r}"
        return f"InteractiveMap(n_samples={self.n_samples:,}, n_left_out={self.n_left_out:,}{where})"

    def _repr_html_(self) -> str:
        """The map in a notebook: a frame of its own, which can reach neither the notebook nor the network."""
        return (
            f'<iframe srcdoc="{html.escape(self.page)}" sandbox="allow-scripts allow-downloads allow-popups '
            'allow-popups-to-escape-sandbox" allow="clipboard-write" '
            f'title="Interactive map" width="100%" height="{HIGH}" style="border: 1px solid #8884; border-radius: 8px">'
            "</iframe>"
        )


def interactive(
    model: Any,
    hover: Any = None,
    *,
    colour: Any = None,
    images: Any = None,
    path: Any = None,
    title: str | None = None,
    color: Any = None,
) -> InteractiveMap:
    """Make an interactive map in one HTML file, which needs no network and no server.

    The page moves and zooms, shows a card of the row that is pointed at, searches, takes a lasso around rows, which can
    be counted, copied or downloaded, hides classes, filters by numbers, and switches between colorings; by mouse,
    fingers or keys.

    Parameters
    ----------
    model : estimator, AnnData, frame or array-like of shape (n_samples, 2)
        A fitted estimator with an `embedding_`, a pipeline that ends in one, AnnData with a map in
        ``obsm["X_umap"]``, a frame with columns x and y, or the map itself. Rows without a place (NaN) are left out and
        counted.
    hover : DataFrame or dict of array-like, default=None
        Columns for the card and the search, one value a row: of pandas, polars or a dict. The index of a pandas frame
        comes along unless it just counts the rows. It is shown as text, whatever it holds, and web addresses as links.
        None is the `obs` of AnnData, or the columns of a frame beside its positions.
    colour : str, list of str, array-like of shape (n_samples,), DataFrame or dict of array-like, default=None
        What colors the points: columns of `hover` by their names, or values; of several columns the page chooses one.
        A list of as many entries as there are rows is values.
        Real numbers and times, and whole numbers of more than 60 kinds, are shades of a scale, which goes from the 1 %
        to the 99 % quantile; all else are classes, of which the 60 with the most rows have a color of their own.
    images : array-like of shape (n_samples, height, width) or (n_samples, height, width, 3), or list, default=None
        A picture of each row for the card: gray or red, green and blue, as bytes or as numbers that are scaled to their
        largest; or addresses that begin with ``data:image/``.
    path : str or path-like, default=None
        The file to write, whole or not at all; None writes none.
    title : str, default=None
        Title of the page.
    color : default=None
        Another spelling of `colour`.

    Returns
    -------
    InteractiveMap
        The page. A notebook shows it.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from umap_sk import PrecomputedUMAP, interactive
    >>> digits = load_digits()
    >>> model = PrecomputedUMAP(metric="euclidean", random_state=0).fit(digits.data)
    >>> interactive(model, {"digit": digits.target}, colour=digits.target, images=digits.images)
    InteractiveMap(n_samples=1,797, n_left_out=0)
    """
    if color is not None and colour is not None:
        raise ValueError("colour and color were both given, and are the same. Give one of them.")
    target = None if path is None else _target(path)
    colour, given = color if colour is None else colour, get_embedding(model)
    named = [colour] if isinstance(colour, str) else list(colour) if isinstance(colour, list | tuple) else []
    places = to_steps(read_positions(given, named, (2,)))
    n = len(places.placed)
    hover = _beside(given, named) if hover is None else hover
    placed = places.placed
    columns = {} if hover is None else columns_of(hover, n, "hover")
    colorings = with_finer(read_colorings(_named(colour, columns, n), places))
    pictures, sheets = picture_blocks(images, n)
    left_out = int(n - placed.sum())
    about = {
        "rows": n,
        "told": f"{n - left_out:,} rows" + (f", {left_out:,} left out" if left_out else ""),
        "colorings": [coloring.legend for coloring in colorings],
        "hasTable": bool(columns),
        "pictures": pictures,
    }
    table = {
        "names": list(columns),
        "columns": [json_values(column) for column in columns.values()],
        "index": index_of(hover, n),
    }
    blocks = [
        json_block("about", about),
        block("without", np.flatnonzero(~placed).astype(np.uint32)),
        block("places", places.steps),
        *_code_blocks(colorings, placed),
        *([json_block("table", table)] if columns else []),
        *sheets,
    ]
    page = _page(str(title or "Map"), blocks)
    return InteractiveMap(page, target and _written(page, target), n, left_out)


def _beside(given: Any, named: list[Any]) -> Any:
    """The observations of AnnData, or a frame's columns beside its positions; None where there are none."""
    if hasattr(given, "obsm") or not hasattr(given, "columns"):
        return getattr(given, "obs", None)
    positions = find_position_columns(list(given.columns), named, (2,))
    left = [column for column in given.columns if column not in positions]
    return given[left] if left else None


def _named(colour: Any, columns: dict[str, Any], n: int) -> Any:
    """Columns that were named, or what was given."""
    if colour is None or hasattr(colour, "columns") or isinstance(colour, dict):
        return colour
    if isinstance(colour, str) or not hasattr(colour, "__len__") or str(colour) in columns:
        names = [colour]
    elif len(colour) == n or not any(str(name) in columns for name in colour):
        return colour  # values
    else:
        names = list(colour)
    for name in names:
        if str(name) not in columns:
            raise ValueError(f"colour={name!r} names no column of hover. Give one of {list(columns)}, or values.")
    return {str(name): columns[str(name)] for name in names}


def _code_blocks(colorings: list[Coloring], placed: np.ndarray) -> list[str]:
    return [block(f"codes-{k}", coloring.codes[placed]) for k, coloring in enumerate(colorings)]


def _page(title: str, blocks: list[str]) -> str:
    """The page: its style and script are let through by their digests, and nothing else is."""
    from umap_sk import __version__

    source = resources.files("umap_sk.interactive_map") / "page"
    style = (source / "page.css").read_text("utf-8")
    functions = "".join((source / f"{name}.js").read_text("utf-8") for name in SCRIPTS)
    script = f'(() => {{\n"use strict";\n{functions}}})();\n'
    policy = (
        f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(style)}; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    written = title.encode("utf-8", "replace").decode()  # lone surrogates have no bytes
    parts = {"title": html.escape(written), "version": __version__, "policy": policy, "style": style, "script": script}
    parts["blocks"] = "\n".join(blocks)
    template = (source / "page.html").read_text("utf-8")
    return re.sub(r"{{(\w+)}}", lambda found: parts[found[1]], template)  # in one pass: what is put in is not looked at


def _digest(text: str) -> str:
    """What a Content-Security-Policy calls a text by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _target(path: Any) -> Path:
    """The file to write, links followed, in a folder that is there."""
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(f"path={str(path)!r}: there is no folder {str(target.parent)!r}. Make it first.")
    return target


def _written(page: str, target: Path) -> Path:
    with open_new_file(target, choose_hidden_path(target)) as file:
        file.write(page.encode("utf-8"))
    return target
