"""Publishing: the public form of a report. It is built up from what may be shown; nothing else of the report enters it."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.finding import UNJUDGED, Criterion, Finding
from auditkit.left_out import OUTSIDE
from auditkit.packing.cells import SETTINGS, labels_of, shown
from auditkit.report import Report
from auditkit.waiver import Waiver

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditkit.packing.cells import Labels, Shown

__all__ = ["WITHHELD", "Published", "public_form"]

WITHHELD = "withheld from the public form; the full report holds it"
NAME = "audited subject"

_COSTS = ("model_calls", "model_rows", "refits")
_ROWS = ("used", "of", "members", "non_members", "population", "pool")
_PLANNED = ("code", "name", "title", "question", "dimension", "page")
_PLAIN_REASONS = ("planned, but not run yet", "not part of this audit's plan")


@dataclass(frozen=True, slots=True)
class Published:
    """The public form of a report.

    Attributes
    ----------
    report : Report
        It follows the schema of any report; what is withheld is left out, or null with a reason.
    withheld : dict of str to int
        Code of a check to how many of its measurements are not shown.
    """

    report: Report
    withheld: dict[str, int]


def public_form(report: Report, *, k: int = 10, name: str = NAME) -> Published:
    """Return the public form of a report.

    It holds aggregates over at least `k` records: measurements with their intervals, about all records, or about groups of the
    sensitive features. No tables of the checks, no free text, no parameters, digests, p-values, notes, labels or names of inputs. Statuses and the
    verdict are those of the full report, also where the number is withheld.

    Parameters
    ----------
    report : Report
        The full report.
    k : int, default 10
        Smallest count that may be shown, at least 2.
    name : str
        What the subject is called in public.

    Raises
    ------
    InputError
        If there are fewer than `k` test rows, or `k` is below 2.
    """
    rows = int(report.subject["test"]["rows"])
    if rows < k:
        raise InputError(
            f"nothing can be published of {rows} test rows with k={k}: give a report on more records"
        )
    seen = shown(report, k=k)
    labels = labels_of(report)
    evidence = tuple(_evidence(one, seen, labels, report, k) for one in report.evidence)
    allowed = {one.check: {(m.metric, m.group) for m in one.measurements} for one in evidence}
    findings = tuple(_finding(one, allowed.get(one.check, set()), labels) for one in report.findings)
    waivers = {one.fingerprint: one.waiver for one in findings if one.waiver}
    made = Report(
        _subject(report.subject, name, k),
        findings,
        evidence,
        _provenance(report, labels, k, seen.withheld),
        waivers=tuple(waivers.values()),
    )
    if made.verdict != report.verdict or made.counts != report.counts:
        raise InputError(
            f"the public form would say {made.verdict!r} of a report that says {report.verdict!r}: its checks gave the same measurement twice"
        )
    return Published(made, seen.withheld)


def _subject(full: Mapping[str, Any], name: str, k: int) -> dict[str, Any]:
    model = {"kind": "withheld", "trust": full["model"]["trust"], "digest": "", "description": ""}
    return {
        "name": name,
        "task": full["task"],
        "positive": None,
        "classes": None,
        "model": model,
        "test": _data(full["test"]),
        "train": _data(full["train"]) if full.get("train") and full["train"]["rows"] >= k else None,
        "sensitive_features": list(full.get("sensitive_features") or ()),
    }


def _data(full: Mapping[str, Any]) -> dict[str, Any]:
    columns = [f"input {i + 1}" for i in range(len(full["columns"]))]
    return {"rows": full["rows"], "columns": columns, "digest": ""}


def _evidence(one: Evidence, seen: Shown, labels: Labels, report: Report, k: int) -> Evidence:
    kept = tuple(_bare(m) for i, m in enumerate(one.measurements) if (one.check, i) in seen.measurements)
    n = seen.withheld[one.check]
    said = "every number" if not n else f"{len(kept)} of {len(kept) + n} numbers"
    seed = f"{report.provenance.get('seed')}/{one.check}"
    rows = {key: v for key, v in one.rows.items() if key in _ROWS and type(v) is int and (v >= k or v == 0)}
    split = {"split": one.rows["split"]} if one.rows.get("split") in ("test", "train") else {}
    return Evidence(
        one.check,
        kept,
        _tables(kept, labels),
        says=f"The public form shows {said} of this check." if one.outcome == "observed" else "",
        does_not_say="What was withheld is not told from what was not measured."
        if one.outcome == "observed"
        else "",
        rows={**rows, **split},
        cost={key: v for key, v in one.cost.items() if key in _COSTS},
        seed=seed if one.seed == seed else "withheld",
        outcome=one.outcome,
        reason=WITHHELD if one.reason else "",
    )


def _bare(m: Measurement) -> Measurement:
    """Return a measurement without its words and its test: both may tell of others."""
    told = m.by_construction or math.isnan(m.value)
    return Measurement(
        m.metric,
        m.value,
        m.n,
        m.interval,
        m.group,
        m.bound,
        reason=WITHHELD if told else None,
        by_construction=m.by_construction,
    )


def _tables(kept: Iterable[Measurement], labels: Labels) -> dict[str, Table]:
    """Return the data of figures: each metric by group, made of the measurements that are shown."""
    rows: dict[tuple[str, str], list[Measurement]] = defaultdict(list)
    for m in kept:
        cell = labels.cell(m.group) if m.group else None
        if cell and not math.isnan(m.value):
            by = " × ".join(sorted(feature for feature, _ in cell))
            rows[m.metric, by].append(m)
    return {
        f"{metric} by {by}": Table(
            f"{metric.replace('_', ' ').capitalize()} by {by}",
            {
                "label": tuple(m.group for m in found),
                "value": tuple(m.value for m in found),
                "low": tuple(m.interval.low if m.interval else math.nan for m in found),
                "high": tuple(m.interval.high if m.interval else math.nan for m in found),
                "n": tuple(m.n for m in found),
            },
            "estimates",
            summary="Groups that may be shown.",
        )
        for (metric, by), found in rows.items()
    }


def _finding(full: Finding, allowed: set[tuple[str, str | None]], labels: Labels) -> Finding:
    """Return a finding with its status; its number only if that is shown."""
    m = full.measurement
    seen = m is not None and (m.metric, m.group) in allowed
    stands = None
    if m is not None:
        stands = (
            _bare(m)
            if seen
            else Measurement(
                m.metric,
                math.nan,
                0,
                group="withheld",
                bound=m.bound,
                reason=WITHHELD,
                by_construction=m.by_construction,
            )
        )
    groups = {group for _, group in allowed if group}
    criterion = full.criterion and _criterion(full.criterion, labels, groups)
    reason = UNJUDGED if full.reason == UNJUDGED else "the full report says why" if seen else WITHHELD
    made = Finding(full.check, full.status, full.severity, stands, criterion, reason, was=full.was)
    if full.waiver is None:
        return made
    waiver = Waiver(reason=WITHHELD, by="withheld", until=full.waiver.until, finding=made.fingerprint)
    return replace(made, waiver=waiver)


def _criterion(full: Criterion, labels: Labels, groups: set[str]) -> Criterion:
    known = full.group in (None, "", "*", *SETTINGS) or full.group in groups
    public = known or labels.division(str(full.group)) is not None
    return replace(full, group=full.group if public else "withheld", why="")


def _provenance(report: Report, labels: Labels, k: int, withheld: Mapping[str, int]) -> dict[str, Any]:
    full = report.provenance
    groups = {m.group for e in report.evidence for m in e.measurements if m.group in SETTINGS}
    policy = dict(full["policy"])
    criteria = [
        _criterion(Criterion.from_dict(c), labels, {str(g) for g in groups}).to_dict()
        for c in policy["criteria"]
    ]
    named = {
        "name": "policy of the audit",
        "description": "",
        "digest": policy["digest"],
        "criteria": criteria,
        **({"unmeasured": policy["unmeasured"]} if "unmeasured" in policy else {}),
    }
    return {
        "auditkit": full["auditkit"],
        "seed": full["seed"],
        "versions": dict(full["versions"]),
        "policy": named,
        "plan": [{key: one[key] for key in _PLANNED} for one in full["plan"]],
        "not_examined": [_gap(one) for one in full["not_examined"]],
        **({"started": full["started"]} if "started" in full else {}),
        "public": {"k": k, "withheld": sum(withheld.values())},
    }


def _gap(full: Mapping[str, Any]) -> dict[str, Any]:
    plain = full["why"] in (*_PLAIN_REASONS, *(why for _, why in OUTSIDE))
    return {"what": full["what"], "why": full["why"] if plain else WITHHELD}
