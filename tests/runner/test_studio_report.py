"""What the studio exports is what `auditkit run` makes of the saved template, byte for byte but for notes and times."""

from __future__ import annotations

import importlib
import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

import auditkit as ak
from auditkit.loading import load_policy
from auditkit.runner.run import run_template
from auditkit.widgets import Session

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """
name = "house"
unmeasured = "ignored"
[[criterion]]
metric = "demographic_parity_difference"
at_most = 0.01
why = "a test: 5 < 6 & \\"so\\" on"
[[criterion]]
metric = "accuracy"
at_least = 0.5
"""
CHECKS = ["model_performance", "calibration", "demographic_parity", "noise_sweep"]
# what a note adds to a page, and nothing else does
NOTES = (
    r"<section id=\"s[0-9]+\"><section class=\"ak ak-by-hand\".*?</section></section>",
    r"<div class=\"ak-noted\">.*?</div>\n*",
    r" <span class=\"ak-has-notes\">.*?</span>",
    r"<li><a href=\"#s[0-9]+\">Added by hand</a></li>\n?",
)


@pytest.fixture(scope="module")
def made(credit_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A session that ran, what it exported, and what the batch made of its template beside the subject file."""
    place = tmp_path_factory.mktemp("batch")
    shutil.copytree(credit_file.parent, place, dirs_exist_ok=True)
    (place / "credit.toml").rename(place / "subject.toml")
    (place / "policy.toml").write_text(POLICY)
    session = Session(
        ak.load_subject(place / "subject.toml"), CHECKS, criteria=load_policy(place / "policy.toml"), seed=7
    )
    session.author = "maria"
    session.set("AK101", level=0.9)
    session.include("AK301", run=False)
    for part in ("bias", "performance"):
        session.start(part)
        assert session.wait(60)
    broken = next(f for f in session.report.findings if f.status in ("fail", "inconclusive"))
    session.waive(broken, "a pilot <i>of</i> 60 days", "2999-12-31")
    exported = session.export(place / "studio")
    return session, exported, run_template(exported[2], place / "subject.toml", place)


def test_the_page_of_the_studio_is_the_page_of_the_batch(made: Any, timeless: Any) -> None:
    session, (as_data, as_page, _), batch = made
    ours, theirs = json.loads(as_data.read_text()), json.loads(batch.report_path.read_text())
    assert session.report.stable_dict() == batch.report.stable_dict()
    assert "notes" not in ours
    assert timeless(as_page.read_text(), ours) == timeless(batch.html_path.read_text(), theirs)
    assert "a pilot &lt;i&gt;of&lt;/i&gt; 60 days" in as_page.read_text()
    assert batch.report.provenance["seed"] == 7
    assert [e.check for e in batch.report.evidence] == ["AK001", "AK002", "AK101"]
    assert batch.report.of("AK101").params["level"] == 0.9


def test_notes_are_all_that_notes_add(made: Any, tmp_path: Path) -> None:
    from auditkit.evidence import Table
    from auditkit.explore import Answer

    session, (_, before, _), _ = made
    table = Table("Rates", {"label": ("a<b", "b"), "value": (0.1, 0.2), "low": (0.0, 0.1), "high": (0.2, 0.3), "n": (9, 9)}, "estimates")  # fmt: skip
    plain_table = Table("Now", {"what": ("a", "b"), "now": (1, 2)}, "plain")
    answer = Answer("thresholds by <b>sex</b>", {"z": 0.5, "a": "sex"}, "They differ.", "Why they do.", {"rates": table, "now": plain_table})  # fmt: skip
    session.note(session.report.findings[0], "Looked at\n<script>twice</script>.")
    session.keep(answer, "The <b>board</b> should see this.")
    as_data, as_page, _ = session.export(tmp_path)
    noted = as_page.read_text()
    for shown in (
        "Added by hand", "thresholds by &lt;b&gt;sex&lt;/b&gt;".capitalize(), "They differ.", "Why they do.", "Looked at by hand, outside the plan; not judged.",
        "The &lt;b&gt;board&lt;/b&gt; should see this.", "&lt;script&gt;twice&lt;/script&gt;", "maria, 2", "1 note",
    ):  # fmt: skip
        assert shown in noted, shown
    for first, second in (("Rates", "Now"), (">what<", ">now<"), ("<dt>z</dt>", "<dt>a</dt>")):
        assert noted.index(first) < noted.index(second), "what was seen keeps its order"
    assert ak.load_report(as_data).notes == session.report.notes
    plain = noted
    for what in NOTES:
        plain, times = re.subn(what, "", plain, flags=re.DOTALL)
        assert times, what
    figures = re.compile(r'(?s)<script type="application/gzip\+base85" id="ak-figures">.*?</script>')
    opened = re.compile(
        r'(<details class="ak-(?:finding|set)[^>]*?) open>'
    )  # a finding with a note is unfolded
    ours, theirs = (opened.sub(r"\1>", figures.sub("", one)) for one in (plain, before.read_text()))
    assert sections(ours) == sections(theirs)


OWN = """
from auditkit.check import check
from auditkit.evidence import Evidence, Measurement

@check(code="XX900", title="Rows <i>counted</i>", question="How many rows?", dimension="bias", metrics=["rows_counted"])
def rows_counted(subject, *, rng, times: int = 1) -> Evidence:
    n = len(subject.test)
    return Evidence("XX900", (Measurement("rows_counted", float(n * times), n),), says="Counted.")
"""


def test_a_check_of_ones_own_runs_from_the_template_too(
    credit_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rows_counted_here.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))  # a module must be found where the template runs
    own = importlib.import_module("rows_counted_here").rows_counted
    limit = [ak.Criterion("rows_counted", at_least=1000)]
    session = Session(ak.load_subject(credit_file), [own], criteria=limit, seed=1)
    session.set("XX900", times=2)
    session.start()
    assert session.wait(30)
    session.waive(session.report.findings[0], "few are enough", "2999-12-31")
    path = session.save_template(tmp_path / "own.ipynb")
    result = run_template(path, credit_file, tmp_path / "out", parameters={"rows_counted__times": 2})
    assert result.report.stable_dict() == session.report.stable_dict()
    assert result.report.verdict == "pass"
    assert "Met but for what is waived" in result.html_path.read_text()


def sections(page: str) -> str:
    """Return a page without the numbers of its sections."""
    return re.sub(r'(id="|href="#)s[0-9]+', r"\1s", page)
