"""Near ends of gaps: whom they are about is said once, with the right word, in the reason and in the sentence at the top."""

from __future__ import annotations

import numpy as np
import pytest

from auditkit import Criterion, Dataset, Subject
from auditkit.checks.bias import (
    calibration_by_group,
    demographic_parity,
    error_rates,
    group_metrics,
    ranking_by_group,
)
from auditkit.deciding import records_to_decide
from auditkit.predictors import from_predictions
from auditkit.statistics import (
    bootstrap_gaps,
    largest_calibration_gap,
    largest_distance,
    largest_mean_distance,
    largest_mean_gap,
    reliability,
    smallest_mean_ratio,
)

NEAR = "the interval begins at"


def observe(check, subject, **options):
    return check(subject, rng=np.random.default_rng(0), **options)


def selected(**groups):
    """Groups given by (selected, records)."""
    names = np.repeat(list(groups), [n for _, n in groups.values()])
    said = np.concatenate([np.arange(n) < x for x, n in groups.values()]).astype(int)
    return names, said


def of_labels(said, y, names, **more):
    return Subject("s", from_predictions(labels=said, classes=[0, 1]), Dataset(None, y, {"g": names}, **more), positive=1)  # fmt: skip


FEW_AND_MANY = {"a": (0, 3), "b": (700, 2000), "c": (1300, 2000), "d": (3, 3)}


def test_the_sentence_names_the_largest_observed_and_where_the_interval_begins():
    names, said = selected(**FEW_AND_MANY)
    evidence = observe(demographic_parity, of_labels(said, said, names))
    m = evidence.measurement("demographic_parity_difference", "g")
    assert m.reason.startswith("g=a against g=d; 3 records against 3 records; ")
    assert f"{NEAR} g=b against g=c, 2,000 records against 2,000 records" in m.reason
    assert evidence.says.endswith(f"], g=a against g=d; {NEAR} g=b against g=c.")
    assert ": largest observed 1.000 [" in evidence.says


def test_the_interval_of_a_ratio_ends_there():
    names, said = selected(**FEW_AND_MANY)
    m = observe(group_metrics, of_labels(said, said, names)).measurement("selection_rate_ratio", "g")
    assert "the interval ends at g=b against g=c" in m.reason
    assert NEAR not in m.reason


def test_held_against_all_records_the_surest_group_is_named():
    names, said = selected(**FEW_AND_MANY)
    evidence = observe(group_metrics, of_labels(said, said, names), method="to_overall")
    for metric, verb in (
        ("selection_rate_difference", NEAR),
        ("selection_rate_ratio", "the interval ends at"),
    ):
        m = evidence.measurement(metric, "g")
        assert verb in m.reason
        assert "against all records, 2,000 records" in m.reason


def test_equalized_odds_has_one_clause():
    """The larger gap is in one rate, and its interval begins with two groups of the other: that alone is said."""
    names, said = selected(**FEW_AND_MANY, e=(0, 3), f=(700, 2000), g=(1400, 2000), h=(2, 3))
    y = np.isin(names, list("abcd")).astype(int)
    who = np.array([{"e": "a", "f": "b", "g": "c", "h": "d"}.get(n, n) for n in names])
    evidence = observe(error_rates, of_labels(said, y, who))
    for m in (
        evidence.measurement("equalized_odds_difference", "g"),
        observe(group_metrics, of_labels(said, y, who)).measurement("equalized_odds_ratio", "g"),
    ):
        verb = "the interval ends at" if m.metric.endswith("ratio") else NEAR
        assert m.reason.count(verb) == 1
    m = evidence.measurement("equalized_odds_difference", "g")
    assert f"{NEAR} the " in m.reason
    assert f"g=a against g=d; {NEAR} the " in evidence.says
    assert records_to_decide(m, Criterion(m.metric, at_most=m.interval.low + 0.05)) is None


def test_no_number_is_given_where_the_end_belongs_to_others():
    names, said = selected(**FEW_AND_MANY)
    m = observe(demographic_parity, of_labels(said, said, names)).measurement("demographic_parity_difference", "g")  # fmt: skip
    assert records_to_decide(m, Criterion(m.metric, at_most=m.interval.low + 0.05)) is None
    names, said = selected(b=(800, 2000), c=(1200, 2000))
    m = observe(demographic_parity, of_labels(said, said, names)).measurement("demographic_parity_difference", "g")  # fmt: skip
    assert records_to_decide(m, Criterion(m.metric, at_most=m.interval.low + 0.01)) > m.n


# every kind of gap


def test_means_name_the_surest_pair():
    mean, variance, n = np.array([0.5, 1.0, 2.0, 2.5]), np.full(4, 1.0), np.array([3.0, 900, 900, 3])
    gap = largest_mean_gap(mean * n, variance * (n - 1) + mean**2 * n, n)
    assert (gap.lowest_index, gap.highest_index, gap.surest) == (0, 3, (1, 2))
    ratio = smallest_mean_ratio(mean + 5, variance, n)
    assert (ratio.lowest_index, ratio.highest_index, ratio.surest) == (0, 3, (1, 2))
    assert largest_mean_distance(mean, variance, n).surest in {(1, 1), (2, 2)}
    assert largest_distance([0, 700, 1300, 3], [3, 2000, 2000, 3]).surest in {(1, 1), (2, 2)}
    alike = largest_mean_gap([3.0, 3.1], [4.0, 4.1], [3, 3])
    assert alike.surest is None


def test_balanced_accuracy_names_the_surest_pair():
    cells = np.array([[1, 3, 3, 1], [600, 400, 400, 600], [900, 100, 100, 900], [4, 0, 0, 4]])

    def balanced(c):
        return (c[..., 3] / c[..., 2:].sum(-1) + c[..., 0] / c[..., :2].sum(-1)) / 2

    for kind in ("difference", "ratio"):
        gap = bootstrap_gaps(cells, {"it": balanced}, rng=np.random.default_rng(0), kind=kind)["it"]
        assert (gap.lowest_index, gap.highest_index, gap.surest) == (0, 3, (1, 2))


def test_calibration_errors_name_the_surest_pair():
    rng = np.random.default_rng(1)
    groups = []
    for n, off in ((3000, 0.0), (3000, 0.2), (40, 0.28)):
        p = rng.uniform(0.2, 0.7, n)
        groups.append(reliability(p, rng.random(n) < p + off))
    gap = largest_calibration_gap(groups, rng=rng)
    assert gap.surest == (0, 1)


# within strata


def in_strata():
    rng, n = np.random.default_rng(3), 3000
    shift, names = rng.choice(["day", "night"], n), rng.choice(["f", "m"], n)
    said = (rng.random(n) < np.where((shift == "day") & (names == "m"), 0.7, 0.4)).astype(int)
    return said, rng.integers(2, size=n), names, shift


def test_the_worst_of_strata_asks_one_question_in_every_check_and_form():
    said, y, names, shift = in_strata()
    subject = of_labels(said, y, names, control_features={"shift": shift})
    asked = {
        observe(check, subject).measurement(metric, "g | worst of strata").hypothesis
        for check, metric in (
            (demographic_parity, "demographic_parity_difference"),
            (group_metrics, "selection_rate_difference"),
            (group_metrics, "selection_rate_ratio"),
        )
    }
    assert asked == {"selection_rate alike over g within strata"}
    assert observe(demographic_parity, subject).measurement("demographic_parity_difference", "g").hypothesis not in asked  # fmt: skip


def test_the_worst_of_strata_begins_where_the_surest_stratum_does():
    said, y, names, shift = in_strata()
    names, shift, said, y = (np.r_[a, b] for a, b in ((names, ["f", "f", "m", "m"]), (shift, ["dusk"] * 4), (said, [0, 0, 1, 1]), (y, [0, 1, 0, 1])))  # fmt: skip
    evidence = observe(demographic_parity, of_labels(said, y, names, control_features={"shift": shift}))
    m = evidence.measurement("demographic_parity_difference", "g | worst of strata")
    assert m.value == 1
    assert m.reason.startswith("g | shift=dusk: ")
    assert m.reason.count(NEAR) == 1
    assert f"{NEAR} g | shift=day: " in m.reason


def test_a_stratum_of_one_group_names_it_and_gives_no_number():
    said, y, names, shift = in_strata()
    names = np.where(shift == "night", "f", names)
    evidence = observe(demographic_parity, of_labels(said, y, names, control_features={"shift": shift}))
    alone = evidence.measurement("demographic_parity_difference", "g | shift=night")
    assert "got 1: only g=f | shift=night has any" in alone.reason
    for word in ("worst", "mean"):
        m = evidence.measurement("demographic_parity_difference", f"g | {word} of strata")
        assert m.missing == "undefined in 1 of 2 strata"
        for limit in (m.value + 0.1, m.value - 0.05):
            asked = records_to_decide(m, Criterion(m.metric, at_most=limit))
            assert asked is None or (word == "worst" and limit < m.value)


# what is possible


@pytest.mark.parametrize("n", [2, 3, 12])
def test_means_of_probabilities_stay_within_what_is_possible(n):
    rng = np.random.default_rng(n)
    y, names = np.tile([0, 1], n), np.repeat(["a", "b"], n)
    scores = from_predictions(
        scores=np.where(names == "a", 1 - y, y) * 0.98 + 0.02 * rng.random(2 * n), classes=[0, 1]
    )
    subject = Subject("s", scores, Dataset(None, y, {"g": names}), positive=1)
    most = {"brier_score": 1, "mean_score": 1, "calibration_in_the_large": 2}
    for check in (calibration_by_group, ranking_by_group):
        for m in observe(check, subject).measurements:
            base = m.metric.removesuffix("_difference")
            if m.interval is not None and base in most:
                top = most[base] if m.metric.endswith("difference") else 1
                assert -1 <= m.interval.low <= m.interval.high <= top
