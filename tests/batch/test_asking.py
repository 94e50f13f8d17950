"""Asking: the questions that are forecast are those that are put, and no address is asked for a forecast."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from auditkit import Audit
from auditkit.batch import asking as module
from auditkit.batch.asking import QUESTIONS, asking, questions, timed
from auditkit.batch.forecast import Forecast
from auditkit.check import registry
from auditkit.targets.language_model import LanguageModel

CODES = [check.code for check in registry().about("language_model") if check.dimension != "external"]


def plan_of(code, prompts=60, tries=2):
    return Audit({code: {"prompts": prompts, "tries": tries}}).plan


def test_every_check_that_asks_by_itself_has_a_law():
    assert set(QUESTIONS) == set(CODES) - {"AK807"}  # garak asks as its probes do


@pytest.mark.parametrize("code", QUESTIONS)
@pytest.mark.parametrize(("prompts", "tries"), [(8, 1), (17, 2)])
def test_what_is_forecast_is_what_is_asked(code, prompts, tries):
    """Held against the questions that the model counts."""
    model = LanguageModel("polite", lambda messages: f"I cannot help with that. {len(messages)}")
    report = Audit({code: {"prompts": prompts, "tries": tries}}).run(model)
    ((check, params),) = plan_of(code, prompts, tries)
    assert questions(check, params) == report.of(code).cost["model_calls"]


def test_replies_are_paid_for_by_hand(monkeypatch):
    monkeypatch.setattr(module, "_JUDGED", (0.0, 0.01))
    # AK801: 60 prompts, 2 tries; AK803: 60 and 12 in plain words
    found = asking([*plan_of("AK801"), *plan_of("AK803")], (0.5, 2.0), speed=2.0)
    assert (found.low, found.high) == pytest.approx((264 * 0.5, 264 * 2.02))
    assert found.unknown == ()
    without = asking(plan_of("AK801"), "nobody knows")
    assert (without.low, without.high, without.unknown) == (
        0.0,
        pytest.approx(1.2),
        ("how long 120 replies take: nobody knows",),
    )


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize(("seconds", "asked"), [(0.06, 2), (0.9, 1)])
def test_a_callable_is_greeted_and_a_slow_one_once(seconds, asked):
    clock, said = Clock(), []

    def ask(messages):
        said.append(messages)
        clock.now += seconds
        return "Hello."

    model = LanguageModel("slow", ask)
    assert timed(model, clock) == pytest.approx((seconds / 3, seconds * 3))
    assert said == [[{"role": "user", "content": "Hello."}]] * asked
    assert model.cost() == {"model_calls": 0}  # a forecast is no part of an audit


def test_a_model_that_does_not_reply_is_told():
    assert timed(LanguageModel("dead", lambda messages: 1 / 0)) == "no reply came to a greeting"


def test_an_endpoint_is_not_asked_and_its_questions_are_told():
    """The tests allow no connection: one would fail here."""
    target = LanguageModel("far", endpoint="https://far.invalid/v1", model="m")
    planned = SimpleNamespace(name="one", subject="far", template_name="llm")
    forecast = Forecast()
    forecast.see(planned, Audit({"AK801": {"prompts": 60, "tries": 2}}), target)
    found = forecast.of(planned)
    assert found.low > 0
    assert found.unknown == (
        "how long 120 replies take: the endpoint is asked when the audit runs, and not before",
    )
