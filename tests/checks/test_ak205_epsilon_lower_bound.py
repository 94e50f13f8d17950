"""Guesses prove what they prove by the binomial tail, and nothing on trainings that leak nothing."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import beta, binom
from sklearn.tree import DecisionTreeClassifier

from auditkit.checks.membership import epsilon_lower_bound
from auditkit.data import make_leaky, make_regression
from auditkit.errors import InputError, NotApplicable
from auditkit.predictors.predictions import from_predictions
from auditkit.subject import Dataset, Subject

ONE, TWO = "one run, a record exchanged", "two samples, a mislabelled record added"


def bound(subject, seed=0, **options):
    return epsilon_lower_bound(subject, rng=np.random.default_rng(seed), **{"references": 4, **options})


def recorded(rng, n, leak):
    """Predictions alone: the confidence in the label of members is drawn from the upper part with chance `leak`."""
    own = {side: rng.uniform(0.05, 0.7, n) for side in ("in", "out")}
    sure = rng.random(n) < leak
    own["in"][sure] = rng.uniform(0.8, 0.95, sure.sum())
    y = {side: rng.integers(2, size=n) for side in own}
    scores = {side: np.where(y[side] == 1, own[side], 1 - own[side]) for side in own}
    model = from_predictions(scores=scores["out"], train_scores=scores["in"], classes=[0, 1])
    return Subject("s", model, Dataset(None, y["out"]), Dataset(None, y["in"]))


def test_every_guess_right_gives_the_limit_that_so_many_guesses_can_show():
    found = bound(make_leaky(memorise=1.0, n_train=600, n_test=600).subject)
    m = found.measurement("epsilon_lower_bound", ONE)
    right = int(found.tables["designs"].columns["right"][0])
    made = int(found.tables["designs"].columns["guesses"][0])
    assert right == made == 45  # a tenth of 450 pairs: a quarter of the test rows serves as population
    # Steinke et al. 2023 without delta: the smallest epsilon at which all right are no rarer than 5%
    by_hand = brentq(lambda e: binom.sf(right - 1, made, 1 / (1 + np.exp(-e))) - 0.05, 0, 20)
    assert m.value == pytest.approx(by_hand, abs=1e-6)
    assert m.bound == "lower"
    assert m.p_value == pytest.approx(0.5**45)
    assert "with 95.0% confidence" in found.says


def test_a_partial_leak_is_bounded_below_what_it_is():
    found = bound(recorded(np.random.default_rng(0), 2000, 0.5), share=0.3)
    m = found.measurement("epsilon_lower_bound", ONE)
    assert found.rows == {"members": 2000, "non_members": 2000, "how": "drawn at random"}
    # half of the members are named beyond doubt, so the clearest three tenths of the pairs are all but surely right
    assert 1.5 < m.value < 10
    assert any("the logit of the model's confidence" in note for note in found.notes)


def test_nothing_is_proved_where_nothing_leaks_more_often_than_stated():
    rng = np.random.default_rng(1)
    draws = 400
    alarms = sum(
        bound(recorded(rng, 150, 0.0), s).measurement("epsilon_lower_bound").value > 0 for s in range(draws)
    )
    assert alarms <= binom.ppf(0.999, draws, 0.05)


def test_nothing_is_proved_of_models_that_never_saw_their_members():
    draws, alarms = 60, 0
    for s in range(draws):
        rng = np.random.default_rng(s)
        X = rng.normal(size=(360, 4))
        y = (X[:, 0] + rng.normal(size=360) > 0).astype(int)
        model = DecisionTreeClassifier(min_samples_leaf=3, random_state=0).fit(X[:120], y[:120])
        subject = Subject("s", model, Dataset(X[120:240], y[120:240]), Dataset(X[240:], y[240:]))
        alarms += bound(subject, s, share=0.3).measurement("epsilon_lower_bound").value > 0
    assert alarms <= binom.ppf(0.999, draws, 0.05)


def test_two_samples_name_a_canary_that_is_remembered():
    planted = make_leaky(memorise=1.0, n_train=200, n_test=200).subject
    found = bound(planted, trainings=64)
    m = found.measurement("epsilon_lower_bound", TWO)
    # 16 of 16 named with the record and none of 16 without: the limits of Clopper and Pearson, each at 97.5%
    tpr, fpr = beta.ppf(0.05, 16, 1), beta.ppf(0.95, 1, 16)
    loose, strict = np.log(tpr / fpr), np.log(beta.ppf(0.025, 16, 1) / beta.ppf(0.975, 1, 16))
    assert strict - 1e-9 <= m.value <= loose + 1e-9
    assert "16 of 16 trainings with the record named, 0 of 16 without" in m.reason
    assert planted.model.refits == 4 + 64


def test_a_model_that_cannot_remember_shows_no_canary():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3))
    y = (X[:, 0] + rng.normal(size=600) > 0).astype(int)
    model = DecisionTreeClassifier(max_depth=1, min_samples_leaf=100, random_state=0).fit(X[:300], y[:300])
    subject = Subject("s", model, Dataset(X[300:], y[300:]), Dataset(X[:300], y[:300]))
    assert bound(subject, trainings=32).measurement("epsilon_lower_bound", ONE).value == 0


def test_delta_lowers_the_bound():
    subject = recorded(np.random.default_rng(0), 500, 0.5)
    strict, loose = (bound(subject, delta=d).measurement("epsilon_lower_bound").value for d in (0.0, 1e-3))
    assert 0 < loose < strict


def test_refusals_are_in_words():
    subject = recorded(np.random.default_rng(0), 100, 0.0)
    for options in ({"references": 5}, {"trainings": 7}, {"trainings": 8}):
        with pytest.raises(InputError, match="even"):
            bound(subject, **options)
    with pytest.raises(NotApplicable, match="regression"):
        bound(make_regression())
    with pytest.raises(NotApplicable, match="recorded predictions"):
        bound(subject, attack="reference")
    with pytest.raises(NotApplicable, match="recorded predictions"):
        bound(subject, trainings=16)
    with pytest.raises(NotApplicable, match="pairs of a member"):
        bound(recorded(np.random.default_rng(0), 6, 0.0))
