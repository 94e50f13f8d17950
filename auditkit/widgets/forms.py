"""Forms: the controls of a check, generated from its signature."""

from __future__ import annotations

import json
import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

import ipywidgets as w

from auditkit.errors import InputError
from auditkit.render.text import one_line, words
from auditkit.widgets.parts import common, note, problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from auditkit.check import Check, Parameter

__all__ = ["MAIN", "Control", "Field", "Form", "control", "hint"]

MAIN = 2
WIDTHS = {"description_width": "11rem"}


@dataclass(frozen=True, slots=True)
class Control:
    """One parameter's control.

    Attributes
    ----------
    parameter : Parameter
        What it sets.
    widget : ipywidgets.Widget
        Labelled, with a tooltip, in reach of the keyboard.
    read : callable
        Gives the parameter's value, validated; an InputError says what does not fit.
    """

    parameter: Parameter
    widget: Any
    read: Callable[[], Any]


class Form(w.VBox):  # type: ignore[misc]
    """The controls of a check: the first few in sight, the rest under "More settings".

    Parameters
    ----------
    check : Check
        Its signature is the only declaration of its options.
    values : mapping
        Where the controls stand at first.
    changed : callable
        Called with a dict of all values after a change, if every one fits.
    options : mapping of str to sequence of str, optional
        Names to choose from, for parameters that take a list of them.
    main : int
        How many stand in sight; for 0 all of them are folded.
    """

    def __init__(
        self,
        check: Check,
        values: Mapping[str, Any],
        changed: Callable[[dict[str, Any]], None],
        options: Mapping[str, Sequence[str]] | None = None,
        *,
        main: int = MAIN,
    ) -> None:
        offered = options or {}
        self.controls = {
            p.name: control(p, values[p.name], offered.get(p.name, ())) for p in check.parameters
        }
        self._changed = changed
        self._rows = {name: Field(one) for name, one in self.controls.items()}
        for one in self.controls.values():
            one.widget.observe(self._take, "value")
        rows = list(self._rows.values())
        super().__init__([*rows[:main], *self._more(rows[main:], "More settings" if main else "Settings")])

    def values(self) -> dict[str, Any]:
        """Return every parameter's value.

        Raises
        ------
        InputError
            If one does not fit.
        """
        return {name: one.read() for name, one in self.controls.items()}

    def enable(self, *, on: bool) -> None:
        """Let the controls be changed, or not while their check runs."""
        for one in self.controls.values():
            one.widget.disabled = not on

    def _more(self, rows: list[Any], word: str) -> list[Any]:
        if not rows:
            return []
        # a button and not an Accordion: the Accordion's header cannot be reached from the keyboard
        switch = w.ToggleButton(
            description=f"{word} ({len(rows)})",
            icon="caret-right",
            tooltip="Show or hide the other settings of this check",
        )
        rest = w.VBox(rows, layout=w.Layout(display="none"))

        def turn(change: Mapping[str, Any]) -> None:
            rest.layout.display = "" if change["new"] else "none"
            switch.icon = "caret-down" if change["new"] else "caret-right"

        switch.observe(turn, "value")
        return [switch, rest]

    def _take(self, _: Any) -> None:
        fits = [row.fits() for row in self._rows.values()]
        if all(fits):
            self._changed(self.values())


class Field(w.HBox):  # type: ignore[misc]
    """A control, its help, and beside them why what stands there does not fit.

    Parameters
    ----------
    control : Control
        What is shown.
    more : str
        Said after its help.
    """

    children: Any

    def __init__(self, control: Control, more: str = "") -> None:
        self.control = control
        told = f"{hint(control)} {more}".strip()
        super().__init__([control.widget, *([note(told)] if told else [])], layout=common(w.Layout))
        self.add_class("ak-row")
        self.trouble: Any = None

    def fits(self) -> bool:
        """Say beside the control what does not fit, or nothing; return whether it fits."""
        try:
            self.control.read()
        except InputError as error:
            if self.trouble is None:  # made when needed: there are hundreds of fields
                self.trouble = w.HTML()
                self.children = (*self.children, self.trouble)
            self.trouble.value = problem(str(error))
            return False
        if self.trouble is not None:
            self.children = self.children[:-1]
            self.trouble.close()
            self.trouble = None
        return True


def hint(one: Control) -> str:
    """Return what a control is for, in which bounds, and how to choose several."""
    parameter, said = one.parameter, one_line(one.parameter.description)
    inner, optional = _bare(parameter.annotation)
    if isinstance(one.widget, w.SelectMultiple):
        chosen = "none chosen is the same as left out" if optional and said else "choose none for automatic"
        return f"{said} Ctrl or Cmd adds to the choice; {chosen}.".strip()
    bounds = _bounds(parameter)
    if inner not in (int, float) or not bounds:
        return said
    kind = "A whole number" if inner is int else "A number"
    return f"{said} {kind} {bounds}{', or nothing' if optional else ''}.".strip()


def _bounds(parameter: Parameter) -> str:
    said = []
    if parameter.low is not None:
        said.append(f"{'above' if parameter.low_open else 'from'} {parameter.low:g}")
    if parameter.high is not None:
        said.append(f"{'below' if parameter.high_open else 'up to'} {parameter.high:g}")
    return " and ".join(said) if parameter.low_open and parameter.high_open else " ".join(said)


def control(parameter: Parameter, value: Any, options: Sequence[str] = ()) -> Control:
    """Return the control of a parameter, standing at `value`.

    Names to choose from give a list, choices a menu, yes or no a box to tick, numbers a box; anything else is written
    as text. Numbers are typed and not dragged: a slider of ipywidgets has no name for a screen reader.
    """
    inner, optional = _bare(parameter.annotation)
    if options and _listed(inner):
        return _several(parameter, value, options, optional=optional)
    choices = parameter.choices or (get_args(inner) if get_origin(inner) is Literal else ())
    if choices:
        menu = [*([("automatic", None)] if optional else []), *((one_line(c), c) for c in choices)]
        return _direct(parameter, w.Dropdown(options=menu, value=value, **_about(parameter)))
    if inner is bool and not optional:
        return _direct(parameter, w.Checkbox(value=value, indent=False, **_about(parameter)))
    if inner in (int, float) and not optional:
        return _direct(parameter, _number(parameter, inner, value))
    return _written(parameter, inner, value, optional=optional)


def _direct(parameter: Parameter, widget: Any) -> Control:
    return Control(parameter, widget, lambda: parameter.validate(widget.value))


def _number(parameter: Parameter, kind: type, value: Any) -> Any:
    # no bounds of its own: a box would change what was typed without a word, the parameter refuses it in words
    if kind is int:
        return w.IntText(value=value, **_about(parameter))
    return w.FloatText(value=value, step=_step(parameter), **_about(parameter))


def _step(parameter: Parameter) -> float:
    """Return a hundredth of the range as a power of ten, or one that the default needs."""
    if parameter.low is None or parameter.high is None:
        return 0.1
    step = 10.0 ** round(len(f"{parameter.high - parameter.low:.0f}") - 3)
    while step > 1e-6 and abs(round(parameter.default / step) * step - parameter.default) > step / 1000:
        step /= 10
    return step


def _several(parameter: Parameter, value: Any, options: Sequence[str], *, optional: bool) -> Control:
    names = tuple(dict.fromkeys([*options, *(value or ())]))  # what code set stays, even if it is no option
    widget = w.SelectMultiple(
        options=[(one_line(name), name) for name in names],
        value=tuple(value or ()),
        rows=min(6, max(2, len(names))),
        **_about(parameter),
    )
    return Control(
        parameter, widget, lambda: parameter.validate(list(widget.value) or (None if optional else []))
    )


def _listed(inner: Any) -> bool:
    return get_origin(inner) in (list, tuple) and bool({str, int} & set(get_args(inner)))


def _written(parameter: Parameter, inner: Any, value: Any, *, optional: bool) -> Control:
    listed = _listed(inner)
    widget = w.Text(
        value=_in_words(value, listed=listed),
        placeholder="automatic" if optional else "",
        continuous_update=False,
        **_about(parameter),
    )

    def read() -> Any:
        text = widget.value.strip()
        if optional and not text:
            return parameter.validate(None)
        if listed and not text.startswith("["):
            return parameter.validate([part.strip() for part in text.split(",") if part.strip()])
        return parameter.parse(widget.value)

    return Control(parameter, widget, read)


def _in_words(value: Any, *, listed: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    plain = listed and not any("," in str(v) or str(v).startswith("[") for v in value)
    return ", ".join(map(str, value)) if plain else json.dumps(value)


def _about(parameter: Parameter) -> dict[str, Any]:
    name = words(parameter.name)
    return {
        "description": name[:1].upper() + name[1:],
        "description_allow_html": False,
        "tooltip": one_line(parameter.description) or name,
        "style": WIDTHS,
        "layout": w.Layout(width="min(27rem, 100%)"),
    }


def _bare(annotation: Any) -> tuple[Any, bool]:
    """Return the type within, without notes and without None, and whether None is allowed."""
    inner = annotation.__origin__ if hasattr(annotation, "__metadata__") else annotation
    if get_origin(inner) not in (Union, types.UnionType):
        return inner, False
    members = get_args(inner)
    rest = [_bare(member)[0] for member in members if member is not type(None)]
    return (rest[0] if len(rest) == 1 else inner), len(rest) < len(members)
