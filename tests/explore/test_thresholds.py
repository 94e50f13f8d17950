"""Thresholds, explored: the numbers of an answer against counting, and what is refused."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin

import auditkit as ak
from auditkit.errors import InputError, NotApplicable
from auditkit.evidence import Table
from auditkit.explore import Answer, Thresholds
from auditkit.explore._own import Own, by_margin, own_threshold
from auditkit.explore._sought import Sought
from auditkit.methods.group_thresholds import NOTIONS, RATES, ScoresByGroup, alike


def subject(scores: Any, y: Any, groups: Any, **more: Any) -> ak.Subject:
    """Return a subject of recorded scores."""
    p = np.asarray(scores, dtype=float)
    X = pd.DataFrame({"x": p, "sex": groups})
    return ak.Subject(
        "scores", lambda X: np.c_[1 - np.asarray(X["x"]), np.asarray(X["x"])], test=ak.Dataset(X, y, sensitive_features=["sex"], **more),
    )  # fmt: skip


@pytest.fixture(scope="module")
def biased() -> ak.Subject:
    """Equally able groups; the score of one is 0.15 lower."""
    rng = np.random.default_rng(3)
    group, able = rng.integers(0, 2, 4000), rng.normal(size=4000)
    y = (able + rng.normal(scale=0.7, size=4000) > 0).astype(int)
    score = np.clip(1 / (1 + np.exp(-1.5 * able)) - 0.15 * group, 0, 1)
    return subject(score, y, np.where(group == 0, "m", "f"))


def test_an_answer_by_hand() -> None:
    scores = [0.9, 0.8, 0.4, 0.3, 0.7, 0.6, 0.2, 0.1]
    y = [1, 1, 0, 1, 1, 0, 0, 0]
    made = Thresholds.prepare(subject(scores, y, ["a"] * 4 + ["b"] * 4))
    assert made.groups == ("sex=a", "sex=b")
    answer = made.at({"sex=a": 0.35, "sex=b": 0.65}, "equal_opportunity")
    rates = answer.tables["rates"].frame().set_index(["label", "series"])["value"]
    # a: 0.9, 0.8, 0.4 selected, two of three truly positive found; b: 0.7 alone
    assert rates["sex=a", "selected"] == 0.75
    assert rates["sex=b", "selected"] == 0.25
    assert rates["sex=a", "true positive rate"] == pytest.approx(2 / 3)
    assert rates["sex=b", "true positive rate"] == 1
    assert rates["sex=a", "false positive rate"] == 1
    assert rates["sex=b", "precision (positive predictive value)"] == 1
    change = answer.tables["change"].frame().set_index("what")
    # at 1/2: 0.9, 0.8, 0.7, 0.6 selected, 6 right of 8; now 0.9, 0.8, 0.4, 0.7: 0.4 is wrong and 0.6 is no more, 6 of 8
    assert change.loc["selected", ["before", "now", "change"]].tolist() == [0.5, 0.5, 0.0]
    assert change.loc["accuracy", ["before", "now", "change"]].tolist() == [0.75, 0.75, 0.0]
    assert "an impact ratio of 0.33" in answer.says
    assert "33.3 percentage points" in answer.says
    last = answer.tables["trade_off"].frame().iloc[-1]
    assert last["series"] == "now"
    assert last["x"] == pytest.approx(1 / 3)
    assert last["value"] == 0.75


def test_rates_are_fairlearns(biased: ak.Subject) -> None:
    from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
    from sklearn.metrics import accuracy_score, precision_score

    made = Thresholds.prepare(biased)
    cut = {"sex=f": 0.31, "sex=m": 0.57}
    rates = made.at(cut).tables["rates"].frame().set_index(["label", "series"])["value"]
    sex = biased.test.X["sex"]
    decided = (biased.scores() >= np.where(sex == "f", 0.31, 0.57)).astype(int)
    metrics = {
        "selected": selection_rate,
        "true positive rate": true_positive_rate,
        "false positive rate": false_positive_rate,
        "precision (positive predictive value)": precision_score,
        "accuracy": accuracy_score,
    }
    peer = MetricFrame(metrics=metrics, y_true=biased.test.y, y_pred=decided, sensitive_features=sex).by_group
    for group in ("f", "m"):
        for name in metrics:
            assert rates[f"sex={group}", name] == pytest.approx(peer.loc[group, name], abs=1e-12)


def test_the_paired_change_counts_records_that_changed(biased: ak.Subject) -> None:
    made = Thresholds.prepare(biased)
    change = made.at({"sex=f": 0.35}).tables["change"].frame().set_index("what").loc["accuracy"]
    score, sex, y = biased.scores(), biased.test.X["sex"].to_numpy(), biased.test.y == 1
    then, now = (score >= 0.5) == y, (score >= np.where(sex == "f", 0.35, 0.5)) == y
    won, lost, n = (now & ~then).sum(), (then & ~now).sum(), y.size
    from auditkit.statistics.paired import paired_difference

    low, high = paired_difference(won, lost, n)
    assert change["change"] == pytest.approx(now.mean() - then.mean())
    assert (change["low"], change["high"]) == (pytest.approx(float(low)), pytest.approx(float(high)))
    assert change["low"] < change["change"] < change["high"]


@pytest.mark.parametrize("notion", NOTIONS)
def test_equalising_narrows_the_gap_it_names(biased: ak.Subject, notion: Any) -> None:
    made = Thresholds.prepare(biased)
    before = made.at({}, notion).tables["trade_off"].frame().iloc[-1]
    after = made.at(made.equalised(notion), notion).tables["trade_off"].frame().iloc[-1]
    assert before["x"] > (0.1 if notion != "predictive_parity" else 0.05)
    assert after["x"] < 0.03
    assert after["value"] > before["value"] - 0.02
    assert after["value"] > 0.6, "everybody, or nobody, would be alike too"


def counted(
    made: Thresholds, scores: Any, y: Any, codes: Any, cut: Any, notion: str
) -> tuple[float, float, float]:
    """Return gap, accuracy and share selected of thresholds, record by record."""
    took = np.array([s >= cut[c] for s, c in zip(scores, codes, strict=True)])
    among = {
        "selection_rate": np.ones(len(y), dtype=bool), "true_positive_rate": y == 1, "false_positive_rate": y == 0,
    }  # fmt: skip
    gaps = []
    for rate in RATES[notion]:
        each = []
        for g in range(len(made.groups)):
            own = codes == g
            base, hit = (own & took, y == 1) if rate not in among else (own & among[rate], took)
            each.append(hit[base].mean() if base.any() else np.nan)
        gaps.append(max(each) - min(each) if np.isfinite(each).all() else np.nan)
    return float(np.max(gaps)), float((took == (y == 1)).mean()), float(took.mean())


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 3), st.sampled_from([2, 3, 16]))
def test_no_point_of_the_curve_beats_equalising(seed: int, groups: int, digits: int) -> None:
    """Against every set of thresholds that is sought, counted record by record: the most accurate of those as good as the narrowest gap."""
    rng = np.random.default_rng(seed)
    codes = np.r_[np.arange(groups), rng.integers(0, groups, 40 * groups)]
    y = np.r_[rng.integers(0, 2, codes.size - 2), 0, 1]
    scores = np.round(np.clip(0.3 * y + 0.7 * rng.random(codes.size) - 0.1 * codes, 0, 1), digits)
    made = Thresholds.prepare(subject(scores, y, codes.astype(str)))
    for notion in made.notions:
        tried = [
            (cut, *counted(made, scores, y, codes, cut, notion))
            for strength in (0, 0.5, 1)
            for cut in alike(made.by_group, made.grid, notion, strength)[0][::4]
        ]
        every = [(gap, right) for _, gap, right, share in tried if np.isfinite(gap) and 0.05 <= share <= 0.95]
        cut = [*made.equalised(notion).values()]
        gap, right, share = counted(made, scores, y, codes, cut, notion)
        assert not every or 0.05 <= share <= 0.95
        curve = made.at(dict(zip(made.groups, cut, strict=True)), notion).tables["trade_off"].frame()
        line = curve[curve["series"] == "best found"]
        every += [*zip(line["x"], line["value"], strict=True)]
        assert not [(g, r) for g, r in every if g < gap - 1e-9 and r > right + 1e-9], notion
        narrowest = min((g for g, _ in every), default=0.0)
        assert gap <= narrowest + 0.01 + 1e-9 or not every
        assert right >= max((r for g, r in every if g <= gap + 1e-9), default=0.0) - 1e-9


def test_equalising_seeks_what_the_curve_is_made_of() -> None:
    """Forty draws; the narrowest gap is often found on the way to equality, where a step overshoots."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        sex, y = rng.integers(0, 2, 300), rng.integers(0, 2, 300)
        scores = np.round(np.clip(0.3 * y + 0.7 * rng.random(300) - 0.1 * sex, 0, 1), 2)
        made = Thresholds.prepare(subject(scores, y, np.where(sex, "f", "m")))
        for notion in made.notions:
            points = made.at(made.equalised(notion), notion).tables["trade_off"].frame()
            now, line = points.iloc[-1], points[points["series"] == "best found"]
            assert not ((line["x"] < now["x"] - 1e-12) & (line["value"] > now["value"] - 1e-12)).any(), (
                seed,
                notion,
            )


def test_thresholds_that_are_sought_are_those_a_dial_reaches(biased: ak.Subject) -> None:
    made = Thresholds.prepare(biased)
    assert made.grid.tolist() == [round(float(one), 3) for one in made.grid]
    assert made.grid.size > 150


def test_the_best_single_threshold_is_a_point_of_its_own() -> None:
    scores, y = [0.9, 0.8, 0.4, 0.3, 0.7, 0.6, 0.2, 0.1], [1, 1, 1, 0, 1, 1, 0, 0]
    made = Thresholds.prepare(subject(scores, y, ["a"] * 4 + ["b"] * 4))
    for notion, gap in (("demographic_parity", 0.25), ("equal_opportunity", 0.0)):
        table = made.at({}, notion).tables["trade_off"]
        points = table.frame().set_index("series")
        # at 0.4 all are right: 3 of 4 of a are selected and 2 of 4 of b; at 1/2 one of a is missed
        assert points.loc["best single threshold", ["x", "value"]].tolist() == [pytest.approx(gap), 1.0]
        assert points.loc["now", "value"] == 0.875
        assert "the most accurate one for all groups alike, 0.4: accuracy 100.0%" in table.summary


def test_the_best_single_threshold_is_that_of_trying_each(biased: ak.Subject) -> None:
    made = Thresholds.prepare(biased)
    score, right = biased.scores(), biased.test.y == 1
    shares = [(score >= cut).mean() for cut in made.grid]
    best = max(
        ((score >= cut) == right).mean()
        for cut, share in zip(made.grid, shares, strict=True)
        if 0.05 <= share <= 0.95
    )
    for notion in made.notions:
        points = made.at({}, notion).tables["trade_off"].frame().set_index("series")
        assert points.loc["best single threshold", "value"] == pytest.approx(best)


def test_how_many_are_selected_in_all_is_said(biased: ak.Subject) -> None:
    made = Thresholds.prepare(biased)
    said = made.at({"sex=f": 0.1, "sex=m": 0.1}).says
    now, then = (f"{(biased.scores() >= cut).mean():.1%}" for cut in (0.1, 0.5))
    assert re.search(
        rf"In all {now} \[[^]]+\] are selected, {then} \[[^]]+\] at the model's own threshold\.", said
    ), said


def test_where_no_decision_changes_that_is_said(biased: ak.Subject) -> None:
    made = Thresholds.prepare(biased)
    score = np.sort(biased.scores())
    above = float(score[np.searchsorted(score, 0.5)])
    for cut in ({}, {"sex=f": above, "sex=m": above}):
        answer = made.at(cut)
        assert answer.says.endswith("No decision changes.")
        assert "a change of" not in answer.says
        table = answer.tables["change"]
        assert table.frame()["change"].tolist() == [0.0, 0.0]
        assert table.frame()[["low", "high"]].isna().all(axis=None)
        assert "No decision changes" in table.summary
    moved = made.at({"sex=f": 0.4})
    assert "No decision" not in moved.says
    assert moved.tables["change"].frame().notna().all(axis=None)


def test_the_trade_off_holds_only_what_nothing_beats(biased: ak.Subject) -> None:
    made = Thresholds.prepare(biased)
    rng = np.random.default_rng(0)
    for notion in made.notions:
        f, m = made.equalised(notion).values()
        near = [{"sex=f": f + a, "sex=m": m + b} for a, b in rng.uniform(-0.02, 0.02, (40, 2))]
        for cut in ({}, {"sex=f": 0.3, "sex=m": 0.6}, *near):
            points = made.at(cut, notion).tables["trade_off"].frame()
            every = [*zip(points["x"], points["value"], strict=True)]
            line = [p for p, series in zip(every, points["series"], strict=True) if series == "best found"]
            # pair by pair, not by the running maximum it was found with
            for gap, right in line:
                assert not [(g, r) for g, r in every if (g < gap and r >= right) or (g <= gap and r > right)]
            assert line == sorted(line), "from left to right it only rises"
            assert [r for _, r in line] == sorted(r for _, r in line)


def test_what_a_hand_beats_leaves_the_line() -> None:
    from types import SimpleNamespace as One

    from auditkit.explore._between import unbeaten

    four = {
        "low": (0.0,) * 4,
        "high": (1.0,) * 4,
        "n": (9,) * 4,
        "series": ("found", "found", "found", "single"),
    }
    curve = Table("t", {"x": (0.1, 0.2, 0.3, 0.4), "value": (0.6, 0.7, 0.8, 0.9), **four}, "curve", {})
    hand: Any = lambda gap, right: One(gap=One(value=gap), accuracy=One(value=right))  # noqa: E731
    left = unbeaten(curve, (hand(0.2, 0.8),), "found").columns
    assert (left["x"], left["value"], left["n"]) == ((0.1, 0.4), (0.6, 0.9), (9, 9))
    beaten = unbeaten(curve, (hand(0.0, 1.0),), "found").columns
    assert (beaten["x"], beaten["series"]) == ((0.4,), ("single",)), "no point of the line, and it stays"
    wide_or_equal = unbeaten(curve, (hand(0.2, 0.7), hand(0.5, 0.9)), "found").columns
    assert wide_or_equal == curve.columns, "no better than the line is no reason to leave it"
    assert unbeaten(curve, (hand(float("nan"), 0.99),), "found").columns == curve.columns


def test_what_is_alike_is_left_alike() -> None:
    """The innocent twin: no difference in score or ability, and equalising moves next to nothing and gains next to nothing."""
    rng = np.random.default_rng(5)
    able = rng.normal(size=8000)
    y = (able + rng.normal(scale=0.7, size=8000) > 0).astype(int)
    made = Thresholds.prepare(subject(1 / (1 + np.exp(-2 * able)), y, rng.choice(["f", "m"], 8000)))
    cuts = made.equalised("demographic_parity")
    assert abs(cuts["sex=f"] - cuts["sex=m"]) < 0.05


def test_weights_are_rows_told_twice(biased: ak.Subject) -> None:
    score, y, sex = biased.scores()[:300], biased.test.y[:300], biased.test.X["sex"].to_numpy()[:300]
    twice = np.r_[np.arange(300), np.arange(100)]
    weights = np.where(np.arange(300) < 100, 2.0, 1.0)
    weighed = Thresholds.prepare(subject(score, y, sex, sample_weight=weights))
    told = Thresholds.prepare(subject(score[twice], y[twice], sex[twice]))
    ours, theirs = (
        one.at({"sex=f": 0.4}).tables["rates"].frame()["value"].to_numpy() for one in (weighed, told)
    )
    np.testing.assert_allclose(ours, theirs)


def test_ratio_gap_and_accuracy_have_the_checks_intervals(biased: ak.Subject) -> None:
    """At the model's own threshold the numbers are those of AK101, AK102 and AK001."""
    answer = Thresholds.prepare(biased).at({}, "equalized_odds")
    table = answer.tables["between"].frame().set_index(["what", "when"])
    report = ak.Audit(["AK101", "AK102", "AK001"]).run(biased, seed=0)
    known = {m.metric: m for e in report.evidence for m in e.measurements if m.group in ("sex", None)}
    for what, metric in (
        ("impact ratio", "demographic_parity_ratio"),
        ("gap of equalized odds", "equalized_odds_difference"),
        ("accuracy of all records", "accuracy"),
    ):
        ours, theirs = table.loc[(what, "now")], known[metric]
        assert ours["value"] == pytest.approx(theirs.value)
        assert (ours["low"], ours["high"]) == (
            pytest.approx(theirs.interval.low),
            pytest.approx(theirs.interval.high),
        )


def test_every_number_said_has_an_interval(biased: ak.Subject) -> None:
    for notion in NOTIONS:
        said = Thresholds.prepare(biased).at({"sex=f": 0.4}, notion).says
        outside = re.findall(r"\d+\.\d+", re.sub(r"\[[^]]*\]", "", said))
        assert len(outside) == said.count("[") == 10, said


def test_weighted_records_that_all_change_are_no_more_than_there_are() -> None:
    """Worth 1.55 records each, by Kish of 3.1: rounded, two and two of three changed."""
    scores, y, sex = np.array([0.6, 0.6, 0.4, 0.4]), np.array([1, 0, 1, 0]), np.array(list("aabb"))
    made = Thresholds.prepare(subject(scores, y, sex, sample_weight=np.array([1.0, 0.3, 1.0, 0.3])))
    change = made.at({"sex=a": 0.7, "sex=b": 0.3}).tables["change"].frame().set_index("what")
    assert change.loc["selected", "change"] == pytest.approx(0.0)
    assert change.loc["selected", "low"] == pytest.approx(-change.loc["selected", "high"])
    assert change.loc["selected", "low"] > -1


def covered(tries: int, groups: int, rows: int) -> dict[str, float]:
    """Return how often the intervals hold what is true of the rule, over draws of records."""
    rng = np.random.default_rng(11)
    p = np.linspace(0.3, 0.45, groups)  # selected, by group
    right = np.linspace(0.7, 0.8, groups)  # true answers among selected and others alike
    true = {
        "impact ratio": p.min() / p.max(),
        "gap of demographic parity": np.ptp(p),
        "accuracy of all records": right.mean(),
    }
    held = dict.fromkeys(true, 0)
    blank = {"demographic_parity": Sought.nothing(groups)}
    names = tuple(f"g={g}" for g in range(groups))
    for _ in range(tries):
        codes = np.tile(np.arange(groups), rows // groups)
        taken = rng.random(codes.size) < p[codes]
        positive = taken == (rng.random(codes.size) < right[codes])
        by_group = ScoresByGroup.of(taken.astype(float), codes, groups, positive)
        made = Thresholds(
            "g", names, Own((0.5,) * groups, "1/2"), 0.0, 1.0, by_group, True, False, np.array([0.5]), blank
        )
        table = made.at({}).tables["between"].frame().set_index(["what", "when"])
        for name, value in true.items():
            held[name] += table.loc[(name, "now"), "low"] <= value <= table.loc[(name, "now"), "high"]
    return {name: count / tries for name, count in held.items()}


@pytest.mark.parametrize("groups", [2, 4])
def test_intervals_hold_what_they_say(groups: int) -> None:
    """With a chance of 0.1% a sound 95% interval falls short of 90% in 200 draws."""
    assert min(covered(200, groups, 240).values()) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("groups", [2, 3, 8])
@pytest.mark.parametrize("rows", [120, 1200])
def test_intervals_hold_what_they_say_in_many_draws(groups: int, rows: int) -> None:
    assert min(covered(2000, groups, rows).values()) >= 0.935


def test_a_regression_has_selection_alone() -> None:
    X = pd.DataFrame({"x": np.arange(20.0), "sex": ["a", "b"] * 10})
    model = ak.Subject(
        "r",
        lambda X: np.asarray(X["x"]) * 1.5,
        test=ak.Dataset(X, np.arange(20.0), sensitive_features=["sex"]),
        task="regression",
    )
    made = Thresholds.prepare(model)
    assert made.notions == ("demographic_parity",)
    answer = made.at(made.equalised("demographic_parity"))
    assert set(answer.tables) == {"rates", "between", "change"}
    assert answer.tables["rates"].columns["value"][0] == answer.tables["rates"].columns["value"][1]


def test_what_cannot_be_asked() -> None:
    made = Thresholds.prepare(subject([0.2, 0.8, 0.3, 0.7], [0, 1, 0, 1], list("aabb")))
    with pytest.raises(InputError, match="no group 'sex=c' here"):
        made.at({"sex=c": 0.5})
    with pytest.raises(InputError, match="a threshold is a number"):
        made.at({"sex=a": float("nan")})
    with pytest.raises(InputError, match=r"no notion 'equal_odds' here\. Did you mean 'equalized_odds'"):
        made.at({}, "equal_odds")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no sensitive feature"):
        Thresholds.prepare(subject([0.2, 0.8], [0, 1], ["a", "b"]), "race")
    with pytest.raises(NotApplicable, match="15 groups: between 2 and 12"):
        Thresholds.prepare(subject(np.linspace(0, 1, 15), [0, 1] * 7 + [0], [f"g{i:02}" for i in range(15)]))
    X = pd.DataFrame({"x": [0.0, 1.0], "sex": ["a", "b"]})
    labels = ak.Subject(
        "l", lambda X: (np.asarray(X["x"]) > 0.5).astype(int),
        test=ak.Dataset(X, [0, 1], sensitive_features=["sex"]), task="binary",
    )  # fmt: skip
    with pytest.raises(NotApplicable, match="no scores"):
        Thresholds.prepare(labels)


def test_an_answer_survives_json(biased: ak.Subject) -> None:
    answer = Thresholds.prepare(biased).at({"sex=f": 0.4})
    again = Answer.from_dict(json.loads(json.dumps(answer.to_dict())))
    assert again.to_dict() == answer.to_dict()


class Decides(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Its score is the column x; it selects by the rule it is given, of x and whether the record is of group b."""

    def __init__(self, rule: Any) -> None:
        self.rule = rule

    def fit(self, X: Any, y: Any) -> Any:
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return self.rule(np.asarray(X["x"]), np.asarray(X["b"]) == 1).astype(int)

    def predict_proba(self, X: Any) -> Any:
        return np.c_[1 - np.asarray(X["x"]), np.asarray(X["x"])]


class TestOwn:
    """The start is how the model decides: its labels are counted a second way."""

    @staticmethod
    def deciding(rule: Any) -> ak.Subject:
        rng = np.random.default_rng(5)
        b = rng.integers(0, 2, 600)
        X = pd.DataFrame({"x": rng.integers(1, 20, 600) / 20, "b": b})
        y = (rng.random(600) < X["x"]).astype(int).to_numpy()
        data = ak.Dataset(X, y, sensitive_features={"group": np.where(b == 1, "b", "a")})
        return ak.Subject("decides", Decides(rule).fit(X, y), test=data)

    @pytest.mark.parametrize(
        ("rule", "words", "start"),
        [
            (lambda x, b: x >= 0.5, "the model's own threshold", (0.5, 0.5)),
            # ties at 1/2 are not selected: the next score is 0.55
            (lambda x, b: x > 0.5, "the model's own threshold", (0.52, 0.52)),
            (lambda x, b: x >= 0.7, "the model's own threshold", (0.7, 0.7)),
            (lambda x, b: x >= np.where(b, 0.3, 0.7), "the model's own thresholds", (0.7, 0.3)),
            (lambda x, b: (x >= 0.3) & (x < 0.6), "a threshold of 0.5", (0.5, 0.5)),
        ],
    )
    def test_the_start_is_how_the_model_decides(self, rule: Any, words: str, start: Any) -> None:
        subject = self.deciding(rule)
        made = Thresholds.prepare(subject)
        assert made.own.words == words
        assert tuple(made.start.values()) == start
        x, b = np.asarray(subject.test.X["x"]), np.asarray(subject.test.X["b"]) == 1
        chosen, at_start = rule(x, b), x >= np.where(b, start[1], start[0])
        answer = made.at({})
        rates = answer.tables["rates"].frame().set_index(["label", "series"])["value"]
        assert rates["group=a", "selected"] == at_start[~b].mean()
        assert rates["group=b", "selected"] == at_start[b].mean()
        otherwise = int((chosen != at_start).sum())
        assert made.own.otherwise == otherwise
        told = f"of 600 records it decides {otherwise} otherwise than a threshold of 0.5 does"
        assert (told in answer.says) == bool(otherwise)
        assert answer.tables["change"].title == f"All records: at {words}, and now"
        assert f"at {words}." in made.at({"group=a": 0.9}).says

    def test_a_forest_with_ties_and_a_moved_threshold_are_measured_as_the_checks_measure_them(self) -> None:
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.model_selection import FixedThresholdClassifier

        rng = np.random.default_rng(0)
        group = rng.integers(0, 2, 400)
        X = pd.DataFrame({"x": rng.normal(size=400).round(1), "g": group})
        y = (X["x"] + group + rng.normal(size=400) > 0.5).astype(int).to_numpy()
        forest = RandomForestClassifier(n_estimators=10, max_depth=3, random_state=0)
        data = ak.Dataset(X, y, sensitive_features={"g": np.where(group == 1, "one", "two")})
        for model in (forest, FixedThresholdClassifier(forest, threshold=0.7)):
            subject = ak.Subject("trees", model.fit(X, y), test=data)
            between = Thresholds.prepare(subject).at({}).tables["between"].frame().set_index(["what", "when"])
            (evidence,) = ak.Audit(["AK101"]).run(subject, seed=0).evidence
            known = {m.metric: m.value for m in evidence.measurements if m.group == "g"}
            assert between.loc[("impact ratio", "now"), "value"] == pytest.approx(
                known["demographic_parity_ratio"]
            )
            assert between.loc[("accuracy of all records", "now"), "value"] == pytest.approx(
                model.score(X, y)
            )

    def test_a_regression_starts_at_its_median(self) -> None:
        X = pd.DataFrame({"x": np.arange(10.0), "sex": list("ab") * 5})
        subject = ak.Subject(
            "number",
            lambda X: np.asarray(X["x"], dtype=float),
            test=ak.Dataset(X, np.arange(10.0), sensitive_features=["sex"]),
            task="regression",
        )
        made = Thresholds.prepare(subject)
        assert made.own.words == "the median score"
        assert set(made.start.values()) == {4.5}

    @given(
        st.lists(st.integers(0, 40), min_size=1, max_size=30),
        st.integers(0, 41),
        st.randoms(use_true_random=False),
    )
    def test_a_threshold_is_found_wherever_one_gives_the_decisions(
        self, steps: list[int], cut: int, chance: Any
    ) -> None:
        scores = np.array(steps) / 40
        selected = np.array(steps) >= cut
        found = own_threshold(scores, selected)
        if (~selected & (scores == 1.0)).any():
            assert np.isnan(found), "a dial ends at 1"
        else:
            assert ((scores >= found) == selected).all()
            assert 0 <= found <= 1
        mixed = np.array([chance.random() < 0.5 for _ in steps])
        possible = any(((scores >= t) == mixed).all() for t in np.linspace(0, 1, 41))
        assert np.isnan(own_threshold(scores, mixed)) != possible


def test_the_most_borderline_record_is_the_nearest_to_the_models_own_threshold() -> None:
    subject = TestOwn.deciding(lambda x, b: x >= 0.7)
    x = np.asarray(subject.test.X["x"])
    margin = np.abs(x - 0.7)[by_margin(subject, "test")]
    assert margin[0] == margin.min()
    assert (np.diff(margin) >= -1e-12).all()
