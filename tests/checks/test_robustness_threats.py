"""Which rows the attacks of one audit are tried on."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from auditkit import shared
from auditkit.checks.robustness._threats import attacked_rows


def drawn(n, most, own, root=None):
    if root is None:
        return attacked_rows(n, most, np.random.default_rng(own)).tolist()
    with shared.within(root):
        return attacked_rows(n, most, np.random.default_rng(own)).tolist()


def test_all_attacks_of_an_audit_meet_the_same_rows():
    assert drawn(1000, 50, own=1, root=7) == drawn(1000, 50, own=2, root=7)
    assert drawn(1000, 50, own=1, root=7) != drawn(1000, 50, own=1, root=8)


def test_who_attacks_fewer_rows_attacks_some_of_them():
    assert set(drawn(1000, 50, own=1, root=7)) < set(drawn(1000, 200, own=2, root=7))


def test_by_itself_a_check_draws_its_own():
    assert drawn(1000, 50, own=1) == drawn(1000, 50, own=1) != drawn(1000, 50, own=2)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 99))
def test_the_rows_are_sorted_and_each_once(n, most, root):
    rows = drawn(n, most, own=0, root=root)
    assert rows == sorted(set(rows))
    assert len(rows) == min(n, most)
    assert 0 <= rows[0] <= rows[-1] < n
