"""Tests of the names that appear in enlarged views: those of colorings within the classes of a coarser one."""

import numpy as np

from umap_sk.interactive_map.colorings import read_colorings
from umap_sk.interactive_map.encode import quantize
from umap_sk.interactive_map.nested import link_finer

PLACES = quantize(np.random.default_rng(0).normal(size=(400, 2)))
COARSE, MIDDLE, FINE = (np.arange(400) // size for size in (200, 50, 10))


def finer(**columns):
    """Return the next finer coloring of each coloring, and the parents of its classes."""
    colorings = link_finer(read_colorings({name: column.astype(str) for name, column in columns.items()}, PLACES))
    found = {}
    for coloring in colorings:
        other, parents = coloring.legend["finer"] or (None, [])
        names = [name for name, *_ in coloring.legend["names"]]
        children = [] if other is None else [name for name, *_ in colorings[other].legend["names"]]
        below = {child: names[parent] for child, parent in zip(children, parents, strict=True) if parent >= 0}
        found[coloring.legend["name"]] = other if other is None else (colorings[other].legend["name"], below)
    return found


def test_the_next_finer_coloring_is_that_with_the_fewest_classes():
    found = finer(fine=FINE, coarse=COARSE, middle=MIDDLE)
    assert found["fine"] is None
    assert found["coarse"] == ("middle", {str(k): str(k // 4) for k in range(8)})
    assert found["middle"] == ("fine", {str(k): str(k // 5) for k in range(40)})


def test_a_few_rows_may_lie_elsewhere_but_not_many():
    elsewhere = np.where(np.arange(400) % 25 == 0, 1 - COARSE, COARSE)  # 4 % of the rows
    assert finer(coarse=elsewhere, middle=MIDDLE)["coarse"][1] == {str(k): str(k // 4) for k in range(8)}
    elsewhere = np.where(np.arange(400) % 10 == 0, 1 - COARSE, COARSE)
    assert finer(coarse=elsewhere, middle=MIDDLE)["coarse"] is None
    assert finer(coarse=COARSE, middle=np.arange(400) // 134)["coarse"] is None  # three are less than twice two
    assert finer(one=np.zeros(400, int), middle=MIDDLE)["one"] is None
