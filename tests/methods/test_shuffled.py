import itertools
import math

import numpy as np
import pytest

from auditkit.errors import InputError
from auditkit.methods.shuffled import shuffled_membership
from auditkit.statistics import auc, tpr_at_fpr

SCORES = np.array([3.0, 3.0, 2.0, 5.0, 1.0, 2.0, 4.0, 0.0])


def every_labelling(member):
    for chosen in itertools.combinations(range(member.size), int(member.sum())):
        yield np.isin(np.arange(member.size), chosen)


def test_p_values_and_quantities_are_those_of_all_labellings():
    member = np.array([True, True, False, True, False, False, False, False])
    everyone = list(every_labelling(member))
    found = shuffled_membership(SCORES, member, np.random.default_rng(0), fpr=(0.4,), shuffles=20_000)
    for name, figure in (
        ("auc", lambda m: auc(SCORES, m).value),
        ("tpr_at_0.4_fpr", lambda m: np.nan_to_num(tpr_at_fpr(SCORES, m, 0.4).tpr)),
    ):
        exact = np.array([figure(m) for m in everyone])
        one = found[name]
        assert one.observed == pytest.approx(figure(member), abs=1e-12)
        # 20,000 draws: 0.015 is above four standard errors
        assert one.p_value == pytest.approx((exact >= one.observed - 1e-12).mean(), abs=0.015)
        assert one.mean == pytest.approx(exact.mean(), abs=0.015)


def test_the_spread_of_the_area_is_that_of_the_rank_sum_test():
    rng = np.random.default_rng(1)
    member = np.arange(150) < 60
    found = shuffled_membership(rng.normal(size=150), member, rng, shuffles=4000)["auc"]
    sd = math.sqrt((60 + 90 + 1) / (12 * 60 * 90))
    assert found.mean == pytest.approx(0.5, abs=4 * sd / math.sqrt(4000))
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * sd, rel=0.08)


def test_a_leak_at_the_top_alone_is_found_where_the_area_hides_it():
    # 30 of 1000 members stand above all 1000 others; the rest are mixed
    rng = np.random.default_rng(2)
    member = np.arange(2000) < 1000
    scores = rng.normal(size=2000)
    scores[:30] += 10
    found = shuffled_membership(scores, member, rng, shuffles=999)
    assert found["tpr_at_0.01_fpr"].p_value == 0.001
    assert found["tpr_at_0.001_fpr"].p_value <= 0.002
    assert found["tpr_at_0.01_fpr"].observed > found["tpr_at_0.01_fpr"].high


def test_without_a_leak_small_p_values_are_as_rare_as_they_say():
    rng = np.random.default_rng(3)
    member = np.arange(120) < 60
    draws = [
        shuffled_membership(rng.normal(size=120).round(1), member, rng, fpr=(0.1,), shuffles=99)
        for _ in range(300)
    ]
    for name in ("auc", "tpr_at_0.1_fpr"):
        p = np.array([one[name].p_value for one in draws])
        # binomial(300, 0.05) + three standard deviations
        assert (p <= 0.05).mean() <= 0.088
    assert 0.4 < np.mean([one["auc"].p_value for one in draws]) < 0.6


def test_a_turned_attack_has_a_p_value_near_one():
    found = shuffled_membership(np.arange(100.0), np.arange(100) < 50, np.random.default_rng(4), shuffles=199)
    assert found["auc"].observed == 0.0
    assert found["auc"].p_value == 1.0


def test_what_cannot_be_resolved_is_undefined_with_its_reason():
    found = shuffled_membership(np.arange(50.0), np.arange(50) >= 25, np.random.default_rng(5), fpr=(0.001,))
    one = found["tpr_at_0.001_fpr"]
    assert math.isnan(one.observed)
    assert math.isnan(one.p_value)
    assert "smallest false positive rate" in one.reason


def test_the_same_seed_gives_the_same_answer_in_blocks_too(monkeypatch):
    member = np.arange(60) % 3 == 0
    scores = np.random.default_rng(6).normal(size=60)
    whole = shuffled_membership(scores, member, np.random.default_rng(7), shuffles=50)
    monkeypatch.setattr("auditkit.methods.shuffled._BLOCK", 120)
    blocks = shuffled_membership(scores, member, np.random.default_rng(7), shuffles=50)
    assert {k: v for k, v in whole.items() if not v.reason} == {
        k: v for k, v in blocks.items() if not v.reason
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": [1.0, np.nan]}, "nan"),
        ({"member": [1, 0]}, "booleans"),
        ({"member": [True]}, "2 booleans"),
        ({"member": [True, True]}, "both members and others"),
        ({"shuffles": 9}, "at least 19"),
    ],
    ids=["nan", "numbers", "length", "one kind", "few"],
)
def test_misuse_is_an_error(change, message):
    good = {"scores": [1.0, 2.0], "member": [True, False], "rng": np.random.default_rng(0), "shuffles": 19}
    with pytest.raises(InputError, match=message):
        shuffled_membership(**(good | change))
