from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from auditkit import Audit
from auditkit.data import make_credit
from auditkit.errors import InputError
from auditkit.render import views
from auditkit.report import Report, load_report
from auditkit.runner import notebook
from auditkit.runner.kernel import RUN_FOLDER, in_notebook
from auditkit.runner.news import News, follow
from auditkit.runner.notebook import observe, show

if TYPE_CHECKING:
    from pathlib import Path

PLAN = ["model_performance", "demographic_parity"]


@pytest.fixture(scope="module")
def subject() -> Any:
    return make_credit(n_train=200, n_test=150)


@pytest.fixture(scope="module")
def report(subject: Any) -> Report:
    return Audit(PLAN).run(subject)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(notebook, "_display", found.append)
    return found


def test_by_hand_it_saves_the_report_and_prints_nothing(
    subject: Any, report: Report, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = observe(Audit(PLAN), subject, out_dir=tmp_path)
    assert [e.to_dict() for e in found.evidence] == [e.to_dict() for e in report.evidence]
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]
    assert load_report(tmp_path / "report.json").counts == report.counts
    assert capsys.readouterr() == ("", "")


def test_under_the_runner_it_tells_the_news_and_keeps_to_the_run_folder(
    subject: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RUN_FOLDER, str(tmp_path))
    found = observe(Audit(PLAN), subject, out_dir="/no/such/folder")
    news = next(follow(tmp_path / "news.jsonl"))
    told = [(n.kind, n.code) for n in news if n.kind != "progress"]
    assert told == [
        ("started", "AK001"),
        ("finished", "AK001"),
        ("started", "AK101"),
        ("finished", "AK101"),
        ("completed", ""),
    ]
    assert news[-1].what == found.verdict
    assert (tmp_path / "report.json").is_file()


def test_processes_give_the_same_numbers(subject: Any, report: Report, tmp_path: Path) -> None:
    found = observe(Audit(PLAN), subject, jobs=2, out_dir=tmp_path)
    assert [e.to_dict() for e in found.evidence] == [e.to_dict() for e in report.evidence]
    assert found.provenance["engine"] == "ProcessPoolExecutor"


@pytest.mark.parametrize("jobs", [0, -1, True, 1.5, "2"])
def test_a_wrong_number_of_processes_is_refused(subject: Any, tmp_path: Path, jobs: Any) -> None:
    with pytest.raises(InputError, match="jobs"):
        observe(Audit(PLAN), subject, jobs=jobs, out_dir=tmp_path)


def test_a_missing_folder_is_refused_before_anything_runs(subject: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="out_dir"):
        observe(Audit(PLAN), subject, out_dir=tmp_path / "none")


@pytest.mark.parametrize("part", ["verdict", "findings", "methods"])
def test_a_view_is_shown_as_data_with_a_static_page(
    report: Report, shown: list[dict[str, Any]], part: str
) -> None:
    show(report, part)
    (bundle,) = shown
    assert bundle[views.MIME]["view"] == part
    assert {"text/html", "text/plain"} <= set(bundle)
    json.dumps(bundle)


@pytest.mark.parametrize("part", ["bias", "demographic_parity", "AK101"])
def test_a_check_is_shown_as_words_then_one_figure_a_table(
    report: Report, shown: list[dict[str, Any]], part: str
) -> None:
    show(report, part)
    tables = report.of("AK101").tables
    assert [b[views.MIME]["view"] for b in shown] == ["evidence", *["figure"] * len(tables)]
    assert shown[0][views.MIME]["data"]["evidence"][0]["tables"] == {}
    assert [b[views.MIME]["data"]["title"] for b in shown[1:]] == [t.title for t in tables.values()]
    assert not any("widget" in mime for b in shown for mime in b)


def test_what_was_allowed_is_told_once_and_referred_to(subject: Any, shown: list[dict[str, Any]]) -> None:
    options: dict[str, Any] = {"rows": 20, "radius": 1.0}
    plan = {
        "decision_attack": {**options, "max_calls": 10},
        "score_attack": {**options, "max_calls": 10},
        "transfer_attack": {**options, "immutable": ["income"]},  # another threat model
    }
    report = Audit(plan).run(subject)
    assert all("allowed" in one.tables for one in report.evidence)  # each record is whole by itself
    titles: dict[str, list[str]] = {}
    notes: dict[str, str] = {}
    for name in plan:
        shown.clear()
        show(report, name)
        words, *figures = [bundle[views.MIME]["data"] for bundle in shown]
        notes[name] = " ".join(words["evidence"][0]["notes"])
        titles[name] = [one["title"] for one in figures]
    again = "What was allowed: the same as for AK303, Decisions changed by"
    assert ["What was allowed" in titles[name] for name in plan] == [True, False, True]
    assert [again in notes[name] for name in plan] == [False, True, False]
    shown.clear()
    show(report, "score_attack")  # shown again it refers again, and what was referred to stays where it was
    show(report, "decision_attack")
    assert sum(b[views.MIME]["data"].get("title") == "What was allowed" for b in shown) == 1


def test_an_unknown_part_gets_the_closest_word(report: Report) -> None:
    with pytest.raises(InputError, match="Did you mean 'verdict'"):
        show(report, "verdct")


def test_news_are_read_whole_lines_only(tmp_path: Path) -> None:
    path = tmp_path / "news.jsonl"
    news = follow(path)
    assert next(news) == ()
    path.write_text('{"kind": "started", "code": "AK001"}\n{"kind": "fini')
    assert next(news) == (News("started", code="AK001"),)
    assert next(news) == ()
    with path.open("a") as file:
        file.write('shed"}\n')
    assert next(news) == (News("finished"),)


def test_in_a_kernel_one_line_is_kept_up_to_date(
    subject: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import IPython
    from IPython import display as module

    said: list[str] = []

    class Shell:
        kernel = object()

    class Line:
        def update(self, bundle: dict[str, str], *, raw: bool) -> None:
            said.append(bundle["text/plain"])

    def display(bundle: dict[str, str], *, raw: bool, display_id: bool) -> Line:
        said.append(bundle["text/plain"])
        return Line()

    assert not in_notebook()
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", Shell)
    monkeypatch.setattr(module, "display", display)
    assert in_notebook(), IPython.__name__
    observe(Audit(PLAN), subject, out_dir=tmp_path)
    assert said[0] == "starting ..."
    assert said[-1] == "all checks done"
    assert any(line.startswith("1 of 2 checks done") for line in said)
