import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, spearmanr

from auditkit.errors import InputError
from auditkit.methods.lira import lira_offline, lira_online
from auditkit.methods.reference_attack import difficulty_calibrated
from auditkit.methods.references import complementary_halves, moments
from auditkit.statistics import auc, tpr_at_fpr

VARIANCES = ["fixed", "per_record"]


def world(rng, n, k, delta, sd_in=1.0):
    """Normal signals about each record's own difficulty; a model is `delta` surer of its own rows. And a target."""
    mask = complementary_halves(n, k, rng)
    member = np.arange(n) % 2 == 0
    difficulty = rng.normal(0, 3, n)

    def signals(inside):
        return difficulty + delta * inside + np.where(inside, sd_in, 1.0) * rng.normal(size=inside.shape)

    return signals(member), signals(mask), mask, member


# equality with the paper's definitions -------------------------------------------------------------------


def pooled_by_hand(rows):
    scatter = sum(sum((value - np.mean(row)) ** 2 for value in row) for row in rows)
    freedom = sum(len(row) - 1 for row in rows)
    return math.sqrt(scatter / freedom)


def by_hand(target, references, mask, variance, online):
    """Algorithm 1 of the paper, one record at a time."""
    n = len(target)
    inside = [[references[j][i] for j in range(len(mask)) if mask[j][i]] for i in range(n)]
    outside = [[references[j][i] for j in range(len(mask)) if not mask[j][i]] for i in range(n)]
    pooled_out = pooled_by_hand(outside)
    pooled_in = pooled_by_hand(inside) if online else pooled_out
    floor = 0.1 * max(pooled_in, pooled_out)

    def spread(values, pooled):
        own = pooled if variance == "fixed" else np.std(values, ddof=1)
        return max(own, floor)

    scores = []
    for t, ins, outs in zip(target, inside, outside, strict=True):
        sd_out = spread(outs, pooled_out)
        if online:
            sd_in = spread(ins, pooled_in)
            scores.append(norm.logpdf(t, np.mean(ins), sd_in) - norm.logpdf(t, np.mean(outs), sd_out))
        else:
            scores.append(norm.cdf((t - np.mean(outs)) / sd_out))
    return scores


@pytest.mark.parametrize("variance", VARIANCES)
@pytest.mark.parametrize("k", [6, 24])
def test_lira_equals_the_paper_record_by_record(variance, k):
    target, references, mask, _ = world(np.random.default_rng(0), 60, k, 1.5, sd_in=0.6)
    online = lira_online(target, references, mask, variance=variance)
    np.testing.assert_allclose(
        online, by_hand(target, references, mask, variance, True), rtol=1e-9, atol=1e-9
    )
    offline = lira_offline(target, references, mask, variance=variance)
    np.testing.assert_allclose(
        norm.cdf(offline), by_hand(target, references, mask, variance, False), atol=1e-9
    )


@given(st.integers(2, 5), st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_records_with_models_in_any_order_and_unequal_numbers_are_scored_alike(pairs, n, seed):
    rng = np.random.default_rng(seed)
    mask = rng.random((2 * pairs, n)) < 0.5
    mask[:2], mask[2:4] = True, False
    target, references = rng.normal(size=n), rng.normal(size=(2 * pairs, n))
    shuffle = rng.permutation(2 * pairs)
    for attack in (lira_online, lira_offline):
        for variance in VARIANCES:
            one = attack(target, references, mask, variance=variance)
            other = attack(target, references[shuffle], mask[shuffle], variance=variance)
            np.testing.assert_array_equal(one, other)


def test_with_one_spread_the_offline_order_is_that_of_the_calibrated_signal():
    target, references, mask, _ = world(np.random.default_rng(1), 300, 8, 1.0)
    lira = lira_offline(target, references, mask)
    calibrated = difficulty_calibrated(target, references, mask)
    assert spearmanr(lira, calibrated).statistic == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(lira * moments(references, ~mask).pooled(), calibrated, rtol=1e-9)


def test_online_and_offline_agree_where_models_are_many_and_spreads_equal():
    # with known means and sd 1: log ratio = delta z - delta**2 / 2
    delta, apart = 2.0, []
    for k in (16, 256, 4096):
        target, references, mask, _ = world(np.random.default_rng(2), 200, k, delta)
        online, offline = lira_online(target, references, mask), lira_offline(target, references, mask)
        apart.append(np.abs(online - (delta * offline - delta**2 / 2)).mean())
    assert apart[0] > apart[1] > apart[2]
    assert apart[2] < 0.1


# guilty and innocent -------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [4, 16])
def test_offline_finds_the_planted_leak_at_its_known_size(k):
    # t - mean_out is normal with variance 1 + 1/(k/2), shifted by delta for members
    delta, n = 1.5, 20_000
    target, references, mask, member = world(np.random.default_rng(3), n, k, delta)
    score = lira_offline(target, references, mask)
    shift = delta / math.sqrt(1 + 2 / k)
    found = auc(score, member)
    # the standard error of an AUC of 20,000 rows is at most 0.0041
    assert found.value == pytest.approx(norm.cdf(shift / math.sqrt(2)), abs=0.012)
    for fpr in (0.1, 0.01):
        expected = norm.sf(norm.isf(fpr) - shift)
        assert tpr_at_fpr(score, member, fpr).tpr == pytest.approx(expected, abs=0.035)
    # the raw signal drowns in the difficulty of the records: variance 9 + 1
    assert auc(target, member).value == pytest.approx(norm.cdf(delta / math.sqrt(20)), abs=0.012)


def test_online_finds_the_planted_leak_at_its_known_size():
    delta, n, k = 1.5, 20_000, 256
    target, references, mask, member = world(np.random.default_rng(4), n, k, delta)
    for variance in VARIANCES:
        found = auc(lira_online(target, references, mask, variance=variance), member)
        # means of 128 models: the limit is reached to 0.003
        assert found.value == pytest.approx(norm.cdf(delta / math.sqrt(2)), abs=0.015)


def test_online_uses_a_narrower_spread_of_members_and_offline_cannot():
    # members' signals are no higher on average, only narrower: one-sided scores have nothing to go by
    target, references, mask, member = world(np.random.default_rng(5), 10_000, 64, 0.0, sd_in=0.3)
    online = auc(lira_online(target, references, mask, variance="fixed"), member).value
    # the likelihood ratio falls in |t|: AUC = P(|0.3 z| < |z'|) = 1 - (2 / pi) atan(0.3)
    assert online == pytest.approx(1 - 2 / math.pi * math.atan(0.3), abs=0.02)
    assert auc(lira_offline(target, references, mask), member).value == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("variance", VARIANCES)
@pytest.mark.parametrize("attack", [lira_online, lira_offline], ids=["online", "offline"])
def test_without_a_leak_the_interval_covers_one_half_as_often_as_it_says(attack, variance):
    draws, rows = 300, 200
    target, references, mask, member = world(np.random.default_rng(6), draws * rows, 8, 0.0)
    scores = attack(target, references, mask, variance=variance)
    covered = [
        found.low <= 0.5 <= found.high
        for found in map(auc, scores.reshape(draws, rows), member.reshape(draws, rows))
    ]
    # binomial(300, 0.95): 0.912 is three standard deviations down
    assert np.mean(covered) >= 0.912


@pytest.mark.parametrize("variance", VARIANCES)
def test_a_higher_signal_never_lowers_the_offline_score(variance):
    _, references, mask, _ = world(np.random.default_rng(7), 40, 8, 1.0)
    rising = [
        lira_offline(np.full(40, t), references, mask, variance=variance) for t in np.linspace(-9, 9, 50)
    ]
    assert (np.diff(rising, axis=0) > 0).all()


# constant signals, few models, misuse --------------------------------------------------------------------


def test_models_that_agree_on_a_record_have_a_tenth_of_the_usual_spread():
    references = np.array([[0.0, 7.0], [2.0, 7.0], [0.0, 7.0], [2.0, 7.0]])
    mask = np.zeros((4, 2), dtype=bool)
    # pooled over both records: sqrt((1 + 1 + 1 + 1) / (3 + 3))
    pooled = math.sqrt(4 / 6)
    score = lira_offline([1.0, 7.5], references, mask, variance="per_record")
    np.testing.assert_allclose(score, [0.0, 0.5 / (0.1 * pooled)], rtol=1e-9)


@pytest.mark.parametrize("variance", VARIANCES)
def test_where_no_model_differs_the_spread_is_one(variance):
    references, mask = np.full((4, 3), 0.1), np.array([[True] * 3, [False] * 3] * 2)
    target = [0.1, 1.1, -0.9]
    np.testing.assert_allclose(
        lira_offline(target, references, mask, variance=variance), [0, 1, -1], atol=1e-9
    )
    assert lira_online(target, references, mask, variance=variance).tolist() == [0.0, 0.0, 0.0]


def test_one_model_a_side_serves_the_fixed_variance():
    references, mask = [[3.0, 1.0], [1.0, 2.0]], [[True, False], [False, True]]
    # spread 1: ((t - out)**2 - (t - in)**2) / 2, t = 3 and 1
    np.testing.assert_allclose(lira_online([3.0, 1.0], references, mask), [2.0, -0.5], atol=1e-9)


def test_what_models_that_saw_the_record_say_is_not_read_offline():
    references, mask = [[np.nan, 0.0], [1.0, 2.0]], [[True, False], [False, False]]
    assert np.isfinite(lira_offline([1.0, 1.0], references, mask)).all()


def test_too_few_models_are_refused_with_the_number_needed():
    references, mask = np.zeros((2, 3)), np.array([[True] * 3, [False] * 3])
    for attack in (lira_online, lira_offline):
        with pytest.raises(
            InputError, match=r"at least 2 reference model.*variance=\"fixed\", which needs 1"
        ):
            attack(np.zeros(3), references, mask, variance="per_record")
    with pytest.raises(InputError, match=r"at least 1 reference model.* trained on it"):
        lira_online(np.zeros(3), references, np.zeros((2, 3), dtype=bool))
    with pytest.raises(InputError, match=r"not trained on it.*3 of 3"):
        lira_offline(np.zeros(3), references, np.ones((2, 3), dtype=bool))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"variance": "per_recrd"}, "Did you mean 'per_record'"),
        ({"target": [0.0]}, "same rows, got 1 and 3"),
        ({"target": [0.0, np.nan, 0.0]}, "target holds 1"),
        ({"references": np.zeros((3, 4))}, "transposed"),
        ({"member_mask": np.zeros((4, 3), dtype=int)}, "boolean"),
        ({"references": np.full((4, 3), np.inf)}, "finite"),
    ],
)
def test_misuse_is_an_error(change, message):
    good = {
        "target": np.zeros(3),
        "references": np.zeros((4, 3)),
        "member_mask": np.zeros((4, 3), dtype=bool),
    }
    with pytest.raises(InputError, match=message):
        lira_offline(**(good | change))


def test_memory_beside_the_signals_stays_small():
    rng = np.random.default_rng(0)
    references, mask = rng.normal(size=(64, 60_000)), rng.random((64, 60_000)) < 0.5
    target = rng.normal(size=60_000)
    tracemalloc.start()
    lira_online(target, references, mask, variance="per_record")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * references.nbytes
