"""The audit of a table in a notebook: what was given stands first, a run gives the report of the audit, and other things are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from auditkit import Audit, widgets
from auditkit.data import make_credit
from auditkit.errors import InputError
from auditkit.scanning.tables.schema import ColumnRule, Schema
from auditkit.targets.table import Table


def people(**named: Any) -> Table:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"<b>age</b>": rng.integers(20, 60, 300), "sex": rng.choice(["f", "m"], 300)})
    frame.loc[:30, "<b>age</b>"] = 999
    return Table("<i>staff</i>", frame, sensitive=["sex"], **named)


def test_what_was_given_and_what_was_not_stands_first() -> None:
    shown = widgets.Data(people()).given.value
    assert (
        "Not given, and so not examined: labels, parts, a schema, a population, a lineage, quasi-identifiers"
        in shown
    )
    assert "<b>groups</b>" not in shown
    more = widgets.Data(
        people(
            schema=Schema({"<b>age</b>": ColumnRule("integer", 0, 120)}), quasi_identifiers=("<b>age</b>",)
        )
    )
    assert "labels, parts, a population, a lineage" in more.given.value
    assert "<b>age</b>" not in more.given.value
    assert "&lt;b&gt;age" in more.given.value


def test_a_run_gives_the_report_of_the_audit_made_at_once() -> None:
    shown = widgets.Data(people(), ["table_quality", "table_schema"], seed=2)
    step = shown.steps["data"]
    step.forms["AK914"].controls["near_constant"].widget.value = 0.9
    step.runner.run.click()
    assert shown.session.wait(60)
    at_once = Audit({"table_quality": {"near_constant": 0.9}, "table_schema": {}}).run(people(), seed=2)
    assert shown.session.report.stable_dict()["evidence"] == at_once.stable_dict()["evidence"]
    assert shown.session.report.of("AK914").measurement("implausible_columns").value == 1


def test_where_nobody_waits_it_is_a_page() -> None:
    shown = widgets.Data(people(), ["table_quality"])
    told = list(shown.still())
    assert any("999" in bundle["text/html"] for bundle in told if "text/html" in bundle)
    assert "<i>staff" not in "".join(bundle.get("text/html", "") for bundle in told)


def test_all_checks_of_tables_stand_in_it() -> None:
    assert [check.code for check in widgets.Data(people()).session.checks] == [
        f"AK{i}" for i in range(911, 920)
    ]


@pytest.mark.parametrize(
    ("given", "told"),
    [(None, "got NoneType"), ("staff", r"Data\(Table\('staff', frame\)\)"), (make_credit, "got function")],
)
def test_what_is_no_table_is_refused(given: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        widgets.Data(given)
