"""Waivers: what is accepted, by whom, why, until when; and what no waiver covers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import auditkit as ak
from auditkit.errors import InputError
from auditkit.evidence import Evidence, Interval, Measurement
from auditkit.finding import POLICY, Criterion, Finding, Policy
from auditkit.judging import judge, verdict, waive
from auditkit.noting import Note
from auditkit.render.status import remarks, summary_lines
from auditkit.report import Report
from auditkit.shape import misfit
from auditkit.waiver import Waiver, day

LAST = date(2027, 1, 31)
LIMIT = Criterion("gap", at_most=0.1, severity="high", why="a test")


def waiver(**more):
    return Waiver(**({"metric": "gap", "reason": "a pilot", "by": "maria", "until": LAST} | more))


def measured(value=0.3, half=0.05, group="sex", metric="gap"):
    return Measurement(metric, value, 200, Interval(value - half, value + half, 0.95, "wald"), group=group)


def seen(*measurements, check="XX101"):
    return Evidence(check, measurements or (measured(),), says="One group is selected more often.")


def judged(*waivers, on=LAST, evidence=None, criteria=(LIMIT,)):
    return judge(evidence or [seen()], criteria, waivers=waivers, on=on)


def saved(report):
    data = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    from auditkit.report import schema

    assert not [
        w
        for name in ("waivers", "notes", "findings")
        for w in [misfit(data.get(name, []), schema()["properties"][name] | {"$defs": schema()["$defs"]})]
        if w
    ]
    return data


# --- a waiver


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"reason": ""}, "needs a reason"),
        ({"reason": "  "}, "needs a reason"),
        ({"by": ""}, "needs a name: who accepts it"),
        ({"until": None}, "needs the day it ends, as until='2027-01-31'; got None"),
        ({"until": "31.01.2027"}, "needs the day it ends"),
        ({"until": "2027-02-30"}, "needs the day it ends"),
        ({"until": "20270131"}, "needs the day it ends"),
        ({"until": datetime(2027, 1, 31, tzinfo=UTC)}, "needs the day it ends"),
        ({"metric": None}, "says what it is about"),
        ({"metric": None, "group": "sex"}, "says what it is about"),
        ({"finding": "0" * 16}, "names a finding, or a metric"),
        ({"metric": None, "finding": "AK101"}, "takes a fingerprint, 16 digits"),
    ],
)
def test_what_a_waiver_must_say(given, message):
    with pytest.raises(InputError, match=message):
        waiver(**given)


def test_the_last_day_counts():
    assert waiver().holds(LAST)
    assert not waiver().holds(LAST + timedelta(days=1))
    assert waiver(until=datetime.now(UTC).date()).holds()
    assert not waiver(until="2020-02-29").holds()


@given(
    about=st.one_of(
        st.fixed_dictionaries({"finding": st.from_regex(r"[0-9a-f]{16}", fullmatch=True)}),
        st.fixed_dictionaries(
            {"metric": st.text(min_size=1)}, optional={"group": st.text(), "check": st.text()}
        ),
    ),
    reason=st.text(min_size=1).filter(str.strip),
    by=st.text(min_size=1).filter(str.strip),
    until=st.dates(min_value=date(1, 1, 1)),
)
def test_a_waiver_reads_back_as_it_was_written(about, reason, by, until):
    one = Waiver(**about, reason=reason, by=by, until=until)
    assert Waiver.from_dict(json.loads(json.dumps(one.to_dict()))) == one


@given(st.dates(), st.dates())
def test_it_holds_up_to_its_last_day_and_no_further(until, on):
    assert waiver(until=until).holds(on) == (on <= until)


@given(st.dates(min_value=date(1000, 1, 1)))
def test_a_day_is_read_from_text(one):
    assert day(one.isoformat()) == one == day(one)


# --- judging


@pytest.mark.parametrize(
    "about",
    [
        {},
        {"group": "sex"},
        {"group": "s*"},
        {"check": "XX101", "group": "sex"},
        {"metric": None, "finding": judge([seen()], [LIMIT])[0].fingerprint},
    ],
)
def test_what_breaks_its_limit_is_waived(about):
    (found,) = judged(waiver(**about))
    assert (found.status, found.was, found.severity) == ("waived", "fail", "high")
    assert (found.waiver.reason, found.waiver.by, found.waiver.until) == ("a pilot", "maria", LAST)
    assert found.reason == "the whole interval lies above the limit"
    assert verdict([found]) == "pass"


def test_what_is_undecided_is_waived():
    (found,) = judged(waiver(), evidence=[seen(measured(0.1))])
    assert (found.status, found.was) == ("waived", "inconclusive")


def test_the_day_after_it_is_a_failure_again_and_says_so():
    (found,) = judged(waiver(), on=LAST + timedelta(days=1))
    assert (found.status, found.was, found.waiver.until) == ("fail", None, LAST)
    assert verdict([found]) == "fail"
    report = Report({"name": "s"}, (found,), (seen(),), waivers=(waiver(),))
    assert report.frame()["reason"][0].endswith(
        "a waiver by maria ran out on 2027-01-31 and no longer counts (a pilot)"
    )
    assert "ran out on 2027-01-31" in summary_lines(report.to_dict())[1]


def test_the_one_that_holds_longest_counts():
    later = waiver(until="2028-01-01", by="board")
    assert judged(waiver(), later)[0].waiver is later
    assert judged(later, waiver(), on=date(2027, 6, 1))[0].waiver is later


@pytest.mark.parametrize(
    ("given", "evidence", "says"),
    [
        ({"group": "race"}, seen(), "speaks of nothing in this audit"),
        ({"check": "XX999"}, seen(), "speaks of nothing"),
        ({"metric": None, "finding": "0" * 16}, seen(), "speaks of nothing"),
        ({}, seen(measured(0.01, 0.02)), "is not needed; what it speaks of is met"),
        ({"check": "XX101"}, Evidence("XX101", outcome="error", reason="ValueError: no"), "cannot be waived"),
        ({"check": "XX101"}, Evidence("XX101", outcome="not_applicable", reason="no rows"), "cannot be waived"),
    ],
)  # fmt: skip
def test_a_waiver_that_does_nothing_is_named(given, evidence, says):
    policy = Policy((LIMIT,), unmeasured="ignored")
    found = judged(waiver(**given), evidence=[evidence], criteria=policy)
    assert "waived" not in {f.status for f in found}
    told = [f for f in found if f.reason.startswith("the waiver of")]
    assert len(told) == 1
    assert (told[0].check, told[0].shown) == (POLICY, None)
    assert says in told[0].reason
    data = Report({"name": "s"}, found, (evidence,)).to_dict()
    assert any(says in line for line, _ in remarks(data))
    assert any(says in line for line in summary_lines(data))


def test_an_error_is_never_waived_not_even_by_its_fingerprint():
    broke = Evidence("XX101", outcome="error", reason="ValueError: no")
    could_not = Evidence("XX101", outcome="not_applicable", reason="no training rows")
    policy = Policy((LIMIT,), unmeasured="ignored")
    for one in (broke, could_not):
        (first, *_) = judge([one], policy)
        found = judged(waiver(metric=None, finding=first.fingerprint), evidence=[one], criteria=policy)
        assert found[0].status == one.outcome
        assert verdict(found) == "undecided"
        with pytest.raises(InputError, match="only what breaks a limit or leaves it undecided can be waived"):
            Report({}, found, (one,)).waive(first, "why not", LAST, on=LAST)


def test_a_criterion_that_nothing_measured_can_be_waived():
    found = judged(waiver(metric="attack_auc"), criteria=[LIMIT, Criterion("attack_auc", at_most=0.6)])
    assert [f.status for f in found] == ["fail", "waived"]


def test_a_waiver_that_has_done_its_work_can_be_done_again():
    once = judged(waiver(), waiver(group="race"))
    assert waive(once, (waiver(), waiver(group="race")), on=LAST) == once
    assert waive(once, (), on=LAST) == judge([seen()], [LIMIT])


def test_the_fingerprint_does_not_change_with_the_waiver():
    assert judged(waiver())[0].fingerprint == judged()[0].fingerprint


def test_a_whole_limit_and_its_float_are_one_finding():
    (first,), (second,) = (judge([seen()], [Criterion("gap", at_most=one)]) for one in (1, 1.0))
    assert first.fingerprint == second.fingerprint == Finding.from_dict(first.to_dict()).fingerprint


@pytest.mark.parametrize(
    ("of", "audited", "status"),
    [
        ("s", "s", "waived"),
        ("s", "t", "fail"),
        ("s", None, "fail"),
        (None, "t", "waived"),
        (None, None, "waived"),
    ],
)
def test_a_waiver_that_names_a_subject_covers_no_other(of, audited, status):
    found = judge([seen()], (LIMIT,), waivers=[waiver(subject=of)], on=LAST, subject=audited)
    assert found[0].status == status
    said = [f.reason for f in found[1:]]
    assert said == (
        []
        if status == "waived"
        else [
            f"the waiver of gap (by maria, until 2027-01-31) was given for 's' and does not cover {audited!r}"
        ]
    )


# --- the report


@pytest.fixture
def report():
    return Report({"name": "s"}, judge([seen()], [LIMIT]), (seen(),))


def test_waiving_a_finding_of_a_report(report):
    done = report.waive(report.findings[0], "a pilot", "2027-01-31", by="maria", on=LAST)
    assert (report.verdict, done.verdict) == ("fail", "pass")
    assert done.waivers == (
        Waiver(finding=report.findings[0].fingerprint, reason="a pilot", by="maria", until=LAST, subject="s"),
    )
    data = saved(done)
    assert data["findings"][0]["waiver"] == data["waivers"][0]
    assert tuple(Finding.from_dict(f) for f in data["findings"]) == done.findings
    longer = done.waive(report.findings[0].fingerprint, "again", "2027-03-01", by="board", on=LAST)
    assert [w.by for w in longer.waivers] == ["board"]
    assert longer.findings[0].was == "fail"


@pytest.mark.parametrize(
    ("which", "reason", "until", "message"),
    [
        ("0" * 16, "a", LAST, "no finding"),
        (None, "", LAST, "needs a reason"),
        (None, "a", "soon", "needs the day it ends"),
        (None, "a", LAST - timedelta(days=1), "has passed: give the last day"),
    ],
)
def test_what_waiving_refuses(report, which, reason, until, message):
    with pytest.raises(InputError, match=message):
        report.waive(which or report.findings[0], reason, until, by="maria", on=LAST)


def test_what_is_met_needs_no_waiver(report):
    met = Report({}, judge([seen(measured(0.01, 0.02))], [LIMIT]), ())
    with pytest.raises(InputError, match=r"is pass: it is met"):
        met.waive(met.findings[0], "a", LAST, on=LAST)


def test_another_policy_takes_its_own_waivers_only(report):
    done = report.waive(report.findings[0], "a pilot", LAST, by="maria", on=LAST)
    done = done.note(done.findings[0], "looked at", author="jo")
    other = done.judge([LIMIT])
    assert (other.verdict, other.waivers, other.notes) == ("fail", (), done.notes)
    policy = Policy((LIMIT,), waivers=(waiver(until="2999-01-01"),))
    assert done.judge(policy).verdict == "pass"
    assert done.judge([LIMIT], waivers=[waiver(until="2999-01-01")]).verdict == "pass"


def test_an_audit_takes_waivers(tmp_path):
    subject = ak.data.make_biased(gap=0.4, n=500).subject
    limit = ak.Criterion("demographic_parity_difference", at_most=0.05)
    given = [Waiver(metric=limit.metric, reason="a pilot", by="maria", until="2999-01-01")]
    report = ak.Audit("demographic_parity", [limit], given).run(subject)
    assert {f.status for f in report.findings} == {"waived"}
    assert ak.load_report(report.save(tmp_path / "report.json")).to_dict() == report.to_dict()
    with pytest.raises(InputError, match="a waiver speaks of 'demographic_parity_diference'"):
        ak.Audit("demographic_parity", [limit], [replace(given[0], metric="demographic_parity_diference")])
    with pytest.raises(InputError, match="waivers= takes Waiver"):
        ak.Audit("demographic_parity", [limit], ["all"])


# --- notes


def test_notes_are_in_the_file_only_where_there_are_some(report, tmp_path):
    assert "notes" not in report.to_dict()
    assert "waivers" not in report.to_dict()
    noted = report.note(report.findings[0], "Looked at <b>twice</b>.", author="maria")
    data = saved(noted)
    assert data["notes"] == [{"text": "Looked at <b>twice</b>.", "author": "maria", "time": noted.notes[0].time, "about": report.findings[0].fingerprint}]  # fmt: skip
    assert noted.stable_dict() == report.stable_dict()
    for text in ("", "  "):
        with pytest.raises(InputError, match="a note needs words"):
            report.note(report.findings[0], text)


@given(
    text=st.text(min_size=1).filter(str.strip),
    author=st.text(min_size=1),
    about=st.sampled_from(["", "0" * 16]),
)
def test_a_note_reads_back_as_it_was_written(text, author, about):
    note = Note.now(text, author=author, about=about)
    assert Note.from_dict(json.loads(json.dumps(note.to_dict()))) == note
