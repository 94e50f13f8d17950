"""Personal data: numbers with their check digits, addresses, and columns of tables that are shown."""

from __future__ import annotations

import nbformat.v4 as v4
import pytest

from auditkit.scanning.notebooks import redacted, scan_notebook, written
from auditkit.scanning.notebooks.personal import PERSONAL

pytestmark = pytest.mark.needs("detect_secrets", extra="scan")


def rules(world, *texts):
    scan = scan_notebook(world.notebook(*(v4.new_raw_cell(text) for text in texts)))
    assert {one.kind for one in scan.personal} <= set(PERSONAL)
    return [one.kind for one in scan.personal]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("write to ada.lovelace@analytical.org today", "email"),
        ("card 4111-1111-1111-1111", "payment_card"),
        ("DE89 3704 0044 0532 0130 00", "iban"),
        ("MT84MALT011000012345MTLCAST001S", "iban"),
        ("call +44 20 7946 0018", "phone"),
        ("(212) 736-5000", "phone"),
        ("078-05-1121", "us_ssn"),
        ("NHS number 943 476 5919", "uk_nhs"),
        ("RSSMRA85T10A562S", "it_codice_fiscale"),
        ("DNI 12345678Z", "es_dni"),
        ("PESEL 44051401359", "pl_pesel"),
        ("529.982.247-25", "br_cpf"),
        ("from 52.94.236.248 port 22", "ip_address"),
        ("# geb. 10.12.1985", "birth_date"),
    ],
)
def test_personal_data_are_found_and_redacted(world, text, rule):
    assert rules(world, text) == [rule]
    notebook = world.notebook(v4.new_code_cell(f"x = '{text}'"))
    assert rules(world, redacted(notebook).notebook["cells"][0]["source"]) == []


@pytest.mark.parametrize(
    "text",
    [
        "me@example.com, git@github.com:org/repo.git, noreply@github.com",
        "A@B.dot(C)",
        "4111 1111 1111 1112",
        "0.4111111111111111 and 4111111111111111.5",
        "1700000000000000000 ns, 1700000000123 ms",
        "DE88 3704 0044 0532 0130 00",
        "943 476 5919",
        "44051401359",
        "000-12-3456 and 666-12-3456",
        "+3.14159265358979 +1234567",
        "10.0.0.1 192.168.1.1 127.0.0.1 255.255.255.255 8.8.8.8 192.0.2.7",
        "opencv-python==4.12.0.88 driver version 535.104.5.12",
        "12:30:59 2024-01-31 00:11:22:33:44:55",
        "(212) 555-0199",
    ],
)
def test_what_only_looks_like_personal_data_is_left_alone(world, text):
    assert rules(world, text) == []


def test_an_address_in_code_is_one_only_in_a_string_or_a_comment(world):
    scan = scan_notebook(
        world.notebook(v4.new_code_cell("C = A@b.com\n# by ada@lovelace.org\nx = 'bob@builder.org'"))
    )
    assert [one.place.line for one in scan.personal] == [2, 3]


PEOPLE = {"First Name": ["Ada", "Grace"], "age": [36, 85], "e-mail": ["ada@lovelace.org", None]}


def test_columns_of_shown_tables_are_told_by_their_names_and_redacted_in_every_form(world):
    import pandas as pd

    frame = pd.DataFrame(PEOPLE)
    pipes = "| First Name | age |\n|---|---|\n| Ada | 36 |\n| Grace | 85 |\n"
    cells = [
        v4.new_code_cell("people", outputs=[v4.new_output("execute_result", data={"text/html": frame.to_html(), "text/plain": frame.to_string()})]),
        v4.new_code_cell("print(people)", outputs=[v4.new_output("stream", text=frame.to_string())]),
        v4.new_code_cell("people", outputs=[v4.new_output("display_data", data={"application/json": frame.to_dict("records"), "text/plain": "<JSON>"})]),
        v4.new_markdown_cell(pipes),
    ]  # fmt: skip
    notebook = world.notebook(*cells)
    scan = scan_notebook(notebook)
    told = {(one.place.cell, one.kind) for one in scan.personal}
    both = ("column_name", "column_email")
    assert told == {(cell, rule) for cell in (1, 2, 3) for rule in both} | {(4, "column_name")}
    [first] = [one for one in scan.personal if one.kind == "column_name" and "html" in one.place.part]
    assert first.count == 2
    text = written(redacted(notebook).notebook).decode()
    assert [word for word in ("Ada", "Grace", "lovelace") if word in text] == []
    assert "36" in text
    assert "85" in text


def test_a_column_whose_values_are_not_what_its_name_says_is_left_alone(world):
    import pandas as pd

    frame = pd.DataFrame(
        {"telephone": ["yes", "none"], "address": [1, 2], "email": ["x", "y"], "name": ["AK101", "AK102"]}
    )
    cell = v4.new_code_cell(
        "x",
        outputs=[
            v4.new_output(
                "execute_result", data={"text/html": frame.to_html(), "text/plain": frame.to_string()}
            )
        ],
    )
    assert scan_notebook(world.notebook(cell)).personal == ()


def test_numbers_in_json_are_read_with_their_key_and_become_text(world):
    data = {
        "application/json": [
            {"ssn": 78051121, "nhs number": 9434765919, "n": 9434765919, "card": 4111111111111111}
        ]
    }
    cell = v4.new_code_cell("x", outputs=[v4.new_output("display_data", data=data)])
    made = redacted(world.notebook(cell)).notebook["cells"][0]["outputs"][0]["data"]["application/json"]
    assert made == [{"ssn": "[redacted]", "nhs number": "[redacted]", "n": 9434765919, "card": "[redacted]"}]


def test_names_that_a_language_model_gives_are_told_apart(world):
    def named(text):
        at = text.find("Ada Lovelace")
        return [(at, at + 12)] if at >= 0 else []

    notebook = world.notebook(v4.new_markdown_cell("as Ada Lovelace wrote"))
    assert scan_notebook(notebook).personal == ()
    [one] = scan_notebook(notebook, named=named).personal
    assert one.kind == "named_by_model"
    assert redacted(notebook, named=named).notebook["cells"][0]["source"] == "as [redacted] wrote"


def presidio(monkeypatch, *, model=True):
    """Put an analyser in the place of presidio's that finds one name."""
    import sys
    from types import ModuleType, SimpleNamespace

    from auditkit.scanning.notebooks import presidio as ours

    class Engine:
        def __init__(self, **_):
            pass

        def analyze(self, text, language, entities):
            at = text.find("Grace")
            found = [
                SimpleNamespace(start=at, end=at + 5, score=0.9),
                SimpleNamespace(start=0, end=2, score=0.1),
            ]
            return found if at >= 0 else []

    package, engines = ModuleType("presidio_analyzer"), ModuleType("presidio_analyzer.nlp_engine")
    package.AnalyzerEngine = Engine
    engines.NlpEngineProvider = lambda **_: SimpleNamespace(create_engine=lambda: None)
    monkeypatch.setitem(sys.modules, "presidio_analyzer", package)
    monkeypatch.setitem(sys.modules, "presidio_analyzer.nlp_engine", engines)
    there = {"presidio_analyzer", ours.MODEL} if model else {"presidio_analyzer"}
    monkeypatch.setattr(ours, "find_spec", lambda name: name in there or None)
    return ours


def test_presidio_is_asked_where_it_and_its_model_are_installed(world, monkeypatch):
    named = presidio(monkeypatch).names_in()
    notebook = world.notebook(v4.new_markdown_cell("as Grace wrote"))
    assert redacted(notebook, named=named).notebook["cells"][0]["source"] == "as [redacted] wrote"
    assert scan_notebook(redacted(notebook, named=named).notebook, named=named).personal == ()


def test_presidio_is_never_let_download_a_model(monkeypatch):
    from auditkit.errors import InputError

    with pytest.raises(InputError, match="auditkit downloads none"):
        presidio(monkeypatch, model=False).names_in()
    monkeypatch.setattr("auditkit.scanning.notebooks.presidio.find_spec", lambda _: None)
    with pytest.raises(InputError, match="pip install presidio-analyzer"):
        presidio_module().names_in()


def presidio_module():
    from auditkit.scanning.notebooks import presidio as ours

    return ours
