"""Drafts: notices to an authority, to people, to deployers or the provider, and within the house, with gaps that are seen."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError
from auditkit.files import write_whole
from auditkit.render.text import clean, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from auditkit.incidents.due import Due
    from auditkit.incidents.folder import Incident

__all__ = ["FOLDER", "NOTICES", "Draft", "drafts", "write_drafts"]

FOLDER = "drafts"
HEAD = "DRAFT, for a person to check, complete and decide on. Nothing was sent."
FOOT = (
    "Before it is sent: fill or strike every gap in brackets, hold every fact against the record, take out what nobody needs to know, and ask counsel "
    "whether, to whom and in which form it is owed."
)
LONGEST = 3_000
"""Characters of one answer in a draft; what is longer ends with how much is missing."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One notice.

    Attributes
    ----------
    name : str
        Of its file: "authority".
    title : str
        For readers.
    text : str
        Plain text; gaps stand in brackets: ``[to be written: ...]``.
    """

    name: str
    title: str
    text: str

    @property
    def gaps(self) -> int:
        """How many gaps are left."""
        return self.text.count("[to be written: ")


NOTICES: dict[str, tuple[str, tuple[tuple[str, str, str], ...]]] = {
    "authority": (
        "Notice to an authority",
        (
            ("What happened", "what", "the facts, and from where each is known"),
            ("When it was", "began|ended", "when it began and ended, as far as known"),
            ("When it was noticed, and by whom", "noticed|noticed_by", "when and by whom"),
            ("The system", "version", "which system and version, with the digest of the model"),
            (
                "Who is concerned, and how many",
                "effect|number|unequal",
                "categories and approximate number of people and records",
            ),
            ("Personal data", "personal_data|personal_data_which", "which data, or that none are concerned"),
            (
                "Likely consequences",
                "personal_data_risk|personal_data_risk_why",
                "likely consequences for people",
            ),
            ("Cause, as far as known", "cause_known|causes", "the cause, or that it is not known yet"),
            (
                "What was done and is proposed",
                "system_state|system_state_why|put_right",
                "measures taken and proposed, also to lessen harm",
            ),
            ("What is not known yet", "not_known", "what is still looked into, and when more will be said"),
            ("Reasons, where this comes late", "", "why it was not possible in time, or strike this"),
            (
                "Contact",
                "",
                "name, address and telephone of whoever can be asked; the data protection officer, where there is one",
            ),
        ),
    ),
    "people": (
        "Notice to the people concerned",
        (
            (
                "What happened",
                "",
                "in plain words, without terms of art: what went wrong, when, and what it meant for this person",
            ),
            (
                "Which data or decisions of yours it is about",
                "personal_data_which|effect",
                "which data, which decisions",
            ),
            ("What it may mean for you", "personal_data_risk_why", "likely consequences, plainly"),
            (
                "What we did and will do",
                "system_state|put_right",
                "measures, and what is put right for the person",
            ),
            (
                "What you can do",
                "",
                "steps a person can take: ask for a new decision by a person, complain, watch accounts",
            ),
            (
                "Whom you can ask",
                "",
                "name, telephone and address; the authority to which a complaint can go",
            ),
        ),
    ),
    "partners": (
        "Notice to deployers, or to the provider",
        (
            (
                "Which system",
                "version",
                "system, version and digest of the model, so that the reader finds it",
            ),
            ("What was observed", "what", "what was seen, when, under which conditions of use"),
            ("Who is concerned", "effect|unequal", "which decisions and groups"),
            ("What to do now", "system_state", "stop, limit or go back to which version, and until when"),
            ("What we ask of you", "", "logs to keep, decisions to look at again, whom else to tell"),
            ("What is not known yet", "not_known", "what is looked into, and when more will be said"),
            ("Contact", "", "who can be asked, day and night"),
        ),
    ),
    "internal": (
        "Notice within the house",
        (
            ("What happened", "what", "the facts so far"),
            ("How severe", "severity|kinds", "severity, and of which kind it is"),
            ("What it did, to whom", "effect|number|unequal", "effects so far"),
            (
                "State of the system",
                "system_state|system_state_why",
                "stopped, limited, put back or going on, and who decided",
            ),
            (
                "What is frozen",
                "frozen_where",
                "where the evidence is; nobody repairs or deletes before it is",
            ),
            ("What is not known yet", "not_known", "open questions, and who looks into each"),
            (
                "Who leads, and when is the next word",
                "",
                "names, and the time of the next word; who speaks to the outside",
            ),
        ),
    ),
}
"""Name, title and parts of each notice: heading, the questions of the record it is filled from, and what a gap asks for."""


_LABELS = {
    "began": ("Began", "when, as far as it is known"),
    "ended": ("Ended", "when, or that it goes on"),
    "noticed": ("Noticed", "when"),
    "noticed_by": ("By", "by whom, and how"),
    "number": ("People concerned", "how many, as far as it is known"),
    "unequal": ("Groups concerned more than others", "which, or none"),
    "personal_data": ("Personal data concerned", "yes or no"),
    "personal_data_risk": ("Risk for these people", "unlikely, there is one, or high"),
    "severity": ("Severity", "low, medium, high or very high"),
    "kinds": ("Of which kind", "which"),
    "cause_known": ("Is the cause known", "not yet, probably or yes"),
    "system_state": ("The system", "stopped, limited, put back or going on"),
}
"""Answers of one word, which need one before them; and what their gap asks for."""


def drafts(incident: Incident, due: tuple[Due, ...]) -> tuple[Draft, ...]:
    """Return drafts of notices, filled from the record.

    Parameters
    ----------
    incident : Incident
        Its record fills them; a question without an answer is a gap.
    due : tuple of Due
        The clocks, which are named in the notice within the house.
    """
    return tuple(_draft(name, title, parts, incident, due) for name, (title, parts) in NOTICES.items())


def write_drafts(incident: Incident, due: tuple[Due, ...]) -> list[Path]:
    """Write the drafts to the folder ``drafts`` of the incident, as text.

    Raises
    ------
    InputError
        If one is there already: a person may have written in it.
    """
    folder = incident.folder / FOLDER
    made = drafts(incident, due)
    for one in made:
        if os.path.lexists(folder / f"{one.name}.txt"):
            raise InputError(
                f"{folder / one.name}.txt is there already, and may have been written in: move it away to have it made anew"
            )
    folder.mkdir(exist_ok=True)
    return [
        write_whole(folder / f"{one.name}.txt", one.text.encode("utf-8", "backslashreplace")) for one in made
    ]


def _draft(
    name: str, title: str, parts: tuple[tuple[str, str, str], ...], incident: Incident, due: tuple[Due, ...]
) -> Draft:
    lines = [HEAD, "", title.upper(), "", f"Incident: {one_line(incident.name)}"]
    lines += [f"About: {one_line(incident.form.subject) or '[to be written: the system]'}"]
    lines += ["", "To: [to be written: addressee]", "From: [to be written: sender]"]
    for heading, questions, asks in parts:
        lines += ["", heading, *_answers(incident.form.answers, questions, asks)]
    if name == "internal":
        lines += ["", "Clocks that may run, as reckoned by auditkit; counsel says which do", *_clocks(due)]
    return Draft(name, title, "\n".join([*lines, "", FOOT, ""]))


def _answers(answers: Mapping[str, Any], questions: str, asks: str) -> list[str]:
    """Return the answers of a part, a gap for each of one word that is missing, or one gap where nothing is said."""
    keys = [key for key in questions.split("|") if key]
    if all(answers.get(key) in (None, "", []) for key in keys):
        return [f"[to be written: {asks}]"]
    lines: list[str] = []
    for key in keys:
        given = answers.get(key)
        label, gap = _LABELS.get(key, ("", ""))
        if given not in (None, "", []):
            first, *rest = _words(given)
            lines += [f"{label}: {first}" if label else first, *rest]
        elif label and not (key.startswith("personal_data_") and answers.get("personal_data") is False):
            lines.append(f"{label}: [to be written: {gap}]")
    return lines


def _words(answer: Any) -> list[str]:
    if isinstance(answer, bool):
        return ["yes" if answer else "no"]
    if isinstance(answer, list):
        return [", ".join(one_line(one) for one in answer)]
    # a gap that somebody typed would be counted, and struck, as one of the draft
    text = clean(answer).replace("[to be written: ", "(to be written: ")
    more = len(text) - LONGEST
    return (
        text
        if more <= 0
        else f"{text[:LONGEST]} [to be written: {more:,} more characters stand in the record]"
    ).split("\n")


def _clocks(due: tuple[Due, ...]) -> list[str]:
    lines = [
        f"- {one.clock.law}, {one.clock.who} to {one.clock.whom}: "
        f"{f'until {one.due:%Y-%m-%d %H:%M %z}, ' if one.due else ''}{one.words}; if: {one.clock.case}"
        for one in due
        if one.state in ("at once", "runs", "overdue", "told")
    ]
    return lines or ["[to be written: since when it is known; no clock could be reckoned]"]
