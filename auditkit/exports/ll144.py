"""LL144: the summary of results that New York City's rules on automated employment decision tools ask to be published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError
from auditkit.evidence import Table
from auditkit.exports.paper import Paper, Points, Rows, Section, Words
from auditkit.exports.source import Source
from auditkit.packing.page import table_csv
from auditkit.render.text import count, ends, finite, number, one_line, share
from auditkit.waiver import today

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditkit.exports.paper import Block
    from auditkit.report import Report

__all__ = ["as_csv", "as_paper"]

CODE, SUMMARY = "AK108", "published summary"
_MARKS = (" (most selected)", " (highest scoring)")
_RUN = "auditkit run nyc_ll144 --subject FILE --out DIR"
_DATED = "Date of the most recent bias audit"
_OPTIONS = {
    _DATED: "audit_date",
    "Source and explanation of the data": "data_source",
    "Distribution date of the tool": "distribution_date",
    "Justification for excluded categories": "exclusion_reason",
}
_NEEDED = ("label", "value", "low", "high", "n", "selected", "rate", "share", "remark")


@dataclass(frozen=True, slots=True)
class _Category:
    """A row of a division, as the table of the check says it."""

    division: str
    name: str
    reference: bool
    unknown: bool
    values: Mapping[str, Any]

    @property
    def excluded(self) -> bool:
        return not self.unknown and bool(self.values["remark"])


def as_paper(report: Report | Source, *, on: date | None = None) -> Paper:
    """Return the summary as a paper.

    It holds the date of the audit, source and explanation of the data, the number of individuals assessed in each category, their selection or scoring
    rates and impact ratios by sex, by race or ethnicity and by both, the categories that were left out with their counts and the justification, and the
    number of unknown category; and says which of these are missing, and where the date of the audit is over a year old, ahead, or before what was measured.
    Numbers are those of the report: the rules ask for every category.

    Parameters
    ----------
    report : Report or Source
        Of a model, with evidence of AK108.
    on : datetime.date, optional
        The day as of which the date of the audit is old; today in UTC when left out.

    Raises
    ------
    InputError
        If the report is about something else, or has no such evidence.

    References
    ----------
    6 RCNY 5-301 (calculation, one year), 5-302 (data) and 5-303 (published results); NYC Administrative Code 20-871.
    """
    source = Source.of(report)
    evidence = _evidence(source)
    asked = _summary(evidence)
    categories = _categories(evidence)
    words = _words(evidence)
    sections = [Section("What the rules ask to be published", _asked(asked))]
    for division in dict.fromkeys(one.division for one in categories):
        own = [one for one in categories if one.division == division]
        said = one_line(evidence["tables"][division].get("summary"))
        sections.append(Section(f"By {one_line(division)}", (_table(own, words), Words(said))))
    sections += [
        Section("Categories that were left out", _left_out(categories, asked)),
        Section("Individuals of unknown category", _unknown(categories)),
        Section("How to read this", _reading(source, evidence)),
    ]
    missing = [one["item"] for one in asked if one["status"] != "present"]
    notices = [
        "A summary of what was measured. Whether the law applies to this tool, and whether it is kept, is for people who know the law."
    ]
    notices += [f"Not complete. Missing: {'; '.join(map(one_line, missing))}."] if missing else []
    notices += _on_the_date(source, asked, on or today())
    return Paper(f"Bias audit of {source.name}: summary of results", tuple(notices), tuple(sections))


def _on_the_date(source: Source, asked: list[dict[str, str]], on: date) -> list[str]:
    """Return what is odd in the date of the audit."""
    said = next((one["value"] for one in asked if one["item"] == _DATED), "")
    try:
        audited = date.fromisoformat(said)
    except ValueError:
        return []
    if audited > on:
        return [f"The date of the audit, {audited}, is after {on}."]
    found = []
    if source.started.year > 1970 and source.started.date() > audited:
        found.append(
            f"The date of the audit is {audited}, and these numbers were measured later, on {source.day}: see which date is meant."
        )
    if on > _a_year_after(audited):
        found.append(
            f"The audit of {audited} was over a year old on {on}: 6 RCNY 5-301 lets a tool be used for one year after its most recent bias audit."
        )
    return found


def _a_year_after(day: date) -> date:
    try:
        return day.replace(year=day.year + 1)
    except ValueError:  # 29 February, or the last year that a date can have
        return day + timedelta(days=365) if day.year < date.max.year else day


def as_csv(report: Report | Source) -> bytes:
    """Return every category with its counts, rates and ratios as CSV, one row each; see `as_paper`."""
    evidence = _evidence(Source.of(report))
    rows = _categories(evidence)
    columns = {
        "division": tuple(one.division for one in rows),
        "category": tuple(one.name for one in rows),
        "assessed": tuple(one.values["n"] for one in rows),
        _words(evidence)["selected"].replace(" ", "_"): tuple(one.values["selected"] for one in rows),
        _words(evidence)["rate"].replace(" ", "_"): tuple(one.values["rate"] for one in rows),
        "impact_ratio": tuple(one.values["value"] for one in rows),
        "reference": tuple("yes" if one.reference else "no" for one in rows),
        "share_of_records": tuple(one.values["share"] for one in rows),
        "ratio_low": tuple(one.values["low"] for one in rows),
        "ratio_high": tuple(one.values["high"] for one in rows),
        "remark": tuple(one.values["remark"] for one in rows),
    }
    return table_csv(Table("Impact ratios", columns))


def _evidence(source: Source) -> dict[str, Any]:
    source.hold(("model",), "a summary for Local Law 144")
    found = next((one for one in source.data["evidence"] if one["check"] == CODE), None)
    if found is None:
        raise InputError(f"the report has no evidence of {CODE}, the Local Law 144 table: run {_RUN}")
    if found.get("outcome", "observed") != "observed":
        raise InputError(
            f"{CODE}, the Local Law 144 table, gave nothing: {one_line(found.get('reason'))}; mend that, and run {_RUN}"
        )
    if SUMMARY not in found["tables"]:
        raise InputError(
            f"the report holds no tables of {CODE}: its public form withholds them; give the full report.json that {_RUN} wrote"
        )
    return dict(found)


def _summary(evidence: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what must be published, whether it is there, and what it is."""
    columns = evidence["tables"][SUMMARY]["columns"]
    names = ("item", "rule", "status", "value")
    if not set(names) <= set(columns):
        raise InputError(f"the table {SUMMARY!r} of {CODE} is not as auditkit writes it: run {_RUN}")
    rows = zip(*(columns[name] for name in names), strict=True)
    return [dict(zip(names, map(str, row), strict=True)) for row in rows]


def _categories(evidence: Mapping[str, Any]) -> list[_Category]:
    found = []
    for name, table in evidence["tables"].items():
        if name == SUMMARY:
            continue
        columns = table["columns"]
        if not set(_NEEDED) <= set(columns):
            raise InputError(f"the table {name!r} of {CODE} is not as auditkit writes it: run {_RUN}")
        rows = [
            dict(zip(_NEEDED, row, strict=True)) for row in zip(*(columns[c] for c in _NEEDED), strict=True)
        ]
        for place, row in enumerate(rows):
            label, last = str(row["label"]), place == len(rows) - 1
            mark = next((one for one in _MARKS if label.endswith(one) and row["value"] == 1), "")
            found.append(_Category(name, label.removesuffix(mark), bool(mark), last, row))
    return found


def _words(evidence: Mapping[str, Any]) -> dict[str, str]:
    """Return what the tool does with people, in words: selects them, or scores them."""
    labels: Mapping[str, Any] = next(
        (t["labels"] for name, t in evidence["tables"].items() if name != SUMMARY), {}
    )
    scored = "scoring" in str(labels.get("rate"))
    return {"selected": "above the median" if scored else "selected", "rate": "scoring rate" if scored else "selection rate"}  # fmt: skip


def _asked(asked: list[dict[str, str]]) -> tuple[Block, ...]:
    rows = tuple(
        (one["item"], one["rule"], one["status"], one["value"] or _how(one["item"])) for one in asked
    )
    return (Rows(("Item", "Rule", "Here", "What"), rows),)


def _how(item: str) -> str:
    option = _OPTIONS.get(item)
    return (
        f"run {_RUN} -p nyc_ll144__{option}=..."
        if option
        else "needs both sex and race or ethnicity in the data"
    )


def _table(own: list[_Category], words: Mapping[str, str]) -> Rows:
    heads = ("Category", "Assessed", words["selected"].capitalize(), words["rate"].capitalize(), "Impact ratio", "Interval of the ratio", "Share of records", "Remark")  # fmt: skip
    rows = []
    for one in own:
        v = one.values
        interval = "" if one.reference or finite(v["low"]) is None else ends(v["low"], v["high"])
        remark = "reference: the highest rate of those compared" if one.reference else one_line(v["remark"])
        numbers = [_number(v["rate"]), _number(v["value"]), interval, share(v["share"])]
        chosen = "" if v["selected"] is None else count(v["selected"])
        rows.append((one_line(one.name), count(v["n"]), chosen, *numbers, remark))
    return Rows(heads, tuple(rows), heads[1:7])


def _number(value: Any) -> str:
    return "" if finite(value) is None else number(value)


def _left_out(categories: list[_Category], asked: list[dict[str, str]]) -> tuple[Block, ...]:
    out = [one for one in categories if one.excluded]
    if not out:
        return (Words("None."),)
    reason = next((one["value"] for one in asked if one["item"].startswith("Justification")), "")
    rows = tuple(
        (one_line(one.division), one_line(one.name), count(one.values["n"]), _number(one.values["rate"]), share(one.values["share"]))
        for one in out
    )  # fmt: skip
    heads = ("Division", "Category", "Assessed", "Rate", "Share of records")
    said = f"Justification: {one_line(reason)}" if reason else f"No justification was given: {_how('Justification for excluded categories')}"  # fmt: skip
    return (Words("They are under the share below which the rules let an auditor leave a category out of the impact ratios."), Rows(heads, rows, heads[2:]), Words(said))  # fmt: skip


def _unknown(categories: list[_Category]) -> tuple[Block, ...]:
    rows = tuple((one_line(one.division), count(one.values["n"]), share(one.values["share"])) for one in categories if one.unknown)  # fmt: skip
    return (Words("They are in no rate and in no ratio."), Rows(("Division", "Individuals", "Share of records"), rows, ("Individuals", "Share of records")))  # fmt: skip


def _reading(source: Source, evidence: Mapping[str, Any]) -> tuple[Block, ...]:
    about, ran = source.data["subject"], source.data["provenance"]
    said = [
        "The impact ratio of a category is its rate over the highest rate of those that are not left out.",
        "Of test data, in place of data of the tool's own use, 6 RCNY 5-302 asks why they were taken, and how they were made and obtained: data_source is the place to say it.",
        "Intervals are not asked for by the rules. They keep small categories from being overread.",
        f"It does not say: {one_line(evidence.get('does_not_say'))}",
        *map(one_line, evidence.get("notes") or ()),
        f"Measured by auditkit {one_line(ran.get('auditkit'))} on {source.day}; records: SHA-256 {one_line(about['test'].get('digest')) or 'not told'}",
        f"Report: SHA-256 {source.digest}",
    ]
    return (Points(tuple(said)),)
