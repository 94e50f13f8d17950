"""AK111: alike records decided alike or at random, at the expected size, without the sensitive features."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from auditkit import Dataset, Subject
from auditkit.checks.bias import consistency
from auditkit.data import make_biased
from auditkit.errors import NotApplicable
from auditkit.predictors import from_predictions


def observe(subject, seed=0, **options):
    return consistency(subject, rng=np.random.default_rng(seed), **options)


def subject_of(noise, n=1500, seed=0):
    """Return decisions by one input, dealt out at random in a share `noise` of the records of group b."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"x": rng.random(n), "g": rng.choice(["a", "b"], n)})
    said = (X["x"] > 0.5).astype(int).to_numpy()
    at_random = (X["g"] == "b") & (rng.random(n) < noise)
    said = np.where(at_random, rng.integers(0, 2, n), said)
    return Subject("c", from_predictions(labels=said), Dataset(X, rng.integers(0, 2, n), ["g"]), positive=1)


def test_a_planted_arbitrariness_is_found_in_its_group_and_at_its_size():
    evidence = observe(subject_of(0.6))
    # a decision of b is turned with probability 0.3, and half of the neighbours are of b
    expected = {"g=a": 0.5 + 0.5 * 0.7, "g=b": 0.5 * 0.7 + 0.5 * (0.7**2 + 0.3**2)}
    for group, value in expected.items():
        m = evidence.measurement("consistency", group)
        assert m.interval.low - 0.01 <= value <= m.interval.high + 0.01
    a, b = (evidence.measurement("consistency", f"g={g}").interval for g in "ab")
    assert b.high < a.low
    assert "g=b" in evidence.tables["g"].summary


def test_each_group_is_held_against_its_own_chance():
    rng = np.random.default_rng(0)
    # decisions of b are rarer, so alike by chance; and as they are at random, alike by no more than that
    X = pd.DataFrame({"x": np.r_[rng.random(600), 5 + rng.random(600)], "g": np.repeat(["a", "b"], 600)})
    said = np.where(X["g"] == "a", X["x"] > 0.5, rng.random(1200) < 0.03).astype(int)
    subject = Subject(
        "c", from_predictions(labels=said), Dataset(X, np.resize([0, 1], 1200), ["g"]), positive=1
    )
    evidence = observe(subject)
    a, b = (evidence.measurement("consistency", f"g={g}").value for g in "ab")
    assert 0.9 < b < a
    assert "least above chance around g=b (" in evidence.tables["g"].summary
    one = observe(
        Subject("c", from_predictions(labels=said), Dataset(X[["x"]], np.resize([0, 1], 1200)), positive=1)
    )
    assert "around" not in one.tables["consistency"].summary


def test_the_innocent_twin_is_consistent():
    evidence = observe(subject_of(0.0))
    assert evidence.measurement("consistency", "g=a").value > 0.98
    assert evidence.measurement("consistency_chance").value == pytest.approx(0.5, abs=0.01)


def test_decisions_at_random_are_at_chance():
    alarms = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        data = Dataset({"x": rng.random(300), "z": rng.random(300)}, rng.integers(0, 2, 300))
        evidence = observe(Subject("r", from_predictions(labels=rng.integers(0, 2, 300)), data, positive=1))
        ends = next(m for m in evidence.measurements if m.metric == "consistency").interval
        alarms += not ends.low <= evidence.measurement("consistency_chance").value <= ends.high
    assert alarms <= stats.binom.ppf(0.999, 100, 0.05)


def test_the_sensitive_feature_plays_no_part_in_the_distance():
    planted = make_biased(gap=0.4, n=1500, seed=1)
    m = observe(planted.subject)
    assert any("Left out of the distance: group" in note for note in m.notes)
    # records alike in merit are decided by group where merit is between the cut-offs: 0.4 of all, one half alike
    assert m.measurement("consistency", "group=A").value < 0.95


def test_all_decided_alike_is_not_certain():
    y = np.resize([0, 1], 100)
    subject = Subject(
        "s", from_predictions(labels=np.ones(100, int)), Dataset({"x": np.arange(100.0)}, y), positive=1
    )
    m = observe(subject).measurement("consistency")
    assert m.value == 1
    assert m.interval.low == pytest.approx(0.025 ** (1 / 100))
    assert observe(subject).measurement("consistency_chance").value == 1


@pytest.mark.parametrize(("size", "share"), [(20, 0.05), (50, 0.02)])
def test_a_small_group_among_rare_decisions_is_covered(size, share):
    """One or two records decided otherwise show too little spread for a normal interval."""
    rng = np.random.default_rng(1)
    X = pd.DataFrame({"u": rng.normal(size=400), "v": rng.normal(size=400)})
    data = Dataset(X, np.resize([0, 1], 400), {"g": np.where(np.arange(400) < size, "b", "a")})
    truth, missed = share**2 + (1 - share) ** 2, 0
    for seed in range(100):
        said = (np.random.default_rng([seed, size]).random(400) < share).astype(int)
        m = observe(Subject("r", from_predictions(labels=said), data, positive=1)).measurement(
            "consistency", "g=b"
        )
        missed += not m.interval.low <= truth <= m.interval.high
    assert missed <= stats.binom.ppf(0.999, 100, 0.05)


def test_several_classes_and_rows_drawn():
    rng = np.random.default_rng(2)
    data = Dataset({"x": rng.random(800)}, rng.integers(0, 3, 800), {"g": rng.choice(["a", "b"], 800)})
    evidence = observe(
        Subject("k", from_predictions(labels=rng.integers(0, 3, 800)), data), rows=100, pool=300
    )
    assert evidence.rows["used"] == 100
    assert next(m for m in evidence.measurements if m.group is None).value == pytest.approx(1 / 3, abs=0.12)


def test_what_has_no_neighbours_says_why():
    y = np.resize([0, 1], 40)
    only = Dataset({"g": np.resize(["a", "b"], 40)}, y, ["g"])
    with pytest.raises(NotApplicable, match="beside the sensitive"):
        observe(Subject("o", from_predictions(labels=y), only, positive=1))
    flat = Dataset({"x": np.ones(40)}, y)
    with pytest.raises(NotApplicable, match="no input varies"):
        observe(Subject("f", from_predictions(labels=y), flat, positive=1))


# a regression


def predicted(noise, n=600, seed=0):
    """Predictions that follow x, with noise for group b."""
    rng = np.random.default_rng(seed)
    x, group = rng.random(n), rng.choice(["a", "b"], n)
    said = x + noise * (group == "b") * rng.normal(size=n)
    data = Dataset({"x": x}, rng.normal(size=n), {"g": group})
    return Subject("r", from_predictions(labels=said), data, task="regression"), x, group, said


def test_a_regressions_distances_are_those_of_scikit_learns_neighbours():
    from sklearn.neighbors import NearestNeighbors

    subject, x, group, said = predicted(0.3)
    evidence = observe(subject)
    near = NearestNeighbors(n_neighbors=6).fit(x[:, None]).kneighbors(x[:, None])[1][:, 1:]
    apart = np.abs(said[near] - said[:, None]).mean(axis=1)
    assert evidence.measurement("neighbour_distance", "g=a").value == pytest.approx(
        apart[group == "a"].mean()
    )
    every = np.abs(said[:, None] - said[None]).sum() / (600 * 599)
    assert evidence.measurement("neighbour_distance_chance").value == pytest.approx(every)
    a, b = (evidence.measurement("neighbour_distance", f"g={g}").interval for g in "ab")
    assert a.high < b.low, "arbitrary for b, and felt less among a"
    assert "from those of records at random" in evidence.says


def test_alike_groups_of_a_regression_are_covered_as_often_as_stated():
    truth = 2 / np.sqrt(np.pi) * 0.3  # of two independent values of spread 0.3
    inside = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        said = 0.3 * rng.normal(size=300)
        data = Dataset({"x": rng.random(300)}, said, {"g": rng.choice(["a", "b"], 300)})
        ends = (
            observe(Subject("r", from_predictions(labels=said), data, task="regression"))
            .measurements[0]
            .interval
        )
        inside += ends.low <= truth <= ends.high
    assert inside >= 0.9 * 150
