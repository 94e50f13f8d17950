"""Record: one record, why it is answered so, what would flip it, a form to change it, and how exposed it is."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as w

from auditkit.errors import NotApplicable
from auditkit.explore import RecordExposure, Records
from auditkit.widgets.component import session_of
from auditkit.widgets.explorers.mirror import Mirror
from auditkit.widgets.explorers.of_records import OfRecords
from auditkit.widgets.explorers.record_form import Pick, RecordForm, ended
from auditkit.widgets.explorers.record_parts import (
    EXPOSURE,
    AskedReasons,
    ExposurePart,
    WaysPart,
    lacks_exposure,
)
from auditkit.widgets.parts import note, said

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from auditkit.explore import Answer
    from auditkit.subject import Split, Subject
    from auditkit.widgets.session import Session

__all__ = ["RecordExplorer", "RecordExposureExplorer"]

_EXPOSED = "most exposed"


class RecordExplorer(OfRecords):
    """Pick a record; see why it is answered so, change it in a form, look for what would flip it, and see how exposed it is."""

    title: ClassVar[str] = "One record"
    question: ClassVar[str] = (
        "Why does the model answer so, what would flip it, and how exposed is this record?"
    )
    told: ClassVar[str] = "Asks the model about all rows once; after that about one row at each change."
    pictures: ClassVar[tuple[str, ...]] = ("why", "parts", "in_out")
    mirrors: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "AK401": ("background",),
        "AK407": ("immutable", "norm", "radius", "several", "max_calls"),
    }

    def __init__(self, session: Session | Subject) -> None:
        session = session_of(session)
        self.exposing: ExposurePart | None = (
            None if lacks_exposure(session.as_subject) else ExposurePart(session, self._exposed)
        )
        super().__init__(session)

    @classmethod
    def lacks(cls, subject: Subject) -> str:
        """Return that there is no model to ask, or nothing to ask it with."""
        if subject.predictions_only:
            return "a model to ask about changed rows: only recorded predictions were given"
        return "" if subject.test.X.shape[1] else "inputs of the model: the data have no columns"

    def prepare(self) -> Records:
        """Ask about the rows and try the explainer."""
        return Records.prepare(self.session.as_subject, **self._begun)

    def offer(self, found: Records) -> Sequence[Any]:
        """Return the pick, the form, and what takes a while, each with its own button."""
        for old in (*self.controls.children, *self.flips.children):
            ended(old)
        subject = self.session.as_subject
        orders: dict[str, Any] = {name: partial(found.order, name) for name in found.orders}
        self.pick = Pick(subject, orders, found.splits, self._picked)
        self._order_by_exposure()
        self.place = w.VBox()
        self.finding = WaysPart(self.session, found, self._at, self._put)
        self.asking = None if found.live else AskedReasons(self.session, found, self._at, self.refresh)
        self._build()
        self.flips.children = (self.finding,)
        self.untold()
        return [
            self.pick,
            w.HTML(said("What if", tag="h5")),
            note(self._rules(found)),
            *([note(found.slow)] if found.slow else []),
            self.place,
            *([self.asking] if self.asking else []),
        ]

    def ask(self) -> Answer:
        """Return what the model says of the record as it stands in the form, with how exposed it is."""
        answer: Answer = self.found.at(self.pick.row, self.form.changes, split=self.pick.split)
        exposed = self._exposure()
        return answer if exposed is None else replace(answer, tables={**answer.tables, **exposed.tables})

    def again(self, *, values: bool) -> Answer:
        """Return the record with its ways and its exposure."""
        first: Answer = self.found.at(self.pick.row, self.form.changes, split=self.pick.split, values=values)
        found = self.finding.ways
        ways = [] if found is None else [found.answer(values=values)]
        exposed = self._exposure()
        whole = first.beside(*ways, *([] if exposed is None else [exposed]))
        return whole if values else whole.rounded()

    def _shown(self) -> list[Any]:
        """Return the pictures, and between them what takes a while: what is said of a change stands next to the form."""
        *first, above, dots, below = super()._shown()
        lacking = lacks_exposure(self.session.as_subject)
        missing = note(f"Not here: how exposed it is. It lacks {lacking}.")
        self.flips = w.VBox()
        return [*first, self.flips, self.exposing or missing, above, dots, below]

    def movable(self) -> Sequence[Any]:
        """Return the pick and the form, and what is wanted of the ways."""
        return [self.controls, self.flips]

    def _at(self) -> tuple[int, Split, Mapping[str, Any]]:
        return self.pick.row, self.pick.split, self.form.changes

    def _put(self, changes: Mapping[str, Any]) -> None:
        self.form.put(changes)

    def _picked(self) -> None:
        with self._turn:
            self._build()
            self.finding.clear()
            self.untold()
            self.refresh()

    def _build(self) -> None:
        """Make the form of the record that is picked."""
        found, row, split = self.found, self.pick.row, self.pick.split
        for old in self.place.children:
            ended(old)
        leading = found.leading(row, split)
        self.form = RecordForm(
            found.inputs(row, split), self.refresh, self._failed, leading, continuous=not found.slow
        )
        self.place.children = (self.form,)
        self.pick.tell(found.name(row, split))

    def _exposure(self) -> Answer | None:
        """Return how exposed the record is; None where that was not prepared, or it was not attacked."""
        part = self.exposing
        if part is None or part.exposure is None:
            return None
        try:
            exposed: Answer = part.exposure.at(self.pick.row, split=self.pick.split)
        except NotApplicable as why:
            part.words.value = said(str(why))
            return None
        part.words.value = said(exposed.says) + said(
            f"It does not say: {exposed.does_not_say}", kind="ak-small"
        )
        return exposed

    def _exposed(self) -> None:
        with self._turn:
            if self.found is not None:
                self._order_by_exposure()
                self.refresh()

    def _order_by_exposure(self) -> None:
        """Let records be gone through by their exposure, once that is known."""
        if self.exposing is not None and self.exposing.exposure is not None:
            self.pick.add(_EXPOSED, self.exposing.exposure.order)

    @staticmethod
    def _rules(found: Records) -> str:
        """Return what the form holds to."""
        drafted = (
            " These rules were drafted from the data and nobody has checked them: write down what holds (auditkit threat --subject FILE)."
            if found.subject.threat is None
            else ""
        )
        return f"Change an input, and the model is asked again. Inputs are bounded and held by the threat model.{drafted}"


class RecordExposureExplorer(Mirror):
    """Pick a record, and see how sure models that were trained on it are of it, and models that were not."""

    title: ClassVar[str] = "Exposure of one record"
    question: ClassVar[str] = "Could an attacker tell that this record was trained on?"
    told: ClassVar[str] = (
        "Trains reference models on halves of the data, the same as the membership checks, once for all records."
    )
    pictures: ClassVar[tuple[str, ...]] = ("in_out",)
    works_as: ClassVar[tuple[str, ...]] = ("AK202",)
    slot: ClassVar[int] = 2
    mirrors: ClassVar[Mapping[str, tuple[str, ...]]] = EXPOSURE

    @classmethod
    def lacks(cls, subject: Subject) -> str:
        """Return what keeps reference models from being trained."""
        return lacks_exposure(subject)

    def prepare(self) -> RecordExposure:
        """Train the reference models, or take those that a check trained."""
        return RecordExposure.prepare(self.session.as_subject, **self._begun)

    def offer(self, found: RecordExposure) -> Sequence[Any]:
        """Return the pick."""
        for old in self.controls.children:
            ended(old)
        orders = {_EXPOSED: found.order, "row number": found.rows}
        self.pick = Pick(self.session.as_subject, orders, ("train", "test"), self.refresh)
        return [self.pick]

    def ask(self) -> Answer:
        """Return how exposed the record is."""
        answer: Answer = self.found.at(self.pick.row, split=self.pick.split)
        self.pick.tell(str(answer.at["record"]))
        return answer

    def kept(self, answer: Answer) -> Answer:
        """Return the answer with the digits that are shown: all digits of a logit are as good as a name for who has the model."""
        return answer.rounded()
