"""What checks share: groups, gaps with what they leave out, and the records that would be needed."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import power_proportions_2indep

from auditkit import Dataset, Subject
from auditkit.checks import _common as common
from auditkit.checks.bias import _gaps as gaps
from auditkit.checks.bias import _measures as measures
from auditkit.data import make_biased
from auditkit.errors import InputError, NotApplicable
from auditkit.evidence import Interval, Measurement
from auditkit.predictors import from_predictions
from auditkit.statistics import largest_gap


def rows(**columns):
    n = len(next(iter(columns.values())))
    return Dataset(None, [0, 1] * (n // 2) + [0] * (n % 2), pd.DataFrame(columns))


def grouping(*sizes):
    labels = [f"g={i}" for i in range(len(sizes))]
    return common.Grouping("g", labels, np.repeat(np.arange(len(sizes)), sizes))


def test_every_feature_and_every_pair_is_a_grouping():
    data = rows(a=["x", "y"] * 4, b=["p", "p", "q", "q"] * 2, c=[0] * 4 + [1] * 4)
    found = common.groupings(data, None, intersections=True)
    assert [g.name for g in found] == ["a", "b", "c", "a × b", "a × c", "b × c"]
    assert found[3].labels == ["a=x, b=p", "a=x, b=q", "a=y, b=p", "a=y, b=q"]
    assert found[3].sizes.tolist() == [2, 2, 2, 2]
    assert [g.name for g in common.groupings(data, ["c", "a", "c"], intersections=True)] == [
        "c",
        "a",
        "c × a",
    ]


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        (["f", None, "m", "f"], ["s=f", "s=m", "s=missing"]),
        (np.array([True, False, True, True]), ["s=False", "s=True"]),
        (np.array([2, 10, 2, 2]), ["s=2", "s=10"]),
        (np.array([2.0, np.nan, 10.0, 2.0]), ["s=2", "s=10", "s=missing"]),
        (pd.Categorical(["m", "f", "m", None], categories=["m", "f", "never"]), ["s=f", "s=m", "s=missing"]),
        (pd.array([True, None, False, True], dtype="boolean"), ["s=False", "s=True", "s=missing"]),
        (pd.array(["x", None, "y", "x"], dtype="string"), ["s=x", "s=y", "s=missing"]),
    ],
    ids=["words", "booleans", "whole", "floats", "category", "nullable boolean", "string"],
)
def test_every_type_of_column_gives_its_groups_and_missing_is_one(values, labels):
    (found,) = common.groupings(rows(s=values), None, intersections=False)
    assert found.labels == labels
    assert found.sizes.sum() == 4


def test_markup_in_names_is_data():
    name, value = "<script>alert(1)</script>", "<img src=x onerror=alert(2)>"
    (found,) = common.groupings(rows(**{name: [value, "b"]}), None, intersections=False)
    assert found.name == name
    assert found.labels == [f"{name}={value}", f"{name}=b"]


def test_combinations_nobody_has_are_named():
    data = rows(a=["x", "x", "y"], b=["p", "q", "p"])
    found = common.groupings(data, None, intersections=True)
    assert found[2].absent == ("a=y, b=q",)
    assert common.notes_on(found) == ("a × b: no record has a=y, b=q",)


def test_a_declared_category_nobody_has_is_named():
    column = pd.Categorical([2.0, 1.0, 2.0], categories=[1.0, 2.0, 3.0])
    found = common.groupings(rows(s=column), None, intersections=True)
    assert found[0].labels == ["s=1", "s=2"]
    assert common.notes_on(found) == ("s: no record has s=3",)


def test_a_long_list_of_absent_combinations_is_cut_and_counted():
    data = rows(a=list("uvwxyz"), b=list("123456"))  # 6 of 36 combinations are there
    (note,) = common.notes_on(common.groupings(data, None, intersections=True))
    assert note.endswith("nor 25 more")


def test_what_is_asked_for_wrongly_says_what_to_type():
    data = rows(sex=["f", "m"])
    with pytest.raises(InputError, match="Did you mean 'sex'"):
        common.groupings(data, ["sexx"], intersections=False)
    with pytest.raises(InputError, match="choose from sex"):
        common.groupings(data, [], intersections=False)
    with pytest.raises(NotApplicable, match="sensitive_features="):
        common.groupings(Dataset(None, [0, 1]), None, intersections=False)


def test_parts_are_the_values_of_each_group():
    found = common.Grouping("g", ["a", "b"], np.array([1, 0, 1, 0, 0]))
    assert [p.tolist() for p in found.parts(np.arange(5.0))] == [[1, 3, 4], [0, 2]]


def test_draw_takes_all_or_distinct_rows():
    rng = np.random.default_rng(0)
    assert common.draw(5, 5, rng).tolist() == [0, 1, 2, 3, 4]
    drawn = common.draw(1000, 10, rng)
    assert len(set(drawn.tolist())) == 10
    assert (np.diff(drawn) > 0).all()
    assert common.rows_used(10, 1000)["how"] == "drawn at random without replacement"
    assert common.rows_used(10, 10)["how"] == "all"


def test_what_a_check_needs_is_said():
    recorded = Subject("r", from_predictions(labels=[0, 1]), Dataset(None, [0, 1]))
    three = Subject("t", from_predictions(labels=[0, 1, 2]), Dataset(None, [0, 1, 2]))
    values = Subject("v", from_predictions(labels=[0.5, 1.5]), Dataset(None, [0.5, 1.25]))
    assert common.positive_of(recorded) == 1
    assert common.correct(recorded).tolist() == [True, True]
    with pytest.raises(NotApplicable, match="recorded predictions"):
        common.needs_model(recorded)
    with pytest.raises(NotApplicable, match="positive="):
        common.positive_of(three)
    with pytest.raises(NotApplicable, match="regression"):
        common.positive_of(values)
    common.needs_model(make_biased(n=10).subject)


def test_an_estimates_table_keeps_what_is_undefined():
    found = [
        Measurement("r", 0.5, 4, Interval(0.1, 0.9, 0.95, "wilson"), "a"),
        Measurement("r", math.nan, 0, None, "b", reason="none"),
    ]
    columns = common.estimates(found)
    assert columns["label"] == ("a", "b")
    assert columns["n"] == (4, 0)
    assert math.isnan(columns["value"][1])
    assert math.isnan(columns["low"][1])
    assert common.percent(0.1234) == "12.3%"
    assert common.percent(math.nan) == "undefined"


def test_a_group_left_out_stretches_the_interval_and_is_named():
    found = grouping(100, 100, 5)
    hits, sizes = np.array([30, 70, 0]), np.array([100, 100, 0])
    gap = largest_gap(hits, sizes)
    m = gaps.measurement("d", gap, found, sizes, worst=1.0)
    assert m.value == pytest.approx(0.4)
    assert (m.interval.low, m.interval.high) == (gap.low, 1.0)
    assert "left out" in m.reason
    assert "g=2" in m.reason


def test_many_groups_left_out_are_counted():
    found = grouping(*[5] * 8)
    assert "and 4 more" in gaps.left_out(found, np.array([5, 0, 0, 0, 0, 0, 0, 0]))
    assert gaps.left_out(found, np.full(8, 5)) == ""


@pytest.mark.parametrize("sizes", [(40, 40), (25, 100), (20, 60, 500)])
@pytest.mark.parametrize("base", [0.1, 0.5, 0.85])
def test_the_records_needed_give_the_power_they_promise(sizes, base):
    """statsmodels' power at the answer is 0.8 for one of the two orders, and no less for the other."""
    sizes, level = np.array(sizes), 0.95
    need = gaps.needed((base * sizes, sizes), 0.15, level)
    small, following = np.sort(sizes)[:2] * need / sizes.sum()
    other = base + 0.15 if base <= 0.5 else base - 0.15
    k = len(sizes)
    z = stats.studentized_range.ppf(level, k, np.inf) / math.sqrt(2)
    powers = [
        power_proportions_2indep(
            p - q, q, nobs1=small, ratio=following / small, alpha=2 * stats.norm.sf(z)
        ).power
        for p, q in ((base, other), (other, base))
    ]
    assert min(powers) == pytest.approx(0.8, abs=0.01)


def test_enough_records_need_no_more_and_none_cannot_be_told():
    assert gaps.needed((np.array([500.0, 500.0]), np.array([1000.0, 1000.0])), 0.1, 0.95) is None
    assert gaps.needed((np.array([5.0, 0.0]), np.array([10.0, 0.0])), 0.1, 0.95) is None
    assert gaps.needed((np.array([5.0]), np.array([10.0])), 0.1, 0.95) is None
    assert gaps.needed((np.zeros(2), np.array([3.0, 3.0])), 0.5, 0.95) > 6


def test_388_in_each_group_tell_a_half_from_six_tenths():
    """The textbook figure (Fleiss, Levin and Paik 2003): 388 in each of two groups."""
    assert gaps.needed((np.array([50.0, 50.0]), np.array([100.0, 100.0])), 0.1, 0.95) == pytest.approx(
        776, abs=2
    )


def test_the_mean_gap_of_two_groups_is_welchs():
    rng = np.random.default_rng(1)
    a, b = rng.normal(0, 1, 30), rng.normal(1, 3, 50)
    found = common.Grouping("g", ["a", "b"], np.repeat([0, 1], [30, 50]))
    gap, note = gaps.of_means(np.concatenate([a, b]) + 1e7, found, 0.95)
    result = stats.ttest_ind(b, a, equal_var=False)
    ends = result.confidence_interval()
    assert note == ""
    assert gap.value == pytest.approx(b.mean() - a.mean(), abs=1e-7)
    assert (gap.low, gap.high) == pytest.approx((max(ends.low, 0), ends.high), abs=1e-6)
    assert gap.p_value == pytest.approx(result.pvalue, abs=1e-7)


def test_two_equal_values_are_no_certainty_about_a_mean():
    rng = np.random.default_rng(2)
    values = np.concatenate([rng.normal(0, 1, 500), [0.0, 0.0]])
    found = common.Grouping("g", ["g=many", "g=two"], np.repeat([0, 1], [500, 2]))
    gap, note = gaps.of_means(values, found, 0.95)
    assert "g=two" in note
    # half a width of about t(1 df) times 1 / sqrt(2)
    assert gap.high > 1
    assert "pooled" in gap.method


def test_a_constant_has_no_gap():
    gap, note = gaps.of_means(np.full(20, 3.0), grouping(10, 10), 0.95)
    assert (gap.value, gap.low, gap.high) == (0, 0, 0)
    assert "g=0" in note


def test_outcomes_less_scores_have_at_least_the_spread_that_exact_scores_give():
    scores = np.r_[np.full(20, 0.02), np.full(20, 0.3)]
    truth = np.r_[np.zeros(20), np.tile([1.0, 0.0], 10)]
    two = grouping(20, 20)
    plain, _, _ = measures.moments_of(truth - scores, two, None)
    held = measures.at_least_chance(plain, scores, two, None)
    assert held.spread == pytest.approx([19 * 0.02 * 0.98, 20 * 0.25])
    assert plain.spread[0] == pytest.approx(0, abs=1e-12)


def test_two_small_groups_of_exact_low_scores_raise_no_more_alarms_than_stated():
    """Where nothing came true in either, the scores alone lie apart: the spread must come from the scores."""
    rng, two, off = np.random.default_rng(0), grouping(20, 20), np.zeros(2)
    for _ in range(300):
        scores = np.where(two.codes == 0, rng.uniform(0.01, 0.02, 40), rng.uniform(0.03, 0.05, 40))
        truth = rng.random(40) < scores
        plain, _, mass = measures.moments_of(truth - scores, two, None)
        held = measures.at_least_chance(plain, scores, two, None)
        off += [
            measures.mean_gaps(one, mass, "between_groups", 0.95)["difference"].low > 0
            for one in (held, plain)
        ]
    assert off[0] <= stats.binom.ppf(1 - 1e-4, 300, 0.05) < off[1]
