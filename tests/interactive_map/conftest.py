"""A browser for the tests of a file."""

import pytest
from pages import started


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="install playwright")
    with sync_api.sync_playwright() as playwright:
        browser = started(playwright)
        yield browser
        browser.close()
