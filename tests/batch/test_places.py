"""Places: a finding of a batch points into the file under audit where it is one of the plan's folder, else to its report."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from auditkit.audit import Audit
from auditkit.batch.exports import Exports
from auditkit.batch.outcomes import Outcome
from auditkit.batch.places import MOST
from auditkit.batch.plan import PlannedAudit
from auditkit.loading import load_target
from auditkit.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CALL = "import pickle\npickle.load(f)"


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return eval, ("1",)


def notebook(*sources: str) -> str:
    blank = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [blank | {"id": f"c{at}", "source": source} for at, source in enumerate(sources)]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})


def results(folder: Path, subject: Path, check: str, before: Callable[[], object] = bool) -> Any:
    """Return the log and the results of a batch of one audit, as its report is read from disk."""
    report = Audit([check]).run(load_target(subject))
    again = Report.from_dict(json.loads(json.dumps(report.to_dict())))
    before()
    made = Exports("b", folder.resolve())
    audit = PlannedAudit("n", "s", subject.resolve(), "t")
    made.add(Outcome(audit, "k", "done", report.verdict, report.counts, folder="n-k"), again)
    (run,) = json.loads(made.sarif())["runs"]
    return run, run["results"]


def uris(one: dict[str, Any], key: str) -> list[str]:
    return [place["physicalLocation"]["artifactLocation"]["uri"] for place in one.get(key, ())]


def test_a_refused_model_file_is_pointed_at(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "evil one.pkl").write_bytes(pickle.dumps(Evil()))
    (tmp_path / "evil.toml").write_text('kind = "artifact"\npath = "models/evil one.pkl"\n')
    run, (one,) = results(tmp_path, tmp_path / "evil.toml", "AK601")
    place = one["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": "models/evil%20one.pkl", "uriBaseId": "PLAN"}
    assert uris(one, "relatedLocations") == ["results/n-k/report.html"]
    assert list(run["originalUriBaseIds"]) == ["PLAN"]


def test_a_notebook_is_pointed_at_with_the_cell_and_the_other_places_are_related(tmp_path: Path) -> None:
    (tmp_path / "nb").mkdir()
    (tmp_path / "nb" / "a.ipynb").write_text(notebook("x = 1", CALL))
    (tmp_path / "nb" / "b.ipynb").write_text(notebook("f = open(p)\nx = requests.get(u, verify=False)", CALL))
    (tmp_path / "nb.toml").write_text('kind = "notebooks"\npaths = ["nb"]\n')
    _, (one,) = results(tmp_path, tmp_path / "nb.toml", "AK704")
    assert one["locations"] == [{
        "physicalLocation": {"artifactLocation": {"uri": "nb/a.ipynb", "uriBaseId": "PLAN"}, "region": {"startLine": 1}},
        "logicalLocations": [{"fullyQualifiedName": "cell 2, source, line 2"}],
    }]  # fmt: skip
    assert uris(one, "relatedLocations") == ["nb/b.ipynb", "results/n-k/report.html"]


@pytest.mark.needs("detect_secrets", extra="scan")
@pytest.mark.parametrize("now", ["as it was", "changed", "redacted", "broken"])
def test_a_notebook_with_a_secret_is_pointed_at_while_it_is_the_audited_one(tmp_path: Path, now: str) -> None:
    """Its report has the digest of the redacted copy alone."""
    from auditkit.scanning.notebooks import read_notebook, redacted, written

    file, word = tmp_path / "a.ipynb", "Winter" + "2026x"
    file.write_text(notebook("x = 1", f"password = '{word}'"))
    (tmp_path / "nb.toml").write_text('kind = "notebooks"\npaths = ["a.ipynb"]\n')
    change: dict[str, Callable[[], object]] = {
        "as it was": bool,
        "changed": lambda: file.write_text(notebook("x = 2", f"password = '{word}'")),
        "redacted": lambda: file.write_bytes(written(redacted(read_notebook(file.read_bytes())).notebook)),
        "broken": lambda: file.write_text("{"),
    }
    _, ones = results(tmp_path, tmp_path / "nb.toml", "AK701", change[now])
    pointed = ["a.ipynb"] if now == "as it was" else ["results/n-k/report.html"]
    assert ones
    assert all(uris(one, "locations") == pointed for one in ones)
    if now == "as it was":
        assert ones[0]["locations"][0]["logicalLocations"] == [
            {"fullyQualifiedName": "cell 2, source, line 1"}
        ]


def test_a_file_of_a_stack_is_pointed_at_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "start.sh").write_text("set -e\nmlflow server --host 0.0.0.0\n")
    (tmp_path / "stack.toml").write_text('kind = "stack"\nfiles = ["start.sh"]\n')
    _, ones = results(tmp_path, tmp_path / "stack.toml", "AK902")
    assert {one["locations"][0]["physicalLocation"]["region"]["startLine"] for one in ones} == {2}
    assert {uris(one, "locations")[0] for one in ones} == {"start.sh"}


def test_places_of_many_are_bounded(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text(notebook(*[CALL] * (MOST + 9)))
    (tmp_path / "nb.toml").write_text('kind = "notebooks"\npaths = ["a.ipynb"]\n')
    _, (one,) = results(tmp_path, tmp_path / "nb.toml", "AK704")
    assert len(one["relatedLocations"]) == MOST  # the first is the place itself, the last the report


@pytest.mark.parametrize("why", ["outside", "gone", "another kind now", "changed", "another file now"])
def test_what_is_no_file_of_the_folder_is_told_by_its_report(tmp_path: Path, why: str) -> None:
    plan, subject, model = tmp_path / "plan", tmp_path / "plan" / "m.toml", tmp_path / "plan" / "m.pkl"
    plan.mkdir()
    file = tmp_path / "m.pkl" if why == "outside" else model
    file.write_bytes(pickle.dumps(Evil()))
    subject.write_text(f'kind = "artifact"\npath = "{"../" * (why == "outside")}m.pkl"\n')
    change: dict[str, Callable[[], object]] = {
        "outside": bool,
        "gone": model.unlink,
        "another kind now": lambda: subject.write_text('kind = "stack"\n'),
        "changed": lambda: model.write_bytes(pickle.dumps(1)),
        "another file now": lambda: (
            (plan / "good.pkl").write_bytes(pickle.dumps(1)),
            subject.write_text('kind = "artifact"\npath = "good.pkl"\n'),
        ),
    }
    run, (one,) = results(plan, subject, "AK601", change[why])
    assert uris(one, "locations") == ["results/n-k/report.html"]
    assert "relatedLocations" not in one
    assert "originalUriBaseIds" not in run
