import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from auditkit.errors import InputError
from auditkit.methods.label_only import noise_robustness
from auditkit.methods.membership import gap
from auditkit.statistics import auc


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=9), st.integers(0, 15))
def test_the_score_is_the_share_of_right_answers_and_nothing_for_a_wrong_one(copies, pattern):
    correct = [bool(pattern >> i & 1) for i in range(4)]
    got = noise_robustness(correct, copies)
    for i in range(4):
        right = 1 + sum(copy[i] for copy in copies)
        assert got[i] == pytest.approx(right / (1 + len(copies)) if correct[i] else 0.0)


def test_it_refines_the_gap():
    rng = np.random.default_rng(0)
    correct, copies = rng.random(200) < 0.7, rng.random((8, 200)) < 0.6
    score = noise_robustness(correct, copies)
    assert score[gap(correct) == 1].min() > score[gap(correct) == 0].max()


def test_the_gap_reaches_the_area_its_definition_says():
    # right for 90% of members and 70% of others: AUC = 1/2 + (0.9 - 0.7) / 2
    correct, member = np.repeat([True, False, True, False], [900, 100, 700, 300]), np.arange(2000) < 1000
    assert auc(gap(correct), member).value == pytest.approx(0.6, abs=1e-12)


def test_the_planted_leak_is_found_at_its_known_size_and_sign():
    # all records answered rightly; copies stay right with 0.9 for members, 0.75 for others: two binomials of 10
    n, r = 20_000, 10
    rng = np.random.default_rng(1)
    member = np.arange(n) % 2 == 0
    copies = rng.random((r, n)) < np.where(member, 0.9, 0.75)
    score = noise_robustness(np.ones(n, dtype=bool), copies)
    chance = [binom.pmf(np.arange(r + 1), r, p) for p in (0.9, 0.75)]
    expected = sum(
        a * b * (1.0 if i > j else 0.5 if i == j else 0.0)
        for i, a in enumerate(chance[0])
        for j, b in enumerate(chance[1])
    )
    assert math.isclose(sum(chance[0]), 1.0)
    assert auc(score, member).value == pytest.approx(expected, abs=0.012)


def test_without_a_leak_the_interval_covers_one_half_as_often_as_it_says():
    rng = np.random.default_rng(2)
    member = np.arange(200) % 2 == 0
    found = [
        auc(noise_robustness(rng.random(200) < 0.8, rng.random((6, 200)) < 0.8), member) for _ in range(300)
    ]
    # binomial(300, 0.95): 0.912 is three standard deviations down
    assert np.mean([one.low <= 0.5 <= one.high for one in found]) >= 0.912


@pytest.mark.parametrize(
    ("correct", "copies", "message"),
    [
        ([1, 0], [[True, False]], "correct must be"),
        ([True, False], [[1, 0]], "boolean table"),
        ([True, False], [[True], [False]], r"\(copies, 2\)"),
        ([True, False], np.zeros((0, 2), dtype=bool), "at least one copy"),
    ],
    ids=["numbers", "number copies", "transposed", "no copies"],
)
def test_misuse_is_an_error(correct, copies, message):
    with pytest.raises(InputError, match=message):
        noise_robustness(correct, copies)
