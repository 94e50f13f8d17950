"""Recomputing: whether the public layer is what follows from its record, and that from the restricted report."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError
from auditkit.evidence import Evidence
from auditkit.finding import POLICY, Criterion, Policy
from auditkit.judging import judge
from auditkit.packing.found import Problem
from auditkit.packing.layers import REPORT, public_files
from auditkit.packing.publishing import RULES, public_form, rules_of
from auditkit.report import Report

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditkit.evidence import Measurement
    from auditkit.finding import Finding
    from auditkit.packing.manifest import Manifest
    from auditkit.waiver import Waiver

__all__ = [
    "FULL",
    "full_report",
    "pages_apart",
    "public_apart",
    "record_apart",
    "record_beside",
    "rules_apart",
    "verdict_apart",
]

FULL = "restricted/report.json"


def pages_apart(files: Mapping[str, bytes], public: Report, manifest: Manifest) -> list[Problem]:
    """Return which files of the public layer are not what is made of its record here."""
    made = public_files(public, k=manifest.k)
    there = {path: data for path, data in files.items() if path.startswith("public/")}
    what = "it is not what auditkit makes of public/report.json: it may say something else"
    return [
        Problem("public", path, what)
        for path in sorted(set(made) | set(there))
        if made.get(path) != there.get(path)
    ]


def full_report(opened: Mapping[str, bytes]) -> Report:
    """Return the report of a restricted layer.

    Raises
    ------
    InputError
        If there is none, or it is damaged.
    """
    try:
        return Report.from_dict(json.loads(opened[FULL]), hold_forms=False)
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{FULL} is no report that this version reads: {error}") from None


def record_apart(full: Report, public: Report, manifest: Manifest) -> list[Problem]:
    """Return in what the public record differs from the public form of the restricted report."""
    there = public.to_dict()
    try:
        shown = (there["provenance"].get("public") or {}).get("forms") == "published"
        name = str(public.subject["name"])
        made = public_form(full, k=manifest.k, name=name, publish_forms=shown).report.to_dict()
        # the page is of the versions that made it; a later plotly changes nothing of the record
        made["provenance"]["public"]["made_by"] = (there["provenance"].get("public") or {}).get("made_by")
    except InputError as error:
        return [Problem("public", REPORT, f"the restricted report has no such public form: {error}")]
    return [
        Problem("public", REPORT, f"{where} is not what follows from the restricted report")
        for where in (_where(made, there) if made != there else ())
    ]


def rules_apart(public: Report) -> str:
    """Return in words that a public record was made by other rules of suppression and rounding than those here; empty where it was not."""
    rules, by = rules_of(public), (public.provenance.get("public") or {}).get("made_by") or {}
    if rules == RULES:
        return ""
    which = f"rules {rules}" if rules is not None else "rules that have no number"
    return f"made by auditkit {by.get('auditkit', 'of no known version')} with {which}, and here are rules {RULES}"


def record_beside(full: Report, public: Report) -> list[Problem]:
    """Return in what a public record contradicts the restricted report, whatever was withheld and rounded by rules that are not known here."""
    found = []
    if (public.verdict, public.counts) != (full.verdict, full.counts):
        found.append("the verdict or the counts are not those of the restricted report")
    told, there = (
        Counter((one.check, one.status, one.was, one.severity) for one in report.findings)
        for report in (public, full)
    )
    apart = {one[0] for one in (*(told - there), *(there - told))}
    found += [f"the statuses of {code} are not those of the restricted report" for code in sorted(apart)]
    measured = {one.check: one.measurements for one in full.evidence}
    found += [
        f"{one.check}: the restricted report has no such number of {m.metric}"
        for one in public.evidence
        for m in one.measurements
        if not any(_may_stand_for(m, own) for own in measured.get(one.check, ()))
    ]
    return [Problem("public", REPORT, what) for what in dict.fromkeys(found)]


def _may_stand_for(shown: Measurement, full: Measurement) -> bool:
    """Whether a public number may be a full one, as it is or rounded: its interval must then hold that of the other."""
    if (shown.metric, shown.group, shown.n, shown.bound) != (full.metric, full.group, full.n, full.bound):
        return False
    one, other = shown.interval, full.interval
    if one is None or other is None:
        undefined = math.isnan(shown.value) and math.isnan(full.value)
        return one is other and (undefined or math.isclose(shown.value, full.value, rel_tol=0.5, abs_tol=0.5))
    return one.level == other.level and one.low <= other.low and other.high <= one.high


def verdict_apart(full: Report) -> list[Problem]:
    """Return which statuses of a report do not follow from its evidence, the policy and the waivers that stand in it."""
    about = full.provenance["policy"]
    criteria = tuple(Criterion.from_dict(one) for one in about["criteria"])
    policy = Policy(criteria, unmeasured=about.get("unmeasured", "undecided"))
    found = []
    if policy.to_dict()["digest"] != about["digest"]:
        found.append("the digest of the policy is not that of the criteria in the report")
    told, again = _statuses(full.findings), _statuses(full.judge(policy).findings)
    apart = {*(told - again), *(again - told)}
    found += [
        f"{code}: the status of {metric} does not follow from the evidence" for code, metric, *_ in apart
    ]
    found += [
        f"{one.check}: a finding is waived, and no waiver of the report that held then speaks of it"
        for one in full.findings
        if one.waiver is not None and not _accepted(one, one.waiver, full)
    ]
    return [Problem("verdict", FULL, what) for what in sorted(set(found))]


def public_apart(public: Report) -> list[Problem]:
    """Return which statuses of a public record do not follow from the numbers and limits that stand in it.

    What is beyond a limit may be undecided: the correction for all tests needs p-values, which are not public.
    """
    found = [
        f"{one.check}: the status {one.was or one.status!r} of {one.measurement.metric} does not follow from the public number"
        for one in public.findings
        if one.measurement is not None and not _follows(one)
    ]
    limits = [Criterion.from_dict(one) for one in public.provenance["policy"]["criteria"]]
    asked = {_limit(one) for one in limits}
    said = {
        (one.check, repr(one.measurement), _limit(one.criterion))
        for one in public.findings
        if one.criterion is not None
    }
    found += [
        f"{one.check}: a finding on {one.criterion.metric} is held to a limit that the policy of the record does not have"
        for one in public.findings
        if one.criterion is not None and _limit(one.criterion) not in asked
    ]
    shown = {one.check: {repr(m) for m in one.measurements} for one in public.evidence}
    found += [
        f"{one.check}: a finding gives a number of {one.measurement.metric} that its check does not give"
        for one in public.findings
        if one.measurement is not None
        and one.measurement.group != "withheld"
        and repr(one.measurement) not in shown.get(one.check, ())
    ]
    found += [
        f"{one.check}: {m.metric} was not held to the limit that the policy of the record sets on it"
        for one in public.evidence
        for m in one.measurements
        for limit in limits
        if limit.speaks_of(one.check, m) and (one.check, repr(m), _limit(limit)) not in said
    ]
    return [Problem("verdict", REPORT, what) for what in sorted(set(found))]


def _follows(one: Finding) -> bool:
    """Whether a status before waivers is one that the number and the limit of a finding allow; a number that is withheld allows all."""
    m, limit = one.measurement, one.criterion
    if m is None or limit is None or m.group == "withheld":
        return True
    judged = judge([Evidence(one.check, (m,))], [replace(limit, group=None, check=None)])[0].status
    status = one.was or one.status
    return status == judged or (judged == "fail" and status == "inconclusive")


def _limit(one: Criterion) -> tuple[object, ...]:
    return one.metric, one.at_most, one.at_least, one.severity, one.check


def _statuses(findings: Iterable[Finding]) -> Counter[tuple[str, str, str, str]]:
    """Return what was judged, and how before waivers; remarks of the policy aside, which are about waivers too."""
    return Counter(
        (
            one.check,
            one.measurement.metric if one.measurement else "a check",
            one.fingerprint,
            one.was if one.status == "waived" and one.was else one.status,
        )
        for one in findings
        if (one.check, one.status) != (POLICY, "not_applicable")
    )


def _accepted(one: Finding, by: Waiver, full: Report) -> bool:
    """Whether a waiver of a finding is one of the report's, speaks of it, and held when the audit began, where that counts."""
    m = one.measurement
    speaks = by.speaks_of(one.fingerprint, one.check, m.metric, m.group) if m else True
    began = str(full.provenance.get("started", ""))[:10]
    held = one.status != "waived" or began <= by.until.isoformat()
    return held and speaks and by in full.waivers and by.fits(full.subject.get("name"))


def _where(made: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    """Return the parts in which two records differ: checks by their code, all else by its key."""
    found = []
    for key in sorted({*made, *there}):
        one, other = made.get(key), there.get(key)
        if one == other:
            continue
        if key == "provenance" and isinstance(one, dict) and isinstance(other, dict):
            found += [
                f"{key}.{inner}" for inner in sorted({*one, *other}) if one.get(inner) != other.get(inner)
            ]
        elif key == "evidence":
            by_check = [{e["check"]: e for e in each or ()} for each in (one, other)]
            codes = sorted({*by_check[0], *by_check[1]})
            found += [
                f"the evidence of {code}" for code in codes if by_check[0].get(code) != by_check[1].get(code)
            ]
        else:
            found.append(key)
    return found or ["the order of its parts"]
