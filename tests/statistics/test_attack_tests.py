"""The tests of an attack's figures equal enumeration, and are as large as they should be on guessing."""

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from auditkit.errors import InputError
from auditkit.methods.shuffled import shuffled_membership
from auditkit.statistics.attack_tests import auc_p_value, tpr_p_value


def first_others(order, stop):
    """Members that come before the `stop`-th other, in an order of True (member) and False."""
    others = 0
    for place, member in enumerate(order):
        others += not member
        if others == stop:
            return sum(order[:place])
    return sum(order)


@pytest.mark.parametrize(("members", "others", "fpr"), [(3, 3, 0.34), (2, 4, 0.5), (4, 2, 0.01)])
def test_the_rate_at_a_low_false_positive_rate_by_enumeration(members, others, fpr):
    orders = set(permutations([True] * members + [False] * others))
    stop = int(fpr * others) + 1
    counts = [first_others(order, stop) for order in orders]
    for found in range(members + 1):
        share = np.mean([count >= found for count in counts])
        assert tpr_p_value(found, members, others, fpr) == pytest.approx(share, abs=1e-12)


@pytest.mark.parametrize("rate", [0.1, 0.01])
def test_the_closed_form_is_what_shuffling_draws(rate):
    rng = np.random.default_rng(1)
    member = np.arange(600) < 300
    scores = rng.normal(size=600) + 0.6 * member
    drawn = shuffled_membership(scores, member, rng, fpr=(rate,), shuffles=4999)[f"tpr_at_{rate:g}_fpr"]
    exact = tpr_p_value(round(drawn.observed * 300), 300, 300, rate)
    assert drawn.p_value == pytest.approx(exact, abs=4 * np.sqrt(max(exact, 1e-3) / 5000) + 2e-4)


def test_the_area_by_enumeration():
    scores, member = np.array([5.0, 4.0, 3.0, 2.0, 1.0]), np.array([True, False, True, False, False])

    def won(inside):
        return sum(a > b for a in scores[np.array(inside)] for b in scores[~np.array(inside)])

    orders = set(permutations(member.tolist()))
    share = np.mean([won(order) >= won(member) for order in orders])
    assert auc_p_value(scores, member) == pytest.approx(share)


def test_guessing_is_found_out_as_rarely_as_stated():
    rng = np.random.default_rng(5)
    area, rate = 0, 0
    draws, n = 800, 400
    for _ in range(draws):
        member = rng.permutation(np.arange(n) < n // 2)
        scores = rng.integers(30, size=n).astype(float)  # ties
        area += auc_p_value(scores, member) <= 0.05
        threshold = next((v for v in range(30) if ((scores >= v) & ~member).sum() <= 0.1 * (n // 2)), np.inf)
        found = int(((scores >= threshold) & member).sum())
        rate += tpr_p_value(found, n // 2, n // 2, 0.1) <= 0.05
    assert binom.ppf(0.0005, draws, 0.05) <= area <= binom.ppf(0.9995, draws, 0.05)
    assert rate <= binom.ppf(0.9995, draws, 0.05)


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.001, 0.999))
def test_more_members_found_are_never_less_surprising(members, others, fpr):
    tail = [tpr_p_value(found, members, others, fpr) for found in range(members + 1)]
    assert tail[0] == 1
    assert all(0 <= b <= a + 1e-12 for a, b in pairwise(tail))


def test_equal_scores_say_nothing():
    assert auc_p_value([1.0, 1.0, 1.0], [True, False, True]) == 1.0


@pytest.mark.parametrize("bad", [(3, 2, 5, 0.1), (1, 2, 0, 0.1), (1, 2, 5, 0.0), (1, 2, 5, 1.0)])
def test_impossible_counts_are_refused(bad):
    with pytest.raises(InputError, match="expected 0 <= found"):
        tpr_p_value(*bad)
    with pytest.raises(InputError, match="both present"):
        auc_p_value([0.1, 0.2], [True, True])
