"""Controls: which controls there are, and to which of them saved reports hold relevant evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditkit.cli.output import Json, object_, plain_errors, print_, table

if TYPE_CHECKING:
    from auditkit.controls import Catalogue, Framework
    from auditkit.controls.coverage import Coverage

__all__ = ["controls"]


def controls(
    framework: Annotated[
        list[str] | None,
        typer.Option(
            "--framework",
            metavar="ID",
            help="One framework by id or name; again for more; all when left out.",
        ),
    ] = None,
    report: Annotated[
        list[str] | None,
        typer.Option(
            "--report",
            metavar="REPORT",
            help="A report.json, or the folder that holds it: say what it covers; again for more about one system.",
        ),
    ] = None,
    catalogue: Annotated[
        str | None,
        typer.Option(
            "--catalogue", metavar="FILE", help="A catalogue of your own in TOML, which adds to auditkit's."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """List controls of frameworks, with editions and dates; with --report, to which of them its evidence is relevant.

    Without --framework, one line a framework. It says what was looked at, and never that a requirement is met.

    \b
    Examples:
      auditkit controls
      auditkit controls --framework gdpr
      auditkit controls --report reports/credit --framework eu_ai_act
      auditkit controls --report reports/credit --report reports/notebooks --catalogue own.toml --json
    """
    with plain_errors(as_json=as_json):
        from auditkit.controls import coverage, load_catalogue

        known = load_catalogue(catalogue)
        asked = [known.framework(word) for word in framework or ()] or list(known.frameworks)
        found = coverage([_read(one) for one in report], known) if report else None
        if as_json:
            object_(_as_object(known, asked, found))
            return
        if found is not None:
            print_(f"Reports about {', '.join(found.subjects)}")
        if framework:
            for one in asked:
                print_(f"{one.name}: {one.words()}")
                table(_rows(known, one, found))
        else:
            table([_line(known, one, found) for one in asked])
        print_(f"{known.disclaimer} Catalogue {known.version}.")


def _read(path: str) -> dict[str, Any]:
    from pathlib import Path

    from auditkit.report import load_report

    file = Path(path)
    return load_report(file / "report.json" if file.is_dir() else file).to_dict()


def _line(known: Catalogue, one: Framework, found: Coverage | None) -> dict[str, Any]:
    stands = len(known.of(one.id)) if found is None else found.counts(one.id)
    return {
        "framework": one.id,
        "name": one.name,
        "controls" if found is None else "stands": stands,
        "edition": one.words(),
    }


def _rows(known: Catalogue, framework: Framework, found: Coverage | None) -> list[dict[str, Any]]:
    if found is None:
        return [
            {
                "control": one.id,
                "strength": one.strength,
                "asks for": _title(one.title, one.remarks()),
                "topics": list(one.topics),
            }
            for one in known.of(framework.id)
        ]
    from auditkit.controls.coverage import STATUSES

    return [
        {
            "control": one.control.id,
            "stands": STATUSES[one.status][0],
            "asks for": _title(one.control.title, one.control.remarks()),
            "evidence of": [*one.checks, *one.forms],
            "not here": "; ".join(one.missing),
        }
        for one in found.of(framework.id)
    ]


def _title(title: str, remarks: str) -> str:
    return f"{title} ({remarks})" if remarks else title


def _as_object(known: Catalogue, asked: list[Framework], found: Coverage | None) -> dict[str, Any]:
    """Return frameworks with their controls, and how these stand where there are reports."""
    frameworks = []
    for one in asked:
        about = {
            "id": one.id,
            "name": one.name,
            "title": one.title,
            "edition": one.edition,
            "applies": {what: day.isoformat() for what, day in one.applies},
            "status": one.status,
            "note": one.note,
            "checked": one.checked,
        }
        own = known.of(one.id)
        rows = (
            [
                {
                    "id": c.id,
                    "aliases": list(c.aliases),
                    "title": c.title,
                    "strength": c.strength,
                    "checked": c.checked,
                    "note": c.note,
                    "topics": list(c.topics),
                }
                for c in own
            ]
            if found is None
            else [standing.to_dict() for standing in found.of(one.id)]
        )
        frameworks.append({**about, "controls": rows})
    about_reports = {} if found is None else {"subjects": list(found.subjects)}
    return {
        "catalogue": known.version,
        "disclaimer": known.disclaimer,
        **about_reports,
        "frameworks": frameworks,
    }
