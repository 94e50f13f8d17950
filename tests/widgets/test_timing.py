"""The estimate beside Run: it follows ticks, settings and what was measured, and asks nothing of the model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import auditkit as ak
from auditkit import costs
from auditkit.costs import Law, Used
from auditkit.widgets import timing
from auditkit.widgets.runner import Runner
from auditkit.widgets.session import Session


@pytest.fixture
def session(small: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A gap that took 4 s at 20 draws, on as many rows as here; nobody timed the slow look."""
    monkeypatch.setitem(costs.LAWS, "XX101", Law(grows=("draws",)))
    monkeypatch.setitem(costs.ROWS, "test", 200)
    monkeypatch.setattr("auditkit.estimating.used", lambda code, kind: Used(4.0) if code == "XX101" else None)
    monkeypatch.setattr("auditkit.widgets.timing.pace_of", lambda subject: timing_of(0.0))
    return Session(small.subject(), [small.gap, small.slow], seed=3)


def timing_of(row: float) -> Any:
    from auditkit.estimating import Pace

    return Pace(0.0, row)


def draw(n: int, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n)})
    return ak.Dataset(X, rng.integers(2, size=n), {"sex": np.resize(["m", "f"], n)})


def timed(session: Any) -> None:
    timing.begin(session)
    assert timing.pacing(session).wait(300)


def test_nothing_is_said_before_the_model_is_timed_and_nothing_is_asked_twice(session: Any) -> None:
    bias, all_of_them = timing.Timing(session, "bias"), timing.Timing(session, "")
    assert (bias.value, all_of_them.value) == ("", "")
    timed(session)
    assert "Estimate of time: 2 to 8 s." in bias.value
    assert "2 to 8 s, and not known: how long Slow look (XX301) takes was not measured" in all_of_them.value
    work = timing.pacing(session)
    made = work.result
    timing.begin(session)
    assert work.state == "done"
    assert work.result is made


def test_it_follows_settings_and_ticks(session: Any) -> None:
    bias = timing.Timing(session, "bias")
    timed(session)
    session.set(
        "XX101", draws=50
    )  # 2.5 times: 4 * (0.3 + 0.7 * 2.5) = 8.2 s, half and twice of it and a little more
    assert "4 to 15 s" in bias.value
    session.include("XX101", run=False)
    assert bias.value == ""
    session.include("XX101", run=True)
    session.set("XX101", draws=20)
    assert "2 to 8 s" in bias.value


def test_what_was_measured_takes_the_place_of_the_guess_under_the_same_settings(session: Any) -> None:
    bias = timing.Timing(session, "bias")
    timed(session)
    session.set("XX101", draws=1)
    session.start("bias")
    assert session.wait(300)
    report = session.report
    session.report = replace(report, provenance={**report.provenance, "timings": {"XX101": 60.0}})
    assert "40 to 90 s" in bias.value  # 60 / 1.5 to 60 * 1.5
    session.set("XX101", draws=20)
    assert "2 to 8 s" in bias.value


def test_it_stands_beneath_the_run_button_and_is_plain_text(session: Any) -> None:
    runner = Runner(session, "bias", label="Run bias", tooltip="Run")
    timed(session)
    at = list(runner.children)
    assert at[0].children[0].description == "Run bias"
    assert at[1] is runner.timing
    assert "role=" not in runner.timing.value


def broken(X: Any) -> Any:
    raise ValueError("out of order")


def test_a_model_that_fails_is_told_by_the_run_and_breaks_no_view() -> None:
    subject = ak.Subject("broken", broken, test=draw(200), train=draw(200, 1))
    for kind in (ak.widgets.Bias, ak.widgets.Membership, ak.widgets.Explainability, ak.widgets.Report):
        kind(subject)
    session = Session(subject, ["model_performance"])
    line = timing.Timing(session, "performance")
    timed(session)
    assert timing.pacing(session).state == "done"
    session.include("AK001", run=False)
    session.include("AK001", run=True)
    session.set("AK001", level=0.9)
    session.start("performance")
    assert session.wait(300)
    assert session.state == "done"
    (evidence,) = session.report.evidence
    assert evidence.outcome == "error"
    assert "being timed" not in line.value


def test_a_view_asks_a_function_nothing_before_it_is_shown() -> None:
    asked = []

    def answers(X: Any) -> Any:
        asked.append(len(X))
        return np.full(len(X), 0.5)

    subject = ak.Subject("far", answers, test=draw(200), train=draw(200, 1))
    before = list(asked)
    for kind in (ak.widgets.Bias, ak.widgets.Membership, ak.widgets.Explainability, ak.widgets.Robustness):
        kind(subject)
    assert asked == before


def test_timing_that_failed_says_so_and_can_be_tried_again(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(subject: Any) -> Any:
        raise ValueError("out of order")

    with monkeypatch.context() as patch:
        patch.setattr("auditkit.widgets.timing.pace_of", fails)
        line = timing.Timing(session, "bias")
        timed(session)
    assert "Estimate of time: not known; timing the model failed. out of order" in line.value
    timed(session)
    assert "2 to 8 s" in line.value


def test_what_preparing_takes_is_told_where_it_is_the_work_of_a_check(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from auditkit.widgets.explorers import RadiusExplorer, ThresholdExplorer

    monkeypatch.setattr(
        "auditkit.estimating.used", lambda code, kind: Used(60.0) if code == "AK304" else None
    )
    monkeypatch.setitem(costs.LAWS, "AK304", Law())
    radius = RadiusExplorer(session)
    assert radius.timing.value == ""
    timed(session)
    assert "Estimate of time: 30 to 120 s" in radius.timing.value or "to 2 min" in radius.timing.value
    place = list(radius.children)
    assert place.index(radius.timing) == place.index(radius.going) + 1
    assert not hasattr(ThresholdExplorer(session), "timing"), "sorting takes no time to speak of"
