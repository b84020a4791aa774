"""Tests of the page on a phone: overlapping elements, and access to all of them."""

import numpy as np
import pages
import pytest
from pages import Tab

from umap_sk import interactive

browser = pages.browser

TEXT = "a sentence of several words which goes on and on"
ON_TOP = """it => {
  const { x, y, width, height } = it.getBoundingClientRect();
  return it.contains(document.elementFromPoint(x + width / 2, y + height / 2));
}"""


@pytest.fixture(scope="module")
def phone(browser, tmp_path_factory):
    """Return a page on a phone with pictures, thirty columns, and times as colors."""
    path = tmp_path_factory.mktemp("page") / "map.html"
    hover = {f"a long name of column {k}": [TEXT] * 3 for k in range(30)}
    times = np.datetime64("2020-11-15T02:00", "ns") + np.array([0, 10**15, 2 * 10**15])
    pictures = np.zeros((3, 28, 28), np.uint8)
    interactive(np.array([[0, 0], [1, 1], [2, 2]]), hover, colour={"when": times}, images=pictures, path=path)
    return Tab(browser, path, viewport={"width": 375, "height": 667}, has_touch=True)


def test_the_legend_lies_above_the_card(phone):
    """The open legend is above the card, and the ends of its scale do not overlap."""
    phone.page.touchscreen.tap(*phone.locate(0.5, 0.5))
    card = phone.page.locator("#card")
    assert card.is_visible()
    assert card.evaluate(ON_TOP)
    phone.page.click("#legend-toggle")
    assert phone.page.locator("#size").evaluate(ON_TOP)
    low, high = (phone.page.locator("#scale span").nth(k).bounding_box() for k in (0, 1))
    assert low["x"] + low["width"] + 8 <= high["x"]
    phone.page.click("#legend-toggle")
    assert phone.errors == []


def test_all_columns_of_the_card_can_be_reached(phone):
    """The card scrolls to its end and starts at the top for the next row, and its values are wide enough."""
    phone.page.touchscreen.tap(*phone.locate(1, 1))
    card = phone.page.locator("#card")
    assert card.locator("dd").first.bounding_box()["width"] > 140
    assert card.evaluate("it => getComputedStyle(it).overflowY") == "auto"
    card.evaluate("it => it.scrollTo(0, it.scrollHeight)")
    last, box = card.locator("dd").last.bounding_box(), card.bounding_box()
    assert card.locator("dd").last.inner_text() == "2"
    assert last["y"] + last["height"] <= box["y"] + box["height"]
    phone.page.touchscreen.tap(*phone.locate(0.5, 0.5))
    assert card.evaluate("it => it.scrollTop") == 0
    assert phone.errors == []
