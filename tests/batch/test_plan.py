from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditkit.batch.plan import load_plan
from auditkit.batch.preview import preview
from auditkit.batch.schema import PlanFile, read_plan_file
from auditkit.batch.starting import write_plan as write_first_plan
from auditkit.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


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
        "toy-tiny-p1-seed3", "toy-tiny-p2-seed3", "toy-tiny-p2-seed4", "toy-tiny-p3-seed3", "toy-tiny-p3-seed4",
    ]  # fmt: skip
    assert plan.excluded == (("toy-tiny-p1-seed4", "done elsewhere"),)
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


@pytest.mark.parametrize(
    ("template", "head", "tail", "told"),
    [
        ("", "sedes = [1]", "", r"no key 'sedes'\. Did you mean 'seeds'"),
        ("parmeters = {}", "", "", r"no key 'template\.1\.parmeters'\. Did you mean 'parameters'"),
        ("limits = { second = 1 }", "", "", r"template\.1\.limits\.second'\. Did you mean 'seconds'"),
        ("", "[limits]\nmemory = 'much'", "", r'limits\.memory: expected a size such as "2 GiB"'),
        ("", "[limits]\nseconds = 0", "", r"limits\.seconds"),
        ("", "seeds = []", "", "seeds"),
        ("", "seeds = [-1]", "", r"seeds\.1"),
        ("", "jobs = 0", "", "jobs"),
        ("parameters = { model_performance__levl = 0.9 }", "", "", r"template\.1.*Did you mean 'model_performance__level'"),
        ("parameters = { model_performance__level = 2 }", "", "", r"template\.1.*model_performance__level"),
        ("grid = { model_performance__level = [] }", "", "", r"template\.1\.grid"),
        ("policy = 'polcy.toml'", "", "", "no policy file at"),
        ("", "", "[[exclude]]\nsubject = 'ty'\nwhy = 'x'", r"exclude\.1: no audit fits it\. Did you mean 'toy'"),
        ("", "", "[[exclude]]\nsubject = 'toy'", r"exclude\.1\.why is missing"),
        ("", "", "[[exclude]]\nwhy = 'x'", r"exclude\.1: name a subject"),
        ("", "", "[[exclude]]\nsubject = 't*'\nwhy = 'x'", "leave no audit"),
        ("", "", "[[subject]]\nfile = 'tooy.toml'", r"subject\.2\.file: nothing at 'tooy\.toml'\. Did you mean 'toy\.toml'"),
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
