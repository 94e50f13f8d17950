"""ROC statistics against scikit-learn and a brute-force DeLong; the trap of ties at low false positive rates."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from sklearn.metrics import roc_auc_score
from sklearn.metrics import roc_curve as sklearn_roc_curve

from auditkit import statistics as ak
from auditkit.errors import InputError


def delong_by_brute_force(scores, labels):
    """All pairs, as written in the paper: the value and the standard error."""
    positives, negatives = scores[labels == 1], scores[labels == 0]
    wins = (positives[:, None] > negatives) + 0.5 * (positives[:, None] == negatives)
    v10, v01 = wins.mean(1), wins.mean(0)
    return wins.mean(), math.sqrt(v10.var(ddof=1) / len(v10) + v01.var(ddof=1) / len(v01))


def sample(rng, m, n, shift, decimals=None):
    scores = np.r_[rng.normal(shift, 1, m), rng.normal(0, 1, n)]
    return (scores if decimals is None else scores.round(decimals)), np.r_[np.ones(m, int), np.zeros(n, int)]


@pytest.mark.parametrize("decimals", [None, 1, 0])
def test_auc_agrees_with_sklearn_and_brute_force(decimals):
    scores, labels = sample(np.random.default_rng(1), 60, 90, 0.7, decimals)
    result = ak.auc(scores, labels)
    value, se = delong_by_brute_force(scores, labels)
    assert result.value == pytest.approx(roc_auc_score(labels, scores), abs=1e-14)
    assert result.value == pytest.approx(value, abs=1e-14)
    assert result.se == pytest.approx(se, rel=1e-12)
    logit, half = math.log(value / (1 - value)), 1.959963984540054 * se / (value * (1 - value))
    expected = [1 / (1 + math.exp(-end)) for end in (logit - half, logit + half)]
    assert [result.low, result.high] == pytest.approx(expected, rel=1e-12)
    assert (result.n_pos, result.n_neg) == (60, 90)


scored = st.lists(st.tuples(st.integers(-6, 6), st.booleans()), min_size=4, max_size=60)


@given(scored)
@settings(max_examples=150, deadline=None)
def test_auc_properties(rows):
    scores, labels = np.array([r[0] for r in rows], float), np.array([r[1] for r in rows])
    result = ak.auc(scores, labels)
    if not 0 < labels.sum() < len(labels):
        assert math.isnan(result.value)
        assert (result.low, result.high) == (0, 1)
        return
    assert 0 <= result.low <= result.value <= result.high <= 1
    assert result.low < result.high  # never certain
    upside_down = ak.auc(-scores, labels)
    assert (upside_down.value, upside_down.low, upside_down.high) == pytest.approx(
        (1 - result.value, 1 - result.high, 1 - result.low), abs=1e-12
    )
    stretched = ak.auc(scores**3 + 2 * scores, labels)
    assert stretched == result
    wider = ak.auc(scores, labels, 0.99)
    assert wider.low <= result.low
    assert wider.high >= result.high


def test_perfect_separation_has_an_exact_lower_end():
    result = ak.auc([1, 2, 3, 4, 5, 6, 7], [0, 0, 0, 1, 1, 1, 1])
    assert (result.value, result.high) == (1, 1)
    # three independent pairs, all the right way round: A^3 = 0.025
    assert result.low == pytest.approx(0.025 ** (1 / 3))
    assert ak.auc([1, 1, 1, 1], [0, 1, 0, 1]).low < 0.5 < ak.auc([1, 1, 1, 1], [0, 1, 0, 1]).high


@pytest.mark.parametrize(("m", "n", "shift"), [(50, 50, 0.0), (50, 500, 0.7), (200, 200, 1.5), (40, 40, 3.0)])
def test_auc_coverage(m, n, shift):
    rng = np.random.default_rng(6)
    true = scipy_stats.norm.cdf(shift / math.sqrt(2))
    trials = 600
    results = [ak.auc(*sample(rng, m, n, shift)) for _ in range(trials)]
    covered = np.mean([r.low <= true <= r.high for r in results])
    assert covered >= 0.94 - 3 * math.sqrt(0.94 * 0.06 / trials)


def test_false_alarms_of_auc_on_useless_scores():
    rng = np.random.default_rng(7)
    trials = 1000
    alarms = np.mean(
        [not r.low <= 0.5 <= r.high for r in (ak.auc(*sample(rng, 80, 60, 0)) for _ in range(trials))]
    )
    assert alarms <= 0.055 + 3 * math.sqrt(0.05 * 0.95 / trials)


def test_trap_ties_at_the_top_are_nan_with_a_reason_and_never_zero():
    # a tree that gives probability 1.0 to half the members and to 5 of 100 non-members
    scores = np.r_[np.ones(50), np.linspace(0, 0.9, 50), np.ones(5), np.linspace(0, 0.9, 95)]
    labels = np.r_[np.ones(100), np.zeros(100)]
    point = ak.tpr_at_fpr(scores, labels, 0.01)
    assert math.isnan(point.tpr)
    assert math.isnan(point.low)
    assert not point.resolvable
    assert "5 of 100 negatives share the highest score" in point.reason
    fair = ak.tpr_at_fpr(scores, labels, 0.05)
    assert (fair.tpr, fair.achieved_fpr, fair.threshold, fair.resolvable) == (0.5, 0.05, 1.0, True)


def test_a_rate_below_one_negative_is_not_resolvable():
    scores, labels = sample(np.random.default_rng(1), 100, 100, 5)
    point = ak.tpr_at_fpr(scores, labels, 0.001)
    assert "the smallest false positive rate 100 negatives can resolve is 0.01" in point.reason
    assert ak.tpr_at_fpr(scores, labels, 0.01).resolvable  # exactly one negative, whatever the rounding


def test_a_class_without_rows_is_not_resolvable():
    assert "0 positives and 2 negatives" in ak.tpr_at_fpr([1, 2], [0, 0], 0.5).reason


def test_an_honest_zero_stays_zero():
    point = ak.tpr_at_fpr([9, 1, 2, 3], [0, 1, 1, 0], 0.5)
    assert (point.tpr, point.achieved_fpr, point.resolvable) == (0, 0.5, True)
    assert point.high > 0.5


@given(scored, st.floats(0.05, 1))
@settings(max_examples=150, deadline=None)
def test_tpr_at_fpr_is_the_best_threshold_by_search(rows, fpr):
    scores, labels = np.array([r[0] for r in rows], float), np.array([r[1] for r in rows])
    m, n = labels.sum(), (~labels).sum()
    point = ak.tpr_at_fpr(scores, labels, fpr)
    if not m or not n or fpr * n < 1:
        assert not point.resolvable
        return
    allowed = [t for t in np.unique(scores) if (scores[~labels] >= t).sum() <= fpr * n + 1e-9]
    if not allowed:
        assert not point.resolvable
        assert math.isnan(point.tpr)
        return
    positives, negatives = (scores[labels] >= min(allowed)).sum(), (scores[~labels] >= min(allowed)).sum()
    assert (point.threshold, point.tpr, point.achieved_fpr) == pytest.approx(
        (min(allowed), positives / m, negatives / n)
    )
    exact = scipy_stats.binomtest(int(positives), int(m)).proportion_ci(0.95, method="exact")
    assert (point.low, point.high) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_both_intervals_cover_at_the_threshold_found():
    rng = np.random.default_rng(12)
    trials = 1000
    covered = np.zeros(2)
    for _ in range(trials):
        point = ak.tpr_at_fpr(*sample(rng, 100, 300, 1), fpr=0.01)
        tpr, fpr = scipy_stats.norm.sf(point.threshold - 1), scipy_stats.norm.sf(point.threshold)
        covered += point.low <= tpr <= point.high, point.fpr_low <= fpr <= point.fpr_high
    assert (covered / trials >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / trials)).all()


def test_infinite_scores_have_ranks():
    point = ak.tpr_at_fpr([np.inf, 2, 1, -np.inf], [1, 1, 0, 0], 0.5)
    assert point.tpr == 1
    assert ak.tpr_at_fpr([np.inf, -np.inf, 1, -np.inf], [1, 1, 0, 0], 1).threshold == -np.inf
    assert ak.auc([np.inf, 2, 1, -np.inf], [1, 1, 0, 0]).value == 1


def test_roc_curve_is_sklearns_when_short():
    scores, labels = sample(np.random.default_rng(3), 40, 60, 1, 1)
    fpr, tpr, thresholds = sklearn_roc_curve(labels, scores, drop_intermediate=False)
    ours = ak.roc_curve(scores, labels)
    np.testing.assert_allclose(ours.fpr, fpr, atol=1e-12)
    np.testing.assert_allclose(ours.tpr, tpr, atol=1e-12)
    np.testing.assert_array_equal(ours.thresholds, thresholds)


def test_a_thinned_curve_keeps_true_points_and_the_low_end():
    scores, labels = sample(np.random.default_rng(3), 20_000, 30_000, 1)
    full, thin = ak.roc_curve(scores, labels, max_points=10**6), ak.roc_curve(scores, labels)
    assert len(thin.fpr) <= 512
    assert {*zip(thin.fpr, thin.tpr, strict=True)} <= {*zip(full.fpr, full.tpr, strict=True)}
    assert (thin.fpr[0], thin.tpr[0], thin.fpr[-1], thin.tpr[-1]) == (0, 0, 1, 1)
    for decade in (1e-4, 1e-3, 1e-2, 1e-1):
        assert ((thin.fpr > decade / 2) & (thin.fpr <= 2 * decade)).sum() >= 4
    area = (np.diff(thin.fpr) * (thin.tpr[1:] + thin.tpr[:-1]) / 2).sum()
    assert area == pytest.approx(ak.auc(scores, labels).value, abs=2e-4)


def test_a_million_rows_take_seconds_not_minutes():
    scores, labels = sample(np.random.default_rng(0), 500_000, 500_000, 0.1, 3)
    assert ak.auc(scores, labels).value == pytest.approx(scipy_stats.norm.cdf(0.1 / math.sqrt(2)), abs=0.003)
    assert ak.tpr_at_fpr(scores, labels, 1e-3).resolvable


@pytest.mark.parametrize("function", [ak.auc, ak.roc_curve, lambda s, y: ak.tpr_at_fpr(s, y, 0.1)])
@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([0.1, np.nan, 0.3], [0, 1, 1], "1 of 3 scores are nan"),
        ([0.1, 0.2], [0, 2], "0 or 1"),
        ([0.1, 0.2], [0, 1, 1], "equally long"),
    ],
)
def test_unusable_scores_are_refused(function, scores, labels, message):
    with pytest.raises(InputError, match=message):
        function(scores, labels)


@pytest.mark.parametrize("fpr", [0, -1, 1.5])
def test_fpr_is_a_rate(fpr):
    with pytest.raises(InputError, match=r"type fpr=0\.01"):
        ak.tpr_at_fpr([1, 2], [0, 1], fpr)


def test_a_curve_needs_both_classes():
    with pytest.raises(InputError, match="both classes"):
        ak.roc_curve([1, 2], [1, 1])
