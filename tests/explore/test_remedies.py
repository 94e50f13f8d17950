"""Mitigations on and off: cures and harms of known kind, nothing where nothing was done, and numbers a second way."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.tree import DecisionTreeClassifier

import auditkit as ak
from auditkit.data import make_biased, make_leaky
from auditkit.errors import Cancelled, InputError, NotApplicable
from auditkit.explore import Answer, Remedies
from auditkit.explore.remedies import KINDS, clash
from auditkit.methods.defences import bin_levels
from auditkit.methods.defences import squeezed as squeeze
from auditkit.methods.mitigation import reweighing_weights
from auditkit.progress import listening

GAP, LEAK, STANDS, RIGHT, RANKED = (
    "demographic parity difference of group",
    "what an attack on training records finds (AUC, 0.5 is guessing)",
    "right and stays right under small changes",
    "accuracy",
    "ranking of records (AUC)",
)


def biased(gap: float = 0.4, n: int = 1500, seed: int = 0, model: Any = None) -> ak.Subject:
    """Return a model that learnt from decisions with a planted gap, and knows the group."""
    parts = []
    for one in (seed, seed + 1):
        planted = make_biased(gap=gap, n=n, seed=one).subject
        X = planted.test.X.assign(group=(planted.test.X["group"] == "A").astype(float))
        parts.append(ak.Dataset(X, planted.answers().labels, {"group": planted.test.X["group"]}))
    test, train = parts
    model = LogisticRegression(C=1.0) if model is None else model
    return ak.Subject("biased", model.fit(train.X, train.y), test, train)


def overfit(n: int = 800, seed: int = 0) -> ak.Subject:
    """Return a tree that was grown until it remembers its rows; labels follow x0 with noise."""
    planted = make_leaky(n_train=n, n_test=n, memorise=0.0, seed=seed).subject
    model = DecisionTreeClassifier(random_state=0).fit(planted.train.X, planted.train.y)
    return ak.Subject("overfit", model, planted.test, planted.train)


@pytest.fixture(scope="module")
def fair() -> Remedies:
    return Remedies.prepare(
        biased(), mitigations=["reweighing", "threshold optimisation", "correlation remover", "rounding"]
    )


def told(made: Remedies, **chosen: float) -> pd.DataFrame:
    names = {name.replace("_", " "): at for name, at in chosen.items()}
    return made.at(names).tables["numbers"].frame().set_index("figure")


def test_fairness_is_bought_with_accuracy(fair: Remedies) -> None:
    for name in ("reweighing", "threshold_optimisation", "correlation_remover"):
        found = told(fair, **{name: 1.0})
        assert found.loc[GAP, "told"] == "better", name
        assert found.loc[GAP, "with"] < found.loc[GAP, "without"]
        assert found.loc[RIGHT, "change"] < 0, (
            name
        )  # the labels are biased, and that is what accuracy is held against
    for name in ("threshold_optimisation", "correlation_remover"):
        assert told(fair, **{name: 1.0}).loc[RIGHT, "told"] == "worse", name
    answer = fair.at({"correlation remover": 1})
    assert "Better: demographic parity difference of group" in answer.says
    assert "Worse: accuracy" in answer.says
    # the planted gap, as the model learnt it, lies within its own interval
    assert fair.base.selected.mean() > 0
    gap = fair.at({}).tables["sides"].frame().query("series == 'without'").iloc[0]
    assert gap["low"] <= 0.4 <= gap["high"]
    half, full = (told(fair, reweighing=at).loc[GAP, "change"] for at in (0.5, 1.0))
    assert full < half < 0


def test_leakage_is_lowered_by_regularisation() -> None:
    made = Remedies.prepare(overfit(), mitigations=["regularisation", "top label", "early stopping"])
    found = told(made, regularisation=1.0)
    assert found.loc[LEAK, "without"] > 0.6
    assert found.loc[LEAK, "told"] == "better"
    assert found.loc[LEAK, "with"] < 0.58
    assert found.loc[RIGHT, "told"] == "better"  # a tree grown to its end is wrong of strangers: no cost here
    # a tree of leaves of one row gives out 0 and 1: its label alone says as much
    assert told(made, top_label=1.0).loc[LEAK, "change"] == 0
    assert "early stopping" in made.failed
    with pytest.raises(InputError, match="early stopping cannot be tried here: DecisionTreeClassifier"):
        made.at({"early stopping": 1})


def test_what_changes_no_decision_changes_no_figure_of_decisions(fair: Remedies) -> None:
    found = told(fair, rounding=0.5)
    assert found.loc[[GAP, RIGHT, STANDS], "change"].tolist() == [0, 0, 0]
    assert set(found["told"]) == {"cannot be told"}
    nothing = fair.at({})
    assert set(nothing.tables["numbers"].frame()["told"]) == {"cannot be told"}
    assert nothing.says.startswith("Nothing is switched on.")
    assert list(nothing.tables) == ["overview", "sides", "numbers"]
    assert set(nothing.tables["sides"].columns["series"]) == {"without"}


def test_the_overview_names_cures_and_harms(fair: Remedies) -> None:
    table = fair.at({}).tables["overview"]
    cells = table.frame().set_index(["row", "column"])
    assert len(cells) == 4 * 5
    found = told(fair, correlation_remover=1.0)
    assert (
        cells.loc[("correlation remover", "fairness"), "value"] == -found.loc[GAP, "change"]
    )  # lower is better
    assert cells.loc[("correlation remover", "accuracy"), "value"] == found.loc[RIGHT, "change"]
    assert "correlation remover: better fairness, worse accuracy" in table.summary
    assert "rounding: nothing" in table.summary


def test_the_figures_a_second_way() -> None:
    subject = biased(n=600, seed=4)
    made = Remedies.prepare(subject, mitigations=["reweighing"])
    model = LogisticRegression(C=1.0).fit(subject.train.X, subject.train.y)
    found = told(made, reweighing=1.0)
    test, train = subject.test, subject.train
    assert found.loc[RIGHT, "without"] == pytest.approx(accuracy_score(test.y, model.predict(test.X)))
    assert found.loc[RANKED, "without"] == pytest.approx(
        roc_auc_score(test.y, model.predict_proba(test.X)[:, 1])
    )
    own = [model.predict_proba(part.X)[np.arange(len(part)), part.y] for part in (train, test)]
    area = roc_auc_score(np.repeat([1, 0], [len(train), len(test)]), np.concatenate(own))
    assert found.loc[LEAK, "without"] == pytest.approx(area)
    group = subject.train.sensitive_features["group"]
    cell = pd.Series(1, index=range(len(group))).groupby([group.to_numpy(), train.y]).transform("sum")
    weights = (
        group.map(group.value_counts()).to_numpy()
        * np.bincount(train.y)[train.y]
        / (len(train) * cell.to_numpy())
    )
    again = LogisticRegression(C=1.0).fit(train.X, train.y, sample_weight=weights)
    rates = pd.Series(again.predict(test.X)).groupby(test.sensitive_features["group"].to_numpy()).mean()
    assert found.loc[GAP, "with"] == pytest.approx(rates.max() - rates.min())
    # every changed copy is allowed, and the same for every model
    rows, threat = made.workshop.rows, made.workshop.threat
    changed = rows.frame.iloc[len(rows.truth) + len(rows.members) :].reset_index(drop=True)
    original = made.subject.test.X.iloc[np.tile(rows.attacked, rows.copies)].reset_index(drop=True)
    assert not threat.violations(original, changed).to_numpy().any()
    assert (threat.distance(original, changed) <= threat.radius * (1 + 1e-9)).all()
    stands = (model.predict(changed).reshape(rows.copies, -1) == test.y[rows.attacked]).all(axis=0)
    stands &= model.predict(test.X.iloc[rows.attacked]) == test.y[rows.attacked]
    assert found.loc[STANDS, "without"] == pytest.approx(stands.mean())


def test_together_is_trained_when_asked_for(fair: Remedies) -> None:
    both = {"reweighing": 1.0, "rounding": 1.0}
    assert not fair.ready(both)
    with pytest.raises(InputError, match="was not trained yet"):
        fair.at(both)
    more = fair.adding(both)
    assert more.ready(both)
    assert len(more.rules) == len(fair.rules) + 1
    found = told(more, **both)
    assert found.loc[GAP, "with"] == told(fair, reweighing=1.0).loc[GAP, "with"]
    assert more.adding(both) is more
    # one figure more to hold together: no interval is shorter than before
    was, now = (told(m, reweighing=1.0) for m in (fair, more))
    assert (now["low"] <= was["low"]).all()
    assert (now["high"] >= was["high"]).all()
    settings = more.at(both).tables["settings"]
    assert settings.columns["mitigation"] == ("reweighing", "rounding")
    assert "1 digit" in settings.summary


def test_settings_and_fairness_are_trained_together() -> None:
    made = Remedies.prepare(biased(n=600), mitigations=["reweighing"])
    both = made.adding({"regularisation": 1, "reweighing": 1, "feature squeezing": 1})
    answer = both.at({"reweighing": 1, "regularisation": 1, "feature squeezing": 1})
    assert "C 1 to 0.001" in answer.tables["settings"].summary
    assert "at most 8 levels" in answer.tables["settings"].summary
    # the same by hand: the settings, the weights and the levels of the training rows
    subject, squeezed = made.subject, made.subject.test.X.copy()
    weights = reweighing_weights(made.workshop.who, subject.train.y)
    model = LogisticRegression(C=0.001).fit(subject.train.X, subject.train.y, sample_weight=weights)
    for name in ("merit", "noise"):
        levels = bin_levels(subject.train.X[name].to_numpy(), 8, whole=False)
        squeezed[name] = squeeze(squeezed[name].to_numpy(), levels)
    steps = (("reweighing", 1.0), ("regularisation", 1.0), ("feature squeezing", 1.0))
    assert ((model.predict(squeezed) == 1) == both.rules[steps].selected).all()


def test_what_excludes_what() -> None:
    assert clash(["reweighing", "regularisation", "feature squeezing", "rounding"]) == ""
    assert "exclude each other" in clash(["reweighing", "threshold optimisation"])
    assert "exclude each other" in clash(["rounding", "top label"])
    assert "trained by itself" in clash(["ensemble", "reweighing"])
    assert clash(["ensemble", "rounding"]) == ""
    assert all(clash([name]) == "" for name in KINDS)


def test_every_mitigation_of_the_table_can_be_tried() -> None:
    chosen = [name for name in KINDS if name != "private training"]  # its package is large, and optional
    made = Remedies.prepare(biased(n=300), mitigations=chosen, copies=5)
    assert list(made.failed) == ["early stopping"]
    assert {name for steps in made.rules for name, _ in steps} == set(chosen) - {"early stopping"}
    for steps in made.rules:
        answer = made.at(dict(steps))
        assert np.isfinite(answer.tables["numbers"].frame()["change"]).all(), steps
        assert Answer.from_dict(json.loads(json.dumps(answer.to_dict()))) == answer
    assert "It decides by chance: another draw would decide" in made.at({"exponentiated gradient": 1}).says


def test_without_groups_or_with_no_change_allowed_the_rest_is_measured() -> None:
    subject = overfit(200)
    frames = [ak.Dataset(part.X, part.y) for part in (subject.test, subject.train)]
    bare = ak.Subject("bare", subject.model.inner.estimator, *frames)
    made = Remedies.prepare(bare, mitigations=["regularisation", "reweighing"])
    assert GAP not in told(made, regularisation=1.0).index
    assert "two groups" in made.failed["reweighing"]
    assert "no gap between groups is measured" in made.at({}).does_not_say
    held = ak.Subject(
        "held", subject.model.inner.estimator, *frames, threat={"immutable": list(subject.test.X.columns)}
    )
    made = Remedies.prepare(held, mitigations=["regularisation", "feature squeezing"])
    assert STANDS not in told(made, regularisation=1.0).index
    assert "no small change is allowed" in made.failed["feature squeezing"]


def test_who_is_refused() -> None:
    subject = biased(n=200)
    with pytest.raises(InputError, match=r"'reweighting' is no mitigation\. Did you mean 'reweighing'"):
        Remedies.prepare(subject, mitigations=["reweighting"])
    with pytest.raises(NotApplicable, match="no training data"):
        Remedies.prepare(ak.Subject("s", subject.model.inner.estimator, subject.test))
    function = ak.Subject(
        "f", lambda X: (X["merit"] > 0.5).astype(int).to_numpy(), subject.test, subject.train
    )
    with pytest.raises(NotApplicable, match="cannot be trained again"):
        Remedies.prepare(function)
    made = Remedies.prepare(subject, mitigations=["reweighing"])
    for wrong in (0, 1.5, "full"):
        with pytest.raises(InputError, match="a strength lies above 0"):
            made.at({"reweighing": wrong})  # type: ignore[dict-item]
    with pytest.raises(InputError, match="exclude each other"):
        made.adding({"reweighing": 1, "correlation remover": 1})


def test_it_says_how_far_it_is_and_stops() -> None:
    heard: list[tuple[float | None, str]] = []

    def listen(fraction: float | None, what: str) -> None:
        heard.append((fraction, what))
        if "reweighing" in what:
            raise Cancelled("enough")

    with listening(listen), pytest.raises(Cancelled):
        Remedies.prepare(biased(n=200), mitigations=["regularisation", "reweighing"])
    assert ("regularisation at 50%") in [what for _, what in heard]


def test_the_same_seed_gives_the_same_and_is_made_once() -> None:
    subject = biased(n=200)
    made = Remedies.prepare(subject, mitigations=["reweighing"])
    assert Remedies.prepare(subject, mitigations=["reweighing"]) is made
    again = Remedies.prepare(biased(n=200), mitigations=["reweighing"])
    assert again.at({"reweighing": 1}) == made.at({"reweighing": 1})


def idle(reps: int, seed: int, n: int = 400) -> int:
    """Return how often something is claimed of a mitigation that does nothing.

    Two forests of other seeds do differ, as models. So each record is answered by one of the two, drawn by lot, without the
    mitigation, and by the other with it: in the population no figure differs.
    """
    claimed = 0
    for rep in range(reps):
        rng = np.random.default_rng([seed, rep])
        y, group = rng.integers(2, size=n), rng.integers(2, size=n)
        X = pd.DataFrame(
            {"x": 0.8 * (y - 0.5) + 0.5 * group + rng.normal(size=n), "group": group.astype(float)}
        )
        data = ak.Dataset(X, y, {"group": group})
        train, test = data.take(np.arange(n // 2)), data.take(np.arange(n // 2, n))
        model = RandomForestClassifier(n_estimators=5, random_state=0).fit(train.X, train.y)
        made = Remedies.prepare(ak.Subject("s", model, test, train), mitigations=["another seed"], copies=3)
        ((key, rule),) = made.rules.items()
        mixed = mixture(made.base, rule, rng)
        twin = replace(made, base=mixed[0], rules={key: mixed[1]}, _found={}).measured()
        claimed += (twin.at(dict(key)).tables["numbers"].frame()["told"] != "cannot be told").any()
    return int(claimed)


def mixture(one: Any, other: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    """Return two rules of which each record has one answer by either, by lot."""
    tests, seen, changed = (rng.random(len(part)) < 0.5 for part in (one.selected, one.leak, one.stands))
    lots = {"selected": tests, "scores": tests, "leak": seen, "stands": changed}
    pairs = {name: (getattr(one, name), getattr(other, name)) for name in lots}
    return (
        replace(one, **{name: np.where(lot, *pairs[name]) for name, lot in lots.items()}),
        replace(other, **{name: np.where(lot, *pairs[name][::-1]) for name, lot in lots.items()}),
    )


def test_another_seed_is_what_luck_changes() -> None:
    made = Remedies.prepare(biased(n=300), mitigations=["another seed"])
    assert set(told(made, another_seed=1.0)["change"]) == {0.0}  # nothing is drawn in this training
    model = RandomForestClassifier(n_estimators=3, random_state=0)
    made = Remedies.prepare(biased(n=300, model=model), mitigations=["another seed"])
    assert (told(made, another_seed=1.0)["change"] != 0).any()


def test_a_mitigation_that_does_nothing_is_seldom_told_from_nothing() -> None:
    assert idle(5, 1) <= stats.binom.ppf(0.999, 5, 0.05)


@pytest.mark.slow
def test_a_mitigation_that_does_nothing_is_told_from_nothing_at_most_at_the_stated_rate() -> None:
    assert idle(200, 2) <= stats.binom.ppf(0.999, 200, 0.05)
