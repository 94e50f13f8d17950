"""Annex IV: every point is there with what is asked, held and missing; numbers are the report's; nothing is called met."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from typer.testing import CliRunner

import auditkit as ak
from auditkit.check import registry
from auditkit.cli import app
from auditkit.controls import coverage, load_catalogue
from auditkit.errors import InputError
from auditkit.exports.annex_iv import annex_iv, points
from auditkit.exports.facts import FACTS
from auditkit.exports.paper import Points, Rows, Words, as_html, as_markdown
from auditkit.exports.source import Source
from auditkit.render.text import measured

from .conftest import HOSTILE, hostile_text, renamed, with_form
from .test_paper import held

FORMS = {"intended_use", "impact_assessment", "oversight", "data_protection"}


@pytest.fixture(scope="module")
def paper(report):
    return annex_iv(report)


def section(paper, start):
    (one,) = [one for one in paper.sections if one.title.startswith(start)]
    return one


def test_the_points_are_those_of_the_annex_and_name_what_there_is():
    assert [one.id for one in points()] == ["1", "2(a)-(c)", "2(d)", "2(e)", "2(f)", "2(g)", "2(h)", *map(str, range(3, 10))]  # fmt: skip
    codes = {one.code for one in registry().checks}
    known = codes | {one.dimension for one in registry().checks}
    for one in points():
        assert set(one.facts) <= set(FACTS)
        assert set(one.measured) <= known, one.id
        assert set(one.forms) <= FORMS
        assert one.asks
        assert one.write
    assert {name for one in points() for name in one.facts} == set(FACTS)


def test_each_point_says_what_is_asked_what_there_is_and_what_is_to_be_written(paper):
    for point in points():
        blocks = section(paper, f"{point.id} {point.title}").blocks
        assert blocks[:2] == (Words("What is asked:"), Points(point.asks))
        assert blocks[2] in (Words("Evidence:"), Words("Evidence: none in these reports."))
        assert (blocks[2].text == "Evidence:") == bool(
            point.facts or any(isinstance(b, Rows) for b in blocks)
        )
        assert blocks[-2:] == (Words("People must still write:"), Points(point.write))


def test_numbers_are_those_of_the_report(report, paper):
    rows = [row for block in section(paper, "2(g)").blocks if isinstance(block, Rows) for row in block.rows]
    for check in ("AK001", "AK201", "AK301"):
        for m in report.of(check).measurements:
            if m.value == m.value:
                assert [row for row in rows if row[0] == check and row[2] == measured(m.to_dict())]
    text = as_markdown(paper)
    for said in (
        report.subject["model"]["digest"],
        report.subject["test"]["digest"],
        Source.of(report).digest,
    ):
        assert said in text


def test_the_criteria_stand_with_the_reasons_of_the_policy(report, paper):
    (table,) = [block for block in section(paper, "4 ").blocks if isinstance(block, Rows)]
    asked = {one.criterion.why for one in report.findings if one.criterion}
    assert {row[3] for row in table.rows} == {" ".join(why.split()) for why in asked}


def test_nothing_is_called_met_but_criteria_of_the_audit(paper):
    text = as_markdown(paper).casefold()
    assert "compliant" not in text
    assert "complies" not in text
    held(as_markdown(paper))


def test_the_articles_stand_as_the_controls_say(report, paper):
    (table,) = [block for block in section(paper, "Evidence beside").blocks if isinstance(block, Rows)]
    stands = coverage(report.to_dict(), load_catalogue()).of("eu_ai_act")
    assert [(row[0], row[3]) for row in table.rows] == [
        (one.control.id, ", ".join(one.checks)) for one in stands
    ]


def test_several_reports_about_one_system_are_told_apart(report, of_stack):
    text = as_markdown(annex_iv([report, of_stack]))
    assert "From the report about lab \\(installed software and its configuration\\):" in text
    rows = [row for one in section(annex_iv([report, of_stack]), "2(h)").blocks if isinstance(one, Rows) for row in one.rows]  # fmt: skip
    assert {row[0] for row in rows} == {"AK201", "AK901"}
    with pytest.raises(
        InputError, match="outline of technical documentation is made of a report about a model"
    ):
        annex_iv([of_stack, report])
    with pytest.raises(InputError, match="got none"):
        annex_iv([])


def test_a_form_is_told_once_with_its_signers(report):
    text = as_markdown(annex_iv(with_form(report, owner=HOSTILE)))
    assert text.count("What is the system for? |") == 1
    assert "Signed by: author Maria Example \\(2026\\-11\\-02\\)." in text
    assert text.count("its answers stand under point 1.") == 3
    assert "intended use: signed" in text
    draft = as_markdown(annex_iv(with_form(report, signed=False)))
    assert "intended use: here, and not signed or rejected" in draft
    assert "Not signed." in draft
    held(text)


@settings(max_examples=5, deadline=None)
@given(hostile_text)
@example(HOSTILE)
def test_hostile_names_stay_text(report, name):
    paper = annex_iv(renamed(report, name))
    held(as_markdown(paper))
    assert "<img" not in as_html(paper)


def test_the_command_line_writes_both_once(saved, tmp_path):
    outs = [tmp_path / "a.md", tmp_path / "a.html"]
    args = ["export", "annex-iv", str(saved), "--report", str(saved), "--out", str(outs[0]), "--out", str(outs[1])]  # fmt: skip
    done = CliRunner().invoke(app, [*args, "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["annex_iv"] == list(map(str, outs))
    assert all(one.stat().st_size > 5000 for one in outs)
    assert CliRunner().invoke(app, args).exit_code == 2
    assert CliRunner().invoke(app, [*args[:3], "--out", str(tmp_path / "a.csv")]).exit_code == 2


def test_reports_about_models_that_differ_are_told_and_one_given_twice_is_told_once(report, of_stack):
    data = json.loads(json.dumps(report.to_dict()))
    data["subject"]["name"], data["subject"]["model"]["digest"] = HOSTILE, "ab" * 32
    other = annex_iv([report, ak.Report.from_dict(data)])
    (said,) = [one for one in other.notices if "models that differ" in one]
    assert "abababababab, audited on" in said
    held(as_markdown(other))
    data["subject"]["model"]["digest"] = report.subject["model"]["digest"]
    for same in (ak.Report.from_dict(data), of_stack):
        assert "models that differ" not in " ".join(annex_iv([report, same]).notices)
    assert annex_iv([report, report]) == annex_iv(report)


def test_accuracy_by_group_stands_where_the_annex_asks_for_it():
    (point,) = [one for one in points() if one.id == "3"]
    with_accuracy = {one.code for one in registry().checks if "accuracy" in one.metrics}
    assert {"AK001", "AK102"} <= with_accuracy <= set(point.measured)
