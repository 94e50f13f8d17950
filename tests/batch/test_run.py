from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from auditkit.batch.crew import SpawnCrew
from auditkit.batch.journal import read_entries
from auditkit.batch.plan import load_plan
from auditkit.batch.run import run_batch
from auditkit.batch.standing import accept, faults, standing
from auditkit.errors import InputError
from auditkit.judging import verdict, verdict_over
from auditkit.report import load_report

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.kernel


def levels(n: int) -> str:
    """Return a grid of so many settings."""
    return f"grid = {{ model_performance__level = {[round(0.5 + 0.4 * (i + 1) / (n + 1), 6) for i in range(n)]} }}"


def of(kind: str, out: Path) -> list[str]:
    return [one.data["name"] for one in read_entries(out) if one.kind == kind]


def test_a_batch_runs_once_and_is_then_kept_until_an_input_changes(write_plan: Any, place: Path) -> None:
    plan, out = load_plan(write_plan("grid = { model_performance__level = [0.9, 0.95] }")), place / "out"
    heard: list[Any] = []
    result = run_batch(plan, out, jobs=2, progress=heard.append)
    assert result.verdict == "pass", [one.why for one in result.outcomes]
    assert result.counts["pass"] == 2
    assert sorted(one.name for one in heard if one.kind == "ended") == [
        "toy-tiny-level=0.9",
        "toy-tiny-level=0.95",
    ]
    assert faults(out) == []
    assert {p.name for p in out.iterdir() if not p.name.startswith(".")} == {
        "index.html", "audits.csv", "junit.xml", "findings.sarif", "summary.md", "measurements.parquet", "journal.sqlite", "journal.head", "results",
    }  # fmt: skip
    folder = out / "results" / result.outcomes[0].folder
    assert {"report.html", "report.ipynb", "report.json", "result.json"} <= {p.name for p in folder.iterdir()}
    report = load_report(folder / "report.json")
    (accuracy,) = [m for m in report.evidence[0].measurements if m.metric == "accuracy" and not m.group]
    assert accuracy.value == pytest.approx(0.9)  # 90 of 100 by construction
    assert accuracy.interval.level == 0.9

    again = run_batch(plan, out)
    assert again.outcomes == result.outcomes
    assert len(of("started", out)) == 2

    (place / "policy.toml").write_text((place / "policy.toml").read_text().replace("0.5", "0.99"))
    stricter = run_batch(load_plan(place / "plan.toml"), out)
    assert stricter.verdict == "fail"
    assert len(of("started", out)) == 4


def test_a_python_started_anew_gives_what_a_copy_of_a_warm_one_gives(write_plan: Any, place: Path) -> None:
    plan = load_plan(write_plan())
    anew, copied = run_batch(plan, place / "anew", crew=SpawnCrew()), run_batch(plan, place / "copied")
    for result in (anew, copied):
        (one,) = result.outcomes
        assert one.word == "pass", one.why
        assert faults(result.out) == []
    (one, other) = (
        load_report(result.out / "results" / result.outcomes[0].folder / "report.json")
        for result in (anew, copied)
    )
    assert one.stable_dict() == other.stable_dict()
    journals = [[e.kind for e in read_entries(result.out)] for result in (anew, copied)]
    assert journals[0] == journals[1]


def test_what_was_accepted_is_what_later_batches_are_shown_against(write_plan: Any, place: Path) -> None:
    out = place / "out"
    run_batch(load_plan(write_plan()), out)
    with pytest.raises(InputError, match="say why"):
        accept(out, reason=" ")
    accept(out, reason="reviewed <b>", by="maria")
    (place / "policy.toml").write_text((place / "policy.toml").read_text().replace("0.5", "0.99"))
    run_batch(load_plan(place / "plan.toml"), out)
    page = (out / "index.html").read_text()
    assert "1 worse" in page
    assert "reviewed &lt;b&gt;" in page
    assert standing(out)["verdict"] == "fail"
    assert standing(out)["accepted"]["by"] == "maria"


def test_only_failed_starts_what_broke_and_nothing_else(write_plan: Any, place: Path) -> None:
    out = place / "out"
    plan = load_plan(write_plan("grid = { action = ['', 'raise'] }"))
    first = run_batch(plan, out, jobs=2)
    assert [one.word for one in first.outcomes] == ["pass", "broke"]
    assert "on purpose" in first.outcomes[1].why
    assert first.verdict == "undecided"
    run_batch(plan, out, only="failed")
    assert of("started", out).count(first.outcomes[0].audit.name) == 1
    assert of("started", out).count("toy-tiny-action=raise") == 2


def test_the_gate_over_audits_says_what_the_gate_says_of_all_their_findings() -> None:
    from itertools import product

    from auditkit.finding import UNJUDGED, Criterion, Finding

    limit = Criterion("accuracy", at_least=0.5)
    one_of = {
        "fail": Finding("AK001", "fail", criterion=limit),
        "undecided": Finding("AK001", "inconclusive", criterion=limit),
        "pass": Finding("AK001", "pass", criterion=limit),
        "not_judged": Finding("AK001", "not_applicable", reason=UNJUDGED),
    }
    for words in product(one_of, repeat=3):
        assert verdict_over(words) == verdict([one_of[word] for word in words])
    assert verdict_over([]) == verdict([])
