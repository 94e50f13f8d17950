"""What the digits of a public value tell: an intruder with fractions and every formula; and a reader who judges again."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from statsmodels.stats.proportion import proportion_confint

from auditkit.evidence import Evidence, Interval, Measurement
from auditkit.finding import Criterion
from auditkit.judging import judge
from auditkit.packing.rounding import rounded
from auditkit.report import load_report

K = 10


def public(value, n, *, metric="auc", ends=None, rows=None):
    interval = None if ends is None else Interval(*ends, 0.95, "delong")
    return rounded(Measurement(metric, value, n, interval), k=K, rows=rows or n)


def told(m):
    return m.value, m.interval and (m.interval.low, m.interval.high)


def wilson(a, n):
    low, high = proportion_confint(a, n, method="wilson")
    return min(low, a / n), max(high, a / n)


@pytest.mark.parametrize("n", [20, 37, 64, 101, 200, 333, 1000])
@pytest.mark.parametrize("of", [1, 1.5])
def test_no_count_of_fewer_than_ten_can_be_told_by_trying_every_count(n, of):
    """The strongest intruder: knows of how many records a share is, the interval's formula and how values are rounded, and tries all counts."""
    fits = defaultdict(list)
    for a in range(n + 1):
        fits[told(public(a / n, int(n * of), ends=wilson(a, n)))].append(a)
    alone = [own[0] for own in fits.values() if len(own) == 1]
    assert [a for a in alone if 0 < a < K or 0 < n - a < K] == []


@pytest.mark.parametrize("n", [20, 100, 400, 5000])
def test_a_value_without_an_interval_leaves_at_least_as_many_counts_as_are_small(n):
    fits = defaultdict(list)
    for a in range(n + 1):
        fits[told(public(a / n, n))].append(a)
    assert min(len(own) for own in fits.values()) >= K // 2  # at the ends of the range half a step is left
    # an error of whole units has no range: a few more than k / n of its size are left too
    assert len({public(a / n, n, metric="mean_error").value for a in range(7)}) <= 2


def simplest(low, high, most):
    """The fraction with the smallest denominator between two numbers, as continued fractions find it."""
    middle = Fraction((low + high) / 2)
    return next(
        one for one in (middle.limit_denominator(d) for d in range(1, most + 1)) if low <= float(one) <= high
    )


@pytest.mark.parametrize(("positives", "half_pairs"), [(6, 2501), (4, 1007), (9, 3333)])
def test_continued_fractions_find_the_pairs_of_a_full_area_and_not_of_a_rounded_one(positives, half_pairs):
    of = 2 * positives * (300 - positives)
    full = half_pairs / of
    assert Fraction(full).limit_denominator(of) == Fraction(half_pairs, of)  # in full, the pairs are told
    value = public(full, 300, ends=(full - 0.04, full + 0.04)).value
    found = simplest(value - 0.025, value + 0.025, of)
    assert found.denominator < 50
    # every number of positives has some area that fits what is public
    fitting = [
        p
        for p in range(1, 151)
        if math.floor((value + 0.025) * 2 * p * (300 - p)) >= (value - 0.025) * 2 * p * (300 - p)
    ]
    assert fitting == list(range(1, 151))


def test_a_difference_of_two_shares_tells_neither_numerator():
    # a / M - b / N with M, N public: in full few pairs fit, as 97 and 203 share no factor
    m, n, a, b = 97, 203, 9, 4
    full = a / m - b / n
    pairs = [(i, j) for i in range(m + 1) for j in range(n + 1)]
    assert [one for one in pairs if abs(one[0] / m - one[1] / n - full) < 1e-12] == [(a, b)]
    half = 1.96 * math.sqrt(a * (m - a) / m**3 + b * (n - b) / n**3)
    made = public(full, m + n, metric="membership_advantage", ends=(full - half, full + half))
    step = (made.interval.high - made.interval.low) / 3
    fitting = [one for one in pairs if abs(one[0] / m - one[1] / n - made.value) <= step / 2]
    assert len({i for i, _ in fitting}) > 90  # nearly any of them may be the numerator
    assert {j for _, j in fitting} >= set(range(K))


@pytest.mark.parametrize("few", [1, 3, 4, 9])
def test_sums_over_checks_and_groups_settle_no_small_count(few):
    """Mean scores, calibration, balanced accuracy and the share that is positive in four checks: a solver gets every rounded one as bounds."""
    groups, positives, scores = (150, 90, 60), (few, 40, 30), (0.3171, 0.4019, 0.5577)
    bounds, aims = [], []  # of the unknown positives of each group: what sums of them lie between

    def say(weights, metric, value, n, spread):
        made = public(value, n, metric=metric, ends=(value - spread, value + spread), rows=300)
        reach = (
            made.interval.high - made.interval.low
        ) / 6 + 1e-9  # half a step: a third of what the interval takes to each side
        bounds.append((weights, made.value - reach, made.value + reach, metric))

    for i, (n, p, score) in enumerate(zip(groups, positives, scores, strict=True)):
        own = np.eye(3)[i] / n
        spread = 1.96 * math.sqrt(p / n * (1 - p / n) / n)
        say(own, "expected_positive_share", p / n, n, spread)
        # the intruder knows the mean score in full, and so the positives from how far it lies off
        say(own, "calibration_in_the_large", p / n - score, n, spread)
        bounds[-1] = (own, bounds[-1][1] + score, bounds[-1][2] + score, "calibration")
        aims.append(np.eye(3)[i])
    say(np.ones(3) / 300, "mean_of_all", sum(positives) / 300, 300, 0.05)
    say(np.array([1 / 150, 0, -1 / 60]), "mean_difference", few / 150 - 0.5, 210, 0.13)
    system = np.array([row for w, *_ in bounds for row in (w, -w)])
    right = np.array([end for _, low, high, _ in bounds for end in (high, -low)])
    ends = [
        sign * linprog(sign * aims[0], A_ub=system, b_ub=right, bounds=[(0, n) for n in groups]).fun
        for sign in (1, -1)
    ]
    assert ends[0] <= few <= ends[1]
    assert math.floor(ends[1] + 1e-9) - math.ceil(ends[0] - 1e-9) >= 1, ends


@st.composite
def judged(draw):
    number = st.floats(0, 1, allow_subnormal=False) | st.sampled_from([0.0, 0.05, 0.1, 0.5, 1.0])
    low, value, high = sorted(draw(st.tuples(number, number, number)))
    width = draw(st.sampled_from([1.0, 0.1, 1e-3, 0.0]))
    ends = (value - (value - low) * width, value + (high - value) * width)
    assume(ends[0] <= value <= ends[1])
    bound = draw(st.sampled_from([None, "lower", "upper"]))
    interval = Interval(*ends, 0.95, "wilson") if draw(st.booleans()) else None
    metric = draw(st.sampled_from(["auc", "mean_error"]))
    m = Measurement(metric, value, draw(st.integers(10, 20_000)), interval, bound=bound)
    limits = draw(
        st.lists(
            st.tuples(number | st.just(ends[0]) | st.just(ends[1]), st.booleans()), min_size=1, max_size=3
        )
    )
    limits = [(min(max(limit, 0.0), 1.0), most) for limit, most in limits]
    return m, [Criterion(metric, **{"at_most" if most else "at_least": limit}) for limit, most in limits]


@given(judged())
@settings(max_examples=400, deadline=None)
def test_whoever_judges_the_rounded_number_finds_the_same_status(case):
    m, criteria = case
    full = judge([Evidence("AK101", (m,))], criteria)
    made = rounded(m, k=K, rows=20_000, judged=full)
    again = judge([Evidence("AK101", (made,))], criteria)
    assert [one.status for one in again] == [one.status for one in full]
    if m.interval is not None:
        assert made.interval.low <= m.interval.low
        assert made.interval.high >= m.interval.high
        assert made.interval.low <= made.value <= made.interval.high


def one_zero(value):
    return value != 0 or math.copysign(1, value) > 0


@pytest.mark.parametrize("tiny", [0.001, -0.001, -0.0])
def test_a_zero_does_not_tell_the_sign_of_the_full_value(tiny):
    for ends in (None, (tiny - 0.2, tiny + 0.2), (tiny, tiny), (-0.0, 0.5)):
        made = public(tiny, 50, metric="mean_error", ends=ends)
        ended = () if made.interval is None else (made.interval.low, made.interval.high)
        assert all(map(one_zero, (made.value, *ended)))
    full = Measurement("mean_error", tiny, 50)
    for limit in ({"at_most": -0.0}, {"at_least": -0.0}):
        judged = judge([Evidence("AK1", (full,))], [Criterion("mean_error", **limit)])
        assert one_zero(rounded(full, k=K, rows=50, judged=judged).value)


def test_a_pack_of_an_auditkit_that_left_the_sign_of_zero_is_verified_as_before(
    report_folder, keys, tmp_path, monkeypatch
):
    from auditkit import packing
    from auditkit.packing import rounding

    report = load_report(report_folder / "report.json")
    one = report.evidence[0]
    more = Measurement("mean_error", -0.001, 500, Interval(-0.2, 0.2, 0.95, "bootstrap"))
    changed = replace(one, measurements=(*one.measurements, more))
    replace(report, evidence=(changed, *report.evidence[1:])).save(tmp_path / "report.json")
    monkeypatch.setattr(rounding, "_unsigned", lambda value: value)
    for place in ("old", "new"):
        packing.make(
            tmp_path / "report.json",
            tmp_path / place,
            restricted_key=keys / "restricted.key",
            roles=("author",),
        )
        packing.sign(tmp_path / place, key=keys / "author.key", role="author", name="Maria")
        monkeypatch.undo()
    there = [(tmp_path / place / "public" / "report.json").read_text() for place in ("old", "new")]
    assert ["-0.0," in text for text in there] == [True, False]
    for place in ("old", "new"):
        given = {"author_key": keys / "author.pub", "restricted_key": keys / "restricted.key"}
        assert packing.verify(tmp_path / place, **given).problems == ()


def test_digits_go_as_far_as_the_interval_does_and_what_is_undefined_stays():
    assert told(public(0.81274, 16_281, ends=(0.8068, 0.8187))) == (0.81, (0.795, 0.825))
    assert public(1234.5, 400, metric="mean_error", ends=(1100.0, 1350.0)).value == 1200.0
    assert math.isnan(public(math.nan, 100).value)
    assert told(public(math.inf, 100, metric="risk_ratio", ends=(1.23456, math.inf))) == (
        math.inf,
        (-math.inf, math.inf),
    )
