"""Batch: one page over many audits: a matrix, a list with filters, and what changed since the batch that was accepted last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from auditkit.render._templating import asset, fill
from auditkit.render.document import content_policy
from auditkit.render.status import STATUSES, VERDICTS
from auditkit.render.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["WORDS", "batch_html"]

# how an audit stands -> (the status whose look it has, its word)
WORDS: dict[str, tuple[str, str]] = {
    "fail": ("fail", VERDICTS["fail"]),
    "broke": ("error", "No report"),
    "undecided": ("inconclusive", VERDICTS["undecided"]),
    "not_run": ("unmeasured", "Not run"),
    "pass": ("pass", VERDICTS["pass"]),
    "not_judged": ("not_judged", VERDICTS["not_judged"]),
}


def batch_html(batch: Mapping[str, Any]) -> str:
    """Return the page over a batch, which needs nothing but itself and links to the reports beside it.

    Parameters
    ----------
    batch : mapping
        ``name``, ``verdict``; ``audits``, each with ``name, subject, template, settings, tags, word, counts, why, href, before, seconds`` and, where it
        was printed, ``pdf``;
        ``accepted``, or None, with ``by, day, reason``; ``excluded``, names with why.
    """
    audits = [_shown(one) for one in batch["audits"]]
    subjects = list(dict.fromkeys(one["subject"] for one in audits))
    templates = list(dict.fromkeys(one["template"] for one in audits))
    cells: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in audits:
        cells.setdefault((one["subject"], one["template"]), []).append(one)
    order = list(WORDS)
    counts = [(word, sum(one["word"] == word for one in audits)) for word in order]
    style, script = asset("style.css") + asset("batch.css"), asset("batch.js")
    return str(
        fill(
            "batch.html.j2",
            title=one_line(batch["name"]),
            verdict=batch["verdict"],
            headline=VERDICTS[batch["verdict"]],
            counts=[(word, *_look(word), n) for word, n in counts if n],
            total=len(audits),
            audits=sorted(audits, key=lambda one: order.index(one["word"])),
            subjects=subjects,
            templates=templates,
            cells={key: _cell(found) for key, found in cells.items()},
            tags=sorted({tag for one in audits for tag in one["tags"]}),
            accepted=batch.get("accepted"),
            changes=_changes(audits) if batch.get("accepted") else [],
            excluded=list(batch.get("excluded") or ()),
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
    before = audit.get("before")
    return {
        "pdf": "",
        **audit,
        "status": status,
        "icon": icon,
        "said": said,
        "counted": counts,
        "was": WORDS[before][1] if before in WORDS and before != audit["word"] else "",
        "sought": one_line(
            " ".join([audit["name"], audit["subject"], audit["template"], *audit["tags"]])
        ).casefold(),
    }


def _cell(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a cell of the matrix: its audits in short, those of most concern first."""
    order = list(WORDS)
    ranked = sorted(found, key=lambda one: order.index(one["word"]))
    words = [(*_look(word), sum(one["word"] == word for one in found)) for word in order]
    return {"first": ranked[0], "words": [one for one in words if one[-1]], "many": len(found) > 1}


def _changes(audits: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return in words how the audits stand against the batch accepted last."""
    order = list(WORDS)
    worse = sum(bool(one["was"]) and order.index(one["word"]) < order.index(one["before"]) for one in audits)
    better = sum(bool(one["was"]) for one in audits) - worse
    new = sum(one.get("before") is None for one in audits)
    same = len(audits) - worse - better - new
    said = [(worse, "worse"), (better, "better"), (new, "new"), (same, "the same")]
    return [f"{n:,} {word}" for n, word in said if n]
