"""Small cells: by hand, and that no row or column gives a withheld count away."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from auditkit.errors import InputError
from auditkit.methods.small_cells import suppress_small_cells


def test_a_row_by_hand():
    found = suppress_small_cells([40, 2, 9, 0])
    assert found.small.tolist() == [False, True, False, False]
    assert found.complementary.tolist() == [
        False,
        False,
        True,
        False,
    ]  # 40 + 9 + 0 = 49 of 51 would tell the 2
    assert found.totals_to_withhold == ()
    assert suppress_small_cells([40, 2, 9, 0], totals=False).complementary.sum() == 0


def test_a_table_by_hand():
    found = suppress_small_cells([[20, 3, 30], [40, 50, 60], [8, 70, 9]])
    # 20 covers the 3 in its row; then 8 covers the 20 in its column; then 70, not 9, covers the 8, for it covers the 3 too
    assert found.complementary.tolist() == [[True, False, False], [False, False, False], [True, True, False]]
    assert np.isnan(found.counts).tolist() == [
        [True, True, False],
        [False, False, False],
        [True, True, False],
    ]


def test_nothing_small_is_left_alone_and_zeros_are_shown():
    found = suppress_small_cells([[0, 5], [7, 0]])
    assert found.counts.tolist() == [[0, 5], [7, 0]]
    assert not found.small.any()


def test_totals_that_give_it_away_are_named():
    assert suppress_small_cells([3]).totals_to_withhold == ((0, 0),)
    # all cells of the first row withheld: together 3, which its total tells
    found = suppress_small_cells([[1, 2], [90, 80], [70, 60]])
    assert found.totals_to_withhold == ((0, 0),)
    # two cells that together are below the threshold need a third
    assert suppress_small_cells([1, 2, 50, 60]).complementary.tolist() == [False, False, True, False]


@given(
    arrays(np.int64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.integers(0, 12)),
    st.integers(2, 8),
)
@settings(max_examples=200, deadline=None)
def test_every_line_is_safe_or_named(table, threshold):
    found = suppress_small_cells(table, threshold=threshold)
    hidden = np.isnan(found.counts)
    assert (found.counts[~hidden] == table[~hidden]).all()
    assert (found.small == ((table > 0) & (table < threshold))).all()
    assert (hidden == (found.small | found.complementary)).all()
    assert not (found.small & found.complementary).any()
    for axis in (0, 1):
        for place, (counts, gone) in enumerate(
            zip(np.moveaxis(table, axis, 0), np.moveaxis(hidden, axis, 0), strict=True)
        ):
            safe = not gone.any() or (gone.sum() >= 2 and counts[gone].sum() >= threshold)
            assert safe != ((axis, place) in found.totals_to_withhold)
            assert safe or gone.all()


@pytest.mark.parametrize("counts", [[-1], [0.5], [np.nan], np.zeros((1, 1, 1)), 3])
def test_what_is_no_table_of_counts_is_refused(counts):
    with pytest.raises(InputError, match="whole numbers"):
        suppress_small_cells(counts)


def test_a_threshold_of_one_is_refused():
    with pytest.raises(InputError, match="threshold"):
        suppress_small_cells([1], threshold=1)
