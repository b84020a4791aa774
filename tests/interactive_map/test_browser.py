"""The page in a browser: what is drawn where, and what a person who points, searches, draws or types is told."""

import json

import numpy as np
import pages
import pandas as pd
import pytest
from pages import Opened

from umap_sk import interactive
from umap_sk.appearance.colors import PALETTE

browser = pages.browser

ATTACK = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u2028<!--"
# Row 2 has no place. The others: the corners of the frame, and its middle.
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
def shared(browser, path):
    """One page for all tests that leave it as it was."""
    settings = {"accept_downloads": True, "permissions": ["clipboard-read", "clipboard-write"]}
    opened = Opened(browser, path, color_scheme="light", **settings)
    opened.page.locator("#names-shown").uncheck()
    opened.page.locator("#size").evaluate("it => { it.value = 2; it.dispatchEvent(new Event('input')) }")
    opened.page.wait_for_timeout(250)
    yield opened
    opened.context.close()


@pytest.fixture
def opened(shared):
    """The page as it was, and nothing wrong with it afterwards."""
    yield shared
    shared.page.locator("#map").focus()
    for key in ("Escape", "Escape", "0"):  # a pinned card, what is chosen, the view
        shared.page.keyboard.press(key)
    shared.page.mouse.move(5, 5)
    shared.settle()
    assert shared.faults == [] and [url for url in shared.requests if not url.startswith(("file:", "blob:"))] == []
    assert sum(url.startswith("file:") for url in shared.requests) == 1


def near(found, wanted):
    """Whether two colors differ by little: dots are not quite opaque."""
    pairs = zip(bytes.fromhex(found), bytes.fromhex(wanted), strict=True)
    return max(abs(one - other) for one, other in pairs) < 50


def test_points_stand_where_they_should_in_their_colors(opened):
    """Dots at the corners and in the middle; nothing between them, and nothing for the row without a place."""
    wanted = dict(zip(SHARES, (PLUM, FIG, PLUM, KIWI, KIWI), strict=True))
    color = opened.seen()
    for row, share in SHARES.items():
        assert near(color(*opened.place(*share)), wanted[row]), row
        x, y = opened.place(*share)
        assert color(x + 30 if x < 400 else x - 30, y) == "ffffff"
    assert color(*opened.place(0.5, 0.25)) == "ffffff"
    assert opened.text("#count") == "5 rows, 1 left out"


def test_the_card_tells_the_row_and_runs_nothing(opened):
    """Pointed at: class, columns, index and row; text that looks like a script is text."""
    x, y = opened.place(*SHARES[3])
    opened.page.mouse.move(x, y)
    ring = opened.page.locator("#ring").bounding_box()
    assert abs(ring["x"] + ring["width"] / 2 - x) < 1 and abs(ring["y"] + ring["height"] / 2 - y) < 1
    assert opened.text("#card").split("\n") == "class plum name dog size 4,000,000 index x row 3".split()
    shade = "it => [it.width, it.height, it.getContext('2d').getImageData(9, 9, 1, 1).data[0]]"
    opened.page.wait_for_selector("#card canvas")
    assert opened.page.locator("#card canvas").evaluate(shade) == [5 * 22, 4 * 22, 120]
    opened.page.mouse.move(*opened.place(*SHARES[4]))
    assert opened.page.locator("#card dd").nth(1).text_content() == ATTACK
    assert opened.page.locator("#card img[src=x]").count() == 0
    opened.page.mouse.move(*opened.place(*SHARES[1]))
    assert "–" in opened.text("#card")
    opened.page.mouse.move(*opened.place(0.5, 0.25))
    assert not opened.page.locator("#card").is_visible() and not opened.page.locator("#ring").is_visible()


def test_search_finds(opened):
    """Rows whose columns or index have the text; Enter brings the next to the middle, with its card."""
    opened.page.fill("#search input", "O")
    opened.page.wait_for_selector("#chosen")
    assert opened.text("#chosen p") == "3 rows found for “O”"  # dog, fox and onerror
    color = opened.seen()
    assert near(color(*opened.place(*SHARES[3])), PLUM)
    assert not near(color(*opened.place(*SHARES[0])), PLUM)
    opened.page.keyboard.press("Enter")
    opened.settle()
    assert opened.text("#card dl").split("\n")[-1] == "3"
    box = opened.page.locator("#map").bounding_box()
    color = opened.seen()
    assert near(color(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2), PLUM)
    opened.page.keyboard.press("Enter")
    assert opened.text("#card dl").split("\n")[-1] == "4"
    for text, count in (("#5", 1), ("v", 1), ("#2", 0), ("nothing like it", 0)):
        opened.page.fill("#search input", text)
        opened.page.keyboard.press("Enter")
        words = f"{count} row found for “{text}”" if count else f"Nothing found for “{text}”"
        assert opened.text("#chosen p") == words


def test_lasso_gives_the_ids(opened):
    """Rows within the outline, by their numbers in the input; copied, and downloaded with the index."""
    lower = [opened.place(*share) for share in ((-0.03, -0.03), (1.03, -0.03), (0.5, 0.7))]
    opened.drag(*lower, shift=True)
    assert opened.text("#chosen p") == "3 rows chosen"
    opened.page.click("#copy")
    assert opened.page.evaluate("() => navigator.clipboard.readText()") == "[0, 1, 5]"
    with opened.page.expect_download() as download:
        opened.page.click("#download")
    lines = ["row,index,name,size", "0,u,ant,1.5", "1,v,bee,", "5,z,fox,6"]
    assert download.value.path().read_text().replace('"', "").splitlines() == lines
    opened.page.click("#lasso")
    opened.page.keyboard.down("Control")
    opened.drag(*(opened.place(*share) for share in ((0.9, 0.9), (1.03, 0.9), (1.03, 1.03), (0.9, 1.03))))
    opened.page.keyboard.up("Control")
    assert opened.text("#chosen p") == "4 rows chosen"
    assert opened.page.locator("#lasso").get_attribute("aria-pressed") == "false"


def test_the_legend_hides_classes(opened):
    """A click hides a class from the eye, the pointer and the lasso; a double click leaves it alone."""
    plum = opened.page.locator("#classes button", has_text="plum")
    assert [entry.split("\n") for entry in opened.page.locator("#classes button").all_inner_texts()] == [
        ["fig", "1"],
        ["kiwi", "2"],
        ["plum", "2"],
    ]
    plum.click()
    opened.settle()
    assert plum.get_attribute("aria-pressed") == "false"
    color = opened.seen()
    assert color(*opened.place(*SHARES[3])) == "ffffff"
    assert near(color(*opened.place(*SHARES[5])), KIWI)
    opened.page.mouse.move(*opened.place(*SHARES[3]))
    assert not opened.page.locator("#card").is_visible()
    opened.page.keyboard.press("v")
    assert opened.text("#chosen p") == "3 rows chosen"
    opened.page.keyboard.press("Escape")
    opened.page.wait_for_timeout(600)  # or the next click would be the second of a double one
    plum.dblclick()
    opened.settle()
    color = opened.seen()
    assert near(color(*opened.place(*SHARES[3])), PLUM)
    assert color(*opened.place(*SHARES[5])) == "ffffff"
    opened.page.click("#show-all")
    opened.settle()
    color = opened.seen()
    assert near(color(*opened.place(*SHARES[5])), KIWI)


def test_colorings_are_switched(opened):
    """From classes to a scale and back; the row without a value is gray."""
    opened.page.select_option("#coloring", label="size")
    opened.settle()
    color = opened.seen(until=lambda color: near(color(*opened.place(*SHARES[4])), "fde725"))
    assert near(color(*opened.place(*SHARES[4])), "fde725")
    assert near(color(*opened.place(*SHARES[0])), "440154")
    assert near(color(*opened.place(*SHARES[5])), "8f959e")
    assert opened.text("#ends").split() == ["≤", "0.03", "≥", "3.97"]
    opened.page.locator("#map").focus()
    opened.page.keyboard.press("b")
    opened.settle()
    color = opened.seen()
    assert near(color(*opened.place(*SHARES[4])), KIWI)


def test_keys_move_and_zoom(opened):
    """Arrows move by a tenth of the canvas, with the card of what comes to its middle; 0 goes back."""
    box = opened.page.locator("#map").bounding_box()
    step = min(box["width"], box["height"]) / 10
    x, y = opened.place(*SHARES[5])
    opened.page.locator("#map").focus()
    opened.page.keyboard.press("ArrowLeft")
    opened.page.keyboard.press("ArrowDown")
    color = opened.seen(until=lambda color: near(color(x + step, y - step), KIWI))
    assert near(color(x + step, y - step), KIWI) and color(x, y) == "ffffff"
    opened.page.keyboard.press("ArrowRight")
    opened.page.keyboard.press("ArrowUp")
    assert opened.text("#card dl").split("\n")[-1] == "5"
    opened.page.keyboard.press("-")
    color = opened.seen(until=lambda color: near(color(*opened.place(*SHARES[3], scale=0.92 / 1.5)), PLUM))
    assert near(color(*opened.place(*SHARES[3], scale=0.92 / 1.5)), PLUM)
    opened.page.keyboard.press("?")
    assert "lasso" in opened.text("#help")
    opened.page.keyboard.press("Escape")
    assert not opened.page.locator("#help").is_visible()


def test_drag_and_wheel(opened):
    """The map goes with the pointer; the wheel zooms about it."""
    x, y = opened.place(*SHARES[5])
    opened.drag((x + 60, y + 60), (x + 90, y + 40))
    color = opened.seen(until=lambda color: near(color(x + 30, y - 20), KIWI))
    assert near(color(x + 30, y - 20), KIWI)
    opened.page.keyboard.press("0")
    corner = opened.place(*SHARES[0])
    opened.page.mouse.move(*corner)
    opened.page.mouse.wheel(0, -400)
    color = opened.seen(until=lambda color: near(color(*corner), PLUM))
    assert near(color(*corner), PLUM) and color(x, y) == "ffffff"


def test_phone(browser, path):
    """At 375 pixels: points where they should be, a legend that opens, a tap that shows the card, no overflow."""
    settings = {"viewport": {"width": 375, "height": 667}, "device_scale_factor": 2, "has_touch": True}
    opened = Opened(browser, path, color_scheme="dark", **settings)
    opened.page.click("#legend-toggle")
    opened.page.locator("#names-shown").uncheck()
    assert opened.page.locator("#legend").bounding_box()["x"] > 0
    opened.page.click("#legend-toggle")
    assert not opened.page.locator("#legend").is_visible()
    opened.settle()
    color = opened.seen()
    assert near(color(*opened.place(*SHARES[3])), "2ea583")  # on dark ground, lighter
    assert color(*opened.place(0.5, 0.25)) == "15171c"
    opened.page.touchscreen.tap(*opened.place(*SHARES[3]))
    assert opened.text("#card dl").split("\n")[-1] == "3"
    assert opened.page.evaluate("() => document.documentElement.scrollWidth") == 375
    opened.page.click("#theme")
    opened.settle()
    color = opened.seen()
    assert color(*opened.place(0.5, 0.25)) == "ffffff"
    assert opened.faults == [] and len(opened.requests) == 1
    opened.context.close()


def test_notebook_and_policy(browser, tmp_path):
    """In a frame of a notebook the page works and cannot reach it; a script that gets in anyhow does not run."""
    made = interactive(PLACES, {"name": [*"abcde", "https://example.org/f"]})
    notebook = tmp_path / "notebook.html"
    notebook.write_text(f"<!doctype html><html data-ready><body>{made._repr_html_()}</body></html>")
    opened = Opened(browser, notebook, permissions=["clipboard-read", "clipboard-write"])
    frame = opened.page.frames[1]
    frame.wait_for_selector("html[data-ready]", state="attached")
    assert frame.locator("#count").inner_text() == "5 rows, 1 left out"
    reached = "() => { try { return String(parent.document.title) } catch (error) { return error.name } }"
    assert frame.evaluate(reached) == "SecurityError"
    frame.locator("#map").focus()
    opened.page.keyboard.press("v")
    with opened.page.expect_download() as download:
        frame.click("#download")
    assert download.value.path().read_text() == '"row","name"\n0,"a"\n1,"b"\n3,"d"\n4,"e"\n5,"https://example.org/f"\n'
    frame.click("#copy")
    frame.wait_for_selector("#chosen p:text('5 rows copied')")
    assert opened.page.evaluate("() => navigator.clipboard.readText()") == "[0, 1, 3, 4, 5]"
    assert opened.faults == [] and len([url for url in opened.requests if url.startswith("http")]) == 0
    frame.evaluate("() => { document.body.append(Object.assign(document.createElement('script'), {text: 'bad = 1'})) }")
    assert frame.evaluate("() => typeof bad") == "undefined"
    asked = frame.evaluate("() => fetch('https://example.org').then(() => 'sent', error => error.name)")
    assert asked == "TypeError" and json.dumps(opened.requests).count("example.org") == 0
    opened.context.route("https://example.org/**", lambda route: route.fulfill(body="elsewhere"))
    frame.locator("#map").focus()
    opened.page.keyboard.press("Enter")  # the row in the middle
    with opened.context.expect_page() as elsewhere:
        frame.click("#card a")
    assert elsewhere.value.evaluate("() => window.opener") is None
    elsewhere.value.wait_for_url("https://example.org/f")
    opened.context.close()
