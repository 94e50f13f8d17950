"""Incident: its facts, clocks, evidence, decisions and drafts as harmless HTML and as text, from plain values."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from auditkit.render._templating import fill
from auditkit.render.text import count, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["NONE", "clock_lines", "incident_html", "incident_text"]

NONE = (
    "This subject file lies in no frozen folder of an incident: there is nothing to show here. Begin with: "
    "auditkit incident open --subject FILE --out DIR, then auditkit incident freeze DIR --subject FILE."
)
_SHOWN = 200  # files and decisions of a table
_GAP = "[to be written: "
_NOTED = ("overdue", "at once", "runs")  # what else is to be known is said of these


def incident_html(data: Mapping[str, Any], part: str) -> str:
    """Return a part of an incident as HTML, every text in it escaped.

    Parameters
    ----------
    data : mapping
        What `auditkit.incidents.facts.facts` returned.
    part : str
        Which.
    """
    return str(fill("incident.html.j2", part=part, **_values(data, part)))


def incident_text(data: Mapping[str, Any], part: str) -> str:
    """Return a part of an incident as text, for where no HTML is shown."""
    if part == "clocks":
        return "\n".join(clock_lines(data["clocks"]))
    if part == "drafts":
        return "\n\n".join(one["text"] for one in data["drafts"])
    if part == "comparison":
        found = data["comparison"]
        return "\n".join(found.get("lines") or [found["why"]])
    if part == "decisions":
        said = [f"{one['time']} {one['who']}: {one['decision']} ({one['why']})" for one in data["decisions"]]
        return "\n".join([*said, *_rows(data, part)])
    if part == "evidence":
        files = (data["evidence"] or {}).get("files", ())
        return "\n".join(f"{one['sha256']} {one['path']}" for one in files) or "nothing was frozen"
    return "\n".join(_rows(data, part)) or "nothing is written yet"


def _rows(data: Mapping[str, Any], part: str) -> list[str]:
    sections = _sections(data, part)
    return [f"{question}: {' / '.join(answer)}" for one in sections for question, answer in one["rows"]]


def clock_lines(clocks: list[dict[str, Any]]) -> list[str]:
    """Return the clocks as lines, for a terminal: what is due first, then what has not started."""
    lines = []
    for one in _by_urgency(clocks):
        about = one["clock"]
        due = _shown(one["due"]) if one["due"] else about["period"]
        whom = one_line(f"{about['law']}, {about['who']} to {about['whom']}")
        lines.append(f"{one['state']:<12} {due:<26} {whom}")
        lines.append("    " + one_line(f"{one['words']}; if: {about['case']}; {about['checked_words']}"))
        if about["note"] and one["state"] in _NOTED:
            lines.append("    " + one_line(about["note"]))
    return lines


def _values(data: Mapping[str, Any], part: str) -> dict[str, Any]:
    evidence = data["evidence"] or {"files": [], "left_out": []}
    files = evidence["files"]
    return {
        **data,
        "sections": list(_sections(data, part)),
        "rows": [_clock(one) for one in _by_urgency(data["clocks"])],
        "files": [
            {**one, "size": f"{one['size']:,}", "modified": one["modified"][:16].replace("T", " ")}
            for one in files[:_SHOWN]
        ],
        "more_files": count(max(len(files) - _SHOWN, 0)),
        "any_more": len(files) > _SHOWN,
        "bytes": f"{sum(one['size'] for one in files):,}",
        "said": [line.strip().removeprefix("· ") for line in (data["comparison"] or {}).get("lines", ())],
        "left_out": evidence["left_out"][:_SHOWN],
        "more_left_out": max(len(evidence["left_out"]) - _SHOWN, 0),
        "entries": data["decisions"][-_SHOWN:],
        "earlier": max(len(data["decisions"]) - _SHOWN, 0),
        "texts": [{**one, "parts": list(_with_gaps(one["text"]))} for one in data["drafts"]],
    }


def _sections(data: Mapping[str, Any], part: str) -> Iterator[dict[str, Any]]:
    """Give the sections of the record: the lessons by themselves, and decisions beside the log where some stand in the record."""
    form, answers = data["form"], data["form"]["answers"]
    for section in form["sections"]:
        belongs = {"log": "decisions"}.get(
            section["id"], "lessons" if section["id"] in data["lessons"] else ""
        )
        if belongs != (part if part in ("decisions", "lessons") else ""):
            continue
        rows = [
            (one["words"], _answer(answers[one["id"]], one))
            for one in section["questions"]
            if one["id"] in answers
        ]
        if part == "decisions" and not rows:
            continue  # the log is where they are asked for
        missing = [one["words"] for one in section["questions"] if one["id"] in data["open"]]
        yield {"title": section["title"], "rows": rows, "missing": missing}


def _answer(answer: Any, question: Mapping[str, Any]) -> list[str]:
    """Return an answer as lines."""
    if isinstance(answer, bool):
        return ["yes" if answer else "no"]
    if isinstance(answer, list):
        columns = {one["id"]: one["words"] for one in question.get("columns", ())}
        return [
            "; ".join(f"{columns.get(key, key)}: {value}" for key, value in one.items())
            if isinstance(one, dict)
            else str(one)
            for one in answer
        ]
    return str(answer).split("\n")


def _by_urgency(clocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    order = ("overdue", "at once", "runs", "told", "not started", "not the case", "not yet law")

    def urgency(one: dict[str, Any]) -> tuple[int, float]:
        due = datetime.fromisoformat(one["due"]).timestamp() if one["due"] else 0.0
        return order.index(one["state"]), due

    return sorted(clocks, key=urgency)


def _clock(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **one,
        "due": _shown(one["due"]) if one["due"] else "",
        "start": _shown(one["start"]) if one["start"] else "",
    }


def _shown(moment: str) -> str:
    """Return a moment as people read it, with its day of the week and its offset.

    Examples
    --------
    >>> _shown("2026-11-23T09:30:00+01:00")
    'Mon 2026-11-23 09:30 +01:00'
    """
    at = datetime.fromisoformat(moment)
    return f"{['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'][at.weekday()]} {at:%Y-%m-%d %H:%M} {moment[-6:] if at.utcoffset() else 'UTC'}"


def _with_gaps(text: str) -> Iterator[tuple[bool, str]]:
    """Give the text of a draft in pieces: whether it is a gap, and its words."""
    head, *rest = text.split(_GAP)
    yield False, head
    for one in rest:
        words, closed, after = one.partition("]")
        yield True, f"{_GAP}{words}{closed}"
        yield False, after
