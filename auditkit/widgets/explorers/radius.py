"""Radius: the size of the change an attacker may make, moved by hand, and one record on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as w

from auditkit.explore import Radius
from auditkit.render.tables import table_html
from auditkit.render.text import in_three_digits
from auditkit.widgets.explorers.live import Dial
from auditkit.widgets.explorers.menus import menu
from auditkit.widgets.explorers.of_records import OfRecords
from auditkit.widgets.parts import button, note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from auditkit.evidence import Table
    from auditkit.explore import Answer
    from auditkit.subject import Subject
    from auditkit.widgets.session import Session

__all__ = ["RadiusExplorer"]

_ATTACKED = ("radius", "norm", "immutable", "rows", "max_calls", "level")
_NORMS = (
    ("as set for robust accuracy (AK304)", ""),
    ("straight line (l2)", "l2"),
    ("largest single change (linf)", "linf"),
    ("sum of the changes (l1)", "l1"),
    ("how many columns change (l0)", "l0"),
)
_SHARES = (-0.02, 1.02)


class RadiusExplorer(OfRecords):
    """Move the radius of an attack; the bracket of the robust accuracy, who falls first, and a record on its way follow."""

    title: ClassVar[str] = "Attack radius"
    question: ClassVar[str] = (
        "How many answers stand if every record may be changed so far, who falls first, and what does a fall look like?"
    )
    told: ClassVar[str] = (
        "Attacks the records once, as the check of robust accuracy (AK304) does, with its settings, and shares the work with it."
    )
    pictures: ClassVar[tuple[str, ...]] = ("bracket", "by_group")
    works_as: ClassVar[tuple[str, ...]] = ("AK304",)
    mirrors: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "AK304": (*_ATTACKED, "boxes", "nodes"),
        "AK303": _ATTACKED,
        "AK306": _ATTACKED,
        "AK305": _ATTACKED,
    }

    def __init__(self, session: Session) -> None:
        self.norm = menu(
            "Changes add up as", _NORMS, "How changes of several columns are counted together; press Prepare after a change",
            wide="min(30rem, 100%)",
        )  # fmt: skip
        self.values = w.HTML(layout=w.Layout(display="none"))
        super().__init__(session)
        self.first(self.norm)
        parts = self.stage.children
        after = parts.index(self.canvases["by_group"]) + 2  # beneath its summary
        self.stage.children = (*parts[:after], self.values, *parts[after:])

    @classmethod
    def lacks(cls, subject: Subject) -> str:
        """Return that there is nothing to ask, or nothing to turn."""
        if subject.predictions_only:
            return "a model to ask about changed records: only recorded predictions were given"
        if subject.task == "regression":
            return "classes: the answer of a regression is not turned"
        return "" if subject.test.X.shape[1] else "inputs that could be changed"

    def asked(self) -> dict[str, Any]:
        """Return the settings of robust accuracy (AK304), or of an attack where that is not in the plan, and the norm that was chosen."""
        return {**super().asked(), **({"norm": self.norm.value} if self.norm.value else {})}

    def prepare(self) -> Radius:
        """Attack once."""
        return Radius.prepare(self.session.as_subject, seed=self.session.seed, **self._begun)

    def offer(self, found: Radius) -> Sequence[Any]:
        """Return a dial for the radius, the records to look at, and a way to where the one chosen falls."""
        self.dial = Dial(
            "Columns, at most" if found.counted else "Radius, at most", found.by_factors, found.end, found.start, found.step,
            self.refresh, f"How far each record may be changed, in {found.unit}", log=found.by_factors > 0,
        )  # fmt: skip
        options = [("nobody: who falls first, by group", "")]  # a menu shows nothing for None
        options += [
            (f"{record}: class {way.truth}, {found.told_of(record)}", record)
            for record, way in found.ways.items()
        ]
        self.record = menu(
            "Look at", options, "A record, under its pseudonym, on the way to the nearest change found; its values are then shown here",
            wide="min(34rem, 100%)",
        )  # fmt: skip
        self.record.observe(self._chosen, "value")
        self.fall = button(
            "To where it falls", "Set the radius to where the record that is looked at is turned", self.to_fall, self._failed, icon="arrow-right"
        )  # fmt: skip
        unit = note(
            f"The radius counts {found.unit}. A record that is chosen is shown with its values; a report has them where you tick so."
        )
        self._untick()
        chosen = w.HBox([self.record, self.fall], layout=w.Layout(flex_flow="row wrap"))
        return [self.dial, unit, chosen]

    def ask(self) -> Answer:
        """Return what stands at the dial."""
        self.fall.disabled = not self.record.value
        return self.again(values=True)

    def again(self, *, values: bool) -> Answer:
        """Return what stands at the dial, and of a record that is looked at its way."""
        return self.found.at(self.dial.value, self.record.value or None, values=values)  # type: ignore[no-any-return]

    def refresh(self, change: Any = None) -> None:
        """Show the answer at where the controls stand, and the values of the record."""
        super().refresh(change)
        table = self.answer.tables.get("values") if self.answer else None
        self.values.layout.display = "" if table else "none"
        self.values.value = f'<div class="ak">{table_html(table.to_dict())}</div>' if table else ""

    def _chosen(self, change: Any) -> None:
        self._untick()
        self.refresh(change)

    def _untick(self) -> None:
        self.untold()
        self.tell.disabled = not self.record.value

    def to_fall(self) -> None:
        """Move the dial to where the record falls, or as far towards it as the dial goes."""
        fall = self.found.fall_of(self.record.value)
        self.dial.put(float(in_three_digits(fall, up=True)))
        if self.dial.value < fall:  # the step below is nearer
            self.dial.put(self.dial.value + self.dial.box.step)
        self.refresh()

    def ends_of(self, name: str) -> Mapping[str, tuple[float, float]]:
        """Return the axis of shares for the groups, and for a record's answer."""
        if name != "by_group":
            return {}
        record = self._of_record()
        if record is None:
            return {"x": _SHARES}
        return {"y": _SHARES} if record.kind == "curve" else {}

    def _of_record(self) -> Table | None:
        return self.answer.tables.get("record") if self.answer else None

    def _draw(self, name: str, table: Table | None) -> None:
        """Draw the record that is looked at in the place of the groups: two figures suffice."""
        super()._draw(name, (self._of_record() or table) if name == "by_group" else table)
