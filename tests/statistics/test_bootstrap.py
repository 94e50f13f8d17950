"""The bootstrap of counts against the bootstrap of rows, scipy's, and closed forms."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from auditkit import statistics as ak
from auditkit.errors import InputError
from auditkit.statistics.bootstrap import jackknife_acceleration


def rate_gap(counts):
    """Difference of the rate of cell 1 between groups 0 and 1."""
    rates = counts[..., 1] / counts.sum(-1)
    return rates[..., 0] - rates[..., 1]


def rate(counts):
    return counts[..., 0, 1] / counts[..., 0, :].sum(-1)


COUNTS = np.array([[30, 70], [90, 110]])


@pytest.mark.parametrize("scheme", ["rows", "groups", "poisson"])
def test_draws_have_the_right_means_and_totals(scheme):
    drawn = ak.draw_counts(COUNTS, 4000, np.random.default_rng(0), scheme)
    assert drawn.shape == (4000, 2, 2)
    np.testing.assert_allclose(drawn.mean(0), COUNTS, rtol=0.02)
    if scheme == "rows":
        assert (drawn.sum((1, 2)) == 300).all()
    if scheme == "groups":
        assert (drawn.sum(2) == [100, 200]).all()


def test_standard_error_is_the_textbook_one():
    result = ak.bootstrap_counts(
        COUNTS, rate_gap, rng=np.random.default_rng(1), replicates=20_000, scheme="groups"
    )
    textbook = math.sqrt(0.7 * 0.3 / 100 + 0.55 * 0.45 / 200)
    assert result.value == pytest.approx(0.15)
    assert result.se == pytest.approx(textbook, rel=0.02)


def test_counts_resample_as_rows_do():
    rng = np.random.default_rng(2)
    rows = np.repeat(np.arange(4), COUNTS.ravel())
    picks = rng.choice(rows, size=(4000, rows.size))
    of_rows = rate_gap(np.stack([(picks == cell).sum(1) for cell in range(4)], 1).reshape(-1, 2, 2))
    result = ak.bootstrap_counts(COUNTS, rate_gap, rng=rng, replicates=4000)
    assert [result.low, result.high] == pytest.approx(np.quantile(of_rows, [0.025, 0.975]), abs=0.01)


@pytest.mark.parametrize(
    ("method", "name"), [("percentile", "percentile"), ("basic", "basic"), ("bca", "BCa")]
)
def test_intervals_agree_with_scipys_on_the_rows(method, name):
    counts = np.array([[470, 30]])
    rows = np.repeat([0.0, 1.0], counts[0])
    expected = scipy_stats.bootstrap(
        (rows,),
        np.mean,
        n_resamples=8000,
        method=name,
        rng=np.random.default_rng(3),
        vectorized=True,
        batch=500,
    ).confidence_interval
    ours = ak.bootstrap_counts(counts, rate, rng=np.random.default_rng(4), replicates=20_000, method=method)
    assert (ours.low, ours.high) == pytest.approx((expected.low, expected.high), abs=0.0025)


def test_jackknife_by_cell_is_the_jackknife_by_row():
    counts = np.array([[12.0, 5.0], [7.0, 9.0]])
    rows = np.repeat(np.arange(4), counts.ravel().astype(int))
    values = np.array(
        [rate_gap(np.bincount(np.delete(rows, i), minlength=4).reshape(2, 2)) for i in range(len(rows))]
    )
    away = values.mean() - values
    expected = (away**3).sum() / (6 * (away**2).sum() ** 1.5)
    assert jackknife_acceleration(counts, rate_gap) == pytest.approx(expected, rel=1e-9)


def test_paired_difference_uses_the_same_draw():
    # cells: neither, after only, before only, both
    joint = [[480, 15, 5, 500]]

    def before(c):
        return (c[..., 0, 2] + c[..., 0, 3]) / c[..., 0, :].sum(-1)

    def after(c):
        return (c[..., 0, 1] + c[..., 0, 3]) / c[..., 0, :].sum(-1)

    result = ak.bootstrap_difference(joint, before, after, rng=np.random.default_rng(0), replicates=20_000)
    mcnemar = math.sqrt((15 + 5 - (15 - 5) ** 2 / 1000) / 1000**2)
    unpaired = math.sqrt(0.505 * 0.495 / 1000 + 0.515 * 0.485 / 1000)
    assert result.value == pytest.approx(0.01)
    assert result.se == pytest.approx(mcnemar, rel=0.03)
    assert result.se < unpaired / 3


@pytest.mark.parametrize("method", ["percentile", "bca", "basic"])
def test_coverage(method):
    rng = np.random.default_rng(9)
    trials, covered = 400, 0
    for _ in range(trials):
        counts = np.c_[rng.binomial([150, 250], [0.7, 0.6])]
        counts = np.c_[np.array([[150], [250]]) - counts, counts]
        result = ak.bootstrap_counts(counts, rate_gap, rng=rng, replicates=600, method=method)
        covered += result.low <= 0.1 <= result.high
    assert covered / trials >= 0.94 - 3 * math.sqrt(0.94 * 0.06 / trials)


def test_undefined_replicates_are_counted_and_too_many_leave_no_interval():
    few = ak.bootstrap_counts([[50, 50], [3, 3]], rate_gap, rng=np.random.default_rng(0))
    assert 0 < few.undefined < 0.1 * few.replicates
    assert few.low < few.high
    many = ak.bootstrap_counts([[50, 50], [1, 0]], rate_gap, rng=np.random.default_rng(0))
    assert many.undefined > 0.1 * many.replicates
    assert math.isnan(many.low)
    nothing = ak.bootstrap_counts([[50, 50], [0, 0]], rate_gap, rng=np.random.default_rng(0))
    assert math.isnan(nothing.value)
    assert math.isnan(nothing.high)


def test_the_same_generator_gives_the_same_interval():
    first, second = (ak.bootstrap_counts(COUNTS, rate_gap, rng=np.random.default_rng(5)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("counts", "options", "message"),
    [
        ([1, 2], {}, "shape"),
        ([[1.5, 2]], {}, "whole"),
        ([[-1, 2]], {}, "whole"),
        ([[0, 0]], {}, "no rows"),
        ([[1, 2]], {"method": "studentised"}, "method"),
        ([[1, 2]], {"scheme": "columns"}, "scheme"),
        ([[1, 2]], {"replicates": 0}, "replicates"),
        ([[1, 2]], {"level": 95}, "level"),
    ],
)
def test_unusable_input_is_refused(counts, options, message):
    with pytest.raises(InputError, match=message):
        ak.bootstrap_counts(counts, rate, rng=np.random.default_rng(0), **options)


def test_a_statistic_of_the_wrong_shape_is_refused():
    with pytest.raises(InputError, match=r"map \(\.\.\., groups, cells\)"):
        ak.bootstrap_counts(COUNTS, lambda c: c.sum(-1), rng=np.random.default_rng(0))
