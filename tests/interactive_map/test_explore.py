"""What a person finds out with the page: names, contours, tables, pinned cards, histograms, and the way back."""

import numpy as np
import pages
import pandas as pd
import pytest
from pages import Opened

from umap_sk import interactive

browser = pages.browser

# Two sides with two groups of ten rows each, in the corners of the map.
SIDE, GROUP, STEP = (axis.ravel() for axis in np.indices((2, 2, 10)))
PLACES = np.column_stack([10 * SIDE + 0.1 * STEP, 4 * GROUP + 0.05 * STEP])
SIDES = np.array(["left", "right"])[SIDE]
GROUPS = np.char.add(np.char.add(SIDES, " "), np.array(["low", "high"])[GROUP])
WIDTH, HEIGHT = PLACES.max(axis=0)  # of the map, whose other corner is (0, 0)
LINKS = [f"https://example.org/{row}" for row in range(40)]
ON_TOP = """it => {
  const { x, y } = it.getBoundingClientRect();
  return it.contains(document.elementFromPoint(x + 4, y + 4));
}"""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "map.html"
    table = pd.DataFrame({"side": SIDES, "group": GROUPS, "number": np.arange(40.0), "page": LINKS})
    interactive(PLACES, table, colour=["side", "group", "number"], path=path)
    return path


@pytest.fixture(scope="module")
def shared(browser, path):
    yield Opened(browser, path, color_scheme="light", accept_downloads=True)


@pytest.fixture
def opened(shared):
    """The page as it was, and nothing wrong with it afterwards."""
    yield shared
    if not shared.page.locator("#legend").is_visible():
        shared.page.click("#legend-toggle")
    shared.page.select_option("#coloring", label="side")
    shared.page.click("#show-all")
    shared.page.locator("#map").focus()
    for key in ("Escape", "Escape", "0"):
        shared.page.keyboard.press(key)
    shared.page.mouse.move(5, 5)
    shared.settle()
    assert shared.faults == [] and len([url for url in shared.requests if url.startswith("http")]) == 0


def place(opened, x, y):
    """Where a place of the map is in the fitted view."""
    box = opened.page.locator("#map").bounding_box()
    scale = 0.92 * min(box["width"] / WIDTH, box["height"] / HEIGHT)
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    return middle[0] + (x - WIDTH / 2) * scale, middle[1] - (y - HEIGHT / 2) * scale


def place_of(opened, row):
    """Where a row is in the fitted view."""
    return place(opened, *PLACES[row])


def names_of(opened):
    """The names that stand in the map."""
    opened.settle()
    return {text.text_content() for text in opened.page.locator("#names text").all() if text.is_visible()}


def test_escape_leaves_the_search(opened):
    """Then keys act, and what was found stays until Escape is pressed again."""
    opened.page.fill("#search input", "left")
    opened.page.wait_for_selector("#chosen")
    opened.page.keyboard.press("Escape")
    for key in "0d?":
        opened.page.keyboard.press(key)
    assert opened.page.input_value("#search input") == "left" and opened.text("#chosen p") == "20 rows found for “left”"
    assert opened.page.locator("#help").is_visible()
    assert opened.page.evaluate("document.documentElement.dataset.theme") == "dark"
    opened.page.keyboard.press("Escape")
    opened.page.keyboard.press("d")
    opened.page.keyboard.press("Escape")
    assert not opened.page.locator("#chosen").is_visible() and opened.page.input_value("#search input") == ""


def test_a_view_without_rows_says_so_and_leads_back(opened):
    """To the whole map, or to classes that are hidden."""
    empty = opened.page.locator("#empty")
    assert not empty.is_visible()
    opened.page.mouse.move(*opened.place(0.5, 0.5))
    opened.page.mouse.wheel(0, -2000)
    empty.wait_for()
    assert opened.text("#empty span") == "No rows in view."
    opened.page.click("#empty button")
    empty.wait_for(state="hidden")
    opened.page.mouse.move(*place_of(opened, 25))
    assert opened.text("#card dl").split("\n")[-1] == "25"
    opened.page.click("#show-none")
    empty.wait_for()
    assert opened.text("#empty span") == "All rows are hidden."
    opened.page.click("#empty button")
    empty.wait_for(state="hidden")
    assert opened.page.locator("#classes [aria-pressed=true]").count() == 2


def test_names_of_finer_classes_come_nearer_by(opened):
    """Those of the current coloring first; none of a class that is hidden."""
    assert names_of(opened) == {"left", "right"}
    opened.page.mouse.move(*place_of(opened, 0))
    opened.page.mouse.wheel(0, -360)
    assert names_of(opened) >= {"left low"} and "right low" not in names_of(opened)
    opened.page.click("#classes button >> nth=0")
    assert not any(name.startswith("left") for name in names_of(opened))
    opened.page.click("#names-shown")
    assert names_of(opened) == set()
    opened.page.click("#names-shown")


def test_contours_surround_the_rows_that_are_shown(opened):
    """Near them and nowhere else, five lines each, where they are on the screen."""
    corners = "it => it.getAttribute('d').split(/[ML]/).slice(1).map(pair => pair.split(' ').map(Number))"
    path = opened.page.locator("#contours")
    opened.page.locator("#map").focus()
    opened.page.keyboard.press("o")
    assert opened.until(lambda: path.get_attribute("d"))
    steps = 32767.5 + (PLACES - [WIDTH / 2, HEIGHT / 2]) / WIDTH * 65535

    def far(ends):
        return np.linalg.norm(np.array(ends)[:, None] - steps, axis=2).min(axis=1)

    text, both = path.get_attribute("d"), np.array(path.evaluate(corners))
    assert far(both).max() < 4000 and (both[:, 0] < 32768).any() and (both[:, 0] > 32768).any()
    box = path.bounding_box()
    left, top = place_of(opened, 10)[0], place_of(opened, 19)[1]
    assert 0 < left - box["x"] < 30 and 0 < top - box["y"] < 30
    opened.page.click("#classes button >> nth=1")  # hides the right
    assert opened.until(lambda: path.get_attribute("d") != text)
    left = np.array(path.evaluate(corners))
    assert 100 < len(left) < len(both) and left[:, 0].max() < 32768
    opened.page.keyboard.press("o")
    assert opened.until(lambda: not path.get_attribute("d"))


def test_a_selection_has_a_table(opened):
    """Rows of each class, their share of what is chosen and of the class; as a file too."""

    def lines():
        return [line.inner_text().split("\t") for line in opened.page.locator("tbody tr").all()]

    opened.page.keyboard.press("v")
    opened.page.click("#shares summary")
    opened.page.wait_for_selector("tbody tr")
    assert lines() == [["left", "20", "50 %", "100 %"], ["right", "20", "50 %", "100 %"]]
    corners = [(-0.2, 3.8), (10.35, 3.8), (10.35, 4.7), (-0.2, 4.7)]  # around ten rows on the left, four on the right
    opened.drag(*(place(opened, *corner) for corner in corners), shift=True)
    assert opened.until(lambda: lines() == [["left", "10", "71 %", "50 %"], ["right", "4", "29 %", "20 %"]])
    with opened.page.expect_download() as download:
        opened.page.click("#download-shares")
    text = download.value.path().read_text()
    assert text.startswith('"side","rows","share_of_chosen","share_of_class"\n"left",10,0.714285')
    with opened.page.expect_download() as download:
        opened.page.click("#download")
    found = pd.read_csv(download.value.path())
    assert found["row"].tolist() == [*range(10, 20), *range(30, 34)] and found["page"][1] == LINKS[11]
    opened.page.select_option("#coloring", label="number")
    opened.page.locator("#shares").wait_for(state="hidden")


def test_a_click_pins_the_card(opened):
    """With a link that leaves the page alone, beside the legend, until it is closed."""
    card = opened.page.locator("#card")
    opened.page.mouse.click(*place_of(opened, 30))
    opened.page.mouse.move(*place_of(opened, 0))
    assert opened.text("#card dl").split("\n")[-1] == "30"
    link = card.locator("a")
    rights = {name: link.get_attribute(name) for name in ("href", "target", "rel")}
    assert rights == {"href": LINKS[30], "target": "_blank", "rel": "noopener noreferrer"}
    assert link.evaluate(ON_TOP)
    box, legend = card.bounding_box(), opened.page.locator("#legend").bounding_box()
    assert box["x"] + box["width"] <= legend["x"]
    opened.page.mouse.click(*place_of(opened, 15))
    assert opened.text("#card dl").split("\n")[-1] == "15"
    opened.page.keyboard.press("v")
    opened.page.locator("#map").focus()
    opened.page.keyboard.press("Escape")
    assert not card.is_visible() and opened.text("#chosen p") == "40 rows chosen"
    opened.page.mouse.click(*place_of(opened, 15))
    opened.page.click("#unpin")
    assert not card.is_visible()
    opened.page.mouse.click(*place_of(opened, 15))
    opened.page.mouse.click(*opened.place(0.5, 0.5))
    assert not card.is_visible()


def test_the_histogram_filters(opened):
    """By a drag and by keys: other rows are neither seen nor found."""
    opened.page.select_option("#coloring", label="number")
    bars = opened.page.locator("#histogram")
    bars.wait_for()
    box = bars.bounding_box()
    at = [box["x"] + share * box["width"] for share in (0.505, 0.995)]
    opened.drag((at[0], box["y"] + 9), (at[1], box["y"] + 9))
    assert opened.text("#range").endswith(": 20 rows") and opened.text("#range").startswith("19.")
    x, y = place_of(opened, 5)
    assert opened.seen(until=lambda color: color(x, y) == "ffffff")(x, y) == "ffffff"
    opened.page.mouse.move(x, y)
    assert not opened.page.locator("#card").is_visible()
    opened.page.mouse.move(*place_of(opened, 30))
    assert opened.text("#card dl").split("\n")[-1] == "30"
    opened.page.keyboard.press("v")
    assert opened.text("#chosen p") == "20 rows chosen"
    bars.focus()
    before = opened.text("#range")
    for keys, same in ((["ArrowLeft"], False), (["ArrowRight"], True), (["ArrowDown"], False), (["ArrowUp"], True)):
        for key in keys:
            opened.page.keyboard.press(key)
        assert (opened.text("#range") == before) is same, keys
    opened.page.keyboard.press("Escape")
    assert opened.text("#range") == "Drag over the bars to show a part."
    assert opened.text("#chosen p") == "20 rows chosen"
    assert opened.seen(until=lambda color: color(x, y) != "ffffff")(x, y) != "ffffff"


def test_fingers_filter_pan_and_pinch(browser, path):
    """At 420 pixels, as touches."""
    opened = Opened(browser, path, viewport={"width": 420, "height": 800}, has_touch=True)
    touch = opened.context.new_cdp_session(opened.page)

    def send(kind, points):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def fingers(*ways):
        """Fingers that go from place to place side by side."""
        for at, places in enumerate(zip(*ways, strict=True)):
            send("touchMove" if at else "touchStart", [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(places)])
        send("touchEnd", [])
        opened.settle()

    def tapped(x, y):
        opened.page.touchscreen.tap(x, y)
        return opened.text("#card dl").split("\n")[-1] if opened.page.locator("#card").is_visible() else None

    x, y = place_of(opened, 5)
    assert tapped(x, y) == "5"
    middle = opened.place(0.5, 0.5)
    fingers([middle, (middle[0] + 40, middle[1] + 40)])
    assert tapped(x, y) is None and tapped(x + 40, y + 40) == "5"
    opened.page.click("#fit")
    fingers(*([(x + way, y), (x + 3 * way, y)] for way in (-20, 20)))  # three times as large about the row
    assert tapped(x, y) == "5"
    assert opened.page.locator("#empty").is_hidden()
    other = place_of(opened, 9)
    assert tapped(x + 3 * (other[0] - x), y + 3 * (other[1] - y)) == "9"
    opened.page.click("#legend-toggle")
    opened.page.select_option("#coloring", label="number")
    box = opened.page.locator("#histogram").bounding_box()
    fingers([(box["x"] + share * box["width"], box["y"] + 20) for share in (0.1, 0.3, 0.48)])
    assert opened.text("#range").endswith("rows") and " to 19" in opened.text("#range")
    assert opened.page.evaluate("document.documentElement.scrollWidth") == 420
    assert opened.faults == []
    opened.context.close()
