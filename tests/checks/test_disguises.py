"""Disguises are found as by looking at every row, and quickly where most columns are none."""

from __future__ import annotations

import itertools
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest

from auditkit import Dataset, Subject, disguises, progress
from auditkit.checks.explainability import sensitive_reliance
from auditkit.disguises import disguise
from auditkit.errors import Cancelled


def by_hand(codes, groups):
    """Find the first disguise by the definitions, row by row."""
    n, k = len(groups), len(set(groups.tolist()))
    for j in range(codes.shape[1]):
        seen, back = defaultdict(set), defaultdict(set)
        for value, group in zip(codes[:, j].tolist(), groups.tolist(), strict=True):
            seen[value].add(group)
            back[group].add(value)
        settles = all(len(one) == 1 for one in seen.values())
        if settles and 2 <= len(seen) <= n // 5:
            return j
        if all(len(one) == 1 for one in back.values()) and len(seen) == 2:
            return j
        along = [next(iter(seen[value])) for value in sorted(seen)]
        runs = 1 + sum(a != b for a, b in itertools.pairwise(along))
        if settles and len(seen) >= k and runs == k and n >= 5 * k:
            return j
    return None


def table(rng, n, k):
    groups = rng.integers(0, k, n)
    columns = {
        "noise": rng.integers(0, 4, n),
        "copy": groups * 2 + 1,
        "indicator": (groups == 0).astype(int),
        "finer": groups + k * rng.integers(0, 3, n),
        "banded": groups + rng.random(n),
        "nearly": np.where(np.arange(n) == n // 2, (groups + 1) % k, groups),
        "id": rng.permutation(n),
        "constant": np.zeros(n),
    }
    chosen = rng.permutation(list(columns))[: rng.integers(1, 9)]
    return np.column_stack([columns[name] for name in chosen]).astype(float), groups


@pytest.mark.parametrize("first", [5, 7, 5000])
def test_a_look_at_a_part_changes_no_answer(monkeypatch, first):
    monkeypatch.setattr(disguises, "_FIRST", first)
    rng = np.random.default_rng(0)
    found = []
    for _ in range(150):
        codes, groups = table(rng, int(rng.integers(2, 60)), int(rng.integers(2, 5)))
        expected = by_hand(codes, groups) if len(set(groups.tolist())) > 1 else None
        found.append(disguise(codes, groups, lambda j: None))
        assert found[-1] == expected
    assert len(set(found)) > 3


def test_a_single_row_that_differs_is_not_passed_over():
    groups = np.resize([0, 1], 40_000)
    copy = groups.astype(float)
    assert disguise(copy[:, np.newaxis], groups, lambda j: None) == 0
    copy[23_457] = 1 - copy[23_457]
    assert disguise(copy[:, np.newaxis], groups, lambda j: None) is None


def large(n, d):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({f"x{j}": rng.normal(size=n) if j % 2 else rng.integers(0, 9, n) for j in range(d)})
    data = Dataset(X, rng.integers(0, 2, n), {"sex": rng.choice(["f", "m"], n)})
    return Subject("large", lambda f: np.clip(f["x1"], 0, 1).to_numpy(), data)


def test_many_rows_take_little_time_and_every_column_is_said(sorts_of_a_million):
    subject, said = large(200_000, 20), []
    began = sorts_of_a_million()
    with progress.listening(lambda fraction, what: said.append((fraction, what))):
        m = sensitive_reliance(subject, rng=np.random.default_rng(0)).measurements[0]
    assert sorts_of_a_million() - began < 40  # looking at all rows of every column took more than 6 seconds
    assert np.isnan(m.value)
    assert m.n == 0
    assert [what for _, what in said if "give" in what] == [f"does x{j} give sex away" for j in range(20)]
    fractions = [fraction for fraction, what in said if "give" in what]
    assert fractions == sorted(fractions)


def test_it_can_be_stopped_between_columns():
    seen = []

    def listener(fraction, what):
        seen.append(what)
        if "x3" in what:
            raise Cancelled("enough")

    with progress.listening(listener), pytest.raises(Cancelled):
        sensitive_reliance(large(1000, 20), rng=np.random.default_rng(0))
    assert "x3" in seen[-1]
