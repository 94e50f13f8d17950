"""Control limits: held against enumeration, against permutations, and against their own rate of false alarms."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from auditkit.errors import InputError
from auditkit.statistics import Sums, area_moved, cells_moved, gap_moved, mean_moved, rate_moved
from auditkit.statistics.control_cells import dealt_moments, dealt_third
from auditkit.statistics.control_gaps import area_part, binning_error
from auditkit.statistics.control_limits import (
    hypergeometric,
    mean_part,
    part_moved,
    skewed_quantile,
    skewed_tail,
)


def moments(values):
    return Sums(len(values), values.sum(), (values**2).sum(), (values**3).sum())


def test_a_rate_is_tested_as_fisher_does_with_both_sides_doubled():
    for x in range(0, 41, 5):
        table = stats.hypergeom(240, 60 + x, 40)  # rows, successes of both, rows of the window
        expected = min(1.0, 2 * min(table.cdf(x), table.sf(x - 1)))
        assert rate_moved(x, 40, 60, 200, 0.01).p_value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("n", "successes", "m"), [(40, 60, 200), (200, 3, 500), (30, 0, 90), (500, 500, 500)]
)
def test_a_count_lies_beyond_a_limit_exactly_where_its_p_value_is_small(n, successes, m):
    for x in range(n + 1):
        found = rate_moved(x, n, successes, m, 0.01)
        assert (found.p_value <= 0.01) == (not found.low <= found.value <= found.high), x


def test_a_rate_of_many_rows_is_as_exact_as_one_of_few():
    found = rate_moved(101_000, 1_000_000, 200_000, 2_000_000, 0.01)
    p = 301_000 / 3_000_000
    z = 0.001 / math.sqrt(p * (1 - p) * 1.5e-6)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(z), rel=0.02)


def test_a_gap_holds_its_rate_over_every_table_that_there_is():
    """All tables of two groups of 8 and 9 rows with these totals: tables this far out are no more common than they are said to be."""
    (n1, m1, t1), (n2, m2, t2) = (8, 12, 7), (9, 20, 11)
    (x1, p1), (x2, p2) = hypergeometric(n1, m1, t1), hypergeometric(n2, m2, t2)
    tables = [
        (gap_moved([a, b], [n1, n2], [t1 - a, t2 - b], [m1, m2], 0.05), p * q)
        for (a, p), (b, q) in itertools.product(zip(x1, p1, strict=True), zip(x2, p2, strict=True))
    ]
    assert sum(p for _, p in tables) == pytest.approx(1.0)
    for alpha in (0.2, 0.05, 0.01):
        assert sum(p for found, p in tables if found.moved.p_value <= alpha) <= alpha + 1e-9
    for found, _ in tables:
        out = not found.moved.low <= found.moved.value <= found.moved.high
        assert out == (found.moved.p_value <= 0.05)


def test_a_gap_of_two_groups_is_the_brute_sum_of_both():
    found = gap_moved([6, 1], [8, 9], [3, 10], [12, 20], 0.05)
    (x1, p1), (x2, p2) = hypergeometric(8, 12, 9), hypergeometric(9, 20, 11)
    away = (x1 / 8 - (9 - x1) / 12)[:, None] - (x2 / 9 - (11 - x2) / 20)[None, :]
    seen = (6 / 8 - 3 / 12) - (1 / 9 - 10 / 20)
    upper = (p1[:, None] * p2[None, :])[away >= seen - 1e-12].sum()
    lower = (p1[:, None] * p2[None, :])[away <= seen + 1e-12].sum()
    assert found.moved.p_value == pytest.approx(min(1.0, 2 * min(upper, lower)))


def test_what_all_groups_share_is_no_gap_that_moved():
    found = gap_moved([120, 130, 125], [200] * 3, [300, 320, 310], [1000] * 3, 0.01)
    assert found.pairs == 3
    assert found.moved.p_value > 0.5


def test_chi_square_of_dealt_rows_has_these_moments():
    """Haldane's mean and variance exactly, the third cumulant nearly: by drawing a million tables."""
    rng, cells, n = np.random.default_rng(0), np.array([50, 80, 200, 300]), 130
    m = cells.sum() - n
    drawn = rng.multivariate_hypergeometric(cells, n, size=300_000)
    expected = cells * n / (n + m)
    x2 = ((drawn - expected) ** 2 / expected).sum(axis=1) * (n + m) / m
    mean, variance = dealt_moments(cells, n, m)
    assert x2.mean() == pytest.approx(mean, rel=0.01)
    assert x2.var() == pytest.approx(variance, rel=0.02)
    assert ((x2 - x2.mean()) ** 3).mean() == pytest.approx(dealt_third(cells, n, m), rel=0.1)
    assert dealt_moments([2, 2], 2, 2) == pytest.approx((4 / 3, 32 / 9))


def test_a_mean_is_tested_as_by_permutations():
    rng = np.random.default_rng(4)
    window, reference = rng.exponential(1.25, 80), rng.exponential(1.0, 300)
    both = np.concatenate([window, reference])
    seen = window.mean() - reference.mean()
    draws = np.array([both[rng.permutation(380)[:80]].sum() for _ in range(20_000)])
    away = draws / 80 - (both.sum() - draws) / 300
    upper = (away >= seen).mean()
    assert mean_moved(moments(window), moments(reference), 0.01).p_value == pytest.approx(2 * upper, rel=0.1)


def test_an_area_of_bins_is_that_of_scikit_learn_and_its_variance_that_of_redrawn_rows():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(2)
    y = rng.random(3000) < 0.3
    score = np.clip(np.round(rng.normal(0.4 + 0.2 * y, 0.15, 3000), 2), 0, 1)
    bins = (score * 100).round().astype(int)

    def counts(rows):
        return [np.bincount(bins[rows & (y == truth)], minlength=101) for truth in (True, False)]

    window = np.arange(3000) < 500
    found = area_moved(counts(window), counts(~window), 0.01)
    assert found.value == pytest.approx(roc_auc_score(y[window], score[window]))
    assert found.reference == pytest.approx(roc_auc_score(y[~window], score[~window]))
    areas = []
    for _ in range(800):
        rows = rng.choice(3000, 500, replace=False)
        areas.append(roc_auc_score(y[rows], score[rows]))
    assert area_part(counts(window), counts(~window)).variance == pytest.approx(
        np.var(areas) / (1 - 500 / 3000), rel=0.15
    )
    assert binning_error(*counts(window)) < 0.05


def test_the_skewed_tail_is_that_of_a_gamma_and_its_quantile_its_inverse():
    for skewness in (-1.0, -0.2, 0.0, 0.05, 0.3, 2.0):
        for z in (-0.5, 1.0, 3.0):
            expected = stats.pearson3.sf(z, skewness)
            assert skewed_tail(z, skewness) == pytest.approx(expected, rel=1e-6, abs=1e-12)
        assert skewed_tail(skewed_quantile(1e-4, skewness), skewness) == pytest.approx(1e-4, rel=1e-6)


def test_bad_input_is_told():
    with pytest.raises(InputError, match="error rate"):
        rate_moved(1, 2, 3, 4, 0.0)
    with pytest.raises(InputError, match="expected counts"):
        rate_moved(5, 2, 3, 4, 0.01)
    with pytest.raises(InputError, match="two groups or more"):
        gap_moved([1], [2], [1], [2], 0.01)
    with pytest.raises(InputError, match="every group needs rows"):
        gap_moved([0, 1], [0, 2], [1, 1], [2, 2], 0.01)
    with pytest.raises(InputError, match="positives and negatives"):
        area_moved(([0, 0], [1, 1]), ([1, 1], [1, 1]), 0.01)
    with pytest.raises(InputError, match="two rows"):
        mean_moved(Sums(1, 1, 1, 1), Sums(5, 1, 1, 1), 0.01)
    with pytest.raises(InputError, match="one count a cell"):
        cells_moved([1, 2], [1, 2, 3], 0.01)


def p_values(kind, n, m, times, rng):
    """Yield p-values of windows that are drawn like the reference."""
    for _ in range(times):
        if kind == "rate":
            yield rate_moved(rng.binomial(n, 0.06), n, rng.binomial(m, 0.06), m, 0.5).p_value
        elif kind == "cells":
            share = [0.6, 0.2, 0.1, 0.05, 0.03, 0.02]
            yield cells_moved(rng.multinomial(n, share), rng.multinomial(m, share), 0.01).p_value
        elif kind == "gap":
            sizes = np.array([n // 2, n // 4, n // 8]), np.array([m // 2, m // 4, m // 8])
            x, a = (rng.binomial(size, [0.1, 0.2, 0.25]) for size in sizes)
            yield gap_moved(x, sizes[0], a, sizes[1], 0.5).moved.p_value
        else:
            score = 1 / (1 + np.exp(-rng.normal(-1, 1.8, n + m)))
            y = rng.random(n + m) < score
            if kind == "area":
                bins, first = (score * 200).astype(int), np.arange(n + m) < n
                counts = [
                    [np.bincount(bins[rows & (y == truth)], minlength=200) for truth in (True, False)]
                    for rows in (first, ~first)
                ]
                yield part_moved(area_part(*counts), 0.01).p_value
            else:
                held = np.clip(score, 1e-3, 1 - 1e-3)
                values = -np.where(y, np.log(held), np.log1p(-held)) if kind == "log_loss" else y - score
                yield part_moved(mean_part(moments(values[:n]), moments(values[n:])), 0.01).p_value


KINDS = ("rate", "cells", "gap", "log_loss", "residual", "area")


def held(p, alpha, at_most):
    """Whether a share of small p-values is no more than so many times its rate, but for the noise of counting it."""
    times, found = len(p), float((np.asarray(p) <= alpha).mean())
    return found <= at_most * alpha + 3 * math.sqrt(at_most * alpha / times)


@pytest.mark.parametrize("kind", KINDS)
def test_windows_without_a_change_alarm_no_more_often_than_said(kind):
    p = list(p_values(kind, 80, 400, 1500, np.random.default_rng(11)))
    assert held(p, 0.05, 1.1)
    assert held(p, 0.01, 1.2)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("n", "m"), [(80, 300), (80, 5000), (300, 300), (1000, 1000)])
def test_far_out_in_the_tail_the_rate_holds_too(kind, n, m):
    times = 10_000 if kind in ("log_loss", "residual", "area") and n + m > 1500 else 40_000
    p = list(p_values(kind, n, m, times, np.random.default_rng(n + m)))
    assert held(p, 1e-2, 1.1)
    assert held(p, 1e-3, 1.3)
    assert held(p, 1e-4, 2.0)


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("rate", lambda: rate_moved(60, 500, 160, 2000, 1e-4)),  # 0.08 to 0.12
        ("cells", lambda: cells_moved([150, 150, 200], [800, 600, 600], 1e-4)),
        ("gap", lambda: gap_moved([150, 100], [400, 400], [500, 500], [2000, 2000], 1e-2).moved),
    ],
)
def test_a_change_of_this_size_is_seen(kind, found):
    alpha = {"rate": 0.01, "cells": 1e-3, "gap": 1e-2}[kind]
    assert found().p_value <= alpha


def test_a_small_group_that_falls_behind_is_seen_as_often_as_theory_says():
    """A group of 60 beside one of 200 falls from half to a fifth: found at one in a thousand about as often as a normal would be."""
    rng = np.random.default_rng(9)
    sizes, reference = np.array([200, 60]), np.array([2000, 600])
    found = []
    for _ in range(400):
        x, a = rng.binomial(sizes, [0.5, 0.2]), rng.binomial(reference, 0.5)
        found.append(gap_moved(x, sizes, a, reference, 1e-3).moved.p_value <= 1e-3)
    pooled = (0.25, (12 + 300) / 660 * (1 - (12 + 300) / 660))
    null = math.sqrt(sum(v * (1 / n + 1 / m) for v, n, m in zip(pooled, sizes, reference, strict=True)))
    own = math.sqrt(0.25 / 200 + 0.16 / 60 + 0.25 / 2000 + 0.25 / 600)
    expected = stats.norm.cdf((0.3 - stats.norm.isf(5e-4) * null) / own)
    assert 0.6 < expected < 0.9
    assert np.mean(found) == pytest.approx(expected, abs=0.1)
