"""Checks: marked, found, and asked with parameters that fit."""

from __future__ import annotations

import pickle
from typing import Annotated, Literal

import pytest
from annotated_types import Ge, Gt, Le, Lt
from typing_extensions import Doc

import auditkit
from auditkit.check import DIMENSIONS, Check, check, find, registry, resolve
from auditkit.errors import InputError
from auditkit.evidence import Evidence

ABOUT = {"code": "XX001", "title": "T", "question": "Q?", "dimension": "own", "metrics": ["value"]}


def sample(
    subject, *, rng,
    whole: Annotated[int, Ge(1), Le(9), Doc("A whole number.")] = 3,
    part: Annotated[float, Gt(0), Lt(1)] = 0.5,
    word: str = "a",
    kind: Literal["x", "y"] = "x",
    maybe: list[str] | None = None,
    yes: bool = True,
) -> Evidence:  # fmt: skip
    return Evidence("XX001")


SAMPLE = check(**ABOUT)(sample).__auditkit__


def test_a_mark_is_no_wrapper():
    assert check(**ABOUT)(sample) is sample
    assert pickle.loads(pickle.dumps(auditkit.data.make_credit)) is auditkit.data.make_credit


def test_parameters_are_read_from_the_signature():
    known = {p.name: p for p in SAMPLE.parameters}
    assert list(known) == ["whole", "part", "word", "kind", "maybe", "yes"]
    assert (known["whole"].low, known["whole"].high, known["whole"].low_open) == (1, 9, False)
    assert known["whole"].description == "A whole number."
    assert (known["part"].low, known["part"].low_open, known["part"].high, known["part"].high_open) == (
        0,
        True,
        1,
        True,
    )
    assert known["kind"].choices == ("x", "y")
    assert [p.default for p in SAMPLE.parameters] == [3, 0.5, "a", "x", None, True]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("whole", "4", 4), ("part", "0.25", 0.25), ("part", "1e-3", 0.001), ("word", "b", "b"), ("word", "3", "3"),
        ("word", "null", "null"), ("word", '"q"', '"q"'), ("kind", "y", "y"), ("maybe", "null", None),
        ("maybe", '["a", "b"]', ["a", "b"]), ("yes", "false", False), ("yes", "no", False),
    ],
)  # fmt: skip
def test_text_is_read_by_the_type(name, text, value):
    (parameter,) = (p for p in SAMPLE.parameters if p.name == name)
    assert parameter.parse(text) == value
    assert type(parameter.parse(text)) is type(value)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"whole": 0}, "sample: whole=0: input should be greater than or equal to 1"),
        ({"whole": 10}, "less than or equal to 9"),
        ({"whole": 2.5}, "whole=2.5"),
        ({"whole": None}, "whole=None"),
        ({"part": 0}, "greater than 0"),
        ({"part": float("inf")}, "part=inf"),
        ({"part": float("nan")}, "part=nan"),
        ({"kind": "z"}, "'x' or 'y'"),
        ({"maybe": "a"}, r"valid list.*; type maybe=\['a'\]"),
        ({"maybe": "a, b"}, r"; type maybe=\['a', 'b'\]"),
        ({"kind": ["x"]}, "; type kind='x'"),
        ({"part": "95%"}, "; type part=0.95"),
        ({"wole": 1}, "no parameter 'wole'. Did you mean 'whole'"),
        ({"rng": 1}, "no parameter 'rng'"),
        ({"subject": 1}, "no parameter 'subject'"),
    ],
)
def test_values_that_do_not_fit_are_refused(params, message):
    with pytest.raises(InputError, match=message):
        resolve(SAMPLE, params)


def test_defaults_fill_what_is_not_given():
    assert resolve(SAMPLE, {"whole": 5}) == {
        "whole": 5,
        "part": 0.5,
        "word": "a",
        "kind": "x",
        "maybe": None,
        "yes": True,
    }


def test_a_default_that_does_not_fit_is_found_out():
    def bad(subject, *, rng, n: Annotated[int, Ge(1)] = 0) -> Evidence: ...

    with pytest.raises(InputError, match="bad: n=0"):
        resolve(check(**ABOUT)(bad).__auditkit__, {})


def unmarked(subject, *, rng) -> Evidence: ...


def no_rng(subject) -> Evidence: ...
def no_subject(data, *, rng) -> Evidence: ...
def nothing() -> Evidence: ...
def positional(subject, rng, n: int = 3) -> Evidence: ...
def no_default(subject, *, rng, n: int) -> Evidence: ...
def untyped(subject, *, rng, n=3) -> Evidence: ...
def rest(subject, *, rng, **params: int) -> Evidence: ...
def unknown_type(subject, *, rng, n: Nowhere = 3) -> Evidence: ...  # noqa: F821


@pytest.mark.parametrize(
    "function", [no_rng, no_subject, nothing, positional, no_default, untyped, rest, unknown_type]
)
def test_a_function_that_is_no_check_is_refused(function):
    with pytest.raises(InputError, match="XX001: "):
        check(**ABOUT)(function)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"code": "ak201"}, "capital letters and three digits"),
        ({"code": "AK20"}, "capital letters and three digits"),
        ({"code": "AK201 "}, "capital letters and three digits"),
        ({"code": None}, "capital letters and three digits"),
        ({"metrics": []}, "names a title, a dimension and the metrics"),
        ({"dimension": ""}, "names a title, a dimension and the metrics"),
        ({"title": ""}, "names a title, a dimension and the metrics"),
    ],
)
def test_an_incomplete_mark_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        check(**ABOUT | change)


def test_a_mark_called_as_if_it_ran_a_check_says_how_to_run_one():
    with pytest.raises(InputError, match=r"Audit\(\{'AK401': \{'records': \[3\]\}\}\)\.run\(subject\)"):
        check("AK401", records=[3])


def test_one_metric_may_be_given_as_a_word():
    assert check(**ABOUT | {"metrics": "value"})(unmarked).__auditkit__.metrics == ("value",)


def test_a_check_can_be_a_key_also_with_a_list_as_default():
    def listed(subject, *, rng, names: list[str] = ["a"]) -> Evidence: ...  # noqa: B006

    about = check(**ABOUT)(listed).__auditkit__
    assert {about: 1}[about] == 1


def test_the_registry_is_in_order_and_whole():
    found = registry()
    assert found.broken == {}
    codes = [c.code for c in found.checks]
    assert len(set(codes)) == len(codes)
    assert len({c.name for c in found.checks}) == len(codes)
    ranks = [list(DIMENSIONS).index(c.dimension) for c in found.checks]
    assert ranks == sorted(ranks)
    assert registry() is found
    assert "demographic_parity_difference" in found.metrics()


def test_words_are_found():
    (by_name,), (by_code,) = find("demographic_parity"), find("AK101")
    assert by_name is by_code
    assert find(by_name.function) == find(by_name) == (by_name,)
    assert {c.dimension for c in find("bias")} == {"bias"}
    with pytest.raises(InputError, match=r"no check named 'biass'. Did you mean 'bias'"):
        find("biass")
    with pytest.raises(InputError, match=r"mark it with @auditkit\.check"):
        find(len)


def test_a_description_is_what_the_report_needs():
    about = SAMPLE.describe()
    assert about["page"] == "docs/checks/xx001.md"
    assert set(about) == {"code", "name", "title", "question", "dimension", "page"}
    assert isinstance(SAMPLE, Check)
