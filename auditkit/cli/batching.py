"""Batching: plans, batches, how they stand, and what was accepted."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditkit.cli import copies  # noqa: TC001 - typer reads the annotations
from auditkit.cli.output import EXIT, object_, plain_errors, print_, say, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from auditkit.batch.crew import Crew
    from auditkit.batch.run import BatchNews, BatchResult

__all__ = ["add_to", "told_as_it_goes"]

plan = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Plans: which audits a batch runs.")

Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object, and nothing else, to standard output.")
]
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
        from auditkit.batch.starting import write_plan

        written = str(write_plan(path))
        if as_json:
            object_({"plan": written})
        else:
            print_(f"{written} is written. Look at it: auditkit batch {written} --dry-run")


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
    pdf: copies.Pdf = False,
    remote: copies.Remote = None,
    as_json: Json = False,
) -> None:
    """Run the audits of a plan; a batch that was ended early goes on where it stopped.

    Exit code: 0 no criterion was broken or left undecided, 1 a criterion not met, 2 bad input, 3 undecided, or an audit
    without a report.

    \b
    Examples:
      auditkit batch plan.toml --dry-run
      auditkit batch plan.toml --out reports/nightly --jobs 2
      auditkit batch plan.toml --out reports/nightly --only failed
      auditkit batch plan.toml --out reports/nightly --jobs 16 --dask tcp://scheduler:8786
    """
    with plain_errors(as_json=as_json):
        if dry_run:
            _preview(path, out, jobs, as_json=as_json, force=force)
            return
        from auditkit.batch.plan import load_plan
        from auditkit.batch.run import run_batch

        found = load_plan(path)

        with told_as_it_goes(drawn=sys.stderr.isatty() and not as_json) as listen:
            chosen: Any = None if only is None else only.value
            result = run_batch(
                found,
                out,
                jobs=jobs,
                crew=_cluster(dask),
                force=force,
                only=chosen,
                pdf=pdf,
                remote=remote,
                progress=listen,
            )
        _tell(result, as_json=as_json)
        raise typer.Exit(EXIT[result.verdict])


def status(
    out: Out,
    verify: Annotated[
        bool, typer.Option("--verify", help="Also hold every file against the journal; slower.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say how a batch stands, also one that runs now.

    Exit code: that of the batch; with --verify 3 if anything is not as it was written.

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
                object_({"faults": wrong, "exit_code": 3})
            raise typer.Exit(3)
        said = standing(out)
        if as_json:
            object_({**said, "exit_code": EXIT[said["verdict"]], **({"faults": []} if verify else {})})
        else:
            table([one for one in said["audits"] if one["outcome"] not in ("pass", "not_judged")])
            print_(
                f"{said['verdict']}: {_counted(said['counts'])}{'; every file is as it was written' if verify else ''}"
            )
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


def _preview(path: str, out: str, jobs: int | None, *, as_json: bool, force: bool) -> None:
    from auditkit.batch.forecast import Forecast
    from auditkit.batch.plan import load_plan
    from auditkit.batch.preview import preview

    forecast = Forecast()
    found = load_plan(path, seen=forecast.see)
    said = preview(found, out, jobs=jobs, force=force, forecast=forecast)
    if as_json:
        object_(said)
        return
    table(
        [
            {
                **{k: one[k] for k in ("name", "parameters", "seed", "would")},
                "estimate": one["estimate"]["words"] if one["estimate"] else "",
                "took": "" if one["seconds"] is None else f"{one['seconds']:.0f} s",
            }
            for one in said["audits"]
        ]
    )
    for one in said["excluded"]:
        print_(f"left out: {one['name']} ({one['why']})")
    print_(said["words"])


def _cluster(address: str | None) -> Crew | None:
    if address is None:
        return None
    from auditkit.batch.dask import DaskCrew

    return DaskCrew(address)


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {word.replace('_', ' ')}" for word, n in counts.items() if n) or "no audit yet"


def _tell(result: BatchResult, *, as_json: bool) -> None:
    page: Path = result.out / "index.html"
    if as_json:
        rows = [
            {"name": o.audit.name, "outcome": o.word, "counts": o.counts, "why": o.why, "folder": o.folder}
            for o in result.outcomes
        ]
        said = {
            "verdict": result.verdict,
            "exit_code": EXIT[result.verdict],
            "counts": result.counts,
            "audits": rows,
            "html": str(page),
            **({"sent": list(result.sent)} if result.sent else {}),
        }
        object_(said)
        return
    for one in result.outcomes:
        if one.ended == "broke":
            say(f"{one.audit.name} broke: {one.why}")
    print_(f"{result.verdict}: {_counted(result.counts)}\nhtml:     {page}")
    if result.sent:
        print_(f"sent:     {len(result.sent)} files, the page to {result.sent[-1]}")


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
