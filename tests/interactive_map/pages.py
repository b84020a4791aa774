"""Helpers to open a page in a browser and to read what is visible."""

import contextlib
import io
import os
import shutil
import sys

import matplotlib.image
import numpy as np
import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def launch_browser(playwright):
    """Start a browser. Without one, skip the test, or let it fail in continuous integration on Linux."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        must = os.environ.get("CI") == "true" and sys.platform == "linux"
        (pytest.fail if must else pytest.skip)("No browser: install chromium.")
    return playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])


@pytest.fixture(scope="module")
def browser():
    """Provide a browser for the tests of a file, which assigns it: browser = pages.browser."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="install playwright")
    with sync_api.sync_playwright() as playwright:
        browser = launch_browser(playwright)
        yield browser
        browser.close()


class Tab:
    """An open page, with its errors and its requests."""

    def __init__(self, browser, path, script="", **settings):
        self.context = browser.new_context(**{"viewport": {"width": 900, "height": 600}, **settings})
        self.context.add_init_script(script)
        self.page = self.context.new_page()
        self.errors, self.requests = [], []
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: self.errors.append(dialog.message))
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(f"file://{path}")
        self.page.wait_for_selector("html[data-ready]", state="attached")
        self.settle()

    def settle(self):
        """Wait for two frames, after which everything is drawn."""
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def locate(self, x, y, scale=0.92):
        """Return the pixel of a position, as shares of the sides of the square frame, in the view of the whole map."""
        box = self.page.locator("#map").bounding_box()
        size = scale * min(box["width"], box["height"])
        return box["x"] + box["width"] / 2 + (x - 0.5) * size, box["y"] + box["height"] / 2 - (y - 0.5) * size

    def read_screen(self, until=None):
        """Return a function from a pixel of the page to its color as six hexadecimal digits.

        It reads the first screenshot for which `until` is true, or the last one after two seconds.
        """
        for _ in range(20):
            color = self._take_screenshot()
            if until is None or until(color):
                break
            self.page.wait_for_timeout(100)
        return color

    def wait_until(self, test):
        """Return whether a test becomes true within two seconds."""
        for _ in range(40):
            if test():
                return True
            self.page.wait_for_timeout(50)
        return False

    def _take_screenshot(self):
        picture = matplotlib.image.imread(io.BytesIO(self.page.screenshot()))
        ratio = picture.shape[1] / self.page.viewport_size["width"]

        def color(x, y):
            red, green, blue = np.rint(255 * picture[int(y * ratio), int(x * ratio), :3]).astype(int)
            return f"{red:02x}{green:02x}{blue:02x}"

        return color

    def text(self, selector):
        """Return the visible text of an element."""
        return self.page.locator(selector).inner_text()

    def drag(self, *corners, shift=False):
        """Press at the first corner, move along the others, and release at the last."""
        with _hold_shift(self.page, shift):
            self.page.mouse.move(*corners[0])
            self.page.mouse.down()
            for corner in corners[1:]:
                self.page.mouse.move(*corner, steps=3)
            self.page.mouse.up()
        self.settle()


@contextlib.contextmanager
def _hold_shift(page, shift):
    if shift:
        page.keyboard.down("Shift")
    yield
    if shift:
        page.keyboard.up("Shift")
