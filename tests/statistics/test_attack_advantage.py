"""The advantage equals its definition, covers as often as it says, and is not lifted by the choice of its threshold."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm

from auditkit.errors import InputError
from auditkit.statistics import advantage, newcombe, roc_curve
from auditkit.statistics.attack_advantage import _best_threshold


def sides(n):
    return np.arange(2 * n) < n


def test_a_given_threshold_is_measured_on_all_records_by_hand():
    scores = [0.9, 0.8, 0.2, 0.7, 0.1]
    found = advantage(scores, [True, True, True, False, False], threshold=0.7)
    assert found.value == pytest.approx(2 / 3 - 1 / 2)
    assert (found.low, found.high) == tuple(map(float, newcombe(2, 3, 1, 2)))
    assert (found.n_pos, found.n_neg, found.n, found.chosen_on) == (3, 2, 5, 0)


def test_the_p_value_by_enumeration():
    named = np.array([1, 1, 1, 0, 0, 1, 0])
    members = 3
    seen = int(named[:members].sum())
    counts = [named[list(some)].sum() for some in combinations(range(7), members)]
    found = advantage(named, np.arange(7) < members, threshold=1)
    assert found.p_value == pytest.approx(np.mean([count >= seen for count in counts]))


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=12), st.lists(st.integers(0, 5), min_size=1, max_size=12)
)
def test_the_threshold_is_the_one_with_the_largest_difference(members, others):
    m, o = np.array(members, dtype=float), np.array(others, dtype=float)
    best = _best_threshold(m, o)
    curve = roc_curve(np.concatenate([m, o]), np.repeat([1, 0], [m.size, o.size]))
    largest = (curve.tpr - curve.fpr).max()
    reached = (m >= best).mean() - (o >= best).mean()
    assert reached == pytest.approx(largest, abs=1e-12)
    assert math.isnan(best) == (largest < 1e-12)


def test_the_halves_hold_half_of_each_side_and_the_seed_decides():
    scores, member = np.arange(21.0), np.arange(21) < 11
    found = [advantage(scores, member, rng=np.random.default_rng(s)) for s in (0, 0, 1)]
    assert (found[0].n_pos, found[0].n_neg, found[0].chosen_on) == (6, 5, 10)
    assert found[0] == found[1]


@pytest.mark.parametrize(("n", "draws"), [(50, 1500), (400, 500)])
@pytest.mark.parametrize("kind", ["smooth", "ties"])
def test_without_a_leak_it_is_quiet_and_not_biased_where_the_largest_difference_is(n, draws, kind):
    rng = np.random.default_rng(1)
    outside, small, values, largest = 0, 0, [], []
    for _ in range(draws):
        scores = rng.normal(size=2 * n) if kind == "smooth" else rng.integers(4, size=2 * n).astype(float)
        found = advantage(scores, sides(n), rng=rng)
        outside += not found.low <= 0 <= found.high
        small += found.p_value <= 0.05
        values.append(found.value)
        curve = roc_curve(scores, sides(n))
        largest.append((curve.tpr - curve.fpr).max())
    assert outside <= binom.ppf(0.999, draws, 0.05)
    assert small <= binom.ppf(0.999, draws, 0.05)
    assert abs(np.mean(values)) < 4 * np.std(values) / math.sqrt(draws)
    assert np.mean(largest) > 0.4 / math.sqrt(n)  # what it would be without the split


@pytest.mark.parametrize("shift", [0.3, 1.0, 2.5])
def test_the_interval_covers_the_advantage_of_the_threshold_chosen(shift):
    # members lie `shift` higher: at a threshold t the advantage is the difference of two normal tails
    rng, draws, n, held = np.random.default_rng(2), 1500, 80, 0
    most = 2 * norm.cdf(shift / 2) - 1
    values = []
    for _ in range(draws):
        found = advantage(rng.normal(size=2 * n) + shift * sides(n), sides(n), rng=rng)
        at = found.threshold
        true = 0.0 if math.isnan(at) else norm.sf(at - shift) - norm.sf(at)
        assert true <= most + 1e-12
        held += found.low <= true <= found.high
        values.append(found.value)
    assert held >= binom.ppf(0.001, draws, 0.94)  # Newcombe's interval covers in 94 to 96% at such sizes
    assert np.mean(values) <= most + 4 * np.std(values) / math.sqrt(draws)


def test_scores_that_point_the_wrong_way_name_nobody():
    found = advantage(-np.arange(40.0), np.arange(40) >= 20, rng=np.random.default_rng(0))
    assert found.value == 0
    assert math.isnan(found.threshold)
    assert found.low < 0 < found.high
    assert found.p_value == 1


def test_naming_nobody_spares_infinite_scores_too():
    member = np.arange(80) >= 40
    found = advantage(np.where(member, 0.0, math.inf), member, rng=np.random.default_rng(0))
    assert math.isnan(found.threshold)
    assert found.value == 0


def test_infinite_scores_are_scores():
    found = advantage([math.inf, math.inf, 0.0, -math.inf], [True, True, False, False], threshold=math.inf)
    assert found.value == 1


def test_a_side_without_rows_leaves_it_undefined():
    found = advantage([1.0, 0.0], [True, True], rng=np.random.default_rng(0))
    assert math.isnan(found.value)
    assert math.isnan(found.p_value)
    assert (found.low, found.high) == (-1, 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: advantage([1.0, 0.0], [True, False]), "pass rng="),
        (lambda: advantage([math.nan, 0.0], [True, False], threshold=0), "are nan"),
        (lambda: advantage([1.0], [True, False], threshold=0), "equally long"),
        (lambda: advantage([1.0, 0.0], [True, False], 95, threshold=0), "type level=0.95"),
        (lambda: advantage([1.0, 0.0], [True, False], threshold=math.nan), "threshold"),
    ],
    ids=["no generator", "nan", "lengths", "level", "nan threshold"],
)
def test_misuse_is_an_error(call, message):
    with pytest.raises(InputError, match=message):
        call()
