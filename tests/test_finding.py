"""Judging: fail only beyond, pass only within, else say what is missing."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control
from statsmodels.stats.multitest import multipletests

from auditkit import statistics
from auditkit.errors import InputError
from auditkit.evidence import Evidence, Interval, Measurement
from auditkit.finding import POLICY, SEVERITIES, STATUSES, UNJUDGED, Criterion, Finding, Policy
from auditkit.judging import count, judge, verdict, with_adjusted
from auditkit.render.status import summary_lines
from auditkit.waiver import Waiver

NAN, INF = math.nan, math.inf


def measured(low, high, value=None, **more):
    value = (low + high) / 2 if value is None else value
    return Measurement("m", value, 100, Interval(low, high, 0.95, "t"), **more)


def judged(m, c, check="XX001"):
    (finding,) = judge([Evidence(check, (m,))], [c])
    return finding


@pytest.mark.parametrize(
    ("low", "high", "at_most", "status"),
    [
        (0.0, 0.09, 0.1, "pass"),
        (0.0, 0.1, 0.1, "pass"),  # the limit itself is within
        (0.05, 0.11, 0.1, "inconclusive"),
        (0.1, 0.2, 0.1, "inconclusive"),  # low touches the limit: the true value may be it
        (0.101, 0.2, 0.1, "fail"),
        (-INF, INF, 0.1, "inconclusive"),
        (-INF, 0.05, 0.1, "pass"),
        (0.2, INF, 0.1, "fail"),
        (0.2, INF, INF, "pass"),
        (0.0, NAN, 0.1, "inconclusive"),
        (NAN, 0.05, 0.1, "inconclusive"),
        (NAN, NAN, 0.1, "inconclusive"),
    ],
)
def test_at_most(low, high, at_most, status):
    assert judged(measured(low, high, value=0.05), Criterion("m", at_most=at_most)).status == status
    # the mirror image
    mirrored = judged(measured(-high, -low, value=-0.05), Criterion("m", at_least=-at_most))
    assert mirrored.status == status


@pytest.mark.parametrize(
    ("low", "high", "status"),
    [
        (0.3, 0.4, "pass"),
        (0.1, 0.19, "fail"),
        (0.61, 0.7, "fail"),
        (0.1, 0.4, "inconclusive"),
        (0.4, 0.7, "inconclusive"),
        (0.1, 0.9, "inconclusive"),
    ],
)
def test_between_two_limits(low, high, status):
    assert judged(measured(low, high), Criterion("m", at_least=0.2, at_most=0.6)).status == status


def test_an_undefined_value_is_inconclusive_with_its_reason():
    found = judged(Measurement("m", NAN, 0, reason="no one was selected"), Criterion("m", at_most=1))
    assert (found.status, found.reason) == ("inconclusive", "no one was selected")
    assert (
        judged(Measurement("m", NAN, 0), Criterion("m", at_most=1)).reason
        == "the value is undefined on these data"
    )


def test_too_few_records_says_how_many_would_decide_it():
    found = judged(measured(0, 0.5), Criterion("m", at_most=0.1))
    assert "100 records cannot decide it" in found.reason
    # the value is 0.25, 0.15 beyond the limit, and the interval reaches 0.25 down: (0.25 / 0.15)^2 times as many, and some more
    assert (
        "about 320 such records in all, mixed as these, would decide it if the value stayed" in found.reason
    )


def test_no_number_of_records_is_named_where_none_would_decide():
    at_limit = judged(measured(0.0, 0.2), Criterion("m", at_most=0.1))
    assert "the value lies at the limit" in at_limit.reason
    lacking = replace(measured(0.0, 1.0), value=0.05, missing="no record is truly negative")
    said = judged(lacking, Criterion("m", at_most=0.1)).reason
    assert "no record is truly negative: more of the others would not decide it" in said
    assert "about" not in said
    # that it is broken can yet be shown
    beyond = replace(lacking, value=0.5, interval=Interval(0.05, 1.0, 0.95, "x"))
    assert "about 150 such records" in judged(beyond, Criterion("m", at_most=0.1)).reason


def promised(reason):
    """The number of records that a reason says would decide it."""
    (number,) = re.findall(r"about ([\d,]+) such records in all", reason)
    return int(number.replace(",", ""))


@pytest.mark.parametrize(
    ("rates", "limit", "decided"),
    [
        ((0.30, 0.35), {"at_most": 0.1}, "pass"),
        ((0.2, 0.35), {"at_most": 0.1}, "fail"),
        ((0.2, 0.35), {"at_least": 0.1}, "pass"),
    ],
)
def test_so_many_records_of_the_same_mixture_would_decide_a_difference(rates, limit, decided):
    def at(n):
        counts = [round(rate * n / 2) for rate in rates]
        low, high = statistics.newcombe(counts[1], n / 2, counts[0], n / 2)
        return Measurement(
            "m", (counts[1] - counts[0]) / (n / 2), n, Interval(float(low), float(high), 0.95, "newcombe")
        )

    found = judged(at(200), Criterion("m", **limit))
    assert found.status == "inconclusive"
    assert "200 records cannot decide it" in found.reason
    n = promised(found.reason)
    assert judged(at(int(n * 1.15) // 40 * 40), Criterion("m", **limit)).status == decided
    assert judged(at(int(n * 0.8) // 40 * 40), Criterion("m", **limit)).status == "inconclusive"


def test_so_many_records_would_decide_a_ratio():
    def at(n):
        low, high = statistics.katz_ratio(0.45 * n / 2, n / 2, 0.5 * n / 2, n / 2)
        return Measurement("r_ratio", 0.9, n, Interval(float(low), float(high), 0.95, "katz"))

    asked = Criterion("r_ratio", at_least=0.8)
    found = judged(at(400), asked)
    n = promised(found.reason)
    assert judged(at(int(n * 1.1) // 40 * 40), asked).status == "pass"
    assert judged(at(int(n * 0.7) // 40 * 40), asked).status == "inconclusive"


def test_no_number_is_promised_where_none_would_do():
    at_limit = judged(measured(0, 0.2), Criterion("m", at_most=0.1))
    assert (
        "the value lies at the limit, and if it stayed there no number of records would decide it"
        in at_limit.reason
    )
    blind = Measurement(
        "m", 0.3, 50, Interval(0.0, 1.0, 0.95, "x")
    )  # a rate of one group has no records at all
    assert judged(blind, Criterion("m", at_most=0.1)).reason.endswith("50 records cannot decide it")
    endless = Measurement("m", 0.3, 50, Interval(0.0, float("inf"), 0.95, "x"))
    assert judged(endless, Criterion("m", at_most=0.5)).reason.endswith("50 records cannot decide it")


def test_a_value_without_an_interval_is_said_to_have_none():
    for value, status in ((0.05, "pass"), (0.2, "fail")):
        found = judged(Measurement("m", value, 10), Criterion("m", at_most=0.1))
        assert found.status == status
        assert "no interval" in found.reason


@pytest.mark.parametrize(
    ("bound", "limit", "interval", "status", "words"),
    [
        ("lower", {"at_most": 0.1}, (0.2, 0.3), "fail", "above"),
        ("lower", {"at_most": 0.1}, (0.0, 0.05), "pass", "may still find more"),
        ("lower", {"at_least": 0.5}, (0.1, 0.2), "inconclusive", "a lower bound cannot show"),
        ("lower", {"at_least": 0.5}, (0.6, 0.7), "pass", "within"),
        ("upper", {"at_least": 0.5}, (0.1, 0.2), "fail", "below"),
        ("upper", {"at_least": 0.5}, (0.6, 0.7), "pass", "may still need less"),
        ("upper", {"at_most": 0.1}, (0.2, 0.3), "inconclusive", "an upper bound cannot show"),
    ],
)
def test_a_bound_speaks_for_one_side_only(bound, limit, interval, status, words):
    found = judged(measured(*interval, bound=bound), Criterion("m", **limit))
    assert found.status == status
    assert words in found.reason


NUMBERS = st.floats(-5, 5, allow_nan=False)


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_a_stricter_limit_never_gives_a_better_status(a, b, one, other):
    low, high = sorted((a, b))
    strict, lax = sorted((one, other))
    rank = {"fail": 0, "inconclusive": 1, "pass": 2}
    by = [rank[judged(measured(low, high), Criterion("m", at_most=limit)).status] for limit in (strict, lax)]
    assert by[0] <= by[1]
    by = [rank[judged(measured(low, high), Criterion("m", at_least=limit)).status] for limit in (lax, strict)]
    assert by[0] <= by[1]


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
@example(0.0, 0.0, 2.0, 2.0, 1.1614611632839246e-253)
def test_a_wider_interval_never_settles_what_a_narrow_one_left_open(a, b, more, still, limit):
    low, high = sorted((a, b))
    narrow = judged(measured(low, high), Criterion("m", at_most=limit)).status
    wide = judged(measured(low - abs(more), high + abs(still)), Criterion("m", at_most=limit)).status
    assert wide in (narrow, "inconclusive")


# --- multiplicity


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_p_values_are_adjusted_over_the_whole_audit(ps):
    # spread over several checks, one of them without a criterion
    evidence = [
        Evidence(f"XX{i:03d}", tuple(measured(0.2, 0.3, p_value=p) for p in ps[i::3])) for i in range(3)
    ]
    order = [p for i in range(3) for p in ps[i::3]]
    found = [f.p_adjusted for f in judge(evidence, [Criterion("m", at_most=0.1)]) if f.measurement]
    np.testing.assert_allclose(found, false_discovery_control(order), atol=1e-12)
    np.testing.assert_allclose(found, multipletests(order, method="fdr_bh")[1], atol=1e-12)


def test_a_failure_must_survive_the_correction():
    single = [Evidence("XX001", (measured(0.2, 0.3, p_value=0.04),))]
    assert judge(single, [Criterion("m", at_most=0.1)])[0].status == "fail"
    # among 10 tests the same p-value is 0.4 after Benjamini-Hochberg: 0.04 * 10 / 1
    many = [*single, Evidence("XX002", tuple(Measurement("other", 0, 1, p_value=0.9) for _ in range(9)))]
    found = judge(many, [Criterion("m", at_most=0.1)])[0]
    assert found.status == "inconclusive"
    assert found.p_adjusted == pytest.approx(0.4)
    assert "after correction" in found.reason
    assert judge(many, [Criterion("m", at_most=0.1)], alpha=0.5)[0].status == "fail"


def test_a_pass_needs_no_test_and_nan_is_no_test():
    found = judge(
        [Evidence("XX001", (measured(0, 0.05, p_value=0.9), measured(0.2, 0.3, p_value=NAN)))],
        [Criterion("m", at_most=0.1)],
    )
    assert [f.status for f in found] == ["pass", "fail"]
    assert found[1].p_adjusted is None


# --- which measurements a criterion speaks of


def groups(*names, check="XX001"):
    return Evidence(check, tuple(measured(0, 0.05, group=name) for name in names))


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [(None, 4), ("sex", 1), ("sex=*", 2), ("*", 4), ("s?x", 1), ("race × sex", 0), ("SEX", 0)],
)
def test_groups_are_named_by_wildcards(pattern, matched):
    found = judge([groups("sex", "sex=F", "sex=M", None)], [Criterion("m", at_most=0.1, group=pattern)])
    assert sum(f.status == "pass" for f in found) == matched


def test_a_criterion_that_meets_no_group_is_not_silent():
    found = judge(
        [groups("sex", "age"), groups("sex", check="XX002")], [Criterion("m", at_most=0.1, group="sexx")]
    )
    assert [f.status for f in found] == ["inconclusive", "inconclusive"]
    assert found[0].reason == "no group 'sexx' was measured. Did you mean 'sex'? Measured: age; sex"
    pairs = groups("sex=F, race=a", "sex=M, race=a")
    (other,) = judge([pairs], [Criterion("m", at_most=0.1, group="age")])[:1]
    assert other.reason == "no group 'age' was measured; measured: sex=F, race=a; sex=M, race=a"
    (whole,) = judge([pairs], [Criterion("m", at_most=0.1, group="")])[:1]
    assert whole.reason == (
        'it was not measured of all records together, only of sex=F, race=a; sex=M, race=a: write group = "?*" to ask it of these, run a '
        "check that gives m of all records (`auditkit list metrics` names them), or write unmeasured = "
        '"ignored" at the top of the policy'
    )
    (simple,) = judge([groups("sex=F", "sex=M")], [Criterion("m", at_most=0.1, group="")])[:1]
    assert 'write group = "sex=*" to ask it of these' in simple.reason
    line = summary_lines({"findings": [whole.to_dict()]})[1]
    assert line.startswith(
        "  ∅ could not be measured: m of all records together, asked at most 0.100 (XX001): it was not measured"
    )
    # but it may be measured by one check only
    found = judge([groups("sex"), groups("age", check="XX002")], [Criterion("m", at_most=0.1, group="age")])
    assert [f.reason for f in found if not f.judged] == [UNJUDGED]


def test_a_criterion_may_speak_of_one_check():
    evidence = [groups("sex"), groups("sex", check="XX002")]
    found = judge(evidence, [Criterion("m", at_most=0.1, check="XX002")])
    assert [(f.check, f.status) for f in found] == [("XX001", "not_applicable"), ("XX002", "pass")]
    (missing, _) = judge(evidence, [Criterion("other", at_most=0.1, check="XX001")])
    assert missing.status == "inconclusive"
    assert "gave no such measurement" in missing.reason


def test_what_was_measured_and_not_judged_is_said():
    (found,) = judge([groups("sex")], [])
    assert (found.status, found.reason, found.judged) == ("not_applicable", UNJUDGED, False)


def test_what_did_not_run_keeps_its_reason():
    evidence = [
        Evidence("XX001", outcome="error", reason="boom"),
        Evidence("XX002", outcome="not_applicable", reason="no rows"),
    ]
    found = [(f.status, f.reason) for f in judge(evidence, [Criterion("m", at_most=1)])]
    assert found[:2] == [("error", "boom"), ("not_applicable", "no rows")]


class TestWhatNothingMeasured:
    """A criterion that no measurement is about never reads as met."""

    EVIDENCE = (Evidence("XX001", (Measurement("accuracy", 0.9, 100),)),)
    MET = Criterion("accuracy", at_least=0.5)
    LEFT = (
        Criterion("attack_auc", at_most=0.6, severity="critical"),
        Criterion("rows", at_least=1, check="XX009"),
    )

    def test_keeps_an_audit_undecided_a_finding_each(self):
        found = judge(self.EVIDENCE, [self.MET, *self.LEFT])
        assert [(f.check, f.status, f.severity) for f in found] == [
            ("XX001", "pass", "medium"),
            (POLICY, "inconclusive", "critical"),
            (POLICY, "inconclusive", "medium"),
        ]
        assert verdict(found) == "undecided"
        assert len({f.fingerprint for f in found}) == 3

    def test_or_is_named_in_one_line_where_the_policy_says_so(self):
        found = judge(self.EVIDENCE, Policy((self.MET, *self.LEFT), unmeasured="ignored"))
        assert [(f.check, f.status) for f in found] == [("XX001", "pass"), (POLICY, "not_applicable")]
        assert found[1].reason.endswith("attack_auc, rows")
        assert verdict(found) == "pass"

    def test_nothing_judged_is_a_word_of_its_own_where_the_policy_allows_it(self):
        for mode, word in (("undecided", "undecided"), ("ignored", "not_judged")):
            assert verdict(judge(self.EVIDENCE, Policy(self.LEFT, unmeasured=mode))) == word

    @pytest.mark.parametrize("asked", [Criterion("m", at_most=0.1, group=""), Criterion("m", at_most=0.1, group="age"),
                                       Criterion("n", at_most=0.1, check="XX001")])  # fmt: skip
    def test_a_measured_metric_that_answers_to_no_criterion_follows_the_key_too(self, asked):
        by_group = [groups("sex=F", "sex=M")]
        said = {
            mode: judge(by_group, Policy((asked,), unmeasured=mode), task="classification")
            for mode in ("undecided", "ignored")
        }
        assert verdict(said["undecided"]) == "undecided"
        assert verdict(said["ignored"]) == "not_judged"
        assert [(f.check, f.status) for f in said["ignored"]] == [
            ("XX001", "not_applicable"),
            (POLICY, "not_applicable"),
        ]
        beside = judge(
            by_group, Policy((asked, Criterion("m", at_most=0.1, group="sex=*")), unmeasured="ignored")
        )
        assert verdict(beside) == "pass"

    def test_whom_it_was_not_measured_of_is_said_in_the_terminal_too(self):
        of_all, mistyped = (Criterion("m", at_most=0.1, group=name) for name in ("", "sexx=F"))
        found = judge([groups("sex=F", "sex=M")], Policy((of_all, mistyped), unmeasured="ignored"))
        assert [f.reason for f in found[1:]] == [
            "the policy also asks m: it was not measured of all records together, only of sex=F; sex=M",
            "the policy also asks m: no group 'sexx=F' was measured. Did you mean 'sex=F'? Measured: sex=F; sex=M",
        ]
        lines = summary_lines({"findings": [f.to_dict() for f in found]})
        assert (
            "  The policy also asks m: it was not measured of all records together, only of sex=F; sex=M."
            in lines
        )

    def test_another_word_is_refused(self):
        with pytest.raises(InputError, match="'undecided' or 'ignored'; got 'skip'"):
            Policy((self.MET,), unmeasured="skip")

    def test_a_failure_stays_a_failure(self):
        found = judge(self.EVIDENCE, [Criterion("accuracy", at_least=0.95), *self.LEFT])
        assert verdict(found) == "fail"


# --- the gate


def finding(status, reason="r", criterion=True):
    return Finding("XX001", status, reason=reason, criterion=Criterion("m", at_most=1) if criterion else None)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], "undecided"),
        (["pass"], "pass"),
        (["pass", "pass"], "pass"),
        (["pass", "fail"], "fail"),
        (["fail", "error"], "fail"),
        (["pass", "inconclusive"], "undecided"),
        (["pass", "error"], "undecided"),
        (["pass", "not_applicable"], "undecided"),
        (["pass", "unjudged"], "pass"),
        (["unjudged"], "not_judged"),
        (["unjudged", "not_applicable"], "undecided"),
        (["waived"], "pass"),
        (["pass", "waived"], "pass"),
        (["waived", "fail"], "fail"),
        (["error"], "undecided"),
    ],
)
def test_the_gate(statuses, expected):
    found = [
        finding("not_applicable", UNJUDGED, criterion=False)
        if s == "unjudged"
        else finding(s, criterion=s != "not_applicable")
        for s in statuses
    ]
    assert verdict(found) == expected


def test_counts_name_every_status():
    assert count([finding("pass"), finding("pass"), finding("fail")]) == dict.fromkeys(
        (*STATUSES, "not_found", "by_construction", "not_judged"), 0
    ) | {
        "pass": 2,
        "fail": 1,
    }


# --- values


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "needs at_most or at_least"),
        ({"at_most": NAN}, "must be a number"),
        ({"at_most": 0.1, "at_least": 0.2}, "is above"),
        ({"at_most": 0.1, "severity": "urgent"}, "severity must be one of"),
    ],
)
def test_impossible_criteria_are_refused(given, message):
    with pytest.raises(InputError, match=message):
        Criterion("m", **given)


def test_unknown_words_in_a_finding_are_refused():
    with pytest.raises(InputError, match="status must be one of"):
        Finding("XX001", "passed")
    with pytest.raises(InputError, match="severity must be one of"):
        Finding("XX001", "fail", "huge")


def test_fingerprints_tell_requirements_apart():
    m = measured(0, 1)
    about = [
        Criterion("m", at_most=0.1), Criterion("m", at_most=0.1000001), Criterion("m", at_least=0.1),
        Criterion("k", at_most=0.1), Criterion("m", at_most=0.1, group="g"),
    ]  # fmt: skip
    found = [Finding("XX001", "fail", "low", m, c) for c in about]
    assert len({f.fingerprint for f in found}) == len(about)
    assert Finding("XX001", "pass", "high", measured(5, 6), about[0]).fingerprint == found[0].fingerprint


LIMIT = st.floats(allow_nan=False)


@given(
    st.sampled_from(STATUSES),
    st.sampled_from([None, *SEVERITIES]),
    LIMIT,
    st.none() | st.floats(0, 1),
    st.text(),
    st.none() | st.text(),
)
def test_findings_read_back_as_they_were_written(status, severity, limit, p, text, group):
    c = Criterion("m", at_most=limit, group=group, why=text)
    waiver = Waiver(metric="m", reason="a pilot", by="board", until="2999-01-01")
    accepted = (waiver, "fail") if status == "waived" else (None, None)
    written = Finding("XX001", status, severity, measured(0, 1, group=group), c, text, p, *accepted)
    assert Finding.from_dict(written.to_dict()) == written


def test_policies_are_tables_with_a_digest():
    policy = Policy((Criterion("m", at_most=0.1), Criterion("k", at_least=INF)))
    assert list(policy.frame()["metric"]) == ["m", "k"]
    assert list(Policy(()).frame().columns) == [
        "metric",
        "at_most",
        "at_least",
        "severity",
        "group",
        "check",
        "why",
    ]
    assert policy.to_dict()["digest"] != Policy(policy.criteria[:1]).to_dict()["digest"]
    assert policy.to_dict()["criteria"][1]["at_least"] == "Infinity"
    assert policy.criteria[0].words() == "at most 0.1"


def several(*p_values, shared=()):
    """Return evidence of so many tests; those at the places in `shared` ask one question."""
    return tuple(
        Evidence(
            f"XX{i:03}",
            (Measurement("m", 0.2, 100, p_value=p, hypothesis="the same" if i in shared else None),),
        )
        for i, p in enumerate(p_values)
    )


def test_every_test_is_stored_raw_and_adjusted_judged_or_not():
    p_values = [0.001, 0.02, 0.04, 0.6]
    adjusted = with_adjusted(several(*p_values))
    expected = multipletests(p_values, method="fdr_bh")[1]
    assert [one.measurements[0].p_adjusted for one in adjusted] == pytest.approx(expected)
    assert [one.measurements[0].p_value for one in adjusted] == p_values
    assert with_adjusted(adjusted) is adjusted
    assert with_adjusted((Evidence("XX001", (measured(0, 1),)),))[0].measurements[0].p_adjusted is None


def test_one_hypothesis_counts_once_however_often_it_is_measured():
    p_values = [0.0001, 0.0001, 0.0001, 0.03, 0.5]
    adjusted = [one.measurements[0].p_adjusted for one in with_adjusted(several(*p_values, shared=(0, 1, 2)))]
    once = multipletests([0.0001, 0.03, 0.5], method="fdr_bh")[1]
    assert adjusted == pytest.approx([once[0]] * 3 + [once[1], once[2]])
    # counted three times it would make the other one seem rarer
    assert multipletests(p_values, method="fdr_bh")[1][3] < 0.04 < adjusted[3]
    differing = with_adjusted(several(0.01, 0.04, 0.5, shared=(0, 1)))
    assert [one.measurements[0].p_adjusted for one in differing] == pytest.approx([0.08, 0.08, 0.5])


# --- limits no value can reach


@pytest.mark.parametrize(
    ("metric", "limit", "said"),
    [
        ("demographic_parity_difference", {"at_most": 5}, "got at_most = 5; 5% is 0.05"),
        ("demographic_parity_ratio", {"at_least": 80}, "got at_least = 80; 80% is 0.8"),
        ("accuracy", {"at_least": -0.1}, "lies between 0 and 1"),
        ("attack_auc", {"at_most": 1.01}, "lies between 0 and 1"),
    ],
)
def test_a_limit_that_no_value_can_reach_is_refused(metric, limit, said):
    with pytest.raises(InputError) as caught:
        Criterion(metric, **limit)
    assert said in str(caught.value)


def test_metrics_that_are_open_or_of_others_take_any_limit():
    for metric in (
        "cmh_odds_ratio",
        "k_anonymity",
        "impact_ratio",
        "somebody_elses_rate",
        "mean_absolute_error",
    ):
        assert Criterion(metric, at_most=5).at_most == 5


def test_every_range_is_of_a_metric_that_a_check_gives():
    from auditkit.check import registry
    from auditkit.ranges import _RANGES

    given_ = {metric for check in registry().checks for metric in check.metrics}
    assert {name for name in given_ if name.endswith("_rate")} <= set(_RANGES) | {"ll144_scoring_rate"}
    assert all((low, high) in ((0, 1), (-1, 1)) for low, high in _RANGES.values())


def test_every_count_is_of_a_metric_that_a_check_gives_and_has_no_range():
    from auditkit.check import registry
    from auditkit.ranges import _COUNTS, is_count, range_of, read_whole

    given_ = {metric: check for check in registry().checks for metric in check.metrics}
    assert set(given_) >= _COUNTS
    assert not any(range_of(metric) for metric in _COUNTS)
    assert {given_[one].about for one in _COUNTS if read_whole(one)} == {
        "access",
        "artifact",
        "notebooks",
        "stack",
        "table",
    }
    assert is_count("k_anonymity")
    assert not read_whole("k_anonymity")


def test_a_count_is_judged_as_one():
    for value, status, words in ((0, "pass", "within"), (1, "fail", "above")):
        found = judged(Measurement("secrets_found", value, 10), Criterion("secrets_found", at_most=0))
        assert (found.status, found.reason) == (status, f"the count lies {words} the limit")


def test_what_holds_by_construction_is_not_shown_as_met_and_counts_for_the_gate():
    m = Measurement("m", 1.0, 5, reason="nothing is drawn", by_construction=True)
    met = judged(m, Criterion("m", at_least=0.9))
    assert (met.status, met.shown, verdict([met])) == ("pass", "by_construction", "pass")
    assert count([met])["by_construction"] == 1
    assert judged(m, Criterion("m", at_most=0.9)).shown == "fail"
    assert Measurement.from_dict(m.to_dict()) == m
    older = {k: v for k, v in m.to_dict().items() if k != "by_construction"}
    assert Measurement.from_dict(older).by_construction is False
    with pytest.raises(InputError, match="says why"):
        Measurement("m", 1.0, 5, by_construction=True)
