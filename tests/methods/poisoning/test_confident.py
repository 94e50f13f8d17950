"""Confident learning counts as its authors' own package does, and as a count by hand does."""

import os

import numpy as np
import pytest
from scipy.stats import binom

from auditkit.errors import InputError
from auditkit.methods.poisoning import confident


def problem(n, k, seed, flips=0.0):
    """Return probabilities that are right, and labels drawn from them, some of them flipped."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(k, 0.3), n)
    y = (rng.random(n)[:, None] >= np.cumsum(p, axis=1)).sum(axis=1).clip(max=k - 1)
    flipped = rng.random(n) < flips
    return p, np.where(flipped, (y + rng.integers(1, k, n)) % k, y), flipped


def cleanlab():
    if os.environ.get("CI") != "true":
        pytest.importorskip("cleanlab", reason="cleanlab is part of the extra 'test'")
    import cleanlab.count
    import cleanlab.filter

    return cleanlab


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("k", [2, 3, 5])
def test_the_joint_and_the_suspects_are_those_of_cleanlab(k):
    theirs = cleanlab()
    for seed in range(5):
        p, y, _ = problem(300, k, seed, 0.1)
        found = confident.confident_learning(p, y)
        # theirs rounds to whole rows
        joint = theirs.count.compute_confident_joint(y, p) / len(y)
        assert np.abs(found.joint - joint).max() <= k / len(y)
        mask = theirs.filter.find_label_issues(y, p, filter_by="confident_learning", n_jobs=1)
        assert (found.suspect == mask).all()
        assert found.thresholds == pytest.approx(theirs.count.get_confident_thresholds(y, p))


def test_the_joint_is_that_of_a_count_by_hand():
    p = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.9, 0.1], [0.1, 0.9], [0.3, 0.7]])
    y = np.array([0, 0, 0, 1, 1, 1])
    # thresholds: class 0 (0.9 + 0.7 + 0.2) / 3 = 0.6; class 1 (0.1 + 0.9 + 0.7) / 3 = 0.567
    found = confident.confident_learning(p, y)
    assert found.thresholds == pytest.approx([0.6, 1.7 / 3])
    assert found.guess.tolist() == [0, 0, 1, 0, 1, 1]
    assert found.joint == pytest.approx(np.array([[2, 1], [1, 2]]) / 6)
    assert found.noise_rate == pytest.approx(1 / 3)
    assert found.by_class == pytest.approx([1 / 3, 1 / 3])


def test_flips_on_an_easy_problem_are_counted_at_their_rate():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 4000)
    y = np.where(rng.random(4000) < 0.2, 1 - truth, truth)
    p = np.eye(2)[truth] * 0.6 + 0.2  # what a calibrated model says of labels of which a fifth is flipped
    found = confident.confident_learning(p, y)
    assert abs(found.noise_rate - 0.2) < 0.02
    assert (found.suspect == (y != truth)).all()


def test_random_flips_cannot_be_told_from_difficulty_by_probabilities_and_labels():
    """The limit that the page states: labels drawn from calibrated probabilities give the same estimate as flipped labels."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 4000)
    y = np.where(rng.random(4000) < 0.2, 1 - truth, truth)
    p = np.eye(2)[truth] * 0.9 + 0.05
    drawn = confident.resampled_rates(p, confident.calibrated(p, y), 100, rng)
    assert drawn.min() <= confident.confident_learning(p, y).noise_rate <= drawn.max()


def test_calibration_holds_on_average_in_every_part_of_a_distorted_scale():
    p, y, _ = problem(6000, 2, 0)
    bent = p**2 / (p**2).sum(axis=1, keepdims=True)
    right = confident.calibrated(bent, y)
    for low, high in ((0, 0.2), (0.2, 0.8), (0.8, 1)):
        part = (right[:, 1] >= low) & (right[:, 1] < high)
        assert abs(right[part, 1].mean() - y[part].mean()) < 0.04


def test_the_bootstrap_covers_the_rate_of_many_rows():
    p, y, _ = problem(200_000, 2, 0, 0.1)
    truth = confident.confident_learning(p, y).noise_rate
    inside, rng = 0, np.random.default_rng(1)
    for _ in range(60):
        at = rng.integers(len(y), size=400)
        drawn = confident.bootstrap_rates(p[at], y[at], 100, rng)[:, 0]
        low, high = np.quantile(drawn, [0.025, 0.975])
        inside += low <= truth <= high
    assert inside >= binom.ppf(0.0005, 60, 0.92), inside


def test_a_class_that_nobody_is_given_is_no_guess():
    found = confident.confident_learning([[0.2, 0.1, 0.7], [0.1, 0.3, 0.6]], [0, 1])
    assert np.isinf(found.thresholds[2])
    assert 2 not in found.guess
    assert np.isnan(found.by_class[2])
    with pytest.raises(InputError, match="columns from 0 to 1"):
        confident.confident_learning([[0.5, 0.5]], [2])
