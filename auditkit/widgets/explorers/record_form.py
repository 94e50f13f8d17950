"""Record form: which record is looked at, and one control for each of its inputs, held ones with their reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as w

from auditkit.explore.record_inputs import word_of
from auditkit.render.text import one_line
from auditkit.widgets.explorers.live import Dial
from auditkit.widgets.parts import button, note, problem, said

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

    from auditkit.explore import RecordInput
    from auditkit.subject import Split, Subject

__all__ = ["MOST", "Pick", "RecordForm", "ended"]

MOST = 30
"""Controls that stand in a form from the start; more are added one by one."""

_WIDE = {"description_width": "11rem"}
_MISSING = "\0missing"  # a menu of ipywidgets takes None for nothing chosen


def ended(widget: Any) -> None:
    """Close a widget and all it holds: what the page no longer shows is not kept."""
    for child in getattr(widget, "children", ()):
        ended(child)
    widget.close()


class Pick(w.VBox):  # type: ignore[misc]
    """Which record is looked at: the data, the order, and the place in it.

    Parameters
    ----------
    subject : Subject
        Whose records they are.
    orders : mapping of str to callable
        Words for an order, and what gives the row numbers in it for a split; the first is chosen.
    splits : sequence of str
        Which data there are.
    moved : callable
        Called after another record was picked.

    Attributes
    ----------
    ends : tuple of int
        The first and the last place in the order.
    """

    def __init__(
        self,
        subject: Subject,
        orders: Mapping[str, Callable[[Split], np.ndarray]],
        splits: Sequence[Split],
        moved: Callable[[], None],
    ) -> None:
        self._subject, self._orders, self._moved, self._quiet = subject, dict(orders), moved, False
        words = {"test": "test rows", "train": "training rows"}
        short: dict[str, Any] = {"style": {"description_width": "initial"}, "description_allow_html": False}
        self.data = w.Dropdown(
            options=[(words[name], name) for name in splits], description="Records of", layout=w.Layout(width="15rem"), **short, tooltip="Whether a test row or a training row is looked at",
        )  # fmt: skip
        self.by = w.Dropdown(
            options=list(self._orders), description="Order", layout=w.Layout(width="15rem"), **short,
            tooltip="In which order records are gone through",
        )  # fmt: skip
        # no bounds of its own: a box would change what was typed without a word
        self.place = w.IntText(
            description="Place", value=1, layout=w.Layout(width="11rem"), **short,
            tooltip="Which record: its row number from 0, or its place in the order from 1",
        )  # fmt: skip
        self.who, self.trouble = w.HTML(), w.HTML()
        picked = w.HBox([self.data, self.by, self.place, self.trouble], layout=w.Layout(flex_flow="row wrap"))
        super().__init__([picked, self.who])
        self._count()
        self.data.observe(self._chosen, "value")
        self.by.observe(self._chosen, "value")
        self.place.observe(self._heard, "value")

    @property
    def split(self) -> Split:
        """Whose row is picked."""
        return self.data.value  # type: ignore[no-any-return]

    @property
    def row(self) -> int:
        """The row number; what was typed beyond the ends is refused beside the box, and is not taken."""
        return int(self._rows[self._kept - self.ends[0]])

    def add(self, word: str, rows: Callable[[Split], np.ndarray]) -> None:
        """Offer another order; what is picked stays."""
        self._orders[word] = rows
        now, self._quiet = self.by.value, True
        self.by.options = list(self._orders)
        self.by.value, self._quiet = now, False

    def stood(self) -> tuple[Split, str, int] | None:
        """Return the data, the order and the row that are picked; None where nobody picked."""
        untouched = self.data.index == 0 and self.by.index == 0 and self._kept == self.ends[0]
        return None if untouched else (self.split, self.by.value, self.row)

    def put_back(self, stood: tuple[Split, str, int]) -> list[str]:
        """Pick the same record, wherever it stands in the order now; return in words what is not possible."""
        data, by, row = stood
        self._quiet, known = True, by in self._orders
        self.data.value = data
        self.by.value = by if known else "row number"
        self._count()
        rows = self._rows.tolist()
        at = rows.index(row) if row in rows else None
        self._quiet, self._kept = True, (at or 0) + self.ends[0]
        self.place.value, self._quiet = self._kept, False
        self._moved()
        lost = [] if known else [f"Order was at {by}, which is not offered now"]
        return lost if at is not None else [*lost, f"row {row:,} was looked at, and is not there now"]

    def tell(self, name: str) -> None:
        """Say which record it is."""
        label = self._subject.split(self.split).y[self.row]
        self.who.value = said(
            f"Record {name}: row {self.row:,} of the {self.data.label}, labelled {word_of(label)}."
        )

    def _count(self) -> None:
        """Take up the chosen order, and go to its first record."""
        self._rows = self._orders[self.by.value](self.split)
        first, self._quiet = (0 if self.by.value == "row number" else 1), True
        self.ends, self._kept = (first, first + len(self._rows) - 1), first
        self.place.value, self.trouble.value = first, ""
        self.place.description, self._quiet = ("Place" if first else "Row number"), False

    def _chosen(self, _: Any) -> None:
        if not self._quiet:
            self._count()
            self._moved()

    def _heard(self, change: Any) -> None:
        if self._quiet:
            return
        (first, last), place = self.ends, change["new"]
        if not first <= place <= last:
            told = f"expected a whole number from {first} to {last}; got {place}. What is shown is at {self._kept}."
            self.trouble.value = problem(told)
            return
        self.trouble.value = ""
        if place != self._kept:
            self._kept = place
            self._moved()


class RecordForm(w.VBox):  # type: ignore[misc]
    """One control for each input of a record: a menu for categories, a dial for numbers; held inputs are locked and say why.

    Parameters
    ----------
    inputs : sequence of RecordInput
        What can be set.
    moved : callable
        Called after each change.
    failed : callable
        Told what went wrong.
    leading : sequence of str
        Inputs that come first, where not all are shown from the start.
    continuous : bool
        Whether a dial is heard while it is dragged, or only when it is let go.
    """

    children: Any

    def __init__(
        self,
        inputs: Sequence[RecordInput],
        moved: Callable[[], None],
        failed: Callable[[str], None],
        leading: Sequence[str] = (),
        *,
        continuous: bool = True,
    ) -> None:
        self._inputs = {one.name: one for one in inputs}
        self._moved, self._failed, self._continuous, self._quiet = moved, failed, continuous, False
        self._meant: dict[
            str, tuple[Any, Any]
        ] = {}  # what a control shows, and what was put there, finer than it moves
        self.controls: dict[str, Any] = {}
        self._fills: dict[str, Any] = {}
        self._start: dict[str, Any] = {}
        free = [one.name for one in inputs if not one.held]
        held = [one.name for one in inputs if one.held]
        rank = {name: at for at, name in enumerate(leading)}
        if len(inputs) > MOST:
            free.sort(key=lambda name: rank.get(name, len(rank)))
        shown = (free + held)[:MOST]
        self._rest = (free + held)[MOST:]
        self._rows = w.Box(
            [self._row(name) for name in shown],
            layout=w.Layout(flex_flow="row wrap", align_items="flex-start"),
        )
        back = button(
            "As it is",
            "Set every input back to the record's own value",
            self.reset,
            self._failed,
            icon="undo",
        )
        super().__init__([self._rows, *self._more(), back])

    @property
    def changes(self) -> dict[str, Any]:
        """The values that differ from the record's own, as `Records.at` takes them."""
        found = {}
        for name, control in self.controls.items():
            one = self._inputs[name]
            if one.held or (name in self._fills and not self._fills[name].value):
                continue
            shown, meant = self._meant.get(name, (self._start[name], None))
            if control.value == shown and meant is not None:
                found[name] = meant
            elif control.value != self._start[name] or name in self._fills:
                found[name] = None if control.value == _MISSING else control.value
        return found

    def put(self, changes: Mapping[str, Any]) -> None:
        """Set the controls to a changed record, and all others back; heard once."""
        self._quiet, self._meant = True, {}
        try:
            for name in changes:
                if name not in self.controls:
                    self._add(name)
            for name, control in self.controls.items():
                value = changes.get(name, self._start[name])
                if name in self._fills:
                    self._fills[name].value = name in changes
                if isinstance(control, Dial):
                    control.put(value)
                    if name in changes:
                        self._meant[name] = (control.value, value)
                else:
                    control.value = _shown(value)
        finally:
            self._quiet = False
        self._moved()

    def stood(self) -> dict[str, Any]:
        """Return what differs from the record's own."""
        return self.changes

    def put_back(self, stood: Mapping[str, Any]) -> list[str]:
        """Change the record again as it was changed before; return in words what is not possible."""
        lost = {name: why for name, value in stood.items() if (why := self._refused(name, value))}
        self.put({name: value for name, value in stood.items() if name not in lost})
        return [f"{name} was at {word_of(stood[name])}, {why}" for name, why in lost.items()]

    def _refused(self, name: str, value: Any) -> str:
        """Return why an input cannot be set to a value; empty where it can."""
        one = self._inputs.get(name)
        if one is None:
            return "and is no input now"
        if one.held:
            return f"and is held now: {one.held}"
        if one.menu:
            return "" if value in [known for _, known in one.options] else "which is not offered now"
        fits = value is not None and one.low <= value <= one.high
        return "" if fits else f"and goes from {word_of(one.low)} to {word_of(one.high)} now"

    def reset(self) -> None:
        """Set every input back to the record's own value."""
        self.put({})

    def _heard(self, _: Any = None) -> None:
        if not self._quiet:
            self._moved()

    def _row(self, name: str) -> Any:
        one = self._inputs[name]
        control = self._menu(one) if one.menu else self._dial(one)
        self.controls[name], self._start[name] = control, control.value
        parts = [control]
        if one.held:
            parts.append(note(f"Held: {one.held}."))
        elif not one.menu and one.own is None:
            parts.append(self._fill(one, control))
        return w.VBox(parts, layout=w.Layout(width="29rem", max_width="100%", margin="0 1rem 0 0"))

    def _menu(self, one: RecordInput) -> Any:
        menu = w.Dropdown(
            options=[(one_line(word), _shown(value)) for word, value in one.options], value=_shown(one.own),
            description=one_line(one.name), description_allow_html=False, disabled=bool(one.held), style=_WIDE,
            tooltip=one_line(f"{one.name}: as it is {word_of(one.own)}{_held(one)}"), layout=w.Layout(width="28rem", max_width="100%"),
        )  # fmt: skip
        menu.observe(self._heard, "value")
        return menu

    def _dial(self, one: RecordInput) -> Dial:
        own = (one.low + one.high) / 2 if one.own is None else one.own
        told = f"{one.name}: as it is {word_of(one.own)}, from {word_of(one.low)} to {word_of(one.high)}{_held(one)}"
        dial = Dial(one.name, one.low, one.high, own, one.step, self._heard, told)
        dial.box.disabled = dial.slider.disabled = bool(one.held) or one.own is None
        dial.slider.continuous_update = self._continuous
        dial.box.layout.width, dial.slider.layout.width = "18rem", "9rem"
        return dial

    def _fill(self, one: RecordInput, dial: Dial) -> Any:
        box = w.Checkbox(
            value=False, description=one_line(f"Fill in {one.name}"), description_allow_html=False, indent=False,
            tooltip="Its value is missing; tick to ask with a value",
        )  # fmt: skip
        self._fills[one.name] = box

        def ticked(change: Any) -> None:
            dial.box.disabled = dial.slider.disabled = not change["new"]
            self._heard()

        box.observe(ticked, "value")
        return box

    def _more(self) -> list[Any]:
        if not self._rest:
            return []
        self.another = w.Dropdown(
            options=[(one_line(name), name) for name in self._rest], description="Another input", style=_WIDE,
            description_allow_html=False, tooltip=f"One of {len(self._rest)} inputs that are not in the form yet",
        )  # fmt: skip
        add = button("Add to the form", "Add a control for this input", self._take, self._failed, icon="plus")
        return [w.HBox([self.another, add], layout=w.Layout(flex_flow="row wrap"))]

    def _take(self) -> None:
        if self.another.value is not None:
            self._add(self.another.value)

    def _add(self, name: str) -> None:
        self._rest.remove(name)
        self._rows.children = (*self._rows.children, self._row(name))
        self.another.options = [(one_line(one), one) for one in self._rest]


def _shown(value: Any) -> Any:
    """Return what a menu holds for a value."""
    return _MISSING if value is None else value


def _held(one: RecordInput) -> str:
    return f"; held: {one.held}" if one.held else ""
