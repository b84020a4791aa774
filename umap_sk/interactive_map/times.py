"""Times and differences of times as people write them, no finer than they are."""

import numpy as np

DIGITS = {"D": None, "s": 0, "ms": 3, "us": 6, "ns": 9}
"""Units, and the digits that they have behind the second."""


def unit_of(times: np.ndarray) -> str:
    """The coarsest unit that loses nothing of the times: days, seconds, or a part of them."""
    own = np.datetime_data(times.dtype)[0]
    if own in ("Y", "M", "W", "generic"):
        return own
    known = times[~np.isnat(times)]
    kind = times.dtype.kind
    return next((unit for unit in DIGITS if (known.astype(f"{kind}8[{unit}]").astype(known.dtype) == known).all()), own)


def time_words(times: np.ndarray, unit: str) -> list[str | None]:
    """Such as 2020-11-15 02:00:00, or 29 days 16:00:00; None for what is missing."""
    if times.dtype.kind == "m" and unit in DIGITS:
        cut = times.astype(f"m8[{unit}]")
        counts = zip(cut.astype(np.int64).tolist(), np.isnat(cut).tolist(), strict=True)
        return [None if gone else _difference(count, DIGITS[unit]) for count, gone in counts]
    cut = times if unit not in DIGITS else times.astype(f"{times.dtype.kind}8[{unit}]")
    return [None if word == "NaT" else word.replace("T", " ") for word in cut.astype(str).tolist()]


def _difference(count: int, digits: int | None) -> str:
    """A number of days, where `digits` is None, or of parts of a second with so many digits."""
    sign, count = "-" if count < 0 else "", abs(count)
    if digits is None:
        return f"{sign}{count:,} day{'s' * (count != 1)}"
    seconds, part = divmod(count, 10**digits)
    days, seconds = divmod(seconds, 86400)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}" + (f".{part:0{digits}}" if digits else "")
    return f"{sign}{_difference(days, None)} {clock}" if days else sign + clock
