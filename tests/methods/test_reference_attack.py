import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from auditkit.errors import InputError
from auditkit.methods.reference_attack import (
    difficulty_calibrated,
    reference_percentile,
    smooth_reference_score,
)
from auditkit.methods.references import complementary_halves
from auditkit.statistics import auc

ATTACKS = [reference_percentile, smooth_reference_score, difficulty_calibrated]
of_attacks = pytest.mark.parametrize("attack", ATTACKS, ids=["percentile", "smooth", "calibrated"])


def world(rng, n, k, delta):
    mask = complementary_halves(n, k, rng)
    member = np.arange(n) % 2 == 0
    difficulty = rng.normal(0, 3, n)
    target, references = (
        difficulty + delta * inside + rng.normal(size=inside.shape) for inside in (member, mask)
    )
    return target, references, mask, member


@given(st.integers(1, 5), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_the_percentile_is_the_count_ties_included(pairs, n, seed):
    rng = np.random.default_rng(seed)
    mask = rng.random((2 * pairs, n)) < 0.5
    mask[0] = False
    target, references = rng.integers(-2, 3, n), rng.integers(-2, 3, (2 * pairs, n))
    got = reference_percentile(target, references, mask)
    for i in range(n):
        outs = references[~mask[:, i], i]
        assert got[i] == pytest.approx(1 - (1 + (outs >= target[i]).sum()) / (1 + outs.size), abs=1e-12)


def test_the_smooth_score_equals_its_definition_record_by_record():
    target, references, mask, _ = world(np.random.default_rng(0), 50, 6, 1.0)
    outs = [references[~mask[:, i], i] for i in range(50)]
    pooled = math.sqrt(sum(((o - o.mean()) ** 2).sum() for o in outs) / sum(o.size - 1 for o in outs))
    expected = []
    for t, o in zip(target, outs, strict=True):
        spread = math.sqrt((((o - o.mean()) ** 2).sum() + 4 * pooled**2) / (o.size - 1 + 4))
        below = np.mean([norm.cdf((t - value) / (1.06 * spread * o.size**-0.2)) for value in o])
        expected.append(below)
    got = smooth_reference_score(target, references, mask)
    np.testing.assert_allclose(1 / (1 + np.exp(-got)), expected, rtol=1e-9)


def test_the_smooth_score_still_orders_far_beyond_the_signals():
    references, mask = np.array([[0.0] * 4, [1.0] * 4]), np.zeros((2, 4), dtype=bool)
    score = smooth_reference_score([-200.0, 30.0, 60.0, 200.0], references, mask)
    assert (np.diff(score) > 0).all()
    assert np.isfinite(score).all()


def test_the_calibrated_signal_is_the_difference_from_the_mean_of_models_out():
    target, references, mask, _ = world(np.random.default_rng(1), 40, 6, 1.0)
    expected = [target[i] - references[~mask[:, i], i].mean() for i in range(40)]
    np.testing.assert_allclose(
        difficulty_calibrated(target, references, mask), expected, rtol=1e-9, atol=1e-10
    )


@of_attacks
def test_records_tie_whatever_the_order_of_the_models(attack):
    target, references, mask, _ = world(np.random.default_rng(2), 30, 8, 1.0)
    shuffle = np.random.default_rng(3).permutation(8)
    np.testing.assert_array_equal(
        attack(target, references, mask), attack(target, references[shuffle], mask[shuffle])
    )


def test_the_planted_leak_is_found_at_its_known_size():
    # 16 models out. Calibrated: normal with variance 1 + 1/16, members shifted by 1.5.
    delta, n, k = 1.5, 20_000, 32
    target, references, mask, member = world(np.random.default_rng(4), n, k, delta)
    shift = delta / math.sqrt(1 + 2 / k)
    calibrated = auc(difficulty_calibrated(target, references, mask), member).value
    assert calibrated == pytest.approx(norm.cdf(shift / math.sqrt(2)), abs=0.012)
    # Percentile: a uniform rank among 17 for others; for members the number of normal signals below theirs
    grid = norm.ppf((np.arange(4000) + 0.5) / 4000)
    below = norm.cdf(grid + delta)
    ranks = [math.comb(16, j) * (below**j * (1 - below) ** (16 - j)).mean() for j in range(17)]
    expected = sum(share * (j + 0.5) / 17 for j, share in enumerate(ranks))
    assert auc(reference_percentile(target, references, mask), member).value == pytest.approx(
        expected, abs=0.012
    )
    smooth = auc(smooth_reference_score(target, references, mask), member).value
    assert expected - 0.01 < smooth < calibrated + 0.012


def test_with_two_models_out_the_smooth_score_reaches_where_the_percentile_cannot():
    from auditkit.statistics import tpr_at_fpr

    target, references, mask, member = world(np.random.default_rng(5), 4000, 4, 3.0)
    assert not tpr_at_fpr(reference_percentile(target, references, mask), member, 0.01).resolvable
    assert tpr_at_fpr(smooth_reference_score(target, references, mask), member, 0.01).tpr > 0.3


def test_at_most_a_share_alpha_of_non_members_is_flagged():
    target, references, mask, member = world(np.random.default_rng(6), 40_000, 16, 2.0)
    score = reference_percentile(target.round(), references.round(), mask)[~member]
    for alpha in (0.12, 0.3, 0.5):
        # 20,000 records: 0.012 is above three standard errors
        assert (score >= 1 - alpha - 1e-12).mean() <= alpha + 0.012


@of_attacks
def test_without_a_leak_the_interval_covers_one_half_as_often_as_it_says(attack):
    draws, rows = 300, 200
    target, references, mask, member = world(np.random.default_rng(7), draws * rows, 8, 0.0)
    scores = attack(target, references, mask).reshape(draws, rows)
    found = list(map(auc, scores, member.reshape(draws, rows)))
    # binomial(300, 0.95): 0.912 is three standard deviations down
    assert np.mean([one.low <= 0.5 <= one.high for one in found]) >= 0.912


@of_attacks
def test_a_higher_signal_never_lowers_the_score(attack):
    _, references, mask, _ = world(np.random.default_rng(8), 40, 8, 1.0)
    rising = [attack(np.full(40, t), references, mask) for t in np.linspace(-9, 9, 60)]
    assert (np.diff(rising, axis=0) >= 0).all()


@of_attacks
def test_constant_and_single_references_give_finite_scores(attack):
    score = attack([0.1, 0.3, 0.1], np.full((2, 3), 0.1), [[True] * 3, [False] * 3])
    assert np.isfinite(score).all()
    assert score[1] > score[0] == score[2]


@of_attacks
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": [0.0]}, "same rows, got 1 and 3"),
        ({"target": [0.0, np.nan, 0.0]}, "target holds 1"),
        ({"references": np.zeros((3, 2))}, "transposed"),
        ({"member_mask": np.ones((2, 3), dtype=bool)}, "3 of 3 rows"),
        ({"references": np.full((2, 3), np.nan)}, "finite"),
    ],
    ids=["rows", "nan", "transposed", "always in", "not finite"],
)
def test_misuse_is_an_error(attack, change, message):
    good = {
        "target": np.zeros(3),
        "references": np.zeros((2, 3)),
        "member_mask": np.zeros((2, 3), dtype=bool),
    }
    with pytest.raises(InputError, match=message):
        attack(**(good | change))
