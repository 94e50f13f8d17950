"""Coverage: worked out by hand on small reports, with a guilty and an innocent one of each kind."""

import pytest

from auditkit.controls import coverage, load_catalogue
from auditkit.controls.coverage import relevant
from auditkit.controls.observed import seen_in
from auditkit.controls.shown import by_check, on_page
from auditkit.render.views import view_data

CATALOGUE = load_catalogue()


def evidence(code, metric="m", value=0.5, **own):
    return {"check": code, "measurements": [{"metric": metric, "value": value}], **own}


def broken(code, outcome):
    return {"check": code, "measurements": [], "outcome": outcome}


def report(*every, kind=None, plan=(), findings=()):
    return {
        "subject": {"name": "credit", **({"kind": kind} if kind else {})},
        "evidence": list(every),
        "findings": list(findings),
        "provenance": {"plan": [{"code": code, "dimension": dimension} for code, dimension in plan]},
    }


def stands(reports, framework, id_, catalogue=CATALOGUE):
    return next(s for s in coverage(reports, catalogue).of(framework) if s.control.id == id_)


def test_a_control_of_strength_direct_is_covered_by_evidence_on_each_of_its_topics():
    one = stands(report(evidence("AK101")), "nist_ai_rmf", "MEASURE 2.11")
    assert (one.status, one.checks, one.missing) == ("covered", ("AK101",), ())


def test_a_report_without_checks_of_bias_covers_no_control_of_bias():
    one = stands(report(evidence("AK001"), evidence("AK301")), "nist_ai_rmf", "MEASURE 2.11")
    assert (one.status, one.checks) == ("not_covered", ())
    assert one.missing == ("differences between groups: no evidence (AK101, AK102, AK103, AK105 ...)",)


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (broken("AK101", "error"), "ended in an error"),
        (broken("AK101", "not_applicable"), "was not applicable"),
        (evidence("AK101", value=None), "gave no value"),
        (evidence("AK101", value=float("nan")), "gave no value"),
        (
            {"check": "AK101", "measurements": [{"metric": "m", "value": 1.0, "by_construction": True}]},
            "gave no value",
        ),
    ],
)
def test_a_check_that_broke_did_not_apply_or_gave_nothing_covers_nothing(one, why):
    found = stands(report(one, plan=[("AK101", "bias")]), "nist_ai_rmf", "MEASURE 2.11")
    assert (found.status, found.checks) == ("not_covered", ())
    assert found.missing == (f"differences between groups: AK101 {why}",)
    assert not any(s.checks for s in coverage(report(one), CATALOGUE).standings)
    assert by_check(report(one)) == {}


def test_a_check_that_was_planned_and_not_run_is_named():
    found = stands(report(plan=[("AK101", "bias")]), "nist_ai_rmf", "MEASURE 2.11")
    assert found.missing == ("differences between groups: AK101 was not run",)


def test_some_of_its_topics_are_partial_and_what_lacks_is_said():
    # MEASURE 2.3 names performance and slices
    one = stands(report(evidence("AK001")), "nist_ai_rmf", "MEASURE 2.3")
    assert (one.status, one.missing) == ("partial", ("where the model errs: no evidence (AK003, AK113)",))
    whole = stands(report(evidence("AK001"), evidence("AK113")), "nist_ai_rmf", "MEASURE 2.3")
    assert (whole.status, whole.checks) == ("covered", ("AK001", "AK113"))


def test_a_control_that_people_must_add_to_is_partial_at_most():
    one = stands(report(evidence("AK315")), "nist_ai_100_2", "NISTAML.023")
    assert (one.status, one.missing) == ("partial", ("what cannot be measured, which people add",))


def test_a_check_that_only_adds_to_a_topic_is_part_of_it():
    # calibration alone does not say how often the model is right
    one = stands(report(evidence("AK002")), "eu_ai_act", "Art. 15(1)-(3)")
    assert (one.status, one.missing) == ("partial", ("how often the model is right: a part of it alone",))


def test_noise_is_no_attack():
    assert stands(report(evidence("AK301")), "owasp_ml", "ML01:2023").status == "not_covered"
    assert stands(report(evidence("AK303")), "owasp_ml", "ML01:2023").status == "covered"
    # a search by decisions does not see the inside of the model
    assert stands(report(evidence("AK303")), "mitre_atlas", "AML.T0043.000").status == "not_covered"


def test_a_form_is_a_form_whatever_was_measured():
    # it names bias, and asks for a record of why, how long and who
    one = stands(report(evidence("AK101")), "eu_ai_act", "Art. 10(5)")
    assert (one.status, one.checks) == ("form_only", ())
    assert one.missing == ("filled in by people: record of why and how long and who had access",)


def test_what_no_report_gives_is_said_with_what_auditkit_has():
    one = stands(report(evidence("AK001")), "nist_ai_rmf", "MAP 2.3")
    assert one.missing == ("a plan fixed before the results: not in a report (auditkit pack plan)",)
    one = stands(report(evidence("AK001")), "nist_ai_rmf", "GOVERN 1.6")
    assert one.missing == ("a register of audited models: not in a report (auditkit register add)",)
    one = stands(report(evidence("AK001")), "eu_ai_act", "Art. 12")
    assert one.missing == (
        "the system's own logs: not in a report (auditkit monitor reads them; that they are kept is for the system)",
    )
    one = stands(report(evidence("AK001")), "nyc_ll144", "5-303")
    assert (
        one.missing[-1] == "the public summary under Local Law 144: not in a report (auditkit export ll144)"
    )
    one = stands(report(evidence("AK001")), "mitre_atlas", "AML.T0029")
    assert one.missing == ("answers under load: auditkit has nothing for it yet",)


def test_the_two_tables_of_local_law_144_are_told_apart_by_what_was_measured():
    selects = report(evidence("AK108", "ll144_selection_rate"))
    assert stands(selects, "nyc_ll144", "5-301(b)").status == "covered"
    assert stands(selects, "nyc_ll144", "5-301(c)").status == "not_covered"
    scores = report(evidence("AK108", "ll144_scoring_rate"))
    assert stands(scores, "nyc_ll144", "5-301(b)").status == "not_covered"
    assert stands(scores, "nyc_ll144", "5-301(c)").status == "covered"


def test_a_framework_about_language_models_takes_no_evidence_of_a_table_model():
    one = report(evidence("AK702"))
    assert stands(one, "nist_ai_600_1", "Data Privacy").status == "not_covered"
    other = report(evidence("AK805"), kind="language_model")
    assert stands(other, "nist_ai_600_1", "Data Privacy").status == "partial"
    assert (
        stands(report(evidence("AK001"), kind="language_model"), "us_mrm", "development-testing").status
        == "not_covered"
    )


def test_a_check_of_a_plug_in_adds_to_the_topics_of_its_dimension():
    foreign = report(evidence("XY001"), plan=[("XY001", "bias")])
    one = stands(foreign, "nist_ai_rmf", "MEASURE 2.11")
    assert (one.status, one.checks) == ("partial", ("XY001",))
    other = report(evidence("XY001"), plan=[("XY001", "astrology")])
    assert stands(other, "nist_ai_rmf", "MEASURE 2.11").status == "not_covered"
    # AK001 says of itself that it is about bias; the topics know it by its code
    posing = report(evidence("AK001"), plan=[("AK001", "bias")])
    assert stands(posing, "nist_ai_rmf", "MEASURE 2.11").status == "not_covered"


def judged(check, status, value=0.5, **own):
    criterion = {"metric": "m", "at_most": 1.0}
    measurement = {"metric": "m", "value": value, "n": 9, "group": None, "interval": None}
    return {"check": check, "status": status, "fingerprint": f"{check}-{status}", "criterion": criterion, "measurement": measurement, "reason": "", **own}  # fmt: skip


def test_findings_are_evidence_whatever_they_say_and_those_without_a_value_are_none():
    findings = [judged("AK101", "fail"), judged("AK101", "pass"), judged("AK101", "error", measurement=None)]
    one = stands(report(evidence("AK101"), findings=findings), "nist_ai_rmf", "MEASURE 2.11")
    assert one.findings == ("AK101-fail", "AK101-pass")
    # and what rests on findings that were judged
    assert stands(report(evidence("AK101"), findings=findings), "iso_42001", "A.6.2.5").checks == ("AK101",)
    assert stands(report(evidence("AK101")), "iso_42001", "A.6.2.5").checks == ()


def test_several_reports_are_read_as_about_one_system():
    model = report(evidence("AK001"), broken("AK101", "error"))
    other = report(evidence("AK101"))
    found = coverage([model, other], CATALOGUE)
    one = next(s for s in found.of("eu_ai_act") if s.control.id == "Annex IV 3")
    assert (one.status, one.checks, one.missing) == ("covered", ("AK001", "AK101"), ())
    assert found.subjects == ("credit",)


def test_every_control_stands_once_and_the_counts_add_up():
    found = coverage(report(evidence("AK101")), CATALOGUE)
    assert [s.control for s in found.standings] == list(CATALOGUE.controls)
    # of six, 5-302 and 5-304 are forms
    assert found.counts("nyc_ll144") == "2 form only, 4 not covered"


def test_an_empty_report_covers_nothing():
    assert {s.status for s in coverage({}, CATALOGUE).standings} == {"form_only", "not_covered"}
    assert on_page({})["frameworks"] == []


def test_controls_of_a_check_are_those_whose_topics_it_speaks_to_and_no_form():
    [one] = seen_in(report(evidence("AK315"))).observed
    # poisoning and backdoor, where it is not a form (ML07:2023); frameworks about language models ask about another kind
    assert [(c.framework, c.id) for c in relevant(one, CATALOGUE)] == [
        ("nist_ai_rmf", "MEASURE 2.7"),
        ("nist_ai_100_2", "NISTAML.02"), ("nist_ai_100_2", "NISTAML.012"), ("nist_ai_100_2", "NISTAML.013"),
        ("nist_ai_100_2", "NISTAML.023"),
        ("eu_ai_act", "Art. 15(5)"),
        ("iso_42001", "A.7.4"),
        ("owasp_ml", "ML02:2023"),
        ("mitre_atlas", "AML.T0043.004"), ("mitre_atlas", "AML.T0020"), ("mitre_atlas", "AML.T0018.000"), ("mitre_atlas", "AML.T0115.000"),
    ]  # fmt: skip


def test_what_travels_with_the_findings_of_a_notebook_says_the_same():
    every = (
        evidence("AK001"),
        evidence("AK101", value=None),
        evidence("AK108", "ll144_scoring_rate"),
        broken("AK301", "error"),
    )
    whole = report(*every, findings=[judged("AK001", "pass"), judged("AK301", "error", measurement=None)])
    travelled = view_data("findings", whole)
    assert all("measurements" not in one for one in travelled["evidence"])
    assert on_page(travelled) == on_page(whole)
    assert set(on_page(whole)["by_check"]) == {"AK001", "AK108"}


def test_the_public_form_of_a_report_withholds_values_and_not_that_they_are_there():
    withheld = report(evidence("AK101", value=None)) | {"provenance": {"public": {"k": 5}, "plan": []}}
    assert stands(withheld, "nist_ai_rmf", "MEASURE 2.11").status == "covered"
