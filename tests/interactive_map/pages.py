"""Pages in a browser, and what a person sees of them."""

import contextlib
import io
import os
import shutil
import sys

import matplotlib.image
import numpy as np
import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def started(playwright):
    """A browser; where there is none the test is skipped, but fails in continuous integration on Linux."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        must = os.environ.get("CI") == "true" and sys.platform == "linux"
        (pytest.fail if must else pytest.skip)("No browser: install chromium.")
    return playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])


@pytest.fixture(scope="module")
def browser():
    """A browser for the tests of a file, which name it: browser = pages.browser."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="install playwright")
    with sync_api.sync_playwright() as playwright:
        browser = started(playwright)
        yield browser
        browser.close()


class Opened:
    """A page that is open, with what went wrong in it and what it asked the network for."""

    def __init__(self, browser, path, script="", **settings):
        self.context = browser.new_context(**{"viewport": {"width": 900, "height": 600}, **settings})
        self.context.add_init_script(script)
        self.page = self.context.new_page()
        self.faults, self.requests = [], []
        self.page.on("console", lambda message: self.faults.append(message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", lambda dialog: self.faults.append(dialog.message))
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(f"file://{path}")
        self.page.wait_for_selector("html[data-ready]", state="attached")
        self.settle()

    def settle(self):
        """Wait until all has been drawn: two frames."""
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def place(self, x, y, scale=0.92):
        """Where the point at a share of the square frame is in the fitted view, in pixels of the page."""
        box = self.page.locator("#map").bounding_box()
        size = scale * min(box["width"], box["height"])
        return box["x"] + box["width"] / 2 + (x - 0.5) * size, box["y"] + box["height"] / 2 - (y - 0.5) * size

    def seen(self, until=None):
        """What is on the screen: a function from a place of the page to six hexadecimal digits.

        `until` is what must be true of it; if it is not within two seconds, the last look is returned.
        """
        for _ in range(20):
            color = self._look()
            if until is None or until(color):
                break
            self.page.wait_for_timeout(100)
        return color

    def until(self, test):
        """Whether a test comes true within two seconds."""
        for _ in range(40):
            if test():
                return True
            self.page.wait_for_timeout(50)
        return False

    def _look(self):
        picture = matplotlib.image.imread(io.BytesIO(self.page.screenshot()))
        ratio = picture.shape[1] / self.page.viewport_size["width"]

        def color(x, y):
            red, green, blue = np.rint(255 * picture[int(y * ratio), int(x * ratio), :3]).astype(int)
            return f"{red:02x}{green:02x}{blue:02x}"

        return color

    def text(self, selector):
        """What a person reads in an element."""
        return self.page.locator(selector).inner_text()

    def drag(self, *corners, shift=False):
        """Press at the first corner, move along, let go at the last."""
        with _held(self.page, shift):
            self.page.mouse.move(*corners[0])
            self.page.mouse.down()
            for corner in corners[1:]:
                self.page.mouse.move(*corner, steps=3)
            self.page.mouse.up()
        self.settle()


@contextlib.contextmanager
def _held(page, shift):
    if shift:
        page.keyboard.down("Shift")
    yield
    if shift:
        page.keyboard.up("Shift")
