"""Running: the commands that measure, and judge what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditkit.cli import copies
from auditkit.cli import due as due_
from auditkit.cli.ending import saying_what_stays
from auditkit.cli.output import EXIT, Json, object_, outcome, plain_errors, say, summary, tell
from auditkit.cli.policies import told
from auditkit.cli.progress import shown
from auditkit.cli.together import DUE, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from auditkit.runner.run import RunResult

__all__ = ["add_to", "ran"]


def _seed(text: str) -> int:
    if not str(text).strip().isdecimal():
        raise typer.BadParameter(f"expected a whole number from 0, as in --seed 0; got {text!r}")
    return int(text)


Seed = Annotated[int, typer.Option("--seed", metavar="N", parser=_seed, help="Root of all random numbers.")]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs", metavar="N", min=1, help="Processes the checks are spread over; the numbers stay the same."
    ),
]
Code = Annotated[bool, typer.Option("--code", help="Show code in the page, folded.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (demo, run, judge):
        app.command()(command)


def demo(
    out: Annotated[
        str, typer.Option("--out", metavar="DIR", help="Folder for the model, its data and the report.")
    ] = "auditkit-demo",
    seed: Seed = 0,
    jobs: Jobs = 1,
    rows: Annotated[
        int | None,
        typer.Option("--rows", metavar="N", min=500, help="Rows of each split at most; all when left out."),
    ] = None,
    code: Code = False,
    as_json: Json = False,
) -> None:
    """Train a model on census data and audit it: about a minute, nothing is downloaded.

    \b
    Examples:
      auditkit demo
      auditkit demo --out first-look --rows 2000
    """
    with plain_errors(as_json=as_json), saying_what_stays(out):
        say("Training a gradient-boosting model on the Adult census data ...")
        from auditkit.runner.demo import write_demo

        subject = write_demo(out, seed=seed, rows=rows)
        result, _ = ran(
            "full", str(subject), out, policy=None, seed=seed, jobs=jobs, include_code=code, as_json=as_json
        )
        tell(result, as_json=as_json, at_most=8)


def run(
    template: Annotated[
        str,
        typer.Argument(
            metavar="TEMPLATE",
            help="A template's name (see: auditkit list templates), or the path of an .ipynb; with --due a plan, or a folder of them.",
        ),
    ],
    out: Annotated[
        str,
        typer.Option("--out", metavar="DIR", help="Folder for report.html, report.ipynb and report.json."),
    ],
    subject: Annotated[
        str | None,
        typer.Option(
            "--subject", metavar="FILE", help="The subject file: TOML that names a model and its data."
        ),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="Set a parameter; again for more."),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy",
            metavar="NAME|FILE",
            callback=told,
            help="A policy by name (auditkit list policies), or criteria in TOML; auditkit's default when left out.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", metavar="N", min=0, help="Root of all random numbers; the template's own when left out."
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            metavar="N",
            min=1,
            help="Processes the checks are spread over, 1 when left out; with --due audits at a time.",
        ),
    ] = None,
    cache: Annotated[
        str | None,
        typer.Option(
            "--cache",
            metavar="DIR",
            help="Keep answers of reference models here, for later runs on the same model and data.",
        ),
    ] = None,
    keep_answers: copies.KeepAnswers = False,
    code: Code = False,
    due: due_.Due = False,
    alert: due_.Alert = None,
    alert_on: due_.On = None,
    pdf: copies.Pdf = False,
    remote: copies.Remote = None,
    dask: due_.Dask = None,
    as_json: Json = False,
) -> None:
    """Run a template on a subject; write the page, the executed notebook and the record.

    With --due TEMPLATE is a plan with a [schedule], or a folder of plans: each is run as `auditkit batch` does, if its time has come.

    Exit code: 0 every criterion asked was met, or none speaks of what was measured; 1 a criterion not met,
    2 bad input, 3 undecided or broken. With --due also 75: another start runs the plan.

    \b
    Examples:
      auditkit run bias --subject credit.toml --out reports/bias
      auditkit run membership --subject credit.toml --out reports/mi -p reference_attacks__references=16
      auditkit run full --subject credit.toml --out reports --policy policy.toml --jobs 2 --json
      auditkit run --due nightly.toml --out reports/nightly --alert alerts.jsonl
    """
    with plain_errors(as_json=as_json):
        if due:
            given = {
                "--subject": subject,
                "-p": parameter,
                "--policy": policy,
                "--seed": seed,
                "--code": code,
                "--keep-answers": keep_answers,
            }
            more = {"--cache": cache, "--pdf": pdf, "--remote": remote, "--dask": dask}
            refuse(DUE, {"--due": due, **given, **more})
            raise typer.Exit(due_.assess(template, out, jobs=jobs, alert=alert, on=alert_on, as_json=as_json))
        subject = due_.subject_of(template, subject, alert, alert_on, dask)
        with saying_what_stays(out, cache):
            result, missing = ran(
                template,
                subject,
                out,
                words=parameter or (),
                policy=policy,
                seed=seed,
                jobs=jobs or 1,
                cache=cache,
                keep_answers=keep_answers,
                include_code=code,
                pdf=pdf,
                remote=remote,
                as_json=as_json,
            )
            raise typer.Exit(tell(result, as_json=as_json, missing=missing))


def judge(
    report: Annotated[
        str, typer.Argument(metavar="REPORT", help="A report.json, or the folder that holds it.")
    ],
    policy: Annotated[
        str,
        typer.Option(
            "--policy", metavar="NAME|FILE", callback=told, help="A policy by name, or criteria in TOML."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Judge a saved report under another policy, without the model.

    Exit code: 0 every criterion asked was met, or none speaks of what was measured; 1 a criterion not met,
    2 bad input, 3 undecided.

    \b
    Examples:
      auditkit judge reports/report.json --policy policy.toml
      auditkit judge reports/report.json --policy policy.toml --json
    """
    with plain_errors(as_json=as_json):
        from auditkit.runner.rejudge import rejudge

        judged = rejudge(report, policy)
        if as_json:
            object_({**outcome(judged), "policy": judged.provenance["policy"]["name"], "report": report})
        else:
            summary(judged)
        raise typer.Exit(EXIT[judged.verdict])


def ran(
    template: str, subject: str, out: str, *, as_json: bool, words: Sequence[str] = (), **options: Any
) -> tuple[RunResult, str]:
    """Run a template and show how far it is; return the result, and what is missing of its copies."""
    from auditkit.runner.kernel import KernelHandle
    from auditkit.runner.parameters import declared, parse_assignments
    from auditkit.runner.run import run_template
    from auditkit.runner.templates import find_template

    parameters = parse_assignments(words, declared(find_template(template))) if words else {}
    with shown(template, silent=as_json) as progress:

        def kernel(environment: Mapping[str, str], log: Path) -> KernelHandle:
            progress.begin()  # what cannot be run was refused by now
            return KernelHandle(environment, log)

        order: dict[str, Any] = {
            "parameters": parameters, "progress": progress.listen, "kernel": kernel, **options,
        }  # fmt: skip
        return copies.whole(lambda: run_template(template, subject, out, **order))
