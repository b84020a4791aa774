"""The function `interactive`, which makes an interactive map in one HTML file."""

import base64
import hashlib
import html
import os
import re
from collections.abc import Collection, Hashable
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from umap_sk._version import __version__
from umap_sk.appearance.inputs import (
    Columns,
    Embedding,
    Frame,
    Positions,
    check_same_order,
    is_anndata,
    is_columns,
    is_frame,
)
from umap_sk.appearance.positions import find_position_columns, get_embedding, read_positions
from umap_sk.interactive_map.colorings import read_colorings
from umap_sk.interactive_map.columns import read_columns, read_index, to_json_values
from umap_sk.interactive_map.encode import make_block, make_json_block, quantize
from umap_sk.interactive_map.nested import link_finer
from umap_sk.interactive_map.pictures import make_picture_blocks
from umap_sk.runtime.files import choose_hidden_path, open_new_file

SCRIPTS = "data raster view pick screen histogram legend names contours looks card marker".split()
SCRIPTS += "shares selection gestures actions main".split()
"""Files of `page/` that form the page's script, in the order of their use."""
NOTEBOOK_HEIGHT = 560
"""Height of the map in a notebook, in pixels."""


class InteractiveMap(NamedTuple):
    """An interactive map, which notebooks show; see :func:`interactive`.

    Parameters
    ----------
    page : str
        The whole page as HTML.
    path : Path or None
        Path of the file, if it was written.
    n_samples, n_left_out : int
        Number of rows, and number of those without a position (NaN), which are not shown.
    """

    page: str
    path: Path | None
    n_samples: int
    n_left_out: int

    def __repr__(self) -> str:
        where = "" if self.path is None else f", path={str(self.path)!r}"
        return f"InteractiveMap(n_samples={self.n_samples:,}, n_left_out={self.n_left_out:,}{where})"

    def _repr_html_(self) -> str:
        """Return a frame for a notebook, which can access neither the notebook nor the network."""
        return (
            f'<iframe srcdoc="{html.escape(self.page)}" sandbox="allow-scripts allow-downloads allow-popups '
            'allow-popups-to-escape-sandbox" allow="clipboard-write" '
            f'title="Interactive map" width="100%" height="{NOTEBOOK_HEIGHT}" '
            'style="border: 1px solid #8884; border-radius: 8px"></iframe>'
        )


def interactive(
    model: "Embedding",  # quoted types keep the signature short in help()
    hover: "Columns | None" = None,
    *,
    colour: "ArrayLike | Columns | None" = None,
    images: "ArrayLike | None" = None,
    path: str | os.PathLike[str] | None = None,
    title: str | None = None,
    color: "ArrayLike | Columns | None" = None,
) -> InteractiveMap:
    """Make an interactive map in one HTML file, which needs neither network nor server.

    The page can be moved and zoomed. It shows a card of the row under the pointer, searches, and selects rows by a
    lasso. Selected rows can be counted, copied or downloaded. Classes can be hidden, numbers filtered, and colorings
    switched. All this works with a mouse, fingers or keys.

    Parameters
    ----------
    model : estimator, AnnData, frame or array-like of shape (n_samples, 2)
        A fitted estimator with an `embedding_`, a pipeline that ends in one, AnnData with a map in ``obsm["X_umap"]``,
        a
        frame with columns x and y, or the map itself. Rows without a position (NaN) are left out and counted.
    hover : DataFrame or dict of array-like, default=None
        Columns for cards and search, with one value per row, in a frame of pandas or polars or a dict. The index of a
        pandas frame is included, unless it only numbers the rows. Values are shown as text, and web addresses as links.
        None stands for the `obs` of AnnData, or for the columns of a frame that are not positions.
    colour : str, list of str, array-like of shape (n_samples,), DataFrame or dict of array-like, default=None
        Columns or values that color the points: names of columns of `hover`, or values. A list with an entry per row
        contains values. If there are several columns, the page switches between them. Real numbers, times, and integers
        with more than 60 distinct values become shades of a scale from the 1 % to the 99 % quantile. All other values
        are classes, of which the 60 largest have their own colors.
    images : array-like of shape (n_samples, height, width) or (n_samples, height, width, 3), or list, default=None
        A picture of each row for its card, in gray or in red, green and blue. Pixels are bytes, or numbers that are
        scaled to their maximum. A list contains addresses that begin with ``data:image/``.
    path : str or path-like, default=None
        Path of the file, which is written atomically; None writes no file.
    title : str, default=None
        Title of the page.
    color : default=None
        Another spelling of `colour`.

    Returns
    -------
    InteractiveMap
        The page, which a notebook shows.

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
        raise ValueError("colour and color are the same parameter. Pass only one of them.")
    target = None if path is None else _check_target(path)
    colour, source = color if colour is None else colour, get_embedding(model)
    check_same_order(hover, source, "hover")
    check_same_order(colour, source, "colour")
    named = [colour] if isinstance(colour, str) else list(colour) if isinstance(colour, list | tuple) else []
    quantized = quantize(read_positions(source, named, (2,)))
    n = len(quantized.has_position)
    hover = _read_other_columns(source, named) if hover is None else hover
    columns = {} if hover is None else read_columns(hover, n, "hover")
    colorings = link_finer(read_colorings(_select_colors(colour, columns, n), quantized))
    pictures, sheets = make_picture_blocks(images, n)
    left_out = int(n - quantized.has_position.sum())
    metadata = {
        "rows": n,
        "caption": f"{n - left_out:,} rows" + (f", {left_out:,} left out" if left_out else ""),
        "colorings": [coloring.legend for coloring in colorings],
        "hasTable": bool(columns),
        "pictures": pictures,
    }
    table = {
        "names": list(columns),
        "columns": [to_json_values(column) for column in columns.values()],
        "index": read_index(hover, n),
    }
    blocks = [
        make_json_block("metadata", metadata),
        make_block("left-out", np.flatnonzero(~quantized.has_position).astype(np.uint32)),
        make_block("positions", quantized.steps),
        *(make_block(f"codes-{k}", coloring.codes[quantized.has_position]) for k, coloring in enumerate(colorings)),
        *([make_json_block("table", table)] if columns else []),
        *sheets,
    ]
    page = _render_page(str(title or "Map"), blocks)
    return InteractiveMap(page, target and _write_page(page, target), n, left_out)


def _read_other_columns(source: Positions, named: Collection[Hashable]) -> Frame | None:
    """Return the observations of AnnData, or a frame's columns that are not positions, or None."""
    if is_anndata(source) or not is_frame(source):
        return getattr(source, "obs", None)
    positions = find_position_columns(list(source.columns), named, (2,))
    left = [column for column in source.columns if column not in positions]
    return source[left] if left else None


def _select_colors(
    colour: ArrayLike | Columns | None, columns: dict[str, ArrayLike], n: int
) -> ArrayLike | Columns | None:
    """Return the named columns, or the values as they are."""
    if colour is None or is_columns(colour):
        return colour
    if isinstance(colour, str) or not isinstance(colour, Collection) or str(colour) in columns:
        names = [colour]
    elif len(colour) == n or not any(str(name) in columns for name in colour):
        return colour  # these are values
    else:
        names = list(colour)
    for name in names:
        if str(name) not in columns:
            raise ValueError(f"colour={name!r} is no column of hover. Pass one of {list(columns)}, or values.")
    return {str(name): columns[str(name)] for name in names}


def _render_page(title: str, blocks: list[str]) -> str:
    """Render the page. Its policy allows only its own style and script, by their digests."""
    source = resources.files("umap_sk.interactive_map") / "page"
    style = (source / "page.css").read_text("utf-8")
    functions = "".join((source / f"{name}.js").read_text("utf-8") for name in SCRIPTS)
    script = f'(() => {{\n"use strict";\n{functions}}})();\n'
    policy = (
        f"default-src 'none'; script-src {_hash_for_policy(script)}; style-src {_hash_for_policy(style)}; img-src "
        "data: blob:; base-uri 'none'; form-action 'none'"
    )
    written = title.encode("utf-8", "replace").decode()  # lone surrogates cannot be encoded
    parts = {"title": html.escape(written), "version": __version__, "policy": policy, "style": style, "script": script}
    parts["blocks"] = "\n".join(blocks)
    template = (source / "page.html").read_text("utf-8")
    # A single pass does not substitute within inserted text.
    return re.sub(r"{{(\w+)}}", lambda found: parts[found[1]], template)


def _hash_for_policy(text: str) -> str:
    """Return the digest of a text for a Content-Security-Policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _check_target(path: str | os.PathLike[str]) -> Path:
    """Return the path of the file, with links resolved, after checking that its folder exists."""
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(f"path={str(path)!r}: there is no folder {str(target.parent)!r}. Create it first.")
    return target


def _write_page(page: str, target: Path) -> Path:
    with open_new_file(target, choose_hidden_path(target)) as file:
        file.write(page.encode("utf-8"))
    return target
