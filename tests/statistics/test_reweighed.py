"""Reweighed differences are ratios of sums, and their intervals hold where few rows speak for many."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from auditkit.errors import InputError
from auditkit.statistics import reweighed_difference

RNG = np.random.default_rng


def test_it_is_the_difference_of_two_means():
    rng = RNG(0)
    v, w = rng.random(50), rng.random(50)
    found = reweighed_difference(v, w)
    assert found.value == pytest.approx(v.mean() - np.average(v, weights=w))
    assert found.size == pytest.approx(w.sum() ** 2 / (w**2).sum())
    assert found.low < found.value < found.high
    assert reweighed_difference(v, 7 * w).value == pytest.approx(found.value)
    wide = reweighed_difference(v, w, intervals=20)
    assert wide.low < found.low < found.high < wide.high


def test_the_variance_is_that_of_the_bootstrap():
    rng = RNG(1)
    v = (rng.random(3000) < 0.8).astype(float)
    w = np.exp(0.7 * rng.normal(size=3000))
    rows = rng.integers(3000, size=(2000, 3000))
    drawn = v[rows].mean(1) - (v * w)[rows].sum(1) / w[rows].sum(1)
    found = reweighed_difference(v, w)
    assert (found.value - found.low) / 1.96 == pytest.approx(drawn.std(), rel=0.08)


def test_equal_weights_change_nothing_and_rows_all_alike_are_not_certain():
    v = np.resize([1.0, 0.0], 40)
    same = reweighed_difference(v, np.ones(40))
    assert (same.value, same.low, same.high) == pytest.approx((0, 0, 0))
    right = reweighed_difference(np.ones(40), np.resize([1.0, 3.0], 40))
    assert right.value == 0
    assert right.low < -0.01 < 0.01 < right.high
    assert np.isinf(reweighed_difference([1.0, 0.0], [1.0, 0.0]).high)


def worlds(kind, z):
    return {"flat": np.full(len(z), 0.8), "near 1": np.full(len(z), 0.995),
            "cliff": np.where(z > 1.5, 0.3, 0.97), "slope": 1 / (1 + np.exp(z - 1.5))}[kind]  # fmt: skip


@pytest.mark.parametrize("n", [60, 400])
@pytest.mark.parametrize("kind", ["flat", "near 1", "cliff", "slope"])
def test_each_end_holds_in_skewed_worlds(kind, n):
    rng, trials = RNG(2), 400
    z = rng.normal(size=400_000)
    p, w = worlds(kind, z), np.exp(0.5 * z)
    true = p.mean() - w @ p / w.sum()
    below = above = 0
    for _ in range(trials):
        z = rng.normal(size=n)
        found = reweighed_difference((rng.random(n) < worlds(kind, z)).astype(float), np.exp(0.5 * z))
        below += found.low > true
        above += found.high < true
    assert max(below, above) <= binom.ppf(0.999, trials, 0.025)


@pytest.mark.parametrize(
    ("values", "weights", "words"),
    [
        ([1.0, np.inf], [1, 1], "finite values"),
        ([1.0], [1, 1], "one weight each"),
        ([1.0, 0.0], [0, 0], "not all 0"),
        ([1.0, 0.0], [1, -1], "at least 0"),
    ],
)
def test_what_does_not_fit_is_refused(values, weights, words):
    with pytest.raises(InputError, match=words):
        reweighed_difference(values, weights)
