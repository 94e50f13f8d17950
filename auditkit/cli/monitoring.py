"""Monitoring: the log of a deployed model, held against a reference, from the command line."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditkit.cli.due import AlertOn
from auditkit.cli.output import Json, lines, object_, plain_errors, print_
from auditkit.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from auditkit.monitoring import Watched

__all__ = ["EXITS", "add_to"]

EXITS = {"in_control": 0, "alarm": 1, "undecided": 3}
FORM = "auditkit.monitor_alert/1"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("monitor")(monitor)


def monitor(
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="A plan of monitoring in TOML.")],
    out: Annotated[
        str,
        typer.Option(
            "--out", metavar="DIR", help="Folder for the page, the record, the table and the state."
        ),
    ],
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            metavar="TIME",
            help="The log is complete up to this day or time: judge windows that end by then.",
        ),
    ] = None,
    alert: Annotated[
        str | None,
        typer.Option(
            "--alert", metavar="FILE", help="Add a line of JSON to this file; - for standard output."
        ),
    ] = None,
    on: Annotated[
        AlertOn | None,
        typer.Option(
            "--alert-on",
            help="failed: an alarm or undecided; changed, when left out: unlike the last run; always: every run.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Hold the log of a deployed model against a reference, window by window, under limits that hold their rate of false alarms.

    A run on a log that has grown goes on from where the last one stopped. The page is DIR/trend.html, the record DIR/trend.json.
    Exit code: 0 in control; 1 an alarm that nobody answered for; 2 bad input; 3 undecided: too few rows, or no labels yet.

    \b
    Examples:
      auditkit monitor monitor.toml --out trends/credit
      auditkit monitor monitor.toml --out trends/credit --until 2026-11-01
      auditkit monitor monitor.toml --out trends/credit --alert alerts.jsonl --json
    """
    with plain_errors(as_json=as_json):
        from auditkit.batch.alerts import Alerts
        from auditkit.monitoring import monitor as watch
        from auditkit.runner.paths import local_path

        if on is not None and alert is None:
            raise InputError("--alert-on says what is told: say where to, with --alert FILE")
        if alert == "-" and as_json:
            raise InputError("--alert - and --json both write to standard output: give a file to --alert")
        place = local_path(out, "--out")
        alerts = None if alert is None else Alerts(alert)
        before = _before(place)
        found = watch(local_path(plan, "the plan"), place, until=None if until is None else _time(until))
        code = EXITS[found.verdict]
        told = _alert(found, before, plan, place, code)
        wants = code != 0 if on is AlertOn.failed else on is AlertOn.always or told["changed"]
        if alerts is not None and wants:
            alerts.write(told)
        if as_json:
            object_(
                {
                    **{key: value for key, value in told.items() if key != "form"},
                    "undecided": found.record["undecided"],
                }
            )
        elif alert != "-":
            from auditkit.render.trend import trend_lines

            lines(trend_lines(found.record))
            print_(
                "\n".join(
                    f"{name + ':':<8}{place / f'trend.{end}'}"
                    for name, end in (("page", "html"), ("record", "json"), ("table", "csv"))
                )
            )
        raise typer.Exit(code)


def _time(words: str) -> dt.date | dt.datetime:
    try:
        return dt.date.fromisoformat(words)
    except ValueError:
        pass
    try:
        return dt.datetime.fromisoformat(words)
    except ValueError:
        raise InputError(
            f"--until takes a day or a time, as in 2026-11-01 or 2026-11-01T12:00+01:00; got {words!r}"
        ) from None


def _before(place: Path) -> dict[str, Any]:
    """Return verdict and alarms of the last run into this folder; empty where there was none."""
    import json

    try:
        said = json.loads((place / "trend.json").read_text("utf-8"))
        return {
            "verdict": said["verdict"],
            "alarms": [(one["chart"], one["window"]) for one in said["alarms"]],
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _alert(found: Watched, before: dict[str, Any], plan: str, place: Path, code: int) -> dict[str, Any]:
    """Return what came of it in names and counts, without a value of the data."""
    from pathlib import Path

    from auditkit.batch.alerts import MOST

    record = found.record
    open_ones = [(one["chart"], one["window"]) for one in record["alarms"] if not one["accepted"]]
    new = [one for one in open_ones if one not in before.get("alarms", [])]
    first = not before
    changed = bool(new) or (
        found.verdict != before.get("verdict") if not first else found.verdict != "in_control"
    )
    return {
        "form": FORM,
        "plan": record["name"],
        "file": str(Path(plan).absolute()),
        "out": str(place.absolute()),
        "at": record["made"],
        "exit_code": code,
        "verdict": found.verdict,
        "before": before.get("verdict"),
        "changed": changed,
        "alarms": len(open_ones),
        "new": {
            "count": len(new),
            "named": [{"chart": chart, "window": window} for chart, window in new[:MOST]],
        },
        "page": str(place / "trend.html"),
    }
