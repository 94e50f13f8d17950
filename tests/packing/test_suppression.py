from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from auditkit.errors import InputError
from auditkit.packing.suppression import ALL, ROWS, hidden_cells

K = 10


def cell(**values):
    return frozenset(values.items())


def one_way(sizes, **more):
    cells = {cell(sex=name): {ROWS: n} for name, n in sizes.items()}
    return {**cells, ALL: {ROWS: sum(sizes.values()), **more}}


def names(hidden):
    return sorted(value for one in hidden for _, value in one)


def test_nothing_is_withheld_where_every_count_may_be_shown():
    assert hidden_cells(one_way({"a": 10, "b": 400, "c": 11}), k=K) == frozenset()


def test_the_smallest_other_group_covers_a_small_one():
    assert names(hidden_cells(one_way({"a": 10, "b": 400, "c": 9}), k=K)) == ["a", "c"]


def test_covers_are_added_until_they_hold_enough_together():
    # 4 and 5 are two cells, and hold 9: a third is needed
    assert names(hidden_cells(one_way({"a": 4, "b": 5, "c": 30, "d": 31}), k=K)) == ["a", "b", "c"]


def test_a_small_count_within_a_large_group_withholds_the_group():
    cells = one_way({"a": 100, "b": 200, "c": 300})
    cells[cell(sex="a")]["refused"] = 3
    cells[cell(sex="b")]["refused"] = 50
    cells[cell(sex="c")]["refused"] = 60
    assert names(hidden_cells(cells, k=K)) == ["a", "b"]


def test_records_that_no_group_lists_are_withheld_records():
    cells = one_way({"a": 100, "b": 200})
    assert hidden_cells({**cells, ALL: {ROWS: 300}}, k=K) == frozenset()
    assert names(hidden_cells({**cells, ALL: {ROWS: 305}}, k=K)) == ["a", "b"]  # five are in neither
    assert hidden_cells({**cells, ALL: {ROWS: 400}}, k=K) == frozenset()  # a hundred are


def test_what_crosses_a_withheld_group_is_withheld():
    cells = one_way({"a": 5, "b": 40, "c": 400})
    cells |= {cell(sex="b", race=r): {ROWS: 20} for r in "xy"}
    cells |= {cell(sex="c", race=r): {ROWS: 200} for r in "xy"}
    hidden = hidden_cells(cells, k=K)
    assert {cell(sex="b", race="x"), cell(sex="b", race="y"), cell(sex="a")} <= hidden
    assert cell(sex="c") not in hidden


def test_a_cell_that_follows_from_two_ways_of_summing_is_covered_once_more():
    # withheld cells in two blocks and one between them that both sums together give: each row and column withholds two
    rows, columns = "abcd", "wxyz"
    sizes = np.full((4, 4), 50)
    for place in [(0, 0), (0, 1), (1, 0), (1, 1), (2, 2), (2, 3), (3, 2), (3, 3), (1, 2)]:
        sizes[place] = 7
    cells = {
        cell(r=r, c=c): {ROWS: int(sizes[i, j])} for i, r in enumerate(rows) for j, c in enumerate(columns)
    }
    cells |= {cell(r=r): {ROWS: int(sizes[i].sum())} for i, r in enumerate(rows)}
    cells |= {cell(c=c): {ROWS: int(sizes[:, j].sum())} for j, c in enumerate(columns)}
    cells[ALL] = {ROWS: int(sizes.sum())}
    hidden = hidden_cells(cells, k=K)
    assert len(hidden) > 9
    unrecoverable(cells, hidden, ROWS)


def test_a_group_that_is_all_of_a_published_one_covers_nothing():
    # r=2 is c=1 altogether: its ten give the one of r=1 in c=1 away, unless r=2 is withheld too
    sizes = {("0", "0"): 7, ("1", "0"): 2, ("1", "1"): 1, ("1", "2"): 1, ("2", "1"): 10}
    cells = {cell(r=r, c=c): {ROWS: n} for (r, c), n in sizes.items()}
    for at, feature in enumerate("rc"):
        for value in "012":
            cells[cell(**{feature: value})] = {ROWS: sum(n for pair, n in sizes.items() if pair[at] == value)}
    cells[ALL] = {ROWS: 21}
    hidden = hidden_cells(cells, k=K)
    assert cell(r="2") in hidden
    unrecoverable(cells, hidden, ROWS)


def test_sums_of_withheld_groups_are_solved_too():
    # r=0 and c=1 are published; that of c=2 ten are in r=0 or r=1, and who is in neither, gives one record away
    sizes = {("0", "0"): 1, ("0", "2"): 9, ("1", "1"): 1, ("1", "2"): 1, ("2", "1"): 10}
    cells = {cell(r=r, c=c): {ROWS: n} for (r, c), n in sizes.items()}
    for at, feature in enumerate("rc"):
        for value in "012":
            cells[cell(**{feature: value})] = {ROWS: sum(n for pair, n in sizes.items() if pair[at] == value)}
    cells[ALL] = {ROWS: 22}
    unrecoverable(cells, hidden_cells(cells, k=K), ROWS)


def test_k_of_one_withholds_nothing_and_is_refused():
    with pytest.raises(InputError, match="at least 2"):
        hidden_cells({}, k=1)


def unrecoverable(cells, hidden, quantity):
    """Solve for every withheld small count with all that is published; more than one whole number must be left."""
    unknown = sorted(hidden, key=sorted)
    at = {one: i for i, one in enumerate(unknown)}
    system, right = [], []
    features = sorted({f for one in cells for f, _ in one})
    for parent in cells:
        for feature in features:
            if feature in dict(parent):
                continue
            own = {f for f, _ in parent} | {feature}
            children = [one for one in cells if parent < one and {f for f, _ in one} == own]
            if not children or quantity not in cells[parent]:
                continue
            row, value = np.zeros(len(unknown)), 0.0
            for one, sign in [*((one, 1) for one in children), (parent, -1)]:
                if one in at:
                    row[at[one]] += sign
                else:
                    value -= sign * cells[one][quantity]
            system.append(row)
            right.append(value)
    for one in unknown:
        if not 0 < cells[one][quantity] < K:
            continue
        aim = np.zeros(len(unknown))
        aim[at[one]] = 1
        ends = []
        for sign in (1, -1):
            found = linprog(
                sign * aim, A_eq=np.array(system) if system else None, b_eq=right or None, bounds=(0, 1e6)
            )
            assert found.status == 0
            ends.append(sign * found.fun)
        assert ends[1] - ends[0] >= 1 - 1e-6, (sorted(one), ends)


counts = st.one_of(st.integers(1, 14), st.integers(1, 400))


@st.composite
def tables(draw):
    """A table of records and of the refused among them, by two features, with its sums."""
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    cells = {}
    for i in range(rows):
        for j in range(columns):
            if draw(st.integers(0, 5)):
                n = draw(counts)
                cells[cell(r=str(i), c=str(j))] = {ROWS: n, "refused": draw(st.integers(0, n))}
    deep = draw(st.booleans())
    sums: dict = {}
    for one, held in cells.items():
        for above in (
            frozenset(p for p in one if p[0] == "r"),
            frozenset(p for p in one if p[0] == "c"),
            ALL,
        ):
            into = sums.setdefault(above, {ROWS: 0, "refused": 0})
            for quantity, n in held.items():
                into[quantity] += n
    found = {**(cells if deep else {}), **sums}
    for held in found.values():
        held["accepted"] = held[ROWS] - held["refused"]
    return found


@given(tables())
@settings(max_examples=80, deadline=None)
def test_no_withheld_small_count_follows_from_what_is_published(cells):
    if not cells or cells[ALL][ROWS] < K:
        return
    for quantity in ("refused", "accepted"):
        if 0 < cells[ALL][quantity] < K:  # then no rate of all records is published either
            del cells[ALL]["refused"], cells[ALL]["accepted"]
            break
    hidden = hidden_cells(cells, k=K)
    small = {one for one, held in cells.items() if one and any(0 < n < K for n in held.values())}
    assert small <= hidden
    assert all(other in hidden for one in hidden for other in cells if other > one)
    for quantity in (ROWS, "refused", "accepted"):
        unrecoverable(cells, hidden, quantity)
    if not small:
        assert not hidden
