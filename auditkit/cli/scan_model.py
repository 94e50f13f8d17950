"""Scan of model files: what each is and asks for, and whether it may be opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from auditkit._version import __version__
from auditkit.cli.output import EXIT, Json, lines, object_, plain_errors
from auditkit.cli.policies import told
from auditkit.cli.scan_model_files import chosen
from auditkit.cli.scan_model_words import counts, cure, ending
from auditkit.reading import name_shown

if TYPE_CHECKING:
    from auditkit.report import Report
    from auditkit.targets.artifact import ModelFile

__all__ = ["scan_model"]

_WORDS = {
    "data": "holds no code; it may be opened",
    "listed": "asks for listed names alone; it may be opened",
    "refused": "REFUSED",
}


def scan_model(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Model files; a folder stands for the files in it.")
    ],
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy",
            metavar="NAME|FILE",
            callback=told,
            help="A policy by name (auditkit list policies), or criteria in TOML; auditkit's default when left out.",
        ),
    ] = None,
    opinions: Annotated[
        bool, typer.Option("--second-opinions", help="Ask other scanners that are installed, too; advisory.")
    ] = False,
    sarif: Annotated[
        str | None, typer.Option("--sarif", metavar="FILE", help="Write what was found as SARIF 2.1.0.")
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option("--include", metavar="GLOB", help="Of a folder, read only what fits; may be repeated."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", metavar="GLOB", help="Of a folder, leave out what fits; may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Read model files by their content, without running anything in them, and say what each asks for.

    Of a folder, texts that are no models by name and content (README.md, config.json, LICENSE) are skipped, and said.

    Exit code: 0 every file may be opened, 1 one is refused, 2 bad input, 3 something could not be decided.

    \b
    Examples:
      auditkit scan model credit.joblib
      auditkit scan model downloads/ --json
      auditkit scan model downloads/ --exclude "*.png"
      auditkit scan model model.pkl --sarif model.sarif
    """
    with plain_errors(as_json=as_json):
        from auditkit.audit import Audit
        from auditkit.judging import verdict_over
        from auditkit.loading import load_policy
        from auditkit.runner.sarif_file import sarif_place, write_sarif

        place = sarif_place(sarif)
        checks = ["AK601", "AK602"] if opinions else ["AK601"]
        audit = Audit(checks, load_policy(policy))
        found = chosen(files, include or (), exclude or ())
        done = [(target.name, target, audit.run(target)) for target in found.files]
        verdict = verdict_over([report.verdict for _, _, report in done])
        if place is not None:
            write_sarif(place, _sarif(done))
        if as_json:
            rows = [_row(*one) for one in done]
            told = {"counts": counts(found), "files": rows, "skipped": list(found.skipped)}
            object_({"verdict": verdict, "exit_code": EXIT[verdict], **told})
        else:
            for one in done:
                lines(_said(*one))
            lines(ending(found))
        raise typer.Exit(EXIT[verdict])


def _row(path: str, target: ModelFile, report: Report) -> dict[str, Any]:
    scan = target.scan
    told: dict[str, Any] = {
        "file": path,
        "sha256": scan.digest,
        "size": scan.size,
        "format": scan.form,
        "trust": scan.trust,
        "verdict": report.verdict,
        "refusals": [{"rule": one.rule, "part": one.where, "what": one.words} for one in scan.worst],
        "asks": [
            {"name": one.name, "part": one.where, "called": one.called, "listed": one.listed}
            for one in scan.asks
        ],
    }
    told |= {} if scan.trust != "refused" else {"cure": cure(scan)}
    return told | {"opinions": _opinions(report)} if _opinions(report) else told


def _said(path: str, target: ModelFile, report: Report) -> list[str]:
    from auditkit.scanning.artifacts.scan import MODULE

    scan = target.scan
    said = [f"{name_shown(path)}: {scan.form}, {scan.size:,} bytes: {_WORDS[scan.trust]}"]
    said += [f"  {MODULE[0].upper()}{MODULE[1:]}"] if scan.holds_module else []
    said += [f"  {one}" for one in scan.worst[:20]]
    said += [f"  ... and {len(scan.troubles) - 20} more"] if len(scan.troubles) > 20 else []
    said += [
        f"  {one['scanner']} {one['says']}{': ' + one['words'] if one['words'] else ''}"
        for one in _opinions(report)
    ]
    return said


def _opinions(report: Report) -> list[dict[str, str]]:
    tables = [one.tables["opinions"] for one in report.evidence if "opinions" in one.tables]
    return [
        dict(zip(table.columns, map(str, row), strict=True))
        for table in tables
        for row in zip(*table.columns.values(), strict=True)
    ]


def _sarif(done: list[tuple[str, ModelFile, Report]]) -> dict[str, Any]:
    """Return SARIF: a result for each reason to refuse a file."""
    from auditkit.render.escaping import sarif_text as escaped
    from auditkit.render.sarif import sarif_log
    from auditkit.scanning.artifacts import RULES

    used = sorted({one.rule for _, target, _ in done for one in target.scan.troubles})
    results = [
        {
            "ruleId": one.rule,
            "kind": "fail",
            "level": "error",
            "message": {"text": escaped(f"{one.words}{f' (in {one.where})' if one.where else ''}")},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": quote(Path(path).as_posix())}}}],
            "partialFingerprints": {"auditkit/v1": f"{target.scan.digest[:16]}/{one.rule}/{number}"},
        }
        for path, target, _ in done
        for number, one in enumerate(target.scan.troubles)
    ]
    return sarif_log(__version__, {rule: RULES[rule] for rule in used}, results)
