"""Due: plans that are run when their schedule says so, and the alerts about them."""

from __future__ import annotations

import shlex
import sys
import traceback
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditkit.cli.batching import told_as_it_goes
from auditkit.cli.ending import saying_how_to_go_on
from auditkit.cli.output import BAD_INPUT, BROKE, EXIT, lines, object_, say
from auditkit.errors import AuditkitError, InputError

if TYPE_CHECKING:
    from auditkit.batch.alerts import Alerts
    from auditkit.batch.due import Assessment

__all__ = ["BUSY", "Alert", "Dask", "Due", "On", "assess", "subject_of"]

BUSY = 75  # what sysexits.h calls a failure that passes: try again later
_WORST = (1, BAD_INPUT, BROKE, BUSY, 0)


class AlertOn(StrEnum):
    """What is told."""

    failed = "failed"
    changed = "changed"
    always = "always"


Due = Annotated[
    bool, typer.Option("--due", help="Run a plan, or each of a folder, if its [schedule] says it is time.")
]
Alert = Annotated[
    str | None,
    typer.Option(
        "--alert", metavar="FILE", help="With --due: add a line of JSON to this file; - for standard output."
    ),
]
Dask = Annotated[str | None, typer.Option("--dask", hidden=True)]  # so that its refusal says what to type
On = Annotated[
    AlertOn | None,
    typer.Option(
        "--alert-on",
        help="failed: runs that do not pass; changed, when left out: runs unlike the last; always: every start.",
    ),
]


def subject_of(
    template: str, subject: str | None, alert: str | None, on: AlertOn | None, dask: str | None
) -> str:
    """Return the subject of a run that is not by a plan.

    Raises
    ------
    InputError
        If there is none, or what belongs to --due or to a batch was given.
    """
    if alert is not None or on is not None:
        raise InputError(
            "--alert and --alert-on belong to --due: auditkit run --due PLAN --out DIR --alert FILE"
        )
    if dask is not None:
        raise InputError(
            f"--dask is for plans, and a template runs on this machine: auditkit batch PLAN --out DIR --dask {dask}"
        )
    if subject is None:
        from auditkit.runner.templates import find_template

        find_template(template)  # a plan in its place is told as one
        raise InputError("--subject is missing: give a subject file, as in --subject credit.toml")
    return subject


def assess(
    plans: str, out: str, *, jobs: int | None, alert: str | None, on: AlertOn | None, as_json: bool
) -> int:
    """Run the plans that are due, tell of them, and return the exit code: that of the one that stands worst.

    Raises
    ------
    InputError
        If there is no plan, or alerts cannot be written.
    """
    from auditkit.batch.alerts import Alerts
    from auditkit.batch.due import plans_in

    if on is not None and alert is None:
        raise InputError("--alert-on says what is told: say where to, with --alert FILE")
    if alert == "-" and as_json:
        raise InputError("--alert - and --json both write to standard output: give a file to --alert")
    found = plans_in(plans)
    alerts = None if alert is None else Alerts(alert)
    wanted = on or AlertOn.changed
    drawn = sys.stderr.isatty() and not as_json
    told = []
    for file, name in found:
        again = shlex.join(["auditkit", "batch", str(file), "--out", str(Path(out, name))])
        with saying_how_to_go_on(str(Path(out, name)), f"{again}, or the same command once more"):
            told.append(_one(file, Path(out, name), jobs, alerts, wanted, drawn=drawn))
    code: int = min((one["exit_code"] for one in told), key=_WORST.index)
    if as_json:
        object_({"exit_code": code, "plans": told})
        return code
    for words in (one["words"] for one in told if one["words"]):
        say(words) if alert == "-" else lines(words.split("\n"))
    return code


def _one(
    file: Path, out: Path, jobs: int | None, alerts: Alerts | None, on: AlertOn, *, drawn: bool
) -> dict[str, Any]:
    """Run a plan if it is due; what goes wrong with it is told, and does not keep the next from its turn."""
    from auditkit.batch.alerts import alert_of
    from auditkit.batch.due import run_due

    def tell(done: Assessment) -> None:
        code = _code(done)
        wants = done.what == "ran" and (done.changed if on is AlertOn.changed else code != 0)
        if alerts is not None and (wants or on is AlertOn.always):
            alerts.write(alert_of(done, code))

    try:
        with told_as_it_goes(drawn=drawn) as listen:
            done = run_due(file, out, jobs=jobs, progress=listen, tell=tell)
    except InputError as error:
        return _failed(file, out, alerts, BAD_INPUT, str(error))
    except (AuditkitError, OSError) as error:
        return _failed(file, out, alerts, BROKE, str(error))
    except Exception:  # noqa: BLE001 - the plans after it have their turn all the same
        mistake = f"{traceback.format_exc()}This is a mistake in auditkit itself."
        return _failed(file, out, alerts, BROKE, mistake)
    for one in () if done.result is None else done.result.outcomes:
        if one.ended == "broke":
            say(f"{one.audit.name} broke: {one.why}")
    return {**alert_of(done, _code(done)), "words": done.words()}


def _failed(file: Path, out: Path, alerts: Alerts | None, code: int, why: str) -> dict[str, Any]:
    from auditkit.batch.alerts import alert_of_failure
    from auditkit.batch.due import now

    say(f"Error: {why}")
    what: Any = "refused" if code == BAD_INPUT else "broke"
    told = alert_of_failure(file, out, now().isoformat(timespec="seconds"), what, code)
    if alerts is not None:
        with suppress(AuditkitError):  # said already, where it is that which failed
            alerts.write(told)
    return {**told, "words": "", "error": why}


def _code(done: Assessment) -> int:
    """Return the exit code: how the plan stands, whether or not it ran now."""
    if done.what == "busy":
        return BUSY
    return 0 if done.verdict is None else EXIT[done.verdict]
