"""Lower bounds on epsilon: printed values, direct summation, and how often they claim too much."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from auditkit.errors import InputError
from auditkit.statistics.privacy_bounds import one_run_epsilon, one_run_p_value, two_sample_epsilon
from auditkit.statistics.privacy_guesses import one_run_guesses, paired_guesses

# of 1,000 trials at a true rate of 0.05, more than this are seen once in 1,000
MOST_FALSE_ALARMS = stats.binom.ppf(0.999, 1000, 0.05) / 1000


def slow_p_value(v, r, m, epsilon, delta):
    """Corollary 5.4 term by term, with whole-number binomial coefficients."""
    q = math.exp(epsilon) / (1 + math.exp(epsilon))
    chance = [math.comb(r, k) * q**k * (1 - q) ** (r - k) for k in range(r + 1)]
    ratios = [math.fsum(chance[v - i : v]) / i for i in range(1, v + 1)]
    return min(math.fsum(chance[v:]) + 2 * m * delta * max(ratios, default=0.0), 1.0)


def slow_bound(v, r, m, delta, level):
    low, high = 0.0, 50.0
    if slow_p_value(v, r, m, low, delta) >= 1 - level:
        return 0.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if slow_p_value(v, r, m, middle, delta) < 1 - level else (low, middle)
    return low


@st.composite
def counts(draw):
    r = draw(st.integers(0, 60))
    return draw(st.integers(0, r)), r, r + draw(st.integers(0, 40))


deltas = st.sampled_from([0.0, 1e-6, 1e-4, 1e-3])
levels = st.sampled_from([0.5, 0.9, 0.95, 0.99])


@pytest.mark.parametrize(
    ("v", "r", "m", "delta", "printed"),
    [
        (75, 100, 100, 0.0, 0.702),
        (75, 100, 100, 1e-4, 0.699),
        (75, 100, 1000, 1e-4, 0.673),
        (1439, 1510, 100_000, 1e-5, 2.675),
    ],
)
def test_values_printed_in_the_paper(v, r, m, delta, printed):
    # Steinke et al. 2023, appendix D, and section 7; the last is cut off, not rounded
    assert one_run_epsilon(v, r, m, delta=delta).low == pytest.approx(printed, abs=1e-3)


def test_p_value_printed_in_the_paper():
    assert one_run_p_value(75, 100, 100, epsilon=math.log(3)) == pytest.approx(0.553, abs=5e-4)


@given(counts(), st.floats(0, 6), deltas)
@settings(max_examples=200, deadline=None)
def test_p_value_is_the_direct_sum(case, epsilon, delta):
    v, r, m = case
    expected = slow_p_value(v, r, m, epsilon, delta)
    assert one_run_p_value(v, r, m, epsilon=epsilon, delta=delta) == pytest.approx(
        expected, rel=1e-9, abs=1e-300
    )


@given(counts(), deltas, levels)
@settings(max_examples=200, deadline=None)
def test_bound_is_the_slow_bisection(case, delta, level):
    v, r, m = case
    expected = slow_bound(v, r, m, delta, level)
    assert one_run_epsilon(v, r, m, delta=delta, level=level).low == pytest.approx(expected, abs=1e-8)


@given(counts(), deltas, levels)
@settings(max_examples=200, deadline=None)
def test_bound_grows_with_right_guesses_and_falls_with_level_and_delta(case, delta, level):
    v, r, m = case
    bound = one_run_epsilon(v, r, m, delta=delta, level=level)
    assert 0.0 <= bound.low <= bound.most < math.inf
    if v < r:
        assert bound.low <= one_run_epsilon(v + 1, r, m, delta=delta, level=level).low + 1e-9
    assert one_run_epsilon(v, r, m, delta=delta, level=0.999).low <= bound.low + 1e-9
    assert one_run_epsilon(v, r, m, delta=2 * delta, level=level).low <= bound.low + 1e-9


@given(counts(), deltas, st.floats(0, 5), st.floats(0, 1))
@settings(max_examples=200, deadline=None)
def test_p_value_grows_with_epsilon_while_it_could_reject(case, delta, epsilon, more):
    # so that there is one epsilon at which it crosses 1 - level
    v, r, m = case
    here, further = (one_run_p_value(v, r, m, epsilon=e, delta=delta) for e in (epsilon, epsilon + more))
    assert here <= further + 1e-12 or here > 0.5


@given(counts(), st.floats(0, 6))
@settings(max_examples=200, deadline=None)
def test_bound_and_p_value_tell_the_same(case, epsilon):
    v, r, m = case
    low = one_run_epsilon(v, r, m).low
    if abs(low - epsilon) > 1e-6:
        assert (one_run_p_value(v, r, m, epsilon=epsilon) < 0.05) == (low > epsilon)


def test_edges():
    # all right: q^r = 0.05 with q = 1 / (1 + exp(-epsilon))
    perfect = one_run_epsilon(16, 16, 16)
    assert perfect.low == perfect.most == pytest.approx(-math.log(0.05 ** (-1 / 16) - 1), abs=1e-12)
    assert perfect.estimate == math.inf
    assert one_run_epsilon(0, 16, 16).low == 0.0
    # four right guesses of four happen by chance once in 16
    assert one_run_epsilon(4, 4, 4).most == 0.0
    nothing = one_run_epsilon(0, 0, 5, delta=1e-3)
    assert (nothing.low, nothing.most, nothing.n) == (0.0, 0.0, 0)
    assert math.isnan(nothing.estimate)
    # a delta that explains everything
    assert one_run_epsilon(100, 100, 100, delta=0.5).low == 0.0
    # far out in the tail the numbers stay finite
    assert one_run_epsilon(100_000, 100_000, 100_000).low == pytest.approx(
        -math.log(math.expm1(-math.log(0.05) / 1e5)), rel=1e-9
    )


@pytest.mark.parametrize("epsilon", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("fixed_sizes", [False, True])
def test_randomised_response_is_rarely_overstated(epsilon, fixed_sizes):
    # every record's bit is told, and told wrongly with probability 1 / (1 + exp(epsilon)): epsilon for a change of
    # one bit, and twice that for an exchange, which changes two
    rng = np.random.default_rng(11)
    m, r, trials = 400, 100, 1000
    truth = 2 * epsilon if fixed_sizes else epsilon
    over, total, seen = 0, 0.0, {}
    for _ in range(trials):
        inside = rng.permutation(np.arange(m) < m // 2) if fixed_sizes else rng.random(m) < 0.5
        told = inside ^ (rng.random(m) < 1 / (1 + math.exp(epsilon)))
        found = (
            paired_guesses(told, inside, guesses=r, rng=rng)
            if fixed_sizes
            else one_run_guesses(told, inside, positive=r // 2, negative=r // 2, rng=rng)
        )
        low = seen.setdefault(found, one_run_epsilon(*found).low)
        over += low > truth
        total += low
    assert over / trials <= MOST_FALSE_ALARMS
    # and it is not idle: the guesses are as good as can be, so the mean bound lies within reach of the truth
    if epsilon and not fixed_sizes:
        assert total / trials > truth - 0.65


def test_delta_that_is_used_in_full_is_rarely_overstated():
    # randomised response which now and then gives away a block of records, so that each is in it with probability delta
    rng = np.random.default_rng(12)
    m, epsilon, delta, block, trials = 200, 0.5, 2e-3, 20, 1000
    over = 0
    for _ in range(trials):
        inside = rng.random(m) < 0.5
        told = inside ^ (rng.random(m) < 1 / (1 + math.exp(epsilon)))
        if rng.random() < m * delta / block:
            told = np.where(np.arange(m) < block, inside, told)
        over += one_run_epsilon(int((told == inside).sum()), m, m, delta=delta).low > epsilon
    assert over / trials <= MOST_FALSE_ALARMS


def test_many_guesses_come_near_the_truth():
    epsilon = 2.0
    rate = 1 / (1 + math.exp(-epsilon))
    bounds = [one_run_epsilon(round(n * rate), n, n).low for n in (100, 10_000, 1_000_000)]
    assert bounds == sorted(bounds)
    # the log odds of a rate have standard error 1 / sqrt(n q (1 - q))
    assert bounds[-1] == pytest.approx(epsilon - 1.645 / math.sqrt(1e6 * rate * (1 - rate)), abs=1e-3)


def test_the_best_of_many_numbers_of_guesses_is_a_false_alarm_and_a_fixed_one_is_not():
    rng = np.random.default_rng(13)
    trials, m = 1000, 1000
    tries = np.arange(10, 501, 10)
    enough = {
        k: next(v for v in range(2 * k + 1) if one_run_p_value(v, 2 * k, m) < 0.05) for k in tries.tolist()
    }
    fixed = best = 0
    for _ in range(trials):
        inside = rng.random(m) < 0.5  # the scores say nothing: any order of the records will do
        right = np.cumsum(inside)[tries - 1] + np.cumsum(~inside[::-1])[tries - 1]
        claims = right >= np.array([enough[k] for k in tries.tolist()])
        fixed += claims[9]
        best += claims.any()
    assert fixed / trials <= MOST_FALSE_ALARMS
    assert best / trials > 0.2


def test_a_split_of_fixed_sizes_taken_for_coins_claims_too_much_and_pairs_do_not():
    # five of ten are members; the scores say nothing: guess the first five in, the last five out
    splits = list(combinations(range(10), 5))
    level = 0.94
    right = [sum(i < 5 for i in split) + sum(i >= 5 for i in range(10) if i not in split) for split in splits]
    alarms = np.mean([one_run_epsilon(v, 10, 10, level=level).low > 0 for v in right])
    assert alarms == pytest.approx(26 / 252)  # four or five of the first five, by counting; 0.06 was promised
    rng = np.random.default_rng(14)
    paired = [
        one_run_epsilon(
            *paired_guesses(np.arange(10), np.isin(range(10), split), guesses=5, rng=rng), level=level
        )
        for split in splits * 8
    ]
    # P[5 of 5] = 1 / 32
    assert np.mean([bound.low > 0 for bound in paired]) == pytest.approx(1 / 32, abs=0.016)


def test_leak_free_splits_with_strata_and_unequal_sizes_are_quiet():
    # scores and membership both hang on the stratum, and on nothing else
    rng = np.random.default_rng(15)
    strata = np.repeat(["a", "b"], [120, 180])
    with_strata = without = 0
    for _ in range(500):
        inside = np.concatenate([rng.permutation(120) < 100, rng.permutation(180) < 60])
        scores = (strata == "a") * 2.0 + rng.normal(size=300)
        plain = paired_guesses(scores, inside, guesses=50, rng=rng)
        own = paired_guesses(scores, inside, guesses=50, rng=rng, strata=strata)
        assert own.records == 20 + 60
        without += one_run_epsilon(*plain).low > 0
        with_strata += one_run_epsilon(*own).low > 0
    assert with_strata / 500 <= stats.binom.ppf(0.999, 500, 0.05) / 500
    assert without / 500 > 0.5


def test_equal_scores_do_not_betray_the_order_of_the_rows():
    rng = np.random.default_rng(16)
    inside = np.arange(400) < 200
    found = [one_run_guesses(np.zeros(400), inside, positive=100, negative=100, rng=rng) for _ in range(50)]
    pairs = [paired_guesses(np.full(400, np.inf), inside, guesses=100, rng=rng) for _ in range(50)]
    # 10,000 and 5,000 coins
    assert sum(one.correct for one in found) / 10_000 == pytest.approx(0.5, abs=0.025)
    assert sum(one.correct for one in pairs) / 5_000 == pytest.approx(0.5, abs=0.035)


def test_guesses_are_counted_by_hand():
    rng = np.random.default_rng(0)
    scores, inside = [5.0, 4.0, 3.0, 2.0, 1.0, -np.inf], [True, False, True, False, True, False]
    assert one_run_guesses(scores, inside, positive=2, negative=2, rng=rng) == (1 + 1, 4, 6)
    assert one_run_guesses(scores, inside, positive=3, negative=0, rng=rng) == (2, 3, 6)
    # one pair a stratum: 5 against 4, -inf against 1; the record alone in its stratum has no partner
    found = paired_guesses(scores, inside, guesses=2, rng=rng, strata=["a", "a", "b", "c", "d", "d"])
    assert found == (2, 2, 2)
    assert paired_guesses(-np.array(scores), inside, guesses=2, rng=rng, strata=list("aabcdd")) == (0, 2, 2)


@pytest.mark.parametrize("delta", [0.0, 0.01])
def test_two_samples_by_hand(delta):
    # one-sided limits at 0.025 each, from the beta distribution
    tpr, fpr = stats.beta.ppf(0.025, 90, 11), stats.beta.ppf(0.975, 3, 98)
    found = two_sample_epsilon(90, 100, 2, 100, delta=delta)
    assert found.low == pytest.approx(math.log((tpr - delta) / fpr), abs=1e-12)
    assert found.estimate == pytest.approx(math.log((0.9 - delta) / 0.02))
    # the other way round: positives and negatives, right and wrong change places
    mirrored = two_sample_epsilon(98, 100, 10, 100, delta=delta)
    assert mirrored.low == pytest.approx(found.low, abs=1e-9)
    most = math.log((0.025 ** (1 / 100) - delta) / (1 - 0.025 ** (1 / 100)))
    assert found.most == mirrored.most == pytest.approx(most)


def test_two_samples_at_the_edges():
    assert two_sample_epsilon(0, 10, 0, 10).low == 0.0
    assert (
        two_sample_epsilon(0, 10, 10, 10).low == 0.0
    )  # the wrong way round is no evidence for this direction
    assert two_sample_epsilon(100, 100, 0, 100).estimate == math.inf
    empty = two_sample_epsilon(0, 0, 0, 0)
    assert (empty.low, empty.most, empty.n) == (0.0, 0.0, 0)
    assert math.isnan(empty.estimate)


@pytest.mark.parametrize("epsilon", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("mirrored", [False, True])
def test_two_samples_are_rarely_overstated(epsilon, mirrored):
    # the corner of the region of epsilon-privacy where one direction is tight: FPR 0.02, or its mirror image
    fpr = 0.02
    tpr = fpr * math.exp(epsilon)
    fpr, tpr = (1 - tpr, 1 - fpr) if mirrored else (fpr, tpr)
    rng = np.random.default_rng(17)
    hits, alarms = rng.binomial(500, tpr, 1000), rng.binomial(500, fpr, 1000)
    low = [
        two_sample_epsilon(h, 500, a, 500).low for h, a in zip(hits.tolist(), alarms.tolist(), strict=True)
    ]
    assert np.mean(np.array(low) > epsilon) <= MOST_FALSE_ALARMS


def test_two_samples_come_near_the_truth_with_many_trials():
    n = 4_000_000
    found = two_sample_epsilon(round(n * 0.02 * math.e), n, round(n * 0.02), n)
    assert 0.985 < found.low < 1.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: one_run_epsilon(3, 2, 5),
        lambda: one_run_epsilon(1, 6, 5),
        lambda: one_run_epsilon(-1, 2, 5),
        lambda: one_run_epsilon(1, 2, 5, delta=1.0),
        lambda: one_run_epsilon(1, 2, 5, level=1.0),
        lambda: one_run_p_value(1, 2, 5, epsilon=-1.0),
        lambda: one_run_p_value(1, 2, 5, epsilon=math.nan),
        lambda: two_sample_epsilon(3, 2, 0, 1),
        lambda: two_sample_epsilon(0, 2, 0, 1, delta=-0.1),
        lambda: one_run_guesses([1.0], [True, False], positive=1, negative=0, rng=np.random.default_rng(0)),
        lambda: one_run_guesses([1.0, math.nan], [1, 0], positive=1, negative=0, rng=np.random.default_rng(0)),
        lambda: one_run_guesses([1.0, 2.0], [2, 0], positive=1, negative=0, rng=np.random.default_rng(0)),
        lambda: one_run_guesses([1.0, 2.0], [1, 0], positive=2, negative=1, rng=np.random.default_rng(0)),
        lambda: paired_guesses([1.0, 2.0], [1, 0], guesses=2, rng=np.random.default_rng(0)),
        lambda: paired_guesses([1.0, 2.0], [1, 0], guesses=1, rng=np.random.default_rng(0), strata=["a"]),
    ],
)  # fmt: skip
def test_impossible_arguments_are_refused(call):
    with pytest.raises(InputError, match=r"must|expected|nan"):
        call()
