"""Changes found on a copy flip at most what is possible, more than chance where the model can be copied, and else no more."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from auditkit.checks.robustness import transfer_attack
from auditkit.checks.robustness._threats import attacked_rows
from auditkit.data import make_credit, make_multiclass, make_regression
from auditkit.errors import NotApplicable
from auditkit.predictors.callables import from_callable
from auditkit.subject import Dataset, Subject

WEIGHTS = np.array([0.6, -0.3, 0.2])


def labelled(function, n, seed=0, train=0, columns="abc"):
    rng = np.random.default_rng(seed)

    def rows(m):
        X = pd.DataFrame(rng.normal(size=(m, len(columns))), columns=list(columns))
        return Dataset(X, np.arange(m) % 2)

    model = from_callable(function, classes=[0, 1], output="labels")
    test, more = rows(n), rows(train) if train else None
    subject = Subject("s", model, test, more, positive=1)
    threat = subject.threat_model()
    for name in columns:
        threat = threat.edit(name, low=-1e6, high=1e6, unit=1.0)
    return Subject("s", model, test, more, positive=1, threat=threat)


def linear(X):
    return (X.to_numpy() @ WEIGHTS > 0).astype(int)


def lottery(X):
    """A label that has nothing to do with the size of anything: no copy learns it."""
    return (np.floor(X.to_numpy() * 997).sum(axis=1) % 2).astype(int)


def attack(subject, seed=0, **options):
    return transfer_attack(subject, rng=np.random.default_rng(seed), **options)


def of(evidence, metric, kind="logistic regression"):
    return evidence.measurement(metric, f"surrogate={kind}")


@pytest.mark.parametrize("norm", ["l2", "linf", "l1"])
def test_the_guilty_twin_is_flipped_nearly_as_often_as_is_possible_at_all(norm):
    subject = labelled(linear, 700)
    found = attack(subject, radius=0.5, norm=norm, rows=200, pool=500, surrogate="linear")
    chosen = attacked_rows(700, 200, np.random.default_rng(0))
    dual = {"l2": np.linalg.norm(WEIGHTS), "linf": np.abs(WEIGHTS).sum(), "l1": np.abs(WEIGHTS).max()}[norm]
    possible = np.mean(np.abs(subject.test.X.to_numpy()[chosen] @ WEIGHTS) / dual <= 0.5)
    rate, gain = of(found, "transfer_success_rate"), of(found, "transfer_success_difference")
    assert 0.9 * possible <= rate.value <= possible
    assert rate.bound == "lower"
    assert gain.interval.low > 0
    assert of(found, "surrogate_agreement").value > 0.95


def test_the_robust_twin_is_quiet():
    # the label turns 5 spreads away only
    subject = labelled(lambda X: (X["a"] > 5).astype(int) | (X["b"] > 1.5).astype(int), 400)
    threat = subject.threat_model().hold("b", "c")
    found = attack(
        Subject("s", subject.model.inner, subject.test, positive=1, threat=threat), radius=0.5, pool=200
    )
    for kind in ("logistic regression", "boosted trees"):
        assert of(found, "transfer_success_rate", kind).value == 0
        assert of(found, "transfer_success_difference", kind).interval.low < 0


def test_what_chance_flips_as_often_is_told_at_the_stated_rate():
    alarms = 0
    for seed in range(20):
        found = attack(labelled(lottery, 160, seed), seed, radius=0.5, rows=60, pool=100, surrogate="linear")
        rate, gain = of(found, "transfer_success_rate"), of(found, "transfer_success_difference")
        assert 0.2 < rate.value < 0.8  # half of the flips are luck
        alarms += not gain.interval.low <= 0 <= gain.interval.high
    assert alarms <= binom.ppf(0.999, 20, 0.05)


def test_every_change_is_shown_once_and_the_cost_is_told():
    shown = []

    def spied(X):
        shown.append(len(X))
        return linear(X)

    fresh = labelled(spied, 300).counted()
    shown.clear()
    found = attack(fresh, rows=50, pool=200)
    assert (
        sum(shown) == 200 + 50 + 4 * 50
    )  # decisions of the pool, of the rows, and each copy's changes with those of chance
    assert fresh.model.calls == 3
    assert "450 rows asked in 3 calls." in found.notes
    assert (
        "The copies were trained on the decisions about 200 test rows that were not attacked." in found.notes
    )


def test_training_rows_serve_where_test_rows_are_few():
    found = attack(labelled(linear, 100, train=300), rows=60, pool=150)
    assert "The copies were trained on the decisions about 150 training rows." in found.notes


def test_the_difference_is_that_of_the_same_rows():
    found = attack(labelled(linear, 300), radius=0.3, rows=100, pool=150, surrogate="trees")
    rate, gain = (
        of(found, "transfer_success_rate", "boosted trees"),
        of(found, "transfer_success_difference", "boosted trees"),
    )
    by_chance = int(gain.reason.split()[3])
    assert gain.value == pytest.approx(rate.value - by_chance / 100)
    assert gain.interval.method == "bonett-price"


@pytest.mark.parametrize("make", [make_credit, make_multiclass])
def test_tables_of_categories_and_more_classes_are_attacked_and_the_seed_decides(make):
    subject = make(n_train=200, n_test=100)
    one, two = (attack(subject, 1, rows=50, pool=150, radius=1.2).to_dict() for _ in range(2))
    assert one == two
    assert len(one["measurements"]) == 6


def test_what_cannot_be_attacked_says_why():
    with pytest.raises(NotApplicable, match="the subject is a regression"):
        attack(make_regression())
    with pytest.raises(NotApplicable, match="decides all of 100 rows alike"):
        attack(labelled(lambda X: np.ones(len(X), dtype=int), 160), rows=60, pool=100)
    with pytest.raises(NotApplicable, match="0 test rows are left"):
        attack(labelled(linear, 60), rows=60)
