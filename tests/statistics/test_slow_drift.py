"""Slow drift: tables that are printed elsewhere, and run lengths that were simulated under references of small and large size."""

import math

import numpy as np
import pytest
from scipy import special

from auditkit.errors import InputError
from auditkit.statistics import (
    Part,
    ewma_run_length,
    rate_given_reference,
    recent_moved,
    recent_part,
    recent_weights,
)


@pytest.mark.parametrize(
    ("smoothing", "limit"), [(0.4, 3.054), (0.25, 2.998), (0.2, 2.962), (0.1, 2.814), (0.05, 2.615)]
)
def test_run_lengths_are_those_of_the_printed_table(smoothing, limit):
    """Montgomery, "Introduction to Statistical Quality Control", the table of EWMA schemes with a run length of about 500."""
    assert ewma_run_length(smoothing, limit) == pytest.approx(500, rel=0.01)


def test_weights_count_rows_and_recent_windows():
    weights = recent_weights([100, 0, 300], 0.5)
    assert weights.tolist() == pytest.approx([25 / 325, 0, 300 / 325])
    assert recent_weights([50, 80], 1.0).tolist() == [0, 1]
    for smoothing, sizes in ((0.0, [1]), (1.5, [1]), (0.2, []), (0.2, [0, 0])):
        with pytest.raises(InputError):
            recent_weights(sizes, smoothing)


def test_the_doubt_of_the_reference_does_not_average_out():
    windows = [Part(0.0, 100, 1 / 100, 0.0, 0.0, 1 / 1000, 0.0)] * 200
    found = recent_part(windows, 0.2)
    assert found.variance == pytest.approx(0.2 / 1.8 / 100)  # the variance of an EWMA in the long run
    assert found.reference_variance == pytest.approx(1 / 1000)


def mean_charts(times, windows, ratio, smoothing, alpha, rng, shift=0.0):
    """Return which windows lie beyond, shape (times, windows); `ratio` is the rows of a window over those of the reference."""
    off = rng.normal(size=(times, 1)) * math.sqrt(ratio)
    values = rng.normal(size=(times, windows)) + shift
    weights = (1 - smoothing) ** np.arange(windows)
    mean, square = np.zeros((2, times, windows))
    for t in range(windows):
        c = weights[: t + 1][::-1]
        mean[:, t] = values[:, : t + 1] @ c / c.sum()
        square[:, t] = (c**2).sum() / c.sum() ** 2
    z = (mean - off) / np.sqrt(square + ratio)
    return np.abs(z) > -special.ndtri(alpha / 2)


def test_the_simulated_chart_is_the_chart():
    rng = np.random.default_rng(0)
    values = rng.normal(size=6)
    parts = [Part(v, 50, 1 / 50, 0.0, 0.1, 1 / 200, 0.0) for v in values]
    c = 0.8 ** np.arange(6)[::-1]
    c /= c.sum()
    z = (c @ values - 0.1) / math.sqrt((c**2).sum() / 50 + 1 / 200)
    assert recent_moved(parts, 0.2, 0.01).p_value == pytest.approx(2 * special.ndtr(-abs(z)))


@pytest.mark.parametrize("ratio", [0.0, 0.05, 1.0])
def test_each_window_alarms_at_the_rate_whatever_the_size_of_the_reference(ratio):
    beyond = mean_charts(20_000, 30, ratio, 0.2, 0.01, np.random.default_rng(1))
    share = beyond.mean(axis=0)
    assert share[0] == pytest.approx(0.01, abs=0.0025)
    assert share[-1] == pytest.approx(0.01, abs=0.0025)
    assert beyond.mean() == pytest.approx(0.01, abs=0.002)


@pytest.mark.parametrize("ratio", [0.0, 0.02, 0.2])
def test_the_average_run_length_is_no_shorter_than_one_over_the_rate(ratio):
    alpha, windows = 0.02, 400
    beyond = mean_charts(2000, windows, ratio, 0.2, alpha, np.random.default_rng(2))
    first = np.where(
        beyond.any(axis=1), beyond.argmax(axis=1) + 1, windows
    )  # cut off, so too short if anything
    assert first.mean() >= 1 / alpha


def test_a_naive_chart_that_takes_the_reference_for_the_truth_alarms_too_often():
    rng, ratio = np.random.default_rng(3), 0.2
    off = rng.normal(size=20_000) * math.sqrt(ratio)
    z = (rng.normal(size=20_000) - off) / 1.0
    assert (np.abs(z) > -special.ndtri(0.005)).mean() > 0.017


def test_a_slow_drift_is_found_sooner_by_recent_windows_than_by_single_ones():
    """A twentieth of a standard error more each window."""
    shift = 0.05 * np.arange(1, 121)
    delays = {}
    for smoothing in (1.0, 0.2):
        beyond = mean_charts(2000, 120, 0.05, smoothing, 0.001, np.random.default_rng(4), shift)
        assert beyond.any(axis=1).mean() > 0.99
        delays[smoothing] = float(np.median(beyond.argmax(axis=1) + 1))
    assert delays[0.2] < 0.75 * delays[1.0]


def test_a_sudden_shift_of_four_standard_errors_is_found_at_once_by_the_window_alone():
    beyond = mean_charts(4000, 1, 0.02, 1.0, 0.001, np.random.default_rng(5), 4.0)
    expected = special.ndtr(4 / math.sqrt(1.02) - 3.2905)
    assert beyond.mean() == pytest.approx(expected, abs=0.03)


def test_nine_of_ten_references_have_a_rate_below_the_one_that_is_said():
    rng, alpha, ratio = np.random.default_rng(6), 0.01, 0.1
    off = rng.normal(size=20_000) * math.sqrt(ratio)
    limit = -special.ndtri(alpha / 2) * math.sqrt(1 + ratio)
    rates = special.ndtr(off - limit) + special.ndtr(-off - limit)
    assert (rates <= rate_given_reference(alpha, 100, 1000)).mean() == pytest.approx(0.9, abs=0.01)
    assert rates.mean() == pytest.approx(alpha, rel=0.05)
