"""Slices: every count held against pandas, the planted slice found, the search held to its promises."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint, proportions_ztest

from auditkit.errors import InputError
from auditkit.methods.slices import members, quantile_codes, search


def by_hand(codes, event, smallest, depth):
    """Return all slices that are worse than everybody, with each condition needed, by pandas and statsmodels."""
    frame = pd.DataFrame(codes).assign(event=event)
    d = codes.shape[1]
    values = [frame[j].nunique() for j in range(d)]
    total = sum(
        np.prod([values[j] for j in chosen])
        for size in range(1, depth + 1)
        for chosen in combinations(range(d), size)
    )
    found = {}
    for size in range(1, depth + 1):
        for chosen in combinations(range(d), size):
            for key, part in frame.groupby(list(chosen)):
                conditions = tuple(zip(chosen, (int(k) for k in key), strict=True))
                if len(part) < smallest or part.event.mean() <= frame.event.mean():
                    continue
                if size > 1 and not all(
                    needed(frame, conditions, dropped, 0.05 / sum(values)) for dropped in range(size)
                ):
                    continue
                low = proportion_confint(
                    part.event.sum(), len(part), alpha=2 * 0.05 / total, method="wilson"
                )[0]
                found[conditions] = (int(part.event.sum()), len(part), low)
    return found


def needed(frame, conditions, dropped, alpha):
    kept = [c for i, c in enumerate(conditions) if i != dropped]
    wide = frame[members(frame.drop(columns="event").to_numpy(), kept)]
    inside = members(wide.drop(columns="event").to_numpy(), conditions)
    hits = [wide.event[inside].sum(), wide.event[~inside].sum()]
    if inside.all() or wide.event.nunique() < 2:
        return False
    return proportions_ztest(hits, [inside.sum(), (~inside).sum()], alternative="larger")[1] < alpha


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_search_is_that_of_pandas_and_statsmodels(depth):
    rng = np.random.default_rng(depth)
    codes = np.column_stack([rng.integers(0, k, 3000) for k in (2, 3, 4, 2)])
    for j, k in enumerate((2, 3, 4, 2)):
        codes[:k, j] = np.arange(k)
    bad = (codes[:, 0] == 1) & (codes[:, 1] == 2)
    event = rng.random(3000) < np.where(bad, 0.3, 0.1)
    expected = by_hand(codes, event, 25, depth)
    found = search(codes, event, depth=depth, smallest=25, most=1).slices[0]
    worst = max(expected, key=lambda c: expected[c][2])
    assert found.conditions == worst
    assert (found.hits, found.n) == expected[worst][:2]
    assert found.low == pytest.approx(expected[worst][2], rel=1e-9)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_planted_slice_is_found_in_95_of_100_draws(size):
    hits = 0
    for seed in range(100):
        rng = np.random.default_rng([seed, size])
        codes = rng.integers(0, 3, (6000, 8))
        planted = tuple((2 * j, 1) for j in range(size))
        event = rng.random(6000) < np.where(members(codes, planted), 0.4, 0.1)
        best = search(codes, event, smallest=50).slices[0]
        inside = members(codes, planted)
        hits += (members(codes, best.conditions) & inside).sum() >= 0.9 * best.n
    assert hits >= 95


def test_a_slice_no_wider_slice_shows_is_found():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2, (8000, 5))
    event = rng.random(8000) < np.where(codes[:, 1] ^ codes[:, 3], 0.4, 0.1)
    found = {s.conditions for s in search(codes, event).slices[:2]}
    assert found == {((1, 0), (3, 1)), ((1, 1), (3, 0))}


def test_slices_differ_from_each_other():
    rng = np.random.default_rng(1)
    a = rng.integers(0, 4, 4000)
    codes = np.column_stack([a, a, a, rng.integers(0, 4, 4000)])  # three names for one feature
    found = search(codes, rng.random(4000) < np.where(a == 2, 0.5, 0.1)).slices
    assert sum((0, 2) in s.conditions or (1, 2) in s.conditions or (2, 2) in s.conditions for s in found) == 1


def test_small_slices_and_unnamed_codes_are_left_out():
    codes = np.repeat([[0], [1], [2]], [500, 19, 500], axis=0)
    event = (codes[:, 0] > 0) & (np.arange(1019) % 2 == 0)
    assert [s.conditions for s in search(codes, event, smallest=20).slices] == [((0, 2),)]
    assert search(codes, event, smallest=20, usable=[2]).slices == ()


def test_sets_that_are_not_counted_are_told():
    rng = np.random.default_rng(2)
    codes, event = rng.integers(0, 2, (400, 12)), rng.random(400) < 0.3
    assert search(codes, event, depth=2, most_sets=10).left_out == 66 - 10
    assert search(codes, event, depth=2, most_sets=66).left_out == 0


def test_quantile_codes_are_those_of_pandas():
    rng = np.random.default_rng(3)
    values = rng.normal(size=1000)
    codes, _ = quantile_codes(values, 4)
    expected = pd.qcut(values, 4, labels=False)
    assert (codes != expected).sum() <= 3  # the values at the edges themselves
    assert np.bincount(codes).tolist() == pytest.approx([250] * 4, abs=1)
    tied = quantile_codes(np.repeat([0.0, 1.0], [900, 100]), 4)
    assert np.bincount(tied[0]).tolist() == [900, 100]
    assert quantile_codes(np.zeros(9), 4)[0].tolist() == [0] * 9
    with_gap = quantile_codes([np.nan, 1.0, 2.0], 2)
    assert with_gap[0].tolist() == [2, 0, 1]
    assert quantile_codes([np.nan, np.nan], 3)[0].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("codes", "event", "options"),
    [
        ([0, 1], [True, False], {}),
        ([[0], [1]], [1, 0], {}),
        ([[0], [-1]], [True, False], {}),
        ([[0], [1]], [True, False], {"depth": 4}),
    ],
)
def test_bad_input_is_refused(codes, event, options):
    with pytest.raises(InputError, match="expected"):
        search(codes, event, **options)
    with pytest.raises(InputError, match="at least 2 bins"):
        quantile_codes([1.0], 1)


def test_a_million_rows_of_twelve_features_take_seconds(sorts_of_a_million):
    rng = np.random.default_rng(4)
    codes = rng.integers(0, 5, (500_000, 12)).astype(np.int32)
    event = rng.random(500_000) < 0.1
    began = sorts_of_a_million()
    search(codes, event, smallest=5000)
    assert sorts_of_a_million() - began < 250
