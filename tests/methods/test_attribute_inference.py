"""Attribute inference by hand: likelihoods, the papers' rules record by record, and an imputer that is hard to beat."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from auditkit.errors import InputError
from auditkit.methods.attribute_inference import (
    advantage,
    by_confidence,
    confusion_likelihood,
    impute,
    invert,
    label_likelihood,
    member_gap,
    value_likelihood,
)


def answers(rng, values, n, classes):
    raw = rng.random((values, n, classes))
    return raw / raw.sum(axis=2, keepdims=True)


@given(st.integers(2, 5), st.integers(2, 4), st.integers(0, 10_000))
@settings(deadline=None, max_examples=50)
def test_the_papers_rules_record_by_record(values, classes, seed):
    rng = np.random.default_rng(seed)
    proba, labels = answers(rng, values, 12, classes), rng.integers(classes, size=12)
    prior = rng.dirichlet(np.ones(values), 12)
    told, sure = invert(prior, label_likelihood(proba, labels)), by_confidence(proba, labels)
    for i in range(12):
        # Fredrikson et al. 2015: the most probable value a posteriori
        assert told[i] == max(range(values), key=lambda v: prior[i, v] * proba[v, i, labels[i]])
        # Mehnaz et al. 2022: one value with the right label; else the surest of them; else the least sure
        right = [v for v in range(values) if proba[v, i].argmax() == labels[i]]
        wanted = (
            max(right, key=lambda v: proba[v, i].max())
            if right
            else min(range(values), key=lambda v: proba[v, i].max())
        )
        assert sure[i] == wanted


def test_with_two_classes_and_a_flat_prior_the_two_rules_are_one():
    rng = np.random.default_rng(0)
    proba, labels = answers(rng, 3, 200, 2), rng.integers(2, size=200)
    flat = invert(np.ones(3), label_likelihood(proba, labels))
    assert (flat == by_confidence(proba, labels)).all()


def test_labels_alone_are_believed_as_far_as_they_were_right():
    known = np.array([0] * 9 + [1] * 9), np.array([0] * 8 + [1] + [1] * 6 + [0] * 3)
    # one added to each count: answered 0: 9 and 2 of 11; answered 1: 4 and 7 of 11
    found = confusion_likelihood([[0, 1], [1, 1]], [0, 1], *known, 2)
    np.testing.assert_allclose(found, [[9 / 11, 4 / 11], [7 / 11, 7 / 11]])


def test_a_value_is_normal_about_the_answer():
    found = value_likelihood([[0.0, 5.0], [2.0, 5.0]], [1.5, 5.0], 0.5)
    assert found[0, 0] / found[0, 1] == pytest.approx(np.exp(-(1.5**2 - 0.5**2) / (2 * 0.25)))
    assert found[1].tolist() == [1, 1]
    assert (value_likelihood([[0.0], [1e9]], [0.0], 0.0) > 0).all()


def drawn(n, seed=0):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=n), rng.integers(5, size=n)])
    chance = np.where(X[:, 1] == 2, 0.9, 0.1)
    return X, (rng.random(n) < chance).astype(int), chance


def test_an_imputer_learns_what_there_is():
    X, v, chance = drawn(2000)
    population = np.arange(2000) < 1000
    found = impute(X, [False, True], v, population=population, seed=0)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (
        log_loss(v[~population], found[~population, 1]) < log_loss(v[~population], chance[~population]) + 0.05
    )
    again = impute(X, [False, True], np.where(population, v, 0), population=population, seed=0)
    np.testing.assert_array_equal(found, again)  # nothing is read outside the population


def test_an_imputer_does_not_learn_noise():
    X, _, _ = drawn(3000, 1)
    v = (np.random.default_rng(2).random(3000) < 0.3).astype(int)
    population = np.arange(3000) < 1000
    found = impute(X, [False, True], v, population=population, seed=0)
    assert (found[~population].argmax(axis=1) == 0).mean() > 0.97  # the more frequent value, nearly always


def test_an_imputer_meets_gaps_rare_values_and_categories_it_does_not_know():
    X, v, _ = drawn(300)
    X[:, 0] = np.nan
    X[200:, 1] = 9
    v[:3] = 2  # too rare to be learnt
    v[3] = -1
    found = impute(X, [False, True], v, population=np.arange(300) < 200, seed=0)
    assert found.shape == (300, 3)
    assert (found[:, 2] == 0).all()
    constant = impute(X, [False, True], np.zeros(300, dtype=int), population=np.arange(300) < 200, seed=0)
    assert (constant == 1).all()
    nothing_known = impute(
        X[:, :0], [], np.array([0] * 150 + [1] * 150), population=np.arange(300) < 200, seed=0
    )
    np.testing.assert_allclose(nothing_known[0], [0.75, 0.25])


def test_an_advantage_is_over_the_baseline_on_the_same_records():
    truth = np.array([0, 0, 0, 1, 1, 1, 1, -1])
    attack, baseline = np.array([0, 0, 1, 1, 1, 0, 1, 0]), np.array([0, 1, 0, 1, 0, 0, 1, 1])
    found = advantage(attack, baseline, truth)
    assert found.counts == (2, 1, 8)
    assert (found.attack, found.baseline) == (5 / 8, 4 / 8)
    assert found.value == pytest.approx(1 / 8)
    # three discordant records, two of them for the attack: P(at least 2 of 3)
    assert found.p_value == pytest.approx(0.5)
    assert member_gap(found, found).value == 0


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="two guesses"):
        advantage([0], [0, 1], [0, 1])
    with pytest.raises(InputError, match="shape"):
        label_likelihood(np.ones((2, 3)), [0, 1, 1])
    with pytest.raises(InputError, match="one flag a column"):
        impute(np.ones((4, 2)), [False], [0, 1, 0, 1], population=[True] * 4, seed=0)
    with pytest.raises(InputError, match="no row of the population"):
        impute(np.ones((4, 1)), [False], [-1] * 4, population=[True] * 4, seed=0)
