"""Reading: a form from its TOML file, with every mistake told at once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError, did_you_mean
from auditkit.forms.answers import held
from auditkit.forms.form import Form
from auditkit.forms.kinds import kind_names, load_kind
from auditkit.reading import read_bounded

if TYPE_CHECKING:
    import os

    from auditkit.forms.asked import Kind, Question, Section

__all__ = ["LARGEST", "filled", "form_of", "kind_of", "load_form", "read_form", "written_in"]

LARGEST = 4 * 2**20
"""Bytes of a form's file that are read."""

_KEYS = ("form", "edition", "subject")


def load_form(path: str | os.PathLike[str]) -> Form:
    """Read a form.

    What is required and not answered is no mistake: the form is a draft, and says in ``.open`` what is missing.

    Parameters
    ----------
    path : path
        A TOML file, as ``auditkit form new`` writes it. A kind of your own is named in it by a path beside the form.

    Raises
    ------
    InputError
        If it is missing, no TOML, of another edition than the kind here, or holds answers that cannot be; every mistake is told.
    """
    content = written_in(path)
    return read_form(content, kind_of(content, path), str(path))


def written_in(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what stands in a form's file, not yet held to what was asked."""
    file = Path(path)
    if not file.is_file():
        raise InputError(f"no form at {file}: begin one with: auditkit form new KIND --out {file}")
    try:
        return tomllib.loads(read_bounded(file, LARGEST, "form").decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not TOML: it is not UTF-8 text ({error.reason})") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{file} is not TOML: {error}") from None


def kind_of(content: Mapping[str, Any], path: str | os.PathLike[str]) -> Kind:
    """Return the kind that a form's file names."""
    named = content.get("form")
    if not isinstance(named, str) or not named:
        raise InputError(
            f'{path}: no key form: say which kind it is, as in form = "intended_use".{did_you_mean("", kind_names())}'
        )
    return load_kind(Path(path).parent / named if named.endswith(".toml") else named)


def read_form(content: Mapping[str, Any], kind: Kind, where: str) -> Form:
    """Return a form from what stands in its file.

    Raises
    ------
    InputError
        With every mistake.
    """
    wrong: list[str] = []
    edition, subject = content.get("edition"), content.get("subject")
    if edition != kind.edition:
        wrong.append(
            f"edition: the kind {kind.kind!r} here is of {kind.edition!r}, got {edition!r}; begin a new form and carry the answers over"
        )
    if not isinstance(subject, str) or len(subject) > 300:
        wrong.append(f'subject: say what it is about: subject = "name of the model", got {subject!r:.80}')
    given, misplaced = _gathered(content, kind)
    answers, missing, mistakes = filled(given, kind)
    wrong += misplaced + mistakes
    if wrong:
        raise InputError(_several(where, wrong))
    return _made(kind, str(subject), answers, missing)


def form_of(kind: Kind, subject: str, given: Mapping[str, Any]) -> Form:
    """Return a form of answers by question, as `read_form` does of a file.

    Raises
    ------
    InputError
        With every mistake.
    """
    answers, missing, wrong = filled(given, kind)
    if wrong:
        raise InputError(_several(kind.title, wrong))
    return _made(kind, subject, answers, missing)


def _several(where: str, wrong: list[str]) -> str:
    return f"{where}: {len(wrong)} mistake{'s' * (len(wrong) > 1)}\n" + "\n".join(f"  {one}" for one in wrong)


def _made(kind: Kind, subject: str, answers: dict[str, Any], missing: list[str]) -> Form:
    about = " ".join(subject.split())
    missing = missing if about else ["subject", *missing]
    return Form(kind.kind, kind.title, kind.edition, about, answers, _as_asked(kind, answers), tuple(missing))


def filled(given: Mapping[str, Any], kind: Kind) -> tuple[dict[str, Any], list[str], list[str]]:
    """Return answers held to a kind, what is open, and what is wrong.

    Parameters
    ----------
    given : mapping
        Id of a question to what was written.
    kind : Kind
        What is asked.
    """
    answers: dict[str, Any] = {}
    missing: list[str] = []
    wrong: list[str] = []
    for section in kind.sections:
        for one in section.questions:
            found = held(given.get(one.id), one)
            where = f"{section.id}.{one.id}"
            if not one.is_asked(answers):
                if found.value is not None or found.wrong:
                    wrong.append(
                        f"{where} is answered and not asked: it is asked if {_condition(one)}. Change that answer, or remove this one"
                    )
                continue
            wrong += [f"{where}{'' if words.startswith('[') else ' '}{words}" for words in found.wrong]
            if found.value is not None:
                answers[one.id] = found.value
            elif one.required and not found.wrong:
                missing.append(one.id)
            missing += [f"{one.id}{place}" for place in found.open]
    return answers, missing, wrong


def _condition(one: Question) -> str:
    said = {True: "true", False: "false"}
    return " and ".join(
        f"{name} is {' or '.join(said[w] if isinstance(w, bool) else repr(w) for w in wanted)}"
        for name, wanted in one.asked_if.items()
    )


def _gathered(content: Mapping[str, Any], kind: Kind) -> tuple[dict[str, Any], list[str]]:
    """Return the answers by question, and what stands where nothing is asked."""
    sections = {one.id: one for one in kind.sections}
    place = {q.id: s.id for s in kind.sections for q in s.questions}
    given: dict[str, Any] = {}
    wrong: list[str] = []
    for key, value in content.items():
        if key in _KEYS:
            continue
        if key not in sections:
            hint = (
                f" It belongs under [{place[key]}]"
                if key in place
                else did_you_mean(key, [*sections, *_KEYS])
            )
            wrong.append(f"no section {key!r} in {kind.kind}.{hint}")
        elif not isinstance(value, Mapping):
            wrong.append(f"{key} is a section: write [{key}] above its answers, got {value!r:.80}")
        else:
            wrong += _taken(value, sections[key], place, given)
    return given, wrong


def _taken(
    value: Mapping[str, Any], section: Section, place: Mapping[str, str], into: dict[str, Any]
) -> list[str]:
    names = [one.id for one in section.questions]
    wrong = []
    for key, answer in value.items():
        if key in names:
            into[key] = answer
            continue
        hint = f" It belongs under [{place[key]}]" if key in place else did_you_mean(key, names)
        wrong.append(f"{section.id} asks no {key!r}.{hint}")
    return wrong


def _as_asked(kind: Kind, answers: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return what was asked, as it was worded."""
    made = []
    for section, questions in kind.asked(answers):
        asked = [
            {
                "id": one.id,
                "words": one.words,
                "answer": one.answer,
                **({"columns": [{"id": c.id, "words": c.words} for c in one.columns]} if one.columns else {}),
            }
            for one in questions
        ]
        controls = [{"framework": framework, "id": id_} for framework, id_ in section.controls]
        made.append({"id": section.id, "title": section.title, "questions": asked, "controls": controls})
    return tuple(made)
