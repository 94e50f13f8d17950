"""Form answers: the controls in which a question of a form is answered, each labelled and in reach of the keyboard."""

from __future__ import annotations

import re
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from auditkit.render.text import one_line
from auditkit.widgets.parts import button, note, problem, said

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from auditkit.forms.asked import Column, Question

__all__ = ["Asked"]

_WIDE = "min(46rem, 100%)"
_PLACE = re.compile(r"^\[([0-9]+)\]\.([a-z0-9_]+)")
_HINTS = {
    "moment": "A day and a time with its offset: 2026-11-29T14:05:00+01:00, or Z for UTC.",
    "people": "One person a line: Maria Rossi, head of credit risk.",
}


class Asked(w.VBox):  # type: ignore[misc]
    """A question, its help, the control of its answer, and why what stands there does not fit.

    Parameters
    ----------
    question : Question
        What is asked.
    given : any
        Where the control stands at first, in plain JSON values.
    changed : callable
        Called with the answer after every change; None is no answer.
    """

    children: Any

    def __init__(self, question: Question, given: Any, changed: Callable[[Any], None]) -> None:
        self.question = question
        self.control: Any = (
            _Rows(question, given or [], changed)
            if question.answer == "rows"
            else _Choices(question, given or [], changed)
            if question.answer == "choices"
            else _Cell(question, given, changed)
        )
        self.trouble = w.HTML()
        told = " ".join(filter(None, [question.help, "" if question.required else "May be left out."]))
        super().__init__([self.control, *([note(told)] if told else []), self.trouble])
        self.add_class("ak-asks")

    def tell(self, wrong: Sequence[str]) -> None:
        """Say what does not fit; nothing where all does."""
        self.trouble.value = problem("; ".join(map(self._in_words, wrong))) if wrong else ""

    def _in_words(self, wrong: str) -> str:
        """Return a mistake in a row with the words of its column: a person sees no ids."""
        names = {one.id: one.words for one in self.question.columns}
        return _PLACE.sub(lambda at: f"row {at[1]}, {names.get(at[2], at[2])}:", wrong)


class _Cell(w.VBox):  # type: ignore[misc]
    """One value: words, a choice, a day, a moment, a number, yes or no, or people."""

    def __init__(self, asked: Question | Column, given: Any, changed: Callable[[Any], None]) -> None:
        self.asked = asked
        self.widget = _widget(asked, given)
        self.widget.add_class("ak-question")
        self.widget.observe(lambda _: changed(self.read()), "value")
        hint = _HINTS.get(asked.answer)
        super().__init__([self.widget, *([note(hint)] if hint else [])])

    def read(self) -> Any:
        """Return the answer as it stands; None where there is none. What does not fit is returned as it was typed."""
        value = self.widget.value
        if self.asked.answer == "people":
            return [line for line in value.splitlines() if line.strip()] or None
        if isinstance(value, date):
            return value.isoformat()
        if self.asked.answer == "number" and str(value).strip():
            return _number(str(value).strip())
        return None if value is None or value == "" else value


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _widget(asked: Question | Column, given: Any) -> Any:
    about = {
        "description": one_line(asked.words), "description_allow_html": False, "tooltip": one_line(asked.words),
        "layout": w.Layout(width=_WIDE), "style": {"description_width": "initial"},
    }  # fmt: skip
    if asked.answer == "choice":
        options = [("not answered", ""), *((one_line(one), one) for one in asked.options)]
        return w.Dropdown(options=options, value="" if given is None else given, **about)
    if asked.answer == "yes_no":
        return w.Dropdown(
            options=[("not answered", ""), ("Yes", True), ("No", False)],
            value="" if given is None else given,
            **about,
        )
    if asked.answer == "date":
        return w.DatePicker(value=date.fromisoformat(given) if given else None, **about)
    if asked.answer in ("moment", "number"):
        return w.Text(value="" if given is None else str(given), continuous_update=False, **about)
    text = "\n".join(given) if isinstance(given, list) else (given or "")
    rows = max(2, min(12, text.count("\n") + 2))
    return w.Textarea(value=text, continuous_update=False, rows=rows, **about)


class _Choices(w.VBox):  # type: ignore[misc]
    """Boxes to tick, one an option."""

    def __init__(self, question: Question, given: Sequence[str], changed: Callable[[Any], None]) -> None:
        self.boxes = {
            one: w.Checkbox(
                value=one in given, description=one_line(one), description_allow_html=False, indent=False,
                tooltip=one_line(f"{question.words} {one}"), layout=w.Layout(width=_WIDE),
            )
            for one in question.options
        }  # fmt: skip
        for box in self.boxes.values():
            box.observe(lambda _: changed(self.read()), "value")
        super().__init__([w.HTML(said(question.words, tag="h4")), *self.boxes.values()])

    def read(self) -> Any:
        """Return what is ticked; None where nothing is."""
        return [one for one, box in self.boxes.items() if box.value] or None


class _Rows(w.VBox):  # type: ignore[misc]
    """Rows of cells, that can be added and taken away."""

    children: Any

    def __init__(self, question: Question, given: Sequence[Any], changed: Callable[[Any], None]) -> None:
        self.question, self._changed = question, changed
        self.told = w.HTML()
        self.rows: list[dict[str, _Cell]] = []
        self.boxes = w.VBox([])
        self.more = button(
            "Add a row", f"Add a row to: {one_line(question.words)}", self.add, self._failed, icon="plus"
        )
        # rows in a box of their own: a button beneath that were drawn anew with them would lose the focus
        super().__init__([w.HTML(said(question.words, tag="h4")), self.boxes, self.more, self.told])
        for row in given:
            self.rows.append(self._row(row))
        self._show()

    def add(self) -> None:
        """Add an empty row."""
        self.rows.append(self._row({}))
        self._show()

    def remove(self, at: int) -> None:
        """Take a row away, the first being 0."""
        del self.rows[at]
        self._show()
        self._changed(self.read())

    def read(self) -> Any:
        """Return the rows with what is filled in; None where there are none."""
        found = [
            {name: value for name, cell in row.items() if (value := cell.read()) is not None}
            for row in self.rows
        ]
        return [row for row in found if row] or None

    def _row(self, given: Any) -> dict[str, _Cell]:
        return {
            column.id: _Cell(column, given.get(column.id), lambda _: self._changed(self.read()))
            for column in self.question.columns
        }

    def _show(self) -> None:
        shown: list[Any] = []
        for at, row in enumerate(self.rows):
            before = self.boxes.children[at : at + 1]
            if before and before[0].children[1:-1] == tuple(row.values()):
                shown += before
                continue
            gone = button(
                f"Remove row {at + 1}", f"Take row {at + 1} away", partial(self.remove, at), self._failed, icon="trash"
            )  # fmt: skip
            box = w.VBox([w.HTML(said(f"Row {at + 1}", tag="h4")), *row.values(), gone])
            box.add_class("ak-asks")
            shown.append(box)
        self.boxes.children = shown

    def _failed(self, why: str) -> None:
        self.told.value = problem(why)
