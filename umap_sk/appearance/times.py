"""Formatting of times and time differences without superfluous digits."""

import numpy as np

UNIT_DIGITS = {"D": None, "s": 0, "ms": 3, "us": 6, "ns": 9}
"""Units, and their digits after the seconds."""


def find_unit(times: np.ndarray) -> str:
    """Return the coarsest unit that represents all times exactly: days, seconds, or fractions of them."""
    own = np.datetime_data(times.dtype)[0]
    if own in ("Y", "M", "W", "generic"):
        return own
    known = times[~np.isnat(times)]
    kind = times.dtype.kind
    return next(
        (unit for unit in UNIT_DIGITS if (known.astype(f"{kind}8[{unit}]").astype(known.dtype) == known).all()), own
    )


def format_times(times: np.ndarray, unit: str) -> list[str | None]:
    """Format times as in 2020-11-15 02:00:00 or 29 days 16:00:00. Missing times become None."""
    if times.dtype.kind == "m" and unit in UNIT_DIGITS:
        cut = times.astype(f"m8[{unit}]")
        counts = zip(cut.astype(np.int64).tolist(), np.isnat(cut).tolist(), strict=True)
        return [None if missing else _format_difference(count, UNIT_DIGITS[unit]) for count, missing in counts]
    cut = times if unit not in UNIT_DIGITS else times.astype(f"{times.dtype.kind}8[{unit}]")
    return [None if word == "NaT" else word.replace("T", " ") for word in cut.astype(str).tolist()]


def _format_difference(count: int, digits: int | None) -> str:
    """Format a number of days if `digits` is None, or else a number of fractions of a second."""
    sign, count = "-" if count < 0 else "", abs(count)
    if digits is None:
        return f"{sign}{count:,} day{'s' * (count != 1)}"
    seconds, part = divmod(count, 10**digits)
    days, seconds = divmod(seconds, 86400)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}" + (f".{part:0{digits}}" if digits else "")
    return f"{sign}{_format_difference(days, None)} {clock}" if days else sign + clock
