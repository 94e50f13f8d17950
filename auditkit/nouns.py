"""Nouns: numbers said with what they count."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, one: str, more: str = "") -> str:
    """Return a number with its noun.

    Parameters
    ----------
    number : int
        How many.
    one, more : str
        What one is called, and what several are; with an "s" where that is left out.

    Examples
    --------
    >>> counted(1, "secret"), counted(2, "secret"), counted(0, "risky call"), counted(1200, "advisory", "advisories")
    ('1 secret', '2 secrets', '0 risky calls', '1,200 advisories')
    """
    return f"{number:,} {one if number == 1 else more or f'{one}s'}"
