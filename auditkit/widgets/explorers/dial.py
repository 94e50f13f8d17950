"""Dial: a number that is dragged, typed, or moved from code."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from auditkit.render.text import one_line
from auditkit.widgets.parts import problem

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Dial"]


class Dial(w.HBox):  # type: ignore[misc]
    """A number that is dragged or typed: a slider, and a box that a keyboard and a screen reader reach.

    Parameters
    ----------
    name : str
        What it sets; text, not markup.
    low, high, value, step : float
        Ends, where it stands, and how finely it moves.
    moved : callable
        Called after each change.
    tooltip : str
        Further help.
    log : bool
        Whether the slider moves by factors; `low` is then above 0, and numbers keep three digits.

    Attributes
    ----------
    ends : tuple of float
        The lowest and the highest place it takes.
    """

    children: Any

    def __init__(
        self,
        name: str,
        low: float,
        high: float,
        value: float,
        step: float,
        moved: Callable[[], None],
        tooltip: str = "",
        *,
        log: bool = False,
    ) -> None:
        told = one_line(tooltip or name)
        self.ends, self._step, self._log = (low, high), step, log
        self._kept = self._at(value)
        self.box = w.FloatText(
            value=self._kept, step=step, description=one_line(name), description_allow_html=False,
            tooltip=told, style={"description_width": "11rem"}, layout=w.Layout(width="18rem"),
        )  # fmt: skip
        # the box has a name and takes the arrow keys; a slider of ipywidgets has none for a screen reader
        about = {
            "value": self.box.value, "readout": False, "tooltip": told, "tabbable": False, "layout": w.Layout(width="16rem"),
        }  # fmt: skip
        self.slider = (
            w.FloatLogSlider(min=math.log10(low), max=math.log10(high), step=0.01, **about)
            if log
            else w.FloatSlider(min=low, max=high, step=step, **about)
        )
        # a browser's slider is off by a rounding error, and tells so before anybody moved it
        w.link((self.box, "value"), (self.slider, "value"), (self._within, self._at))
        self._moved, self._quiet = moved, False
        self.box.observe(self._heard, "value")
        super().__init__([self.box, self.slider], layout=w.Layout(flex_flow="row wrap", align_items="center"))

    @property
    def value(self) -> float:
        """Where it stands; what was typed beyond its ends is refused beside it, and is not taken."""
        return self._kept

    def put(self, value: float) -> None:
        """Move it, to the nearest step, without a word to whoever listens."""
        self._quiet = True
        try:
            self.box.value = self._at(value)
        finally:
            self._quiet = False

    @property
    def name(self) -> str:
        """What it sets."""
        return str(self.box.description)

    def stood(self) -> float:
        """Return where it stands."""
        return self.value

    def put_back(self, stood: float) -> list[str]:
        """Move it to where one before it stood, without a word to whoever listens; return in words what is not possible."""
        low, high = self.ends
        if not low <= stood <= high:
            return [f"{self.name} was at {stood:.12g}, and goes from {low:.12g} to {high:.12g} now"]
        self.put(stood)
        near = math.isclose(self.value, stood, rel_tol=1e-9)
        return (
            []
            if near
            else [f"{self.name} was at {stood:.12g} and is at {self.value:.12g}, its nearest place"]
        )

    def _at(self, value: float) -> float:
        """Return the nearest step, or end: a slider moves to it by itself, and what is shown must be what is meant."""
        low, high = self.ends
        value = min(max(value, low), high)
        if self._log:
            step = self._clamped(float(f"{value:.3g}"))
        else:
            step = self._tidy(low + round((value - low) / self._step) * self._step)
        return min((step, low, high), key=lambda place: abs(place - value))

    def _tidy(self, value: float) -> float:
        """Return it as a person would write it: a browser counts up in binary, 0.12 and 0.01 are 0.12999999999999998."""
        if value in self.ends:
            return value
        if self._log:
            return self._clamped(float(f"{value:.12g}"))
        # twelve digits of the larger end, also near 0, where steps leave a trace like 5e-17; no -0
        digits = 11 - math.floor(math.log10(max(map(abs, self.ends))))
        return self._clamped(round(value, digits) + 0.0)

    def _clamped(self, value: float) -> float:
        return min(max(value, self.ends[0]), self.ends[1])

    def _within(self, value: float) -> float:
        """Return it, or the last that was taken where it is beyond the ends."""
        low, high = self.ends
        return value if low <= value <= high else self._kept

    def _heard(self, _: Any) -> None:
        value = self.box.value
        if self._within(value) != value:
            low, high = (f"{end:.12g}" for end in self.ends)
            told = f"expected a number from {low} to {high}; got {value:.12g}. What is shown is at {self._kept:.12g}."
            self.children = [*self.children[:2], w.HTML(problem(told))]
            return
        if len(self.children) > 2:
            self.children[2].close()
            self.children = self.children[:2]
        tidy = self._tidy(value)
        if tidy != value:
            self.box.value = tidy
        elif value != self._kept:
            self._kept = value
            if not self._quiet:
                self._moved()
