"""How large a page gets, whatever it is a report of; and that what was left out is said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from auditkit.evidence import Evidence, Interval, Measurement, Table
from auditkit.finding import Criterion, Policy
from auditkit.judging import judge
from auditkit.render import notebook as module
from auditkit.render._findings import MOST, MOST_IN_A_SET
from auditkit.render.notebook import notebook_html
from auditkit.render.page import findings
from auditkit.render.tables import table_html
from auditkit.report import Report
from auditkit.runner.notebook import outputs

if TYPE_CHECKING:
    from collections.abc import Mapping

FEATURES, GROUPS, LONG = 2000, 120, 300
MIB = 2**20


def name(what: str, at: int) -> str:
    """Return a long name, half of it characters that HTML writes out and one that is not to be seen."""
    return (f"{what} {at} \u202e" + "<&é>" * LONG)[:LONG]


@pytest.fixture(scope="module")
def nasty() -> Report:
    """Five checks, each with a limit that 120 groups break and five tables over 2,000 features, one of them with 2,000 columns."""
    labels = tuple(name("feature", at) for at in range(FEATURES))
    some = (0.5,) * FEATURES
    estimates = Table(
        "estimates",
        {"label": labels, "value": some, "low": some, "high": some, "n": (9,) * FEATURES},
        "estimates",
    )
    plain = Table("plain", {"label": labels, "words": labels})
    wide = Table("wide", dict.fromkeys(labels, (1.0, 2.0)))
    within = Interval(0.4, 0.7, 0.95, "wilson")
    every = tuple(
        Evidence(
            f"AK{101 + at}",
            tuple(Measurement("accuracy", 0.6, 100, within, group=name("g", g)) for g in range(GROUPS)),
            tables={"e1": estimates, "e2": estimates, "p1": plain, "p2": plain, "w": wide},
            says=name("says", at),
            notes=tuple(name("note", n) for n in range(40)),
        )
        for at in range(5)
    )
    policy = Policy((Criterion("accuracy", at_least=0.9, why=name("why", 0)),), "p")
    plan = [
        {"code": one.check, "name": one.check.lower(), "title": name("t", 0), "dimension": "bias"}
        for one in every
    ]
    subject = {
        "name": name("subject", 0),
        "classes": [name("c", at) for at in range(1000)],
        "sensitive_features": [name("s", at) for at in range(50)],
        "test": {"rows": 9, "columns": list(labels)},
    }
    return Report(subject, judge(every, policy), every, {"plan": plan, "seed": 1})


def noted(report: Report, data: Mapping[str, Any]) -> dict[str, Any]:
    parts = ("verdict", "findings", "bias", "methods")
    return {
        "metadata": {},
        "cells": [
            {"cell_type": "code", "source": "", "metadata": {}, "outputs": [
                {"output_type": "display_data", "data": one, "metadata": {}} for one in outputs(report, part, dict(data))
            ]}
            for part in parts
        ],
    }  # fmt: skip


def test_a_page_and_a_notebook_are_bounded_and_say_what_they_leave_out(nasty: Report) -> None:
    data = nasty.to_dict()
    record = len(json.dumps(data))
    assert record > 25 * MIB
    notebook = noted(nasty, data)
    assert len(json.dumps(notebook)) < 2 * record
    page = notebook_html(notebook)
    assert len(page.encode()) < 24 * MIB
    assert page.count("<") < 250_000  # elements, and their ends
    assert f"200 of {FEATURES:,} rows" in page
    assert f"40 of {FEATURES:,} columns" in page
    assert "characters of a cell shown; report.json has all." in page
    assert f"{GROUPS - MOST_IN_A_SET} more of these are not shown; report.json has all." in page
    every = 5 * GROUPS
    assert f"<b>{every:,}</b>" in page  # the head counts them all
    told = page.count("<h5>g ") + page.count("more of these are not shown")
    assert page.count("<h5>g ") == MOST
    assert told > MOST


def test_no_room_is_said_in_its_place_and_at_the_head(nasty: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [
        {"cell_type": "markdown", "source": "## Kept"},
        {"cell_type": "code", "source": "", "outputs": [{"output_type": "stream", "name": "stdout", "text": "small"}]},
        {"cell_type": "code", "source": "", "outputs": [{"output_type": "stream", "name": "stdout", "text": "x" * 9000}]},
        {"cell_type": "markdown", "source": "## Chapter\n\n" + "word " * 2000},
        {"cell_type": "code", "source": "", "outputs": [{"output_type": "stream", "name": "stdout", "text": "last"}]},
    ]  # fmt: skip
    whole = notebook_html({"cells": cells, "metadata": {}})
    assert "Left out here" not in whole
    monkeypatch.setattr(module, "MOST", 5000)
    page = notebook_html({"cells": cells, "metadata": {}})
    assert page.count("Left out here: the page would be too large.") == 2
    assert "2 parts of the notebook were left out of this page" in page
    assert "<h2>Chapter</h2>" in page  # the heading stays where its text goes
    assert "small" in page
    assert "last" in page  # what is small enough is shown, also after what was not


def test_what_somebody_wrote_about_a_finding_is_shown_however_many_there_are(nasty: Report) -> None:
    data = nasty.to_dict()
    last = data["findings"][-1]
    note = {"text": "seen by hand", "author": "Maria", "time": "2026-01-01T00:00:00+00:00"}
    data["notes"] = [{**note, "about": last["fingerprint"]}]
    page = findings(data)
    assert "seen by hand" in page


def test_a_small_table_has_no_note() -> None:
    assert "shown; report.json" not in table_html({"title": "t", "columns": {"a": ["x" * 200] * 200}})
    assert "200 characters of a cell shown" in table_html({"title": "t", "columns": {"a": ["x" * 201]}})


def test_one_long_text_ends_with_how_much_is_missing() -> None:
    from auditkit.render._templating import LONGEST, fill

    shown = fill("view.html.j2", css="", body="x" * (LONGEST + 7))
    assert "x" * LONGEST + "… (7 more characters, which the record holds)" in shown
    assert "more characters" not in fill("view.html.j2", css="", body="x" * LONGEST)
