"""Form: forms that people fill in and sign: begun, checked and listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditkit.cli.output import BAD_INPUT, Json, lines, object_, plain_errors, print_, say, table

if TYPE_CHECKING:
    from auditkit.forms import Form

__all__ = ["add_to", "form"]

form = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Forms: intended use, impact, oversight, data protection, incidents; filled in, and signed by two.",
)
Files = Annotated[list[str], typer.Argument(metavar="FILE...", help="Forms in TOML.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of forms to the command line."""
    app.add_typer(form, name="form")


@form.command("list")
def list_(
    kind: Annotated[
        str | None,
        typer.Argument(metavar="[KIND]", help="Its questions: a name, or the file of a kind of your own."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the kinds of forms; with KIND, what it asks and to which controls the answers are relevant.

    \b
    Examples:
      auditkit form list
      auditkit form list data_protection
      auditkit form list our_kind.toml --json
    """
    with plain_errors(as_json=as_json):
        from auditkit.forms import kind_names, load_kind

        if kind is None:
            kinds = [load_kind(name) for name in kind_names()]
            rows: list[dict[str, Any]] = [
                {"kind": one.kind, "title": one.title, "edition": one.edition, "questions": sum(1 for _ in one.questions()), "why": one.why}
                for one in kinds
            ]  # fmt: skip
        else:
            asked = load_kind(kind)
            rows = [
                {
                    "question": f"{section.id}.{one.id}",
                    "asks": one.words,
                    "answer": one.answer,
                    "required": one.required,
                    "evidence relevant to": [f"{framework} {id_}" for framework, id_ in section.controls],
                }
                for section in asked.sections
                for one in section.questions
            ]
        if as_json:
            object_({"kinds" if kind is None else "questions": rows})
        else:
            table(rows)


@form.command("new")
def new(
    kind: Annotated[
        str,
        typer.Argument(metavar="KIND", help="A name that auditkit form list gives, or a file of your own."),
    ],
    out: Annotated[
        str, typer.Option("--out", metavar="FILE", help="The form to write; nothing is overwritten.")
    ],
    subject: Annotated[
        str,
        typer.Option(
            "--subject",
            metavar="NAME",
            help="What it is about: a name, or a subject file, whose name it takes.",
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """Begin a form: TOML with each question as a comment above the place of its answer.

    \b
    Examples:
      auditkit form new intended_use --out forms/intended_use.toml --subject credit
      auditkit form new data_protection --out dpia.toml --subject credit.toml
      auditkit form new our_kind.toml --out ours.toml
    """
    with plain_errors(as_json=as_json):
        from auditkit.forms.beginning import begin

        path, asked = begin(kind, out, subject)
        if as_json:
            object_({"form": str(path), "kind": asked.kind, "edition": asked.edition})
            return
        print_(str(path))
        say(f"Fill it in, and see what is open: auditkit form check {path}")


@form.command("check")
def check_(
    files: Files,
    complete: Annotated[
        bool, typer.Option("--complete", help="Exit 1 where something required is not answered.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check forms: every mistake is told, and what is still open; an open form is a draft, and no mistake.

    Exit code: 0 without mistakes, 1 with --complete where something is open, 2 with mistakes.

    \b
    Examples:
      auditkit form check forms/intended_use.toml
      auditkit form check forms/*.toml --complete
      auditkit form check dpia.toml --json
    """
    with plain_errors(as_json=as_json):
        from auditkit.errors import InputError
        from auditkit.forms import load_form

        told: list[dict[str, Any]] = []
        for path in files:
            try:
                told.append({"file": path, **_told(load_form(path))})
            except InputError as error:
                told.append({"file": path, "error": str(error)})
        wrong = any("error" in one for one in told)
        open_ = any(one.get("open") for one in told)
        code = BAD_INPUT if wrong else int(complete and open_)
        if as_json:
            object_({"forms": told, "exit_code": code})
        else:
            for one in told:
                _say(one)
        raise typer.Exit(code)


def _told(one: Form) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "title": one.title,
        "edition": one.edition,
        "subject": one.subject,
        "state": one.state,
        "open": list(one.open),
        "digest": one.digest,
        "words": {q["id"]: q["words"] for section in one.sections for q in section["questions"]},
    }


def _say(one: dict[str, Any]) -> None:
    if "error" in one:
        say(f"Error: {one['error']}")
        return
    words = one.pop("words")
    lines([f"{one['file']}: {one['title']}, {one['subject'] or 'no subject'}: {one['state']}"])
    for place in one["open"]:
        asked = words.get(place.partition("[")[0], "what it is about")
        lines([f"  open: {place}  {asked}"])
    lines([f"  digest {one['digest']}"])
