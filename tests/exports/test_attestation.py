"""Attestation: fits CycloneDX's own schema, refers to nothing that is not there, and claims no conformance."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from typer.testing import CliRunner

from auditkit.cli import app
from auditkit.controls import (
    Catalogue,
    Control,
    Coverage,
    Framework,
    Standing,
    Topic,
    coverage,
    load_catalogue,
)
from auditkit.errors import InputError
from auditkit.exports.source import Source
from auditkit.render.text import one_line

from .conftest import HOSTILE, hostile_text, renamed, with_form

pytest.importorskip("cyclonedx")

from auditkit.exports.attestation import attestation, share_of

FRAMEWORKS = [one.id for one in load_catalogue().frameworks]


def strict(text):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text.decode()) is None
    return json.loads(text)


@pytest.fixture(scope="module")
def made(report):
    return strict(attestation(report, "eu_ai_act"))


def test_every_framework_fits_the_schema_or_has_no_evidence(report):
    about_models = {one for one in FRAMEWORKS if any(s.checks for s in coverage(report.to_dict(), load_catalogue()).of(one))}  # fmt: skip
    assert len(about_models) >= 8
    for framework in about_models:
        assert strict(attestation(report, framework))["definitions"]["standards"][0]["requirements"]
    for framework in set(FRAMEWORKS) - about_models:
        with pytest.raises(InputError, match="no evidence of this report is relevant to a control of"):
            attestation(report, framework)


def test_it_is_the_same_twice(report):
    assert attestation(report, "gdpr") == attestation(report, "gdpr")


def test_every_reference_leads_to_something_once(made):
    said, refs = made["declarations"], []

    def walk(one):
        if isinstance(one, dict):
            refs.extend([one["bom-ref"]] if "bom-ref" in one else [])
            for value in one.values():
                walk(value)
        elif isinstance(one, list):
            for value in one:
                walk(value)

    walk(made)
    assert len(refs) == len(set(refs))
    named = [claim["target"] for claim in said["claims"]] + [ref for claim in said["claims"] for ref in claim["evidence"]]  # fmt: skip
    for one in said["attestations"]:
        named += [one["assessor"], *(m["requirement"] for m in one["map"]), *(c for m in one["map"] for c in m["claims"])]  # fmt: skip
    assert set(named) <= set(refs)


def test_claims_are_the_coverage_of_the_report_and_nothing_is_scored_as_met(report, made):
    stands = {one.control.id: one for one in coverage(report.to_dict(), load_catalogue()).of("eu_ai_act")}
    (attested,) = made["declarations"]["attestations"]
    assert [one["requirement"] for one in attested["map"]] == [f"requirement:{name}" for name in stands]
    for one in attested["map"]:
        standing = stands[one["requirement"].removeprefix("requirement:")]
        assert one["claims"] == ([f"claim:{standing.control.id}"] if standing.checks else [])
        assert set(one["conformance"]) == {"rationale"}
        assert (one["confidence"]["score"] == 1) <= (standing.status == "covered")
        assert (one["confidence"]["score"] > 0) <= bool(standing.checks)
    for claim in made["declarations"]["claims"]:
        standing = stands[claim["bom-ref"].removeprefix("claim:")]
        assert [ref.removeprefix("evidence:") for ref in claim["evidence"]] == list(standing.checks)
        assert "not that the requirement is met" in claim["reasoning"]
    assert "compliant" not in json.dumps(made).casefold()


@pytest.mark.parametrize(
    ("topics", "strength", "checks", "missing", "share"),
    [
        (("a",), "direct", ("AK101",), (), (1, 1)),
        (("a", "b"), "direct", ("AK101",), ("b: no evidence",), (1, 2)),
        (("a",), "partial", ("AK101",), ("what cannot be measured, which people add",), (1, 2)),
        (("a", "b"), "partial", ("AK101",), ("b: no evidence",), (1, 3)),
        (("a",), "partial", ("AK002",), ("a: a part of it alone",), (0, 2)),
        (("a",), "direct", (), ("a: no evidence",), (0, 1)),
        ((), "record", (), ("filled in by people: x",), (0, 1)),
    ],
)
def test_the_share_is_counted_as_it_says(topics, strength, checks, missing, share):
    status = "covered" if share[0] == share[1] else "partial" if checks else "not_covered"
    control = Control("1", "f", "t", topics=topics, strength=strength)
    assert share_of(Standing(control, status, checks, (), missing)) == share


def test_evidence_has_the_digests_of_what_it_came_from(report, made):
    (one,) = [e for e in made["declarations"]["evidence"] if e["bom-ref"] == "evidence:AK101"]
    told = json.loads(one["data"][0]["contents"]["attachment"]["content"])
    assert told["sha256"]["report"] == Source.of(report).digest
    assert told["measurements"] == len(report.of("AK101").measurements)
    assert sum(told["findings"].values()) == sum(
        f.check == "AK101" and f.shown is not None for f in report.findings
    )


def test_a_signed_form_is_evidence_by_its_digest_and_no_answer_is_told(report):
    filled = with_form(report, "intended_use")
    made, text = strict(attestation(filled, "eu_ai_act")), attestation(filled, "eu_ai_act").decode()
    ref = f"evidence:form:{filled.forms[0].digest}"
    assert [one["bom-ref"] for one in made["declarations"]["evidence"] if "form" in one["bom-ref"]] == [ref]
    claims = {one["bom-ref"]: one for one in made["declarations"]["claims"] if ref in one["evidence"]}
    assert claims
    assert filled.forms[0].answers["purpose"].split()[0] + " " + filled.forms[0].answers["purpose"].split()[1] not in text  # fmt: skip
    mapped = {one["requirement"]: one for one in made["declarations"]["attestations"][0]["map"]}
    alone = [name for name, one in claims.items() if one["evidence"] == [ref]]
    assert all("score" not in mapped[name.replace("claim:", "requirement:")]["confidence"] for name in alone)
    draft = strict(attestation(with_form(report, signed=False), "eu_ai_act"))
    assert not [one for one in draft["declarations"]["evidence"] if "form" in one["bom-ref"]]


def test_who_attests_is_named_where_it_is_said(report):
    made = strict(attestation(report, "gdpr", assessor=HOSTILE, third_party=True))
    (one,) = made["declarations"]["assessors"]
    assert (one["thirdParty"], one["organization"]["name"]) == (True, one_line(HOSTILE))
    assert strict(attestation(report, "gdpr"))["declarations"]["assessors"] == [{"bom-ref": "assessor", "thirdParty": False}]  # fmt: skip


@settings(max_examples=5, deadline=None)
@given(hostile_text)
@example(HOSTILE)
def test_hostile_names_stay_text(report, name):
    made = strict(attestation(renamed(report, name), "gdpr"))
    assert made["metadata"]["component"]["name"] == Source.of(renamed(report, name)).name


def test_a_catalogue_of_ones_own_is_read(report):
    own = Catalogue("1", "No advice.", (Framework("bank", "Bank", "Policy", "4.2"),), (Control("1", "bank", "Bias is measured", ("bias",), "direct"),), (Topic("bias", "bias", ("AK101",)),))  # fmt: skip
    made = strict(attestation(report, "bank", catalogue=own))
    assert made["declarations"]["attestations"][0]["map"][0]["confidence"]["score"] == 1
    assert isinstance(coverage(report.to_dict(), own), Coverage)


def test_the_command_line_writes_it_once_and_knows_its_frameworks(saved, tmp_path):
    args = ["export", "attestation", str(saved), "--framework", "gdpr", "--out", str(tmp_path / "a.cdx.json")]
    done = CliRunner().invoke(app, args)
    assert done.exit_code == 0, done.output
    made = strict((tmp_path / "a.cdx.json").read_bytes())
    assert json.loads(made["declarations"]["evidence"][0]["data"][0]["contents"]["attachment"]["content"])["sha256"]["report"] == Source.read(saved).digest  # fmt: skip
    assert CliRunner().invoke(app, args).exit_code == 2
    wrong = CliRunner().invoke(app, [*args[:4], "gdrp", "--out", str(tmp_path / "b.json")])
    assert wrong.exit_code == 2
    assert "Did you mean 'gdpr'?" in wrong.output


def test_another_assessor_makes_another_document(report):
    serials = [json.loads(attestation(report, "gdpr", assessor=name))["serialNumber"] for name in ("A", "B", "A")]  # fmt: skip
    assert serials[0] != serials[1]
    assert serials[0] == serials[2]


def test_a_third_party_is_named(report):
    for name in ("", " \n"):
        with pytest.raises(InputError, match=r"a third party that attests has to be named.*--assessor"):
            attestation(report, "gdpr", assessor=name, third_party=True)
