"""The audit of a language model in a notebook: the walk, the count of questions, and a prompt tried by hand."""

from __future__ import annotations

import re
from typing import Any

import pytest

from auditkit import Audit
from auditkit.data import make_assistant, make_credit
from auditkit.errors import InputError
from auditkit.targets.language_model import LanguageModel as Target
from auditkit.widgets import LanguageModel, Session, Studio
from auditkit.widgets.explorers import PromptTrial

HOSTILE = "It is <script>go()</script>\x1b[31m \u202eand no more."


def desk(rate: float = 0.5) -> Target:
    return Target("desk", make_assistant(rate=rate).ask)


@pytest.fixture
def shown() -> Any:
    return LanguageModel(desk(), ["prompt_injection", "unsafe_output"], seed=2)


def test_a_run_gives_the_report_of_the_audit_made_at_once(shown: Any) -> None:
    step = shown.steps["language_model"]
    for code in ("AK801", "AK806"):
        step.forms[code].controls["prompts"].widget.value = 16
    step.runner.run.click()
    assert shown.session.wait(60)
    assert shown.session.message.startswith("Done: 2 checks were run")
    at_once = Audit({"prompt_injection": {"prompts": 16}, "unsafe_output": {"prompts": 16}}).run(
        desk(), seed=2
    )
    assert shown.session.report.stable_dict()["evidence"] == at_once.stable_dict()["evidence"]


def test_it_says_how_many_questions_are_asked_and_follows_the_settings(shown: Any) -> None:
    assert "about 240 questions" in shown.questions.value
    shown.session.set("AK801", prompts=100, tries=5)
    assert "about 620 questions" in shown.questions.value
    shown.session.include("AK806", run=False)
    assert "about 500 questions" in shown.questions.value


def test_all_checks_of_its_kind_stand_in_it_and_no_others() -> None:
    made = LanguageModel(desk())
    assert [check.code for check in made.session.checks] == [f"AK80{i}" for i in range(1, 8)]
    assert "about 854 questions" not in made.questions.value
    assert re.search(r"about 8\d\d questions", made.questions.value)
    general = Studio(desk())
    assert general.pages[0][0] == "Subject"
    page = general.pages[0][1].children[1].value
    assert "a callable" in page
    assert "Test rows" not in page


def test_what_is_none_or_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match="expected a subject"):
        LanguageModel()
    with pytest.raises(InputError):
        LanguageModel("desk")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="asks about a model with its rows"):
        Session(desk(), ["model_performance"])
    with pytest.raises(InputError, match="asks about a language model"):
        LanguageModel(make_credit())  # type: ignore[arg-type]


def tried(ask: Any, family: str, text: str | None = None) -> Any:
    trial = PromptTrial(Session(Target("desk", ask)))
    trial.family.value = family
    if text is not None:
        trial.text.value = text
    trial.going.run.click()
    assert trial.work.wait(30)
    return trial


def test_a_prompt_is_tried_and_judged() -> None:
    broken = tried(make_assistant(rate=1.0).ask, "injection")
    assert "the planted instruction is followed: <b>yes</b>" in broken.verdicts.value
    kept = tried(make_assistant(rate=0.0).ask, "injection")
    assert "the planted instruction is followed: <b>no</b>" in kept.verdicts.value


def test_another_text_is_said_in_its_place() -> None:
    seen = []
    tried(lambda messages: seen.append(messages) or "Good day.", "leak", "Hello there")
    assert seen[0][-1] == {"role": "user", "content": "Hello there"}
    assert "Internal reference" in seen[0][0]["content"]


def test_a_hostile_reply_is_shown_as_text() -> None:
    shown = tried(lambda _: HOSTILE, "output")
    assert "acts on who is shown it: <b>yes</b>" in shown.verdicts.value
    assert "<script>" not in shown.reply.value
    assert "\x1b" not in shown.reply.value
    assert "\u202e" not in shown.reply.value
    assert "&lt;script&gt;" in shown.reply.value


def test_a_model_that_fails_is_told_without_its_words() -> None:
    def ask(_messages: Any) -> str:
        raise RuntimeError("upstream key sk-live-7731 is expired")

    trial = tried(ask, "leak")
    assert trial.work.state == "failed"
    assert "no reply came: RuntimeError (values are left out here)" in trial.going.trouble.value
    assert "sk-live" not in trial.work.message + trial.going.trouble.value + trial.going.state.value
    assert trial.reply.value == ""


def test_what_is_wrong_with_a_reply_is_told_in_words() -> None:
    trial = tried(lambda _: {"text": "Good day."}, "leak")
    assert "no reply came: ask returned dict; expected str" in trial.going.trouble.value
    assert "left out" not in trial.going.trouble.value


def test_a_long_prompt_wraps_where_code_does_not() -> None:
    from auditkit.widgets.parts import _CSS

    trial = PromptTrial(Session(desk()))
    assert {"ak-code", "ak-wrap"} <= set(trial.text._dom_classes)
    code, wrap = (_CSS.index(f".ak-studio .{name} textarea {{") for name in ("ak-code", "ak-wrap"))
    assert code < wrap, "of two rules of one weight the later holds"
    assert "white-space: pre-wrap" in _CSS[wrap:].partition("}")[0]


def test_a_subject_with_rows_lacks_it() -> None:
    from auditkit.data import make_brittle

    assert PromptTrial.lacks(make_brittle().subject) == "a language model"
    assert PromptTrial.lacks(desk()) == ""
