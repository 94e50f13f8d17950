"""How a batch stands: by the results that hold for what the last run was asked for."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from auditkit_tests_crews import Canned  # loaded from beside this file, see conftest.py
from typer.testing import CliRunner

from auditkit.batch import journal as journal_module
from auditkit.batch.due import run_due
from auditkit.batch.folder import locked_folder
from auditkit.batch.journal import JOURNAL, Journal, JournalError, read_entries
from auditkit.batch.plan import load_plan
from auditkit.batch.planned import UNPLANNED, planned
from auditkit.batch.run import run_batch
from auditkit.batch.standing import accept, standing
from auditkit.cli import app
from auditkit.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

GAP = {"finding": "00000000000000aa", "check": "AK101", "metric": "demographic_parity_difference"}
TWO = "grid = { model_performance__level = [0.9, 0.95] }"
NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


def call(*args: Any) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [str(one) for one in args])
    return done.exit_code, done.stdout, done.stderr


def words(out: Path) -> dict[str, str]:
    return {one["name"]: one["outcome"] for one in standing(out)["audits"]}


def kinds(out: Path) -> list[str]:
    return [one.kind for one in read_entries(out)]


def without_plan(out: Path, target: Path) -> Path:
    """Write the same journal without its entries "planned", as an earlier auditkit left it."""
    shutil.copytree(out, target)
    for name in (JOURNAL, "journal.head"):
        (target / name).unlink()
    with Journal(target) as made:
        for one in read_entries(out):
            if one.kind != "planned":
                made.append(one.kind, one.data)
    return target


class TestWhatHolds:
    def test_inputs_that_go_back_stand_as_the_result_of_those_inputs(
        self, place: Path, write_plan: Any
    ) -> None:
        out, policy = place / "out", place / "policy.toml"
        first = policy.read_text()
        run_batch(load_plan(write_plan()), out, crew=Canned("fail", GAP))
        policy.write_text(first + "# B\n")
        run_batch(load_plan(write_plan()), out, crew=Canned("pass"))
        assert words(out) == {"toy-tiny": "pass"}
        policy.write_text(first)
        back = run_batch(load_plan(write_plan()), out, crew=Canned("pass"))  # nothing is run again
        assert back.verdict == "fail"
        assert (standing(out)["verdict"], words(out)) == ("fail", {"toy-tiny": "fail"})
        said = accept(out, reason="known")
        assert (said["audits"], said["not_met"]) == ({"toy-tiny": "fail"}, {"toy-tiny": [GAP]})

    @pytest.mark.parametrize("name", ["report.json", "result.json", None])
    def test_a_result_that_is_not_as_it_was_written_is_told_and_not_accepted(
        self, place: Path, write_plan: Any, name: str | None
    ) -> None:
        out = place / "out"
        run_batch(load_plan(write_plan()), out, crew=Canned("pass"))
        assert standing(out)["remarks"] == []
        (folder,) = (out / "results").iterdir()
        if name is None:
            shutil.rmtree(folder)
        else:
            (folder / name).write_text((folder / name).read_text() + " ")
        (told,) = standing(out)["remarks"]
        assert told.startswith("the result of 'toy-tiny' is not as it was written")
        assert told in call("status", out)[1]
        with pytest.raises(InputError, match="'toy-tiny' is not as it was written"):
            accept(out, reason="reviewed")
        assert "accepted" not in kinds(out)
        run_batch(load_plan(write_plan()), out, crew=Canned("pass"))
        assert standing(out)["remarks"] == []
        assert accept(out, reason="reviewed")["audits"] == {"toy-tiny": "pass"}

    def test_an_audit_that_the_plan_dropped_counts_no_longer(self, place: Path, write_plan: Any) -> None:
        out = place / "out"
        run_batch(load_plan(write_plan(TWO)), out, crew=Canned("fail", GAP))
        assert call("status", out)[0] == 1
        run_batch(
            load_plan(write_plan("grid = { model_performance__level = [0.99] }")), out, crew=Canned("pass")
        )
        assert words(out) == {"toy-tiny-level=0.99": "pass"}
        assert list(accept(out, reason="reviewed")["audits"]) == ["toy-tiny-level=0.99"]
        assert call("status", out)[0] == 0

    def test_audits_that_were_not_started_leave_it_undecided_and_cannot_be_accepted(
        self, place: Path, write_plan: Any
    ) -> None:
        out = place / "out"
        run_batch(
            load_plan(write_plan("grid = { model_performance__level = [0.9] }")), out, crew=Canned("pass")
        )
        run_batch(load_plan(write_plan(TWO)), out, crew=Canned("pass"), only="failed")
        assert words(out) == {"toy-tiny-level=0.9": "pass", "toy-tiny-level=0.95": "not_run"}
        assert standing(out)["verdict"] == "undecided"
        with pytest.raises(
            InputError, match=r"'toy-tiny-level=0.95' was not started and has no outcome: run the batch again"
        ):
            accept(out, reason="reviewed")
        run_batch(load_plan(write_plan(TWO)), out, crew=Canned("pass"))
        assert len(accept(out, reason="reviewed")["audits"]) == 2

    def test_a_run_that_was_killed_while_it_forced_leaves_the_result_that_holds_and_says_so(
        self, place: Path, write_plan: Any
    ) -> None:
        out, plan = place / "out", load_plan(write_plan())
        (one,) = run_batch(plan, out, crew=Canned("pass")).outcomes
        with locked_folder(out) as folder, Journal(folder) as journal:
            journal.append("started", {"name": one.audit.name, "key": one.key, "at": "2026-11-03T12:00:00"})
        said = standing(out)
        assert (said["verdict"], said["again"]) == ("pass", ["toy-tiny"])
        assert "started again, and their results before that hold: toy-tiny" in call("status", out)[1]
        (run,) = run_batch(plan, out, crew=Canned("fail")).outcomes
        assert (run.word, standing(out)["verdict"]) == ("pass", "pass")  # as the next run says

    def test_what_a_killed_run_left_is_not_told_as_if_it_ran(self, place: Path, write_plan: Any) -> None:
        out, plan = place / "out", load_plan(write_plan(TWO))
        grid = "grid = { model_performance__level = [0.9] }"
        run_batch(load_plan(write_plan(grid)), out, crew=Canned("pass"))
        assert "runs" not in call("status", out)[1]  # all is done, and nobody needs to go on
        run_batch(plan, out, crew=Canned("pass"), only="failed")
        with locked_folder(out) as folder:
            code, said, _ = call("status", out)
            assert (code, "it runs now" in said, "To go on" in said) == (3, True, False)
            assert standing(out)["running"] is True
        code, said, _ = call("status", out)
        assert f"nobody runs it now; 1 not started. To go on: auditkit batch PLAN --out {folder}" in said
        found = standing(out)["audits"][1]["name"]
        key = planned(read_entries(out)).keys[found]
        with locked_folder(out) as folder, Journal(folder) as journal:
            journal.append("started", {"name": found, "key": key, "at": "2026-11-03T12:00:00"})
        assert "nobody runs it now; 1 started and not ended. To go on" in call("status", out)[1]
        assert json.loads(call("status", out, "--json")[1])["running"] is False
        (out / ".auditkit.lock").unlink(missing_ok=True)
        assert standing(out)["running"] is False
        assert not (out / ".auditkit.lock").exists()  # who looks writes nothing

    def test_what_broke_and_was_started_again_has_no_outcome(self, place: Path, write_plan: Any) -> None:
        out = place / "out"
        (one,) = run_batch(load_plan(write_plan()), out, crew=Canned(broke=True)).outcomes
        assert words(out) == {"toy-tiny": "broke"}
        with locked_folder(out) as folder, Journal(folder) as journal:
            journal.append("started", {"name": one.audit.name, "key": one.key, "at": "2026-11-03T12:00:00"})
        assert words(out) == {"toy-tiny": "started"}
        with pytest.raises(InputError, match="no audit has an outcome yet"):
            accept(out, reason="reviewed")

    def test_the_plan_is_noted_once_as_long_as_it_asks_for_the_same(
        self, place: Path, write_plan: Any
    ) -> None:
        out = place / "out"
        for _ in range(3):
            run_batch(load_plan(write_plan()), out, crew=Canned())
        assert kinds(out).count("planned") == 1
        run_batch(load_plan(write_plan(TWO)), out, crew=Canned())
        assert kinds(out).count("planned") == 2
        run_batch(load_plan(write_plan()), out, crew=Canned())
        assert (kinds(out).count("planned"), list(words(out))) == (3, ["toy-tiny"])

    def test_a_journal_that_does_not_say_what_was_asked_for_is_read_and_that_is_said(
        self, place: Path, write_plan: Any
    ) -> None:
        out = place / "out"
        run_batch(load_plan(write_plan(TWO)), out, crew=Canned("pass"))
        assert standing(out)["remarks"] == []
        old = without_plan(out, place / "old")
        said = standing(old)
        assert (said["verdict"], said["counts"], said["plan"]) == ("pass", {"pass": 2}, None)
        assert said["remarks"] == [UNPLANNED]
        code, shown, _ = call("status", old)
        assert (code, UNPLANNED in " ".join(shown.split())) == (0, True)
        assert len(accept(old, reason="reviewed")["audits"]) == 2
        crew = Canned()
        run_batch(load_plan(write_plan(TWO)), old, crew=crew)
        assert (crew.started, standing(old)["remarks"]) == ([], [])


class TestNames:
    def test_a_result_that_was_made_under_another_name_is_found_by_its_key(
        self, place: Path, write_plan: Any
    ) -> None:
        out, plan, crew = place / "out", load_plan(write_plan(TWO)), Canned("fail", GAP)
        made = run_batch(plan, out, crew=crew)
        old = place / "old"
        old.mkdir()
        called = {"toy-tiny-level=0.9": "toy-tiny-p1", "toy-tiny-level=0.95": "toy-tiny-p2"}
        with Journal(old) as journal:  # of an auditkit that called audits by their place
            for one in made.outcomes:
                name = called[one.audit.name]
                folder = old / "results" / f"{name}-{one.key[:10]}"
                shutil.copytree(out / "results" / one.folder, folder)
                entry = next(e.data for e in read_entries(out) if e.data.get("folder") == one.folder)
                journal.append("done", {**entry, "name": name, "folder": folder.name})
        accept(old, reason="of the old names")
        again = Canned()
        result = run_batch(plan, old, crew=again)
        assert (again.started, result.verdict) == ([], "fail")
        assert words(old) == {"toy-tiny-level=0.9": "fail", "toy-tiny-level=0.95": "fail"}
        page = (old / "index.html").read_text()
        assert "toy-tiny-p1-" in page  # the link leads to where it is
        assert "2 the same" in page
        assert "new" not in page.partition("2 the same")[2][:60]
        other = Canned()
        (place / "policy.toml").write_text((place / "policy.toml").read_text() + "# changed\n")
        run_batch(load_plan(write_plan(TWO)), old, crew=other)
        assert len(other.started) == 2  # other inputs are another key

    def test_what_broke_under_another_name_is_no_result(self, place: Path, write_plan: Any) -> None:
        out, plan = place / "out", load_plan(write_plan())
        (one,) = run_batch(plan, out, crew=Canned("pass")).outcomes
        old = place / "old"
        old.mkdir()
        with Journal(old) as journal:
            journal.append("broke", {"name": "another", "key": one.key, "why": "x", "kind": "limit"})
        crew = Canned()
        run_batch(plan, old, crew=crew)
        assert crew.started == ["toy-tiny"]


class TestOnlyFailed:
    def test_a_result_that_is_gone_or_was_changed_is_made_again_and_a_whole_one_is_not(
        self, place: Path, write_plan: Any
    ) -> None:
        plan, out = (
            load_plan(write_plan("grid = { model_performance__level = [0.9, 0.95, 0.99] }")),
            place / "out",
        )
        first, second, third = run_batch(plan, out, crew=Canned()).outcomes
        shutil.rmtree(out / "results" / first.folder)
        (out / "results" / second.folder / "report.json").write_text("of somebody else")
        crew = Canned()
        run_batch(plan, out, crew=crew, only="failed")
        assert sorted(crew.started) == [first.audit.name, second.audit.name]
        assert third.audit.name not in crew.started
        after = Canned()
        run_batch(plan, out, crew=after, only="failed")
        assert after.started == []


class TestCrew:
    def test_a_crew_is_closed_once_whether_or_not_there_was_work(self, place: Path, write_plan: Any) -> None:
        plan, out = load_plan(write_plan()), place / "out"
        used, unused, refused, held_up = Canned(), Canned(), Canned(), Canned()
        run_batch(plan, out, crew=used)
        run_batch(plan, out, crew=unused)
        with pytest.raises(InputError):
            run_batch(plan, out, crew=refused, jobs=0)
        with locked_folder(out), pytest.raises(InputError, match="another batch"):
            run_batch(plan, out, crew=held_up)
        assert [one.closed for one in (used, unused, refused, held_up)] == [1, 1, 1, 1]
        assert (used.started, unused.started) == (["toy-tiny"], [])

    def test_one_of_a_plan_that_is_due_or_not_or_cannot_be_read_too(
        self, place: Path, write_plan: Any
    ) -> None:
        file, out = write_plan(tail='[schedule]\nevery = "1d"'), place / "out"
        due, not_due, refused = Canned(), Canned(), Canned()
        assert run_due(file, out, crew=due, clock=lambda: NOON).what == "ran"
        assert run_due(file, out, crew=not_due, clock=lambda: NOON).what == "not_due"
        with pytest.raises(InputError):
            run_due(place / "none.toml", out, crew=refused)
        assert [one.closed for one in (due, not_due, refused)] == [1, 1, 1]


class TestSchedule:
    def test_status_says_when_a_plan_with_a_schedule_is_due(self, place: Path, write_plan: Any) -> None:
        out = place / "out"
        run_batch(load_plan(write_plan(tail='[schedule]\nevery = "1d"\nat = "02:30"')), out, crew=Canned())
        ran = datetime.fromisoformat(read_entries(out)[-1].data["began"])
        slot = ran.replace(hour=2, minute=30, second=0, microsecond=0)
        slot += timedelta(days=slot <= ran)
        soon = standing(out, now=ran)
        assert (soon["due"], soon["next"]) == (False, slot.isoformat())
        later = standing(out, now=slot + timedelta(minutes=1))
        assert (later["due"], later["next"]) == (True, (slot + timedelta(days=1)).isoformat())
        code, said, _ = call("status", out)
        assert code == 0
        assert "every 1 day at 02:30 (UTC)" in said
        assert json.loads(call("status", out, "--json")[1])["schedule"] == "every 1 day at 02:30 (UTC)"

    def test_without_a_schedule_nothing_is_said_of_one(self, place: Path, write_plan: Any) -> None:
        out = place / "out"
        run_batch(load_plan(write_plan()), out, crew=Canned())
        assert standing(out)["schedule"] is None
        assert "due" not in call("status", out)[1]


class TestReadingWhileSomebodyWrites:
    @pytest.fixture
    def written(self, tmp_path: Path) -> Path:
        with Journal(tmp_path) as journal:
            journal.append("done", {"name": "a", "key": "k"})
        return tmp_path

    def test_a_writer_between_the_two_files_is_no_fault(
        self, written: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        own, came = journal_module._head, []

        def head(folder: Path) -> Any:
            said = own(folder)
            if not came:  # a whole run between the reading of the head and that of the entries
                came.append(1)
                with Journal(folder) as journal:
                    journal.append("done", {"name": "b", "key": "k"})
            return said

        monkeypatch.setattr(journal_module, "_head", head)
        assert [one.data["name"] for one in read_entries(written)] == ["a", "b"]

    def test_the_first_run_of_all_in_that_moment_is_no_fault(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        own, came = journal_module._head, []

        def head(folder: Path) -> Any:
            said = own(folder)
            if not came:
                came.append(1)
                with Journal(folder) as journal:
                    journal.append("done", {"name": "a", "key": "k"})
            return said

        monkeypatch.setattr(journal_module, "_head", head)
        assert len(read_entries(tmp_path)) == 1

    def test_a_cut_journal_is_still_found_and_so_is_one_that_is_cut_meanwhile(
        self, written: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        own, looks = journal_module._head, []

        def head(folder: Path) -> Any:
            looks.append(1)
            said = own(folder)
            if len(looks) == 1:  # the files move in that moment, and what is there then fits no more
                file = folder / JOURNAL
                file.write_bytes(file.read_bytes()[:-1])
            return said

        monkeypatch.setattr(journal_module, "_head", head)
        with pytest.raises(JournalError, match="cannot be believed"):
            read_entries(written)
        assert len(looks) == 2

    def test_a_reader_beside_runs_that_come_and_go_never_cries_wolf(self, tmp_path: Path) -> None:
        import threading

        stop, wrong, seen = threading.Event(), [], []

        def write() -> None:
            try:
                for at in range(40):
                    with Journal(tmp_path) as journal:
                        for nth in range(3):
                            journal.append("done", {"name": f"{at}-{nth}", "key": "k"})
            except Exception as error:
                wrong.append(error)
            finally:
                stop.set()

        writer = threading.Thread(target=write)
        writer.start()
        while not stop.is_set():
            seen.append(len(read_entries(tmp_path)))
        writer.join()
        assert wrong == []
        assert seen == sorted(seen)
        assert len(read_entries(tmp_path)) == 120
