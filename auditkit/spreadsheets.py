"""Spreadsheets: text that one of them would run as a formula, made text again."""

from __future__ import annotations

import re

__all__ = ["no_formula"]

# also after what is a column's end where it is opened, and in the wide letters that some take for the plain ones
_FORMULA = re.compile(r"(^|[;\t,])(?=[=+\-@|%\t\r\n＝＋－＠])")


def no_formula(text: str) -> str:
    """Return a text with an apostrophe before whatever a spreadsheet would take for the beginning of a formula.

    Examples
    --------
    >>> no_formula("=1+1"), no_formula("a;=1+1"), no_formula("a-b")
    ("'=1+1", "a;'=1+1", 'a-b')
    """
    return _FORMULA.sub(r"\1'", text)
