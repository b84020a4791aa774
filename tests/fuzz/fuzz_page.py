"""Test of odd input for an interactive map.

Each example draws a map, columns, colors, pictures and a title with odd values. Examples are text that ends a tag, lone
surrogates, dates outside of calendars, all kinds of missing values, and columns of other lengths. The result must be a
page, a ValueError or a TypeError. The test parses the page. Its tags must be those of the template and of its blocks,
so that no value of the input becomes a tag. Its script must be the one that its policy allows, and its blocks must be
readable.
"""

import base64
import collections
import datetime
import decimal
import functools
import hashlib
import html.parser
import json
import re
import zlib

import numpy as np
import pandas as pd
import polars as pl
from fuzzing import pick

from umap_sk import interactive

WORDS = (
    "", "a", "</script>", "<!--", "]]>", "<img src=x onerror=alert(1)>", "\ud800", "\x00\x01", "\u2028", "é" * 300,
    "{{script}}", "NaN", "None", "1", "-1", "=1+1", "'\"`", "&amp;", "\\u003c", "data:image/png;base64,",
)  # fmt: skip
VALUES = (
    *WORDS, None, np.nan, pd.NA, pd.NaT, 0, -0.0, 1, True, 2**53, -(2**70), 1e308, np.inf, 1 + 2j, b"\xff", [1, [2]],
    {"a": 1}, {1}, (), decimal.Decimal("1.5"), datetime.date(1, 1, 1), datetime.datetime(9999, 12, 31),
    np.datetime64("NaT"), np.timedelta64(2**62, "ns"), np.float16(0.1), object(),
)  # fmt: skip
DTYPES = ("i1", "u8", "i8", "f2", "f4", "f8", "b", "U3", "S2", "O", "M8[D]", "M8[ns]", "m8[s]", "c8")
TAGS = re.compile(r"<script[ >]")


def column(random, n):
    """Return a column of about the right length: a list, an array, a series, or something else."""
    n = n if random.random() < 0.97 else int(random.integers(0, 4))
    kind = random.integers(6)
    if kind == 0:
        return [pick(random, VALUES) for _ in range(n)]
    if kind == 1:
        return [pick(random, WORDS) for _ in range(n)]
    if kind == 2:
        return pd.Series([pick(random, WORDS[:6]) for _ in range(n)], dtype="category")
    if kind == 3:
        return random.integers(-3, 3, n).astype(pick(random, ("i1", "i8", "f8")))
    if kind == 4:
        return np.zeros((n, int(random.integers(0, 3)))) if random.random() < 0.2 else pick(random, VALUES)
    values = random.integers(-(2**62), 2**62, n) if random.random() < 0.5 else random.integers(0, 3, n)
    return values.astype(pick(random, DTYPES))


def table(random, n):
    """Return columns for the map, in a dict or in a frame if the library takes them."""
    columns = {pick(random, (*WORDS, 1, None, 1.5)): column(random, n) for _ in range(random.integers(4))}
    kind = random.integers(4)
    try:
        if kind == 0:
            frame = pd.DataFrame(columns)
            return frame.set_index(frame.columns[0]) if len(frame.columns) > 1 and random.random() < 0.3 else frame
        if kind == 1:
            return pl.DataFrame({str(name): values for name, values in columns.items()})
    except Exception:  # what pandas and polars refuse is theirs
        pass
    return columns if kind < 3 else pick(random, (None, column(random, n)))


def map_of(random):
    """Return a map of a few rows, some without a position, or something else."""
    n = int(random.integers(1, 12))
    points = random.normal(size=(n, 2)) * pick(random, (0, 1e-300, 1, 1e300))
    points[random.random(n) < 0.2] = pick(random, (np.nan, np.inf, -np.inf, 0.0))
    if random.integers(12) == 0:
        odd = points[:, :1], points.astype("U4"), points[:0], points.astype("f2"), points.tolist(), None, "x"
        return pick(random, odd)
    return points.astype(pick(random, ("f4", "f8")))


def arguments(random):
    """Return the arguments of a call of `interactive`."""
    model = map_of(random)
    n = len(model) if hasattr(model, "__len__") else 3
    hover = table(random, n)
    names = list(hover) if isinstance(hover, dict) else list(getattr(hover, "columns", ()))
    colors = (None, column(random, n), table(random, n), pick(random, names or ["x"]), names[:2], pick(random, VALUES))
    pictures = (
        None, None, None, random.integers(0, 255, (n, 3, 2)).astype(pick(random, DTYPES[:6])), ["data:image/x,<"] * n,
        random.normal(size=(n, 2, 2, 3)), column(random, n),
    )  # fmt: skip
    return {
        "model": model, "hover": hover, "colour": pick(random, colors), "images": pick(random, pictures),
        "title": pick(random, (*WORDS, None, 3)),
    }  # fmt: skip


class Tags(html.parser.HTMLParser):
    """The scripts of a page: their attributes and texts."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.scripts = []
        self.names = collections.Counter()
        self.inside = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.names[tag] += tag != "script"
        self.inside = tag == "script"
        if self.inside:
            self.scripts.append([dict(attrs), ""])

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.scripts[-1][1] += data


@functools.cache
def plain_tags():
    """Return how often the template has each tag."""
    return Tags(interactive(np.eye(2)).page).names


def check_page(made, n):
    """Raise an AssertionError unless a page consists of its template and its complete blocks."""
    made.page.encode("utf-8")
    tags = Tags(made.page)
    (script,) = [text for attributes, text in tags.scripts if attributes.get("type") != "application/octet-stream"]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in made.page, "the page's script is not the one that may run"
    found = {
        attributes["id"]: zlib.decompress(base64.b64decode(text, validate=True))
        for attributes, text in tags.scripts
        if "id" in attributes
    }
    assert len(tags.scripts) == len(found) + 1 == len(TAGS.findall(made.page)), "a script came in with the input"
    assert tags.names == plain_tags(), "a tag came in with the input"
    metadata = json.loads(found["data-metadata"])
    assert metadata["rows"] == made.n_samples == n
    assert len(found["data-positions"]) == 4 * (n - made.n_left_out)
    for number in range(len(metadata["colorings"])):
        assert len(found[f"data-codes-{number}"]) == n - made.n_left_out
    if metadata["hasTable"]:
        shown = json.loads(found["data-table"])
        assert all(len(values) == n for values in shown["columns"])


def check(random):
    """Make one page, and return the outcome."""
    given = arguments(random)
    try:
        made = interactive(**given)
    except (ValueError, TypeError) as error:
        assert str(error), error
        return type(error).__name__
    check_page(made, len(given["model"]))
    return "a page"
