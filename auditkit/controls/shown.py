"""Shown: controls as a page takes them, plain and bounded; the one place through which a catalogue reaches a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditkit.controls.catalogue import load_catalogue
from auditkit.controls.coverage import STATUSES, coverage, relevant
from auditkit.controls.observed import seen_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from auditkit.controls.catalogue import Catalogue, Control, Framework
    from auditkit.controls.coverage import Coverage, Standing

__all__ = ["by_check", "on_page"]

MOST_ROWS, MOST_IDS, MOST_FRAMEWORKS = 400, 12, 40
"""Rows of all tables of a page together; ids of a framework, and frameworks, beside a finding."""

FIRST = 2  # frameworks in sight beside a finding; the others are folded


def on_page(report: Mapping[str, Any], catalogue: Catalogue | None = None) -> dict[str, Any]:
    """Return what a page shows of controls.

    Parameters
    ----------
    report : mapping
        What ``Report.to_dict()`` returned, or what travels with the view of the findings.
    catalogue : Catalogue, optional
        The shipped one when left out.

    Returns
    -------
    dict
        ``by_check``, see `by_check`; ``frameworks``, those with any evidence, each with its ``rows``; ``others``, the names of those without;
        ``words``, each status with its meaning; ``disclaimer`` and ``version``.
    """
    known = catalogue or load_catalogue()
    found = coverage(report, known)
    room, shown, others = MOST_ROWS, [], []
    for framework in known.frameworks:
        standings = found.of(framework.id)
        if not any(one.checks or one.forms for one in standings):
            others.append(framework.name)
            continue
        rows = [_row(one) for one in standings[:room]]
        room -= len(rows)
        shown.append(_framework(framework, found) | {"rows": rows, "left": len(standings) - len(rows)})
    return {
        "by_check": by_check(report, known),
        "frameworks": shown,
        "others": others,
        "words": list(STATUSES.values()),
        "disclaimer": known.disclaimer,
        "version": known.version,
    }


def by_check(report: Mapping[str, Any], catalogue: Catalogue | None = None) -> dict[str, dict[str, Any]]:
    """Return for each check that observed something the controls its evidence is relevant to.

    Returns
    -------
    dict of str to dict
        Code of a check to ``{"first": [...], "more": [...], "count": ...}``: texts of a framework and its ids, those in sight and those that are
        folded, and how many controls they name.
    """
    known = catalogue or load_catalogue()
    found = {}
    for one in seen_in(report).observed:
        groups = _grouped(relevant(one, known), known.frameworks)
        if groups:
            texts = [_ids(name, controls) for name, controls in groups[:MOST_FRAMEWORKS]]
            found[one.check] = {
                "first": texts[:FIRST],
                "more": texts[FIRST:],
                "count": sum(len(controls) for _, controls in groups[FIRST:]),
            }
    return found


def _grouped(controls: Sequence[Control], frameworks: Sequence[Framework]) -> list[tuple[str, list[Control]]]:
    """Return controls by framework, those to which a result is evidence by itself first."""
    kept = [(f.name, [c for c in controls if c.framework == f.id]) for f in frameworks]
    ranked = [(name, sorted(own, key=lambda c: c.strength != "direct")) for name, own in kept if own]
    return sorted(ranked, key=lambda pair: pair[1][0].strength != "direct")


def _ids(name: str, controls: Sequence[Control]) -> str:
    told = [
        one.id + (" (not checked against the text)" if one.checked == "memory" else "")
        for one in controls[:MOST_IDS]
    ]
    more = f" and {len(controls) - MOST_IDS} more" if len(controls) > MOST_IDS else ""
    return f"{name} {', '.join(told)}{more}"


def _framework(framework: Framework, found: Coverage) -> dict[str, Any]:
    return {
        "name": framework.name,
        "title": framework.title,
        "words": framework.words(),
        "contested": framework.status,
        "counts": found.counts(framework.id),
    }


def _row(one: Standing) -> dict[str, Any]:
    return {
        "id": one.control.id,
        "title": one.control.title,
        "remarks": one.control.remarks(),
        "status": one.status,
        "word": STATUSES[one.status][0],
        "checks": list(one.checks),
        "forms": list(one.forms),
        "missing": "; ".join(one.missing),
    }
