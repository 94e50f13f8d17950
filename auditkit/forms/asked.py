"""Asked: what a kind of form asks, in which order, and to which controls its answers are relevant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Answer", "Column", "Kind", "Question", "Section"]

Answer: TypeAlias = Literal[
    "text", "choice", "choices", "date", "moment", "number", "yes_no", "people", "rows"
]
"""What a question is answered with; "moment" is a day and a time with its offset."""

Controls: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a question that is answered by rows.

    Attributes
    ----------
    id, words : str
        What files call it, and what pages call it.
    answer : str
        What a cell holds: any of `Answer` but choices, people and rows.
    required : bool
        Whether a row without it is open.
    options : tuple of str
        What can be chosen.
    at_least, at_most : float or None
        The ends of a number.
    """

    id: str
    words: str
    answer: Answer = "text"
    required: bool = True
    options: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a form.

    Attributes
    ----------
    id, words, help : str
        What files call it, what it asks, and what helps to answer it.
    answer : str
        What it is answered with, see `Answer`.
    required : bool
        Whether a form without an answer is open, and cannot be signed.
    options : tuple of str
        What can be chosen.
    asked_if : dict of str to tuple
        Earlier questions, and the answers of which each must have one: only then it is asked.
    columns : tuple of Column
        Of rows.
    at_least, at_most : float or None
        The ends of a number.
    """

    id: str
    words: str
    help: str = ""
    answer: Answer = "text"
    required: bool = True
    options: tuple[str, ...] = ()
    asked_if: Mapping[str, tuple[str | bool, ...]] = field(default_factory=dict)
    columns: tuple[Column, ...] = ()
    at_least: float | None = None
    at_most: float | None = None

    def is_asked(self, answers: Mapping[str, Any]) -> bool:
        """Whether it is asked, given the answers to those before it."""
        return all(
            any(one in wanted for one in (found if isinstance(found, list) else [found]))
            for found, wanted in ((answers.get(name), wanted) for name, wanted in self.asked_if.items())
        )


@dataclass(frozen=True, slots=True)
class Section:
    """Questions that belong together.

    Attributes
    ----------
    id, title : str
        What files call it, and what pages call it.
    questions : tuple of Question
        In order.
    controls : tuple of (str, str)
        Framework and id of the controls to which its answers are evidence relevant.
    """

    id: str
    title: str
    questions: tuple[Question, ...]
    controls: Controls = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """What a form asks.

    Attributes
    ----------
    kind : str
        Its name, as in ``auditkit form new intended_use``.
    title, edition, why : str
        What it is, in which edition, and what it is good for.
    sections : tuple of Section
        In order.
    file : str
        Where it was read from; empty for one of auditkit's own.
    """

    kind: str
    title: str
    edition: str
    why: str
    sections: tuple[Section, ...]
    file: str = ""

    def __repr__(self) -> str:
        return f"Kind({self.kind}, {self.edition}: {sum(1 for _ in self.questions())} questions in {len(self.sections)} sections)"

    def questions(self) -> Iterator[Question]:
        """Give every question, in order."""
        for section in self.sections:
            yield from section.questions

    def asked(self, answers: Mapping[str, Any]) -> tuple[tuple[Section, tuple[Question, ...]], ...]:
        """Return the sections with those of their questions that are asked, given answers; sections without any are left out."""
        found = [(one, tuple(q for q in one.questions if q.is_asked(answers))) for one in self.sections]
        return tuple(pair for pair in found if pair[1])
