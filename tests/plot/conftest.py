"""Set-up of matplotlib: figures are drawn without a screen and closed after each test."""

import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _closed():
    yield
    matplotlib.pyplot.close("all")


import matplotlib.pyplot  # noqa: E402
