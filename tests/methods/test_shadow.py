import math

import numpy as np
import pytest
from scipy.stats import norm

from auditkit.errors import InputError
from auditkit.methods.references import complementary_halves
from auditkit.methods.shadow import fit_shadow_classifier, shadow_cross_scores, shadow_features
from auditkit.statistics import auc


def world(rng, n, k, boost, classes=3):
    """Logits of the true class: a record's difficulty, `boost` where the model saw it, and noise."""
    mask = complementary_halves(n, k, rng)
    member = np.arange(n) % 2 == 0
    y = np.arange(n) % classes
    difficulty = rng.normal(1, 1, n)

    def answers(inside):
        logit = difficulty + boost * inside + rng.normal(0, 1, inside.shape)
        own = 1 / (1 + np.exp(-logit))
        proba = np.repeat((1 - own)[..., None] / (classes - 1), classes, axis=-1)
        np.put_along_axis(proba, np.broadcast_to(y, own.shape)[..., None], own[..., None], axis=-1)
        return proba

    return answers(member), answers(mask), mask, y, member


def test_features_are_sorted_probabilities_own_probability_and_loss():
    rng = np.random.default_rng(0)
    proba, y = rng.dirichlet(np.ones(12), 20), rng.integers(0, 12, 20)
    got = shadow_features(proba, y)
    for row in range(20):
        own = proba[row, y[row]]
        assert got[row].tolist() == [
            *sorted(proba[row], reverse=True)[:10],
            own,
            pytest.approx(-math.log(own)),
        ]
    assert shadow_features([[1.0, 0.0]], [1])[0, -1] == pytest.approx(12 * math.log(10))


@pytest.mark.parametrize("learner", ["logistic", "boosted"])
@pytest.mark.parametrize("per_class", [False, True])
def test_the_planted_leak_is_found_at_its_known_size(learner, per_class):
    # the best use of one answer is its logit: members shifted by 2, variance 1 + 1
    target, references, mask, y, member = world(np.random.default_rng(1), 3000, 4, 2.0)
    attack = fit_shadow_classifier(
        references, y, mask, np.random.default_rng(0), learner=learner, per_class=per_class
    )
    assert sorted(attack.own) == ([0, 1, 2] if per_class else [])
    ideal = norm.cdf(2.0 / math.sqrt(2 * 2))
    found = auc(attack.scores(target, y), member).value
    # 3000 records: the standard error is about 0.0075
    assert ideal - 0.04 < found < ideal + 0.025


def test_odds_point_at_members_and_are_those_of_the_references():
    target, references, mask, y, member = world(np.random.default_rng(2), 3000, 4, 2.0)
    score = fit_shadow_classifier(references, y, mask, np.random.default_rng(0)).scores(target, y)
    assert score[member].mean() > 0 > score[~member].mean()
    chance = 1 / (1 + np.exp(-score))
    for low, high in ((0.1, 0.4), (0.6, 0.9)):
        band = (chance > low) & (chance < high)
        assert member[band].mean() == pytest.approx(chance[band].mean(), abs=0.08)


def test_without_a_leak_the_interval_covers_one_half_as_often_as_it_says():
    draws, rows = 300, 150
    target, references, mask, y, member = world(np.random.default_rng(3), draws * rows, 4, 0.0)
    attack = fit_shadow_classifier(references, y, mask, np.random.default_rng(0), answers=5000)
    found = list(map(auc, attack.scores(target, y).reshape(draws, rows), member.reshape(draws, rows)))
    # binomial(300, 0.95): 0.912 is three standard deviations down
    assert np.mean([one.low <= 0.5 <= one.high for one in found]) >= 0.912


def test_a_class_with_few_answers_is_served_by_the_classifier_for_all():
    target, references, mask, y, _ = world(np.random.default_rng(4), 300, 2, 2.0)
    y = y.copy()
    y[y == 2] = 0
    y[:8] = 2
    every = fit_shadow_classifier(references, y, mask, np.random.default_rng(0))
    single = fit_shadow_classifier(references, y, mask, np.random.default_rng(0), per_class=True)
    assert sorted(single.own) == [0, 1]
    one, other = every.scores(target, y), single.scores(target, y)
    np.testing.assert_array_equal(one[:8], other[:8])
    assert not np.array_equal(one[8:], other[8:])


def test_many_classes_are_no_input():
    target, references, mask, y, member = world(np.random.default_rng(5), 2000, 2, 2.0, classes=40)
    attack = fit_shadow_classifier(references, y, mask, np.random.default_rng(0))
    assert attack.overall.n_features_in_ == 12
    assert auc(attack.scores(target, y), member).low > 0.7


def test_more_answers_than_asked_are_sampled_with_the_rng():
    _, references, mask, y, _ = world(np.random.default_rng(6), 400, 4, 2.0)
    scores = [
        fit_shadow_classifier(references, y, mask, np.random.default_rng(seed), answers=200).scores(
            references[0], y
        )
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])


def test_a_reference_is_attacked_by_a_classifier_of_the_others_alone():
    _, references, mask, y, _ = world(np.random.default_rng(7), 600, 4, 2.0)
    cross = shadow_cross_scores(references, y, mask, np.random.default_rng(0))
    others = fit_shadow_classifier(references[2:], y, mask[2:], np.random.default_rng(1))
    np.testing.assert_allclose(cross[0], others.scores(references[0], y), rtol=1e-6)
    assert all(auc(row, inside).low > 0.75 for row, inside in zip(cross, mask, strict=True))
    with pytest.raises(InputError, match="at least 4 complementary halves"):
        shadow_cross_scores(references[:2], y, mask[:2], np.random.default_rng(0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"proba": np.full((4, 50), 0.5)}, "references, rows, classes"),
        ({"member_mask": np.zeros((4, 50), dtype=int)}, "boolean"),
        ({"member_mask": np.zeros((4, 50), dtype=bool)}, "all are outside"),
        ({"y_index": np.zeros(50)}, "50 whole numbers"),
        ({"y_index": np.full(50, 2)}, "from 0 to 1"),
        ({"proba": np.full((4, 50, 2), 1.5)}, "probabilities"),
        ({"learner": "boostd"}, "Did you mean 'boosted'"),
        ({"answers": 10}, "at least 40"),
    ],
    ids=["shape", "numbers", "none in", "float labels", "label", "proba", "learner", "answers"],
)
def test_misuse_is_an_error(change, message):
    good = {
        "proba": np.full((4, 50, 2), 0.5),
        "y_index": np.zeros(50, dtype=int),
        "member_mask": np.arange(200).reshape(4, 50) % 2 == 0,
        "rng": np.random.default_rng(0),
    }
    with pytest.raises(InputError, match=message):
        fit_shadow_classifier(**(good | change))


def test_a_target_of_other_classes_is_refused():
    _, references, mask, y, _ = world(np.random.default_rng(8), 60, 2, 1.0)
    attack = fit_shadow_classifier(references, y, mask, np.random.default_rng(0))
    with pytest.raises(InputError, match="gave 3 classes, the target 2"):
        attack.scores([[0.5, 0.5]], [0])
    assert attack.scores(np.zeros((0, 3)), np.zeros(0, dtype=int)).size == 0
