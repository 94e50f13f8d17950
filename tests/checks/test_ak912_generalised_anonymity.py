"""AK912: counts by hand, what generalisation reaches and takes, and what cannot be done."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from auditkit import Audit
from auditkit.checks.tables import generalised_anonymity
from auditkit.errors import InputError, NotApplicable
from auditkit.loading import load_policy
from auditkit.targets.table import Table


def observe(table, **options):
    return generalised_anonymity(table, rng=np.random.default_rng(0), **options)


def people(n=400, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 90, n),
            "town": rng.choice(list("abcdef"), n),
            "ill": rng.choice(["flu", "no"], n),
            "x": rng.normal(size=n),
        }
    )
    return Table("people", frame, ("age", "town"), "ill")


def test_counts_by_hand():
    frame = pd.DataFrame({"age": [20, 20, 30, 60, 60, 80], "ill": ["a", "a", "a", "b", "c", "b"]})
    evidence = observe(Table("six", frame, ("age",), "ill"), k=3)
    assert evidence.measurement("table_k_anonymity").value == 1
    assert evidence.measurement("generalised_k_anonymity").value == 3
    # classes 20 to 30 (ten of sixty) and 60 to 80 (twenty of sixty), three records each
    assert evidence.measurement("generalisation_loss", "all columns").value == pytest.approx(
        (10 + 20) / 60 / 2
    )
    # two records are alone with their age: fewer than ten, so at most ten of six are told, which is all
    assert evidence.measurement("table_unique_share").bound == "upper"
    # the three of the first class share one illness: fewer than ten again
    assert evidence.measurement("generalised_homogeneous_share").bound == "upper"


def test_it_reaches_k_and_more_costs_more():
    table = people()
    before = observe(table).measurement("table_k_anonymity").value
    losses = []
    for k in (2, 5, 40):
        evidence = observe(table, k=k)
        assert evidence.measurement("generalised_k_anonymity").value >= k > before
        losses.append(evidence.measurement("generalisation_loss", "all columns").value)
    assert losses == sorted(losses)
    curve = evidence.tables["by_k"].frame()
    assert curve["value"].is_monotonic_increasing
    assert curve.loc[curve["x"] == 40, "value"].item() == losses[-1]


def test_records_that_agree_already_lose_nothing():
    frame = pd.DataFrame({"town": ["a"] * 20 + ["b"] * 20})
    evidence = observe(Table("two towns", frame, ("town",)), k=20)
    assert evidence.measurement("table_k_anonymity").value == 20
    assert evidence.measurement("generalisation_loss", "all columns").value == 0


def test_columns_stand_in_by_their_names_and_a_note_says_so():
    frame = people().frame
    evidence = observe(Table("people", frame))
    assert "age" in evidence.notes[0]
    assert "Name what others may know" in evidence.notes[0]


@pytest.mark.parametrize(("named", "told"), [(("age",), "town looks like"), (("age", "town"), None)])
def test_what_was_not_named_beside_what_was_is_told(named, told):
    notes = observe(Table("people", people().frame, named, "ill")).notes
    assert [note for note in notes if "not named" in note] == ([notes[0]] if told else [])
    if told:
        assert told in notes[0]
        assert "--quasi COLUMN on the command line, quasi_identifiers=[...] in Python" in notes[0]


@pytest.mark.parametrize(
    ("table", "options", "error", "told"),
    [
        (Table("t", pd.DataFrame({"x": [1.5] * 9})), {}, NotApplicable, "no quasi-identifier is named"),
        (Table("t", pd.DataFrame({"age": [1, 2]})), {}, NotApplicable, "2 records cannot make a class of 5"),
        (
            Table("t", pd.DataFrame({"age": [1] * 9})),
            {"quasi_identifiers": ["agee"]},
            InputError,
            "no column 'agee'. Did you mean 'age'",
        ),
    ],
)
def test_what_cannot_be_done_is_told(table, options, error, told):
    with pytest.raises(error, match=told):
        observe(table, **options)


def test_the_gate_asks_for_five():
    assert Audit(["generalised_anonymity"], load_policy(None)).run(people()).verdict == "fail"
    frame = pd.DataFrame({"age": [20] * 10 + [30] * 10})
    assert (
        Audit(["generalised_anonymity"], load_policy(None)).run(Table("calm", frame, ("age",))).verdict
        == "pass"
    )
