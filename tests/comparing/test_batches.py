"""Comparing two batches: the results that hold are compared, and what has none is never called fixed."""

from __future__ import annotations

import functools
import itertools
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from auditkit import Audit
from auditkit.batch.journal import Journal, JournalError
from auditkit.batch.store import Store
from auditkit.cli import app
from auditkit.comparing import compare
from auditkit.data import make_credit
from auditkit.errors import InputError
from auditkit.evidence import Evidence, Interval, Measurement
from auditkit.finding import Criterion, Policy
from auditkit.render.comparison import comparison_lines, comparison_markdown, comparison_page
from auditkit.report import Report
from auditkit.statistics import wilson

if TYPE_CHECKING:
    from pathlib import Path

    from auditkit.comparing import Comparison

POLICY = Policy((Criterion("accuracy", at_least=0.7),), "ours", unmeasured="ignored")
GOOD, BAD = 900, 600  # right answers of 1000: the criterion is met, and is not
BROKE, NOT_RUN, STARTED = "broke", "not run", "started"


@functools.cache
def skeleton() -> Report:
    """Return what a real record says of its subject and its run."""
    return Audit(["demographic_parity"]).run(make_credit(n_train=60, n_test=60), seed=0)


def report(right: int, day: int) -> Report:
    """Return a report of so many right answers of 1000, started on a day of November."""
    low, high = wilson(right, 1000)
    accuracy = Measurement("accuracy", right / 1000, 1000, Interval(float(low), float(high), 0.95, "wilson"))
    one = Evidence("AK901", (accuracy,), rows={"how": "all"}, says="x", does_not_say="y")
    real = skeleton()
    about = {**real.provenance, "started": f"2026-11-{day:02d}T00:00:00+00:00"}
    about["plan"] = [{**dict(real.provenance["plan"][0]), "code": "AK901", "name": "AK901"}]
    return Report({**real.subject, "name": "credit"}, (), (one,), about).judge(POLICY)


class Batch:
    """The folder of a batch, written run by run without a kernel."""

    def __init__(self, folder: Path, *, told: bool = True) -> None:
        self.folder, self._told, self._days = folder, told, itertools.count(1)
        folder.mkdir()

    def run(self, **audits: Any) -> Batch:
        """Ask for these audits: right answers, or why there is none; None where a result is kept. The inputs are told by the answers."""
        store = Store(self.folder)
        with Journal(self.folder) as journal:
            keys = {name: self._key(name, said) for name, said in audits.items()}
            if self._told:
                journal.append("planned", {"plan": "nightly", "audits": list(keys.items()), "schedule": None})
            for name, said in audits.items():
                about = {"name": name, "key": keys[name]}
                if said in (BROKE, STARTED) or isinstance(said, int):
                    journal.append("started", about)
                if said == BROKE:
                    journal.append("broke", {**about, "kind": "limit", "why": "it took longer than 1 s"})
                if isinstance(said, int) and not store.path(name, keys[name]).exists():
                    place = store.unfinished()
                    report(said, next(self._days)).save(place / "report.json")
                    about |= {"verdict": "pass", "counts": {}, "not_met": [], "seconds": 1.0, "memory": 0}
                    kept, digest = store.keep(place, about)
                    journal.append("done", {**about, "folder": kept.name, "result": digest})
        return self

    @staticmethod
    def _key(name: str, said: Any) -> str:
        return f"{said:0>10}".replace(" ", "_").ljust(64, name[-1])


@pytest.fixture
def batch(tmp_path: Path) -> Any:
    def make(name: str, **options: Any) -> Batch:
        return Batch(tmp_path / name, **options)

    return make


def told(found: Comparison) -> str:
    """Return what is said in all forms, and hold them to name the same audits."""
    data = found.to_dict()
    forms = ["\n".join(comparison_lines(data)), comparison_markdown(data), comparison_page(data)]
    for one in (*data["gone"], *data["come"]):
        name = one.partition(" (")[0].rpartition(": ")[2]
        assert all(name in form for form in (forms[0], forms[1].replace("\\", ""), forms[2]))
    return forms[0]


def only_values(found: Comparison) -> tuple[float, float]:
    (pair,) = found.pairs
    (move,) = pair.moves
    return move.before.value, move.after.value


class TestWhichResultHolds:
    def test_inputs_that_went_back_are_compared_by_their_own_result_and_not_by_the_newest(
        self, batch: Any
    ) -> None:
        base = batch("base").run(bias=GOOD)
        new = batch("new").run(bias=BAD).run(bias=GOOD).run(bias=BAD)  # the last is kept, and older than GOOD
        found = compare(base.folder, new.folder)
        assert (only_values(found), found.verdict) == ((0.9, 0.6), "fail")
        assert any(
            "2 results of bias; the one that its last run rests on" in one for one in found.pairs[0].remarks
        )

    def test_the_newest_is_compared_where_it_holds(self, batch: Any) -> None:
        new = batch("new").run(bias=BAD).run(bias=GOOD)
        found = compare(batch("base").run(bias=GOOD).folder, new.folder)
        assert (only_values(found), found.verdict) == ((0.9, 0.9), "pass")

    def test_a_result_that_was_changed_on_disk_is_none(self, batch: Any) -> None:
        base, new = batch("base").run(bias=BAD), batch("new").run(bias=GOOD)
        assert compare(base.folder, new.folder).verdict == "pass"
        (file,) = new.folder.glob("results/*/report.json")
        file.write_bytes(file.read_bytes() + b" ")
        found = compare(base.folder, new.folder)
        assert found.verdict == "undecided"
        assert "credit: bias (its result is gone or not as it was written; run the batch again)" in found.gone
        shutil.rmtree(file.parent)
        assert compare(base.folder, new.folder).verdict == "undecided"

    def test_a_journal_that_was_changed_is_refused(self, batch: Any) -> None:
        base, new = batch("base").run(bias=GOOD), batch("new").run(bias=GOOD)
        (new.folder / "journal.head").unlink()
        with pytest.raises(JournalError, match="cannot be believed"):
            compare(base.folder, new.folder)


class TestWithoutAReport:
    @pytest.mark.parametrize(
        ("said", "why"),
        [
            (BROKE, "it broke: it took longer than 1 s"),
            (NOT_RUN, "it was not run"),
            (STARTED, "it was started and has no outcome"),
        ],
    )
    def test_an_audit_that_has_none_now_is_undecided_and_nothing_of_it_is_fixed(
        self, batch: Any, said: str, why: str
    ) -> None:
        base = batch("base").run(bias=BAD, privacy=GOOD)
        new = batch("new").run(bias=GOOD, privacy=GOOD).run(bias=said, privacy=GOOD)  # it had a report once
        found = compare(base.folder, new.folder)
        assert [pair.audit for pair in found.pairs] == ["privacy"]
        assert found.gone == (f"credit: bias ({why})",)
        assert (found.verdict, found.counts["fixed"], found.counts["undecided"]) == ("undecided", 0, 1)
        assert "no report now, and not compared" in told(found)

    def test_where_the_only_audit_broke_it_is_undecided_and_no_bad_input(
        self, batch: Any, tmp_path: Path
    ) -> None:
        base, new = batch("base").run(bias=BAD), batch("new").run(bias=BROKE)
        found = compare(base.folder, new.folder)
        assert (found.verdict, found.pairs, len(found.gone)) == ("undecided", (), 1)
        told(found)
        page = tmp_path / "change.html"
        done = CliRunner().invoke(app, ["compare", str(base.folder), str(new.folder), "--html", str(page)])
        assert (done.exit_code, "no report on both sides" in page.read_text()) == (3, True)

    def test_what_breaks_on_both_sides_keeps_it_undecided(self, batch: Any) -> None:
        base = batch("base").run(bias=BROKE, privacy=GOOD)
        found = compare(base.folder, batch("new").run(bias=BROKE, privacy=GOOD).folder)
        assert (found.verdict, found.gone) == ("undecided", ("bias (it broke: it took longer than 1 s)",))

    def test_what_broke_before_and_has_a_report_now_is_named_with_why(self, batch: Any) -> None:
        base = batch("base").run(bias=BROKE, privacy=GOOD)
        found = compare(base.folder, batch("new").run(bias=GOOD, privacy=GOOD).folder)
        assert (found.verdict, found.gone) == ("pass", ())
        assert found.come == ("credit: bias (it broke: it took longer than 1 s)",)
        assert "no report before" in told(found)

    def test_where_nothing_has_a_report_before_there_is_nothing_to_compare(self, batch: Any) -> None:
        base = batch("base").run(bias=BROKE)
        with pytest.raises(InputError, match=r"there are bias \(it broke"):
            compare(base.folder, batch("new").run(bias=GOOD).folder)


class TestDropped:
    def test_audits_that_the_plan_asks_for_no_longer_are_named_and_not_compared(self, batch: Any) -> None:
        base = batch("base").run(bias=GOOD, privacy=GOOD).run(bias=GOOD)
        new = batch("new").run(bias=GOOD, privacy=BAD).run(bias=GOOD)
        found = compare(base.folder, new.folder)
        assert [pair.audit for pair in found.pairs] == ["bias"]
        assert (found.verdict, found.gone) == ("pass", ())
        assert [one.partition(" folder")[0] for one in found.remarks] == ["The earlier", "The newer"]
        assert all("asks for no longer, which are not compared: privacy" in one for one in found.remarks)
        assert "asks for no longer" in told(found)

    def test_one_that_only_the_earlier_plan_asks_for_keeps_it_undecided(self, batch: Any) -> None:
        base = batch("base").run(bias=GOOD, privacy=GOOD)
        found = compare(base.folder, batch("new").run(bias=GOOD, privacy=GOOD).run(bias=GOOD).folder)
        assert (found.verdict, found.gone) == ("undecided", ("credit: privacy",))

    def test_two_batches_of_one_audit_each_are_paired_by_its_name(self, batch: Any) -> None:
        base = batch("base").run(bias=GOOD)
        with pytest.raises(InputError, match="nothing in"):
            compare(base.folder, batch("new").run(privacy=GOOD).folder)


class TestOldJournals:
    def test_a_journal_that_does_not_say_what_was_asked_for_is_read_and_that_is_said(
        self, batch: Any
    ) -> None:
        base = batch("base", told=False).run(bias=GOOD)
        new = batch("new", told=False).run(bias=GOOD).run(bias=BAD)
        found = compare(base.folder, new.folder)
        assert (only_values(found), found.verdict) == ((0.9, 0.6), "fail")
        assert all("is of an earlier auditkit" in one for one in found.remarks)
        assert len(found.remarks) == 2

    def test_copies_without_a_journal_are_compared_by_the_newest_and_that_is_said(self, batch: Any) -> None:
        base, new = batch("base").run(bias=GOOD), batch("new").run(bias=BAD).run(bias=GOOD).run(bias=BAD)
        for name in ("journal.sqlite", "journal.head"):
            (new.folder / name).unlink()
        found = compare(base.folder, new.folder)
        assert only_values(found) == (0.9, 0.9)
        assert any("the one that was started last is compared" in one for one in found.pairs[0].remarks)


def test_a_single_report_is_held_against_whatever_is_given(batch: Any) -> None:
    base, new = batch("base").run(bias=GOOD), batch("new").run(privacy=BAD)
    (file,) = new.folder.glob("results/*/report.json")
    found = compare(base.folder, file)
    assert only_values(found) == (0.9, 0.6)
    assert replace(found, pairs=()).verdict == "not_judged"
