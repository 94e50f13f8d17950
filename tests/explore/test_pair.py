"""Two subjects compared: numbers by hand and a second way, who is refused, and how often a difference is claimed where there is none."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.tree import DecisionTreeClassifier

import auditkit as ak
from auditkit.data import make_leaky
from auditkit.errors import InputError, NotApplicable
from auditkit.explore import Answer, Pair

Y = [1, 1, 1, 1, 0, 0, 0, 0, 1, 0]
SEX = ["f", "f", "f", "f", "f", "m", "m", "m", "m", "m"]
A = [0.9, 0.8, 0.7, 0.2, 0.1, 0.6, 0.3, 0.2, 0.8, 0.1]  # wrong of the 4th and the 6th
B = [0.9, 0.4, 0.3, 0.6, 0.2, 0.4, 0.3, 0.7, 0.8, 0.1]  # wrong of the 2nd, 3rd and 8th


def subject(
    name: str, scores: Any, y: Any = Y, sex: Any = SEX, *, train: Any = None, **more: Any
) -> ak.Subject:
    """Return a subject of recorded scores; the rows have a number of their own beside them."""
    X = pd.DataFrame({"row": np.arange(len(y)), "sex": sex})
    p = np.asarray(scores, dtype=float)

    def model(rows: pd.DataFrame) -> np.ndarray:
        at = rows["row"].to_numpy()
        return np.c_[1 - p[at], p[at]]

    return ak.Subject(name, model, test=ak.Dataset(X, y, sensitive_features=["sex"]), train=train, **more)


def numbers(pair: Pair, *where: Any) -> pd.DataFrame:
    return pair.at(*where).tables["numbers"].frame().set_index("figure")


def test_an_answer_by_hand() -> None:
    pair = Pair.prepare(subject("a", A), subject("b", B))
    found = numbers(pair)
    # a is right of 8, b of 7; 3 that a alone gets right, 2 that b alone does
    assert found.loc["accuracy", ["a", "b", "change"]].tolist() == pytest.approx([0.8, 0.7, -0.1])
    # pairs of 5 positive and 5 negative ordered rightly: a 0.9, 0.8, 0.8 above all 5, 0.7 all 5, 0.2 above 2 and ties with 1
    assert found.loc["ranking of records (AUC)", "a"] == pytest.approx((5 + 5 + 5 + 5 + 2.5) / 25)
    # b: 0.9 and 0.8 above all 5; 0.6 above 4; 0.4 above 3 and ties with 1; 0.3 above 2 and ties with 1
    assert found.loc["ranking of records (AUC)", "b"] == pytest.approx((5 + 5 + 4 + 3.5 + 2.5) / 25)
    # selected of f by a 3 of 5, of m 2 of 5; by b 2 of 5 and 2 of 5
    gap = found.loc["demographic parity difference of sex", ["a", "b", "change"]]
    assert gap.tolist() == pytest.approx([0.2, 0.0, -0.2])
    answer = pair.at()
    rows = answer.tables["records"].frame().set_index("who")["records"]
    assert rows.tolist() == [5, 3, 2, 0]
    # exact McNemar of 3 against 2: two-sided binomial of 5 at 1/2
    assert f"p = {stats.binomtest(3, 5).pvalue:.1f}" in answer.says.replace("1.000", "1.0")
    apart = answer.tables["disagreement"].frame().set_index("label")
    assert apart.loc["all records", "value"] == 0.5
    assert apart.loc["sex=f", ["value", "n"]].tolist() == [0.6, 5]
    assert apart.loc["sex=m", "value"] == 0.4
    assert "They decide 5 of 10 records otherwise" in answer.says


def test_equalized_odds_and_features_by_name() -> None:
    pair = Pair.prepare(subject("a", A), subject("b", B))
    # true positives: f 3 of 4, m 1 of 1; false: f 0 of 1, m 1 of 4: both a quarter; b: f 2 of 4 and m 1 of 1
    gap = numbers(pair, "sex", "equalized_odds").loc["equalized odds difference of sex", ["a", "b"]]
    assert gap.tolist() == pytest.approx([0.25, 0.5])
    with pytest.raises(InputError, match="no groups of 'sx'"):
        pair.at("sx")
    with pytest.raises(InputError, match="no constraint"):
        pair.at("sex", "parity")  # type: ignore[arg-type]


def test_intervals_are_the_statistics_own_at_a_level_for_all() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=500)
    one, other = (np.clip(0.5 + 0.2 * (y - 0.5) + rng.normal(scale=0.2, size=500), 0, 1) for _ in range(2))
    found = numbers(
        Pair.prepare(subject("a", one, y, ["f", "m"] * 250), subject("b", other, y, ["f", "m"] * 250))
    )
    each = 1 - 0.05 / 4  # accuracy, ranking, and the groups of one feature by two constraints
    right = (one >= 0.5) == y, (other >= 0.5) == y
    won, lost = int((right[1] & ~right[0]).sum()), int((right[0] & ~right[1]).sum())
    low, high = ak_statistics().paired_differences_at_once([won], [lost], 500, each)
    assert found.loc["accuracy", ["low", "high"]].tolist() == pytest.approx([float(low[0]), float(high[0])])
    area = ak_statistics().paired_auc_difference(other, one, y, each)
    assert found.loc["ranking of records (AUC)", ["change", "low", "high"]].tolist() == pytest.approx(
        [area.value, area.low, area.high]
    )


def ak_statistics() -> Any:
    from auditkit import statistics

    return statistics


def test_a_subject_and_itself_differ_in_nothing() -> None:
    one = subject("a", A)
    answer = Pair.prepare(one, one).at()
    assert "Training rows are not known of both" in answer.does_not_say
    assert answer.at["first"] == "a (first)"
    assert "Better" not in answer.says
    assert "Worse" not in answer.says
    assert "They decide 0 of 10 records otherwise" in answer.says
    assert set(answer.tables["numbers"].frame()["told"]) == {"cannot be told"}
    assert Answer.from_dict(json.loads(json.dumps(answer.to_dict()))) == answer


def test_who_is_refused() -> None:
    one = subject("a", A)
    with pytest.raises(InputError, match="10 and 9 test rows"):
        Pair.prepare(one, subject("b", B[:9], Y[:9], SEX[:9]))
    with pytest.raises(InputError, match="the labels of 2 of 10 test rows differ"):
        Pair.prepare(one, subject("b", B, [0, *Y[1:9], 1]))
    with pytest.raises(InputError, match="'sex' differs in 1 of 10"):
        Pair.prepare(one, subject("b", B, sex=["m", *SEX[1:]]))
    with pytest.raises(InputError, match="different labels count as selected, 1 and 0"):
        Pair.prepare(one, subject("b", B, positive=0))
    with pytest.raises(InputError, match="expected two subjects"):
        Pair.prepare(one, "b")  # type: ignore[arg-type]
    X = pd.DataFrame({"x": [0.1, 0.2, 0.7]})
    values = ak.Subject("r", lambda X: np.asarray(X["x"]), ak.Dataset(X, [0.3, 0.5, 0.8]), task="regression")
    with pytest.raises(NotApplicable, match="compares classes"):
        Pair.prepare(values, values)


def test_inputs_may_differ_where_what_they_share_is_alike() -> None:
    first = subject("a", A)
    X = pd.DataFrame({"row": np.arange(10.0), "more": 1})  # a float beside the int of the other
    second = ak.Subject("b", lambda rows: (rows["row"] > 4).astype(int).to_numpy(), test=ak.Dataset(X, Y))
    answer = Pair.prepare(first, second).at()
    assert "ranking" not in " ".join(answer.tables["numbers"].frame()["figure"])  # labels alone on one side
    assert "One gives labels alone" in answer.does_not_say
    assert "no input in common" not in answer.does_not_say
    third = ak.Subject(
        "c", lambda rows: (rows["z"] > 4).astype(int).to_numpy(), test=ak.Dataset({"z": np.arange(10)}, Y)
    )
    assert "no input in common" in Pair.prepare(first, third).at().does_not_say


def tree(planted: Any, leaf: int) -> ak.Subject:
    train, test = planted.subject.train, planted.subject.test
    model = DecisionTreeClassifier(min_samples_leaf=leaf, random_state=0).fit(train.X, train.y)
    return ak.Subject(f"leaves of {leaf}", model, test, train)


def test_an_overfit_one_leaks_more_than_its_restrained_twin() -> None:
    planted = make_leaky(n_train=600, n_test=600, memorise=0.0, seed=3)
    pair = Pair.prepare(tree(planted, 1), tree(planted, 60))
    leak = next(one for one in pair.general if one.what.startswith("what an attack"))
    assert leak.first[0] > 0.6
    assert leak.verdict == "better"
    assert leak.method == "paired, DeLong and MOVER"
    assert "Better: " in pair.at().says
    # trained on other rows: the interval is wider, and says so
    other = make_leaky(n_train=600, n_test=10, memorise=0.0, seed=9).subject.train
    model = DecisionTreeClassifier(random_state=0).fit(other.X, other.y)
    apart = Pair.prepare(tree(planted, 60), ak.Subject("elsewhere", model, planted.subject.test, other))
    leak = next(one for one in apart.general if one.what.startswith("what an attack"))
    assert leak.verdict == "worse"
    assert leak.method == "DeLong, both intervals at once"
    assert "trained on different rows" in apart.at().does_not_say


def claims(reps: int, seed: int, n: int = 300) -> tuple[int, dict[str, int]]:
    """Return in how many of so many pairs of equally good models a difference is claimed, and how often each interval misses 0."""
    found, missed = 0, {}
    for rep in range(reps):
        rng = np.random.default_rng([seed, rep])
        y, sex = rng.integers(2, size=n), np.where(rng.integers(2, size=n) == 1, "f", "m")
        able = 0.5 + 0.25 * (y - 0.5) + 0.15 * (sex == "f") + rng.normal(scale=0.15, size=n)
        one, other = (np.clip(able + rng.normal(scale=0.1, size=n), 0, 1) for _ in range(2))
        pair = Pair.prepare(subject("a", one, y, sex), subject("b", other, y, sex))
        told = [b for b in (*pair.general, *pair.gaps.values()) if b.verdict != "cannot be told"]
        found += bool(told)
        for b in told:
            missed[b.what] = missed.get(b.what, 0) + 1
    return found, missed


def test_equally_good_models_are_seldom_told_apart() -> None:
    found, missed = claims(40, 1)
    assert found <= stats.binom.ppf(0.999, 40, 0.05), missed


@pytest.mark.slow
def test_equally_good_models_are_told_apart_at_most_at_the_stated_rate() -> None:
    found, missed = claims(600, 2)
    assert found <= stats.binom.ppf(0.999, 600, 0.05), missed
