"""Tests of the exploration of a page: names, contours, tables, pinned cards and histograms."""

import numpy as np
import pages
import pandas as pd
import pytest
from pages import Tab

from umap_sk import interactive

browser = pages.browser

# Two sides with two groups of ten rows each, in the corners of the map.
SIDE, GROUP, STEP = (axis.ravel() for axis in np.indices((2, 2, 10)))
PLACES = np.column_stack([10 * SIDE + 0.1 * STEP, 4 * GROUP + 0.05 * STEP])
SIDES = np.array(["left", "right"])[SIDE]
GROUPS = np.char.add(np.char.add(SIDES, " "), np.array(["low", "high"])[GROUP])
WIDTH, HEIGHT = PLACES.max(axis=0)  # size of the map, which starts at (0, 0)
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
def shared_tab(browser, path):
    yield Tab(browser, path, color_scheme="light", accept_downloads=True)


@pytest.fixture
def tab(shared_tab):
    """Return the page, restore it after the test, and check that it had no errors and loaded nothing."""
    yield shared_tab
    if not shared_tab.page.locator("#legend").is_visible():
        shared_tab.page.click("#legend-toggle")
    shared_tab.page.select_option("#coloring", label="side")
    shared_tab.page.click("#show-all")
    shared_tab.page.locator("#map").focus()
    for key in ("Escape", "Escape", "0"):
        shared_tab.page.keyboard.press(key)
    shared_tab.page.mouse.move(5, 5)
    shared_tab.settle()
    assert shared_tab.errors == [] and len([url for url in shared_tab.requests if url.startswith("http")]) == 0


def locate(tab, x, y):
    """Return the pixel of a position of the map in the fitted view."""
    box = tab.page.locator("#map").bounding_box()
    scale = 0.92 * min(box["width"] / WIDTH, box["height"] / HEIGHT)
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    return middle[0] + (x - WIDTH / 2) * scale, middle[1] - (y - HEIGHT / 2) * scale


def locate_row(tab, row):
    """Return the pixel of a row in the fitted view."""
    return locate(tab, *PLACES[row])


def list_names(tab):
    """Return the names that are visible in the map."""
    tab.settle()
    return {text.text_content() for text in tab.page.locator("#names text").all() if text.is_visible()}


def test_escape_leaves_the_search(tab):
    """After Escape in the search, keys act on the map. The rows found stay until Escape is pressed again."""
    tab.page.fill("#search input", "left")
    tab.page.wait_for_selector("#selection")
    tab.page.keyboard.press("Escape")
    for key in "0d?":
        tab.page.keyboard.press(key)
    assert tab.page.input_value("#search input") == "left" and tab.text("#selection p") == "20 rows found for “left”"
    assert tab.page.locator("#help").is_visible()
    assert tab.page.evaluate("document.documentElement.dataset.theme") == "dark"
    tab.page.keyboard.press("Escape")
    tab.page.keyboard.press("d")
    tab.page.keyboard.press("Escape")
    assert not tab.page.locator("#selection").is_visible() and tab.page.input_value("#search input") == ""


def test_a_view_without_rows_says_so_and_leads_back(tab):
    """A view without rows says so and has a button that leads back to the whole map or shows hidden classes."""
    empty = tab.page.locator("#empty-view")
    assert not empty.is_visible()
    tab.page.mouse.move(*tab.locate(0.5, 0.5))
    tab.page.mouse.wheel(0, -2000)
    empty.wait_for()
    assert tab.text("#empty-view span") == "No rows in view."
    tab.page.click("#empty-view button")
    empty.wait_for(state="hidden")
    tab.page.mouse.move(*locate_row(tab, 25))
    assert tab.text("#card dl").split("\n")[-1] == "25"
    tab.page.click("#show-none")
    empty.wait_for()
    assert tab.text("#empty-view span") == "All rows are hidden."
    tab.page.click("#empty-view button")
    empty.wait_for(state="hidden")
    assert tab.page.locator("#classes [aria-pressed=true]").count() == 2


def test_names_of_finer_classes_come_nearer_by(tab):
    """Names of finer classes appear when the map is enlarged. Hidden classes have no names."""
    assert list_names(tab) == {"left", "right"}
    tab.page.mouse.move(*locate_row(tab, 0))
    tab.page.mouse.wheel(0, -360)
    assert list_names(tab) >= {"left low"} and "right low" not in list_names(tab)
    tab.page.click("#classes button >> nth=0")
    assert not any(name.startswith("left") for name in list_names(tab))
    tab.page.click("#show-names")
    assert list_names(tab) == set()
    tab.page.click("#show-names")


def test_contours_surround_the_rows_that_are_shown(tab):
    """The contours surround the visible rows, at their positions on the screen."""
    corners = "it => it.getAttribute('d').split(/[ML]/).slice(1).map(pair => pair.split(' ').map(Number))"
    path = tab.page.locator("#contours")
    tab.page.locator("#map").focus()
    tab.page.keyboard.press("o")
    assert tab.wait_until(lambda: path.get_attribute("d"))
    steps = 32767.5 + (PLACES - [WIDTH / 2, HEIGHT / 2]) / WIDTH * 65535

    def measure_distances(ends):
        return np.linalg.norm(np.array(ends)[:, None] - steps, axis=2).min(axis=1)

    text, both = path.get_attribute("d"), np.array(path.evaluate(corners))
    assert measure_distances(both).max() < 4000 and (both[:, 0] < 32768).any() and (both[:, 0] > 32768).any()
    box = path.bounding_box()
    left, top = locate_row(tab, 10)[0], locate_row(tab, 19)[1]
    assert 0 < left - box["x"] < 30 and 0 < top - box["y"] < 30
    tab.page.click("#classes button >> nth=1")  # hides the class "right"
    assert tab.wait_until(lambda: path.get_attribute("d") != text)
    left = np.array(path.evaluate(corners))
    assert 100 < len(left) < len(both) and left[:, 0].max() < 32768
    tab.page.keyboard.press("o")
    assert tab.wait_until(lambda: not path.get_attribute("d"))


def test_a_selection_has_a_table(tab):
    """The table of a selection shows for each class its rows, and their shares of the selection and of the class."""

    def read_lines():
        return [line.inner_text().split("\t") for line in tab.page.locator("tbody tr").all()]

    tab.page.keyboard.press("v")
    tab.page.click("#shares summary")
    tab.page.wait_for_selector("tbody tr")
    assert read_lines() == [["left", "20", "50 %", "100 %"], ["right", "20", "50 %", "100 %"]]
    corners = [(-0.2, 3.8), (10.35, 3.8), (10.35, 4.7), (-0.2, 4.7)]  # around ten rows on the left, four on the right
    tab.drag(*(locate(tab, *corner) for corner in corners), shift=True)
    assert tab.wait_until(lambda: read_lines() == [["left", "10", "71 %", "50 %"], ["right", "4", "29 %", "20 %"]])
    with tab.page.expect_download() as download:
        tab.page.click("#download-shares")
    text = download.value.path().read_text()
    assert text.startswith('"side","rows","share_of_chosen","share_of_class"\n"left",10,0.714285')
    with tab.page.expect_download() as download:
        tab.page.click("#download")
    found = pd.read_csv(download.value.path())
    assert found["row"].tolist() == [*range(10, 20), *range(30, 34)] and found["page"][1] == LINKS[11]
    tab.page.select_option("#coloring", label="number")
    tab.page.locator("#shares").wait_for(state="hidden")


def test_a_click_pins_the_card(tab):
    """A click pins the card with its link next to the legend, until the card is closed."""
    card = tab.page.locator("#card")
    tab.page.mouse.click(*locate_row(tab, 30))
    tab.page.mouse.move(*locate_row(tab, 0))
    assert tab.text("#card dl").split("\n")[-1] == "30"
    link = card.locator("a")
    rights = {name: link.get_attribute(name) for name in ("href", "target", "rel")}
    assert rights == {"href": LINKS[30], "target": "_blank", "rel": "noopener noreferrer"}
    assert link.evaluate(ON_TOP)
    box, legend = card.bounding_box(), tab.page.locator("#legend").bounding_box()
    assert box["x"] + box["width"] <= legend["x"]
    tab.page.mouse.click(*locate_row(tab, 15))
    assert tab.text("#card dl").split("\n")[-1] == "15"
    tab.page.keyboard.press("v")
    tab.page.locator("#map").focus()
    tab.page.keyboard.press("Escape")
    assert not card.is_visible() and tab.text("#selection p") == "40 rows chosen"
    tab.page.mouse.click(*locate_row(tab, 15))
    tab.page.click("#close-card")
    assert not card.is_visible()
    tab.page.mouse.click(*locate_row(tab, 15))
    tab.page.mouse.click(*tab.locate(0.5, 0.5))
    assert not card.is_visible()


def test_the_histogram_filters(tab):
    """A drag or keys on the histogram select a range. Other rows are neither visible nor found."""
    tab.page.select_option("#coloring", label="number")
    bars = tab.page.locator("#histogram")
    bars.wait_for()
    box = bars.bounding_box()
    at = [box["x"] + share * box["width"] for share in (0.505, 0.995)]
    tab.drag((at[0], box["y"] + 9), (at[1], box["y"] + 9))
    assert tab.text("#range").endswith(": 20 rows") and tab.text("#range").startswith("19.")
    x, y = locate_row(tab, 5)
    assert tab.read_screen(until=lambda color: color(x, y) == "ffffff")(x, y) == "ffffff"
    tab.page.mouse.move(x, y)
    assert not tab.page.locator("#card").is_visible()
    tab.page.mouse.move(*locate_row(tab, 30))
    assert tab.text("#card dl").split("\n")[-1] == "30"
    tab.page.keyboard.press("v")
    assert tab.text("#selection p") == "20 rows chosen"
    bars.focus()
    before = tab.text("#range")
    for keys, same in ((["ArrowLeft"], False), (["ArrowRight"], True), (["ArrowDown"], False), (["ArrowUp"], True)):
        for key in keys:
            tab.page.keyboard.press(key)
        assert (tab.text("#range") == before) is same, keys
    tab.page.keyboard.press("Escape")
    assert tab.text("#range") == "Drag over the bars to show a part."
    assert tab.text("#selection p") == "20 rows chosen"
    assert tab.read_screen(until=lambda color: color(x, y) != "ffffff")(x, y) != "ffffff"


def test_fingers_filter_pan_and_pinch(browser, path):
    """Touches pan and zoom the map and select a range of the histogram, at 420 pixels."""
    tab = Tab(browser, path, viewport={"width": 420, "height": 800}, has_touch=True)
    touch = tab.context.new_cdp_session(tab.page)

    def send(kind, points):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def move_fingers(*ways):
        """Move several fingers along their paths at the same time."""
        for at, places in enumerate(zip(*ways, strict=True)):
            send("touchMove" if at else "touchStart", [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(places)])
        send("touchEnd", [])
        tab.settle()

    def tap(x, y):
        tab.page.touchscreen.tap(x, y)
        return tab.text("#card dl").split("\n")[-1] if tab.page.locator("#card").is_visible() else None

    x, y = locate_row(tab, 5)
    assert tap(x, y) == "5"
    middle = tab.locate(0.5, 0.5)
    move_fingers([middle, (middle[0] + 40, middle[1] + 40)])
    assert tap(x, y) is None and tap(x + 40, y + 40) == "5"
    tab.page.click("#fit")
    move_fingers(*([(x + way, y), (x + 3 * way, y)] for way in (-20, 20)))  # zooms by three around the row
    assert tap(x, y) == "5"
    assert tab.page.locator("#empty-view").is_hidden()
    other = locate_row(tab, 9)
    assert tap(x + 3 * (other[0] - x), y + 3 * (other[1] - y)) == "9"
    tab.page.click("#legend-toggle")
    tab.page.select_option("#coloring", label="number")
    box = tab.page.locator("#histogram").bounding_box()
    move_fingers([(box["x"] + share * box["width"], box["y"] + 20) for share in (0.1, 0.3, 0.48)])
    assert tab.text("#range").endswith("rows") and " to 19" in tab.text("#range")
    assert tab.page.evaluate("document.documentElement.scrollWidth") == 420
    assert tab.errors == []
    tab.context.close()
