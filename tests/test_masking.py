"""Masking: an error that quotes a row says so in the report without the row, and whole to the person at the screen."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest

import auditkit as ak
from auditkit.audit import Audit, Finished
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.masking import LEFT_OUT, Masking
from auditkit.widgets.session import Session


def data(n: int = 40) -> ak.Dataset:
    X = pd.DataFrame(
        {
            "income": [1234.5 + i for i in range(n)],
            "name": [f"Jane-{i}" for i in range(n)],
            "street": [f"{i} High Street" for i in range(n)],
        }
    )
    return ak.Dataset(X, np.resize(["no", "yes"], n), {"sex": np.resize(["female", "male"], n)})


def answers(X: Any) -> np.ndarray:
    return np.full(len(X), "no")


def quotes(X: Any) -> list[float]:
    return [float(one) for one in X["name"]]


@pytest.fixture
def masking() -> Masking:
    return Masking(ak.Subject("m", answers, test=data(), positive="yes"))


@pytest.mark.parametrize(
    ("said", "masked"),
    [
        ("ValueError: could not convert string to float: 'Jane-0'", "ValueError: could not convert string to float: '…'"),
        ("ValueError: cannot read 'JANE'", "ValueError: cannot read '…'"),  # turned into another, but quoted
        ('BadRow: "O\'Hara" has 1235.5', 'BadRow: "…" has …'),
        ("BadRow: Jane-3 of 12 high street", "BadRow: … of …"),
        ("ValueError: income is 1234.50, at most 9000", "ValueError: income is …, at most 9000"),
        ("ValueError: cut short 'Jane", "ValueError: cut short '…'"),
        (
            "ModelError: the model (callable f) failed on 40 rows: KeyError: 'Jane-1'",
            "ModelError: the model (callable f) failed on 40 rows: KeyError: '…'",
        ),
        ("InputError: expected a number; got 'Jane-2'", "InputError: expected a number; got '…'"),
        ("TypeError: 'Jane-2' is none", "TypeError: '…' is none"),
    ],
)  # fmt: skip
def test_values_are_masked_and_that_is_said(masking: Masking, said: str, masked: str) -> None:
    assert masking.text(said, whole=True) == masked + LEFT_OUT
    assert masking.text(masked + LEFT_OUT, whole=True) == masked + LEFT_OUT


@pytest.mark.parametrize(
    "said",
    [
        "",
        "KeyError: 'income'",
        "ValueError: columns are missing: ['name', 'income']",
        "ValueError: unknown class 'yes' for 'female'",
        "ModuleNotFoundError: No module named 'xgboost'",
        "AttributeError: 'DataFrame' object has no attribute 'iteritems'",
        "ValueError: X has 3 features, but 7 were expected; 40 rows",
        "ValueError: the model can't be asked, it won't answer",
        "InputError: give labels alone: from_callable(function, output='labels')",
    ],
)
def test_names_and_own_words_stay(masking: Masking, said: str) -> None:
    assert masking.text(said, whole=True) == said


def test_notes_reasons_and_tables_are_looked_at_too(masking: Masking) -> None:
    said = "Reference model 1 failed: ValueError: 'Jane-5'"
    table = Table("t", {"what": (said, "fine")}, summary="s")
    plain = Table(
        "t", {"what": ("Jane-5", "fine")}, summary="s"
    )  # what a check shows on purpose is its own affair
    number = Measurement("gap", float("nan"), 3, reason=said)
    found = masking(Evidence("XX1", (number,), {"a": table, "b": plain}, notes=(said, "fine")))
    want = "Reference model 1 failed: ValueError: '…'" + LEFT_OUT
    assert (found.notes, found.measurements[0].reason) == ((want, "fine"), want)
    assert found.tables["a"].columns["what"] == (want, "fine")
    assert found.tables["b"] is plain
    clean = Evidence("XX1", tables={"b": plain}, notes=("fine",))
    assert masking(clean) is clean


@pytest.mark.parametrize("threads", [0, 2])
def test_a_report_has_no_value_and_the_screen_has_it(threads: int, caplog: pytest.LogCaptureFixture) -> None:
    subject = ak.Subject(
        "leaks", ak.predictors.from_callable(quotes, output="labels"), test=data(), positive="yes"
    )
    executor = ThreadPoolExecutor(threads) if threads else None
    with caplog.at_level(logging.INFO, logger="auditkit"):
        events = list(Audit(["AK001"]).stream(subject, executor=executor))
    if executor:
        executor.shutdown()
    report = events[-1].report
    (ended,) = (event for event in events if isinstance(event, Finished))
    assert report.evidence[0].outcome == "error"
    assert report.evidence[0].reason.endswith("could not convert string to float: '…'" + LEFT_OUT)
    assert "Jane-" not in json.dumps(report.to_dict())
    assert "Jane-" not in report._repr_html_()
    assert "could not convert string to float: 'Jane-0'" in ended.whole
    assert "'Jane-0'" in caplog.text


def test_a_session_has_it_whole() -> None:
    subject = ak.Subject(
        "leaks", ak.predictors.from_callable(quotes, output="labels"), test=data(), positive="yes"
    )
    session = Session(subject, ["AK001"])
    session.start()
    assert session.wait(120)
    assert "'Jane-0'" in session.whole["AK001"]
    assert "Jane-" not in json.dumps(session.report.to_dict())
