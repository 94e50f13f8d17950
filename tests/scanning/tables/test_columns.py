"""Columns: each kind planted in a column of its own, clean tables let be, and no value in what is told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditkit.data import load_adult, load_german_credit
from auditkit.scanning.tables import quasi_looking, records_that_name, scan_columns

BUSY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine has other work


def column(values, name="c"):
    return scan_columns(pd.DataFrame({name: values}))[0]


def cards(n, seed=0):
    """Numbers with the check digit that the formula of Luhn asks for, computed by trying all ten."""
    rng = np.random.default_rng(seed)

    def total(digits):
        return sum(sum(divmod(int(d) * (1 + i % 2), 10)) for i, d in enumerate(reversed(digits)))

    rests = ["4" + "".join(map(str, rng.integers(0, 10, 14))) for _ in range(n)]
    return [next(rest + str(d) for d in range(10) if total(rest + str(d)) % 10 == 0) for rest in rests]


def test_a_column_of_cards_is_told_as_text_and_as_numbers():
    numbers = cards(40)
    assert column(numbers).kinds == {"payment_card": 40}
    assert column([int(one) for one in numbers]).kinds == {"payment_card": 40}


def test_numbers_that_fit_as_often_as_chance_gives_are_none():
    rng = np.random.default_rng(0)
    found = column([f"4{rng.integers(0, 10**15):015d}" for _ in range(500)])
    assert not found.kinds
    assert 20 < found.doubtful["payment_card"] < 90  # one in ten
    assert not column(
        rng.integers(10**8, 10**9, 500)
    ).identifies  # nine digits: one in eleven is a Dutch number


def test_one_number_that_one_in_ten_would_fit_is_doubtful():
    assert column(["4111 1111 1111 1111", "no"]).doubtful == {"payment_card": 1}


@pytest.mark.parametrize(
    "word", ["DE89370400440532013000", "536-90-4399", "RSSMRA85T10A562S", "529.982.247-25"]
)
def test_one_value_in_a_spelling_of_its_own_is_enough(word):
    assert column([word, "no"]).kinds
    assert len(column([f"{i:03d}-10-{i:04d}" for i in range(1, 80)]).kinds) == 1


def test_one_address_is_enough_and_text_around_it_is_told():
    found = column(["call me", "write to ana@uni-ulm.de please", "no"])
    assert found.kinds == {"email": 1}
    assert found.within
    assert not column(["ana@uni-ulm.de", "bo@uni-ulm.de"]).within


def test_records_are_counted_not_values():
    assert column(["ana@uni-ulm.de"] * 3 + [None]).kinds == {"email": 3}


@pytest.mark.parametrize(
    ("name", "identifies", "helps"),
    [("surname", True, False), ("customer_id", True, False), ("zip", False, True), ("age", False, True), ("race", False, True),
     ("income", False, False), ("x1", False, False), ("Arbeitgeber", False, True), ("employer", False, True),
     *((name, True, False) for name in ("Personalausweisnummer", "Reisepassnummer", "Reisepass-Nr.", "Rentenversicherungsnummer", "Führerscheinnummer",
                                        "Krankenkassennummer", "Versichertennummer", "Versichertennummer alt", "Benutzername", "Ansprechpartner", "mrn")),
     *((name, False, True) for name in ("Diagnose", "Grad der Behinderung", "Vorstrafen", "disability", "criminal record", "Postleitzahl")),
     *((name, False, False) for name in ("Hausnummer", "Zimmernummer", "Anzahl", "number_of_rooms", "mRNA", "Passung", "Auftragsnummer", "record"))],
)  # fmt: skip
def test_names_say_who_identifies_and_who_helps(name, identifies, helps):
    found = column([1.5, 2.5], name)
    assert (found.identifies, found.helps) == (identifies, helps)


def test_a_value_of_its_own_in_every_row_is_a_name_of_rows():
    assert column([f"r{i}" for i in range(100)]).row_names
    assert column([f"r{i}" for i in range(100)]).identifies
    assert not column(["a", "b"] * 50).row_names
    assert not column(np.random.default_rng(0).normal(size=100)).row_names


FIRST = ["Anna", "Ben", "Clara", "David", "Eva"]


@pytest.mark.parametrize("n", [30, 300])
@pytest.mark.parametrize(
    ("name", "values", "identifies"),
    [
        ("Vorname", FIRST, True), ("surname", FIRST, True), ("name", FIRST, True), ("Prénom", ["Zoé", "Léa", "unknown"], True),
        ("name", ["yes", "no"], False), ("name", [True, False], False), ("Nachname", list("ab"), False),
        ("Strasse", ["Hauptstr. 5", "Am Weg 7b"], True), ("Street", ["Pave", "Grvl"], False),
        ("Telefon", ["0731 50241", "none"], True), ("telephone", ["yes, registered under the name", "none"], False),
        ("Steuernummer", ["001/123/00007", "002/123/00014"], True), ("Kfz", ["UL-AB 100", "UL-AB 101"], True), ("Kfz", ["ja", "nein"], False),
        ("patient_id", ["u1", "u2", "u3"], True), ("customer_code", ["A", "B"], False),
    ],
)  # fmt: skip
def test_few_values_are_a_category_only_where_they_cannot_be_what_the_name_says(name, values, identifies, n):
    found = column([values[i % len(values)] for i in range(n)], name)
    assert (found.identifies, found.category) == (identifies, not identifies)


def numbered(n):
    return list(range(10_000, 10_000 + n))


@pytest.mark.parametrize("n", [30, 300])
@pytest.mark.parametrize("name", ["Kundennummer", "Kunden-Nr.", "customer_no", "PatientenID"])
def test_unique_numbers_of_people_identify_at_any_size(name, n):
    assert column(numbered(n), name).identifies
    assert column([str(one) for one in numbered(n)], name).identifies


@pytest.mark.parametrize(
    ("name", "values", "identifies"),
    [
        ("score", range(100), False), ("score", [str(i) for i in range(100)], False), ("Gehalt", [f"{i + 1}.250,39" for i in range(100)], False),
        ("when", [f"{1 + i % 28}.{1 + i // 28}.2024" for i in range(100)], False), ("when", pd.date_range("2024-01-01", periods=100), False),
        ("MRN", range(100), True), ("customer", range(100), True), ("customer_income", range(100), False), ("record_id", range(100), True), ("Aktennummer", range(100), True), ("ref", [f"{i:05d}" for i in range(100)], True),
        ("x", [f"{i:05d}" for i in range(100)], True), ("note", [f"went to {i}" for i in range(100)], True),
    ],
)  # fmt: skip
def test_numbers_and_dates_that_only_differ_name_nobody(name, values, identifies):
    found = column(list(values), name)
    assert found.row_names
    assert found.identifies == identifies


@pytest.mark.parametrize("n", [30, 300])
@pytest.mark.parametrize("name", ["Geburtsdatum", "date_of_birth", "Geb.-Datum", "DOB"])
def test_a_date_of_birth_is_one_thing_however_it_is_written(name, n):
    days = pd.date_range("1950-01-01", periods=n, freq="37D")
    for values in (
        days,
        days.date,
        days.strftime("%d.%m.%Y"),
        days.strftime("%Y-%m-%d"),
        days.strftime("%Y%m%d").astype(int),
    ):
        found = column(list(values), name)
        assert (found.identifies, found.helps) == (False, True)


def test_the_guess_of_quasi_identifiers_leaves_out_what_is_known_otherwise():
    frame = pd.DataFrame(
        {
            "Alter": [1],
            "PLZ": ["89073"],
            "Wohnort": ["Ulm"],
            "Geschlecht": ["w"],
            "diagnosis": ["flu"],
            "dose": [1.5],
        }
    )
    found = scan_columns(frame)
    assert quasi_looking(found, but=["diagnosis"]) == ["Alter", "PLZ", "Wohnort", "Geschlecht"]
    assert quasi_looking(found)[-1] == "diagnosis"


@pytest.mark.parametrize(
    ("name", "helps"), [("site_x", True), ("Standort", True), ("lat", True), ("dose", False), ("location_score_mean", False)]
)  # fmt: skip
def test_fractions_that_differ_and_are_named_a_place_help_to_recognise(name, helps):
    assert column(np.random.default_rng(0).normal(size=100), name).helps == helps


@pytest.mark.parametrize(
    ("values", "free"),
    [
        ([f"sah {i} am Markt" for i in range(40)], True), (["wants it red", "rang twice", "nein", None], True),
        ([f"sah {i % 20} am Markt" for i in range(100)], True), ([f"sah {i % 20} am Markt" for i in range(300)], False),
        (["full time", "part time"] * 20, False), ([f"Ulm{i}" for i in range(40)], False), ([f"{i}.5.2001 at 10" for i in range(1, 20)], False),
        (["no", "none"] * 9, False), ([1, 2, 3], False),
    ],
)  # fmt: skip
def test_free_text_is_what_people_write_and_do_not_choose(values, free):
    assert column(values).free_text == free


@pytest.mark.parametrize(
    ("name", "text", "n"),
    [
        ("Frau Dr. Anna von Weber", "Dank an Dr. Koch von der Frau", 0), ("Frau Dr. Anna von Weber", "sah anna", 1), ("anna weber", "Weber", 1),
        ("Do", "do it", 0), ("Do", "Ms Do", 1), ("Weber-Koch", "Frau Koch", 1), ("unknown", "unknown caller", 0), ("Weber", "Weberei", 0), ("É", "É", 0),
        ("Müller", "Fr. MÜLLER,tot", 1),
    ],
)  # fmt: skip
def test_words_of_names_are_found_whole_and_titles_are_none(name, text, n):
    assert records_that_name([pd.Series([name, None])], pd.Series([text, None, "x"])) == n


@pytest.mark.parametrize(
    "frame", [load_adult()[0].X, load_german_credit(seed=0)[0].X], ids=["adult", "german"]
)
def test_shipped_tables_name_nobody(frame):
    assert [one.name for one in scan_columns(frame) if one.identifies] == []


def test_strange_columns_are_survived():
    frame = pd.DataFrame(
        {
            "flag": [True, False], "when": pd.to_datetime(["2001-01-01", None]), "list": [[1], {"a": 2}], "empty": [None, None],
            "inf": [np.inf, 1.0], "bytes": [b"\xff", b"a"], 7: [1, 2], "cat": pd.Categorical(["a", "b"]), "big": [2**70, 1],
        }
    )  # fmt: skip
    assert len(scan_columns(frame)) == 9


@BUSY
@given(
    st.lists(st.one_of(st.none(), st.text(max_size=40), st.integers(), st.floats()), min_size=1, max_size=20),
    st.sampled_from(["c", "Vorname", "phone", "Kundennummer", "Geburtsdatum", "id", "Strasse"]),
)
def test_any_column_is_survived_and_counts_add_up(values, name):
    found = scan_columns(pd.DataFrame({name: pd.Series(values, dtype=object)}))[0]
    assert found.rows == len(values)
    assert sum([found.identifies, found.helps, found.category, found.unclear]) <= 1
    assert all(0 < n <= found.known for n in (*found.kinds.values(), *found.doubtful.values()))


def test_no_value_is_in_what_is_told():
    planted = ["canary.zebra@uni-ulm.de", "DE89370400440532013000", "536-90-4399"]
    assert not any(word in repr(column([word] * 3)) for word in planted)
