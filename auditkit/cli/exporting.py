"""Exporting: a saved report as other tools, and readers of models, ask for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auditkit.cli.output import Json, object_, plain_errors, print_

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditkit.exports.paper import Paper

__all__ = ["add_to", "free", "written"]

export = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Write what a report knows in the form of another tool."
)

Report = Annotated[str, typer.Argument(metavar="REPORT", help="A report.json, or the folder that holds it.")]
Out = Annotated[str, typer.Option("--out", metavar="FILE", help="What to write; nothing is overwritten.")]

Outs = Annotated[
    list[str],
    typer.Option(
        "--out", metavar="FILE", help="What to write, by its ending; again for more. Nothing is overwritten."
    ),
]
Framework = Annotated[
    str, typer.Option("--framework", metavar="ID", help="Which framework, as auditkit controls lists them.")
]
Catalogue = Annotated[
    str | None, typer.Option("--catalogue", metavar="FILE", help="Controls of your own, in TOML.")
]
_INSIDE = "every number of the report, also about few people, with digests and names: for use inside, do not publish it"


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(export, name="export")


def free(out: str, *endings: str) -> Path:
    """Return the path of a file to write, after seeing that it can be.

    Raises
    ------
    InputError
        If something is there, the folder is not, or the name does not end as what is written.
    """
    from auditkit.errors import InputError

    target = Path(out)
    if endings and target.suffix.lower() not in endings:
        raise InputError(
            f"{target.name} should end in {' or '.join(endings)}: what is written follows from the name"
        )
    if target.exists() or target.is_symlink():
        raise InputError(f"{target} is there already, and is not replaced: choose another name")
    if not target.parent.is_dir():
        raise InputError(f"no folder {target.parent} to write {target.name} to: make it first")
    return target


def written(files: dict[Path, Callable[[], str | bytes]]) -> list[Path]:
    """Write files, each whole, after all of them were made; return their paths."""
    from auditkit.files import write_whole

    made = {path: make() for path, make in files.items()}
    return [
        write_whole(path, text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace"))
        for path, text in made.items()
    ]


@export.callback()
def _export() -> None:
    """Write what a report knows in the form of another tool."""


@export.command()
def bom(report: Report, out: Out, as_json: Json = False) -> None:
    """Write the bill of materials of an audited model: the model, its data and the libraries, with their digests, as CycloneDX 1.6.

    \b
    Examples:
      auditkit export bom reports/credit --out credit.cdx.json
    """
    with plain_errors(as_json=as_json):
        from auditkit.exports.bom import bill_of_materials
        from auditkit.exports.source import Source

        target = free(out)
        (path,) = written({target: lambda: bill_of_materials(Source.read(report))})
        _say({"bom": str(path)}, f"{path}: CycloneDX 1.6; it says what was audited, and not that anything is safe", as_json=as_json)  # fmt: skip


@export.command("model-card")
def model_card(
    report: Report,
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="The .md to write; nothing is overwritten.")],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What the model is called there; as in the report when left out.")] = "",
    license_: Annotated[str, typer.Option("--license", metavar="ID", help="Short name of its licence, such as apache-2.0; left out where not given.")] = "",
    language: Annotated[list[str] | None, typer.Option("--language", metavar="CODE", help="A natural language it is about, such as en; again for more.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="WORD", help="A word to find it by; again for more.")] = None,
    k: Annotated[int, typer.Option("--k", metavar="N", min=2, help="Smallest count that a number may rest on.")] = 10,
    full: Annotated[bool, typer.Option("--full", help="Every number, also about few people, digests and names: for use inside, not to publish.")] = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Write a model card as model hubs read it: metadata in YAML, then what was measured, with intervals, and what was not.

    Its numbers are those of the public form of the report, so that none rests on a few people; --full shows all of them.

    \b
    Examples:
      auditkit export model-card reports/credit --out README.md --license apache-2.0
      auditkit export model-card reports/credit --out inside.md --full
    """
    with plain_errors(as_json=as_json):
        from auditkit.exports.model_card import model_card as make
        from auditkit.exports.source import Source

        target = free(out, ".md")
        about = {"name": name, "license": license_, "languages": language or (), "tags": tag or ()}
        (path,) = written({target: lambda: make(Source.read(report), k=k, full=full, **about)})  # type: ignore[arg-type]
        told = _INSIDE if full else f"no number rests on fewer than {k} records. Answers of forms are in it as they were written: read it before you publish it"  # fmt: skip
        _say({"model_card": str(path), "full": full}, f"{path}: a model card; {told}", as_json=as_json)


@export.command()
def attestation(
    report: Report,
    framework: Framework,
    out: Out,
    catalogue: Catalogue = None,
    assessor: Annotated[str, typer.Option("--assessor", metavar="NAME", help="Which organisation attests.")] = "",
    third_party: Annotated[bool, typer.Option("--third-party", help="It is another than the provider.")] = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Write which evidence is relevant to which requirement of a framework, as declarations of CycloneDX 1.6.

    No requirement is said to be met: conformance has no score, and the confidence of a claim is the share of what was looked at.

    \b
    Examples:
      auditkit export attestation reports/credit --framework eu_ai_act --out credit.cdx.json
    """
    with plain_errors(as_json=as_json):
        from auditkit.controls import load_catalogue
        from auditkit.exports.attestation import attestation as make
        from auditkit.exports.source import Source

        target, known = free(out, ".json"), load_catalogue(catalogue)
        about = {"catalogue": known, "assessor": assessor, "third_party": third_party}
        (path,) = written({target: lambda: make(Source.read(report), framework, **about)})  # type: ignore[arg-type]
        _say(
            {"attestation": str(path)},
            f"{path}: CycloneDX 1.6; it says what was looked at. {known.disclaimer}",
            as_json=as_json,
        )


@export.command()
def oscal(
    report: Report, framework: Framework, out: Out, catalogue: Catalogue = None, as_json: Json = False
) -> None:
    """Write a report as assessment results of OSCAL 1.1: an observation a check, a finding a criterion, beside the controls of a framework.

    A finding is about a criterion of the audit's policy. None says that a control is satisfied.

    \b
    Examples:
      auditkit export oscal reports/credit --framework nist_ai_rmf --out credit.oscal.json
    """
    with plain_errors(as_json=as_json):
        import json

        from auditkit.controls import load_catalogue
        from auditkit.exports.oscal import VERSION, assessment_results
        from auditkit.exports.source import Source

        target, known = free(out, ".json"), load_catalogue(catalogue)
        made = assessment_results(Source.read(report), framework, catalogue=known)
        (path,) = written({target: lambda: json.dumps(made, indent=1, ensure_ascii=False) + "\n"})
        _say(
            {"oscal": str(path)},
            f"{path}: assessment results of OSCAL {VERSION}. {known.disclaimer}",
            as_json=as_json,
        )


@export.command()
def ll144(report: Report, out: Outs, as_json: Json = False) -> None:
    """Write the summary of results that New York City's Local Law 144 asks to be published, from the evidence of AK108.

    The ending of each --out says what is written: .html, .md, or .csv with the categories alone. It holds every category, also
    small ones, since the rules ask for all of them.

    \b
    Examples:
      auditkit export ll144 reports/screening --out summary.html --out summary.csv
    """
    with plain_errors(as_json=as_json):
        from auditkit.exports.ll144 import as_csv, as_paper
        from auditkit.exports.source import Source

        source, targets = Source.read(report), [free(one, ".html", ".md", ".csv") for one in out]
        paths = written(
            {one: _maker(one, lambda: as_paper(source), lambda: as_csv(source)) for one in targets}
        )
        _told("ll144", paths, as_paper(source).notices, as_json=as_json)


@export.command("annex-iv")
def annex_iv(
    report: Report,
    out: Outs,
    more: Annotated[
        list[str] | None,
        typer.Option(
            "--report", metavar="FILE", help="Another report about the same system; again for more."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write an outline of the technical documentation of the EU AI Act, Annex IV, filled from the evidence of reports.

    Each point says what is asked, what evidence there is, and what people must still write. The ending of each --out says what is
    written: .md or .html.

    \b
    Examples:
      auditkit export annex-iv reports/credit --out documentation.md
      auditkit export annex-iv reports/credit --report reports/notebooks --report reports/stack --out documentation.html
    """
    with plain_errors(as_json=as_json):
        from auditkit.exports.annex_iv import annex_iv as make
        from auditkit.exports.source import Source

        targets = [free(one, ".html", ".md") for one in out]
        paper = make([Source.read(one) for one in (report, *(more or ()))])
        paths = written({one: _maker(one, lambda: paper) for one in targets})
        _told("annex_iv", paths, paper.notices, as_json=as_json)


def _maker(
    target: Path, paper: Callable[[], Paper], csv: Callable[[], bytes] = bytes
) -> Callable[[], str | bytes]:
    """Return what makes the file of a paper: a page, Markdown, or the rows of a table."""
    from auditkit.exports.paper import as_html, as_markdown

    kinds: dict[str, Callable[[], str | bytes]] = {
        ".html": lambda: as_html(paper()),
        ".md": lambda: as_markdown(paper()),
        ".csv": csv,
    }
    return kinds[target.suffix.lower()]


def _told(name: str, paths: list[Path], notices: tuple[str, ...], *, as_json: bool) -> None:
    _say({name: [str(one) for one in paths], "notices": list(notices)}, "\n".join([*map(str, paths), *notices]), as_json=as_json)  # fmt: skip


def _say(data: dict[str, object], words: str, *, as_json: bool) -> None:
    if as_json:
        object_(dict(data))
    else:
        print_(words)
