"""Numbers: what a report measured, as rows of a table: each with its interval, its n, and how it was judged."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from auditkit.exports.paper import Points, Rows, Words
from auditkit.render.status import (
    STATUSES,
    kept_back,
    shown_counts,
    shown_status,
    verdict_words,
    waiver_words,
)
from auditkit.render.text import count, criterion_text, finite, gathered, measured, of_group, one_line, words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from auditkit.exports.paper import Block

__all__ = ["MOST", "dimensions", "gaps", "judged", "measurements", "template_words", "titles", "unsigned"]

MOST = 40
"""Rows of one check in a table, where nothing else is asked for."""

_HEADS = ("Check", "Measured", "Value and interval", "n", "Judged")


def dimensions(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the dimension of each check that a report planned, by code."""
    return {str(one["code"]): str(one.get("dimension", "")) for one in data["provenance"].get("plan", ())}


def titles(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the title of each check that a report planned, by code."""
    return {str(one["code"]): one_line(one.get("title")) for one in data["provenance"].get("plan", ())}


def measurements(data: Mapping[str, Any], wanted: Collection[str], *, most: int = MOST) -> tuple[Block, ...]:
    """Return what the checks of some dimensions measured.

    Parameters
    ----------
    data : mapping
        What ``Report.to_dict()`` returned.
    wanted : collection of str
        Dimensions, or codes of checks.
    most : int
        Rows of one check; how many there are besides is said.

    Returns
    -------
    tuple of Rows and Points
        A row each value that is a number; those about all records, or between groups, before those of single groups. Below it what no
        value says: checks that did not apply or ended in an error, and values that are undefined.
    """
    of, status = dimensions(data), _statuses(data)
    rows: list[tuple[str, ...]] = []
    left: list[str] = []
    for one in data["evidence"]:
        code = str(one["check"])
        if code not in wanted and of.get(code) not in wanted:
            continue
        own, undefined = [], 0
        for m in sorted(one["measurements"], key=lambda m: "=" in str(m.get("group") or "")):
            value = finite(m.get("value"))
            if value is None:
                undefined += 1
                continue
            about, said = of_group(m.get("metric"), m.get("group")), measured({**m, "value": unsigned(value)})
            own.append((code, about, said, count(m.get("n")), status.get(_which(code, m), "")))
        rows += own[:most]
        left += [f"{code}: {len(own) - most:,} more values stand in the report."] if len(own) > most else []
        kept_back = int((data["provenance"].get("public") or {}).get("by_check", {}).get(code, 0))
        why = _without(one, undefined, kept_back, numbers=bool(own))
        left += [f"{code}: {why}"] if why else []
    blocks: list[Block] = [Rows(_HEADS, tuple(rows), ("Value and interval", "n"))] if rows else []
    return (*blocks, Points(tuple(left))) if left else tuple(blocks)


def unsigned(value: float) -> float:
    """Return a value; of nought the one without a sign, which rounding may leave and a reader would wonder at.

    Examples
    --------
    >>> unsigned(-0.0), unsigned(-0.5)
    (0.0, -0.5)
    """
    return value + 0.0


def _without(one: Mapping[str, Any], undefined: int, kept_back: int, *, numbers: bool) -> str:
    if one.get("outcome", "observed") != "observed":
        word = "did not apply" if one["outcome"] == "not_applicable" else "ended in an error"
        return f"{word} ({one_line(one.get('reason')) or 'no reason was given'})"
    if kept_back:
        return f"{kept_back:,} numbers are withheld: they rest on few records, lead to such, or are about inputs."
    if undefined:
        return f"{undefined:,} {'value is' if undefined == 1 else 'values are'} undefined."
    return "" if numbers else "gave no number."


def judged(data: Mapping[str, Any]) -> tuple[Block, ...]:
    """Return the verdict in words, and the findings that were not met, are undecided or waived."""
    policy = data["provenance"].get("policy") or {}
    head = f"Under the policy {one_line(policy.get('name'))!r}: {verdict_words(shown_counts(data))}."
    found = Counter(
        (
            str(one["check"]),
            _about(one),
            "withheld" if kept_back(one) else _value(one.get("measurement")),
            criterion_text(one["criterion"]) if one.get("criterion") else "",
            STATUSES[str(shown_status(one))][1],
            waiver_words(one) or _why(one),
        )
        for one in data["findings"]
        if shown_status(one) in ("fail", "error", "inconclusive", "unmeasured", "waived")
    )
    # numbers that are withheld are told apart by nothing: one row says how many there are
    rows = [
        (code, about if n == 1 else f"{about} ({n:,} of them)", *rest)
        for (code, about, *rest), n in found.items()
    ]
    heads = ("Check", "About", "Value and interval", "Asked", "Stands", "Why")
    said = Words(head + (" Those that are not met, undecided, waived or broken:" if rows else ""))
    return (said, Rows(heads, tuple(rows), ("Value and interval",))) if rows else (said,)


def _why(finding: Mapping[str, Any]) -> str:
    """Return why a finding stands as it does; of a value that is undefined, why that is."""
    m = finding.get("measurement") or {}
    reason = m.get("reason") if m.get("value") is None else None
    return one_line(reason or finding.get("reason"))


def _value(m: Mapping[str, Any] | None) -> str:
    """Return a measurement with its interval; why it is undefined stands beside it."""
    if not m:
        return ""
    return "undefined" if m.get("value") is None else measured(m)


def gaps(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what was not examined and why, a sentence for each reason."""
    return tuple(
        f"Not examined: {'; '.join(what)}{f' ({why})' if why else ''}"
        for what, why, _ in gathered(data["provenance"].get("not_examined", ()))
    )


def template_words(ran: Mapping[str, Any]) -> str:
    """Return by which template an audit was run, from its provenance.

    Examples
    --------
    >>> template_words({}), template_words({"template": {"sha256": "ab"}})
    ('none, run from code', 'SHA-256 ab')
    """
    digest = one_line((ran.get("template") or {}).get("sha256"))
    return f"SHA-256 {digest}" if digest else "none, run from code"


def _about(finding: Mapping[str, Any]) -> str:
    m = finding.get("measurement") or finding.get("criterion") or {}
    return of_group(m.get("metric"), m.get("group")) if m.get("metric") else words(finding["check"])


def _which(code: str, m: Mapping[str, Any]) -> tuple[str, str, str]:
    return code, str(m.get("metric")), str(m.get("group"))


def _statuses(data: Mapping[str, Any]) -> dict[tuple[str, str, str], str]:
    """Return how each measurement was judged, in words: every criterion that speaks of it."""
    found: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for one in data["findings"]:
        for m, said in _judgement(one):
            found[_which(str(one["check"]), m)].append(said)
    return {which: "; ".join(dict.fromkeys(said)) for which, said in found.items()}


def _judgement(finding: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    m, criterion, status = finding.get("measurement"), finding.get("criterion"), shown_status(finding)
    if m and criterion and status is not None:
        yield m, f"{STATUSES[status][1]} ({criterion_text(criterion)})"
