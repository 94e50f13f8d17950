"""Durations: seconds in words, of what lasted and of what is expected to last."""

from __future__ import annotations

__all__ = ["expected", "lasted"]

_STEPS = (
    *range(1, 10),
    *range(10, 60, 5),
    *range(60, 100, 10),
)  # what is expected is said no finer than this
_FROM = 1.6  # of a unit, before it is used: between one minute and two lies too much
_UNITS = ((3600.0, "hour", "hours"), (60.0, "minute", "minutes"), (1.0, "s", "s"))


def lasted(seconds: float) -> str:
    """Return a duration in words.

    Examples
    --------
    >>> lasted(0.2), lasted(75.0), lasted(3700.0)
    ('under a second', '1 min 15 s', '1 h 1 min')
    """
    whole = round(seconds)
    if seconds < 1:
        return "under a second"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def expected(low: float, high: float) -> str:
    """Return in words what lies between two durations, rounded: an estimate is no measurement.

    Examples
    --------
    >>> expected(0.1, 0.6), expected(0.3, 3.0), expected(2.8, 3.3)
    ('under a second', 'up to 3 s', 'about 3 s')
    >>> expected(11.0, 31.0), expected(40.0, 110.0), expected(110.0, 290.0)
    ('10 to 30 s', '40 s to 2 minutes', '2 to 5 minutes')
    """
    if high < 1:
        return "under a second"
    (last, last_unit) = _rounded(high)
    if low < 1:
        return f"up to {last} {last_unit}"
    (first, first_unit) = _rounded(low)
    if (first, first_unit) == (last, last_unit):
        return f"about {last} {last_unit}"
    if first_unit.rstrip("s") == last_unit.rstrip("s"):
        return f"{first} to {last} {last_unit}"
    return f"{first} {first_unit} to {last} {last_unit}"


def _rounded(seconds: float) -> tuple[int, str]:
    """Return a count and its unit."""
    size, one, many = next((unit for unit in _UNITS if seconds >= unit[0] * _FROM), _UNITS[-1])
    count = seconds / size
    whole = min(_STEPS, key=lambda step: abs(step - count)) if count < 100 else round(count)
    return whole, one if whole == 1 else many
