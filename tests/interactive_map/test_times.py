"""Tests of times and time differences as text, in the resolution of their column."""

import numpy as np
import pandas as pd
import pytest

from umap_sk.interactive_map.colorings import read_colorings
from umap_sk.interactive_map.columns import to_json_values
from umap_sk.interactive_map.encode import quantize


@pytest.mark.parametrize(
    "times, expected",
    [
        (["2020-11-15", "1969-12-31"], ["2020-11-15", "1969-12-31"]),
        (["2020-11-15T02:00", "2020-11-16"], ["2020-11-15 02:00:00", "2020-11-16 00:00:00"]),
        (["2020-11-15T02:00:00.25", "NaT"], ["2020-11-15 02:00:00.250", None]),
    ],
)
@pytest.mark.parametrize("unit", ["ns", "us", "ms"])
def test_times(times, expected, unit):
    """Times are shown as days if all are midnights, and in seconds if none has a fraction."""
    assert to_json_values(np.array(times, f"M8[{unit}]")) == expected


def test_coarse_times():
    """Months are shown as months, and missing times as missing."""
    assert to_json_values(np.array(["2020-11", "NaT"], "M8[M]")) == ["2020-11", None]
    assert (
        to_json_values(np.array(["NaT", "NaT"], "M8[ns]"))
        == to_json_values(np.array(["NaT", "NaT"], "m8"))
        == [None, None]
    )


def test_differences():
    """Differences are shown as days and a time."""
    column = pd.Series(pd.to_timedelta([2563200, 7200, -90000, None], unit="s"))
    assert to_json_values(column) == ["29 days 16:00:00", "02:00:00", "-1 day 01:00:00", None]
    assert to_json_values(np.array([29, -1, 0], "m8[D]")) == ["29 days", "-1 day", "0 days"]
    assert to_json_values(np.array([1500, 86400000], "m8[ms]")) == ["00:00:01.500", "1 day 00:00:00.000"]


def test_the_ends_of_a_scale():
    """The ends of a scale are in seconds, unless both would be the same."""
    places = quantize(np.column_stack([np.arange(3.0), np.zeros(3)]))

    def ends(values):
        (coloring,) = read_colorings(np.array(values), places)
        return [coloring.legend[end].lstrip("≤≥ ") for end in ("low", "high")]

    hour = np.timedelta64(3_600_000_000_000, "ns")
    assert ends(np.datetime64("2020-11-15T02:00", "ns") + np.arange(3) * 100 * hour) == [
        "2020-11-15 04:00:00",
        "2020-11-23 08:00:00",
    ]
    assert ends(np.arange(3) * 24 * 100 * hour) == ["2 days", "198 days"]
    assert ends(np.arange(3) * hour / 3_600_000) == ["00:00:00.000", "00:00:00.001"]
