"""Estimates of a whole plan: arithmetic by hand, on costs that are made up."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from auditkit import costs
from auditkit.batch import forecast as module
from auditkit.batch.forecast import Forecast, in_all
from auditkit.batch.journal import Journal
from auditkit.batch.keys import Digests, key_of
from auditkit.batch.plan import load_plan
from auditkit.batch.preview import preview
from auditkit.costs import Law, Used
from auditkit.estimating import Estimate, Pace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one check of the tiny template took 4 s on as many rows as the toy has; a notebook takes 1 to 6 s besides."""
    monkeypatch.setitem(costs.LAWS, "AK001", Law())
    monkeypatch.setitem(costs.ROWS, "test", 100)
    monkeypatch.setattr("auditkit.estimating.used", lambda code, kind: Used(4.0))
    monkeypatch.setattr(module, "pace_of", lambda subject: Pace(0.0, 0.0))
    monkeypatch.setattr(module, "_AROUND", (1.0, 6.0))
    monkeypatch.setattr("os.cpu_count", lambda: 2)


def look(path: Path, out: Path, **how: Any) -> dict[str, Any]:
    forecast = Forecast()
    return preview(load_plan(path, seen=forecast.see), out, forecast=forecast, **how)


def test_each_audit_and_all_together_have_an_estimate(write_plan: Any, place: Path) -> None:
    path = write_plan("grid = { model_performance__level = [0.8, 0.9, 0.95] }")
    one_by_one = look(path, place / "out")
    # 4 s, half and twice as long, and the notebook
    assert [(r["estimate"]["low"], r["estimate"]["high"]) for r in one_by_one["audits"]] == [(3.0, 14.0)] * 3
    assert (one_by_one["estimate"]["low"], one_by_one["estimate"]["high"]) == (9.0, 42.0)
    assert "Estimate of time: 9 to 40 s in all." in one_by_one["words"]
    two_at_a_time = look(path, place / "out", jobs=2)
    assert (two_at_a_time["estimate"]["low"], two_at_a_time["estimate"]["high"]) == (6.0, 28.0)
    assert look(path, place / "out", jobs=50)["estimate"] == two_at_a_time["estimate"]  # on 2 processors
    assert not (place / "out").exists()


def test_audits_begin_as_lanes_are_free() -> None:
    each = [Estimate(float(n), float(2 * n)) for n in (4, 3, 2, 1)]
    # 4 beside 3; 2 begins at 3 and ends at 5, 1 begins at 4 and ends at 5
    assert in_all(each, 2) == Estimate(5.0, 10.0)
    assert in_all([], 2) == Estimate(0.0, 0.0)
    for order in permutations(each):
        assert 5.0 <= in_all(order, 2).low <= 7.0  # no better than half of 10, no worse than the longest last


def test_a_check_that_nobody_timed_is_named_by_its_title(
    write_plan: Any, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditkit.estimating.used", lambda code, kind: None)
    said = look(write_plan("grid = { model_performance__level = [0.8, 0.9] }"), place / "out")
    why = "how long Performance (AK001) takes was not measured"
    assert said["audits"][0]["estimate"]["unknown"] == [why]
    assert said["estimate"]["unknown"] == [why]  # said once for all audits
    assert f"Not in it:\n- {why}" in said["words"]


def test_a_subject_that_is_not_opened_is_said_to_be_missing(
    write_plan: Any, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditkit.runner.order.load_early", lambda path: None)
    said = look(write_plan(), place / "out")
    assert said["estimate"]["words"] == "not known"
    assert "Estimate of time: not known. Because:\n" not in said["words"]
    assert "Estimate of time: not known.\nBecause:\n- toy is opened only when it runs" in said["words"]


def test_so_many_models_are_timed_and_the_others_named(
    write_plan: Any, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_TIMED", 1)
    (place / "toy2.toml").write_text((place / "toy.toml").read_text())
    path = write_plan()
    path.write_text(path.read_text().replace("toy.toml", "toy*.toml"))
    first, second = look(path, place / "out")["audits"]
    assert first["estimate"]["unknown"] == []
    assert second["estimate"]["unknown"] == ["toy2 was not timed: 1 subjects of a plan are"]


def test_what_ran_on_the_same_inputs_is_expected_to_take_as_long(write_plan: Any, place: Path) -> None:
    path, out = write_plan("limits = { seconds = 100 }"), place / "out"
    (audit,) = load_plan(path).audits
    out.mkdir()
    with Journal(out) as journal:
        about = {"name": audit.name, "key": key_of(audit, Digests()), "seconds": 90.0, "memory": 2**20}
        journal.append("done", {**about, "verdict": "pass", "counts": {}, "folder": "f", "result": "r"})
    kept = look(path, out)
    assert kept["audits"][0]["would"] == "keep"
    assert kept["words"].endswith("All results are there.")
    again = look(path, out, force=True)
    assert (again["estimate"]["low"], again["estimate"]["high"]) == (60.0, 135.0)  # 90 / 1.5, 90 * 1.5
    assert "May pass the limit of seconds: toy-tiny." in again["words"]
    assert "took 90 seconds one after the other, and 1 MiB each at most" in again["words"]
