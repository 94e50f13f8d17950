"""Observed: what the checks of a report observed, as far as a catalogue asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditkit.render.status import shown_status, valued
from auditkit.render.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FilledIn", "Observed", "Seen", "forms_in", "seen_in"]

JUDGED = ("fail", "inconclusive", "pass", "by_construction", "not_found", "waived")
"""Statuses, as shown, of findings that a criterion was asked of and that rest on a value."""


@dataclass(frozen=True, slots=True)
class Observed:
    """A check that observed something.

    Attributes
    ----------
    check, dimension : str
        Its code, and the dimension that the report says it is of.
    kind : str
        The kind of target that the report is about.
    metrics : frozenset of str
        Metrics that have a value which could have been another; those of an old page, which does not tell, are not known.
    judged : bool
        Whether a criterion was asked of it.
    findings : tuple of str
        Fingerprints of its findings that rest on a value.
    """

    check: str
    dimension: str
    kind: str
    metrics: frozenset[str]
    judged: bool
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FilledIn:
    """A form in a report.

    Attributes
    ----------
    kind, words : str
        Of what kind it is; its title and how it stands.
    signed, reviewed : bool
        Whether its author signed it, and a reviewer too: a draft is no evidence.
    controls : frozenset of (str, str)
        Framework and id of the controls to which its answers are relevant.
    """

    kind: str
    words: str
    signed: bool
    reviewed: bool
    controls: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a report observed, and why each other check of it is no evidence.

    Attributes
    ----------
    observed : tuple of Observed
        In the order of the report.
    without : dict of str to str
        Code of a check to why it is no evidence: "ended in an error".
    """

    observed: tuple[Observed, ...]
    without: dict[str, str]


def seen_in(report: Mapping[str, Any]) -> Seen:
    """Return what a report observed.

    A check that ended in an error, did not apply, was planned and not run, or gave no value that could have been another is no evidence.

    Parameters
    ----------
    report : mapping
        What ``Report.to_dict()`` returned, or what travels with the view of the findings.
    """
    plan = {str(p.get("code")): p for p in (report.get("provenance") or {}).get("plan") or []}
    kind = one_line((report.get("subject") or {}).get("kind")) or "model"
    found: dict[str, list[str]] = {}
    for one in report.get("findings") or []:
        if shown_status(one) in JUDGED:
            found.setdefault(str(one.get("check")), []).append(str(one.get("fingerprint")))
    public = "public" in (report.get("provenance") or {})
    observed, without = [], dict.fromkeys(plan, "was not run")
    for one in report.get("evidence") or []:
        code = str(one.get("check"))
        why = _no_evidence(one, public=public)
        if why:
            without[code] = why
            continue
        without.pop(code, None)
        metrics = frozenset(map(str, one["valued"] if "valued" in one else valued(one)))
        dimension, own = str(plan.get(code, {}).get("dimension")), tuple(found.get(code, ()))
        observed.append(Observed(code, dimension, kind, metrics, bool(own), own))
    return Seen(tuple(observed), without)


def _no_evidence(evidence: Mapping[str, Any], *, public: bool) -> str:
    """Return why a check is no evidence; empty where it is. The public form of a report withholds values that are there."""
    outcome = evidence.get("outcome", "observed")
    if outcome == "not_applicable":
        return "was not applicable"
    if outcome != "observed":
        return "ended in an error"
    if public:
        return ""
    if "valued" in evidence:
        return "" if evidence["valued"] else "gave no value"
    every = evidence.get("measurements")
    return "gave no value" if every and not valued(evidence) else ""


def forms_in(report: Mapping[str, Any]) -> tuple[FilledIn, ...]:
    """Return the forms in a report; one that a reviewer rejected counts as one that nobody signed."""
    found = []
    for one in report.get("forms") or []:
        signed = one.get("signed") or []
        rejected = any(who.get("decision") == "rejected" for who in signed)
        controls = (one.get("withheld") or {}).get("controls") or [
            control for section in one.get("sections") or [] for control in section.get("controls") or []
        ]
        found.append(
            FilledIn(
                str(one.get("kind")),
                f"form: {one_line(one.get('title'))}, {one_line(one.get('state'))}",
                bool(signed) and not rejected,
                len(signed) > 1 and not rejected,
                frozenset((str(c.get("framework")), str(c.get("id"))) for c in controls),
            )
        )
    return tuple(found)
