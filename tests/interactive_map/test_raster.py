"""Tests of the drawing of points while the map moves, and of the colors of overlapping points."""

import numpy as np
import pages
from pages import Tab

from umap_sk import interactive
from umap_sk.appearance.colors import PALETTE

browser = pages.browser


def test_slow_machines_draw_a_part_while_it_moves(browser, tmp_path):
    """A slow machine draws 20,000 points while the map moves, says so, and draws all of them at rest."""
    path = tmp_path / "many.html"
    interactive(np.random.RandomState(0).uniform(size=(60_000, 2)), path=path)
    clock = "const now = performance.now.bind(performance); performance.now = () => 1000 * now();"
    tab = Tab(browser, path, script=clock)
    watch = (
        "it => { texts = []; new MutationObserver(() => texts.push(it.textContent)).observe(it, {childList: true}) }"
    )
    tab.page.locator("#status").evaluate(watch)
    tab.page.mouse.move(300, 300)
    tab.page.mouse.down()
    for step in range(5):
        tab.page.mouse.move(310 + 10 * step, 300)
        tab.settle()
    tab.page.mouse.up()
    tab.page.wait_for_timeout(250)
    tab.page.locator("#status:empty").wait_for(state="attached")
    assert set(tab.page.evaluate("texts")) - {""} == {"20,000 of 60,000 rows drawn while it moves"}
    tab.page.keyboard.press("0")
    other = Tab(browser, path)
    pixels = "() => document.getElementById('map').toDataURL()"
    assert tab.wait_until(lambda: tab.page.evaluate(pixels) == other.page.evaluate(pixels))
    assert tab.errors == other.errors == []
    for each in (tab, other):
        each.context.close()


def test_points_cover_what_is_below_them_in_part(browser, tmp_path):
    """Points have an opacity of 85 %, so that two points at one position mix their colors."""
    path = tmp_path / "map.html"
    interactive(np.array([[0, 0], [0, 0], [4, 4]]), colour=["a", "b", "b"], path=path)
    tab = Tab(browser, path, color_scheme="light")
    tab.page.locator("#show-names").uncheck()
    share, white = round(256 * 0.85), np.array([255] * 3)
    first, second = (np.array([*bytes.fromhex(color)]) for color in PALETTE[:2])

    def over(color, below):
        return (color * share + below * (256 - share)) >> 8

    expected = [bytes(over(b, over(a, white)).tolist()).hex() for a, b in ((first, second), (second, first))]
    seen = tab.read_screen(until=lambda color: color(*tab.locate(0, 0)) in expected)
    assert seen(*tab.locate(0, 0)) in expected
    assert seen(*tab.locate(1, 1)) == bytes(over(second, white).tolist()).hex()
    tab.context.close()
