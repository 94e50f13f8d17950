"""Counts at every threshold, against counting at each of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from auditkit.errors import InputError
from auditkit.methods.threshold_sweep import threshold_counts, threshold_grid


@pytest.mark.parametrize("seed", range(4))
def test_counts_are_those_of_counting_at_each_threshold(seed):
    rng = np.random.default_rng(seed)
    scores, codes, truth = rng.integers(0, 20, 300) / 20, rng.integers(3, size=300), rng.random(300) < 0.4
    grid = threshold_grid(scores, 9, (0.5,))
    selected, totals = threshold_counts(scores, codes, 4, grid, truth)
    for t, cut in enumerate(grid):
        for g in range(3):
            own = codes == g
            (tn, fp), (fn, tp) = confusion_matrix(truth[own], scores[own] >= cut, labels=[False, True])
            assert selected[t, g].tolist() == [fp, tp]
            assert totals[g].tolist() == [tn + fp, fn + tp]
    assert selected[:, 3].sum() == totals[3].sum() == 0


def test_without_labels_all_count_as_negative():
    selected, totals = threshold_counts([1.0, 2.0], [0, 0], 1, [1.5])
    assert (selected.tolist(), totals.tolist()) == ([[[1, 0]]], [[2, 0]])


def test_the_grid_runs_from_all_records_to_the_highest_score():
    scores = np.random.default_rng(0).random(1000)
    grid = threshold_grid(scores, 11)
    assert (scores[:, None] >= grid).mean(axis=0) == pytest.approx(np.linspace(1, 0.001, 11), abs=2e-3)
    assert set(grid) <= set(scores)
    assert threshold_grid([0.3] * 5, 50).tolist() == [0.3]
    assert threshold_grid([0.2, 0.8], 2, (0.5, 0.9)).tolist() == [0.2, 0.5, 0.8]


@pytest.mark.parametrize(
    "given",
    [
        ([math.nan], [0], 1, [0.5]),
        ([1.0], [0, 0], 1, [0.5]),
        ([1.0], [1], 1, [0.5]),
        ([1.0], [0], 1, [0.5, 0.5]),
        ([1.0], [0], 1, []),
        ([1.0], [0], 1, [0.5], [True, False]),
    ],
)
def test_what_cannot_be_counted_is_refused(given):
    with pytest.raises(InputError):
        threshold_counts(*given)
    with pytest.raises(InputError):
        threshold_grid([], 5)
