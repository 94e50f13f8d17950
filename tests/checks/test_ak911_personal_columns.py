"""AK911: planted people are found by column, clean tables let be, and no value is told."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from auditkit import Audit
from auditkit.data import load_adult
from auditkit.loading import load_policy
from auditkit.targets.table import Table

CANARIES = ["zebra.crossing@uni-ulm.de", "+49 731 5559876", "DE89370400440532013000", "quokka-name"]


def people(n=60):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "surname": [f"{CANARIES[3]}-{i}" for i in range(n)],
            "contact": [f"{i}{CANARIES[0]}" for i in range(n)],
            "remarks": [f"call {CANARIES[1]} later" if i % 2 else "nothing" for i in range(n)],
            "account": [CANARIES[2]] * n,
            "religion": rng.choice(["a", "b"], n),
            "amount": rng.normal(size=n),
        }
    )


def audited(frame, **named):
    return Audit(["personal_columns"], load_policy(None)).run(Table("people", frame, **named))


def test_planted_columns_are_found_and_the_gate_fails():
    report = audited(people())
    evidence = report.of("AK911")
    table = evidence.tables["columns"].frame().set_index("column")
    assert evidence.measurement("identifying_columns").value == 4
    assert evidence.measurement("special_columns").value == 1
    assert table.loc["contact", "by_values"] == "an e-mail address (all)"
    assert table.loc["remarks", "is"] == "identifies, within text"
    assert table.loc["remarks", "by_values"] == "a phone number (about 30)"
    assert evidence.measurement("personal_record_share", "remarks").value == 30 / 60
    assert "surname, contact, remarks, account; religion may be of a special category" in evidence.says
    assert report.verdict == "fail"


@pytest.mark.parametrize(
    ("name", "values", "says", "word", "noted"),
    [
        ("Kundennummer", range(60), "1 of 1 column names or finds people by itself: Kundennummer.", "identifies", ""),
        ("Vorname", ["Eva", "Ben"] * 30, "1 of 1 column names or finds people by itself: Vorname.", "identifies", ""),
        ("ref", [f"a{i}" for i in range(60)], "1 of 1 column names or finds people by itself: ref.", "identifies: has a value of its own in nearly every record", ""),
        ("score", range(60), "Of 1 column none was found", "has a value of its own in nearly every record", "value of its own in score: numbers, dates or places"),
        ("telephone", ["yes", "no"] * 30, "Of 1 column none was found", "has few values, which are not what its name says",
         "though named so: telephone (phone by its name; 2 different values, not of that form)"),
        ("Bemerkung", [f"sah {i // 2} am Markt" for i in range(60)], "Of 1 column none was found", "free text, in which names are not looked for",
         "Bemerkung is free text, in which names are not looked for: read it"),
        ("Geburtsdatum", pd.date_range("1950-01-01", periods=60), "Of 1 column none was found", "helps to recognise", "value of its own in Geburtsdatum"),
    ],
)  # fmt: skip
def test_what_a_column_is_taken_for_is_told(name, values, says, word, noted):
    evidence = audited(pd.DataFrame({name: values})).of("AK911")
    assert evidence.says.startswith(says)
    assert evidence.tables["columns"].columns["is"] == (word,)
    assert noted in " ".join(evidence.notes) if noted else evidence.notes == ()


def test_a_table_without_people_passes():
    report = audited(load_adult()[0].X.iloc[:2000])
    assert report.of("AK911").measurement("identifying_columns").value == 0
    assert report.verdict == "pass"


def test_values_with_the_form_of_pseudonyms_identify_nobody_and_a_note_says_what_cannot_be_seen():
    frame = pd.DataFrame({"email": [f"{i:032x}" for i in range(80)]})
    evidence = audited(frame).of("AK911")
    assert evidence.measurement("identifying_columns").value == 0
    assert any("cannot be seen" in note for note in evidence.notes)


@pytest.mark.parametrize("n", [3, 9])
def test_small_counts_are_withheld(n):
    frame = pd.DataFrame({"contact": [CANARIES[0]] * n + ["none"] * (60 - n)})
    evidence = audited(frame).of("AK911")
    share = evidence.measurement("personal_record_share", "contact")
    assert (share.value, share.bound) == (10 / 60, "upper")
    assert f"({n})" not in json.dumps(evidence.to_dict())


def test_no_value_is_in_the_report():
    report = audited(people(), confidential="religion")
    text = json.dumps(report.to_dict()) + repr(report) + report.frame().to_csv()
    assert not [word for word in CANARIES if word in text]
