"""Filled: what people answered in a form that a report carries, and who signed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditkit.controls.observed import forms_in
from auditkit.exports.paper import Rows
from auditkit.render.text import one_line, words

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from auditkit.controls import Standing
    from auditkit.exports.source import Source

__all__ = ["answers", "signed_for", "signers", "stands"]


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
    return f"Signed by: {', '.join(_signer(one, names=names) for one in every)}."


def stands(form: Mapping[str, Any]) -> bool:
    """Whether somebody signed a form, and no reviewer rejected it: a draft says nothing that anybody answers for.

    Examples
    --------
    >>> stands({"signed": [{"role": "author"}, {"role": "reviewer", "decision": "rejected"}]}), stands({"signed": [{"role": "author"}]})
    (False, True)
    """
    signed = [one for one in form.get("signed") or () if isinstance(one, dict)]
    return bool(signed) and not any(one.get("decision") == "rejected" for one in signed)


def signed_for(source: Source, standing: Standing) -> list[dict[str, Any]]:
    """Return the forms of a report that stand and whose answers are relevant to a control, in order."""
    about = (standing.control.framework, standing.control.id)
    every = source.data.get("forms") or []
    return [
        dict(form)
        for form, read in zip(every, forms_in(source.data), strict=True)
        if read.signed and about in read.controls
    ]


def _signer(one: Mapping[str, Any], *, names: bool) -> str:
    who = " ".join(filter(None, [one_line(one.get("role")), one_line(one.get("name")) if names else ""]))
    return (
        f"{who} ({', '.join(filter(None, [one_line(one.get('time'))[:10], one_line(one.get('decision'))]))})"
    )


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
