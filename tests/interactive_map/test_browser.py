"""Tests of the page in a browser: its drawing, and its answers to the pointer, the search, the lasso and the keys."""

import json

import numpy as np
import pages
import pandas as pd
import pytest
from pages import Tab

from umap_sk import interactive
from umap_sk.appearance.colors import PALETTE

browser = pages.browser

ATTACK = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u2028<!--"
# Row 2 has no position. The others are the corners and the middle of the frame.
PLACES = np.array([[0, 0], [4, 0], [np.nan, 1], [4, 4], [0, 4], [2, 2]], np.float32)
CLASSES = ["plum", "fig", "fig", "plum", "kiwi", "kiwi"]  # sorted: fig, kiwi, plum
SHARES = {0: (0, 0), 1: (1, 0), 3: (1, 1), 4: (0, 1), 5: (0.5, 0.5)}
FIG, KIWI, PLUM = PALETTE[:3]
IMAGES = np.arange(6, dtype=np.uint8)[:, None, None] * 40 + np.zeros((6, 4, 5), np.uint8)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "map.html"
    hover = pd.DataFrame(
        {"name": ["ant", "bee", "cat", "dog", ATTACK, "fox"], "size": [1.5, np.nan, 3, 4e6, 5, 6]}, index=list("uvwxyz")
    )
    colour = {"class": CLASSES, "size": [0.0, 1, 2, 3, 4, np.nan]}
    interactive(PLACES, hover, colour=colour, images=IMAGES, path=path, title=ATTACK)
    return path


@pytest.fixture(scope="module")
def shared_tab(browser, path):
    """Open one page for all tests that restore it."""
    settings = {"accept_downloads": True, "permissions": ["clipboard-read", "clipboard-write"]}
    tab = Tab(browser, path, color_scheme="light", **settings)
    tab.page.locator("#show-names").uncheck()
    tab.page.locator("#size").evaluate("it => { it.value = 2; it.dispatchEvent(new Event('input')) }")
    tab.page.wait_for_timeout(250)
    yield tab
    tab.context.close()


@pytest.fixture
def tab(shared_tab):
    """Return the page, restore it after the test, and check that it had no errors and loaded nothing."""
    yield shared_tab
    shared_tab.page.locator("#map").focus()
    for key in ("Escape", "Escape", "0"):  # resets a pinned card, the selection and the view
        shared_tab.page.keyboard.press(key)
    shared_tab.page.mouse.move(5, 5)
    shared_tab.settle()
    assert shared_tab.errors == [] and all(url.startswith(("file:", "blob:")) for url in shared_tab.requests)
    assert sum(url.startswith("file:") for url in shared_tab.requests) == 1


def is_near(color, expected):
    """Return whether two colors differ by little, since dots are not quite opaque."""
    pairs = zip(bytes.fromhex(color), bytes.fromhex(expected), strict=True)
    return max(abs(one - other) for one, other in pairs) < 50


def test_points_stand_where_they_should_in_their_colors(tab):
    """The points are at the corners and in the middle, and a row without a position is not drawn."""
    expected = dict(zip(SHARES, (PLUM, FIG, PLUM, KIWI, KIWI), strict=True))
    color = tab.read_screen()
    for row, share in SHARES.items():
        assert is_near(color(*tab.locate(*share)), expected[row]), row
        x, y = tab.locate(*share)
        assert color(x + 30 if x < 400 else x - 30, y) == "ffffff"
    assert color(*tab.locate(0.5, 0.25)) == "ffffff"
    assert tab.text("#caption") == "5 rows, 1 left out"


def test_the_card_tells_the_row_and_runs_nothing(tab):
    """The card shows class, columns, index and row of the point. A script in a text is not run."""
    x, y = tab.locate(*SHARES[3])
    tab.page.mouse.move(x, y)
    ring = tab.page.locator("#ring").bounding_box()
    assert abs(ring["x"] + ring["width"] / 2 - x) < 1 and abs(ring["y"] + ring["height"] / 2 - y) < 1
    assert tab.text("#card").split("\n") == "class plum name dog size 4,000,000 index x row 3".split()
    shade = "it => [it.width, it.height, it.getContext('2d').getImageData(9, 9, 1, 1).data[0]]"
    tab.page.wait_for_selector("#card canvas")
    assert tab.page.locator("#card canvas").evaluate(shade) == [5 * 22, 4 * 22, 120]
    tab.page.mouse.move(*tab.locate(*SHARES[4]))
    assert tab.page.locator("#card dd").nth(1).text_content() == ATTACK
    assert tab.page.locator("#card img[src=x]").count() == 0
    tab.page.mouse.move(*tab.locate(*SHARES[1]))
    assert "–" in tab.text("#card")
    tab.page.mouse.move(*tab.locate(0.5, 0.25))
    assert not tab.page.locator("#card").is_visible() and not tab.page.locator("#ring").is_visible()


def test_search_finds(tab):
    """The search finds rows by their columns or index. Enter centers the next one and shows its card."""
    tab.page.fill("#search input", "O")
    tab.page.wait_for_selector("#selection")
    assert tab.text("#selection p") == "3 rows found for “O”"  # dog, fox and onerror
    color = tab.read_screen()
    assert is_near(color(*tab.locate(*SHARES[3])), PLUM)
    assert not is_near(color(*tab.locate(*SHARES[0])), PLUM)
    tab.page.keyboard.press("Enter")
    tab.settle()
    assert tab.text("#card dl").split("\n")[-1] == "3"
    box = tab.page.locator("#map").bounding_box()
    color = tab.read_screen()
    assert is_near(color(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2), PLUM)
    tab.page.keyboard.press("Enter")
    assert tab.text("#card dl").split("\n")[-1] == "4"
    for text, count in (("#5", 1), ("v", 1), ("#2", 0), ("nothing like it", 0)):
        tab.page.fill("#search input", text)
        tab.page.keyboard.press("Enter")
        words = f"{count} row found for “{text}”" if count else f"Nothing found for “{text}”"
        assert tab.text("#selection p") == words


def test_lasso_gives_the_ids(tab):
    """The lasso selects the rows inside its outline, whose numbers can be copied and downloaded."""
    lower = [tab.locate(*share) for share in ((-0.03, -0.03), (1.03, -0.03), (0.5, 0.7))]
    tab.drag(*lower, shift=True)
    assert tab.text("#selection p") == "3 rows chosen"
    tab.page.click("#copy")
    assert tab.page.evaluate("() => navigator.clipboard.readText()") == "[0, 1, 5]"
    with tab.page.expect_download() as download:
        tab.page.click("#download")
    lines = ["row,index,name,size", "0,u,ant,1.5", "1,v,bee,", "5,z,fox,6"]
    assert download.value.path().read_text().replace('"', "").splitlines() == lines
    tab.page.click("#lasso")
    tab.page.keyboard.down("Control")
    tab.drag(*(tab.locate(*share) for share in ((0.9, 0.9), (1.03, 0.9), (1.03, 1.03), (0.9, 1.03))))
    tab.page.keyboard.up("Control")
    assert tab.text("#selection p") == "4 rows chosen"
    assert tab.page.locator("#lasso").get_attribute("aria-pressed") == "false"


def test_the_legend_hides_classes(tab):
    """A click hides a class from view, pointer and selection. A double click shows only that class."""
    plum = tab.page.locator("#classes button", has_text="plum")
    assert [entry.split("\n") for entry in tab.page.locator("#classes button").all_inner_texts()] == [
        ["fig", "1"],
        ["kiwi", "2"],
        ["plum", "2"],
    ]
    plum.click()
    tab.settle()
    assert plum.get_attribute("aria-pressed") == "false"
    color = tab.read_screen()
    assert color(*tab.locate(*SHARES[3])) == "ffffff"
    assert is_near(color(*tab.locate(*SHARES[5])), KIWI)
    tab.page.mouse.move(*tab.locate(*SHARES[3]))
    assert not tab.page.locator("#card").is_visible()
    tab.page.keyboard.press("v")
    assert tab.text("#selection p") == "3 rows chosen"
    tab.page.keyboard.press("Escape")
    tab.page.wait_for_timeout(600)  # otherwise the next click would be part of a double click
    plum.dblclick()
    tab.settle()
    color = tab.read_screen()
    assert is_near(color(*tab.locate(*SHARES[3])), PLUM)
    assert color(*tab.locate(*SHARES[5])) == "ffffff"
    tab.page.click("#show-all")
    tab.settle()
    color = tab.read_screen()
    assert is_near(color(*tab.locate(*SHARES[5])), KIWI)


def test_colorings_are_switched(tab):
    """The coloring changes from classes to a scale and back. A row without a value is gray."""
    tab.page.select_option("#coloring", label="size")
    tab.settle()
    color = tab.read_screen(until=lambda color: is_near(color(*tab.locate(*SHARES[4])), "fde725"))
    assert is_near(color(*tab.locate(*SHARES[4])), "fde725")
    assert is_near(color(*tab.locate(*SHARES[0])), "440154")
    assert is_near(color(*tab.locate(*SHARES[5])), "8f959e")
    assert tab.text("#scale-ends").split() == ["≤", "0.03", "≥", "3.97"]
    tab.page.locator("#map").focus()
    tab.page.keyboard.press("b")
    tab.settle()
    color = tab.read_screen()
    assert is_near(color(*tab.locate(*SHARES[4])), KIWI)


def test_keys_move_and_zoom(tab):
    """Arrows move the map by a tenth of the canvas and show the card of the row in the middle. Keys zoom."""
    box = tab.page.locator("#map").bounding_box()
    step = min(box["width"], box["height"]) / 10
    x, y = tab.locate(*SHARES[5])
    tab.page.locator("#map").focus()
    tab.page.keyboard.press("ArrowLeft")
    tab.page.keyboard.press("ArrowDown")
    color = tab.read_screen(until=lambda color: is_near(color(x + step, y - step), KIWI))
    assert is_near(color(x + step, y - step), KIWI) and color(x, y) == "ffffff"
    tab.page.keyboard.press("ArrowRight")
    tab.page.keyboard.press("ArrowUp")
    assert tab.text("#card dl").split("\n")[-1] == "5"
    tab.page.keyboard.press("-")
    color = tab.read_screen(until=lambda color: is_near(color(*tab.locate(*SHARES[3], scale=0.92 / 1.5)), PLUM))
    assert is_near(color(*tab.locate(*SHARES[3], scale=0.92 / 1.5)), PLUM)
    tab.page.keyboard.press("?")
    assert "lasso" in tab.text("#help")
    tab.page.keyboard.press("Escape")
    assert not tab.page.locator("#help").is_visible()


def test_drag_and_wheel(tab):
    """A drag moves the map with the pointer, and the wheel zooms around the pointer."""
    x, y = tab.locate(*SHARES[5])
    tab.drag((x + 60, y + 60), (x + 90, y + 40))
    color = tab.read_screen(until=lambda color: is_near(color(x + 30, y - 20), KIWI))
    assert is_near(color(x + 30, y - 20), KIWI)
    tab.page.keyboard.press("0")
    corner = tab.locate(*SHARES[0])
    tab.page.mouse.move(*corner)
    tab.page.mouse.wheel(0, -400)
    color = tab.read_screen(until=lambda color: is_near(color(*corner), PLUM))
    assert is_near(color(*corner), PLUM) and color(x, y) == "ffffff"


def test_phone(browser, path):
    """At 375 pixels the points are correct, the legend opens, a tap shows the card, and nothing overflows."""
    settings = {"viewport": {"width": 375, "height": 667}, "device_scale_factor": 2, "has_touch": True}
    tab = Tab(browser, path, color_scheme="dark", **settings)
    tab.page.click("#legend-toggle")
    tab.page.locator("#show-names").uncheck()
    assert tab.page.locator("#legend").bounding_box()["x"] > 0
    tab.page.click("#legend-toggle")
    assert not tab.page.locator("#legend").is_visible()
    tab.settle()
    color = tab.read_screen()
    assert is_near(color(*tab.locate(*SHARES[3])), "2ea583")  # lighter on a dark background
    assert color(*tab.locate(0.5, 0.25)) == "15171c"
    tab.page.touchscreen.tap(*tab.locate(*SHARES[3]))
    assert tab.text("#card dl").split("\n")[-1] == "3"
    assert tab.page.evaluate("() => document.documentElement.scrollWidth") == 375
    tab.page.click("#theme")
    tab.settle()
    color = tab.read_screen()
    assert color(*tab.locate(0.5, 0.25)) == "ffffff"
    assert tab.errors == [] and len(tab.requests) == 1
    tab.context.close()


def test_notebook_and_policy(browser, tmp_path):
    """In a frame of a notebook the page works without access to the notebook. A script that is added does not run."""
    made = interactive(PLACES, {"name": [*"abcde", "https://example.org/f"]})
    notebook = tmp_path / "notebook.html"
    notebook.write_text(f"<!doctype html><html data-ready><body>{made._repr_html_()}</body></html>")
    tab = Tab(browser, notebook, permissions=["clipboard-read", "clipboard-write"])
    frame = tab.page.frames[1]
    frame.wait_for_selector("html[data-ready]", state="attached")
    assert frame.locator("#caption").inner_text() == "5 rows, 1 left out"
    read_parent = "() => { try { return String(parent.document.title) } catch (error) { return error.name } }"
    assert frame.evaluate(read_parent) == "SecurityError"
    frame.locator("#map").focus()
    tab.page.keyboard.press("v")
    with tab.page.expect_download() as download:
        frame.click("#download")
    assert download.value.path().read_text() == '"row","name"\n0,"a"\n1,"b"\n3,"d"\n4,"e"\n5,"https://example.org/f"\n'
    frame.click("#copy")
    frame.wait_for_selector("#selection p:text('5 rows copied')")
    assert tab.page.evaluate("() => navigator.clipboard.readText()") == "[0, 1, 3, 4, 5]"
    assert tab.errors == [] and len([url for url in tab.requests if url.startswith("http")]) == 0
    frame.evaluate("() => { document.body.append(Object.assign(document.createElement('script'), {text: 'bad = 1'})) }")
    assert frame.evaluate("() => typeof bad") == "undefined"
    outcome = frame.evaluate("() => fetch('https://example.org').then(() => 'sent', error => error.name)")
    assert outcome == "TypeError" and json.dumps(tab.requests).count("example.org") == 0
    tab.context.route("https://example.org/**", lambda route: route.fulfill(body="elsewhere"))
    frame.locator("#map").focus()
    tab.page.keyboard.press("Enter")  # the row in the middle
    with tab.context.expect_page() as elsewhere:
        frame.click("#card a")
    assert elsewhere.value.evaluate("() => window.opener") is None
    elsewhere.value.wait_for_url("https://example.org/f")
    tab.context.close()
