from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from auditkit_tests_crews import Canned as Told  # loaded from beside this file, see conftest.py
from filelock import FileLock
from typer.testing import CliRunner

from auditkit.batch import due as module
from auditkit.batch.alerts import FORM, MOST, Alerts, alert_of
from auditkit.batch.due import plans_in, run_due
from auditkit.batch.folder import locked_folder
from auditkit.batch.journal import Journal, read_entries
from auditkit.batch.keys import Digests, key_of
from auditkit.batch.plan import load_plan
from auditkit.batch.run import run_batch
from auditkit.batch.standing import accept, faults, standing
from auditkit.cli import app
from auditkit.cli.due import BUSY
from auditkit.errors import AuditkitError, InputError
from auditkit.waiver import Waiver

if TYPE_CHECKING:
    from collections.abc import Callable

DAILY = '[schedule]\nevery = "1d"\nat = "02:30"'
NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
DAY = timedelta(days=1)
GAP = {"finding": "00000000000000aa", "check": "AK101", "metric": "demographic_parity_difference"}
ERROR = {"finding": "00000000000000bb", "check": "AK001", "metric": "accuracy"}


def at(when: datetime) -> Callable[[], datetime]:
    return lambda: when


def started(out: Path) -> int:
    return sum(one.kind == "started" for one in read_entries(out))


@pytest.fixture
def daily(write_plan: Any) -> Path:
    file: Path = write_plan(tail=DAILY)
    return file


class TestSchedule:
    def test_a_plan_that_never_ran_is_run_and_then_waits_for_its_next_time(
        self, daily: Path, place: Path
    ) -> None:
        out, crew = place / "out", Told()
        first = run_due(daily, out, crew=crew, clock=at(NOON))
        assert (first.what, first.verdict, first.before) == ("ran", "pass", None)
        assert first.words() == "plan: pass; due next at 2026-11-04 02:30 UTC"
        entries, files = read_entries(out), {p.name: p.stat().st_mtime_ns for p in out.iterdir()}
        second = run_due(daily, out, crew=crew, clock=at(NOON + timedelta(hours=14)))
        assert (second.what, second.verdict, second.result) == ("not_due", "pass", None)
        assert (
            second.words() == "plan: not due; the last run stands at pass; due next at 2026-11-04 02:30 UTC"
        )
        assert read_entries(out) == entries
        assert {p.name: p.stat().st_mtime_ns for p in out.iterdir()} == files  # it left everything as it was
        third = run_due(daily, out, crew=crew, clock=at(NOON + timedelta(hours=15)))
        assert (third.what, third.before, third.standing and third.standing.missed) == ("ran", "pass", 0)
        assert faults(out) == []

    def test_a_machine_that_was_off_runs_once_and_says_how_often_it_did_not(
        self, daily: Path, place: Path
    ) -> None:
        out = place / "out"
        run_due(daily, out, crew=Told(), clock=at(NOON))
        back = run_due(daily, out, crew=Told(), clock=at(NOON + 7 * DAY))
        assert back.what == "ran"
        assert back.standing is not None
        assert back.standing.missed == 6
        assert "6 times that it was due before passed without a run" in back.words()
        assert run_due(daily, out, crew=Told(), clock=at(NOON + 7 * DAY)).what == "not_due"
        assert sum(one.kind == "finished" for one in read_entries(out)) == 2

    def test_a_clock_that_was_ahead_does_not_stop_the_plan(self, daily: Path, place: Path) -> None:
        out = place / "out"
        run_due(daily, out, crew=Told(), clock=at(NOON + 3650 * DAY))
        put_right = run_due(daily, out, crew=Told(), clock=at(NOON))
        assert put_right.what == "ran"
        assert "the last run is dated later than now" in put_right.words()
        after = run_due(daily, out, crew=Told(), clock=at(NOON + timedelta(minutes=1)))
        assert after.what == "not_due"
        assert run_due(daily, out, crew=Told(), clock=at(NOON + DAY)).what == "ran"

    def test_a_run_by_hand_counts_and_one_of_another_plan_does_not(self, daily: Path, place: Path) -> None:
        out = place / "out"
        run_batch(load_plan(daily), out, crew=Told())
        now = datetime.now(UTC)
        assert run_due(daily, out, crew=Told(), clock=at(now)).what == "not_due"
        other = place / "other.toml"
        other.write_text(daily.read_text())
        assert run_due(other, out, crew=Told(), clock=at(now)).what == "ran"

    def test_only_failed_that_leaves_an_audit_without_an_outcome_does_not_count(
        self, daily: Path, place: Path
    ) -> None:
        out = place / "out"
        run_batch(load_plan(daily), out, crew=Told(), only="failed")
        assert run_due(daily, out, crew=Told(), clock=at(datetime.now(UTC))).what == "ran"

    def test_results_that_rest_on_the_same_inputs_are_kept_unless_the_schedule_forces(
        self, write_plan: Any, place: Path
    ) -> None:
        out, file = place / "out", write_plan(tail=DAILY)
        for day in range(3):
            run_due(file, out, crew=Told(), clock=at(NOON + day * DAY))
        assert started(out) == 1
        file.write_text(file.read_text() + "\nforce = true\n")
        run_due(file, out, crew=Told(), clock=at(NOON + 3 * DAY))
        assert started(out) == 2

    def test_a_plan_without_a_schedule_is_refused_and_leaves_nothing(
        self, write_plan: Any, place: Path
    ) -> None:
        with pytest.raises(InputError, match=r"plan\.toml: no \[schedule\]: add one"):
            run_due(write_plan(), place / "out")
        assert not (place / "out").exists()

    def test_a_plan_with_a_mistake_leaves_nothing(self, daily: Path, place: Path) -> None:
        (place / "said.csv").unlink()
        with pytest.raises(InputError, match=r"said\.csv"):
            run_due(daily, place / "out", clock=at(NOON))
        assert not (place / "out").exists()

    def test_a_run_that_was_killed_is_due_and_goes_on(self, daily: Path, place: Path) -> None:
        out = place / "out"

        def die() -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run_due(daily, out, crew=Told(before=die), clock=at(NOON))
        assert run_due(daily, out, crew=Told(), clock=at(NOON)).what == "ran"


WAIVED = """
[[waiver]]
metric = "accuracy"
reason = "a pilot"
by = "model board"
until = 2026-11-03
"""


def test_a_key_changes_on_the_day_after_a_waiver_ends_and_on_no_other(write_plan: Any, place: Path) -> None:
    file, policy = write_plan(), place / "policy.toml"
    (audit,) = load_plan(file).audits

    def keys() -> list[str]:
        return [key_of(audit, Digests(date(2026, 11, day))) for day in (2, 3, 4, 5)]

    assert len(set(keys())) == 1  # no waiver
    policy.write_text(policy.read_text() + WAIVED)
    first, last, after, later = keys()
    assert first == last != after == later


def test_a_result_is_not_kept_past_the_end_of_a_waiver(
    daily: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "policy.toml").write_text((place / "policy.toml").read_text() + WAIVED)
    out, holds = place / "out", Waiver.holds
    for day, runs in ((3, 1), (4, 2), (5, 2)):  # in the afternoon of its last day, and on the two after
        monkeypatch.setattr(Waiver, "holds", lambda one, _on, day=day: holds(one, date(2026, 11, day)))
        batch = run_batch(load_plan(daily), out, crew=Told())
        assert (batch.verdict, started(out)) == ("pass", runs)


class TestStarters:
    def test_of_two_starters_one_runs_and_the_other_says_so(self, daily: Path, place: Path) -> None:
        out, inside, go, results = place / "out", threading.Event(), threading.Event(), []

        def hold() -> None:
            inside.set()
            go.wait(300)

        first = threading.Thread(
            target=lambda: results.append(run_due(daily, out, crew=Told(before=hold), clock=at(NOON)))
        )
        first.start()
        assert inside.wait(300)
        try:
            second = run_due(daily, out, crew=Told(), clock=at(NOON))
        finally:
            go.set()
            first.join(300)
        assert (second.what, second.verdict, second.result) == ("busy", None, None)
        assert second.words() == "plan: another start runs it; nothing was started here"
        assert [one.what for one in results] == ["ran"]
        assert started(out) == 1

    def test_a_starter_that_looked_before_the_other_had_ended_does_not_run_again(
        self, daily: Path, place: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out = place / "out"

        def meanwhile(path: Any) -> Any:
            monkeypatch.setattr(module, "load_plan", load_plan)
            run_due(daily, out, crew=Told(), clock=at(NOON))
            return load_plan(path)

        monkeypatch.setattr(module, "load_plan", meanwhile)
        late = run_due(daily, out, crew=Told(), clock=at(NOON))
        assert late.what == "not_due"
        assert started(out) == 1

    @pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
    def test_the_lock_of_a_starter_that_was_killed_holds_nobody_up(self, daily: Path, place: Path) -> None:
        out = place / "out"
        holds = (
            "import sys; from auditkit.batch.folder import locked_folder\n"
            "with locked_folder(sys.argv[1]):\n print('held', flush=True); sys.stdin.read()"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", holds, str(out)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "held\n"
        assert run_due(daily, out, crew=Told(), clock=at(NOON)).what == "busy"
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        process.stdin.close()
        process.stdout.close()
        assert (out / ".auditkit.lock").exists()  # stale, and nothing to clear away
        assert run_due(daily, out, crew=Told(), clock=at(NOON)).what == "ran"


def keys_in_the_guide() -> set[str]:
    page = Path(__file__).parents[2] / "docs" / "scheduling.md"
    table = page.read_text("utf-8").split("| key | what it says |")[1].split("\n\n")[0]
    return {
        key
        for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        for key in re.findall(r"`(\w+)`", row)
    }


class TestAlerts:
    def ran(self, file: Path, out: Path, crew: Told, day: int) -> dict[str, Any]:
        """Run it anew on a day, and return the alert about it."""
        told: list[Any] = []
        run_due(file, out, crew=crew, clock=at(NOON + day * DAY), tell=told.append)
        (one,) = told
        said: dict[str, Any] = json.loads(json.dumps(alert_of(one, 0)))
        return {**said, "changed": one.changed}

    def test_findings_are_held_against_the_last_run_then_against_what_was_accepted(
        self, write_plan: Any, place: Path
    ) -> None:
        file, out = write_plan(tail=f"{DAILY}\nforce = true"), place / "out"

        def of(said: dict[str, Any]) -> tuple[Any, ...]:
            kinds = ("new", "fixed", "persisting")
            named = ([one["metric"] for one in said[kind]["named"]] for kind in kinds)
            return (said["beside"], said["changed"], *named)

        gap, accuracy = GAP["metric"], ERROR["metric"]
        assert of(self.ran(file, out, Told("fail", GAP), 0)) == (None, True, [gap], [], [])
        assert of(self.ran(file, out, Told("fail", GAP), 1)) == ("last", False, [], [], [gap])
        assert of(self.ran(file, out, Told("fail", GAP, ERROR), 2)) == ("last", True, [accuracy], [], [gap])
        accept(out, reason="known", by="maria")
        assert of(self.ran(file, out, Told("fail", ERROR), 3)) == ("accepted", True, [], [gap], [accuracy])
        assert of(self.ran(file, out, Told("fail", ERROR), 4)) == ("accepted", False, [], [gap], [accuracy])
        # what broke says nothing of its findings: they are not fixed
        assert of(self.ran(file, out, Told(broke=True), 5)) == ("accepted", True, [], [], [])
        assert of(self.ran(file, out, Told("pass"), 6)) == ("accepted", True, [], [gap, accuracy], [])
        assert of(self.ran(file, out, Told("pass"), 7)) == ("accepted", False, [], [gap, accuracy], [])
        assert standing(out)["accepted"]["by"] == "maria"

    def test_an_alert_says_what_the_guide_says_and_no_value(self, write_plan: Any, place: Path) -> None:
        file, out = write_plan(tail=DAILY), place / "out"
        run_due(file, out, crew=Told(), clock=at(NOON))
        (place / "test.csv").write_text((place / "test.csv").read_text() + "100,1\n")
        (place / "said.csv").write_text((place / "said.csv").read_text() + "1\n")
        said = self.ran(file, out, Told("fail", GAP), 3)
        del said["changed"]
        assert said == {
            "form": FORM, "plan": "plan", "file": str(file), "out": str(out), "at": "2026-11-06T12:00:00+00:00", "what": "ran",
            "exit_code": 0, "due": "2026-11-06T02:30:00+00:00", "next": "2026-11-07T02:30:00+00:00", "missed": 2, "clock_back": False,
            "verdict": "fail", "before": "pass", "audits": {"fail": 1}, "findings": {"pass": 2, "fail": 1}, "beside": "last",
            "new": {"count": 1, "named": [{"audit": "toy-tiny", **GAP}]}, "fixed": {"count": 0, "named": []},
            "persisting": {"count": 0, "named": []}, "page": str(out / "index.html"),
        }  # fmt: skip
        assert Path(said["page"]).is_file()
        assert keys_in_the_guide() == set(said)

    def test_why_an_audit_broke_is_not_in_it(self, write_plan: Any, place: Path) -> None:
        said = self.ran(write_plan(tail=DAILY), place / "out", Told(broke=True), 0)
        assert said["audits"] == {"broke": 1}
        assert "Maria" not in json.dumps(said)
        assert "Maria" in (place / "out" / "index.html").read_text()  # the page of the batch does say

    def test_a_line_names_a_bounded_number_of_findings(self, write_plan: Any, place: Path) -> None:
        many = [{**GAP, "finding": f"{n:016x}"} for n in range(MOST + 7)]
        said = self.ran(write_plan(tail=DAILY), place / "out", Told("fail", *many), 0)
        assert said["new"]["count"] == MOST + 7
        assert len(said["new"]["named"]) == MOST

    def test_a_run_whose_alert_was_not_written_is_told_again(self, daily: Path, place: Path) -> None:
        out = place / "out"

        def full(_: Any) -> None:
            raise AuditkitError("no room")

        with pytest.raises(AuditkitError, match="no room"):
            run_due(daily, out, crew=Told("fail", GAP), clock=at(NOON), tell=full)
        said = self.ran(daily, out, Told("fail", GAP), 0)
        assert (said["what"], said["verdict"], said["new"]["count"]) == ("ran", "fail", 1)
        assert started(out) == 1  # the results were kept

    def test_lines_are_added_and_one_that_was_cut_off_stays_alone(self, tmp_path: Path) -> None:
        file = tmp_path / "alerts.jsonl"
        for n in range(2):
            Alerts(str(file)).write({"n": n})
        file.write_bytes(file.read_bytes() + b'{"n": 2, "pl')
        Alerts(str(file)).write({"n": 3, "name": "ä\u2028"})
        assert file.read_bytes() == b'{"n": 0}\n{"n": 1}\n{"n": 2, "pl\n{"n": 3, "name": "\\u00e4\\u2028"}\n'

    def test_writers_at_once_do_not_mix_their_lines(self, tmp_path: Path) -> None:
        file = tmp_path / "alerts.jsonl"

        def write(mark: str) -> None:
            alerts = Alerts(str(file))
            for _ in range(40):
                alerts.write({"mark": mark * 5000})

        writers = [threading.Thread(target=write, args=(mark,)) for mark in "abcd"]
        for one in writers:
            one.start()
        for one in writers:
            one.join()
        marks = [json.loads(line)["mark"] for line in file.read_text().splitlines()]
        assert sorted(marks) == sorted(mark * 5000 for mark in "abcd" for _ in range(40))

    @pytest.mark.parametrize("target", [".", "no/such/folder/a.jsonl", "s3://bucket/a", ""])
    def test_where_nothing_can_be_written_is_told_first(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(InputError, match="--alert"):
            Alerts(target)


class TestCommand:
    @pytest.fixture(autouse=True)
    def _at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let audits end at once, as `self.crew` says."""
        import auditkit.batch.run as run

        self.crew = Told()
        monkeypatch.setattr(run, "default_crew", lambda jobs: self.crew)

    def call(self, *words: str) -> Any:
        return CliRunner().invoke(app, ["run", "--due", *words])

    def alerts(self, file: Path) -> list[dict[str, Any]]:
        return [json.loads(line) for line in file.read_text().splitlines()]

    @pytest.mark.parametrize(
        ("verdict", "code"), [("pass", 0), ("fail", 1), ("undecided", 3), ("not_judged", 0)]
    )
    def test_the_exit_code_is_how_the_plan_stands_also_when_it_is_not_due(
        self, daily: Path, place: Path, verdict: str, code: int
    ) -> None:
        self.crew = Told(verdict)
        words = (str(daily), "--out", str(place / "out"))
        first, second = self.call(*words), self.call(*words)
        assert (first.exit_code, second.exit_code) == (code, code), first.stderr
        assert first.stdout.startswith(f"plan: {verdict}; due next at ")
        assert second.stdout.startswith(f"plan: not due; the last run stands at {verdict}; due next at ")
        assert second.stderr == ""

    def test_a_second_starter_ends_with_a_code_of_its_own(self, daily: Path, place: Path) -> None:
        out = place / "out"
        out.mkdir()
        with FileLock(out / ".auditkit.lock"):
            said = self.call(str(daily), "--out", str(out))
        assert (said.exit_code, said.stdout) == (
            BUSY,
            "plan: another start runs it; nothing was started here\n",
        )
        assert said.stderr == ""
        assert (out / ".auditkit.lock").exists()

    @pytest.mark.parametrize(
        ("on", "lines"),
        [
            ("failed", ["fail", "fail"]),
            ("changed", ["fail", "pass"]),
            ("always", ["fail", "fail", "pass", "pass"]),
        ],
    )
    def test_what_is_told_is_what_was_asked_for(
        self, write_plan: Any, place: Path, on: str, lines: list[str]
    ) -> None:
        file, out, alerts = write_plan(tail=f"{DAILY}\nforce = true"), place / "out", place / "a.jsonl"
        for crew in (Told("fail", GAP), Told("fail", GAP), Told(), Told()):
            self.crew = crew
            self.call(str(file), "--out", str(out), "--alert", str(alerts), "--alert-on", on)
            with Journal(out) as journal:  # another day
                last = journal.entries[-1].data
                journal.append("finished", {**last, "began": "2026-01-01T00:00:00+00:00"})
        assert [one["verdict"] for one in self.alerts(alerts)] == lines

    def test_a_start_for_nothing_is_told_under_always_alone(self, daily: Path, place: Path) -> None:
        words = (str(daily), "--out", str(place / "out"))
        self.call(*words)
        for on in ("failed", "changed", "always"):
            self.call(*words, "--alert", str(place / on), "--alert-on", on)
        assert [self.alerts(place / on) for on in ("failed", "changed")] == [[], []]
        (one,) = self.alerts(place / "always")
        assert (one["what"], one["verdict"], one["page"]) == ("not_due", "pass", None)

    def test_an_alert_to_standard_output_stands_there_alone(self, daily: Path, place: Path) -> None:
        self.crew = Told("fail", GAP)
        said = self.call(str(daily), "--out", str(place / "out"), "--alert", "-")
        assert json.loads(said.stdout)["verdict"] == "fail"
        assert said.stdout.count("\n") == 1
        assert "plan: fail; due next" in said.stderr

    def test_alerts_that_cannot_be_written_are_told_before_any_work(self, daily: Path, place: Path) -> None:
        said = self.call(str(daily), "--out", str(place / "out"), "--alert", str(place / "no" / "a.jsonl"))
        assert said.exit_code == 2
        assert "--alert: cannot write to" in said.stderr
        assert not (place / "out").exists()
        assert self.crew.started == []

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is of Linux")
    def test_alerts_that_find_no_room_end_the_run_in_words(self, daily: Path, place: Path) -> None:
        said = self.call(
            str(daily), "--out", str(place / "out"), "--alert", "/dev/full", "--alert-on", "always"
        )
        assert said.exit_code == 3
        assert "the alert could not be added to '/dev/full'" in said.stderr
        again = self.call(
            str(daily), "--out", str(place / "out"), "--alert", str(place / "a"), "--alert-on", "always"
        )
        assert again.exit_code == 0
        assert [one["what"] for one in self.alerts(place / "a")] == ["ran"]

    def test_a_plan_that_is_refused_is_told_without_the_words_that_may_quote_the_data(
        self, daily: Path, place: Path
    ) -> None:
        (place / "said.csv").write_text("said\nMaria Muster\n")
        said = self.call(
            str(daily), "--out", str(place / "out"), "--alert", str(place / "a"), "--alert-on", "failed"
        )
        assert said.exit_code == 2
        assert "Error: " in said.stderr
        (one,) = self.alerts(place / "a")
        assert (one["what"], one["exit_code"], one["plan"]) == ("refused", 2, "plan")
        assert "Maria" not in (place / "a").read_text()
        assert set(one) == keys_in_the_guide()

    def test_a_folder_of_plans_each_has_its_turn_and_its_folder(self, daily: Path, place: Path) -> None:
        (place / "weekly.toml").write_text(daily.read_text().replace("1d", "1w"))
        (place / "by_hand.toml").write_text(daily.read_text().replace(DAILY, ""))
        (place / "wrong.toml").write_text(daily.read_text().replace("[schedule]", "[shedule]"))
        assert [name for _, name in plans_in(place)] == [
            "plan",
            "weekly",
            "wrong",
        ]  # neither the subject nor the policy
        self.crew = Told("undecided")
        said = self.call(str(place), "--out", str(place / "out"), "--json")
        assert said.exit_code == 2
        told = json.loads(said.stdout)
        assert [(one["what"], one["exit_code"]) for one in told["plans"]] == [
            ("ran", 3),
            ("ran", 3),
            ("refused", 2),
        ]
        assert "Did you mean 'schedule'?" in told["plans"][2]["error"]
        assert sorted(p.name for p in (place / "out").iterdir()) == ["plan", "weekly"]
        self.crew = Told("fail", GAP)
        (place / "third.toml").write_text(daily.read_text())
        assert self.call(str(place), "--out", str(place / "out")).exit_code == 1

    def test_a_mistake_of_ours_in_one_plan_does_not_take_the_turn_of_the_next(
        self, daily: Path, place: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (place / "second.toml").write_text(daily.read_text())
        real = module.read_entries

        def wrong(folder: Path) -> Any:
            if folder.name == "plan":
                raise RuntimeError("on purpose")
            return real(folder)

        monkeypatch.setattr(module, "read_entries", wrong)
        (place / "out" / "plan").mkdir(parents=True)
        said = self.call(str(place), "--out", str(place / "out"), "--json", "--alert", str(place / "a"))
        assert said.exit_code == 3
        assert [one["what"] for one in json.loads(said.stdout)["plans"]] == ["broke", "ran"]
        assert [one["what"] for one in self.alerts(place / "a")] == ["broke"]

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (["--subject", "toy.toml"], "--subject cannot be given with --due"),
            (["-p", "a=1"], "-p cannot be given with --due"),
            (["--seed", "1"], "--seed cannot be given with --due"),
            (["--code"], "--code cannot be given with --due"),
            (["--alert-on", "always"], "say where to, with --alert FILE"),
            (["--alert", "-", "--json"], "both write to standard output"),
        ],
    )
    def test_what_does_not_go_together_is_refused(
        self, daily: Path, place: Path, words: list[str], told: str
    ) -> None:
        said = self.call(str(daily), "--out", str(place / "out"), *words)
        assert said.exit_code == 2
        assert told in said.stderr
        assert not (place / "out").exists()

    def test_a_run_of_a_template_needs_its_subject_and_no_alert(self, place: Path) -> None:
        out = ["--out", str(place / "out")]
        said = CliRunner().invoke(app, ["run", "bias", *out])
        assert (said.exit_code, "--subject is missing" in said.stderr) == (2, True)
        said = CliRunner().invoke(app, ["run", "bias", *out, "--subject", "x.toml", "--alert", "a"])
        assert (said.exit_code, "belong to --due" in said.stderr) == (2, True)
        assert not (place / "out").exists()

    def test_a_folder_without_plans(self, tmp_path: Path) -> None:
        said = self.call(str(tmp_path), "--out", str(tmp_path / "out"))
        assert said.exit_code == 2
        assert "no plan with a [schedule]" in said.stderr


@pytest.mark.kernel
def test_a_plan_is_assessed_by_the_command_and_its_failure_is_told(write_plan: Any, place: Path) -> None:
    (place / "policy.toml").write_text((place / "policy.toml").read_text().replace("0.5", "0.99"))
    file, out, alerts = write_plan(tail=DAILY), place / "out", place / "a.jsonl"
    done = CliRunner().invoke(app, ["run", "--due", str(file), "--out", str(out), "--alert", str(alerts)])
    assert done.exit_code == 1, done.stderr
    (said,) = [json.loads(line) for line in alerts.read_text().splitlines()]
    # 90 of 100 answers are right, and 99 are asked for
    (one,) = said["new"]["named"]
    assert (one["audit"], one["check"], one["metric"]) == ("toy-tiny", "AK001", "accuracy")
    (entry,) = [e for e in read_entries(out) if e.kind == "done"]
    assert [f["finding"] for f in entry.data["not_met"]] == [one["finding"]]
    with locked_folder(out):
        pass
    assert faults(out) == []


def test_an_interrupted_plan_says_how_it_goes_on(
    daily: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_given: Any, **_order: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("auditkit.batch.due.run_due", run)
    done = CliRunner().invoke(app, ["run", "--due", str(daily), "--out", str(tmp_path / "a night")])
    assert done.exit_code == 130
    assert f"To go on: auditkit batch {daily} --out '{tmp_path / 'a night'}'" in done.stderr
