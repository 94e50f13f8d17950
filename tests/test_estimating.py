"""Estimates of time: arithmetic on what was measured, with clocks that are made up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

import auditkit as ak
from auditkit.audit import Audit
from auditkit.check import registry
from auditkit.costs import LAWS, PROBE, Law, Used, used
from auditkit.durations import expected
from auditkit.estimating import Estimate, Pace, estimate, estimates, kind_of, pace_of


def rows(n: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 4)), columns=list("abcd"))
    return ak.Dataset(X, (X["a"] > 0).astype(int).to_numpy())


class Clocked:
    """A clock that only moves by what the model is asked: a second a call, a tenth a row, a hundredth a trained row."""

    def __init__(self) -> None:
        self.now, self.asked, self.trained = 0.0, [], []

    def __call__(self) -> float:
        return self.now

    def model(self, *, slow: bool = False) -> Any:
        clock = self

        class Model(LogisticRegression):
            def predict_proba(self, X: Any) -> Any:
                clock.now += (1.0 if slow else 0.001) + len(X) * 1e-5
                clock.asked.append(len(X))
                return super().predict_proba(X)

            def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
                clock.now += len(X) * 1e-4
                clock.trained.append(len(X))
                return super().fit(X, y, sample_weight)

        return Model()


def made(clock: Clocked, n: int = 1000, **how: Any) -> Any:
    train = rows(n, 1)
    subject = ak.Subject("clocked", clock.model(**how).fit(train.X, train.y), test=rows(1000, 2), train=train)
    clock.asked.clear()
    clock.trained.clear()
    return subject


def test_a_call_and_a_row_are_told_apart() -> None:
    clock = Clocked()
    pace = pace_of(made(clock), clock=clock)
    assert pace.call == pytest.approx(0.00101)
    assert pace.row == pytest.approx(1e-5, rel=0.01)
    assert clock.asked == [1, 1, 10, 100, 1000]


def test_a_slow_model_is_asked_once() -> None:
    clock = Clocked()
    assert pace_of(made(clock, slow=True), clock=clock).call == pytest.approx(1.0, rel=0.01)
    assert clock.asked == [1]


def test_a_training_is_timed_on_few_rows_and_carried_on() -> None:
    clock = Clocked()
    low, high = pace_of(made(clock, 20_000), clock=clock).training  # type: ignore[misc]
    assert clock.trained == [64, 64, 256, 1024]  # 4096 would go beyond the time there is
    assert low < 20_000 * 1e-4 < high  # as long as it takes is in between
    assert high / low < 4
    clock = Clocked()
    low, high = pace_of(made(clock, 256), clock=clock).training  # type: ignore[misc]
    assert low == high == pytest.approx(0.0256)


def test_what_a_first_training_loads_is_no_pace() -> None:
    clock = Clocked()
    subject = made(clock, 20_000)
    once = [0.25]  # as the import of a solver

    def refit(*of: Any) -> Any:
        clock.now += once.pop() if once else 0.0
        return type(subject.model.inner).refit(subject.model.inner, *of)

    subject.model.inner.refit = refit
    low, high = pace_of(subject, clock=clock).training  # type: ignore[misc]
    assert low < 20_000 * 1e-4 < high


@pytest.mark.parametrize("output", [None, "proba"])
def test_a_function_is_asked_about_few_rows_and_nothing_is_concluded_from_them(output: Any) -> None:
    asked = []

    def answers(X: Any) -> Any:
        asked.append(len(X))
        return np.full(len(X), 1.0)  # as probabilities or as labels: one row does not tell

    test = rows(50_000, 1)
    subject = ak.Subject(
        "far", ak.predictors.from_callable(answers, classes=[0, 1], output=output), test=test
    )
    asked.clear()
    pace = pace_of(subject)
    estimates(Audit("model_performance").plan, subject, pace)
    assert max(asked) <= 100
    assert sum(asked) <= 112
    assert subject.model.gives_proba is (None if output is None else True)


def test_trainings_of_a_model_that_cannot_be_trained_take_no_time() -> None:
    train, test = rows(300, 1), rows(300, 2)
    fixed = ak.Subject("fixed", lambda X: (X["a"] > 0).astype(int).to_numpy(), test=test, train=train)
    found = estimates(Audit(["AK203", "AK314"]).plan, fixed, Pace(0.0, 0.0))
    assert set(found) == {"AK203", "AK314"}
    assert not any(one.unknown for one in found.values())


def test_a_function_that_trains_is_not_called() -> None:
    def refit(X: Any, y: Any, seed: int) -> Any:
        raise AssertionError("it may be anything, and take any time")

    model = ak.predictors.from_callable(lambda X: np.full((len(X), 2), 0.5), classes=[0, 1], refit=refit)
    subject = ak.Subject("function", model, test=rows(200, 1), train=rows(200, 2))
    assert pace_of(subject).training is None
    found = estimates(Audit("reference_attacks").plan, subject, Pace(0.0, 0.0))["AK202"]
    assert found.unknown == (
        "Membership inference, with reference models (AK202) depends on 8 trainings of the model, and how long one takes is not known yet",
    )
    assert found.words.endswith(found.unknown[0])


def test_a_check_that_does_not_apply_takes_no_time() -> None:
    subject = ak.Subject("no training rows", lambda X: (X["a"] > 0).astype(int), test=rows(200, 1))
    assert estimates(Audit("reference_attacks").plan, subject, Pace(0.0, 0.0))["AK202"] == Estimate(0.0, 0.0)


def test_calls_rows_and_trainings_are_paid_for(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = made(Clocked(), 700)
    for split in ("test", "train"):
        subject.answers(split)
    monkeypatch.setattr("auditkit.estimating.used", lambda code, kind: Used(0.0, 10, 1000, 8))
    monkeypatch.setitem(LAWS, "AK202", Law(trains=("references",), part=0.5))

    def told(pace: Pace, **params: Any) -> Any:
        plan = Audit({"reference_attacks": {"rows": 300, **params}}).plan
        found = estimates(plan, subject, pace)["AK202"]
        return found.low, found.high

    assert told(Pace(1.0, 0.0)) == pytest.approx((5, 20))  # 10 calls of a second, half and twice as long
    assert told(Pace(0.0, 0.01)) == pytest.approx((5, 20))  # 1000 rows of a hundredth
    assert told(Pace(0.0, 0.0, (1.3, 2.0))) == pytest.approx((4, 10.4))  # 8 trainings on half of the rows
    assert told(Pace(0.0, 0.0, (1.3, 2.0)), references=16) == pytest.approx((8, 20.8))


def test_reference_models_are_trained_once_for_all_checks_that_share_them() -> None:
    subject, pace = made(Clocked(), 700), Pace(0.0, 0.0, (10.0, 10.0))
    alone = estimates(Audit("reference_attacks").plan, subject, pace)["AK202"]
    plan = Audit(["reference_attacks", "epsilon_lower_bound"]).plan
    both = estimates(plan, subject, pace)
    assert both["AK202"] == alone
    assert both["AK205"].high < 10 < alone.low
    other = Audit({"reference_attacks": {}, "epsilon_lower_bound": {"references": 16}}).plan
    assert estimates(other, subject, pace)["AK205"].low > 10


def test_what_it_took_before_replaces_the_guess() -> None:
    subject = made(Clocked(), 700)
    for split in ("test", "train"):
        subject.answers(split)
    found = estimates(Audit("model_performance").plan, subject, Pace(0, 0), lasted={"AK001": 30.0})
    assert found["AK001"] == Estimate(20.0, 45.0)


def test_the_answers_that_all_checks_share_are_counted_once() -> None:
    subject, pace = made(Clocked(), 1000), Pace(0.0, 0.01)
    plan = Audit(["model_performance", "calibration"]).plan
    before = sum(one.high for one in estimates(plan, subject, pace).values())
    for split in ("test", "train"):
        subject.answers(split)
    after = sum(one.high for one in estimates(plan, subject, pace).values())
    assert before - after == pytest.approx(
        2 * 2000 * 2 * 0.01
    )  # labels and probabilities of 2000 rows, and as much doubt


def test_the_model_is_not_counted_as_asked() -> None:
    subject = made(Clocked())
    estimate(Audit("model_performance"), subject)
    assert subject.model.cost() == {"model_calls": 0, "model_rows": 0, "refits": 0}


def test_a_slower_machine_takes_longer() -> None:
    subject = made(Clocked(), 700)
    plan = Audit("input_interactions").plan
    once, twice = (estimates(plan, subject, Pace(0.0, 0.0, None, speed))["AK405"] for speed in (1.0, 2.0))
    assert (twice.low, twice.high) == pytest.approx((2 * once.low, 2 * once.high))
    assert PROBE > 0


def test_every_check_of_auditkit_has_a_law_and_figures_that_fit_its_parameters() -> None:
    for check in registry().about("model"):
        if not check.function.__module__.startswith("auditkit.") or check.dimension == "external":
            continue
        law = LAWS[check.code]
        names = {p.name for p in check.parameters} | {"columns"}
        assert {*law.grows, *law.trains, *law.by} <= names, check.code
        for kind in ("trees", "linear", "other"):
            known = used(check.code, kind)
            assert known is None or min(known.own, known.calls, known.rows, known.trainings) >= 0, check.code
    assert set(LAWS) <= {check.code for check in registry().checks}


@pytest.mark.parametrize(
    ("model", "kind"), [(LogisticRegression(), "linear"), (None, "other")], ids=["linear", "function"]
)
def test_kinds_of_models(model: Any, kind: str) -> None:
    data = rows(100, 1)
    fitted = (lambda X: (X["a"] > 0).astype(int)) if model is None else model.fit(data.X, data.y)
    assert kind_of(ak.Subject("x", fitted, test=data)) == kind


@given(st.floats(0, 1e6), st.floats(1, 100))
def test_every_range_has_words(low: float, times: float) -> None:
    words = expected(low, low * times)
    assert words
    assert not words.startswith("0 ")
    assert "None" not in words
