"""Publishing: the public form of a report. It is built up from what may be shown; nothing else of the report enters it."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeAlias

from auditkit._version import __version__
from auditkit.errors import InputError
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.finding import UNJUDGED, Criterion, Finding
from auditkit.packing.catalogue import WITHHELD, is_own, known_metrics, named_gap, planned
from auditkit.packing.cells import shown
from auditkit.packing.counts import row_numbers, totals
from auditkit.packing.labels import SETTINGS, labels_of
from auditkit.packing.rounding import following, is_count, rounded
from auditkit.report import Report
from auditkit.targets import KINDS
from auditkit.waiver import Waiver

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditkit.packing.cells import Shown
    from auditkit.packing.labels import Labels

__all__ = ["RULES", "WITHHELD", "Published", "made_by", "public_form", "rules_of"]

NAME = "audited subject"

RULES = 2
"""Which rules of suppression and rounding make a public form here. A change of them is another number; 1 did not round."""

_COSTS = ("model_calls", "refits")


_Which: TypeAlias = tuple[str, str | None, int, str]


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


def public_form(report: Report, *, k: int = 10, name: str = NAME, publish_forms: bool = False) -> Published:
    """Return the public form of a report.

    It holds aggregates over at least `k` records: measurements with their intervals, about all records, or about groups of the
    sensitive features. Counts, and the shares of decisions, are exact; every other value is rounded (`auditkit.packing.rounding`). Of a target that is no model
    the same holds of what its checks counted, and its kind is said, nothing else of it. No tables of the checks, no free text, no parameters, digests, p-values, notes, labels or names of inputs. Statuses and the
    verdict are those of the full report, also where the number is withheld. Of a form it says what it is, its digest, and who signed it when.

    Parameters
    ----------
    report : Report
        The full report.
    k : int, default 10
        Smallest count that may be shown, at least 2.
    name : str
        What the subject is called in public.
    publish_forms : bool, default False
        Whether forms are shown with all that was answered, the subject's own name among it.

    Raises
    ------
    InputError
        If there are fewer than `k` test rows or records of a table, or `k` is below 2.
    """
    _enough(report.subject, k)
    seen = shown(report, k=k)
    labels = labels_of(report)
    allowed = {one.check: _allowed(one, seen, labels, report, k) for one in report.evidence}
    evidence = tuple(
        _evidence(one, tuple(m for _, m in allowed[one.check]), seen, labels, report, k)
        for one in report.evidence
    )
    named = known_metrics(report.provenance["policy"]["criteria"])
    by_full = {check: dict(found) for check, found in allowed.items()}
    findings = tuple(_finding(one, by_full.get(one.check, {}), labels, named) for one in report.findings)
    waivers = {one.fingerprint: one.waiver for one in findings if one.waiver}
    made = Report(
        _subject(report.subject, name, k),
        findings,
        evidence,
        _provenance(report, labels, k, seen.withheld, publish_forms=publish_forms),
        waivers=tuple(waivers.values()),
        forms=report.forms if publish_forms else tuple(one.without_answers(name) for one in report.forms),
    )
    if made.verdict != report.verdict or made.counts != report.counts:
        raise InputError(
            f"the public form would say {made.verdict!r} of a report that says {report.verdict!r}: its checks gave the same measurement twice"
        )
    return Published(made, seen.withheld)


def _enough(full: Mapping[str, Any], k: int) -> None:
    """Refuse test rows, or the records of a table, that are fewer than may be spoken of."""
    if "kind" not in full:
        rows, what = full["test"]["rows"], "test rows"
    elif full["kind"] == "table":
        rows, what = full["facts"].get("Records"), "records of a table"
    else:
        return
    if type(rows) is not int or rows < k:
        raise InputError(
            f"nothing can be published of {rows} {what} with k={k}: give a report on more records"
        )


def _subject(full: Mapping[str, Any], name: str, k: int) -> dict[str, Any]:
    if "kind" in full:
        # facts and parts hold names and paths, and digests by which a file that somebody has is known again
        kind = full["kind"] if full["kind"] in KINDS else "other"
        return {"name": name, "kind": kind, "facts": {}, "parts": {}}
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


def _allowed(
    one: Evidence, seen: Shown, labels: Labels, report: Report, k: int
) -> list[tuple[_Which, Measurement]]:
    """Return the measurements of a check that are shown, each as it is shown, by what tells it apart in the full report."""
    own = any(is_own(about) for about in report.provenance["plan"] if about["code"] == one.check)
    full = [m for i, m in enumerate(one.measurements) if (one.check, i) in seen.measurements]
    told, rows = following(full, labels), max(totals(report), default=None)
    judged: dict[_Which, list[Finding]] = defaultdict(list)
    for about in report.findings:
        if about.check == one.check and about.measurement is not None:
            judged[_which(about.measurement)].append(about)

    def exact(m: Measurement) -> bool:
        division = labels.division(m.group) if m.group else None
        return is_count(m) or (division is not None and (division, round(m.value, 12)) in told)

    return [
        (
            _which(m),
            _bare(m if exact(m) else rounded(m, k=k, rows=rows, judged=judged[_which(m)]), own=own),
        )
        for m in full
    ]


def _evidence(
    one: Evidence, kept: tuple[Measurement, ...], seen: Shown, labels: Labels, report: Report, k: int
) -> Evidence:
    n = seen.withheld[one.check]
    said = "every number" if not n else f"{len(kept)} of {len(kept) + n} numbers"
    seed = f"{report.provenance.get('seed')}/{one.check}"
    rows = row_numbers(one, totals(report), k)
    split = {"split": one.rows["split"]} if one.rows.get("split") in ("test", "train") else {}
    return Evidence(
        one.check,
        kept,
        _tables(kept, labels),
        says=f"The public form shows {said} of this check." if one.outcome == "observed" else "",
        does_not_say="Whether a number that is missing here was withheld or could not be measured."
        if one.outcome == "observed"
        else "",
        rows={**rows, **split},
        cost={key: v for key, v in one.cost.items() if key in _COSTS and type(v) is int},
        seed=seed if one.seed == seed else "withheld",
        outcome=one.outcome,
        reason=WITHHELD if one.reason else "",
    )


def _bare(m: Measurement, *, own: bool) -> Measurement:
    """Return a measurement without its words and its test, which may tell of others; of a check that is not auditkit's, without the name of a method."""
    interval = m.interval if own or m.interval is None else replace(m.interval, method="withheld")
    told = m.by_construction or math.isnan(m.value)
    return Measurement(
        m.metric,
        m.value,
        m.n,
        interval,
        m.group,
        m.bound,
        reason=WITHHELD if told else None,
        by_construction=m.by_construction,
    )


def _which(m: Measurement) -> _Which:
    """Return what tells the measurements of a check apart, also where it measured the same twice."""
    return m.metric, m.group, m.n, repr(m.value)


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


def _finding(
    full: Finding,
    allowed: Mapping[_Which, Measurement],
    labels: Labels,
    named: frozenset[str],
) -> Finding:
    """Return a finding with its status; its number only if that is shown, as it is there."""
    m = full.measurement
    stands = m and allowed.get(_which(m))
    seen = stands is not None
    if m is not None and stands is None:
        stands = Measurement(
            m.metric if m.metric in named else "withheld",
            math.nan,
            0,
            group="withheld",
            bound=m.bound,
            reason=WITHHELD,
            by_construction=m.by_construction,
        )
    groups = {one.group for one in allowed.values() if one.group}
    criterion = full.criterion and _criterion(full.criterion, labels, groups)
    reason = (
        UNJUDGED if full.reason == UNJUDGED else "the reason stands in the full report" if seen else WITHHELD
    )
    made = Finding(full.check, full.status, full.severity, stands, criterion, reason, was=full.was)
    if full.waiver is None:
        return made
    waiver = Waiver(reason=WITHHELD, by="withheld", until=full.waiver.until, finding=made.fingerprint)
    return replace(made, waiver=waiver)


def _criterion(full: Criterion, labels: Labels, groups: set[str]) -> Criterion:
    known = full.group in (None, "", "*", *SETTINGS) or full.group in groups
    public = known or labels.division(str(full.group)) is not None
    return replace(full, group=full.group if public else "withheld", why="", who="")


def _provenance(
    report: Report, labels: Labels, k: int, withheld: Mapping[str, int], *, publish_forms: bool
) -> dict[str, Any]:
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
        "plan": [planned(one) for one in full["plan"]],
        "not_examined": [named_gap(one, full["plan"]) for one in full["not_examined"]],
        **_when_and_what(full),
        "public": {
            "k": k,
            "withheld": sum(withheld.values()),
            "by_check": dict(withheld),
            "rules": RULES,
            "made_by": made_by(),
            **({"forms": "published" if publish_forms else "withheld"} if report.forms else {}),
        },
    }


def _when_and_what(full: Mapping[str, Any]) -> dict[str, Any]:
    """Return when the audit began, and the digest of its template, where the report says so in the form that auditkit writes."""
    began, ran = str(full.get("started", "")), (full.get("template") or {}).get("sha256")
    try:
        started = {"started": began} if datetime.fromisoformat(began) else {}
    except ValueError:
        started = {}
    known = re.fullmatch(r"[0-9a-f]{64}", str(ran)) is not None
    return {**started, **({"template": {"sha256": ran}} if known else {})}


def rules_of(public: Report) -> int | None:
    """Return by which rules a public form was made; None where it says something that is no number of rules."""
    said = (public.provenance.get("public") or {}).get("rules", 1)
    return said if type(said) is int else None


def made_by() -> dict[str, str]:
    """Return the versions of what makes a public layer: with the same ones the same bytes come out."""
    return {"auditkit": __version__, **{name: version(name) for name in ("jinja2", "markupsafe", "plotly")}}
