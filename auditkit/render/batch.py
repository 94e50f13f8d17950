"""Batch: one page over many audits: a matrix, a list with filters, and what changed since the batch that was accepted last."""

from __future__ import annotations

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
        ``name``, ``verdict``; ``audits``, each with ``name, subject, template, settings, tags, word, counts, why, href, before, seconds`` and, where it
        was printed, ``pdf``;
        ``accepted``, or None, with ``by, day, reason``; ``excluded``, names with why.
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
            counts=[(word, *_look(word), n) for word, n in counts if n],
            total=len(audits),
            audits=listed,
            subjects=subjects,
            templates=templates,
            of_subjects=len({one["subject"] for one in audits}),
            of_templates=len({one["template"] for one in audits}),
            cells=_cells(audits, set(subjects), set(templates)),
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


def _cells(
    audits: Sequence[Mapping[str, Any]], subjects: set[str], templates: set[str]
) -> dict[tuple[str, str], dict[str, Any]]:
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for one in audits:
        if one["subject"] in subjects and one["template"] in templates:
            found.setdefault((one["subject"], one["template"]), []).append(one)
    return {key: _cell(every) for key, every in found.items()}


def _cell(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a cell of the matrix: its audits in short, those of most concern first."""
    words = [(*_look(word), sum(one["word"] == word for one in found)) for word in _ORDER]
    many = len(found) > 1
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
