"""Incident: the clocks that run, evidence frozen and verified, decisions, drafts of notices, and the page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditkit.cli import incident_evidence
from auditkit.cli.output import DIFFERS, Json, lines, object_, plain_errors, print_, say, tell
from auditkit.cli.policies import told

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

__all__ = ["add_to"]

incident = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Incidents: which clocks run, evidence frozen, the frozen model audited again, decisions and drafts of notices.",
)
Folder = Annotated[str, typer.Argument(metavar="FOLDER", help="The folder of an incident.")]
Aware = Annotated[
    str | None,
    typer.Option(
        "--aware", metavar="MOMENT", help="Since when somebody responsible knows: 2026-11-20T09:30+01:00."
    ),
]

Frameworks = Annotated[
    list[str] | None,
    typer.Option(
        "--framework",
        metavar="NAME",
        help="Only clocks of this one (gdpr, eu_ai_act, hipaa); again for more.",
    ),
]
Zone = Annotated[
    str, typer.Option("--zone", metavar="ZONE", help="Your time zone, in which days end: Europe/Berlin.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands of incidents to the command line."""
    incident_evidence.add_to(incident)
    app.add_typer(incident, name="incident")


@incident.command("clocks")
def clocks_(
    folder: Annotated[
        str | None,
        typer.Argument(metavar="[FOLDER]", help="The folder of an incident, whose record is read."),
    ] = None,
    aware: Aware = None,
    framework: Frameworks = None,
    moment: Annotated[
        list[str] | None,
        typer.Option(
            "--moment",
            metavar="NAME=MOMENT",
            help="Another moment that clocks run from: material=2026-11-21T10:00Z.",
        ),
    ] = None,
    zone: Zone = "",
    holiday: Annotated[
        list[str] | None,
        typer.Option("--holiday", metavar="DAY", help="A day that is no business day; again for more."),
    ] = None,
    now: Annotated[
        str | None, typer.Option("--now", metavar="MOMENT", help="Seen from when; now when left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Reckon who is to be told by when. No legal advice: whether a notice is owed is for counsel to say.

    Exit code: 0 if no clock of those asked for is overdue, 1 if one is.

    \b
    Examples:
      auditkit incident clocks --aware 2026-11-20T09:30+01:00
      auditkit incident clocks --aware 2026-11-20T09:30 --zone Europe/Berlin --framework gdpr --framework eu_ai_act
      auditkit incident clocks incidents/2026-11-20-credit --json
    """
    with plain_errors(as_json=as_json):
        from auditkit.errors import InputError
        from auditkit.incidents import clocks, due_times, read_incident
        from auditkit.incidents.settings import Settings
        from auditkit.incidents.times import RULES, zone_of
        from auditkit.incidents.times import moment as read
        from auditkit.render.incident import clock_lines

        place = zone_of(zone) if zone else None
        found = None if folder is None else read_incident(folder)
        moments: dict[str, datetime] = {} if found is None else dict(found.moments)
        moments |= {} if aware is None else {"aware": read(aware, place, "--aware")}
        moments |= _moments(moment or (), place)
        if not moments:
            raise InputError(
                "say since when it is known: --aware 2026-11-20T09:30+01:00, or the folder of an incident"
            )
        moments = {name: at if place is None else at.astimezone(place) for name, at in moments.items()}
        seen = datetime.now(UTC) if now is None else read(now, place, "--now")
        known = Settings() if found is None else found.settings
        due = due_times(
            moments,
            now=seen,
            frameworks=tuple(framework or ()) or known.frameworks,
            told={} if found is None else found.told,
            lacking=() if found is None else found.lacking,
            holidays=[*known.holidays, *(_day(one) for one in holiday or ())],
        )
        every, rows = clocks(), [one.to_dict() for one in due]
        late = any(one.state == "overdue" for one in due)
        if as_json:
            said = {name: at.isoformat() for name, at in moments.items()}
            object_({"now": seen.isoformat(), "moments": said, "clocks": rows, "rules": list(RULES), "disclaimer": every.disclaimer, "edition": every.edition})  # fmt: skip
        else:
            lines([*clock_lines(rows), "", *RULES, every.disclaimer])
        raise typer.Exit(DIFFERS if late else 0)


def _moments(given: Any, place: tzinfo | None) -> dict[str, datetime]:
    from auditkit.errors import InputError
    from auditkit.incidents.times import moment as read

    found = {}
    for one in given:
        name, is_, at = one.partition("=")
        if not is_:
            raise InputError(f"--moment: expected NAME=MOMENT, as in material=2026-11-21T10:00Z; got {one!r}")
        found[name] = read(at, place, f"--moment {name}")
    return found


def _day(text: str) -> Any:
    from datetime import date

    from auditkit.errors import InputError

    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"--holiday: expected a day such as 2026-12-25, got {text!r}") from None


@incident.command("open")
def open_(
    subject: Annotated[
        str, typer.Option("--subject", metavar="FILE", help="The subject file of the model it is about.")
    ],
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="The folder of the incident; it is made.")],
    aware: Aware = None,
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="What it is called.")] = "",
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who opens it.")] = "",
    framework: Frameworks = None,
    zone: Zone = "",
    as_json: Json = False,
) -> None:
    """Begin the folder of an incident: a record to fill in, and a log of decisions.

    \b
    Examples:
      auditkit incident open --subject credit.toml --out incidents/2026-11-20-credit
      auditkit incident open --subject credit.toml --out incidents/7 --aware 2026-11-20T09:30+01:00 --framework gdpr
    """
    with plain_errors(as_json=as_json):
        from auditkit.incidents import open_incident
        from auditkit.incidents.settings import Settings

        found = open_incident(
            out, subject, aware=aware, name=name, by=by, settings=Settings(tuple(framework or ()), zone)
        )
        if as_json:
            object_(
                {
                    "folder": str(found.folder),
                    "record": str(found.folder / "incident.toml"),
                    "open": list(found.form.open),
                }
            )
            return
        print_(str(found.folder / "incident.toml"))
        if any(one > datetime.now(UTC) for one in found.moments.values()):
            say(
                "--aware has not come, and no clock runs from it: look at it in incident.toml, under [notices]"
            )
        say(
            f"First freeze the evidence: auditkit incident freeze {found.folder} --subject {subject}. Then fill in the record."
        )


@incident.command("decide")
def decide_(
    folder: Folder,
    who: Annotated[str, typer.Option("--who", metavar="NAME", help="Who decided.")],
    decision: Annotated[str, typer.Option("--decision", metavar="TEXT", help="What.")],
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="Why.")],
    at: Annotated[str | None, typer.Option("--at", metavar="MOMENT", help="When; now when left out.")] = None,
    moment: Annotated[
        str,
        typer.Option(
            "--moment",
            metavar="NAME",
            help="What it fixes, and clocks run from: classified, determined, material.",
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """Add a decision to the log. Entries are chained by digests; none is ever changed.

    \b
    Examples:
      auditkit incident decide incidents/7 --who "Maria Rossi" --decision "back to model 3" --why "refuses one group more"
    """
    with plain_errors(as_json=as_json):
        from auditkit.incidents import decide, read_incident

        before = read_incident(folder)
        made = decide(before.folder, who=who, decision=decision, why=why, at=at, moment=moment)
        if moment in before.moments:
            say(
                f"{moment!r} was fixed before: clocks go on running from {before.moments[moment].isoformat()}"
            )
        if as_json:
            object_(made.to_dict())
        else:
            print_(f"{made.seq}  {made.time}  {made.digest}")


@incident.command("drafts")
def drafts_(folder: Folder, as_json: Json = False) -> None:
    """Write drafts of notices, filled from the record, with gaps in brackets. Nothing is sent, and no draft is overwritten.

    \b
    Examples:
      auditkit incident drafts incidents/7
    """
    with plain_errors(as_json=as_json):
        from auditkit.incidents import read_incident
        from auditkit.incidents.drafts import HEAD, write_drafts

        found = read_incident(folder)
        paths = [str(path) for path in write_drafts(found, found.due())]
        if as_json:
            object_({"drafts": paths})
            return
        print_("\n".join(paths))
        say(HEAD)


@incident.command("report")
def report_(
    folder: Folder,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Folder of the page; FOLDER/report when left out, or report-2 and so on beside it.",
        ),
    ] = None,
    check: Annotated[
        list[str] | None,
        typer.Option(
            "--check",
            metavar="NAME",
            help="A check, or a dimension, to run instead of those of the template; again for more.",
        ),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy",
            metavar="NAME|FILE",
            callback=told,
            help="A policy by name, or criteria in TOML; the frozen one when left out.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", min=0, help="Root of all random numbers.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Audit the frozen model again, compare it with the last good run, and make the page of the incident.

    Exit code: as of auditkit run.

    \b
    Examples:
      auditkit incident report incidents/7
      auditkit incident report incidents/7 --check AK001 --check bias --out incidents/7/second-look
    """
    with plain_errors(as_json=as_json):
        from auditkit.cli.progress import shown
        from auditkit.incidents.reporting import report_incident
        from auditkit.runner.kernel import KernelHandle

        with shown("incident", silent=as_json) as progress:

            def kernel(environment: Mapping[str, str], place: Any) -> KernelHandle:
                progress.begin()
                return KernelHandle(environment, place)

            done = report_incident(
                folder,
                out,
                checks=check or (),
                policy=policy,
                seed=seed,
                progress=progress.listen,
                kernel=kernel,
            )
        raise typer.Exit(tell(done, as_json=as_json))
