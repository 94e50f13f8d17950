"""Form: forms that people fill in and sign: begun, checked and listed."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditkit.cli.output import BAD_INPUT, DIFFERS, Json, lines, object_, plain_errors, print_, say, table
from auditkit.cli.packing import Key, Name, Passphrase, Role, passphrase_in

if TYPE_CHECKING:
    from auditkit.forms import Form

__all__ = ["add_to", "form"]

form = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Forms: intended use, impact, oversight, data protection, incidents; filled in, and signed by two.",
)
File = Annotated[str, typer.Argument(metavar="FILE", help="A form in TOML.")]
Files = Annotated[list[str], typer.Argument(metavar="FILE...", help="Forms in TOML.")]


class Decision(StrEnum):
    """What a reviewer decides."""

    approved = "approved"
    conditions = "approved with conditions"
    rejected = "rejected"


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
        from auditkit.packing.forms import read_with_signatures

        told: list[dict[str, Any]] = []
        for path in files:
            try:
                told.append({"file": path, **_told(read_with_signatures(path))})
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


@form.command("sign")
def sign(
    path: File,
    key: Key,
    role: Annotated[Role, typer.Option("--role", help="As what you sign.")],
    name: Name,
    decision: Annotated[
        Decision | None, typer.Option("--decision", help="The reviewer's; approved when left out.")
    ] = None,
    remark: Annotated[
        str, typer.Option("--remark", metavar="TEXT", help="What the reviewer adds: conditions, or why not.")
    ] = "",
    passphrase_file: Passphrase = None,
    as_json: Json = False,
) -> None:
    """Sign a form as its author, or, with another key and another name, as the reviewer of what the author signed.

    The signatures lie beside it, in NAME.signed.json. A form with open questions cannot be signed, and no signature is replaced.

    \b
    Examples:
      auditkit form sign use.toml --key keys/author.key --role author --name "Maria Rossi"
      auditkit form sign use.toml --key keys/reviewer.key --role reviewer --name "Jan Novak"
      auditkit form sign use.toml --key keys/reviewer.key --role reviewer --name "Jan Novak" --decision "approved with conditions" --remark "Review again in May"
    """
    with plain_errors(as_json=as_json):
        from auditkit.packing.forms import sign_form, signed_place

        made = sign_form(
            path, key=key, role=role.value, name=name, passphrase=passphrase_in(passphrase_file),
            decision=decision.value if decision else "", remark=remark,
        )  # fmt: skip
        if as_json:
            object_({"signed": str(signed_place(path)), "state": made.state, "digest": made.digest})
            return
        lines(
            [f"{signed_place(path)}: {made.title}, {made.subject}: {made.state}", f"  digest {made.digest}"]
        )


@form.command("verify")
def verify(
    path: File,
    author_key: Annotated[
        str | None, typer.Option("--author-key", metavar="FILE", help="Public key of the author.")
    ] = None,
    reviewer_key: Annotated[
        str | None, typer.Option("--reviewer-key", metavar="FILE", help="Public key of the reviewer.")
    ] = None,
    any_key: Annotated[
        bool,
        typer.Option("--any-key", help="Accept any key: whoever changed the form may have signed it anew."),
    ] = False,
    one_person: Annotated[
        bool, typer.Option("--one-person", help="Ask for the author's signature alone.")
    ] = False,
    report: Annotated[
        str | None,
        typer.Option("--report", metavar="REPORT", help="A report that must hold it as it was signed."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Find whatever differs in a form from what was signed, and say who signed it.

    Exit code: 0 nothing differs, 1 something does, a signature is missing or the reviewer rejected it, 2 bad input.

    \b
    Examples:
      auditkit form verify use.toml --author-key keys/author.pub --reviewer-key keys/reviewer.pub
      auditkit form verify use.toml --author-key keys/author.pub --reviewer-key keys/reviewer.pub --report reports/credit
      auditkit form verify use.signed.json --any-key --json
    """
    with plain_errors(as_json=as_json):
        from auditkit.packing.forms import verify_form

        found = verify_form(
            path, author_key=author_key, reviewer_key=reviewer_key, any_key=any_key, one_person=one_person,
            report=report,
        )  # fmt: skip
        one = found.form
        if as_json:
            told = _told(one) | {"ok": found.ok, "problems": list(found.problems)}
            object_(told | {"signed": [who.to_dict() for who in one.signed]})
        else:
            state = "nothing differs" if found.ok else f"{len(found.problems)} found"
            lines([f"{one.title}, {one.subject}: {one.state}: {state}"])
            told_of = [f"  {words}" for words in found.problems]
            for who in one.signed:
                whose = found.whose[who.role] or "a key that was not given for this"
                told_of.append(
                    f"  signed as {who.role} by {who.name!r} with {whose}, by their word on {who.time}"
                )
                told_of += [f"    {who.decision}: {who.remark}"] if who.remark else []
            lines([*told_of, f"  digest {one.digest}"])
        raise typer.Exit(0 if found.ok else DIFFERS)


@form.command("add")
def add(
    files: Files,
    report: Annotated[
        str,
        typer.Option(
            "--report", metavar="REPORT", help="The folder that auditkit run wrote, or a report.json."
        ),
    ],
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the place of other forms of their kinds that are there.")
    ] = False,
    also: Annotated[
        bool, typer.Option("--also", help="Leave other forms of their kinds beside them.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Put forms, signed or drafts, into a saved report: its record, notebook and page are made anew.

    Nothing is judged by them. A form that was edited after it was signed is refused.

    \b
    Examples:
      auditkit form add forms/intended_use.toml forms/oversight.toml --report reports/credit
      auditkit form add dpia.toml --report reports/credit --replace
    """
    with plain_errors(as_json=as_json):
        from auditkit.errors import InputError
        from auditkit.packing.forms import read_with_signatures
        from auditkit.runner.adding_forms import add_forms

        if replace and also:
            raise InputError("--replace and --also say opposite things: give one of them")
        given = [read_with_signatures(path) for path in files]
        made = add_forms(report, given, replacing=replace, also=also)
        if as_json:
            object_({
                "forms": [{"kind": one.kind, "state": one.state, "digest": one.digest} for one in made.report.forms],
                "written": list(map(str, made.written)),
                "without": list(map(str, made.without)),
            })  # fmt: skip
            return
        lines([f"{one.title}, {one.subject}: {one.state}" for one in made.report.forms])
        lines([f"  made anew: {path}" for path in made.written])
        for path in made.without:
            say(f"{path} is without the forms: make it again from the page.")


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
