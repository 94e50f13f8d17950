"""Partway: by hand, and on rows and changes of every kind never farther than told, never what is not allowed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.errors import InputError
from auditkit.methods.evasion import partway
from auditkit.methods.feature_space import FeatureSpace

NORMS = ("l1", "l2", "linf", "l0")


def mixed_space(**more):
    """A number, whole numbers in steps of 2, and two categories; the first costs 1, the second 2."""
    parts = {
        "names": ["a", "b", "c", "e"],
        "kind": ["continuous", "integer", "categorical", "categorical"],
        "low": [-10, -10, 0, 0],
        "high": [10, 10, 0, 0],
        "step": [0, 2, 0, 0],
        "n_categories": [0, 0, 3, 3],
        "mutable": [True] * 4,
        "direction": [0] * 4,
        "scale": [1, 2, 1, 1],
        "category_cost": [1.0, 1.0, 1.0, 2.0],
    }
    return FeatureSpace(**(parts | more))


def test_by_hand():
    space, before, after = mixed_space(), [[0.0, 0.0, 0.0, 0.0]], [[4.0, 6.0, 1.0, 2.0]]
    # l1: 4 + 3 + 1 + 2 = 10; half of it: a 2, b 3 rounded down to 2 (costs 1), then c (1), and e does not fit
    assert partway(before, after, space, 0.5, norm="l1").tolist() == [[2.0, 2.0, 1.0, 0.0]]
    # linf: 4; half of it: 2, where every category fits
    assert partway(before, after, space, 0.5, norm="linf").tolist() == [[2.0, 2.0, 1.0, 2.0]]
    # l0: four columns; half of them are the two cheapest
    assert partway(before, after, space, 0.5, norm="l0").tolist() == [[0.0, 0.0, 1.0, 2.0]]
    assert partway(before, after, space, 1.0).tolist() == after
    assert partway(before, after, space, 0.0).tolist() == before


def test_a_rule_that_breaks_on_the_way_leaves_the_row_as_it_was():
    # b may be 0 or at least 4
    def rule(_before, rows):
        return (rows[:, 1] == 0) | (rows[:, 1] >= 4)

    space = mixed_space(rules=(rule,))
    assert partway([[0.0, 0.0, 0.0, 0.0]], [[4.0, 6.0, 0.0, 0.0]], space, 0.4).tolist() == [
        [0.0, 0.0, 0.0, 0.0]
    ]


def test_a_missing_value_is_filled_in_whole():
    space = mixed_space()
    before, after = [[np.nan, 0.0, 0.0, 0.0]], [[3.0, 8.0, 0.0, 0.0]]  # l1: 1 + 4
    half = partway(before, after, space, 0.5, norm="l1")
    np.testing.assert_array_equal(half, [[np.nan, 4.0, 0.0, 0.0]])  # 2 of 2.5 are spent: the gap does not fit
    most = partway(before, after, space, 0.8, norm="l1")
    np.testing.assert_array_equal(most, [[3.0, 6.0, 0.0, 0.0]])  # 3 of 4 are spent, and 1 fills it in


rows = st.tuples(
    st.floats(-10, 10), st.integers(-5, 5).map(lambda v: 2.0 * v), st.integers(0, 2), st.integers(0, 2)
)


@settings(max_examples=200, deadline=None)
@given(rows, rows, st.floats(0, 1), st.sampled_from(NORMS))
def test_never_farther_than_told_and_never_what_is_not_allowed(before, after, share, norm):
    space = mixed_space()
    start, end = np.array([before], dtype=float), np.array([after], dtype=float)
    found = partway(start, end, space, share, norm=norm)
    assert not space.violations(start, found).any()
    assert space.distance(start, found, norm)[0] <= share * space.distance(start, end, norm)[0] + 1e-7
    moved = space.changed(start, found)
    assert not (moved & ~space.changed(start, end)).any()


def test_a_share_is_from_0_to_1():
    with pytest.raises(InputError, match="from 0 to 1"):
        partway([[0.0, 0.0, 0.0, 0.0]], [[4.0, 6.0, 1.0, 2.0]], mixed_space(), 1.5)
