import math

import numpy as np
import pytest
from scipy.stats import norm

from auditkit.errors import InputError
from auditkit.methods.quantile_attack import LEVELS, _levels, _placed, quantile_score
from auditkit.statistics import auc, tpr_at_fpr


def by_hand(value, quantiles, at, least):
    """One record: widen steps from the middle, then read the polyline."""
    knots = {at.index(0.0): quantiles[at.index(0.0)]}
    middle = at.index(0.0)
    for i in range(middle + 1, len(at)):
        knots[i] = knots[i - 1] + max(quantiles[i] - quantiles[i - 1], least * (at[i] - at[i - 1]))
    for i in range(middle - 1, -1, -1):
        knots[i] = knots[i + 1] - max(quantiles[i + 1] - quantiles[i], least * (at[i + 1] - at[i]))
    xs = [knots[i] for i in range(len(at))]
    if value > xs[-1]:
        return at[-1] + (value - xs[-1]) * (at[-1] - at[middle]) / (xs[-1] - xs[middle])
    if value < xs[0]:
        return at[0] - (xs[0] - value) * (at[middle] - at[0]) / (xs[middle] - xs[0])
    return float(np.interp(value, xs, at))


def test_a_record_is_placed_on_the_line_through_its_quantiles():
    rng = np.random.default_rng(0)
    at = [-1.6, -0.7, 0.0, 0.7, 1.3, 2.3]
    quantiles = np.sort(rng.normal(size=(6, 80)), axis=0)
    quantiles[:, :10] = quantiles[0, :10]  # all levels alike
    values = rng.normal(0, 3, 80)
    spread = np.median(quantiles[-1] - quantiles[0]) / (at[-1] - at[0])
    expected = [by_hand(v, q, at, 0.1 * spread) for v, q in zip(values, quantiles.T, strict=True)]
    np.testing.assert_allclose(_placed(values, quantiles, np.array(at)), expected, rtol=1e-9, atol=1e-9)


def test_a_higher_signal_gives_a_higher_score():
    quantiles = np.sort(np.random.default_rng(1).normal(size=(5, 30)), axis=0)
    at = np.array([-1.3, 0.0, 0.7, 1.3, 2.3])
    rising = [_placed(np.full(30, v), quantiles, at) for v in np.linspace(-6, 6, 80)]
    assert (np.diff(rising, axis=0) > 0).all()


def test_quantiles_that_are_one_number_give_the_difference_itself():
    score = _placed(np.array([1.0, 3.0]), np.full((3, 2), 2.0), np.array([-1.0, 0.0, 1.0]))
    np.testing.assert_allclose(score, [-1.0, 1.0])


def test_levels_without_ten_records_beyond_are_left_out():
    assert _levels(LEVELS, 1000) == LEVELS
    assert _levels(LEVELS, 999) == LEVELS[:-1]
    assert _levels(LEVELS, 100) == (0.25, 0.5, 0.75, 0.9)
    assert _levels((0.5,), 40) == (0.5,)


def world(rng, n, m, delta):
    """A signal that follows an input, with a spread that follows it too; members lie `delta` spreads higher."""
    z = rng.uniform(-1, 1, (n + m, 2))
    member = np.concatenate([np.arange(n) % 2 == 0, np.zeros(m, dtype=bool)])
    spread = np.where(z[:, 1] > 0, 2.0, 0.5)
    signal = 6 * np.sign(z[:, 0]) + spread * (rng.normal(size=n + m) + delta * member)
    return signal[:n], z[:n], signal[n:], z[n:], member[:n]


def test_the_planted_leak_is_found_at_its_known_size():
    # the normal score shifts by delta; regressions on 6000 records come within a few hundredths of the known quantiles
    delta = 1.5
    signal, X, population, population_X, member = world(np.random.default_rng(2), 6000, 6000, delta)
    score = quantile_score(signal, X, population, population_X, seed=0)
    found, ideal = auc(score, member), norm.cdf(delta / math.sqrt(2))
    assert ideal - 0.03 < found.value < ideal + 0.02
    # the signal itself drowns in what the inputs explain
    assert found.value > auc(signal, member).value + 0.1
    assert tpr_at_fpr(score, member, 0.1).tpr == pytest.approx(norm.sf(norm.isf(0.1) - delta), abs=0.07)
    # what a score means: a non-member lies above the quantile of 0.9 one time in ten
    assert (score[~member] > norm.ppf(0.9)).mean() == pytest.approx(0.1, abs=0.03)


def test_without_a_leak_the_interval_covers_one_half_as_often_as_it_says():
    draws, rows = 300, 150
    signal, X, population, population_X, member = world(np.random.default_rng(3), draws * rows, 400, 0.0)
    score = quantile_score(signal, X, population, population_X, seed=0, levels=(0.25, 0.5, 0.9))
    found = list(map(auc, score.reshape(draws, rows), member.reshape(draws, rows)))
    # binomial(300, 0.95): 0.912 is three standard deviations down
    assert np.mean([one.low <= 0.5 <= one.high for one in found]) >= 0.912


def test_a_label_given_as_codes_is_used():
    rng = np.random.default_rng(4)
    label = rng.integers(0, 3, 2000)
    signal = np.array([5.0, -5.0, 0.0])[label] + rng.normal(size=2000)
    score = quantile_score(
        [5.0, 5.0], [[0], [2]], signal, label[:, None], seed=0, categorical=[True], levels=(0.25, 0.5, 0.75)
    )
    assert abs(score[0]) < 0.5
    assert score[1] > 3


def test_a_record_on_both_sides_is_refused():
    rng = np.random.default_rng(5)
    args = (rng.normal(size=3), rng.normal(size=(3, 1)), rng.normal(size=50), rng.normal(size=(50, 1)))
    with pytest.raises(InputError, match=r"1 records are attacked and in the population.*the first: 7"):
        quantile_score(*args, seed=0, rows=[7, 100, 101], population_rows=range(50))
    with pytest.raises(InputError, match="go together"):
        quantile_score(*args, seed=0, rows=[1, 2, 3])
    with pytest.raises(InputError, match=r"\(3,\) and \(50,\)"):
        quantile_score(*args, seed=0, rows=[1], population_rows=range(50))
    apart = quantile_score(*args, seed=0, levels=(0.5,), rows=[100, 101, 102], population_rows=range(50))
    assert np.isfinite(apart).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.zeros((2, 1))}, "X must be"),
        ({"population_X": np.zeros((50, 2))}, "same columns, got 1 and 2"),
        (
            {"population_signal": np.zeros(20), "population_X": np.zeros((20, 1))},
            "at least 40 records, got 20",
        ),
        ({"levels": (0.9, 0.5)}, "levels must increase"),
        ({"levels": (0.9,)}, "0.5 among them"),
        ({"categorical": [True, False]}, "categorical must be 1"),
        ({"target_signal": np.full(3, np.nan)}, "target_signal holds 3"),
    ],
    ids=["rows", "columns", "few", "order", "no middle", "flags", "nan"],
)
def test_misuse_is_an_error(change, message):
    good = {
        "target_signal": np.zeros(3),
        "X": np.zeros((3, 1)),
        "population_signal": np.zeros(50),
        "population_X": np.zeros((50, 1)),
        "seed": 0,
    }
    with pytest.raises(InputError, match=message):
        quantile_score(**(good | change))
