"""What is published: digits, first labels, and targets that are softened, each against its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from auditkit.errors import InputError
from auditkit.methods.published import rounded, smoothed_targets, top_label


@given(st.integers(2, 5), st.integers(0, 2**16))
def test_a_first_label_keeps_the_label_and_the_sum(k, seed):
    proba = np.random.default_rng(seed).dirichlet(np.ones(k), 7)
    for scored in (True, False):
        read = top_label(proba, scored=scored)
        np.testing.assert_allclose(read.sum(axis=1), 1)
        kept = read.max(axis=1) > read.min(axis=1) + 1e-12
        np.testing.assert_array_equal(read.argmax(axis=1)[kept], proba.argmax(axis=1)[kept])
    if k == 2:
        np.testing.assert_allclose(top_label(proba, scored=True), proba)  # nothing is kept back


def test_stacks_of_tables_are_read_like_tables():
    proba = np.random.default_rng(0).dirichlet(np.ones(3), (2, 4))
    np.testing.assert_array_equal(top_label(proba, scored=True)[1], top_label(proba[1], scored=True))
    np.testing.assert_array_equal(rounded(proba, 1)[0], rounded(proba[0], 1))


def test_weighted_copies_minimise_the_softened_cross_entropy():
    rng = np.random.default_rng(0)
    y, epsilon, k = rng.integers(3, size=40), 0.3, 3
    rows, labels, weights = smoothed_targets(y, k, epsilon)
    log_p = np.log(rng.dirichlet(np.ones(k), 40))
    target = np.full((40, k), epsilon / (k - 1))
    target[np.arange(40), y] = 1 - epsilon
    assert -(weights * log_p[rows, labels]).sum() == pytest.approx(-(target * log_p).sum())


def test_a_constant_column_learns_the_softened_rate():
    rows, labels, weights = smoothed_targets(np.repeat([1, 0], [90, 10]), 2, 0.2)
    model = LogisticRegression(C=1e6).fit(np.zeros((len(rows), 1)), labels, weights)
    assert model.predict_proba([[0.0]])[0, 1] == pytest.approx(0.9 * 0.8 + 0.1 * 0.2, abs=1e-4)


def test_impossible_arguments_are_told():
    with pytest.raises(InputError, match="digits"):
        rounded([[0.5, 0.5]], 0)
    with pytest.raises(InputError, match="probabilities"):
        top_label([[1.5, -0.5]], scored=True)
    with pytest.raises(InputError, match="at least 2 classes"):
        rounded([[1.0]], 1)
    for y, k, epsilon in (([0, 1], 2, 0.5), ([0, 1], 1, 0.1), ([0, 1], 2, 0.0)):
        with pytest.raises(InputError, match="epsilon"):
            smoothed_targets(y, k, epsilon)
    with pytest.raises(InputError, match="class numbers"):
        smoothed_targets([0, 5], 2, 0.1)
