"""Anonymity: by hand, against loops over pandas groups, and by simulation where a population is spoken of."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from auditkit.errors import InputError
from auditkit.methods.anonymity import k_anonymity, l_diversity, t_closeness
from auditkit.methods.equivalence import combined, equivalence_classes, quantile_edges
from auditkit.methods.quasi_identifiers import search_quasi_identifiers
from auditkit.methods.sample_uniqueness import correct_match_rate

PATIENTS = pd.DataFrame(
    {
        "place": ["x", "x", "x", "y", "y", None, None, "y"],
        "age": [21, 24, 29, 31, 38, 33, np.nan, 35],
        "illness": ["flu", "flu", "ulcer", "flu", "flu", "ulcer", "flu", None],
    }
)


@st.composite
def tables(draw):
    n = draw(st.integers(1, 40))
    column = st.lists(st.sampled_from(["a", "b", "c", None]), min_size=n, max_size=n)
    number = st.lists(st.integers(-3, 3), min_size=n, max_size=n)
    return pd.DataFrame({"one": draw(column), "two": draw(number), "secret": draw(number)})


def by_hand(frame, names):
    return [group for _, group in frame.groupby(names, dropna=False)]


@given(tables())
@settings(max_examples=100, deadline=None)
def test_classes_diversity_and_closeness_are_those_of_loops_over_groups(frame):
    groups = by_hand(frame, ["one", "two"])
    sizes = [len(group) for group in groups]
    classes = equivalence_classes({"one": frame["one"], "two": frame["two"]})
    found = k_anonymity(classes, threshold=3)
    assert (found.n, found.classes, found.k) == (len(frame), len(sizes), min(sizes))
    assert found.unique == sum(size == 1 for size in sizes)
    assert found.below == sum(size for size in sizes if size < 3)
    for group in groups:
        assert len(set(classes[group.index])) == 1

    diversity = l_diversity(classes, frame["secret"])
    shares = [group["secret"].value_counts(normalize=True) for group in groups]
    assert diversity.distinct == min(map(len, shares))
    assert diversity.entropy == pytest.approx(min(np.exp(stats.entropy(share)) for share in shares))
    assert diversity.homogeneous == sum(
        size for size, share in zip(sizes, shares, strict=True) if len(share) == 1
    )

    overall = frame["secret"].value_counts(normalize=True).sort_index()
    full = [share.reindex(overall.index, fill_value=0.0) for share in shares]
    apart = [float((share - overall).abs().sum() / 2) for share in full]
    closeness = t_closeness(classes, frame["secret"])
    assert closeness.t == pytest.approx(max(apart), abs=1e-12)
    assert closeness.mean == pytest.approx(np.average(apart, weights=sizes), abs=1e-12)

    places = np.linspace(0, 1, max(len(overall), 2))[: len(overall)]
    moved = [stats.wasserstein_distance(places, places, share, overall) for share in full]
    ordered = t_closeness(classes, frame["secret"], kind="ordered")
    assert ordered.t == pytest.approx(max(moved), abs=1e-9)
    assert ordered.mean == pytest.approx(np.average(moved, weights=sizes), abs=1e-9)
    assert ordered.t <= closeness.t + 1e-9  # moving within the range costs at most 1


def test_patients_by_hand():
    classes = equivalence_classes(
        {"place": PATIENTS["place"], "age": PATIENTS["age"]}, bin_edges={"age": [30]}
    )
    # x young: 3, y older: 3, no place: one older, one of no age
    assert sorted(np.bincount(classes).tolist()) == [1, 1, 3, 3]
    found = k_anonymity(classes, threshold=3)
    assert (found.k, found.unique, found.below, found.unique_share) == (1, 2, 2, 0.25)
    of_place = equivalence_classes({"place": PATIENTS["place"]})
    diversity = l_diversity(of_place, PATIENTS["illness"])
    assert (diversity.distinct, diversity.homogeneous) == (2, 0)
    # x and y: two of three alike; no place: one and one
    assert diversity.entropy == pytest.approx(np.exp(-(2 / 3) * np.log(2 / 3) - (1 / 3) * np.log(1 / 3)))
    # overall 5/8 flu, 2/8 ulcer, 1/8 missing; no place: 1/2, 1/2, 0
    assert t_closeness(of_place, PATIENTS["illness"]).t == pytest.approx(
        max(1 / 4, 1 / 4, 1 / 3 - 1 / 8 + 2 / 3 - 5 / 8)
    )


def test_closeness_of_the_paper():
    # Li et al. 2007, table 3 and section 5.1: salaries 3k to 11k, distances 0.375 and 0.167
    salary = np.array([3, 4, 5, 6, 8, 11, 7, 9, 10])
    rest = np.repeat([0, 1, 2], 3)
    assert t_closeness(rest, salary, kind="ordered").t == pytest.approx(0.375)
    second = np.where(rest == 1, 1, 0)  # the others merged: they must lie closer than the second, which stays
    assert t_closeness(second, salary, kind="ordered").t == pytest.approx(1 / 6, abs=5e-4)


def test_edges():
    empty = np.zeros(0, dtype=int)
    assert k_anonymity(empty).k == 0
    assert np.isnan(k_anonymity(empty).unique_share)
    assert l_diversity(empty, []).distinct == 0
    assert np.isnan(t_closeness(empty, []).t)
    one_value = t_closeness([0, 0, 1], [7, 7, 7], kind="ordered")
    assert (one_value.t, one_value.mean) == (0.0, 0.0)
    assert l_diversity([0, 1], ["a", "b"]).entropy == 1.0
    # 1 and 1.0 are one value, text "1" is another; dates and categories are values
    assert equivalence_classes({"x": [1, 1.0, "1"]}).max() == 1
    assert equivalence_classes({"x": pd.Categorical(["a", None, "a"])}).tolist() == [0, 1, 0]
    assert equivalence_classes({"x": pd.to_datetime(["2020-01-01", None, "2020-01-01"])}).tolist() == [
        0,
        1,
        0,
    ]


@pytest.mark.parametrize(
    "call",
    [
        lambda: equivalence_classes({}),
        lambda: equivalence_classes({"x": [1, 2], "y": [1]}),
        lambda: equivalence_classes({"x": [[1, 2], [3, 4]]}),
        lambda: equivalence_classes({"x": np.zeros((2, 2))}),
        lambda: equivalence_classes({"x": ["a"]}, bin_edges={"x": [1.0]}),
        lambda: equivalence_classes({"x": ["a"]}, bin_edges={"z": [1.0]}),
        lambda: quantile_edges([np.nan], 3),
        lambda: quantile_edges([1.0], 1),
        lambda: k_anonymity([0.5, 1.0]),
        lambda: k_anonymity([-1, 0]),
        lambda: l_diversity([0, 1], [1]),
        lambda: t_closeness([0, 1], [1]),
        lambda: t_closeness([0, 1], [1, None], kind="ordered"),
        lambda: t_closeness([0, 1], ["a", "b"], kind="ordered"),
        lambda: t_closeness([0, 1], [1, 2], kind="numeric"),
        lambda: correct_match_rate([0, 1], 0.0),
        lambda: search_quasi_identifiers({}),
        lambda: search_quasi_identifiers({"x": []}),
        lambda: search_quasi_identifiers({"x": [1]}, most_columns=4),
    ],
)
def test_what_cannot_be_used_is_refused(call):
    with pytest.raises(InputError):
        call()


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.integers(2, 6))
@settings(max_examples=100, deadline=None)
def test_quantile_edges_cut_and_leave_no_bin_empty(values, bins):
    edges = quantile_edges(values, bins)
    filled = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    assert len(edges) < bins
    assert (filled > 0).all()


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 900)), min_size=1, max_size=80))
@settings(max_examples=100, deadline=None)
def test_two_columns_together_are_their_pairs(pairs):
    one, other = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    joint = combined(one, other)
    assert joint.max() + 1 == len(set(pairs))
    for (a, x), (b, y) in itertools.combinations(zip(pairs, joint.tolist(), strict=True), 2):
        assert (a == b) == (x == y)


def people(n, seed, fraction):
    """A population in cells of very unequal size, and a sample of it."""
    rng = np.random.default_rng(seed)
    cell = np.floor(rng.pareto(0.8, size=n) * 40).astype(np.int64)
    _, cell = np.unique(np.minimum(cell, 200_000), return_inverse=True)
    return cell, rng.random(n) < fraction


def true_rate(cell, sampled):
    own = np.bincount(cell[sampled], minlength=cell.max() + 1)
    return (own == 1).sum() / np.bincount(cell)[own == 1].sum()


@pytest.mark.parametrize("fraction", [0.05, 0.3])
def test_correct_matches_are_estimated_without_the_population(fraction):
    truth, value, covered = [], [], 0
    for seed in range(200):
        cell, sampled = people(4000, seed, fraction)
        found = correct_match_rate(cell[sampled], fraction)
        truth.append(true_rate(cell, sampled))
        value.append(found.value)
        covered += found.low <= truth[-1] <= found.high
    assert np.mean(value) == pytest.approx(np.mean(truth), rel=0.03)
    assert covered / 200 >= stats.binom.ppf(0.001, 200, 0.95) / 200


def test_correct_matches_at_the_edges():
    everybody = correct_match_rate([0, 1, 1], 1.0)
    assert (everybody.value, everybody.low, everybody.high) == (1.0, 1.0, 1.0)
    none = correct_match_rate([0, 0], 0.1)
    assert np.isnan(none.value)
    assert (none.low, none.high, none.pairs) == (0.0, 1.0, 1)
    # no pair seen: at most -log(0.025) pairs' worth, each for 2 * 9 persons, stretched by 1 + 1 / 18
    alone = correct_match_rate(range(20), 0.1)
    assert (alone.value, alone.high) == (1.0, 1.0)
    assert alone.low == pytest.approx(20 / (20 + 18 * (1 + 1 / 18) * -np.log(0.025)))
    # 0.1 * 4 / (0.1 * 4 + 2 * 0.9 * 1)
    assert correct_match_rate([0, 1, 2, 3, 4, 4], 0.1).value == pytest.approx(0.4 / 2.2)


def wide(n=300, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "number": np.arange(n),
            "sex": rng.choice(["f", "m"], size=n),
            "year": rng.integers(1940, 2005, size=n),
            "area": rng.choice(["a", "b", "c", None], size=n),
            "job": rng.integers(12, size=n),
            "same": 1,
        }
    )


@pytest.mark.parametrize("n", [5, 300])
def test_the_search_is_the_loop_over_all_sets(n):
    frame = wide(n)
    found = search_quasi_identifiers(dict(frame.items()), top=1000)
    assert found.identifiers[0] == "number"
    names = [name for name in frame if name not in found.identifiers]
    assert found.reason == ""
    sets = [tuple(c) for size in (2, 3) for c in itertools.combinations(names, size)]
    sets = [(name,) for name in frame] + sets
    assert found.examined == found.possible == len(found.found) == len(sets)
    unique = {}
    for one in sets:
        sizes = frame.groupby(list(one), dropna=False).size()
        unique[one] = int((sizes == 1).sum())
        entry = next(entry for entry in found.found if entry.columns == one)
        best = max((unique[part] for part in itertools.combinations(one, len(one) - 1) if part), default=0)
        assert (entry.unique, entry.classes, entry.k) == (unique[one], len(sizes), sizes.min())
        assert entry.gained == entry.unique - best
    for size in (1, 2, 3):
        order = [entry.unique for entry in found.found if len(entry.columns) == size]
        assert order == sorted(order, reverse=True)


def test_a_bounded_search_says_so_and_still_finds_the_planted_set():
    rng = np.random.default_rng(3)
    columns = {f"noise {j:02d}": rng.integers(2, size=2000) for j in range(30)}
    columns |= {
        "year": rng.integers(50, size=2000),
        "day": rng.integers(40, size=2000),
        "place": rng.integers(9, size=2000),
    }
    found = search_quasi_identifiers(columns, most_sets=600, top=1)
    assert found.examined == 33 + 600
    assert found.possible == 33 + 33 * 32 // 2 + 33 * 32 * 31 // 6
    assert "600 sets" in found.reason
    assert [set(one.columns) for one in found.found[1:]] == [{"year", "day"}, {"year", "day", "place"}]
    few = search_quasi_identifiers(columns, most_sets=40, top=1)
    assert few.examined == 33 + 40


def test_columns_that_are_all_identifiers_are_named_and_not_combined():
    found = search_quasi_identifiers({"a": range(9), "b": list("abcdefghi")})
    assert found.identifiers == ("a", "b")
    assert [one.columns for one in found.found] == [("a",), ("b",)]
