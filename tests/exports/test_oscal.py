"""OSCAL: fits its schema, leads from each finding to a criterion that was judged, and says of no control that it is satisfied."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date

import jsonschema
import pytest
from hypothesis import example, given, settings
from typer.testing import CliRunner

import auditkit as ak
from auditkit.cli import app
from auditkit.controls import Catalogue, Control, Framework, Topic, coverage, load_catalogue
from auditkit.errors import InputError
from auditkit.exports.oscal import assessment_results, schema, token
from auditkit.exports.source import Source
from auditkit.packing.manifest import canonical, sha256
from auditkit.render.text import number

from .conftest import HOSTILE, hostile_text, renamed, with_form

JUDGED = {"pass", "not_found", "by_construction", "fail", "inconclusive", "unmeasured", "waived"}


def valid(made):
    jsonschema.Draft202012Validator(schema()).validate(made)
    return made["assessment-results"]


@pytest.fixture(scope="module")
def made(report):
    return valid(assessment_results(report, "eu_ai_act"))


def test_the_schema_is_one_and_is_closed():
    jsonschema.Draft202012Validator.check_schema(schema())

    def open_ones(one):
        if isinstance(one, dict):
            if one.get("type") == "object" and one.get("additionalProperties") is not False:
                yield one
            for value in one.values():
                yield from open_ones(value)
        elif isinstance(one, list):
            for value in one:
                yield from open_ones(value)

    assert list(open_ones(schema())) == []


@pytest.mark.parametrize("framework", ["gdpr", "nist_ai_rmf", "iso_42001", "us_mrm"])
def test_it_fits_the_schema_and_is_the_same_twice(report, framework):
    first = assessment_results(report, framework)
    valid(first)
    assert assessment_results(report, framework) == first


def test_each_finding_leads_to_one_criterion_and_one_observation(report, made):
    (result,) = made["results"]
    stands = {one.control.id: one for one in coverage(report.to_dict(), load_catalogue()).of("eu_ai_act")}
    by_print = {f.fingerprint: f for f in report.findings}
    parts = {p["id"]: (o, p) for o in made["local-definitions"]["objectives-and-methods"] for p in o["parts"]}
    observed = {o["uuid"]: o for o in result["observations"]}
    expected = {(c, f) for c, s in stands.items() for f in s.findings if by_print[f].shown in JUDGED and by_print[f].criterion}  # fmt: skip
    seen = set()
    for one in result["findings"]:
        props = {p["name"]: p["value"] for p in one["props"]}
        about = by_print[props["fingerprint"]]
        objective, part = parts[one["target"]["target-id"]]
        control = next(p["value"] for p in objective["props"] if p["name"] == "control")
        seen.add((control, about.fingerprint))
        state = one["target"]["status"]["state"]
        assert (state == "satisfied") == (about.shown in ("pass", "not_found", "by_construction"))
        assert (
            part["prose"].startswith(about.criterion.metric.replace("_", " ")[:3]) or about.criterion.metric
        )
        (related,) = one["related-observations"]
        assert observed[related["observation-uuid"]]["title"].startswith(about.check)
        if about.measurement.value == about.measurement.value:
            assert number(about.measurement.value) in one["description"]
    assert seen == expected
    assert len({one["uuid"] for one in result["findings"]}) == len(result["findings"])


def test_no_target_is_a_control_and_reviewed_ones_have_evidence(report, made):
    (result,) = made["results"]
    stands = coverage(report.to_dict(), load_catalogue()).of("eu_ai_act")
    chosen = {c["control-id"] for s in result["reviewed-controls"]["control-selections"] for c in s["include-controls"]}  # fmt: skip
    assert chosen == {token("eu_ai_act", one.control.id) for one in stands if one.checks}
    assert not chosen & {one["target"]["target-id"] for one in result["findings"]}
    for one in stands:
        if not one.checks:
            assert one.control.id in result["reviewed-controls"]["remarks"]


def test_evidence_is_found_again_by_its_digest(report, made):
    (result,) = made["results"]
    resources = {one["uuid"]: one for one in made["back-matter"]["resources"]}
    assert made["import-ap"]["href"][1:] in resources
    for one in result["observations"]:
        (evidence,) = one["relevant-evidence"]
        held = resources[evidence["href"][1:]]["rlinks"][0]["hashes"][0]["value"]
        assert held == Source.of(report).digest
        code = one["title"].split(":")[0]
        assert evidence["props"][0]["value"] == sha256(canonical(report.of(code).to_dict()))
        assert one["description"].startswith(report.of(code).says[:50])


def test_a_waiver_is_told_and_is_not_satisfied(report):
    one = next(f for f in report.findings if f.shown == "inconclusive")
    waived = report.waive(one.fingerprint, "a pilot", date(2099, 1, 31), by="board")
    (result,) = valid(assessment_results(waived, "eu_ai_act"))["results"]
    found = [
        f
        for f in result["findings"]
        if {"waived"} & {p["value"] for p in f["props"] if p["name"] == "status"}
    ]
    assert found
    for f in found:
        assert f["target"]["status"]["state"] == "not-satisfied"
        assert "Waived by board until 2099-01-31: a pilot" in f["target"]["status"]["remarks"]


def test_controls_of_every_shipped_framework_have_ids_that_oscal_takes():
    known = load_catalogue()
    for framework in known.frameworks:
        tokens = [token(framework.id, one.id) for one in known.of(framework.id)]
        assert len(set(tokens)) == len(tokens)
        assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9._-]*", one) for one in tokens)


def test_controls_of_ones_own_that_look_alike_are_told_apart(report):
    controls = tuple(
        Control(name, "own", "Bias is measured", ("bias",), "direct") for name in ("4(1)", "4 1", "§")
    )
    own = Catalogue(
        "1", "", (Framework("own", "Own", "Own", "1"),), controls, (Topic("bias", "bias", ("AK101",)),)
    )
    made = valid(assessment_results(report, "own", catalogue=own))
    ids = [one["control-id"] for one in made["local-definitions"]["objectives-and-methods"]]
    assert len(set(ids)) == 3


def test_a_signed_form_was_examined_and_is_told_by_its_digest(report):
    filled = with_form(report)
    made = valid(assessment_results(filled, "eu_ai_act"))
    (result,) = made["results"]
    (one,) = [o for o in result["observations"] if o["methods"] == ["EXAMINE"]]
    assert one["relevant-evidence"][0]["props"][0]["value"] == filled.forms[0].digest
    assert "signed by its author" in one["description"]
    named = [p["value"] for o in made["local-definitions"]["objectives-and-methods"] for p in o["props"]]
    assert f"form {filled.forms[0].digest}" in named
    draft = valid(assessment_results(with_form(report, signed=False), "eu_ai_act"))
    assert all(o["methods"] == ["TEST"] for o in draft["results"][0]["observations"])


@settings(max_examples=5, deadline=None)
@given(hostile_text)
@example(HOSTILE)
@example("\n")
def test_hostile_names_stay_text_in_one_line(report, name):
    made = valid(assessment_results(renamed(report, name), "gdpr"))
    assert "\n" not in made["metadata"]["title"]


def test_a_framework_without_evidence_is_told(of_stack):
    with pytest.raises(
        InputError, match="no evidence of this report is relevant to a control of NYC Local Law 144"
    ):
        assessment_results(of_stack, "nyc_ll144")


def test_the_command_line_writes_it_once(saved, tmp_path):
    args = ["export", "oscal", str(saved), "--framework", "nist_ai_rmf", "--out", str(tmp_path / "a.json")]
    done = CliRunner().invoke(app, [*args, "--json"])
    assert done.exit_code == 0, done.output
    made = valid(json.loads((tmp_path / "a.json").read_text("utf-8")))
    assert made["back-matter"]["resources"][0]["rlinks"][0]["hashes"][0]["value"] == Source.read(saved).digest
    assert Source.read(saved).digest == Source.of(Source.read(saved).report).digest
    assert CliRunner().invoke(app, args).exit_code == 2


def test_other_controls_about_the_same_report_are_another_document(report):
    shipped = load_catalogue()
    other = replace(shipped, disclaimer="Of our own.")
    first, second = (assessment_results(report, "gdpr", catalogue=one)["assessment-results"] for one in (shipped, other))  # fmt: skip
    assert first["uuid"] != second["uuid"]
    assert first["results"][0]["uuid"] == second["results"][0]["uuid"]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", first["uuid"])


def test_no_day_is_made_up_for_a_report_that_tells_none(report):
    data = json.loads(json.dumps(report.to_dict()))
    del data["provenance"]["started"]
    with pytest.raises(InputError, match="does not say when the audit was made: OSCAL has to say it"):
        assessment_results(ak.Report.from_dict(data), "gdpr")
