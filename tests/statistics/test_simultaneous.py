"""Bootstrap gaps: of statistics that are no rate, and of rates beside the closed forms."""

from __future__ import annotations

import fairlearn.metrics as fl
import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import balanced_accuracy_score

from auditkit.errors import InputError
from auditkit.methods.groups import group_confusion
from auditkit.statistics import largest_gap, smallest_ratio
from auditkit.statistics.simultaneous import bootstrap_gaps


def balanced(c):
    return (c[..., 3] / c[..., 2:].sum(-1) + c[..., 0] / c[..., :2].sum(-1)) / 2


def rate(c):
    return (c[..., 1] + c[..., 3]) / c.sum(-1)


def gap_of(cells, statistic=balanced, seed=0, **options):
    return bootstrap_gaps(cells, {"it": statistic}, rng=np.random.default_rng(seed), **options)["it"]


@pytest.mark.parametrize("method", ["between_groups", "to_overall"])
def test_values_are_fairlearns(method):
    rng = np.random.default_rng(0)
    y, said, codes = (rng.integers(top, size=400) for top in (2, 2, 4))
    frame = fl.MetricFrame(metrics=balanced_accuracy_score, y_true=y, y_pred=said, sensitive_features=codes)
    cells = group_confusion(y, said, codes, 4)
    assert gap_of(cells, method=method).value == pytest.approx(frame.difference(method=method), abs=1e-12)
    assert gap_of(cells, kind="ratio", method=method).value == pytest.approx(
        frame.ratio(method=method), abs=1e-12
    )


def test_a_rate_has_about_the_interval_of_the_closed_form():
    cells = np.array([[50.0, 40, 60, 50], [70, 60, 40, 30], [60, 40, 60, 40]])
    x, n = cells[:, [1, 3]].sum(1), cells.sum(1)
    gap, closed = gap_of(cells, rate, replicates=4000), largest_gap(x, n)
    assert (gap.low, gap.high) == pytest.approx((closed.low, closed.high), abs=0.02)
    ratio, closed = gap_of(cells, rate, kind="ratio", replicates=4000), smallest_ratio(x, n)
    assert (ratio.low, ratio.high) == pytest.approx((closed.low, closed.high), abs=0.05)


@pytest.mark.parametrize("method", ["between_groups", "to_overall"])
@pytest.mark.parametrize(("k", "n"), [(2, 30), (8, 60), (20, 40)])
def test_groups_alike_raise_no_more_alarms_than_stated(k, n, method):
    rng = np.random.default_rng([k, n])
    off = 0
    for seed in range(200):
        cells = rng.multinomial(n, [0.35, 0.15, 0.1, 0.4], size=k)
        off += gap_of(cells, seed=seed, replicates=300, method=method).low > 0
    assert off <= stats.binom.ppf(1 - 1e-4, 200, 0.05)


def test_a_true_gap_is_covered_and_found():
    rng = np.random.default_rng(0)
    inside = found = 0
    for seed in range(200):
        cells = np.stack(
            [
                rng.multinomial(300, p)
                for p in ([0.4, 0.1, 0.1, 0.4], [0.3, 0.2, 0.2, 0.3], [0.4, 0.1, 0.1, 0.4])
            ]
        )
        gap = gap_of(cells, seed=seed, replicates=400)
        inside += gap.low <= 0.2 <= gap.high
        found += gap.low > 0
    assert inside >= stats.binom.ppf(1e-4, 200, 0.95)
    assert found > 190


def test_what_is_undefined_is_left_out_and_said():
    cells = np.array([[20.0, 5, 5, 20], [20, 5, 5, 20], [0, 0, 3, 9], [0, 0, 0, 0]])
    gap = gap_of(cells)
    assert gap.groups == 2
    assert gap.note.startswith("2 of 4 groups left out")
    assert np.isnan(gap_of(cells[:1]).value)


def test_a_value_of_nothing_is_a_ratio_of_nothing():
    ratio = gap_of(
        np.array([[50.0, 0, 50, 0], [30, 20, 20, 30]]), lambda c: c[..., 3] / c.sum(-1) + 1e-9, kind="ratio"
    )
    assert ratio.low <= ratio.value < 0.01


def test_wrong_options_are_refused():
    cells = np.full((2, 4), 10.0)
    for options in ({"kind": "gap"}, {"method": "overall"}, {"replicates": 10}, {"level": 1.0}):
        with pytest.raises(InputError):
            gap_of(cells, **options)


def test_few_draws_of_many_groups_make_no_alarms():
    # standard errors of 780 pairs from so few draws are rough; the data must be held against draws as rough
    rng, off = np.random.default_rng(3), 0
    for seed in range(500):
        cells = rng.multinomial(300, [0.35, 0.15, 0.1, 0.4], size=40)
        off += gap_of(cells, seed=seed, replicates=100).p_value <= 0.05
    assert off <= stats.binom.ppf(1 - 1e-3, 500, 0.05)
