from __future__ import annotations

import csv
import io
import itertools
import json
import math
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from auditkit.batch.concerns import concerns
from auditkit.batch.exports import Exports
from auditkit.batch.outcomes import Outcome
from auditkit.batch.plan import PlannedAudit
from auditkit.batch.tables import audits_csv, write_tables
from auditkit.evidence import Evidence, Interval, Measurement, Table
from auditkit.finding import POLICY, UNJUDGED, Criterion, Finding, Policy
from auditkit.judging import judge, verdict
from auditkit.render.batch import batch_html
from auditkit.report import Report
from auditkit.waiver import Waiver

if TYPE_CHECKING:
    from collections.abc import Mapping

NASTY = '<script>alert(1)</script>|[x](y)`"&\x1b\u202e]]>{0}'


@pytest.fixture
def report() -> Report:
    """Accuracy 0.6 (0.5 to 0.7) asked to be at least 0.9 overall, at least 0.2 for a group with a hostile name, and at least 0.6 for a third."""
    wilson = Interval(0.5, 0.7, 0.95, "wilson")
    table = Table(
        "t",
        {"label": ("=cmd()", "b"), "value": (0.5, -0.5), "low": (0, -1), "high": (1, 0), "n": (3, 4)},
        "estimates",
    )
    evidence = (
        Evidence(
            "AK001",
            tuple(Measurement("accuracy", 0.6, 100, wilson, group=g) for g in (None, NASTY, "third")),
            tables={"rates": table},
        ),
    )
    policy = Policy(
        (
            Criterion("accuracy", at_least=0.9, severity="high", group=""),
            Criterion("accuracy", at_least=0.2, group="<*"),
            Criterion("accuracy", at_least=0.6, group="third"),
        ),
        "p",
    )
    provenance = {
        "plan": [{"code": "AK001", "name": "a", "title": NASTY, "dimension": "performance"}],
        "seed": 3,
    }
    return Report({"name": "s"}, judge(evidence, policy), evidence, provenance)


def outcome(**more: Any) -> Outcome:
    audit = PlannedAudit(f"n{NASTY}", NASTY, Path("s.toml"), "bias", tags=(NASTY,))
    return Outcome(audit, "k" * 64, **more)


@pytest.fixture
def exports(report: Report) -> Exports:
    made = Exports(NASTY)
    made.add(outcome(ended="done", verdict="fail", counts=report.counts, folder="n-k"), report)
    made.add(replace(outcome(ended="broke", why=NASTY)), None)
    return made


def test_junit_has_a_case_a_finding_and_nothing_undecided_reads_as_a_pass(exports: Exports) -> None:
    (suite,) = ET.fromstring(exports.junit())
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "1", "2")
    passed = [case for case in suite if len(case) == 0]
    assert len(passed) == 1
    assert "<script>" in passed[0].get("name")  # as data


_LIMIT = Criterion("accuracy", at_least=0.5)
_VALUE = Measurement("accuracy", 0.6, 100)
_WAIVER = Waiver(reason="known", by="m", until=date(2099, 1, 1), metric="accuracy")
_EVERY: dict[str, Finding] = {
    "pass": Finding("AK001", "pass", "low", _VALUE, _LIMIT),
    "fail": Finding("AK001", "fail", "low", _VALUE, _LIMIT),
    "inconclusive": Finding("AK001", "inconclusive", "low", _VALUE, _LIMIT, "few"),
    "undefined": Finding("AK001", "inconclusive", "low", Measurement("accuracy", math.nan, 0), _LIMIT, "none"),
    "unmeasured": Finding(POLICY, "inconclusive", "low", None, _LIMIT, "nothing measured it"),
    "error": Finding("AK001", "error", reason="boom"),
    "not_applicable": Finding("AK112", "not_applicable", reason="it needs the model"),
    "not_judged": Finding("AK001", "not_applicable", reason=UNJUDGED),
    "remark": Finding(POLICY, "not_applicable", reason="the policy also speaks of what this audit did not measure: x"),
    "waived": Finding("AK001", "waived", "low", _VALUE, _LIMIT, "known", None, _WAIVER, "fail"),
    "not_found": Finding("AK201", "pass", "low", Measurement("attack_auc", 0.5, 9, bound="lower"), Criterion("attack_auc", at_most=0.6)),
    "by_construction": Finding("AK409", "pass", "low", Measurement("accuracy", 0.6, 9, reason="fixed", by_construction=True), _LIMIT),
}  # fmt: skip


@pytest.mark.parametrize(
    "names", [(), *itertools.combinations(_EVERY, 1), *itertools.combinations(_EVERY, 2)]
)
def test_a_suite_has_failures_or_errors_exactly_when_its_verdict_is_fail_or_undecided(
    names: tuple[str, ...],
) -> None:
    found = tuple(_EVERY[one] for one in names)
    said = verdict(found)
    made = Exports("b")
    made.add(outcome(ended="done", verdict=said, folder="n-k"), Report({"name": "s"}, found, (), {}))
    (suite,) = ET.fromstring(made.junit())
    failures, errors = int(suite.get("failures", 0)), int(suite.get("errors", 0))
    assert (failures > 0) == (said == "fail")
    assert (failures + errors > 0) == (said in ("fail", "undecided"))
    results = json.loads(made.sarif())["runs"][0]["results"]
    assert len(results) == failures + errors


def test_a_check_that_could_not_run_is_open_in_sarif() -> None:
    made = Exports("b")
    found = (_EVERY["not_applicable"],)
    made.add(outcome(ended="done", verdict="undecided", folder="n"), Report({"name": "s"}, found, (), {}))
    (result,) = json.loads(made.sarif())["runs"][0]["results"]
    assert (result["ruleId"], result["kind"], result["level"]) == ("AK112", "open", "none")
    assert "it needs the model" in result["message"]["text"]


def test_sarif_keeps_to_its_schema_where_it_matters_and_makes_no_links_of_names(exports: Exports) -> None:
    said = json.loads(exports.sarif())
    (run,) = said["runs"]
    assert said["version"] == "2.1.0"
    assert [(one["kind"], one["level"]) for one in run["results"]] == [
        ("fail", "error"),
        ("open", "none"),
        ("fail", "error"),
    ]
    rules = {one["id"] for one in run["tool"]["driver"]["rules"]}
    assert {one["ruleId"] for one in run["results"]} <= rules
    text = run["results"][-1]["message"]["text"]
    assert r"\[x\](y)" in text
    assert "{{0}}" in text
    assert (
        run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        == "results/n-k/report.html"
    )


def test_markdown_is_a_table_whose_names_are_no_markup(exports: Exports) -> None:
    text = exports.markdown().decode()
    assert "## " in text
    assert "<script>" not in text.replace(r"\<", "")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.replace(r"\|", "").count("|") for line in rows}) == 1


def test_what_stands_in_the_way_of_an_audit_is_named_in_few_words() -> None:
    every = tuple(_EVERY.values())
    report = Report({"name": "s"}, every, (), {"plan": [{"code": "AK777"}]})
    assert concerns(report) == (
        "accuracy (AK001) not met: 0.600, asked at least 0.500",
        "AK001 error: boom",
        "accuracy (AK001) undecided: few",
        "and 4 more",  # undefined, unmeasured, not applicable; and planned without a result
    )
    few = Report({"name": "s"}, (_EVERY["pass"], _EVERY["not_applicable"], _EVERY["waived"]), (), {})
    assert concerns(few) == ("AK112 not applicable: it needs the model",)
    assert concerns(replace(few, findings=(), provenance={"plan": [{"code": "AK777"}]})) == (
        "AK777: it was planned and has no result",
    )


def test_summary_and_page_say_what_is_undecided() -> None:
    report = Report({"name": "s"}, (_EVERY["pass"], _EVERY["not_applicable"]), (), {})
    made = Exports("b")
    for _ in range(60):
        made.add(outcome(ended="done", verdict="undecided", counts=report.counts, folder="n"), report)
    lines = [line for line in made.markdown().decode().splitlines() if line.startswith("|")]
    assert sum("AK112 not applicable: it needs the model" in line for line in lines) == 50
    assert len({line.replace(r"\|", "").count("|") for line in lines}) == 1
    assert "<li>AK112 not applicable: it needs the model</li>" in page(
        word="undecided", concerns=concerns(report)
    )
    assert page(concerns=[NASTY]).count("<script") == 1


def test_parquet_has_every_measurement_with_how_it_was_judged(exports: Exports) -> None:
    frame = pd.read_parquet(io.BytesIO(exports.parquet()))
    assert frame["status"].tolist() == ["fail", "pass", "inconclusive"]
    assert frame["value"].tolist() == [0.6] * 3
    assert (frame["low"] == 0.5).all()
    assert frame["seed"].tolist() == [3] * 3


def test_tables_of_figures_are_csv_without_formulas(report: Report, tmp_path: Path) -> None:
    assert write_tables(report, tmp_path / "tables") == 1
    rows = list(csv.reader((tmp_path / "tables" / "AK001-rates.csv").read_text().splitlines()))
    assert rows == [
        ["label", "value", "low", "high", "n"],
        ["'=cmd()", "0.5", "0", "1", "3"],
        ["b", "-0.5", "-1", "0", "4"],
    ]


def page(**more: Any) -> str:
    row: Mapping[str, Any] = {
        "name": NASTY, "subject": NASTY, "template": NASTY, "settings": NASTY, "tags": [NASTY], "word": "broke", "counts": {},
        "why": NASTY, "href": "results/a/report.html", "before": None, "seconds": None,
    }  # fmt: skip
    return batch_html(
        {
            "name": NASTY,
            "verdict": "undecided",
            "audits": [{**row, **more}],
            "accepted": None,
            "excluded": [(NASTY, NASTY)],
        }
    )


def test_a_name_is_no_markup_on_the_page_and_nothing_is_fetched() -> None:
    html = page()
    assert html.count("<script") == 1
    assert "default-src &#39;none&#39;; script-src &#39;sha256-" in html
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "http" not in html.replace("http-equiv", "")


def many(n: int, templates: int = 1, long: int = 0) -> list[dict[str, Any]]:
    """So many audits, of one subject for each template; every tenth is not met, and the last has no report."""
    words = ["fail" if at % 10 == 9 else "pass" for at in range(n - 1)] + ["broke"]
    return [
        {
            "name": f"a{at}" + NASTY * long, "subject": f"s{at // templates}" + NASTY * long, "template": f"t{at % templates}",
            "settings": NASTY * long, "tags": [f"tag {at}", *["x" * 200] * long], "word": word, "counts": {"pass": 9, "fail": at % 3},
            "why": NASTY * long, "href": f"results/a{at}/report.html", "before": "pass", "seconds": 1.0, "pdf": "",
            "concerns": [NASTY * 9 * long] * 4,
        }
        for at, word in enumerate(words)
    ]  # fmt: skip


def index(audits: list[dict[str, Any]], **more: Any) -> str:
    given = {"name": "b", "verdict": "fail", "audits": audits, "accepted": {"by": "m", "day": "d", "reason": "r"}, "excluded": []}  # fmt: skip
    return batch_html({**given, **more})


@pytest.mark.parametrize(
    ("audits", "megabytes"),
    [(many(1000), 2), (many(10_000), 3), (many(10_000, templates=100), 3), (many(10_000, long=20), 8)],
    ids=["a thousand", "ten thousand", "a hundred templates", "long names"],
)
def test_the_page_over_a_batch_is_bounded(audits: list[dict[str, Any]], megabytes: int) -> None:
    page = index(audits)
    assert len(page.encode()) < megabytes * 2**20
    assert page.count("<") < 150_000
    rows = page[page.index('<tbody id="rows">') :]
    assert rows.count("<tr ") == 1000
    assert rows.index('data-word="fail"') < rows.index('data-word="broke"')  # of most concern first
    assert f"Batch of {len(audits):,} audits" in page
    assert (
        f"{len(audits) // 10 - (len(audits) % 10 == 0):,} worse" not in page
    )  # the one without a report is worse too
    assert f"{len(audits) // 10:,} worse" in page  # of all, not of those listed
    assert ("1,000 of 10,000 audits are listed" in page) == (len(audits) > 1000)
    assert "of most concern; " in page  # the matrix has no more than 300 subjects


def test_a_cell_of_several_audits_counts_them() -> None:
    page = index([{**one, "subject": "s", "template": "t"} for one in many(30)])
    cell = page[page.index('<table class="ak-matrix">') : page.index('id="audits"')]
    # not met, without a report, met: each leads to the first of its kind in the list
    for word, n in (("Not met", 2), ("No report", 1), ("Met", 27)):
        (place,) = re.findall(rf'<a href="#(audit-\d+)">{n} {word}</a>', cell)
        row = page[page.index(f'<tr id="{place}" ') :]
        assert f"</span>{word}</span>" in row[: row.index("</tr>")]
    assert cell.count("<a ") == 3
    assert page.count('id="audit-1"') == 1


def test_a_cell_of_another_kind_is_not_called_left_out() -> None:
    audits = [
        {**one, "subject": s, "template": t}
        for one, s, t in zip(many(3), "ssn", ["bias", "stack", "bias"], strict=True)
    ]
    page = index(audits)
    assert "left out<" not in page
    assert page.count("of another kind") == 1
    assert "–: the template asks about another kind of subject." in page
    planned = index(audits, excluded=[("n-stack", "why")], excluded_cells=frozenset({("n", "stack")}))
    assert planned.count("left out</span>") == 1
    assert "of another kind" not in planned
    assert "another kind of subject" not in planned


def test_the_page_says_when_it_was_run_and_what_its_symbols_mean() -> None:
    rows = [{**one, "started": "2026-11-28T02:30:11+00:00"} for one in many(2)]
    text = index(rows, began="2026-11-29T12:05:41+00:00")
    assert "Run on 2026-11-29 12:05 UTC" in text
    assert text.count('<td class="ak-small ak-day">2026-11-28 02:30</td>') == 2
    legend = text[text.index('ak-legend">') :].split("</p>")[0]
    assert [word in legend for word in ("not met", "met", "undecided")] == [True, True, False]  # as it counts
    assert "Run on" not in index(rows, began=NASTY)


def test_what_a_plan_leaves_out_is_named_so_far_and_counted() -> None:
    page = index(many(2), excluded=[(f"x{at}", "why") for at in range(500)])
    assert page.count("<li>x") == 200
    assert "300 more are left out" in page


def test_every_audit_is_in_the_table_and_no_cell_is_a_formula() -> None:
    rows = many(3)
    rows[0]["name"] = "=cmd()"
    lines = list(csv.reader(audits_csv(rows).decode().splitlines()))
    assert lines[0][:6] == ["name", "subject", "template", "settings", "tags", "outcome"]
    assert [line[0] for line in lines[1:]] == ["'=cmd()", "a1", "a2"]
    assert [line[5] for line in lines[1:]] == ["pass", "pass", "broke"]
    assert lines[2][7] == "9 pass, 1 fail"
