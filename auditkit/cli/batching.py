"""Batching: plans, batches, how they stand, and what was accepted."""

from __future__ import annotations

import logging
import shlex
import sys
from collections import Counter
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditkit.cli import copies
from auditkit.cli.ending import saying_how_to_go_on
from auditkit.cli.output import DIFFERS, EXIT, Json, code_of, object_, plain_errors, print_, say, table
from auditkit.cli.together import BATCH, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from auditkit.batch.crew import Crew
    from auditkit.batch.plan import Plan
    from auditkit.batch.run import BatchNews, BatchResult

__all__ = ["add_to", "told_as_it_goes"]

plan = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Plans: which audits a batch runs.")
Out = Annotated[str, typer.Argument(metavar="OUT", help="The folder of a batch.")]


class Only(StrEnum):
    """What of a plan is started."""

    failed = "failed"


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.add_typer(plan, name="plan")
    for command in (batch, status, accept):
        app.command()(command)


@plan.command()
def init(
    path: Annotated[str, typer.Argument(metavar="PLAN", help="The file to write.")] = "plan.toml",
    as_json: Json = False,
) -> None:
    """Write a commented plan for the subject files beside it.

    \b
    Examples:
      auditkit plan init
      auditkit plan init nightly.toml
    """
    with plain_errors(as_json=as_json):
        from auditkit.batch.starting import subject_files, write_plan

        written = str(write_plan(path))
        if as_json:
            object_({"plan": written})
            return
        look = f"auditkit batch {written} --dry-run"
        if subject_files(Path(written).parent):
            print_(f"{written} is written. Look at it: {look}")
        else:
            print_(
                f"{written} is written. No subject file is beside it or one folder below: write one, name it in place of subject.toml, then: {look}"
            )


def batch(
    path: Annotated[str, typer.Argument(metavar="PLAN", help="The plan: TOML.")],
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Folder of the batch.")] = "batch",
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", metavar="N", min=1, help="Audits at a time; the plan's, else 1, when left out."
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Say what would run and how long that may take; start and write nothing."
        ),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Run audits again whose results are there.")] = False,
    only: Annotated[
        Only | None, typer.Option("--only", help="failed: only audits that broke when last started.")
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option("--dask", metavar="ADDRESS", help="Run on the Dask cluster whose scheduler is here."),
    ] = None,
    keep_answers: copies.KeepAnswers = False,
    pdf: copies.Pdf = False,
    remote: copies.Remote = None,
    as_json: Json = False,
) -> None:
    """Run the audits of a plan; a batch that was ended early goes on where it stopped.

    Exit code: 0 no criterion was broken or left undecided, 1 a criterion not met, 2 bad input, 3 undecided, an audit without
    a report, or a PDF or a copy that is missing; 1 goes before 3.

    \b
    Examples:
      auditkit batch plan.toml --dry-run
      auditkit batch plan.toml --out reports/nightly --jobs 2
      auditkit batch plan.toml --out reports/nightly --only failed
      auditkit batch plan.toml --out reports/nightly --jobs 16 --dask tcp://scheduler:8786
    """
    with plain_errors(as_json=as_json):
        given = {"--dry-run": dry_run, "--force": force, "--only": only, "--dask": dask, "--pdf": pdf}
        refuse(BATCH, {**given, "--remote": remote})
        if dry_run:
            _preview(path, out, jobs, as_json=as_json, force=force, keep_answers=keep_answers)
            return
        from auditkit.batch.plan import load_plan
        from auditkit.batch.run import run_batch

        found = load_plan(path)
        found = found.keeping_answers() if keep_answers else found

        heard: Counter[str] = Counter()
        with (
            saying_how_to_go_on(
                out, _again(path, out, force=force, others=[pdf, only, dask, remote, jobs, keep_answers])
            ),
            told_as_it_goes(drawn=sys.stderr.isatty() and not as_json) as listen,
        ):
            chosen: Any = None if only is None else only.value
            order: Any = {
                "jobs": jobs,
                "force": force,
                "only": chosen,
                "pdf": pdf,
                "remote": remote,
                "progress": _counting(heard, listen),
            }
            result, missing = copies.whole(lambda: run_batch(found, out, crew=_cluster(dask, found), **order))
        raise typer.Exit(_tell(result, missing, heard, as_json=as_json))


def status(
    out: Out,
    verify: Annotated[
        bool, typer.Option("--verify", help="Also hold every file against the journal; slower.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say how a batch stands, also one that runs now.

    It tells of what the last run was asked for, whether somebody runs it now and else how to go on, and when the plan is due next, if it has a schedule.
    Exit code: that of the batch; with --verify 1 if anything is not as it was written, as of `auditkit verify`.

    \b
    Examples:
      auditkit status reports/nightly
      auditkit status reports/nightly --verify --json
    """
    with plain_errors(as_json=as_json):
        from auditkit.batch.standing import faults, standing

        wrong = faults(out) if verify else []
        if wrong:
            for one in wrong:
                say(one)
            if as_json:
                object_({"faults": wrong, "exit_code": DIFFERS})
            raise typer.Exit(DIFFERS)
        said = standing(out)
        if as_json:
            object_({**said, "exit_code": EXIT[said["verdict"]], **({"faults": []} if verify else {})})
        else:
            quiet = (
                "pass",
                "not_judged",
                "not_run",
            )  # counted below: of a batch that runs most are not run yet
            table([one for one in said["audits"] if one["outcome"] not in quiet])
            print_(
                f"{said['verdict']}: {_counted(said['counts'])}{'; every file is as it was written' if verify else ''}"
            )
            for line in _beside(said):
                print_(line)
        raise typer.Exit(EXIT[said["verdict"]])


def accept(
    out: Out,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why it is accepted.")],
    by: Annotated[
        str, typer.Option("--by", metavar="NAME", help="Who accepts it; the login name when left out.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Accept a batch as it stands: later runs are shown against it. It changes no verdict.

    \b
    Examples:
      auditkit accept reports/nightly --reason "reviewed; two open points are known"
    """
    with plain_errors(as_json=as_json):
        from auditkit.batch.standing import accept as take

        said = take(out, reason=reason, by=by)
        if as_json:
            object_(said)
        else:
            print_(f"{len(said['audits'])} audits are accepted by {said['by']}.")


def _preview(
    path: str, out: str, jobs: int | None, *, as_json: bool, force: bool, keep_answers: bool
) -> None:
    from auditkit.batch.forecast import Forecast
    from auditkit.batch.plan import load_plan
    from auditkit.batch.preview import preview

    forecast = Forecast()
    found = load_plan(path, seen=forecast.see)
    found = found.keeping_answers() if keep_answers else found
    said = preview(found, out, jobs=jobs, force=force, forecast=forecast)
    if as_json:
        object_(said)
        return
    table(
        [
            {
                "name": one["name"],
                "parameters": ", ".join(f"{k}={v}" for k, v in one["parameters"].items())
                or "as in the template",
                "seed": "as in the template" if one["seed"] is None else one["seed"],
                "would": one["would"],
                "estimate": one["estimate"]["words"] if one["estimate"] else "",
                "took": "" if one["seconds"] is None else f"{one['seconds']:.0f} s",
            }
            for one in said["audits"]
        ]
    )
    for one in said["excluded"]:
        print_(f"left out: {one['name']} ({one['why']})")
    print_(said["words"])


def _cluster(address: str | None, plan: Plan) -> Crew | None:
    if address is None:
        return None
    from auditkit.batch.dask import DaskCrew

    crew = DaskCrew(address, plan.audits)
    # what it says of a lost scheduler, the batch says in words; distributed sets its levels when it is imported
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    return crew


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {word.replace('_', ' ')}" for word, n in counts.items() if n) or "no audit yet"


def _going_on(said: dict[str, Any]) -> list[str]:
    """Return whether somebody runs the batch now, and else how to go on where audits have no outcome."""
    if said["running"]:
        return ["it runs now"]
    left = [said["counts"].get(word, 0) for word in ("started", "not_run")]
    if not any(left) and not said["again"]:
        return []
    begun, never = left[0] + len(said["again"]), left[1]
    told = [f"{begun} started and not ended"] if begun else []
    told += [f"{never} not started"] if never else []
    plan = f", with the file of the plan {said['plan']!r}" if said["plan"] else ""
    start = (
        "nobody runs it now" if said["running"] is False else "whether somebody runs it now cannot be told"
    )
    return [f"{start}; {', '.join(told)}. To go on: auditkit batch PLAN --out {said['out']}{plan}"]


def _beside(said: dict[str, Any]) -> list[str]:
    """Return what else is to be said of how a batch stands."""
    lines = [*said["remarks"], *_going_on(said)]
    if said["again"]:
        lines.append(f"started again, and their results before that hold: {', '.join(said['again'])}")
    if said["schedule"] is not None:
        at = f"{said['next'][:16].replace('T', ' ')} UTC"
        lines.append(
            f"due now, and next at {at}: {said['schedule']}"
            if said["due"]
            else f"due next at {at}: {said['schedule']}"
        )
    return lines


def _again(path: str, out: str, *, force: bool, others: list[object]) -> str:
    """Return the command by which a batch goes on, and what else was given."""
    command = shlex.join(["auditkit", "batch", path, "--out", out])
    said = f"{command}, with the other options as before" if any(others) else command
    return f"{said}; --force runs all of it again" if force else said


def _counting(heard: Counter[str], listen: Callable[[BatchNews], None]) -> Callable[[BatchNews], None]:
    """Return the listener that counts results that were there and audits that ended, and passes all on."""

    def hear(news: BatchNews) -> None:
        heard[news.kind] += news.what != "not_run"
        listen(news)

    return hear


def _kept(heard: Counter[str]) -> list[str]:
    """Return how many results were there already, where any were."""
    ran = f"{heard['ended']} run" if heard["ended"] else "nothing run"
    return [f"{heard['kept']} kept, {ran}"] if heard["kept"] else []


def _tell(result: BatchResult, missing: str, heard: Counter[str], *, as_json: bool) -> int:
    """Say how a batch ended and what of its copies is missing; return the exit code."""
    page, code = result.out / "index.html", code_of(result.verdict, missing)
    if as_json:
        rows = [
            {"name": o.audit.name, "outcome": o.word, "counts": o.counts, "why": o.why, "folder": o.folder}
            for o in result.outcomes
        ]
        said = {
            "verdict": result.verdict,
            "exit_code": code,
            "counts": result.counts,
            "audits": rows,
            "html": str(page),
            **({"sent": list(result.sent)} if result.sent else {}),
            **({"error": missing} if missing else {}),
        }
        object_(said)
    else:
        for one in result.outcomes:
            if one.ended == "broke":
                say(f"{one.audit.name} broke: {one.why}")
        print_("; ".join([f"{result.verdict}: {_counted(result.counts)}", *_kept(heard)]))
        print_(f"html:     {page}")
        if result.sent:
            print_(f"sent:     {len(result.sent)} files, the page to {result.sent[-1]}")
    if missing:
        say(f"Error: {missing}")
    return code


@contextmanager
def told_as_it_goes(*, drawn: bool) -> Iterator[Callable[[BatchNews], None]]:
    """Give a listener: bars on a terminal, a line for each end elsewhere."""
    if not drawn:
        yield (
            lambda news: (
                say(f"[{news.done}/{news.total}] {news.name}: {news.what}") if news.kind == "ended" else None
            )
        )
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    words = TextColumn("{task.description}", markup=False)
    bars = Progress(words, BarColumn(), TimeElapsedColumn(), console=Console(stderr=True), transient=True)
    whole = bars.add_task("all", total=None)
    each: dict[str, Any] = {}

    def listen(news: BatchNews) -> None:
        bars.update(
            whole, total=news.total, completed=news.done, description=f"{news.done}/{news.total} audits"
        )
        if news.kind == "started":
            each[news.name] = bars.add_task(news.name[:60], total=1.0)
        elif news.kind == "progress" and news.name in each:
            bars.update(
                each[news.name], completed=news.fraction, description=f"{news.name[:30]} {news.what}"[:60]
            )
        elif news.kind == "ended" and news.name in each:
            bars.remove_task(each.pop(news.name))

    with bars:
        yield listen
