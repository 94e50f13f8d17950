"""Tabs: buttons of which one is where a person is, marked by more than colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as w

from auditkit.widgets.parts import button, status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Tabs"]


class Tabs(w.HBox):  # type: ignore[misc]
    """A row of buttons; the one that was gone to last is bold, underlined and carries a mark, and a screen reader reads out where it led.

    ipywidgets' buttons cannot say ``aria-current``, and a tooltip is not read by every reader.

    Parameters
    ----------
    places : mapping of str to str
        Names on the buttons, and what each leads to, for their tooltips.
    gone : callable
        Called with the number of the place, from 0, that a person or `go` went to.
    failed : callable
        Told why, where `gone` did not succeed.
    """

    def __init__(
        self, places: Mapping[str, str], gone: Callable[[int], None], failed: Callable[[str], None]
    ) -> None:
        self.at = 0
        self._names, self._about, self._gone = list(places), list(places.values()), gone
        self.buttons = [self._tab(at, name, failed) for at, name in enumerate(places)]
        self.heard = w.HTML()
        self.heard.add_class("ak-heard")
        super().__init__([*self.buttons, self.heard], layout=w.Layout(flex_flow="row wrap"))
        self.add_class("ak-steps")
        self._mark()

    def go(self, at: int) -> None:
        """Go to a place, the first or last beyond the ends."""
        self.at = max(0, min(at, len(self._about) - 1))
        self._mark()
        self._gone(self.at)

    def _tab(self, at: int, name: str, failed: Callable[[str], None]) -> Any:
        made = button(name, f"Go to {self._about[at]}", lambda: self.go(at), failed)
        # its marks come and go, its width does not: a row that breaks anew makes the page jump
        made.layout.width = f"calc({len(name)}ch + 3.6em)"
        return made

    def mark(self, at: int, sign: str) -> None:
        """Put a sign after the name of a place, such as a tick where all is done there; none for an empty one."""
        self.buttons[at].description = f"{self._names[at]} {sign}".rstrip()

    def _mark(self) -> None:
        for at, (tab, about) in enumerate(zip(self.buttons, self._about, strict=True)):
            here = at == self.at
            (tab.add_class if here else tab.remove_class)("ak-here")
            tab.icon = "chevron-right" if here else "fw"  # a mark of no sight that keeps the room
            tab.tooltip = f"{about}, where you are" if here else f"Go to {about}"
        self.heard.value = status(f"You are at: {self._names[self.at]}.")
