"""AK408: do similar training records get the same answer, and do a few of them tell what the model says?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from auditkit import Audit, Dataset, Subject
from auditkit.checks.explainability import prototypes
from auditkit.data import make_credit, make_regression
from auditkit.errors import NotApplicable


def run(subject, seed=0, **params):
    return prototypes(subject, rng=np.random.default_rng(seed), **params)


def lot(X):
    """Return a number from 0 to 1 for each row that rows near it do not share."""
    return (np.abs(X["a"].to_numpy() * 1e6) % 1000) / 1000


def blobs(n, seed, *, wayward=0.0):
    """Return a subject of two groups of rows far apart; the model answers by group, but for a share that it answers the other way."""

    def model(X):
        return ((X["a"].to_numpy() > 0) ^ (lot(X) < wayward)).astype(int)

    rng = np.random.default_rng(seed)

    def part(m):
        at = np.where(np.arange(m) % 2, 5.0, -5.0)
        X = pd.DataFrame({"a": rng.normal(at, 0.5), "b": rng.normal(at, 0.5)})
        return Dataset(X, (at > 0).astype(int), {"side": np.where(rng.random(m) < 0.5, "l", "r")})

    return Subject("blobs", model, part(n), part(n), positive=1)


def whole(found, metric="neighbour_agreement"):
    return next(m for m in found.measurements if m.metric == metric and m.group is None)


def test_the_innocent_twin_rests_on_similar_cases():
    found = run(blobs(200, 0))
    assert whole(found).value == 1.0
    assert whole(found).interval.low > 0.97
    assert whole(found, "prototype_fidelity").value == 1.0
    assert found.measurement("neighbour_agreement_chance").value == pytest.approx(0.5)
    gain = found.measurement("prototype_advantage")
    assert gain.value == pytest.approx(0.5), "always one of two answers is right half of the time"
    assert gain.interval.low > 0.4


@pytest.mark.parametrize("wayward", [0.1, 0.3, 0.5])
def test_answers_by_lot_are_found_at_their_share(wayward):
    found = run(blobs(800, 1, wayward=wayward))
    # by hand: both as their group says, or both not
    expected = (1 - wayward) ** 2 + wayward**2
    assert whole(found).interval.low <= expected <= whole(found).interval.high
    assert whole(found).value == pytest.approx(expected, abs=0.04)


def test_the_interval_holds_the_planted_share_as_often_as_stated():
    expected = 0.8**2 + 0.2**2
    held = 0
    for seed in range(120):
        m = whole(run(blobs(120, 100 + seed, wayward=0.2), seed=seed, prototypes=1, criticisms=0))
        held += m.interval.low <= expected <= m.interval.high
    assert held / 120 >= 0.89  # 95% less three standard errors


def test_answers_by_lot_are_told_by_prototypes_as_often_as_stated():
    alarms = 0
    for seed in range(120):
        found = run(blobs(120, 500 + seed, wayward=0.5), criticisms=0)
        alarms += found.measurement("prototype_advantage").interval.low > 0
    assert alarms <= 8  # 2.5% of 120 are 3, and three standard errors more


def test_fidelity_is_that_of_scikit_learn():
    from sklearn.neighbors import KNeighborsClassifier

    from auditkit.checks.explainability import _similar as similar

    subject = make_credit(n_train=200, n_test=150)
    rows = similar.rows_of(subject, 150, 200, np.random.default_rng(0))
    chosen = similar.choose(rows, 4, 2)
    places = np.concatenate([one.prototypes for one in chosen])
    theirs = KNeighborsClassifier(1).fit(rows.near[places], rows.train_says[places])
    ours = similar.fidelity(rows, chosen, 0.95)[0][0].value
    assert ours == pytest.approx(theirs.score(rows.far, rows.test_says))


def test_no_record_is_shown_unless_asked_for():
    subject = make_credit(n_train=160, n_test=120)
    assert "shown" not in run(subject).tables
    shown = run(subject, examples=2).tables["shown"].frame()
    assert set(shown["record"]) <= set(subject.train.record_ids(np.arange(160)))
    assert set(shown["stands as"]) == {"prototype", "criticism"}
    assert shown.groupby(["answer", "stands as"]).size().max() == 2


def test_prototypes_are_counted_by_group():
    table = run(blobs(200, 0)).tables["groups"].frame()
    assert table["group"].tolist() == ["side=l", "side=r"]
    assert table["prototypes"].sum() == 10
    assert table["training rows"].sum() == 200


def test_a_model_of_one_answer_agrees_with_itself_and_wins_nothing():
    subject = blobs(100, 0)
    subject = Subject("one", lambda X: np.ones(len(X), dtype=int), subject.test, subject.train, positive=1)
    found = run(subject)
    assert whole(found).value == 1.0
    assert found.measurement("neighbour_agreement_chance").value == 1.0
    assert found.measurement("prototype_advantage").value == 0.0
    assert "agrees with itself" in found.does_not_say


def test_what_has_no_answers_or_no_training_rows_is_not_applicable():
    with pytest.raises(NotApplicable, match="classes"):
        run(make_regression(n_train=100, n_test=100))
    subject = make_credit(n_train=100, n_test=100)
    with pytest.raises(NotApplicable, match="no training data"):
        run(Subject("no train", subject.model.inner, subject.test, positive="repaid"))


def test_the_same_seed_says_the_same():
    subject = make_credit(n_train=160, n_test=120)
    assert run(subject, seed=3, rows=50, pool=100) == run(subject, seed=3, rows=50, pool=100)


@pytest.mark.parametrize("n", [1, 9])
def test_hardly_any_row_is_refused_with_what_is_needed(n):
    whole = make_credit(n_train=60, n_test=50)
    few = Dataset(whole.test.X.iloc[:n], whole.test.y[:n])
    report = Audit(["prototypes"]).run(
        Subject("few", whole.model.inner.estimator, few, whole.train, positive=whole.positive)
    )
    assert report.findings[0].status == "not_applicable"
    assert "too few" in report.findings[0].reason
    assert "at least 10" in report.findings[0].reason
