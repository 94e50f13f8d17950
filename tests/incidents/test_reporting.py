"""Reporting: the frozen model is audited again, held against the last good run, and shown with the record."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from auditkit import Audit, load_subject
from auditkit.errors import InputError
from auditkit.forms import load_form, load_kind, to_toml
from auditkit.incidents import decide, freeze, open_incident
from auditkit.incidents.facts import compared
from auditkit.incidents.folder import RECORD, find_incident
from auditkit.incidents.reporting import next_place, report_incident, with_checks
from auditkit.report import load_report
from auditkit.runner.templates import find_template, refresh

CHECKS = ["model_performance", "demographic_parity", "error_rates"]


def _write_subject() -> Any:
    """Load the writer of subjects from the file beside this one."""
    name = "auditkit_tests_incidents"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / "conftest.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name].write_subject


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """An incident as it is met: a good run last month, a model since then that selects group B 30 points less often."""
    folder, write = tmp_path_factory.mktemp("case"), _write_subject()
    good, bad = write(folder / "good", n=1500), write(folder / "bad", gap=0.3, n=1500)
    (folder / "october").mkdir()
    Audit(CHECKS).run(load_subject(good)).save(folder / "october" / "report.json")
    incident = open_incident(folder / "incident", bad, aware="2026-11-20T09:30+01:00", by="On call")
    freeze(incident.folder, bad, policy="lending", last_good=folder / "october")
    decide(incident.folder, who="On call", decision="back to the model of October", why="B is refused")
    form = load_form(incident.folder / RECORD)
    told = {**form.answers, "what": "Too few of B are chosen. <script>alert(1)</script>"}
    (incident.folder / RECORD).write_text(to_toml(load_kind("incident"), form.subject, told))
    return find_incident(incident.frozen / "s.toml")


def test_the_fault_is_a_change_beyond_noise_and_its_absence_none(case):
    now = Audit(CHECKS, case.frozen / "attached/policy/lending.toml").run(
        load_subject(case.frozen / "s.toml")
    )
    found = compared(case, now)
    assert found["verdict"] == "fail"
    assert any(
        "equal opportunity difference" in line and "worse beyond noise" in line for line in found["lines"]
    )
    same = load_report(case.frozen / case.manifest["last_good"])
    assert compared(case, same)["verdict"] != "fail"
    assert "not audited again" in compared(case, None)["why"]


def test_a_further_page_replaces_none(tmp_path):
    assert next_place(tmp_path).name == "report"
    (tmp_path / "report").mkdir()
    assert next_place(tmp_path).name == "report"  # empty: a run that was refused
    (tmp_path / "report" / "report.json").write_text("{}")
    assert next_place(tmp_path).name == "report-2"
    (tmp_path / "report-2").symlink_to(tmp_path / "nowhere")
    assert next_place(tmp_path).name == "report-3"


@pytest.mark.kernel
def test_the_page_of_an_incident(case):
    result = report_incident(case.folder, checks=CHECKS)
    assert result.html_path.parent.resolve() == (case.folder / "report").resolve()
    assert result.report.verdict == "fail"
    assert result.report.provenance["policy"]["name"] == "auditkit lending"
    page = result.html_path.read_text("utf-8")
    for words in (
        "Too few of B are chosen. &lt;script&gt;", "GDPR Art. 33(1)", "Every file is as it was frozen", "back to the model of October",
        "worse beyond noise", "Notice to an authority: draft, for a person to check", "[to be written: addressee]",
    ):  # fmt: skip
        assert words in page, words
    assert "<script>alert" not in page
    assert str(case.folder.parent) not in page  # how the disk is laid out is nobody's business
    with pytest.raises(InputError, match="no check"):
        report_incident(case.folder, checks=["bais"])
    (case.frozen / "said.csv").chmod(0o644)
    (case.frozen / "said.csv").write_text("said\n")
    with pytest.raises(InputError, match=r"differs from what was frozen.*said\.csv: changed"):
        report_incident(case.folder)


def test_other_checks_get_cells_of_their_own():
    shipped = find_template("incident").notebook
    made = with_checks(shipped, ["AK201", "model_performance"])
    shown = ["".join(one["source"]) for one in made["cells"] if one["id"].startswith("show-")]
    assert shown == ['show(report, "population_attack")', 'show(report, "model_performance")']
    assert made == refresh(made)
    plan = next("".join(one["source"]) for one in made["cells"] if one["id"] == "about-plan")
    assert "This audit runs 2 checks: " in plan
    assert "(AK201)" in plan
    assert "(AK501)" not in plan
    other = with_checks(shipped, ["notebook_secrets"])
    subject = next("".join(one["source"]) for one in other["cells"] if one["id"] == "subject")
    assert "load_target(subject_file)" in subject
    assert "import show_incident" in subject
    own = ("show-", "asks-")
    assert [one["id"] for one in made["cells"] if not one["id"].startswith(own)] == [
        one["id"] for one in shipped["cells"] if not one["id"].startswith(own)
    ]
