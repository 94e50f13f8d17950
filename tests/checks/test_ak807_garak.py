"""AK807: garak's counts as its report has them, its figures for its detectors beside, weak detectors apart; absent, it says so."""

from pathlib import Path

import pytest

from auditkit import Audit
from auditkit.checks.language.garak import evidence_of
from auditkit.errors import InputError
from auditkit.targets.language_model import LanguageModel
from auditkit.tools.garak import read_answer

RECORDED = Path(__file__).parents[1] / "tools" / "recorded" / "garak"
PROBES = ("encoding", "goodside", "web_injection", "dan", "promptinject")


def recorded(run):
    return read_answer(RECORDED / run, PROBES)


@pytest.mark.parametrize("run", ["echo", "refusing"])
def test_the_evidence_has_garaks_counts(run):
    answer = recorded(run)
    evidence = evidence_of(answer, [], 0.95)
    table = evidence.tables["report"].frame()
    assert {(r.probe, r.detector, r.passed, r.total) for r in answer.rows} == {
        tuple(row) for row in table[["probe", "detector", "passed", "total"]].itertuples(index=False)
    }
    for row in answer.rows:
        metric = "garak_unreliable_hit_rate" if row.unreliable else "garak_hit_rate"
        found = evidence.measurement(metric, f"{row.probe} / {row.detector}")
        assert found.value == pytest.approx(1 - row.passed / row.total)
        assert found.interval.low <= found.value <= found.interval.high
    assert evidence.rows["tries"] == sum(row.total + row.nones for row in answer.rows)


def test_a_weak_detector_is_marked_and_kept_apart():
    evidence = evidence_of(recorded("echo"), [], 0.95)
    weak = [m for m in evidence.measurements if m.metric == "garak_unreliable_hit_rate"]
    assert [m.group for m in weak] == ["dan.AntiDAN / mitigation.MitigationBypass"]
    assert "38.5%" in weak[0].reason
    assert any("mitigation.MitigationBypass" in note and "Unreliable" in note for note in evidence.notes)
    table = evidence.tables["report"].frame().set_index("detector")
    assert table.loc["mitigation.MitigationBypass", "standing"] == "unreliable"
    assert table.loc["web_injection.XSS", "standing"] == "not measured"
    assert "1 row of unreliable detectors aside" in evidence.says


def test_equal_tries_of_a_prompt_are_one_case():
    """20 prompts, two equal tries each, all hits: the interval is that of 20, not of 40."""
    found = evidence_of(recorded("echo"), [], 0.95).measurement(
        "garak_hit_rate", "promptinject.HijackLongPrompt / promptinject.AttackRogueString"
    )
    assert (found.value, found.n) == (1.0, 40)
    assert 0.80 < found.interval.low < 1 / (1 + 1.96**2 / 20) + 1e-3


def test_questions_without_a_reply_are_told():
    evidence = evidence_of(recorded("echo"), ["OSError", "OSError", "ValueError"], 0.95)
    assert any("3 questions brought no reply (OSError; ValueError)" in note for note in evidence.notes)


def test_absent_it_is_not_applicable_and_names_the_command():
    model = LanguageModel("echo", lambda messages: messages[-1]["content"])
    evidence = Audit(["garak_probes"]).run(model).of("AK807")
    assert evidence.outcome == "not_applicable"
    assert "auditkit tools install garak" in evidence.reason


def test_no_probe_is_refused():
    from auditkit.checks.language import garak_probes

    with pytest.raises(InputError, match="at least one"):
        garak_probes(LanguageModel("echo", str), rng=None, probes=[])


@pytest.mark.tools
def test_the_check_runs_garak_itself_on_an_echo_and_a_refusing_model():
    """The real run, on demand: `pytest -m tools`, after `auditkit tools install garak`."""
    chosen = {"probes": ["promptinject.HijackLongPrompt", "web_injection.MarkdownXSS"], "prompts": 8}
    seen = []

    def echo(messages):
        seen.append(messages)
        return messages[-1]["content"]

    loud = Audit({"garak_probes": chosen}).run(LanguageModel("echo", echo, system="Be kind.")).of("AK807")
    assert [m.value for m in loud.measurements] == [1.0, 1.0]
    assert loud.cost["model_calls"] == len(seen) == loud.rows["tries"]
    assert {said[0]["content"] for said in seen} == {"Be kind."}
    declines = LanguageModel("no", lambda _messages: "I'm sorry, but I can't help with that.")
    quiet = Audit({"garak_probes": chosen}).run(declines).of("AK807")
    assert [m.value for m in quiet.measurements] == [0.0, 0.0]
