"""Due: a plan is run when its schedule says so, by one starter at a time, and once for all moments that passed unused."""

from __future__ import annotations

import tomllib
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from auditkit.batch.folder import FolderBusy, locked_folder
from auditkit.batch.journal import Journal, read_entries
from auditkit.batch.pages import last_accepted
from auditkit.batch.plan import load_plan
from auditkit.batch.planned import last_run
from auditkit.batch.run import finish, run_held
from auditkit.batch.schema import read_plan_file
from auditkit.errors import InputError
from auditkit.runner.paths import local_path

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Sequence

    from auditkit.batch.crew import Crew
    from auditkit.batch.journal import Entry
    from auditkit.batch.outcomes import Outcome
    from auditkit.batch.run import BatchNews, BatchResult
    from auditkit.batch.schedule import Standing
    from auditkit.batch.schema import PlanFile
    from auditkit.judging import Verdict

__all__ = ["Assessment", "now", "plans_in", "run_due"]


@dataclass(frozen=True)
class Assessment:
    """What a start of a plan came to.

    Attributes
    ----------
    plan : str
        Its name.
    file, out : pathlib.Path
        The plan, and the folder of its batch.
    what : {"ran", "not_due", "busy"}
        "busy" is that another start is running it.
    at : datetime.datetime
        The time of the start, in UTC.
    standing : Standing or None
        How the schedule stood; None where that is busy being found out elsewhere.
    verdict : str or None
        The gate's: of this run, or of the last one where none ran. None where there is none.
    before : str or None
        That of the last run before this one.
    result : BatchResult or None
        Of this run.
    beside : str
        What the findings are held against: "accepted", else "last"; empty where there is neither.
    new, fixed, persisting : tuple of dict
        Findings that are not met, or no longer, by audit, fingerprint, check and metric. An audit that broke is in none of them.
    changed : bool
        Whether verdict, outcomes or findings differ from those of the last run; of a first run, whether it does not pass.
    """

    plan: str
    file: Path
    out: Path
    what: Literal["ran", "not_due", "busy"]
    at: datetime
    standing: Standing | None = None
    verdict: Verdict | None = None
    before: Verdict | None = None
    result: BatchResult | None = None
    beside: str = ""
    new: tuple[dict[str, str], ...] = ()
    fixed: tuple[dict[str, str], ...] = ()
    persisting: tuple[dict[str, str], ...] = ()
    changed: bool = False

    def words(self) -> str:
        """Return in a sentence what happened, and when the plan is due next."""
        if self.standing is None:
            return f"{self.plan}: another start runs it; nothing was started here"
        later = f"due next at {self.standing.following:%Y-%m-%d %H:%M} UTC"
        if self.what == "not_due":
            stands = f"the last run stands at {self.verdict}" if self.verdict else "it never ran here"
            return f"{self.plan}: not due; {stands}; {later}"
        missed, back = self.standing.missed, self.standing.back
        said = (
            f"; {missed} time{'s' if missed > 1 else ''} that it was due before passed without a run"
            if missed
            else ""
        )
        said += "; the last run is dated later than now: one of the two clocks was wrong" if back else ""
        return f"{self.plan}: {self.verdict}{said}; {later}"


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def run_due(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    jobs: int | None = None,
    crew: Crew | None = None,
    progress: Callable[[BatchNews], None] | None = None,
    tell: Callable[[Assessment], None] | None = None,
    clock: Callable[[], datetime] = now,
) -> Assessment:
    """Run a plan if its schedule says that it is time; else leave everything as it is.

    Parameters
    ----------
    path : path
        The plan, with a ``[schedule]``.
    out : path
        The folder of its batch. Its journal says when the last run began that came to its end.
    jobs, crew, progress
        As for `run_batch`; the crew is closed also where nothing is run.
    tell : callable, optional
        Told what came of it, before the run counts as finished: if that fails, or the process is killed in it, the next start runs the plan
        again and tells again.
    clock : callable
        Gives the time, aware of its zone.

    Raises
    ------
    InputError
        If the plan or the folder cannot be used, or its journal was changed. Nothing was started then.
    """
    with ExitStack() as unused:
        if crew is not None:
            unused.callback(crew.close)
        said, file, place = read_plan_file(path), Path(path), local_path(out, "--out")
        if said.schedule is None:
            raise InputError(f'{file}: no [schedule]: add one, as in [schedule] and every = "1 day"')
        entries = read_entries(place) if place.is_dir() else ()
        first = _looked(said, file, place, entries, clock())
        if first.what == "not_due":
            return _told(first, tell)
        plan = load_plan(file)
        try:
            with locked_folder(place) as folder, Journal(folder) as journal:
                # another start may have run it since: only who holds the lock decides
                look = _looked(said, file, folder, journal.entries, clock())
                if look.what == "not_due":
                    return _told(look, tell)
                before = journal.entries
                began = look.at.isoformat(timespec="seconds")
                unused.pop_all()  # closed by `run_held` from here
                result = run_held(
                    plan, folder, journal, jobs=jobs or plan.jobs or 1, crew=crew, force=said.schedule.force,
                    progress=progress, began=began,
                )  # fmt: skip
                done = _told(
                    _held_against(replace(look, result=result, verdict=result.verdict), before), tell
                )
                finish(plan, journal, result)
                return done
        except FolderBusy:
            return _told(replace(first, what="busy", standing=None, verdict=None), tell)


def plans_in(path: str | os.PathLike[str]) -> list[tuple[Path, str]]:
    """Return the plans that a path stands for, each with the name of its folder below ``--out``; a single plan needs none.

    Of a folder these are the files ``*.toml`` in it that are plans with a schedule, or that cannot be read so that nobody knows. A plan
    without one is for whoever starts it by hand.

    Raises
    ------
    InputError
        If a folder holds none.
    """
    folder = local_path(path, "the plan")
    if not folder.is_dir():
        return [(folder, "")]
    found = [one for one in sorted(folder.glob("*.toml")) if one.is_file() and _may_be_a_plan(one)]
    if not found:
        raise InputError(
            f"no plan with a [schedule] in {str(folder)!r}: `auditkit plan init {folder / 'plan.toml'}` writes one, its schedule behind #"
        )
    return [(one, one.stem) for one in found]


def _may_be_a_plan(file: Path) -> bool:
    try:
        said = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return True
    if "template" not in said or "schedule" in said:
        return "schedule" in said
    try:
        read_plan_file(file)
    except InputError:
        return True  # perhaps the schedule is what is misspelt
    return False


def _looked(said: PlanFile, file: Path, out: Path, entries: Sequence[Entry], at: datetime) -> Assessment:
    """Return whether it is time."""
    name = said.name or file.stem
    last = last_run(entries, name)
    began = None if last is None else datetime.fromisoformat(last["began"])
    verdict: Verdict | None = None if last is None else last["verdict"]
    if said.schedule is None:
        raise InputError(f"{file}: no [schedule]")
    standing = said.schedule.schedule().standing(began, at)
    what: Literal["ran", "not_due"] = "ran" if standing.due else "not_due"
    return Assessment(name, file, out, what, at.astimezone(UTC), standing, verdict, verdict)


def _told(one: Assessment, tell: Callable[[Assessment], None] | None) -> Assessment:
    if tell is not None:
        tell(one)
    return one


def _held_against(one: Assessment, entries: Sequence[Entry]) -> Assessment:
    """Return it with its findings held against what was accepted, else against the last run."""
    outcomes = () if one.result is None else one.result.outcomes
    last, accepted = last_run(entries, one.plan), last_accepted(entries)
    base = accepted if accepted is not None else last
    new, fixed, persisting = _turned(base or {}, outcomes)
    if last is None:
        changed = one.verdict not in ("pass", "not_judged")
    else:
        words = {o.called_in(last["audits"]): o.word for o in outcomes}
        came, went, _ = _turned(last, outcomes)
        changed = bool(came or went) or words != last["audits"] or one.verdict != last["verdict"]
    beside = "accepted" if accepted is not None else "last" if last is not None else ""
    return replace(one, beside=beside, new=new, fixed=fixed, persisting=persisting, changed=changed)


def _turned(base: dict[str, Any], outcomes: Iterable[Outcome]) -> tuple[tuple[dict[str, str], ...], ...]:
    """Return the findings that are not met now and were not so before, those that no longer are, and those that still are."""
    new, fixed, persisting = [], [], []
    not_met = base.get("not_met", {})
    for one in outcomes:
        if one.ended != "done":
            continue
        was = {f["finding"]: f for f in not_met.get(one.called_in(not_met), ())}
        is_ = {f["finding"]: f for f in one.not_met}
        about = {"audit": one.audit.name}
        new += [{**about, **f} for mark, f in is_.items() if mark not in was]
        fixed += [{**about, **f} for mark, f in was.items() if mark not in is_]
        persisting += [{**about, **f} for mark, f in is_.items() if mark in was]
    return tuple(new), tuple(fixed), tuple(persisting)
