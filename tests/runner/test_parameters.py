from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.check import find
from auditkit.errors import InputError
from auditkit.runner.parameters import bounds, declared, in_cell, of_checks, parse_assignments, validate
from auditkit.runner.templates import find_template, read_template

KNOWN = of_checks(
    find("reference_attacks")
    + find("model_performance")
    + find("demographic_parity")
    + find("decision_attack")
)

NAMES_THAT_ARE_CODE = [
    "__import__('os').system('true')",
    "__import__",
    "a;b",
    "a\nb",
    "model_performance__level\n",
    "x\nimport os\ny",
    "performance.level",
    "model_performance__level, x",
    "import",
    "class",
    "match",
    "print",
    "open",
    "_private",
    "",
    " ",
    "1x",
    "\uff50erformance__level",
    "model_performance__lev\u0435l",
    "x" * 101,
]


@pytest.mark.parametrize("name", NAMES_THAT_ARE_CODE)
def test_a_name_that_is_code_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        validate({name: 0.9}, KNOWN)


@pytest.mark.parametrize("name", [n for n in NAMES_THAT_ARE_CODE if n.strip() == n])
def test_a_name_that_is_code_is_refused_on_the_command_line(name: str) -> None:
    with pytest.raises(InputError):
        parse_assignments([f"{name}=0.9"], KNOWN)


@pytest.mark.parametrize(
    "word",
    [
        "model_performance__level=high",
        "model_performance__level=1",
        "model_performance__level=0.5",
        "model_performance__level=NaN",
        "model_performance__level=Infinity",
        'model_performance__level="__import__(1)"',
        "model_performance__level=",
        "model_performance__level=[0.9]",
        "reference_attacks__references=5",
        "reference_attacks__references=8.5",
        "reference_attacks__references=1e9",
        "demographic_parity__features=sex",
        'demographic_parity__features=["sex", 3]',
        "demographic_parity__intersections=maybe",
        "decision_attack__norm=l3",
    ],
)
def test_a_value_that_does_not_fit_is_refused(word: str) -> None:
    with pytest.raises(InputError, match=word.partition("=")[0]):
        parse_assignments([word], KNOWN)


def test_values_are_read_as_json_of_the_declared_type() -> None:
    words = [
        "model_performance__level=0.9",
        "reference_attacks__references=16",
        'demographic_parity__features=["sex", "age; import os"]',
        "demographic_parity__intersections=false",
        "decision_attack__norm=linf",
    ]
    assert parse_assignments(words, KNOWN) == {
        "model_performance__level": 0.9,
        "reference_attacks__references": 16,
        "demographic_parity__features": ["sex", "age; import os"],
        "demographic_parity__intersections": False,
        "decision_attack__norm": "linf",
    }


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("AK401__record=[3]", r"Did you mean 'shap_importance__records'\?$"),
        ("shap_importance__record=[3]", r"Did you mean 'shap_importance__records'\?$"),
        ("AK401__zzz=1", "Known of AK401: shap_importance__rows, .*__level.$"),
        ("AK101__level=0.9", "It does not run AK101.$"),
        ("shap_importance__records=[1.5]", r"whole and from 0, got 1.5: -p shap_importance__records=\[0\]$"),
    ],
)
def test_a_parameter_said_of_a_check_is_looked_for_in_that_check(word: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_assignments([word], declared(find_template("explainability")))


def test_errors_say_what_to_type() -> None:
    with pytest.raises(InputError, match="Did you mean 'model_performance__level'"):
        parse_assignments(["performance_level=0.9"], KNOWN)
    with pytest.raises(InputError, match="NAME=VALUE"):
        parse_assignments(["model_performance__level"], KNOWN)
    with pytest.raises(InputError, match="set by --seed"):
        parse_assignments(["seed=3"], KNOWN)
    with pytest.raises(InputError, match="twice"):
        parse_assignments(["model_performance__level=0.9", "model_performance__level=0.8"], KNOWN)


@pytest.mark.parametrize("name", ["api_key", "token", "db_password", "SECRET", "model__key", "apikey"])
def test_a_parameter_named_like_a_secret_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="secret"):
        in_cell(f"{name} = 'x'")


def test_words_that_only_contain_such_a_name_are_not_secrets() -> None:
    assert set(in_cell("monkeys = 1\nkeyboard = 2\ntokenizer_rows = 3")) == {
        "monkeys",
        "keyboard",
        "tokenizer_rows",
    }


# put together here, so that no scanner takes this file for a leak
SECRETS = [
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "ghp_" + "a1B2" * 9,
    "-----BEGIN RSA " + "PRIVATE KEY-----",
    "eyJ" + "hbGciOiJI" + ".eyJ" + "zdWIiOiIx" + ".sig",
    "postgres://user:" + "hunter2@host/db",
    "hf_" + "abcdefghij" * 3,
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_value_that_looks_like_a_secret_is_refused_and_not_repeated(secret: str) -> None:
    for words in (
        [f"demographic_parity__features={json.dumps([secret])}"],
        [f"decision_attack__norm={secret}"],
    ):
        with pytest.raises(InputError, match="looks like a secret") as refused:
            parse_assignments(words, KNOWN)
        assert secret not in str(refused.value)


def test_a_value_that_would_burst_the_parser_is_refused() -> None:
    with pytest.raises(InputError, match="characters at most"):
        parse_assignments(["demographic_parity__features=" + "[" * 20_000], KNOWN)
    with pytest.raises(InputError):
        parse_assignments(["demographic_parity__features=" + "[" * 9_000], KNOWN)


@given(st.text(max_size=60))
def test_any_word_is_read_or_refused(word: str) -> None:
    try:
        given = parse_assignments([word], KNOWN)
    except InputError:
        return
    assert set(given) <= set(KNOWN)
    json.dumps(given, allow_nan=False)


def test_what_papermill_writes_is_the_value_that_was_checked() -> None:
    from papermill.translators import PythonTranslator

    value = ['quote " and \\ back', "new\nline", "'); import os #", "\u202e"]
    found = validate({"demographic_parity__features": value}, KNOWN)
    scope: dict[str, Any] = {}
    exec(PythonTranslator.codify(found), scope)
    assert scope["demographic_parity__features"] == value


def test_a_tuple_becomes_a_list_and_an_object_is_refused() -> None:
    assert validate({"demographic_parity__features": ("sex",)}, KNOWN) == {
        "demographic_parity__features": ["sex"]
    }
    with pytest.raises(InputError, match="plain JSON"):
        validate({"demographic_parity__features": {1, 2}}, KNOWN)


def test_an_own_template_declares_by_its_cell(make_template: Any) -> None:
    path = make_template(
        '"""What the team sets."""\nsubject_file = "s.toml"\nrows = 10  # how many\nratio: float = 1\nlabel = None\nnames = ["a"]'
    )
    known = declared(read_template(path))
    assert set(known) == {"rows", "ratio", "label", "names"}
    assert parse_assignments(["rows=20", "ratio=0.5", "label=x", 'names=["b"]'], known) == {
        "rows": 20,
        "ratio": 0.5,
        "label": "x",
        "names": ["b"],
    }
    with pytest.raises(InputError, match=r'-p names=\["b"\]$'):  # a list is typed with its brackets
        parse_assignments(["names=b"], known)
    with pytest.raises(InputError, match=r'-p names=\["b", "c"\]$'):
        parse_assignments(["names=b, c"], known)
    for word in ("rows=x", "rows=0.5", 'names={"a": 1}', "ratio=x"):
        with pytest.raises(InputError):
            parse_assignments([word], known)


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "x = open('a')",
        "x = y = 1",
        "x, y = 1, 2",
        "x = 1 +",
        "print(1)",
        "%matplotlib inline",
        "__x__ = 1",
        "x[0] = 1",
    ],
)
def test_a_parameters_cell_of_code_is_refused_and_not_run(source: str) -> None:
    with pytest.raises(InputError):
        in_cell(source)


def test_a_cell_that_has_gone_stale_says_how_to_refresh(make_template: Any) -> None:
    path = make_template(
        'subject_file = "s.toml"\nmodel_performance__lvl = 0.9', about={"checks": ["model_performance"]}
    )
    with pytest.raises(
        InputError, match=r"model_performance__lvl.*Did you mean 'model_performance__level'.*Refresh"
    ):
        declared(read_template(path))


def test_every_parameter_of_a_shipped_template_is_one_of_its_checks() -> None:
    template = find_template("bias")
    expected = {f"{c.name}__{p.name}" for c in template.resolved_checks() for p in c.parameters}
    assert set(declared(template)) == expected


def test_bounds_in_words() -> None:
    assert bounds(KNOWN["decision_attack__norm"]) == "one of 'l1', 'l2', 'linf', 'l0'"
    assert bounds(KNOWN["model_performance__level"]) == "above 0.5, below 1"
    assert bounds(KNOWN["demographic_parity__features"]) == ""
