"""Impact ratios of categories, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from auditkit.errors import InputError
from auditkit.methods.impact_ratios import above_median, category_ratios


def test_rates_and_ratios_by_hand():
    found = category_ratios([667, 555], [1390, 1181], 2571, 0.02)
    assert found.rate == pytest.approx([0.47986, 0.46994], abs=5e-6)
    assert found.ratio == pytest.approx([1, 0.97934], abs=5e-6)
    assert found.reference == 0


def test_a_small_category_has_a_rate_and_is_not_compared_with():
    found = category_ratios([30, 20, 1], [60, 50, 1], 111, 0.02)
    assert found.excluded.tolist() == [False, False, True]
    assert found.rate[2] == 1
    assert math.isnan(found.ratio[2])
    assert found.ratio[1] == pytest.approx(0.8)
    whole = category_ratios([30, 20, 1], [60, 50, 1], 111, 0.0)
    assert whole.reference == 2
    assert whole.ratio.tolist() == pytest.approx([0.5, 0.4, 1])


def test_two_percent_is_of_all_records_and_two_percent_itself_stays():
    assert not category_ratios([1, 1], [2, 98], 100, 0.02).excluded.any()
    assert category_ratios([1, 1], [2, 98], 101, 0.02).excluded.tolist() == [True, False]


def test_nobody_selected_and_nobody_left():
    assert np.isnan(category_ratios([0, 0], [5, 5], 10, 0.02).ratio).all()
    none = category_ratios([1, 1], [1, 1], 1000, 0.02)
    assert none.reference == -1
    assert np.isnan(none.ratio).all()


def test_above_the_median_is_above_it():
    above, median = above_median([3, 1, 2, 2, 2])
    assert (above.tolist(), median) == ([True, False, False, False, False], 2)
    scores = np.random.default_rng(0).random(1000)
    assert above_median(scores)[0].mean() == 0.5


@pytest.mark.parametrize("counts", [([2], [1], 5), ([1, 1], [2], 5), ([1], [9], 5), ([-1], [3], 5)])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(InputError):
        category_ratios(*counts, 0.02)
    with pytest.raises(InputError):
        above_median([math.nan])
