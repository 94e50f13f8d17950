"""Smoothing: radii of a linear model, where the smoothed model is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, norm

from auditkit.errors import InputError
from auditkit.methods.smoothing import ABSTAINS, randomised_smoothing

WEIGHTS = np.array([3.0, -4.0])


def half_plane(rows):
    return (rows @ WEIGHTS > 0).astype(int)


def certify(X, seed=0, answer=half_plane, classes=2, scale=(1.0, 1.0), **options):
    given = {"sigma": 0.5, "samples": 500, "selection": 50, "alpha": 0.01} | options
    return randomised_smoothing(answer, X, classes, scale, rng=np.random.default_rng(seed), **given)


def test_the_radius_is_that_of_the_share_of_the_vote():
    # all of 500 votes: the lower end is 0.01 ** (1 / 500), one-sided
    found = certify(np.array([[30.0, 0.0]]))
    assert found.label.tolist() == [1]
    assert found.share[0] == pytest.approx(0.01 ** (1 / 500))
    assert found.radius[0] == pytest.approx(0.5 * norm.ppf(0.01 ** (1 / 500)))


def test_certificates_of_a_linear_model_are_false_at_most_at_the_stated_rate():
    # the smoothed half-plane is the half-plane: the exact radius is the distance to the line, |w x| / |w|
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 2)) * 0.3
    exact = np.abs(X @ WEIGHTS) / 5
    found = certify(X, seed=1, samples=200, alpha=0.05)
    wrong = (found.label != ABSTAINS) & ((found.radius > exact) | (found.label != half_plane(X)))
    assert wrong.sum() <= binom.ppf(0.999, len(X), 0.05)
    # and it is not so cautious that it says nothing: the one-sided bound is false at nearly that rate where it can be
    assert wrong.sum() >= binom.ppf(0.001, len(X), 0.01)
    assert (found.label == ABSTAINS).mean() < 0.3
    far = exact > 0.6
    assert (found.radius[far] > 0.5 * exact[far]).mean() > 0.95


def test_a_row_on_the_boundary_is_abstained_on():
    found = certify(np.zeros((400, 2)), alpha=0.01)
    assert (found.label != ABSTAINS).sum() <= binom.ppf(0.999, 400, 0.02)  # for each class 0.01
    assert (found.radius[found.label == ABSTAINS] == 0).all()


def test_columns_without_a_scale_get_no_noise_and_missing_values_stay():
    seen = []

    def answer(rows):
        seen.append(rows)
        return np.zeros(len(rows), dtype=int)

    certify(np.array([[1.0, 7.0], [np.nan, 8.0]]), answer=answer, scale=(2.0, 0.0), samples=2000)
    rows = np.concatenate(seen)
    assert set(rows[:, 1]) == {7.0, 8.0}
    assert np.isnan(rows[rows[:, 1] == 8, 0]).all()
    noise = rows[rows[:, 1] == 7, 0]
    assert noise.std() == pytest.approx(1.0, abs=0.1)  # sigma 0.5, of units of 2
    assert noise.mean() == pytest.approx(1.0, abs=0.1)


def test_calls_are_batched_and_bounded_and_the_batch_does_not_bias():
    sizes = []

    def answer(rows):
        sizes.append(len(rows))
        return half_plane(rows)

    X = np.random.default_rng(0).normal(size=(30, 2))
    found = certify(X, answer=answer, batch=100)
    assert max(sizes) <= 100
    assert sum(sizes) == 30 * 550
    assert found.calls == len(sizes)
    one = certify(X, batch=10**6)
    assert one.calls == 2
    both = (found.label != ABSTAINS) & (one.label != ABSTAINS)
    assert (found.label[both] == one.label[both]).all()
    assert np.abs(found.radius - one.radius)[both].max() < 0.35


def test_three_classes_and_the_seed():
    X = np.array([[0.0, 0.0], [3.0, 0.0]])
    answer = lambda rows: np.digitize(rows[:, 0], [-1, 1])  # noqa: E731
    one, two = (certify(X, answer=answer, classes=3, sigma=0.3) for _ in range(2))
    assert one.label.tolist() == [1, 2]
    np.testing.assert_array_equal(one.radius, two.radius)
    assert len(certify(np.empty((0, 2))).label) == 0


@pytest.mark.parametrize(
    "options", [{"sigma": 0}, {"samples": 0}, {"alpha": 0.5}, {"scale": (1.0,)}, {"classes": 1}]
)
def test_what_does_not_fit_is_refused(options):
    with pytest.raises(InputError, match="expected"):
        certify(np.zeros((2, 2)), **options)


def test_a_class_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="classes from 0 to 1"):
        certify(np.zeros((2, 2)), answer=lambda rows: np.full(len(rows), 2))
