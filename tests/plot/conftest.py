"""Pictures are drawn without a screen, and closed."""

import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _closed():
    yield
    matplotlib.pyplot.close("all")


import matplotlib.pyplot  # noqa: E402
