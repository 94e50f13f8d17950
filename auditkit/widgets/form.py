"""Form: a form filled in step by step, what is still open beside it, and saved as TOML."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as w
import traitlets

from auditkit.errors import InputError
from auditkit.files import write_whole
from auditkit.forms import Form as Filled
from auditkit.forms import load_form, load_kind, to_toml
from auditkit.forms.beginning import named_from
from auditkit.forms.reading import filled, form_of, kind_of, written_in
from auditkit.nouns import counted
from auditkit.packing.forms import signed_place
from auditkit.reading import toml_text
from auditkit.render import views
from auditkit.widgets.form_answers import Asked
from auditkit.widgets.parts import Keys, button, note, problem, said, sheet, status
from auditkit.widgets.static import Static
from auditkit.widgets.tabs import Tabs

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from auditkit.forms.asked import Kind

__all__ = ["Form"]

_WIDE = "min(46rem, 100%)"
_FEW = 4  # open questions that are named


class Form(Static, w.VBox):  # type: ignore[misc]
    """Fill in a form: one section a step, the questions that matter given the answers so far, and what is still open.

    It is saved as TOML, which `auditkit form sign` signs and `auditkit form add` puts into a report.

    Parameters
    ----------
    kind : str or path
        A kind of form ("intended_use", or the file of a kind of your own), or a form that was begun, to go on with.
    subject : str or Subject, optional
        What it is about: a name, or what has one.

    Attributes
    ----------
    answers : dict
        Id of a question to what stands in its control, in plain JSON values; a trait.
    subject : str
        What it is about; a trait.
    kind : Kind
        What is asked.

    Raises
    ------
    InputError
        If there is no such kind or form, or the form has mistakes.
    """

    answers = traitlets.Dict()
    subject = traitlets.Unicode()

    def __init__(self, kind: str | os.PathLike[str], subject: Any = None) -> None:
        self.kind, self.path, begun = _opened(kind)
        named = getattr(subject, "name", subject)
        if named is not None and not isinstance(named, str):
            raise InputError(f"subject: expected a name, or a Subject; got {type(subject).__name__}")
        super().__init__()
        self.subject = named if named is not None else (begun.subject if begun else "")
        self.answers = dict(begun.answers) if begun else {}
        self._asked: dict[str, Asked] = {}
        self._at: int | None = None
        self._was = self.path.read_bytes() if self.path else b""
        self._parts()
        self.children = [
            sheet(), Keys(), self.head, self.about, self.tabs, self.stage, self.steps, self.open, w.VBox([self.place, self.save]), self.told,
        ]  # fmt: skip
        self.add_class("ak-studio")
        self.observe(self._follow, ["answers", "subject"])
        self.tabs.go(0)

    def _parts(self) -> None:
        self.head = w.HTML(said(self.kind.title, tag="h3") + said(self.kind.why, kind="ak-help"))
        self.about = w.Text(
            value=self.subject, description="About", continuous_update=False, layout=w.Layout(width=_WIDE),
            tooltip="What this form is about: the name of the model, as its subject file has it",
        )  # fmt: skip
        traitlets.link((self, "subject"), (self.about, "value"))
        titles = {f"{at} {one.title}": one.title for at, one in enumerate(self.kind.sections, start=1)}
        self.tabs = Tabs(titles, self._gone, self._failed)
        self.stage = w.VBox([])
        back = button(
            "Back", "Go to the section before", lambda: self._step(-1), self._failed, icon="arrow-left"
        )
        on = button("Next", "Go to the next section", lambda: self._step(1), self._failed, icon="arrow-right")
        self.steps, self.open, self.told = w.HBox([back, on]), w.HTML(), w.HTML()
        self.place = w.Text(
            value=str(self.path or f"{self.kind.kind}.toml"), description="File", layout=w.Layout(width=_WIDE),
            tooltip="Where the form is saved; another file that is there is not overwritten",
        )  # fmt: skip
        self.save = button(
            "Save", "Save the form as TOML, complete or not", self._save, self._failed, icon="save"
        )

    def form(self) -> Filled:
        """Return the form as it stands.

        Raises
        ------
        InputError
            If an answer does not fit its question.
        """
        return form_of(self.kind, self.subject, self._standing())

    def _standing(self) -> dict[str, Any]:
        """Return the answers to what is asked; what was answered before another answer changed is left aside, and kept here."""
        found: dict[str, Any] = {}
        for one in self.kind.questions():
            if one.id in self.answers and one.is_asked(found):
                found[one.id] = self.answers[one.id]
        return found

    def _step(self, by: int) -> None:
        self.tabs.go(self.tabs.at + by)

    def _gone(self, at: int) -> None:
        self._show(at)

    def _follow(self, _: Any = None) -> None:
        self.told.value = ""
        self._show(self.tabs.at)

    def _show(self, at: int) -> None:
        standing = self._standing()
        section = self.kind.sections[at]
        fields = [self._field(one.id) for one in section.questions if one.is_asked(standing)]
        shown = fields or [note("Nothing is asked here, given the answers before.")]
        if [one for one in self.stage.children if isinstance(one, Asked)] != fields or not fields:
            # the same head while the section stays: what stands after the first child that changed is drawn anew, and loses the focus
            first = self.stage.children[:1] if at == self._at else [w.HTML(said(section.title, tag="h3"))]
            self._at, self.stage.children = at, [*first, *shown]
        self._tell(standing)

    def _field(self, name: str) -> Asked:
        """Return the field of a question, the same as before: who types in it must not lose it."""
        if name not in self._asked:
            question = next(one for one in self.kind.questions() if one.id == name)
            self._asked[name] = Asked(question, self.answers.get(name), lambda value: self._take(name, value))
        return self._asked[name]

    def _take(self, name: str, value: Any) -> None:
        others = {key: old for key, old in self.answers.items() if key != name}
        self.answers = others if value is None else {**others, name: value}

    def _tell(self, standing: dict[str, Any]) -> None:
        """Say what is open, what does not fit, and which sections are done."""
        _, missing, wrong = filled(standing, self.kind)
        open_ = {place.partition("[")[0] for place in missing}
        bad = {}
        for section in self.kind.sections:
            for one in section.questions:
                place = f"{section.id}.{one.id}"
                bad[one.id] = [
                    w.removeprefix(place).strip() for w in wrong if w.startswith((f"{place} ", f"{place}["))
                ]
        for name, field in self._asked.items():
            field.tell(bad.get(name, []))
        for at, section in enumerate(self.kind.sections):
            done = not any(one.id in open_ or bad[one.id] for one in section.questions)
            self.tabs.mark(at, "✓" if done else "")
        self.open.value = status(self._open_in_words(missing, bad))

    def _open_in_words(self, missing: list[str], bad: dict[str, list[str]]) -> str:
        names = list(dict.fromkeys(place.partition("[")[0] for place in missing))
        titles = {one.id: one.words for one in self.kind.questions()}
        wrong = sum(map(bool, bad.values()))
        trouble = f" {counted(wrong, 'answer')} {'does' if wrong == 1 else 'do'} not fit." if wrong else ""
        unnamed = " What it is about is not said." if not self.subject.strip() else ""
        if not names:
            return f"Every required question is answered.{trouble}{unnamed}"
        told = " ".join(titles[one] for one in names[:_FEW])
        more = f" And {len(names) - _FEW} more." if len(names) > _FEW else ""
        return f"Open: {counted(len(names), 'question')}. {told}{more}{trouble}{unnamed}"

    def _save(self) -> None:
        target = Path(self.place.value).expanduser()
        if target.suffix != ".toml" or target.name.endswith(".signed.json"):
            raise InputError(f"a form is TOML: give a name that ends in .toml; got {target}")
        if target.exists() and target != self.path:
            raise InputError(f"{target} is there already, and is not overwritten; type another name")
        if target.exists() and target.read_bytes() != self._was:
            raise InputError(
                f"{target} was changed elsewhere since it was opened here, and that is not overwritten; type another name"
            )
        if not target.parent.is_dir():
            raise InputError(f"no folder {target.parent}")
        form = self.form()
        text = to_toml(self.kind, form.subject, form.answers, named=named_from(self.kind, target))
        self.path, self._was = write_whole(target, text.encode()), text.encode()
        signed = signed_place(target).exists()
        more = (
            f" {signed_place(target).name} lies beside it: see with auditkit form verify whether it still fits."
            if signed
            else ""
        )
        self.told.value = status(f"Saved: {target}. {form.state[:1].upper()}{form.state[1:]}.{more}")

    def _failed(self, why: str) -> None:
        self.told.value = problem(why)

    def __repr__(self) -> str:
        return f"Form({self.kind.kind} of {self.subject or 'no subject'}; without widgets: auditkit form new {self.kind.kind} --out FILE)"

    def page(self) -> str:
        """Return the form as it stands, as it would stand in a report."""
        return views.draw("forms", self._data())

    def still(self) -> Iterator[dict[str, Any]]:
        """Yield the form as it stands, as text and as a page."""
        yield views.bundle("forms", self._data())

    def _data(self) -> dict[str, Any]:
        standing, _, wrong = filled(self._standing(), self.kind)
        fits = standing if wrong else self._standing()
        return {"forms": [form_of(self.kind, self.subject, fits).to_dict()]}


def _opened(given: str | os.PathLike[str]) -> tuple[Kind, Path | None, Filled | None]:
    """Return the kind that is meant, and the form that was begun with its place, where there is one."""
    if not str(given).endswith(".toml"):
        return load_kind(given), None, None
    try:
        begun = "form" in tomllib.loads(toml_text(given, "form or kind of form"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{given} is not TOML: {error}") from None
    if not begun:
        return load_kind(given), None, None
    return kind_of(written_in(given), given), Path(given), load_form(given)
