"""Mitigations: by hand, and side by side with fairlearn's own classes on the same rows."""

import numpy as np
import pytest
from fairlearn.postprocessing import ThresholdOptimizer
from fairlearn.preprocessing import CorrelationRemover
from fairlearn.reductions import DemographicParity, EqualizedOdds, ExponentiatedGradient
from sklearn.linear_model import LogisticRegression

from auditkit.errors import InputError
from auditkit.methods import mitigation


def rows(seed=0, n=1200, k=2):
    """Return X, y, groups: a group's score is higher by its number."""
    rng = np.random.default_rng(seed)
    who = rng.integers(k, size=n)
    merit = rng.normal(size=n) + 0.7 * who
    y = (merit + rng.normal(size=n) > 0.5).astype(int)
    return np.column_stack([merit, rng.normal(size=n), who == 1]), y, who


# reweighing


def test_weights_are_the_closed_form_by_hand():
    """Ten applicants, 5 m and 5 f; 4 of m and 2 of f are accepted.

    6/10 are accepted, so m+ weighs .5 * .6 / .4 = .75, m- .5 * .4 / .1 = 2, f+ .5 * .6 / .2 = 1.5, f- .5 * .4 / .3 = 2/3.
    """
    sex = np.array(list("mmmmmfffff"))
    accepted = np.array([1, 1, 1, 1, 0, 1, 1, 0, 0, 0])
    weights = mitigation.reweighing_weights(sex, accepted)
    expected = [0.75] * 4 + [2.0] + [1.5] * 2 + [2 / 3] * 3
    np.testing.assert_allclose(weights, expected, rtol=1e-12)
    half = mitigation.reweighing_weights(sex, accepted, 0.5)
    np.testing.assert_allclose(half, (1 + np.array(expected)) / 2, rtol=1e-12)


@pytest.mark.parametrize("k", [2, 5])
def test_weights_make_group_and_label_independent_and_keep_every_margin(k):
    _, y, who = rows(seed=k, k=k)
    weights = mitigation.reweighing_weights(who, y)
    assert weights.sum() == pytest.approx(len(y))
    for g in range(k):
        assert weights[who == g].sum() == pytest.approx((who == g).sum())
        assert np.average(y[who == g], weights=weights[who == g]) == pytest.approx(y.mean())
    assert weights[y == 1].sum() == pytest.approx(y.sum())
    np.testing.assert_array_equal(mitigation.reweighing_weights(who, y, 0.0), np.ones(len(y)))


def test_weights_say_what_does_not_fit():
    with pytest.raises(InputError, match="one value a row"):
        mitigation.reweighing_weights([0, 1], [1])
    with pytest.raises(InputError, match="strength must be from 0 to 1"):
        mitigation.reweighing_weights([0, 1], [1, 0], 1.5)


# thresholds


@pytest.mark.parametrize("constraint", ["demographic_parity", "equalized_odds"])
@pytest.mark.parametrize("k", [2, 3])
def test_thresholds_are_fairlearns(constraint, k):
    X, y, who = rows(k=k)
    model = LogisticRegression().fit(X[:800], y[:800])
    own = ThresholdOptimizer(
        estimator=model, constraints=constraint, prefit=True, predict_method="predict_proba"
    )
    own.fit(X[:800], y[:800], sensitive_features=who[:800])
    expected = own.predict(X[800:], sensitive_features=who[800:], random_state=5)
    scores = model.predict_proba(X)[:, 1]
    drawn = mitigation.optimised_thresholds(
        scores[:800], y[:800], who[:800], scores[800:], who[800:], constraint=constraint, seed=5
    )
    np.testing.assert_array_equal(drawn.decisions, expected == 1)
    other = own.predict(X[800:], sensitive_features=who[800:], random_state=6)
    assert drawn.by_chance == pytest.approx((expected != other).mean())


def test_thresholds_refuse_a_group_they_cannot_know():
    X, y, who = rows()
    given = {"constraint": "demographic_parity", "seed": 0}
    with pytest.raises(InputError, match=r"both labels in every group; group 7 has \[\]"):
        mitigation.optimised_thresholds(X[:, 0], y, who, [0.5], [7], **given)
    with pytest.raises(InputError, match=r"group 1 has \[0\]"):
        mitigation.optimised_thresholds(X[:, 0], np.where(who == 1, 0, y), who, [0.5], [0], **given)


# exponentiated gradient


@pytest.mark.parametrize(
    ("constraint", "kind"), [("demographic_parity", DemographicParity), ("equalized_odds", EqualizedOdds)]
)
def test_constrained_training_is_fairlearns(constraint, kind):
    X, y, who = rows()
    own = ExponentiatedGradient(LogisticRegression(), kind(difference_bound=0.03), max_iter=4)
    own.fit(X[:800], y[:800], sensitive_features=who[:800])
    calls = []

    def train(labels, weights):
        calls.append(len(labels))
        return LogisticRegression().fit(X[:800], labels, sample_weight=weights).predict(X) == 1

    drawn = mitigation.constrained_training(
        train, y[:800], who[:800], 400, constraint=constraint, slack=0.03, iterations=4, seed=2
    )
    np.testing.assert_array_equal(drawn.decisions, own.predict(X[800:], random_state=2) == 1)
    assert len(calls) == own.n_oracle_calls_
    assert set(calls) == {800}


def test_a_tighter_constraint_leaves_a_smaller_difference():
    X, y, who = rows(n=4000)

    def train(labels, weights):
        return LogisticRegression().fit(X[:2000], labels, sample_weight=weights).predict(X) == 1

    left = []
    for slack in (0.2, 0.05, 0.01):
        said = mitigation.constrained_training(
            train,
            y[:2000],
            who[:2000],
            2000,
            constraint="demographic_parity",
            slack=slack,
            iterations=5,
            seed=0,
        ).decisions
        left.append(said[who[2000:] == 1].mean() - said[who[2000:] == 0].mean())
    assert left[0] > left[1] > left[2]
    assert abs(left[2]) < 0.08


# correlation remover


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("k", [2, 3])
def test_removed_correlation_is_fairlearns_and_leaves_none(alpha, k):
    X, _, who = rows(k=k)
    flags = (who[:, None] == np.arange(1, k)).astype(float)
    both = np.hstack([X, flags])
    own = CorrelationRemover(sensitive_feature_ids=list(range(3, 3 + k - 1)), alpha=alpha).fit(both[:800])
    first, new = mitigation.uncorrelated(X[:800], who[:800], X[800:], who[800:], alpha)
    np.testing.assert_allclose(first, own.transform(both[:800]), atol=1e-9)
    np.testing.assert_allclose(new, own.transform(both[800:]), atol=1e-9)
    if alpha == 1:
        means = np.array([first[who[:800] == g].mean(axis=0) for g in range(k)])
        np.testing.assert_allclose(means, means[:1].repeat(k, axis=0), atol=1e-9)
    if alpha == 0:
        np.testing.assert_array_equal(first, X[:800])


def test_rounding_does_not_give_the_group_away():
    X, _, who = rows()
    first, new = mitigation.uncorrelated(X[:800], who[:800], X[800:], who[800:])
    assert len(np.unique(np.concatenate([first[:, 2], new[:, 2]]))) == 1


def test_one_group_has_nothing_to_remove():
    X, _, who = rows()
    first, _ = mitigation.uncorrelated(X, np.zeros(len(who)), X, np.zeros(len(who)))
    np.testing.assert_array_equal(first, X)
    with pytest.raises(InputError, match="alpha must be from 0 to 1"):
        mitigation.uncorrelated(X, who, X, who, -0.1)


def test_folds_share_out_every_stratum():
    strata = np.repeat([0, 1, 2], [30, 61, 9])
    fold = mitigation.cross_folds(strata, 3, np.random.default_rng(1))
    for stratum in range(3):
        counts = np.bincount(fold[strata == stratum], minlength=3)
        assert counts.max() - counts.min() <= 1
    with pytest.raises(InputError, match="folds must be from 2"):
        mitigation.cross_folds([0, 1], 3, np.random.default_rng(1))
