"""Filled: what people answered in a form that a report carries, and who signed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditkit.exports.paper import Rows
from auditkit.render.text import one_line, words

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["answers", "signers"]


def answers(form: Mapping[str, Any], *, without: Collection[str] = ()) -> Rows:
    """Return the answers of a form as a table, each beside its question as it was worded.

    Parameters
    ----------
    form : mapping
        One of a report's ``forms``: ``kind, title, edition, subject, answers, sections, digest, signed``.
    without : collection of str
        Ids of questions that are left out: who is named in an answer.
    """
    given = form.get("answers")
    said = dict(given) if isinstance(given, dict) else {}
    asked = _asked(form.get("sections"))
    order = [*(name for name in asked if name in said), *(name for name in said if name not in asked)]
    rows = tuple(
        (asked.get(name) or _sentence(words(name)), _text(said[name]))
        for name in order
        if name not in without
    )
    title = one_line(form.get("title") or words(form.get("kind")))
    return Rows(("Question", "Answer"), rows, title=f"{title}, {one_line(form.get('edition'))}".rstrip(", "))


def _asked(sections: Any) -> dict[str, str]:
    """Return the words of each question by id, as far as a form says them."""
    every = [one for one in sections if isinstance(one, dict)] if isinstance(sections, list) else []
    questions = [one for part in every for one in part.get("questions") or () if isinstance(one, dict)]
    return {str(one.get("id")): one_line(one.get("words")) for one in questions}


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
