"""The attack by probabilities flips what the radius allows, and no more; what is told was asked, and is allowed."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from auditkit.checks.robustness import decision_attack, score_attack
from auditkit.data import load_german_credit, make_credit, make_multiclass, make_regression
from auditkit.errors import NotApplicable
from auditkit.methods import evasion
from auditkit.predictors.callables import from_callable
from auditkit.subject import Dataset, Subject
from auditkit.threat import ThreatModel

WEIGHTS = np.array([0.6, -0.3, 0.2])


def sloped(n=150, seed=0, spread=1.0, gap=0.0):
    """A score that is linear in three columns of spread 1; `gap` moves every row away from the boundary."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)) * spread
    X += gap * np.sign(X @ WEIGHTS)[:, None] * WEIGHTS / (WEIGHTS @ WEIGHTS)
    frame = pd.DataFrame(X, columns=list("abc"))
    group = np.where(rng.random(n) < 0.5, "A", "B")
    data = Dataset(frame, (X @ WEIGHTS > 0).astype(int), {"group": group})
    model = lambda X: 1 / (1 + np.exp(-(X.to_numpy() @ WEIGHTS)))  # noqa: E731
    subject = Subject("sloped", model, data, positive=1)
    threat = subject.threat_model()
    for name in "abc":
        threat = threat.edit(name, low=-1e6, high=1e6, unit=1.0)
    return Subject("sloped", model, data, positive=1, threat=threat)


class Strict(ClassifierMixin, BaseEstimator):
    """Probabilities turn at 0; the label is given at 0.9 and above."""

    classes_ = np.array([0, 1])

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        p = 1 / (1 + np.exp(-np.asarray(X)[:, 0]))
        return np.column_stack([1 - p, p])

    def predict(self, X):
        return (self.predict_proba(X)[:, 1] > 0.9).astype(int)


def attack(subject, seed=0, **options):
    return score_attack(subject, rng=np.random.default_rng(seed), **options)


def exact(subject, norm):
    scores = subject.test.X.to_numpy() @ WEIGHTS
    dual = {"l2": np.linalg.norm(WEIGHTS), "linf": np.abs(WEIGHTS).sum(), "l1": np.abs(WEIGHTS).max()}[norm]
    return np.abs(scores) / dual


@pytest.mark.parametrize("norm", ["l2", "linf", "l1"])
def test_the_guilty_twin_is_flipped_as_often_as_the_closed_form_says(norm):
    subject = sloped()
    far = exact(subject, norm)
    found = attack(subject, radius=0.5, norm=norm, rows=150).measurement("score_attack_success_rate")
    assert np.mean(far <= 0.98 * 0.5) <= found.value <= np.mean(far <= 0.5)
    assert found.bound == "lower"
    assert found.reason == f"100 calls, within 0.5 units of the threat model ({norm})"


def test_the_robust_twin_is_quiet():
    subject = sloped(gap=0.6 * np.linalg.norm(WEIGHTS))  # every row is 0.6 or more from the boundary
    for seed in range(3):
        rate = attack(subject, seed, radius=0.59, rows=150, max_calls=40).measurement(
            "score_attack_success_rate"
        )
        assert rate.value == 0
        assert rate.interval.high == pytest.approx(1 - 0.025 ** (1 / 150))


def test_probabilities_flip_at_least_what_labels_do_and_with_fewer_questions():
    subject = make_multiclass(n_train=300, n_test=100)
    seen = attack(subject, rows=80, radius=0.5)
    blind = decision_attack(subject, rng=np.random.default_rng(0), rows=80, radius=0.5)
    rate = seen.measurement("score_attack_success_rate").value
    assert rate >= blind.measurement("attack_success_rate").value - 0.02
    half = [
        next(x for x, value in zip(t["x"], t["value"], strict=True) if value >= 0.5 * rate)
        for t in (seen.tables["by_queries"].columns, blind.tables["by_queries"].columns)
    ]
    assert half[0] <= half[1]


def test_the_curve_of_queries_ends_at_the_rate_and_never_falls():
    for made in (
        attack(sloped(), radius=0.5, rows=100, max_calls=30),
        decision_attack(sloped(), rng=np.random.default_rng(0), radius=0.5, rows=100, max_calls=60),
    ):
        curve, rate = made.tables["by_queries"].columns, made.measurements[0]
        assert curve["value"][-1] == rate.value
        assert (curve["low"][-1], curve["high"][-1]) == (rate.interval.low, rate.interval.high)
        assert (np.diff(curve["value"]) >= 0).all()
        assert (np.diff(curve["x"]) > 0).all()


def test_the_median_of_queries_is_of_the_flips(monkeypatch):
    seen = {}
    search = evasion.feature_search
    with monkeypatch.context() as patched:
        patched.setattr(evasion, "feature_search", lambda *a, **k: seen.setdefault("found", search(*a, **k)))
        found = attack(sloped(), radius=0.5, rows=100)
    flips = seen["found"].first[seen["found"].success]
    middle = found.measurement("score_attack_median_queries")
    assert (middle.value, middle.n) == (np.median(flips), len(flips))
    nothing = attack(sloped(gap=0.6), radius=0.1, rows=60, max_calls=12).measurement(
        "score_attack_median_queries"
    )
    assert np.isnan(nothing.value)
    assert "none of 60 decisions" in nothing.reason


def test_the_budget_is_kept_and_told():
    subject = make_credit(n_train=200, n_test=200)
    for norm in ("l2", "linf"):
        for budget in (10, 40):
            fresh = subject.counted()
            found = attack(fresh, rows=30, max_calls=budget, norm=norm, radius=1.0)
            assert fresh.model.calls <= budget
            assert f"{fresh.model.rows:,} rows asked in {fresh.model.calls} calls." in found.notes


def test_the_seed_decides():
    subject = make_credit(n_train=200, n_test=200)
    one, two = (attack(subject, seed=1, rows=30, max_calls=40).to_dict() for _ in range(2))
    assert one == two


@pytest.mark.parametrize(
    ("radius", "cost", "may"), [(1.0, 2.0, False), (0.5, 1.0, False), (0.5, 0.4, True), (1.0, 1.0, True)]
)
def test_what_a_category_costs_decides_whether_the_search_changes_it(radius, cost, may, monkeypatch):
    rng = np.random.default_rng(0)
    known = pd.DataFrame({"a": rng.normal(size=60), "job": rng.choice(list("xyz"), 60)})
    X = known.assign(job="x")  # every row attacked has one job
    asked = []

    def chance(rows):
        p = np.clip(0.4 + 0.01 * rows["a"].to_numpy(), 0, 1)
        return np.column_stack([1 - p, p])  # nothing flips: the searches go on to their end

    search = evasion.random_search

    def watched(ask, *rest, **options):
        return search(lambda rows: asked.append(rows) or ask(rows), *rest, **options)

    monkeypatch.setattr(evasion, "random_search", watched)
    rows, train = Dataset(X, np.arange(60) % 2), Dataset(known, np.arange(60) % 2)
    threat = ThreatModel.draft(train, norm="linf", radius=radius).edit("job", cost=cost)
    model = from_callable(chance, classes=[0, 1], output="proba")
    attack(Subject("jobs", model, rows, train, positive=1, threat=threat), rows=60, max_calls=40)
    assert len(asked) > 5
    assert bool((np.concatenate(asked)[:, 1] != 0).any()) == may


def test_labels_decide_whether_it_is_a_flip():
    X = pd.DataFrame({"a": np.linspace(-3, -0.1, 60)})
    subject = Subject("strict", Strict(), Dataset(X, np.arange(60) % 2), positive=1)
    threat = subject.threat_model().edit("a", low=-9, high=9, unit=1.0)
    found = attack(
        Subject("strict", Strict(), subject.test, positive=1, threat=threat), radius=1.0, rows=60, examples=60
    )
    assert found.measurement("score_attack_success_rate").value == 0  # ln 9 = 2.2 lies beyond -0.1 + 1


def test_rows_whose_label_is_another_class_are_left_out():
    X = pd.DataFrame({"a": np.linspace(-3, 3, 60)})
    found = attack(Subject("strict", Strict(), Dataset(X, np.arange(60) % 2), positive=1), rows=60)
    between = int(((X["a"] > 0) & (X["a"] <= np.log(9))).sum())
    assert found.measurements[0].n == 60 - between
    assert f"{between} rows were left out" in " ".join(found.notes)


def test_changed_rows_are_shown_on_request_only_and_as_they_are():
    train, test = load_german_credit()

    def ask(X):
        p = np.clip(0.02 * X["duration_months"] + 0.25 * (X["housing"] == "own"), 0, 1).to_numpy()
        return np.column_stack([1 - p, p])

    model = from_callable(ask, classes=["good", "bad"], output="proba")
    subject = Subject("german", model, test, train, positive="bad")
    assert "shown" not in attack(subject, rows=60, radius=1.2, max_calls=20).tables
    found = attack(subject, rows=60, radius=1.2, max_calls=20, examples=3)
    table = found.tables["shown"].frame()
    assert 1 <= table["record"].nunique() <= 3
    assert set(table["column"]) <= set(test.X.columns)
    for line in table.itertuples():
        value = test.X[line.column].iloc[line.record]
        assert line.before == (f"{value:.6g}" if isinstance(value, float) else str(value))
        assert line.before != line.after
    counting = table.groupby("record").agg(
        cost=("cost of the row", "first"), squares=("change", lambda c: (c**2).sum())
    )
    np.testing.assert_allclose(counting["cost"] ** 2, counting["squares"])
    assert table.loc[table["counts"], "why not"].eq("").all()


def test_a_row_that_the_threat_model_forbids_is_no_flip_and_says_why(monkeypatch):
    subject = sloped(n=60)
    search = evasion.feature_search

    def unruly(ask, X, y, space, radius, **options):
        found = search(ask, X, y, space, radius, **options)
        bad = found.adversarial.copy()
        bad[found.success, 2] = 2e6  # beyond the range
        from dataclasses import replace

        return replace(found, adversarial=bad)

    monkeypatch.setattr(evasion, "feature_search", unruly)
    found = attack(subject, radius=0.5, rows=60, examples=5)
    assert found.measurement("score_attack_success_rate").value == 0
    table = found.tables["shown"].frame()
    assert not table["counts"].any()
    assert table["why not"].str.contains("not allowed: c|label is the same").all()


def test_what_cannot_be_attacked_says_why():
    with pytest.raises(NotApplicable, match="the subject is a regression"):
        attack(make_regression())
    data = Dataset({"x": np.arange(20.0)}, [0, 1] * 10)
    labels = from_callable(lambda X: (X["x"] > 3).astype(int), classes=[0, 1], output="labels")
    with pytest.raises(NotApplicable, match="gives no probabilities"):
        attack(Subject("labels", labels, data, positive=1))
