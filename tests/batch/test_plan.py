from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditkit.batch.keys import Digests, key_of
from auditkit.batch.names import audit_name
from auditkit.batch.plan import load_plan
from auditkit.batch.preview import preview
from auditkit.batch.schema import PlanFile, read_plan_file
from auditkit.batch.starting import write_plan as write_first_plan
from auditkit.errors import InputError
from auditkit.runner.templates import find_template
from auditkit.targets import KINDS, TEMPLATES


def test_a_plan_is_subjects_times_templates_times_parameters_times_seeds_less_exclusions(
    write_plan: Any, place: Path
) -> None:
    file = write_plan(
        "grid = { model_performance__level = [0.9, 0.95, 0.99] }\ntags = ['b']",
        "seeds = [3, 4]\ntags = ['a']\njobs = 2\n[limits]\nmemory = '1.5 GiB'",
        "[[exclude]]\nseed = 4\nparameters = { model_performance__level = 0.9 }\nwhy = 'done elsewhere'",
    )
    plan = load_plan(file)
    assert [one.name for one in plan.audits] == [
        f"toy-tiny-level={level}-seed={seed}" for level, seed in ((0.9, 3), (0.95, 3), (0.95, 4), (0.99, 3), (0.99, 4))
    ]  # fmt: skip
    assert plan.excluded == (("toy-tiny-level=0.9-seed=4", "done elsewhere"),)
    assert plan.excluded_cells == {("toy", "tiny")}
    assert plan.jobs == 2
    assert plan.audits[0].tags == ("a", "b")
    assert plan.audits[0].limits.memory == 1_610_612_736  # 1.5 * 2**30
    assert plan.audits[0].parameters == {"model_performance__level": 0.9}
    said = preview(plan, place / "nowhere")
    assert [one["would"] for one in said["audits"]] == ["run"] * 5
    assert "not known" in said["words"]
    assert not (place / "nowhere").exists()


def test_one_audit_needs_no_more_than_its_two_names(write_plan: Any) -> None:
    (one,) = load_plan(write_plan()).audits
    assert (one.name, one.seed, one.parameters) == ("toy-tiny", None, {})


@pytest.mark.parametrize("name", ["a value", "a seed"])
def test_an_audit_keeps_its_name_and_its_key_when_others_come_or_go(write_plan: Any, name: str) -> None:
    def audits(grid: str, seeds: str) -> dict[str, str]:
        plan, digests = load_plan(write_plan(f"grid = {{ {grid} }}", f"seeds = {seeds}")), Digests()
        return {one.name: key_of(one, digests) for one in plan.audits}

    few = audits("model_performance__level = [0.95]", "[0]")
    assert list(few) == ["toy-tiny-level=0.95-seed=0"]
    more = {
        "a value": ("model_performance__level = [0.9, 0.95]", "[0]"),
        "a seed": ("model_performance__level = [0.95]", "[7, 0]"),
    }[name]
    assert few.items() <= audits(*more).items()


def test_names_are_of_what_differs_readable_and_files_names_everywhere() -> None:
    wanted = {
        ("credit", "bias", (), None): "credit-bias",
        ("credit v2", "bias", (), None): "credit_v2-bias",
        (
            "credit",
            "membership",
            (("reference_attacks__references", 16),),
            1,
        ): "credit-membership-references=16-seed=1",
        (
            "credit",
            "own",
            (("b__level", 0.9), ("a__level", -0.5)),
            None,
        ): "credit-own-a__level=-0.5-b__level=0.9",
        (
            "credit",
            "own",
            (("a__method", "auto"), ("a__fast", True)),
            None,
        ): "credit-own-fast=true-method=auto",
    }
    for (subject, template, variant, seed), name in wanted.items():
        assert audit_name(subject, template, dict(variant), seed) == name
    hidden = audit_name("\N{CJK UNIFIED IDEOGRAPH-65E5}", "bias", {}, None)
    assert hidden != audit_name("\N{CJK UNIFIED IDEOGRAPH-4E2D}", "bias", {}, None)


values = st.one_of(
    st.text(max_size=60),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.lists(st.one_of(st.text(max_size=5), st.integers()), max_size=4),
)


@given(one=values, other=values)
def test_two_values_never_share_a_name_and_a_name_is_a_files_name(one: Any, other: Any) -> None:
    first, second = (audit_name("s", "t", {"c__o": value}, None) for value in (one, other))
    if json.dumps(one) != json.dumps(other):
        assert first != second
    for name in (first, second):
        assert re.fullmatch(r"s-t-o=[A-Za-z0-9_.+-]+", name)
        assert len(name) <= 160


def test_what_has_one_name_is_refused(write_plan: Any) -> None:
    with pytest.raises(
        InputError, match=r"'toy-tiny-level=0.9' stands there 2 times: .* each value of a list once"
    ):
        load_plan(write_plan("grid = { model_performance__level = [0.9, 0.9] }"))


@pytest.mark.parametrize(
    ("template", "head", "tail", "told"),
    [
        ("", "sedes = [1]", "", r"no key 'sedes'\. Did you mean 'seeds'"),
        ("parmeters = {}", "", "", r"no key 'template\.1\.parmeters'\. Did you mean 'parameters'"),
        ("limits = { second = 1 }", "", "", r"template\.1\.limits\.second'\. Did you mean 'seconds'"),
        ("", "[limits]\nmemory = 'much'", "", r'limits\.memory: expected a size such as "2 GiB"'),
        ("", "[limits]\nseconds = 0", "", r"limits\.seconds"),
        ("", "[limits]\ntimeout = 60", "", r"no key 'limits\.timeout'\. Did you mean 'seconds'\?"),
        ("limits = { ram = '1 GiB' }", "", "", r"no key 'template\.1\.limits\.ram'\. Did you mean 'memory'\?"),
        ("", "[limits]\nseconds = '10 minutes'", "", r"limits\.seconds: expected a number of seconds, as in seconds = 600; got '10 minutes'"),
        ("", "[limits]\nseconds = '1.5 h'", "", r"as in seconds = 5400; got"),
        ("", "[limits]\nseconds = 'soon'", "", r"as in seconds = 3600; got 'soon'"),
        ("", "seeds = 0", "", r"seeds: expected a list, got 0: type seeds = \[0\]"),
        ("", "tags = 'nightly'", "", r'tags: expected a list, got "nightly": type tags = \["nightly"\]'),
        ("tags = 'a'", "", "", r'template\.1\.tags: expected a list, got "a": type tags = \["a"\]'),
        ("grid = { model_performance__level = 0.9 }", "", "", r"type model_performance__level = \[0\.9\]"),
        ("", "seeds = []", "", "seeds"),
        ("", "seeds = [-1]", "", r"seeds\.1"),
        ("", "jobs = 0", "", "jobs"),
        ("parameters = { model_performance__levl = 0.9 }", "", "", r"template\.1.*Did you mean 'model_performance__level'"),
        ("parameters = { model_performance__level = 2 }", "", "", r"template\.1.*model_performance__level"),
        ("grid = { model_performance__level = [] }", "", "", r"template\.1\.grid"),
        ("policy = 'polcy.toml'", "", "", r"template\.1\.policy \(toy-\w+\): no policy file at .*polcy\.toml; paths are relative to the plan"),
        ("", "", "[[exclude]]\nsubject = 'ty'\nwhy = 'x'", r"exclude\.1: no audit fits it\. Did you mean 'toy'"),
        ("", "", "[[exclude]]\nsubject = 'toy'", r"exclude\.1\.why is missing"),
        ("", "", "[[exclude]]\nwhy = 'x'", r"exclude\.1: name a subject"),
        ("", "", "[[exclude]]\nsubject = 't*'\nwhy = 'x'", "leave no audit"),
        ("", "", "[[subject]]\nfile = 'tooy.toml'", r"subject\.2\.file: nothing at 'tooy\.toml'\. Did you mean 'toy\.toml'"),
        ("", "", "[[subject]]\nfile = 'folde/*.toml'", r"subject\.2\.file: nothing at 'folde/\*\.toml'\. Did you mean 'folder'\?"),
        ("", "", "[[subject]]\nfile = '/no/such.toml'", r"subject\.2\.file: nothing at"),
        ("", "", "[[subject]]\nfile = '*/no*.toml'", r"subject\.2\.file: nothing at"),
        ("", "", "[[subject]]\nfile = 'toy.toml'", r"stands there 2 times: give each subject a name"),
        ("", "", "[[template]]\nname = 'bais'", r"template\.2.*Did you mean 'bias'"),
        ("", "", "[[subject]]\nfile = 's3://bucket/toy.toml'", "a path on this machine"),
        ("", "[subject]\nfile = 'toy.toml'", "", "TOML"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_file_key_and_what_was_meant(
    write_plan: Any, template: str, head: str, tail: str, told: str
) -> None:
    file = write_plan(template, head, tail)
    (file.parent / "folder").mkdir()
    with pytest.raises(InputError, match=told) as error:
        load_plan(file)
    assert all(line.startswith(f"{file}: ") for line in str(error.value).splitlines())


def test_all_mistakes_are_told_at_once(write_plan: Any) -> None:
    file = write_plan("polcy = 1", "sedes = [1]", "[[exclude]]\nsubject = 'toy'")
    with pytest.raises(InputError) as error:
        load_plan(file)
    assert len(str(error.value).splitlines()) == 3


def test_a_subject_whose_column_is_missing_is_told_before_anything_starts(
    write_plan: Any, place: Path
) -> None:
    (place / "toy.toml").write_text((place / "toy.toml").read_text().replace('"true"', '"ture"'))
    with pytest.raises(InputError, match=r"no column 'ture'\. Did you mean 'true'"):
        load_plan(write_plan())


def test_one_mistake_is_told_once_at_its_key_with_the_audits_it_touches(write_plan: Any, place: Path) -> None:
    grid = "grid = { model_performance__level = [0.9, 0.95, 0.99] }"
    (place / "policy.toml").unlink()
    told = refused(write_plan(grid)).splitlines()
    assert len(told) == 1
    assert re.search(
        r": policy \(\S+ and 2 more audits\): no policy file at \S+policy\.toml; paths are", told[0]
    )
    told = refused(write_plan(f"{grid}\npolicy = 'other.toml'")).splitlines()
    assert len(told) == 1
    assert ": template.1.policy (" in told[0]
    (place / "said.csv").unlink()
    told = refused(write_plan(grid.replace("0.99", "9"))).splitlines()
    assert [re.search(r": ([a-z.0-9]+) \(", line)[1] for line in told] == [
        "policy",
        "subject.1",
        "template.1",
    ]  # type: ignore[index]
    assert "and 2 more audits" in told[1]
    assert "audit" not in told[2].partition(")")[0].replace("more", "")


def test_one_table_where_a_list_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text("[subject]\nfile = 'a'\n[[template]]\nname = 'bias'")
    with pytest.raises(InputError, match=r"write \[\[subject\]\]"):
        read_plan_file(tmp_path / "p.toml")


def test_the_plan_that_init_writes_is_a_plan_of_what_lies_beside_it(place: Path) -> None:
    written = write_first_plan(place / "first.toml")
    said = read_plan_file(written)
    assert [one.file for one in said.subject] == ["toy.toml"]
    assert said.limits.memory == 4 * 2**30
    with pytest.raises(InputError, match="is there already"):
        write_first_plan(written)


def test_a_first_plan_names_subjects_one_folder_below_too(place: Path, tmp_path: Path) -> None:
    text = (place / "toy.toml").read_text()
    (place / "models").mkdir()
    (place / "models" / "b.toml").write_text(text)
    (place / "models" / "a.toml").write_text(text)
    (place / "models" / "policy.toml").write_text((place / "policy.toml").read_text())
    (place / "models" / "deep").mkdir()
    (place / "models" / "deep" / "c.toml").write_text(text)
    written = write_first_plan(place / "first.toml")
    assert [one.file for one in read_plan_file(written).subject] == [
        "toy.toml",
        "models/a.toml",
        "models/b.toml",
    ]
    assert 'file = "toy.toml"               # or a pattern such as "models/*.toml"' in written.read_text()
    (tmp_path / "bare").mkdir()
    assert 'file = "subject.toml" ' in write_first_plan(tmp_path / "bare" / "first.toml").read_text()


def test_a_first_plan_has_a_template_for_each_kind_beside_it_and_is_read(place: Path, tmp_path: Path) -> None:
    (place / "nb.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    (place / "model.bin").write_bytes(b"\x80\x04K\x01.")
    (place / "books.toml").write_text('kind = "notebooks"\npaths = ["nb.ipynb"]\n')
    (place / "file.toml").write_text('kind = "artifact"\npath = "model.bin"\n')
    written = write_first_plan(place / "first.toml")
    said = read_plan_file(written)
    assert [one.name for one in said.template] == ["bias", "robustness", "artifact", "notebooks"]
    asked = {(one.subject, Path(one.template).stem) for one in load_plan(written).audits}
    assert asked == {("toy", "bias"), ("toy", "robustness"), ("file", "artifact"), ("books", "notebooks")}
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "books.toml").write_text((place / "books.toml").read_text())
    alone = read_plan_file(write_first_plan(tmp_path / "books" / "first.toml"))
    assert [one.name for one in alone.template] == ["notebooks"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_template_that_is_named_for_a_kind_asks_about_it(kind: str) -> None:
    assert {one.about for one in find_template(TEMPLATES[kind]).resolved_checks()} == {kind}


WORDS = st.sampled_from(
    [*PlanFile.model_fields, "file", "name", "grid", "parameters", "why", "seconds", "memory", "x"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=True) | st.text(max_size=8)
    | st.sampled_from(["toy.toml", "tiny.ipynb", "bias", "*", "[", "\0", "../..", "2 GiB"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def refused(file: Path) -> str:
    """Return in what words a plan is refused; empty if it is read."""
    try:
        load_plan(file)
    except InputError as error:
        return str(error)
    return ""


def as_toml(value: Any) -> str:
    """Return a value as TOML writes it inline."""
    import json

    if value is None:
        return '""'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, (int, str)):
        return json.dumps(value)
    if isinstance(value, list):
        return f"[{', '.join(map(as_toml, value))}]"
    return "{" + ", ".join(f"{json.dumps(k)} = {as_toml(v)}" for k, v in value.items()) + "}"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(WORDS, VALUES, max_size=6))
def test_whatever_stands_in_a_plan_it_is_read_or_refused_in_words(
    tmp_path: Path, content: dict[str, Any]
) -> None:
    file = tmp_path / "plan.toml"
    file.write_text("\n".join(f"{key} = {as_toml(value)}" for key, value in content.items()), "utf-8")
    assert refused(file).startswith(str(file)) or not refused(file)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["parameters", "grid"]),
    st.dictionaries(st.text(max_size=8) | st.just("model_performance__level"), VALUES, max_size=3),
)
def test_whatever_parameters_a_plan_has_they_fit_or_are_refused_in_words(
    place: Path, where: str, given_: dict[str, Any]
) -> None:
    file = place / "fuzz.toml"
    file.write_text(
        f'[[subject]]\nfile = "toy.toml"\n[[template]]\nname = "tiny.ipynb"\n{where} = {as_toml(given_)}\n',
        "utf-8",
    )
    assert refused(file).startswith(str(file)) or not refused(file)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60))
def test_bytes_that_are_no_plan_are_refused_in_words(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "plan.toml"
    file.write_bytes(data)
    with pytest.raises(InputError):
        load_plan(file)
