"""Personal data in text: each kind planted and found, near misses let be, and any text at all survived."""

from __future__ import annotations

import string
from itertools import pairwise
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditkit.scanning.personal import KINDS, Hit, find_personal, fits, personal_column, special_column

BUSY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine has other work

PLANTED = {
    "email": ["ana.luz+work@uni-ulm.de", "j_doe@mail.corp.co.uk", "müller@bücher.de"],
    "phone": [
        "+49 731 5012345",
        "+1-202-456-1111",
        "(202) 456-1111",
        "+442079460018",
        "+1.202.456.1111",
        "+49.731.5012345",
    ],
    "payment_card": ["4111 1111 1111 1111", "5555555555554444", "3782-822463-10005", "30569309025904"],
    "iban": ["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "NO9386011117947"],
    "us_ssn": ["536-90-4399"],
    "uk_nino": ["AB 12 34 56 C", "AB123456C"],
    "uk_nhs": ["NHS no. 943 476 5919"],
    "es_dni": ["12345678Z", "X1234567L"],
    "it_codice_fiscale": ["RSSMRA85T10A562S"],
    "fr_nir": ["2 55 08 14 168 025 38"],
    "br_cpf": ["529.982.247-25"],
    "se_personnummer": ["811228-9874"],
    "pl_pesel": ["PESEL: 44051401359"],
    "nl_bsn": ["BSN 111222333"],
    "de_tax_id": ["Steuer-ID 36 574 261 809"],
    "in_aadhaar": ["Aadhaar 2341 2341 2346"],
    "ca_sin": ["SIN 130 692 544"],
    "ip_address": ["83.145.201.77"],
    "birth_date": ["born 1984-02-29", "Geburtsdatum: 29.2.1984", "geb. 10.12.1985", "Geb.: 1.2.1985"],
}
NOT = [
    "someone@example.com", "git@github.com", "W@X.T", "scores@weights.mean()", "user@localhost",
    "4111 1111 1111 1112", "0.4111111111111111", "4111111111111111.5", "1700000000000000000", "0000000000000000",
    "DE89 3704 0044 0532 0130 01", "XX89370400440532013000", "078-05-1120", "666-12-1234", "900-12-1234",
    "12345678A", "RSSMRA85T10A562T", "529.982.247-26", "811328-9874", "811228-9875", "44051401359", "111222333",
    "192.168.0.1", "127.0.0.1", "1.2.3.4", "numpy==1.26.4.77", "999.1.1.1", "2024-02-29", "released 1984-02-29", "born 1985-02-29", "Ergeb. 10.12.1985", "abgegeben 10.12.1985", "Geb. 12, Raum 3",
    "+12", "x = a+1234567", "+3.14159265358979", "w = [+2.718281828, -1.5]", "y = +1.5-2.25-3.125", "+1.0/2.0/3.00000", "1e+1234567890", "QQ123456C", "(555) 555-0123", "v10.20.30.40",
]  # fmt: skip


def test_every_kind_has_planted_text():
    assert set(PLANTED) == set(KINDS)


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in PLANTED.items() for text in texts]
)
def test_planted_is_found_alone_and_in_a_sentence(kind, text):
    for sentence in (text, f"see: {text}, thanks", f"'{text}'", f"<td>{text}</td>", f'{{"a": "{text}"}}\n'):
        found = find_personal(sentence)
        assert [hit.kind for hit in found] == [kind], sentence
        assert sentence[found[0].start : found[0].end] in text


@pytest.mark.parametrize("text", NOT)
def test_near_misses_are_let_be(text):
    assert find_personal(text) == ()


def test_a_number_ends_where_its_country_says():
    text = "DE89370400440532013000 and more words"
    assert find_personal(text) == (Hit(0, 22, "iban"),)


@BUSY
@given(st.text(max_size=300))
def test_any_text_is_survived_and_places_are_in_order(text):
    found = find_personal(text)
    assert all(0 <= hit.start < hit.end <= len(text) for hit in found)
    assert all(first.end <= second.start for first, second in pairwise(found))
    fits(text)
    personal_column(text)
    special_column(text)


@BUSY
@given(st.text(alphabet="0123456789 -.+@()ADEXZ", max_size=400))
def test_text_near_the_patterns_is_survived(text):
    assert all(hit.kind in KINDS for hit in find_personal(text))


@BUSY
@given(st.text(alphabet=string.digits, min_size=15, max_size=15), st.sampled_from("4"))
def test_exactly_one_last_digit_makes_a_card(rest, first):
    # the formula of Luhn has one check digit for each number
    fitting = [last for last in string.digits if fits(first + rest[:14] + last) == ("payment_card",)]
    assert len(fitting) == 1


@pytest.mark.parametrize(
    ("kind", "draw"),
    [
        ("nl_bsn", lambda random: f"{random.randrange(10**9):09d}"),
        ("es_dni", lambda random: f"{random.randrange(10**8):08d}{random.choice('TRWAGMYFPDXBNJZSQVHLCKE')}"),
        ("payment_card", lambda random: f"4{random.randrange(10**15):015d}"),
        ("in_aadhaar", lambda random: f"{random.randrange(2 * 10**11, 10**12)}"),
        ("uk_nhs", lambda random: f"{random.randrange(10**10):010d}"),
    ],
)
def test_random_values_fit_as_often_as_is_said(kind, draw):
    from auditkit.scanning._patterns import PATTERNS

    chance = next(one.chance for one in PATTERNS if one.kind == kind)
    random, n = Random(7), 20_000
    seen = sum(kind in fits(draw(random)) for _ in range(n)) / n
    assert abs(seen - chance) < 5 * (chance * (1 - chance) / n) ** 0.5


@pytest.mark.parametrize(
    "text",
    ["a" * 40_000, "a." * 20_000, "a@" * 20_000, "1" * 40_000, "+1" * 20_000, "1 " * 20_000, "a@a." * 10_000],
)
@pytest.mark.timeout(60)
def test_no_text_makes_a_pattern_go_back_and_forth(text):
    find_personal(text)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("first_name", "name"), ("Name", "name"), ("customerName", "name"), ("Nachname", "name"), ("E-Mail", "email"),
        ("email_address", "email"), ("phoneNumber", "phone"), ("street_address", "address"), ("ZIP", "postcode"), ("DOB", "birth date"),
        ("date_of_birth", "birth date"), ("Fecha de nacimiento", "birth date"), ("SSN", "national number"), ("social security no", "national number"),
        ("iban", "bank account"), ("account_number", "bank account"), ("credit_card", "payment card"), ("ip", "network address"),
        ("ip_address", "network address"), ("latitude", "place"), ("customer_id", "number of a person"), ("Prénom", "name"),
        ("Kundennummer", "number of a person"), ("Mitglieds-Nr.", "number of a person"), ("Steuernummer", "national number"),
        ("Kfz-Kennzeichen", "licence"), ("Geb.-Datum", "birth date"), ("Telefonnummer", "phone"),
    ],
)  # fmt: skip
def test_names_of_columns_that_say_a_person(name, kind):
    assert personal_column(name) == kind


@pytest.mark.parametrize(
    "name",
    ["age", "capital_gain", "file_name", "column_name", "model_name", "species_name", "credit_card_limit", "email_count", "has_phone", "x1",
     "petal length", "duration", "target", "", "123", "hours_per_week", "education", "memory_address", "url_address",
     "Hausnummer", "Aktennummer", "score", "order_id", "personalize"],
)  # fmt: skip
def test_names_of_columns_that_say_nothing_of_a_person(name):
    assert personal_column(name) is None


def test_special_categories_are_told_by_name():
    assert special_column("Race") == "ethnic origin"
    assert special_column("union_member") == "trade union"
    assert special_column("embrace") is None
