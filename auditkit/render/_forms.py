"""Forms as shown: answers in order, who signed them when, and what is a draft."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from auditkit.render._signed import signed
from auditkit.render._templating import fill
from auditkit.render.tables import table_html
from auditkit.render.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["forms", "one_form"]


def one_form(form: Mapping[str, Any]) -> str:
    """Return a form in one line."""
    return f"{one_line(form.get('title'))} of {one_line(form.get('subject'))}: {one_line(form.get('state'))}"


def forms(report: Mapping[str, Any]) -> str:
    """Return the forms that people filled in.

    Parameters
    ----------
    report : mapping
        The view "forms" of a report.
    """
    return str(fill("forms.html.j2", forms=[_shown(one) for one in report.get("forms") or ()]))


def _shown(form: Mapping[str, Any]) -> dict[str, Any]:
    signers = list(form.get("signed") or ())
    roles = {str(one.get("role")) for one in signers}
    sections = list(form.get("sections") or ())
    return {
        **{key: one_line(form.get(key)) for key in ("title", "edition", "subject", "state", "digest")},
        "draft": "author" not in roles,
        "unreviewed": "author" in roles and "reviewer" not in roles,
        "open": len(form.get("open") or ()),
        "withheld": bool(form.get("withheld")),
        "signers": [_signer(one) for one in signers],
        "sections": [
            {
                "title": one_line(section.get("title")),
                "answers": [_answer(one, form) for one in section.get("questions") or ()],
            }
            for section in sections
        ],
    }


def _signer(one: Mapping[str, Any]) -> dict[str, str]:
    who = signed({"author": one.get("name"), "time": one.get("time"), "text": one.get("remark")})
    return {
        **who,
        "role": one_line(one.get("role")),
        "key": one_line(one.get("keyid"))[:16],
        "decision": one_line(one.get("decision")),
    }


def _answer(question: Mapping[str, Any], form: Mapping[str, Any]) -> dict[str, Any]:
    given = (form.get("answers") or {}).get(question.get("id"))
    open_ = {str(place).partition("[")[0] for place in form.get("open") or ()}
    shown: dict[str, Any] = {
        "words": one_line(question.get("words")),
        "text": "",
        "several": [],
        "table": "",
        "none": given is None,
        "open": question.get("id") in open_,
    }
    if isinstance(given, list) and question.get("columns"):
        shown["table"] = _rows(given, question)
    elif isinstance(given, list):
        shown["several"] = [_said(one) for one in given]
    elif given is not None:
        shown["text"] = _said(given)
    return shown


def _rows(given: list[Any], question: Mapping[str, Any]) -> Any:
    columns = {
        one_line(column.get("words")): [
            _said(row.get(column.get("id"), "")) if isinstance(row, dict) else _said(row) for row in given
        ]
        for column in question["columns"]
    }
    return table_html({"title": "", "columns": columns})


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
