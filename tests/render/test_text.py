from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.render import status, text
from auditkit.render.escaping import safe_href


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.5, "0.500"), (-0.25, "−0.250"), (12, "12"), (-1200, "−1,200"), (0, "0"), (0.0, "0.000"), (123.456, "123.5"), (12345.6, "12,346"),
     (None, "undefined"), (math.nan, "undefined"), (math.inf, "∞"), ("-Infinity", "−∞"), (True, "yes"), ("<script>", "undefined")],
)  # fmt: skip
def test_numbers_are_written_for_readers(value, shown):
    assert text.number(value) == shown


@given(st.floats(allow_nan=True, allow_infinity=True) | st.integers() | st.text())
def test_a_number_never_carries_markup(value):
    assert set(text.number(value)) <= set("0123456789.,e+-−∞undefi")


@given(st.text())
def test_clean_text_hides_nothing(raw):
    shown = text.clean(raw)
    assert len(shown) == len(raw)
    assert not any(
        ord(c) in range(0x202A, 0x202F) or ord(c) in range(0x2066, 0x206A) or c in "\x00\x1b\u200b"
        for c in shown
    )
    assert text.clean(shown) == shown


def test_a_value_shows_its_interval_and_its_bound():
    span = {"low": 0.03, "high": None}
    assert text.measured({"value": 0.041, "interval": span, "bound": "lower"}) == "≥ 0.041 [0.030, undefined]"
    assert text.measured({"value": 0.2}) == "0.200"
    assert text.measured(None) == "not measured"


@pytest.mark.parametrize(
    ("counts", "said"),
    [({"pass": 1}, "1 criterion met"), ({"error": 1, "pass": 2}, "1 check ended in an error, 2 met"),
     ({"not_applicable": 2}, "2 checks not applicable"), ({"fail": 1, "waived": 1}, "1 criterion not met, 1 waived")],
)  # fmt: skip
def test_the_verdict_speaks_of_criteria_only(counts, said):
    assert status.verdict_words(counts) == said


def test_no_count_of_statuses_calls_a_model_anything():
    every = status.verdict_words(dict.fromkeys(status.STATUSES, 3)).lower()
    assert not any(word in every for word in ("fair", "safe", "private", "biased", "robust"))


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "//evil.example/x", "../up.md", "/etc/passwd.md", "docs/\u202ea.md",
     "https://x\" onclick=\"1", "vbscript:x", "docs/a.md\njavascript:x", "file:///x.html", "", None],
)  # fmt: skip
def test_other_addresses_are_no_links(address):
    assert safe_href(address) is None


@pytest.mark.parametrize(
    "address", ["https://example.org/a/b?c=1#d", "docs/checks/ak101.md", "docs/checks/ak101.html#why"]
)
def test_pages_are_links(address):
    assert safe_href(address) == address


def test_summary_names_what_failed_and_what_was_not_examined(report):
    lines = status.summary_lines(report)
    assert (
        lines[0]
        == "credit: 1 criterion not met, 1 ended in an error, 1 undecided, 1 could not be measured, 1 waived, 1 not applicable, 1 not broken by the attacks, 1 met"
    )
    assert (
        lines[1]
        == "  ✕ not met: demographic parity difference · sex 0.182 [0.165, 0.199], n = 16,281, asked at most 0.100 (AK101)"
    )
    assert "not examined: Data drift (No check of this audit asks about it.)" in lines[-1]
    assert len(lines) == 1 + 5 + 2


def test_summary_in_markdown_is_inert(hostile_report):
    from markdown_it import MarkdownIt

    shown = MarkdownIt("commonmark").render("\n".join(status.summary_lines(hostile_report, markdown=True)))
    assert not any(tag in shown for tag in ("<script", "<img", "<a ", "<svg", "<iframe", "<code", "<b>"))


def test_rows_of_an_attack_are_told_by_side():
    from auditkit.render._methods import rows_used

    sides = {"members": 10_000, "non_members": 9_000, "population": 0, "how": "drawn at random"}
    assert rows_used(sides) == "10,000 members, 9,000 non members"
    assert rows_used({}) == ""


UNJUDGED = {
    "check": "AK402",
    "status": "not_applicable",
    "reason": "measured, not judged: no criterion speaks of it",
}


def test_what_only_lacks_a_criterion_is_counted_apart():
    idle = {"check": "AK1", "status": "not_applicable", "reason": "no training data"}
    report = {"findings": [UNJUDGED, idle, {"status": "pass"}], "counts": {"not_applicable": 2, "pass": 1}}
    counts = status.shown_counts(report)
    assert (counts["not_applicable"], counts["not_judged"]) == (1, 1)
    assert status.verdict_words(counts) == "1 check not applicable, 1 met, 1 measured but not judged"
    assert report["counts"] == {"not_applicable": 2, "pass": 1}
    assert "measured but not judged" in status.summary_lines(report)[0]


def test_the_word_for_it_is_how_the_judgement_begins_its_reason():
    from auditkit.finding import UNJUDGED as said

    assert said.startswith(status.NOT_JUDGED)


def test_what_was_not_examined_is_told_once_for_each_reason():
    why = "not part of this audit's plan"
    gaps = [{"what": what, "why": why} for what in ("bias", "membership", "robustness")]
    gaps.insert(1, {"what": "drift", "why": "no check asks"})
    gaps[-1]["names"] = ["Noise", "Typos"]  # for the page, which has room for them
    lines = status.summary_lines({"provenance": {"not_examined": gaps}})
    assert lines[1:] == [
        "  not examined: bias; membership; robustness (not part of this audit's plan)",
        "  not examined: drift (no check asks)",
    ]


@given(st.floats(0, 1))
def test_a_p_value_never_reads_as_zero(p):
    shown = text.p_value(p)
    assert shown[0] in "=<"
    assert shown not in ("= 0", "= 0.000")


@given(st.integers(100, 10**12))
def test_an_estimate_of_records_is_within_five_percent(n):
    said = text.about(n)
    number, _, word = said.partition(" ")
    read = float(number.replace(",", "")) * {"": 1, "million": 10**6, "billion": 10**9}[word]
    assert read == pytest.approx(n, rel=0.051)


@pytest.mark.parametrize("value", [0.0075, 0.00696, 0.0341, 0.1825, 0.99, 0.00021, 0.0])
def test_a_share_and_a_number_have_the_same_digits(value):
    # 0.0075 stood as 0.007 in one place and as 0.8% in another
    assert float(text.share(value).rstrip("%")) / 100 == pytest.approx(float(text.number(value)), abs=1e-12)


BOUNDED = {"value": 0.01, "n": 5, "bound": "lower"}


@pytest.mark.parametrize(
    ("finding", "shown"),
    [
        ({"status": "pass", "measurement": BOUNDED, "criterion": {"at_most": 0.5}}, "not_found"),
        ({"status": "pass", "measurement": BOUNDED, "criterion": {"at_least": 0.0}}, "pass"),
        (
            {"status": "pass", "measurement": {**BOUNDED, "bound": "upper"}, "criterion": {"at_least": 0.5}},
            "not_found",
        ),
        ({"status": "pass", "measurement": {"value": 1, "n": 5}, "criterion": {"at_most": 2}}, "pass"),
        ({"status": "fail", "measurement": BOUNDED, "criterion": {"at_most": 0.0}}, "fail"),
        ({"status": "not_applicable", "check": "policy", "reason": "it also speaks of x"}, None),
        ({"status": "inconclusive", "check": "policy", "reason": "nothing measured it"}, "unmeasured"),
        (
            {"status": "inconclusive", "measurement": {"value": None, "n": 5}, "criterion": {"at_most": 2}},
            "unmeasured",
        ),
        ({"status": "inconclusive", "measurement": {"value": "Infinity", "n": 5}}, "inconclusive"),
    ],
)
def test_a_bound_within_the_limit_is_not_met_and_a_remark_is_no_finding(finding, shown):
    assert status.shown_status(finding) == shown


def test_what_could_not_be_measured_is_told_once_for_each_reason_and_in_words_of_the_subject_file():
    why = "no training data: pass Subject(..., train=Dataset(X, y)), or add [data.train] to the subject file"
    findings = [
        {"check": code, "status": "inconclusive", "reason": why, "criterion": {"metric": m, "at_most": 0.05},
         "measurement": {"metric": m, "value": None, "n": 0, "interval": None, "reason": why}}
        for code, m in (("AK001", "train_test_gap"), ("AK409", "explanation_stability"))
    ]  # fmt: skip
    assert status.summary_lines({"subject": {"name": "m"}, "findings": findings}) == [
        "m: 2 criteria could not be measured",
        (
            "  ∅ could not be measured: train-test gap, asked at most 0.050 (AK001); explanation stability, asked at most 0.050 (AK409): "
            "no training data: add [data.train] to the subject file"
        ),
    ]


def test_a_remark_of_the_policy_is_told_and_not_counted():
    remark = {"status": "not_applicable", "check": "policy", "reason": "the policy also speaks of r2"}
    report = {"findings": [remark, {"status": "pass"}], "counts": {"pass": 1}}
    assert status.shown_counts(report)["not_applicable"] == 0
    assert status.remarks(report) == [("The policy also speaks of r2", [])]


def test_one_failing_model_is_told_once_in_the_summary():
    broke = {"status": "error", "reason": "ModelError: the model failed on 9 rows"}
    report = {"subject": {"name": "m"}, "findings": [{"check": c, **broke} for c in ("AK001", "AK101")]}
    assert status.summary_lines(report)[1:] == [
        "  ! error: AK001 ModelError: the model failed on 9 rows",
        "  ! error: AK101 as AK001 says",
    ]
