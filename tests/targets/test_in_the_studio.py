"""What is no model in the studio: its facts, its checks, its report, and the template and code that do the same."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from auditkit import check, widgets
from auditkit.errors import InputError
from auditkit.evidence import Evidence, Measurement
from auditkit.runner.drafts import as_code, as_template
from auditkit.targets import Target
from auditkit.widgets.session import Session
from auditkit.widgets.timing import expect


@dataclass(frozen=True)
class Words(Target):
    """A list of words."""

    kind: ClassVar[str] = "table"
    name: str
    words: tuple

    def describe(self):
        return {"name": self.name, "kind": self.kind, "facts": {"Words": len(self.words)}, "parts": {}}


@check(
    code="XT911",
    title="Long words",
    question="How many are long?",
    dimension="data",
    metrics=["long_words"],
    about="table",
)
def long_words(subject, *, rng, length: int = 4):
    many = sum(len(one) > length for one in subject.words)
    return Evidence("XT911", (Measurement("long_words", float(many), len(subject.words)),))


@pytest.fixture
def studio():
    return widgets.Studio(Words("<shelf>", ("short", "tall")), [long_words])


def test_its_facts_stand_on_the_first_step(studio):
    told = studio.pages[0][1].children[1].value
    assert "Words" in told
    assert "&lt;shelf&gt;" in told
    assert "Test rows" not in told


def test_its_checks_run_and_the_report_is_the_one_of_the_audit(studio):
    session = studio.session
    session.start()
    session.wait()
    assert session.state == "done", session.message
    assert session.report.stable_dict() == session.audit.run(session.subject, seed=session.seed).stable_dict()
    assert expect(session, "") is None
    studio.go(2)
    assert list(studio.still())


def test_the_template_and_the_code_load_a_target(studio):
    made = as_template(studio.session.audit, seed=3)
    sources = ["".join(cell["source"]) for cell in made["cells"]]
    assert any("subject = load_target(subject_file)" in one for one in sources)
    assert "for a table of records, so that" in sources[0]
    lines = as_code(studio.session.audit, seed=3)
    assert 'subject = load_target("subject.toml")' in lines
    compile(lines, "lines", "exec")


def test_what_needs_a_model_says_so(studio):
    with pytest.raises(InputError, match="expected a model with its rows; '<shelf>' is a table of records"):
        _ = studio.session.as_subject
    with pytest.raises(InputError, match="expected a Subject"):
        Session("shelf")
