"""Targets of another kind than a model: one audit, one report, one gate, and a subject file that says the kind."""

import json
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import ClassVar

import jsonschema
import pytest

from auditkit import Audit, Criterion, Report, check, load_subject
from auditkit.check import registry
from auditkit.errors import InputError
from auditkit.evidence import Evidence, Measurement
from auditkit.loading import kinds, load_target
from auditkit.render._methods import methods
from auditkit.render.page import verdict
from auditkit.report import schema
from auditkit.runner.order import load_early, named_files
from auditkit.runner.scaffold import new_template
from auditkit.runner.templates import find_template
from auditkit.targets import KINDS, TEMPLATES, Target
from auditkit.targets.language_model import LanguageModel
from auditkit.testing import small_subjects

KIND = """
from pathlib import Path
from auditkit.loading.schema import Part, validated
from tests.targets.test_targets import Shelf

class File(Part):
    name: str | None = None
    path: str

def read(content, file): return validated(File, content, file)
def files(said, folder): return {"path": folder / said.path}
def runs_code(said): return False
def modules(said): return ()
def load(said, folder, stem): return Shelf(said.name or stem, (folder / said.path).read_text().split())
"""


@dataclass(frozen=True)
class Shelf(Target):
    """A list of words."""

    kind: ClassVar[str] = "table"
    name: str
    words: list

    def describe(self):
        return {
            "name": self.name,
            "kind": self.kind,
            "facts": {"Words": len(self.words)},
            "parts": {"words.txt": "0" * 64},
        }


@check(
    code="XT901",
    title="Bad words",
    question="How many words are bad?",
    dimension="data",
    metrics=["bad_words"],
    about="table",
)
def bad_words(subject, *, rng):
    if "boom" in subject.words:
        raise ValueError(f"the secret is {subject.words[0]!r}")
    return Evidence(
        "XT901", (Measurement("bad_words", float(subject.words.count("bad")), len(subject.words)),)
    )


def audit():
    return Audit([bad_words], [Criterion("bad_words", at_most=0)])


@pytest.fixture
def shelf_kind(tmp_path, monkeypatch):
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds" / "shelf.py").write_text(
        KIND.replace("from tests.targets.test_targets", f"from {__name__}")
    )
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path / "kinds")])
    yield tmp_path
    sys.modules.pop("auditkit.loading.kinds.shelf", None)


def test_the_gate_speaks_of_any_target():
    assert audit().run(Shelf("guilty", ["good", "bad"])).verdict == "fail"
    assert audit().run(Shelf("innocent", ["good", "well"])).verdict == "pass"


def test_its_report_follows_the_schema_reads_back_and_is_shown():
    report = audit().run(Shelf("<shelf>", ["good", "bad"]))
    data = json.loads(json.dumps(report.to_dict()))
    jsonschema.Draft202012Validator(schema()).validate(data)
    assert Report.from_dict(data).to_dict() == data
    told = verdict(data)
    assert "Words" in told
    assert "&lt;shelf&gt;" in told
    assert "<shelf>" not in told
    assert "Sensitive features" not in told
    assert "words.txt" in methods(data)


def test_a_report_of_another_kind_is_held_to_its_own_form():
    data = audit().run(Shelf("shelf", [])).to_dict()
    with pytest.raises(InputError, match="facts"):
        Report.from_dict({**data, "subject": {k: v for k, v in data["subject"].items() if k != "facts"}})
    with pytest.raises(InputError, match="kind"):
        Report.from_dict({**data, "subject": {**data["subject"], "kind": "spaceship"}})


def test_processes_give_the_same():
    target = Shelf("shelf", ["good", "bad"])
    with ProcessPoolExecutor(1) as pool:
        there = audit().run(target, executor=pool)
    assert there.stable_dict() == audit().run(target).stable_dict()


def test_of_what_broke_no_content_is_told():
    found = audit().run(Shelf("shelf", ["hunter2", "boom"])).of("XT901")
    assert found.outcome == "error"
    assert "hunter2" not in json.dumps(found.to_dict())
    assert found.reason.startswith("ValueError")


def test_a_check_is_asked_about_its_own_kind_only():
    with pytest.raises(
        InputError,
        match="bad_words asks about a table of records, and 'binary' is a model with its rows; for it there is the template full",
    ):
        audit().run(
            replace(small_subjects()["credit"], name="binary", model=small_subjects()["credit"].model.inner)
        )
    with pytest.raises(
        InputError, match="model_performance asks about a model with its rows, and 'shelf' is a table"
    ) as refused:
        Audit(["model_performance"]).run(Shelf("shelf", []))
    assert "template table (auditkit run table --subject FILE)" in str(refused.value)
    assert "..." not in str(refused.value)


def test_the_refusal_names_the_template_of_the_kind_and_how_many_checks_more():
    with pytest.raises(InputError) as refused:
        Audit(["model_performance"]).run(LanguageModel("desk", ask=str.upper))
    count = len(registry().about("language_model"))
    told = str(refused.value)
    assert "for it there is the template llm (auditkit run llm --subject FILE)" in told
    assert told.endswith(f" and {count - 5} more")


def test_every_kind_has_a_template_that_asks_about_it():
    assert set(TEMPLATES) == set(KINDS)
    for kind, name in TEMPLATES.items():
        assert {one.about for one in find_template(name).resolved_checks()} == {kind}


def test_only_checks_of_its_kind_count_as_left_out():
    gaps = audit().run(Shelf("shelf", [])).provenance["not_examined"]
    assert not any(gap["what"].startswith(("Bias", "Robustness")) for gap in gaps)


def test_a_check_names_a_kind_there_is():
    with pytest.raises(InputError, match=r"about='tabel' is no kind of target\. Did you mean 'table'"):
        check(code="XT902", title="t", question="q", dimension="data", metrics=["m"], about="tabel")


def test_a_subject_file_says_its_kind(shelf_kind):
    file = shelf_kind / "words.toml"
    file.write_text('kind = "shelf"\npath = "words.txt"\n')
    (shelf_kind / "words.txt").write_text("good bad")
    target = load_target(file)
    assert (target.name, target.words) == ("words", ["good", "bad"])
    assert named_files(file) == {"path": shelf_kind / "words.txt"}
    assert load_early(file).words == target.words
    with pytest.raises(InputError, match="describes a table of records, not a model"):
        load_subject(file)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('kind = "shelff"\n', "kind: expected one of .*shelf.*Did you mean 'shelf'"),
        ('kind = "shelf"\npth = "a"\n', ".*no key 'pth'. Did you mean 'path'"),
        ('kind = "shelf"\n', "path is missing"),
        ("kind = 3\n", "kind: expected one of"),
    ],
)
def test_mistakes_are_told_with_file_and_key(shelf_kind, text, told):
    file = shelf_kind / "words.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=rf"words\.toml: {told}"):
        load_target(file)


def test_a_template_has_one_kind_of_subject(tmp_path, monkeypatch):
    known = {"bad_words": bad_words.__auditkit__, "accuracy": registry().checks[0]}
    monkeypatch.setattr("auditkit.runner.scaffold.find", lambda word: (known[word],))
    with pytest.raises(
        InputError, match="about a table of records and about a model with its rows: make a template for each"
    ):
        new_template("mine", checks=["bad_words", "accuracy"], folder=tmp_path)
    made = new_template("mine", checks=["bad_words"], folder=tmp_path).read_text()
    assert "load_target(subject_file)" in made
    assert "Which table of records" in made
