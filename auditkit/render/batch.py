"""Batch: one page over many audits: a matrix, a list with filters, and what changed since the batch that was accepted last."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from auditkit.render._templating import asset, fill
from auditkit.render.document import content_policy
from auditkit.render.status import STATUSES, VERDICTS
from auditkit.render.text import cut, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["WORDS", "batch_html"]

MOST_LISTED, MOST_SUBJECTS, MOST_TEMPLATES, MOST_CELLS = 1000, 300, 30, 3000
"""Audits in the list; rows, columns and cells of the matrix; audits.csv beside the page has all."""

LONG = 400
_TAGS, _OPTIONS, _EXCLUDED = 12, 200, 200

# how an audit stands -> (the status whose look it has, its word)
WORDS: dict[str, tuple[str, str]] = {
    "fail": ("fail", VERDICTS["fail"]),
    "broke": ("error", "No report"),
    "undecided": ("inconclusive", VERDICTS["undecided"]),
    "not_run": ("unmeasured", "Not run"),
    "pass": ("pass", VERDICTS["pass"]),
    "not_judged": ("not_judged", VERDICTS["not_judged"]),
}

_ORDER = list(WORDS)  # of most concern first


def batch_html(batch: Mapping[str, Any]) -> str:
    """Return the page over a batch, which needs nothing but itself and links to the reports beside it.

    Parameters
    ----------
    batch : mapping
        ``name``, ``verdict``; ``audits``, each with ``name, subject, template, settings, tags, word, counts, why, href, before, seconds``, where
        it was not met or is undecided ``concerns``, a few findings in words, and, where known, ``started`` and ``pdf``;
        ``began``, when the run of the batch began, in UTC;
        ``accepted``, or None, with ``by, day, reason``; ``excluded``, names with why, and
        ``excluded_cells``, subject and template of each.
    """
    audits = batch["audits"]
    pressing = sorted(audits, key=lambda one: _ORDER.index(one["word"]))
    listed = [_shown(one) for one in pressing[:MOST_LISTED]]
    templates = _first(pressing, audits, "template", MOST_TEMPLATES)
    room = min(MOST_SUBJECTS, MOST_CELLS // max(len(templates), 1))
    subjects = _first(pressing, audits, "subject", room)
    counts = [(word, sum(one["word"] == word for one in audits)) for word in _ORDER]
    excluded = list(batch.get("excluded") or ())
    style, script = asset("style.css") + asset("batch.css"), asset("batch.js")
    return str(
        fill(
            "batch.html.j2",
            title=one_line(batch["name"]),
            verdict=batch["verdict"],
            headline=VERDICTS[batch["verdict"]],
            began=_moment(batch.get("began")),
            legend=_legend(audits),
            counts=[(word, *_look(word), n) for word, n in counts if n],
            total=len(audits),
            audits=listed,
            subjects=subjects,
            templates=templates,
            of_subjects=len({one["subject"] for one in audits}),
            of_templates=len({one["template"] for one in audits}),
            cells=(cells := _cells(audits, set(subjects), set(templates), _places(pressing[:MOST_LISTED]))),
            left_out=(left_out := frozenset(batch.get("excluded_cells") or ())),
            other_kinds=any(
                (one, other) not in cells and (one, other) not in left_out
                for one in subjects
                for other in templates
            ),
            tags=sorted({tag for one in listed for tag in one["tags"]})[:_OPTIONS],
            accepted=batch.get("accepted"),
            changes=_changes(audits) if batch.get("accepted") else [],
            excluded=[(cut(name, LONG), cut(why, LONG)) for name, why in excluded[:_EXCLUDED]],
            more_excluded=max(len(excluded) - _EXCLUDED, 0),
            policy=content_policy([script], [style]),
            css=Markup(style),  # noqa: S704 - files of this package
            script=Markup(script),  # noqa: S704 - a file of this package
        )
    )


def _moment(said: object) -> str:
    """Return day and minute of a time in UTC; empty where it is none."""
    found = re.match(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2})", str(said or ""))
    return f"{found[1]} {found[2]}" if found else ""


def _legend(audits: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Return status, icon and word of what the findings of these audits are counted by."""
    seen = {status for one in audits for status, n in one["counts"].items() if n}
    return [(status, icon, word) for status, (icon, word, _) in STATUSES.items() if status in seen]


def _look(word: str) -> tuple[str, str, str]:
    status, said = WORDS[word]
    return status, STATUSES[status][0], said


def _shown(audit: Mapping[str, Any]) -> dict[str, Any]:
    status, icon, said = _look(audit["word"])
    counts = [
        (STATUSES[name][0], STATUSES[name][1], n)
        for name, n in audit["counts"].items()
        if n and name in STATUSES
    ]
    before, tags = audit.get("before"), audit["tags"]
    short = {key: cut(audit[key], LONG // 4) for key in ("name", "subject", "template")}
    return {
        "pdf": "",
        **audit,
        **short,
        **{key: cut(audit[key], LONG) for key in ("settings", "why")},
        "tags": [cut(tag, LONG // 4) for tag in tags[:_TAGS]],
        "day": _moment(audit.get("started")),
        "concerns": [cut(said, LONG // 2) for said in audit.get("concerns", ())],
        "more_tags": max(len(tags) - _TAGS, 0),
        "status": status,
        "icon": icon,
        "said": said,
        "counted": counts,
        "was": WORDS[before][1] if before in WORDS and before != audit["word"] else "",
        "sought": one_line(
            " ".join([*short.values(), *(cut(tag, LONG // 4) for tag in tags[:_TAGS])])
        ).casefold(),
    }


def _first(
    pressing: Sequence[Mapping[str, Any]], audits: Sequence[Mapping[str, Any]], key: str, most: int
) -> list[str]:
    """Return so many subjects or templates, those with what is of most concern, in the order of the plan."""
    chosen = set(list(dict.fromkeys(one[key] for one in pressing))[:most])
    return [name for name in dict.fromkeys(one[key] for one in audits) if name in chosen]


def _places(listed: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str, str], str]:
    """Return where the first audit of each subject, template and outcome stands in the list."""
    found: dict[tuple[str, str, str], str] = {}
    for i, one in enumerate(listed, start=1):
        found.setdefault((one["subject"], one["template"], one["word"]), f"#audit-{i}")
    return found


def _cells(
    audits: Sequence[Mapping[str, Any]],
    subjects: set[str],
    templates: set[str],
    places: Mapping[tuple[str, str, str], str],
) -> dict[tuple[str, str], dict[str, Any]]:
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for one in audits:
        if one["subject"] in subjects and one["template"] in templates:
            found.setdefault((one["subject"], one["template"]), []).append(one)
    return {key: _cell(every, places) for key, every in found.items()}


def _cell(found: Sequence[Mapping[str, Any]], places: Mapping[tuple[str, str, str], str]) -> dict[str, Any]:
    """Return a cell of the matrix: its audits in short, those of most concern first, each outcome with where it leads."""
    many, about = len(found) > 1, (found[0]["subject"], found[0]["template"])
    words = [
        (
            *_look(word),
            places.get((*about, word), "") if many else found[0].get("href"),
            sum(one["word"] == word for one in found),
        )
        for word in _ORDER
    ]
    return {
        "first": None if many else _shown(found[0]),
        "words": [one for one in words if one[-1]],
        "many": many,
    }


def _changes(audits: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return in words how the audits stand against the batch accepted last."""
    moved = [one for one in audits if one.get("before") in WORDS and one["before"] != one["word"]]
    worse = sum(_ORDER.index(one["word"]) < _ORDER.index(one["before"]) for one in moved)
    better = len(moved) - worse
    new = sum(one.get("before") is None for one in audits)
    same = len(audits) - worse - better - new
    said = [(worse, "worse"), (better, "better"), (new, "new"), (same, "the same")]
    return [f"{n:,} {word}" for n, word in said if n]
