"""An audit made in parts: the same places in the plan, so the same numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from auditkit.audit import Audit, Completed, Finished
from auditkit.check import check
from auditkit.errors import InputError
from auditkit.evidence import Evidence, Measurement
from auditkit.finding import Criterion
from auditkit.subject import Dataset, Subject


def drawing(code: str) -> Any:
    @check(code=code, title=f"Draw {code}", question="What is drawn?", dimension="bias", metrics=["drawn"])
    def draw(subject: Subject, *, rng: np.random.Generator, scale: float = 1.0) -> Evidence:
        return Evidence(code, (Measurement("drawn", scale * float(rng.normal()), 1),))

    return draw


CHECKS = [drawing(f"XY00{i}") for i in (1, 2, 3)]
CRITERIA = [Criterion("drawn", at_most=10)]


@pytest.fixture
def subject() -> Subject:
    X = {"a": np.arange(10.0)}
    return Subject(
        "ten",
        lambda frame: (frame["a"] > 4).astype(int).to_numpy(),
        Dataset(X, (np.arange(10) > 5).astype(int)),
    )


def part(audit: Audit, subject: Subject, **how: Any) -> tuple[list[str], Any]:
    events = list(audit.stream(subject, seed=7, **how))
    assert isinstance(events[-1], Completed)
    return [e.check.code for e in events if isinstance(e, Finished)], events[-1].report


def test_parts_in_any_order_add_up(subject: Subject) -> None:
    audit = Audit(CHECKS, CRITERIA)
    whole = audit.run(subject, seed=7)
    ran, last = part(audit, subject, only=["XY003"])
    assert ran == ["XY003"]
    assert last.of("XY003") == whole.of("XY003")
    ran, both = part(audit, subject, only=["XY001"], known=[last.of("XY003")])
    assert ran == ["XY001"]
    ran, rest = part(audit, subject, known=[both.of("XY001"), both.of("XY003")])
    assert ran == ["XY002"]
    assert rest.evidence == whole.evidence
    assert rest.findings == whole.findings


def test_what_was_not_run_yet_is_named(subject: Subject) -> None:
    _, report = part(Audit(CHECKS, CRITERIA), subject, only=["XY002"])
    gaps = report.provenance["not_examined"]
    assert {"what": "Draw XY001", "why": "planned, but not run yet"} in gaps
    assert {"what": "Draw XY003", "why": "planned, but not run yet"} in gaps


def test_what_no_check_of_the_plan_asks_about_is_named_by_dimension(subject: Subject) -> None:
    from auditkit.check import registry

    def named(plan: list[str]) -> dict[str, list[str]]:
        gaps = Audit(plan, []).run(subject).provenance["not_examined"]
        mine = [gap for gap in gaps if gap["why"] == "not part of this audit's plan"]
        return {gap["what"]: gap.get("names", []) for gap in mine}

    every = [c for c in registry().checks if c.dimension == "explainability"]
    assert f"Explainability ({len(every)} checks)" in named(["model_performance"])
    beside = sum(c.dimension == "performance" for c in registry().checks)
    assert f"Performance ({beside} checks)" in named([every[0].name])
    some = named([every[0].name])
    n = len(every)  # by name, beside the one that is in the plan
    assert some[f"Explainability ({n - 1} of {n} checks)"] == [c.title for c in every[1:]]
    assert named(["model_performance"])[f"Explainability ({n} checks)"] == []


@pytest.mark.parametrize(
    "change", [{"seed": "8/0"}, {"seed": "7/1"}, {"params": {"scale": 2.0}}, {"check": "XY999"}]
)
def test_evidence_of_another_plan_is_refused(subject: Subject, change: dict[str, Any]) -> None:
    audit = Audit(CHECKS, CRITERIA)
    _, report = part(audit, subject, only=["XY001"])
    with pytest.raises(InputError, match="is not of this plan"):
        audit.stream(subject, seed=7, known=[replace(report.of("XY001"), **change)])
