"""Filled: what people answered in a form that a report carries, and who signed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditkit.exports.paper import Rows
from auditkit.render.text import one_line, words

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["answers", "signers"]


def answers(form: Mapping[str, Any]) -> Rows:
    """Return the answers of a form as a table.

    Parameters
    ----------
    form : mapping
        One of a report's ``forms``: ``kind, title, edition, subject, answers, digest, signed``.
    """
    given = form.get("answers")
    said = given.items() if isinstance(given, dict) else ()
    rows = tuple((_sentence(words(name)), _text(value)) for name, value in said)
    title = one_line(form.get("title") or words(form.get("kind")))
    return Rows(("Question", "Answer"), rows, title=f"{title}, {one_line(form.get('edition'))}".rstrip(", "))


def signers(form: Mapping[str, Any], *, names: bool) -> str:
    """Return who signed a form and when, in a sentence; their names only where these may be told.

    Examples
    --------
    >>> signers({"signed": [{"role": "author", "name": "Maria", "time": "2026-11-02T10:00:00Z"}]}, names=False)
    'Signed by: author (2026-11-02).'
    >>> signers({}, names=True)
    'Not signed.'
    """
    given = form.get("signed")
    every = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    if not every:
        return "Not signed."
    told = [
        " ".join(filter(None, [one_line(one.get("role")), one_line(one.get("name")) if names else ""]))
        + f" ({one_line(one.get('time'))[:10]})"
        for one in every
    ]
    return f"Signed by: {', '.join(told)}."


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(f"{words(name)}: {_text(one)}" for name, one in value.items())
    if isinstance(value, (list, tuple)):
        return "; ".join(map(_text, value))
    return one_line(value) or "no answer"
