"""Found: what an audit has to say, in one sentence a check, for a reader who stops there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from auditkit.render._templating import fill
from auditkit.render.status import STATUSES, shown_status, standing, valued
from auditkit.render.text import criterion_text, finite, measured, of_group, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["found", "marks"]

PRESSING = ("fail", "error", "inconclusive", "unmeasured")
_END = re.compile(r"(?<=[.!?;])\s+(?=\S)")
NAMED = 2  # findings of a check that are told beside what it says
LONGEST = 240  # characters; longer sentences stand in the chapter


def found(report: Mapping[str, Any], chapters: Sequence[tuple[str, str, str]]) -> Markup:
    """Return a box with what each chapter of a page found.

    Parameters
    ----------
    report : mapping
        What ``Report.to_dict()`` returned, or what travels with the view of the findings.
    chapters : sequence of (str, str, str)
        Chapter, code of a check in it and its address on the page, in the order of the page.

    Returns
    -------
    Markup
        Chapters with something not met or undecided first. Of each chapter these checks and those that found a weak spot, or its first; the
        others are folded.
        Empty where no check of the page says anything.
    """
    plan = {p.get("code"): p for p in (report.get("provenance") or {}).get("plan") or []}
    evidence = {e.get("check"): e for e in report.get("evidence") or []}
    places, pressing = _places(report), _pressing(report)
    marked = {code: e if "measured" in e else marks(e) for code, e in evidence.items()}
    by_chapter: dict[str, list[dict[str, Any]]] = {}
    for chapter, code, address in chapters:
        says = _first(evidence.get(code, {}))
        if says:
            line = {
                "title": one_line(plan.get(code, {}).get("title")) or one_line(code),
                "says": says,
                "pressing": pressing.get(code, ""),
                **_status(places.get(code, standing("not_judged")), marked[code]),
                "telling": marked[code]["weak_spot"],
                "address": address,
            }
            by_chapter.setdefault(chapter, []).append(line)
    shown = [_chapter(title, lines) for title, lines in by_chapter.items()]
    return fill("found.html.j2", chapters=sorted(shown, key=lambda one: one["rank"])) if shown else Markup("")


def _status(place: tuple[int, int], marked: Mapping[str, Any]) -> dict[str, Any]:
    """Return where a check stands, and its status: "holds by construction" only where nothing else was measured that it may speak of."""
    status = list(STATUSES)[place[0]]
    if status == "by_construction" and marked["measured"]:
        status, place = "not_judged", standing("not_judged")
    return {"status": status, "rank": place}


def _chapter(title: str, lines: list[dict[str, Any]]) -> dict[str, Any]:
    pressing = [line for line in lines if line["status"] in PRESSING]
    telling = [line for line in lines if line["telling"] and line not in pressing]
    first = (sorted(pressing, key=lambda line: line["rank"]) or lines[:1]) + [
        line for line in telling if pressing or line != lines[0]
    ]
    return {
        "title": title,
        "first": first,
        "rest": [line for line in lines if line not in first],
        "rank": first[0]["rank"] if pressing else standing(None),
    }


def marks(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a check's measurements the box of findings and the controls need, which travel without them.

    Returns
    -------
    dict
        ``weak_spot``: whether a slice, or a rule of a tree, was confirmed on rows it was not looked for in; ``measured``: whether anything
        but what holds by construction was measured; ``valued``, where there are measurements: the metrics with a value (`status.valued`).
    """
    sizes: dict[str, list[tuple[float, float]]] = {}
    every = evidence.get("measurements") or []
    for m in every:
        value, low = finite(m.get("value")), finite((m.get("interval") or {}).get("low"))
        if value is not None and low is not None:
            sizes.setdefault(str(m.get("metric")), []).append((value, low))
    told = [low > 0.5 for _, low in sizes.get("error_predictability_auc", [])]
    whole = sizes["error_rate"][0][0] if "error_rate" in sizes and all(told) else 1.0
    above = {"worst_slice_difference": 0.0, "leaf_error_rate": whole}
    weak = any(low > limit for metric, limit in above.items() for _, low in sizes.get(metric, []))
    known = {"valued": valued(evidence)} if every else {}
    return {"weak_spot": weak, "measured": any(not m.get("by_construction") for m in every), **known}


def _places(report: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Return where the most pressing finding of each check stands."""
    found: dict[str, tuple[int, int]] = {}
    for finding in report.get("findings") or []:
        status, code = shown_status(finding), str(finding.get("check"))
        if status:
            place = standing(status, finding.get("severity"))
            found[code] = min(place, found.get(code, place))
    return found


def _pressing(report: Mapping[str, Any]) -> dict[str, str]:
    """Return for each check its gravest findings that are not met or undecided, and what could not be measured, in words.

    Why it could not is told over the box, once.
    """
    every: dict[tuple[str, str], list[str]] = {}
    shown = [(f, shown_status(f)) for f in report.get("findings") or []]
    for f, status in sorted(shown, key=lambda one: standing(one[1], one[0].get("severity"))):
        m, criterion = f.get("measurement"), f.get("criterion")
        if status not in PRESSING or not m or not criterion:
            continue
        told = of_group(m.get("metric"), m.get("group"))
        if status != "unmeasured":
            told += f" {measured({**m, 'reason': None})}, asked {criterion_text(criterion)}"
        every.setdefault((str(f.get("check")), status), []).append(told)
    found: dict[str, str] = {}
    for (code, status), lines in every.items():
        told = f"{STATUSES[status][1].capitalize()}: {_some(lines)}."
        if status == "unmeasured":
            found[code] = f"{found.get(code, '')} {told}".strip()
        else:
            found.setdefault(code, told)
    return found


def _some(lines: list[str]) -> str:
    more = f"; and {len(lines) - NAMED} more" if len(lines) > NAMED else ""
    return "; ".join(lines[:NAMED]) + more


def _first(evidence: Mapping[str, Any]) -> str:
    """Return the first sentence of what a check says; why it broke where it did.

    Examples
    --------
    >>> _first({"says": "Accuracy is 0.855 [0.845, 0.865]; the gap is 0.041. Always guessing gives 0.763."})
    'Accuracy is 0.855 [0.845, 0.865]; the gap is 0.041.'
    """
    said = one_line(evidence.get("says"))
    if not said and evidence.get("outcome") == "error":
        said = f"{STATUSES['error'][1].capitalize()}: {one_line(evidence.get('reason'))}"
    whole = ""
    for sentence in _END.split(said):
        if whole and (not whole.endswith(";") or len(f"{whole} {sentence}") > LONGEST):
            break
        whole = f"{whole} {sentence}".strip()
    return whole.removesuffix(";") + ("." if whole.endswith(";") else "")
