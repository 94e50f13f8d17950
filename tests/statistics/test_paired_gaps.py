"""Changes of the largest gap over groups: by hand, and how often they hold and alarm, also where groups lie close together."""

import math

import numpy as np
import pytest

from auditkit.errors import InputError
from auditkit.methods import fairness
from auditkit.statistics import joint_cells, paired_gap_change, paired_mean_gap_change


def selected(cells):
    return (cells[..., 1] + cells[..., 3]) / cells.sum(-1)


def rate(name):
    def of(cells):
        hits, trials = fairness.rate_counts(cells, name)
        return np.where(trials > 0, hits / np.maximum(trials, 1), np.nan)

    return of


def rng():
    return np.random.default_rng(0)


def joint(before, after, churn, n, draw, sizes=None):
    """Draw joint cells of so many rows: rates before and after, and records that change for nothing."""
    before, after = np.array(before), np.array(after)
    up = np.maximum(after - before, 0) + churn / 2
    down = np.maximum(before - after, 0) + churn / 2
    chance = np.stack([1 - before - up, up, down, before - down], -1)
    share = np.ones(len(before)) / len(before) if sizes is None else np.array(sizes)
    cells = draw.multinomial(n, (chance * share[:, None]).ravel()).reshape(-1, 4)
    return np.hstack([cells, np.zeros_like(cells)]).astype(float)


class TestByHand:
    def test_cells_are_counted_by_truth_and_both_answers(self):
        found = joint_cells([0, 0, 1, 1], [0, 1, 0, 1], [1, 1, 0, 1], [0, 0, 1, 1], 2)
        assert found.tolist() == [[0, 1, 0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0, 0, 1]]

    def test_value_and_sign(self):
        cells = np.zeros((2, 8))
        cells[0, :4] = [600, 10, 20, 370]  # 0.39 before, 0.38 after
        cells[1, :4] = [500, 60, 10, 430]  # 0.44 before, 0.49 after
        gap = paired_gap_change(cells, [selected], rng=rng())
        assert gap.value == pytest.approx(0.11 - 0.05)
        assert gap.low > 0
        assert gap.p_value < 0.001
        ratio = paired_gap_change(cells, [selected], rng=rng(), kind="ratio")
        assert ratio.value == pytest.approx(0.38 / 0.49 - 0.39 / 0.44)
        assert ratio.high < 0

    def test_two_clear_groups_have_the_width_of_the_pairs(self):
        # one side of the gap is clear, so its change is that of the difference: the sum of the two groups' paired variances
        cells = np.zeros((2, 8))
        cells[0, :4], cells[1, :4] = [7000, 100, 150, 2750], [3000, 120, 80, 6800]
        gap = paired_gap_change(cells, [selected], rng=rng(), replicates=20_000)
        spread = sum(
            ((a + b) / 10_000 - ((a - b) / 10_000) ** 2) / 10_000 for a, b in ((100, 150), (120, 80))
        )
        assert gap.high - gap.low == pytest.approx(2 * 1.959964 * math.sqrt(spread), rel=0.03)

    def test_the_larger_of_two_rates_is_taken(self):
        draw = np.random.default_rng(1)
        cells = draw.integers(20, 200, size=(3, 8)).astype(float)
        both = [rate("true_positive_rate"), rate("false_positive_rate")]
        cube = cells.reshape(-1, 2, 2, 2)
        before, after = (
            max(np.ptp(one(side)) for one in both)
            for side in (cube.sum(3).reshape(-1, 4), cube.sum(2).reshape(-1, 4))
        )
        assert paired_gap_change(cells, both, rng=rng()).value == pytest.approx(after - before)

    def test_the_ratio_of_one_group_to_the_top_of_those_that_may_be_compared_with(self):
        cells = np.zeros((3, 8))
        cells[0, :4], cells[1, :4], cells[2, :4] = [700, 10, 20, 270], [500, 20, 10, 470], [1, 0, 0, 9]
        found = paired_gap_change(
            cells, [selected], rng=rng(), kind="ratio", of=0, against=[True, True, False]
        )
        assert found.value == pytest.approx(0.28 / 0.49 - 0.29 / 0.48)

    @pytest.mark.parametrize(
        "cells",
        [np.ones((1, 8)), np.ones((21, 8)), np.array([[9, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 9, 0, 0, 0, 0]])],
    )
    def test_what_cannot_be_told_is_not(self, cells):
        assert math.isnan(paired_gap_change(cells, [rate("true_positive_rate")], rng=rng()).p_value)

    def test_other_shapes_and_kinds_are_refused(self):
        with pytest.raises(InputError, match="joint cells"):
            paired_gap_change(np.ones((2, 4)), [selected], rng=rng())
        with pytest.raises(InputError, match="known kind"):
            paired_gap_change(np.ones((2, 8)), [selected], rng=rng(), kind="odds")

    def test_means_have_the_width_of_their_pairs(self):
        draw = np.random.default_rng(2)
        codes = np.repeat([0, 1], 500)
        before = draw.normal(size=1000) + 5 * codes
        after = before + draw.normal(0.2, 0.3, size=1000) * codes
        found = paired_mean_gap_change(before, after, codes, 2, unit=2.0)
        away = [(after - before)[codes == g] for g in (0, 1)]
        assert found.value == pytest.approx((away[1].mean() - away[0].mean()) / 2)
        se = math.sqrt(sum(one.var(ddof=1) / 500 for one in away)) / 2
        assert found.high - found.low == pytest.approx(2 * 1.959964 * se, rel=1e-3)
        assert math.isnan(paired_mean_gap_change(np.ones(1000), after, codes, 2).p_value)


SCENES = {
    "alike, and alike": ([0.4, 0.4], [0.4, 0.4], None),
    "alike, then apart": ([0.4, 0.4], [0.4, 0.5], None),
    "apart, then alike": ([0.4, 0.5], [0.4, 0.4], None),
    "apart, and unchanged": ([0.4, 0.5], [0.4, 0.5], None),
    "turned around": ([0.4, 0.45], [0.45, 0.4], None),
    "a small group": ([0.2, 0.4], [0.15, 0.4], [0.15, 0.85]),
    "five alike": ([0.4] * 5, [0.4, 0.4, 0.4, 0.4, 0.5], None),
    "five apart": ([0.3, 0.35, 0.4, 0.45, 0.5], [0.25, 0.35, 0.4, 0.45, 0.5], None),
}


def missed(scene, kind, churn, n, times):
    """Return how often the interval misses the true change, and how often it and the test say that something changed."""
    before, after, sizes = SCENES[scene]
    exact = {"difference": fairness.difference, "ratio": fairness.ratio}[kind]
    moved = float(exact(after)) - float(exact(before))
    out = alarms = 0
    for seed in range(times):
        draw = np.random.default_rng([seed, n])
        found = paired_gap_change(
            joint(before, after, churn, n, draw, sizes), [selected], rng=draw, kind=kind, replicates=400
        )
        out += not found.low - 1e-12 <= moved <= found.high + 1e-12
        alarms += found.p_value <= 0.05 and not found.low <= 0 <= found.high
    return out / times, alarms / times


class TestHowOftenItHolds:
    @pytest.mark.parametrize("kind", ["difference", "ratio"])
    @pytest.mark.parametrize("scene", ["alike, then apart", "turned around", "apart, and unchanged"])
    def test_it_covers_where_percentiles_do_not(self, scene, kind):
        out, alarms = missed(scene, kind, 0.1, 800, 200)
        assert out < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 200)
        if scene != "alike, then apart":
            assert alarms < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 200)

    @pytest.mark.slow
    @pytest.mark.parametrize("n", [400, 2000])
    @pytest.mark.parametrize("churn", [0.05, 0.2])
    @pytest.mark.parametrize("kind", ["difference", "ratio"])
    @pytest.mark.parametrize("scene", list(SCENES))
    def test_it_covers_everywhere(self, scene, kind, churn, n):
        out, alarms = missed(scene, kind, churn, n, 1000)
        assert out < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1000)
        if scene in ("alike, and alike", "apart, and unchanged", "turned around"):
            assert alarms < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1000)
