"""Explorers under the settings of the checks they mirror: what is explored is what was measured, and what is outdated says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from auditkit.check import registry
from auditkit.data import make_multiclass
from auditkit.data.leaky import make_leaky
from auditkit.widgets import Session
from auditkit.widgets.explorers import (
    ExposureExplorer,
    PairExplorer,
    RadiusExplorer,
    RecordExplorer,
    RecordExposureExplorer,
    RemedyExplorer,
    ThresholdExplorer,
)
from auditkit.widgets.explorers.mirror import Mirror, settings_of

KINDS: tuple[type[Mirror], ...] = (
    ExposureExplorer, PairExplorer, RadiusExplorer, RecordExplorer, RecordExposureExplorer, RemedyExplorer, ThresholdExplorer,
)  # fmt: skip


def prepared(explorer: Any) -> Any:
    explorer.going.run.click()
    assert explorer.work.wait(120)
    assert explorer.work.state == "done", explorer.work.message
    return explorer


def leaky(n: int = 150) -> Any:
    return make_leaky(memorise=0.3, n_train=n, n_test=n, seed=1).subject


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_mirrored_exists(kind: type[Mirror]) -> None:
    """Each parameter is one of the check it is taken from."""
    checks = {check.code: check for check in registry().checks}
    mirrored = dict(kind.mirrors)
    if kind is ExposureExplorer:
        made = ExposureExplorer(Session(leaky(), ["membership"]))
        for value in ("population", "references"):
            made.how.value = value
            mirrored |= made.mirrored()
    assert mirrored
    for code, names in mirrored.items():
        assert set(names) <= {parameter.name for parameter in checks[code].parameters}, code


def test_the_first_check_that_the_session_has_is_gone_by() -> None:
    session = Session(make_multiclass(n_train=60, n_test=60), {"AK303": {"rows": 30}, "AK306": {"rows": 20}})
    mirrored = {"AK304": ("rows", "boxes"), "AK303": ("rows",), "AK306": ("rows", "max_calls")}
    assert settings_of(session, mirrored) == {
        "rows": 30,
        "max_calls": session.settings["AK306"]["max_calls"],
    }


@pytest.mark.parametrize("by", ["all", "class"])
def test_what_is_explored_is_what_the_population_attack_measured(by: str) -> None:
    session = Session(leaky(), {"AK201": {"signal": "entropy", "by": by, "rows": 100, "level": 0.9}}, seed=7)
    made = prepared(ExposureExplorer(session))
    assert made.found.everybody.members.size == 100
    assert made.found.level == 0.9
    same_curve(made, session, "AK201")


def test_what_is_explored_is_what_reference_models_measured() -> None:
    session = Session(leaky(), {"AK202": {"attacks": ["rmia_offline"], "references": 4, "rows": 60}}, seed=7)
    made = ExposureExplorer(session)
    made.how.value = "references"
    prepared(made)
    assert "4 reference models" in made.found.attack
    trained = session.subject.model.cost()["refits"]
    same_curve(made, session, "AK202")
    record = prepared(RecordExposureExplorer(session))
    assert len(record.found.view.logits) == 4
    assert len(record.found.rows("train")) == 60
    assert trained == 4


def same_curve(made: Any, session: Session, code: str) -> None:
    """Run the check, and hold its curve against that of the explorer."""
    session.start()
    assert session.wait(120)
    assert session.report is not None
    (evidence,) = (e for e in session.report.evidence if e.check == code)
    theirs, ours = evidence.tables["roc"].columns, made.found.curve.columns
    # both are thinned for drawing; areas under them, and where they start, are those of the same scores
    areas = [np.trapezoid(curve["tpr"], curve["fpr"]) for curve in (theirs, ours)]
    assert areas[0] == pytest.approx(areas[1], abs=0.002)
    at = [np.interp(0.1, curve["fpr"], curve["tpr"]) for curve in (theirs, ours)]
    assert at[0] == pytest.approx(at[1], abs=0.01)


def test_radius_and_record_take_the_settings_of_their_checks() -> None:
    subject = make_multiclass(n_train=120, n_test=60)
    plan = {
        "AK304": {"rows": 30, "max_calls": 20, "norm": "linf", "radius": 0.3},
        "AK401": {"background": 37},
        "AK407": {"several": 2, "max_calls": 60, "norm": "l2", "immutable": [str(subject.test.X.columns[0])]},
    }
    session = Session(subject, plan)
    radius = prepared(RadiusExplorer(session))
    assert (radius.found.threat.norm, radius.found.threat.radius, radius.found.everybody.n) == (
        "linf",
        0.3,
        30,
    )
    record = prepared(RecordExplorer(session))
    assert len(record.found.background) == 37
    assert (record.found.search.several, record.found.search.norm) == (2, "l2")
    assert record.found.inputs(0)[0].held
    assert len(record.found.ways(record.pick.row).ways) <= 2


def test_an_outdated_picture_says_so_until_it_is_prepared_again() -> None:
    session = Session(leaky(), ["AK201", "AK202"])
    made = prepared(ExposureExplorer(session))
    session.set("AK202", rows=50)  # of the other attack
    assert made.since.value == ""
    session.set("AK201", rows=80)
    assert "rows was 10000 and is 80" in made.since.value
    assert made.found.everybody.members.size == 150  # what is shown stands
    prepared(made)
    assert made.since.value == ""
    assert made.found.everybody.members.size == 80
    made.how.value = "references"  # its own control counts too
    assert "how was" in made.since.value
    made.how.value = "population"
    assert made.since.value == ""


def test_settings_that_change_meanwhile_are_those_of_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(leaky(), ["AK201"])
    made, prepare = ExposureExplorer(session), ExposureExplorer.prepare

    def meanwhile(self: ExposureExplorer) -> Any:
        session.set("AK201", rows=50)
        return prepare(self)

    monkeypatch.setattr(ExposureExplorer, "prepare", meanwhile)
    prepared(made)
    assert made.found.everybody.members.size == 150
    assert "rows was 10000 and is 50" in made.since.value


def test_exposure_in_the_record_explorer_says_so_too() -> None:
    session = Session(leaky(), {"AK202": {"references": 4, "rows": 60}})
    made = prepared(RecordExplorer(session))
    made.exposing.going.run.click()
    assert made.exposing.work.wait(120)
    assert len(made.exposing.exposure.view.logits) == 4
    assert made.exposing.since.value == ""
    session.set("AK202", rows=50)
    assert "rows was 60 and is 50" in made.exposing.since.value
