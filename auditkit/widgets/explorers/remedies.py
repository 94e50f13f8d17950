"""Remedies: mitigations ticked on and off, and all four dimensions before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as w

from auditkit.errors import InputError, NotApplicable
from auditkit.explore import Remedies
from auditkit.explore.remedies import KINDS, clash
from auditkit.render.text import words
from auditkit.widgets.component import session_of
from auditkit.widgets.explorers.menus import compared_by, groups_of
from auditkit.widgets.explorers.mirror import Mirror
from auditkit.widgets.parts import button, note, said

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from auditkit.explore import Answer
    from auditkit.subject import Subject
    from auditkit.widgets.session import Session

__all__ = ["RemedyExplorer"]

_AGAINST = {
    "unfairness": "Against differences between groups",
    "leakage": "Against leakage of training records",
    "fragility": "Against small changes of the input",
    "nothing": "For comparison: no mitigation at all",
}
_FULL = 1.0


class RemedyExplorer(Mirror):
    """Tick mitigations; fairness, leakage, robustness and utility are shown without and with them, and what changed."""

    title: ClassVar[str] = "Mitigations on and off"
    question: ClassVar[str] = "What does each mitigation cure, and what does it harm?"
    told: ClassVar[str] = (
        "Trains the recipe again on the same rows, without a mitigation and with each, and asks every model about the same records once. "
        "Takes from seconds to minutes; then switching is instant."
    )
    pictures: ClassVar[tuple[str, ...]] = ("overview", "change", "sides")
    works_as: ClassVar[tuple[str, ...]] = ("AK114",)
    mirrors: ClassVar[Mapping[str, tuple[str, ...]]] = {"AK114": ("rows", "level")}
    ends: ClassVar[Mapping[str, Mapping[str, tuple[float, float]]]] = {"sides": {"x": (-0.02, 1.02)}}

    def __init__(self, session: Session | Subject) -> None:
        session = session_of(session)
        names = session.as_subject.test.sensitive_names
        self.feature = groups_of(names)
        self.constraint = compared_by(
            "Which difference between groups is measured, and narrowed by mitigations that are for that"
        )
        super().__init__(session)
        self.boxes: dict[str, Any] = {}
        self.strengths: dict[str, Any] = {}
        self._wanted: dict[str, float] = {}
        self._settled = True
        for menu in (self.feature, self.constraint):
            menu.observe(self._anew, "value")
        if names:
            menus = w.HBox([self.feature, self.constraint], layout=w.Layout(flex_flow="row wrap"))
            at = self.children.index(self.going)
            self.children = (*self.children[:at], menus, *self.children[at:])

    @classmethod
    def lacks(cls, subject: Subject) -> str:
        """Return that two classes, training rows or a model that can be trained are missing."""
        if subject.task != "binary":
            return "two classes: mitigations are compared on decisions between two"
        if subject.train is None:
            return "training rows: pass Subject(..., train=Dataset(X, y)), or add [data.train] to the subject file"
        try:
            subject.model.recipe(0)
        except NotApplicable as why:
            return f"a model that can be trained again in parts: {why}"
        return ""

    def asked(self) -> dict[str, Any]:
        """Return whose groups are compared by what, and the settings of the laboratory of mitigations (AK114).

        What is trained in addition is trained and measured as the others were.
        """
        if self.found is not None and self._wanted:
            return self.under
        return {**super().asked(), "feature": self.feature.value, "constraint": self.constraint.value}

    def prepare(self) -> Remedies:
        """Train every mitigation by itself; or, where those ticked were not trained together yet, these."""
        if self.found is not None and self._wanted:
            return self.found.adding(self._wanted)  # type: ignore[no-any-return]
        return Remedies.prepare(self.session.as_subject, **self._begun)

    def offer(self, found: Remedies) -> Sequence[Any]:
        """Return a box a mitigation, by what it is against, and a button that trains together what is ticked."""
        ticked, self._wanted = self.chosen(), {}
        self.boxes, self.strengths = {}, {}
        parts: list[Any] = []
        for against, head in _AGAINST.items():
            those = [
                name for name, kind in KINDS.items() if kind.against == against and name in found.strengths
            ]
            lost = [
                f"{words(name).capitalize()}: {why}"
                for name, why in found.failed.items()
                if KINDS[name].against == against
            ]
            rows = [self._row(name, found.strengths[name], ticked.get(name, 0.0)) for name in those]
            if rows or lost:
                parts += [w.HTML(said(head, tag="h5")), *rows, *(note(f"Not here. {why}.") for why in lost)]
        self.together = button(
            "Train together", "Train one model with all that is ticked", self.train, self._failed, icon="play", disabled=True
        )  # fmt: skip
        none = button("None", "Switch every mitigation off", self.none, self._failed, icon="undo")
        self.closed = w.HTML()
        self._settle()
        return [*parts, w.HBox([self.together, none]), self.closed]

    def chosen(self) -> dict[str, float]:
        """Return what is ticked, with its strength."""
        return {
            name: float(self.strengths[name].value) if name in self.strengths else _FULL
            for name, box in self.boxes.items()
            if box.value
        }

    def ask(self) -> Answer:
        """Return what the ticked mitigations do."""
        chosen = self.chosen()
        if self.found.ready(chosen):
            return self.found.at(chosen)  # type: ignore[no-any-return]
        self.answer, self.words.value, self.beneath.value = None, "", ""
        for name in self.pictures:
            self._draw(name, None)
        raise InputError(f"{', '.join(chosen)} were not trained together yet. Press 'Train together'")

    def train(self) -> None:
        """Train together what is ticked."""
        self._wanted = self.chosen()
        self.start()

    def none(self) -> None:
        """Switch every mitigation off."""
        self._settled = False
        for box in self.boxes.values():
            box.value = False
        self._settled = True
        self._moved()

    def _row(self, name: str, strengths: tuple[float, ...], at: float) -> Any:
        box = w.Checkbox(
            value=at > 0, description=words(name).capitalize(), description_allow_html=False, indent=False,
            tooltip=KINDS[name].told, layout=w.Layout(width="14rem"),
        )  # fmt: skip
        self.boxes[name] = box
        box.observe(self._moved, "value")
        shown = [box]
        if len(strengths) > 1:
            self.strengths[name] = menu = w.Dropdown(
                options=[("in full" if one == _FULL else f"at {one:.0%}", one) for one in reversed(strengths)],
                value=at if at in strengths else max(strengths), description=f"Strength of {name}", description_allow_html=False,
                tooltip=f"How far {name} goes", style={"description_width": "13rem"}, layout=w.Layout(width="21rem"),
            )  # fmt: skip
            menu.observe(self._moved, "value")
            shown.append(menu)
        row = w.HBox([*shown, note(KINDS[name].told)])
        row.add_class("ak-row")
        return row

    def _moved(self, _: Any = None) -> None:
        if self._settled:
            self.refresh()  # first: it is what is looked at
            self._settle()

    def _settle(self) -> None:
        """Close what cannot be trained together with what is ticked."""
        chosen = self.chosen()
        closed = []
        for name, box in self.boxes.items():
            why = "" if box.value else clash([*chosen, name])
            with box.hold_sync():
                box.disabled = bool(why)
                box.tooltip = f"Not with what is ticked: {why}" if why else KINDS[name].told
            closed += [name] if why else []
        told = f"Not together with what is ticked: {', '.join(closed)}." if closed else ""
        self.closed.value = said(told, kind="ak-help") if told else ""
        self.together.disabled = self.found.ready(chosen)

    def _anew(self, _: Any) -> None:
        """Prepare for other groups, where something was prepared before."""
        self._wanted = {}
        if self.found is not None:
            self.anew()
