"""Results: the picture that answers the question, what it says and does not say, and the findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as w
from markupsafe import Markup

from auditkit.render import page
from auditkit.render.tables import table_html
from auditkit.render.text import clean, one_line
from auditkit.widgets.canvas import Canvas
from auditkit.widgets.parts import explained, paged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditkit.check import Check
    from auditkit.report import Report

__all__ = ["Results"]


class Results(w.VBox):  # type: ignore[misc]
    """What the checks of one dimension observed.

    One figure is shown at a time, from a menu.

    Parameters
    ----------
    owner : object
        Whose figures are used, see `Canvas`.
    """

    def __init__(self, owner: object) -> None:
        self.pick = w.Dropdown(
            description="Show",
            description_allow_html=False,
            tooltip="Which of the measured tables to look at",
            layout=w.Layout(width="min(44rem, 100%)"),
        )
        self.picture = Canvas(owner)
        self.words = w.HTML()
        self.data = w.HTML(layout=w.Layout(display="none"))
        self.switch = w.ToggleButton(
            description="Show the data",
            icon="table",
            tooltip="Show or hide the numbers behind the figure as a table",
            layout=w.Layout(width="auto"),
        )
        self.findings = w.HTML()
        self._items: list[tuple[Mapping[str, Any], Mapping[str, Any] | None]] = []
        self.pick.observe(self._show, "value")
        self.switch.observe(self._turn, "value")
        parts = [self.pick, self.picture, self.words, self.switch, self.data, self.findings]
        super().__init__(parts, layout=w.Layout(display="none"))

    def show(self, report: Report, checks: tuple[Check, ...]) -> None:
        """Show the evidence and the findings of these checks, and how those that ran work."""
        codes = tuple(check.code for check in checks)
        data = report.to_dict()
        titles = {p["code"]: p["title"] for p in data["provenance"].get("plan", ())}
        mine = [e for e in data["evidence"] if e["check"] in codes]
        self._items, menu = [], []
        for one in mine:
            for table in [*one["tables"].values()] or [None]:
                what = f": {table['title']}" if table else ""
                menu.append((one_line(f"{titles.get(one['check'], one['check'])}{what}"), len(self._items)))
                self._items.append((one, table))
        self.layout.display = "" if mine else "none"
        kept = self.pick.label
        self.pick.unobserve(self._show, "value")
        self.pick.options = menu
        self.pick.value = next((at for label, at in menu if label == kept), 0 if menu else None)
        self.pick.observe(self._show, "value")
        self._show()
        found = [f for f in data["findings"] if f["check"] in codes]
        ran = [check for check in checks if check.code in {e["check"] for e in mine}]
        self.findings.value = (
            page.findings(paged({**data, "findings": found})) + explained(ran) if mine else ""
        )

    def _show(self, _: Any = None) -> None:
        if self.pick.value is None or self.pick.value >= len(self._items):
            return
        evidence, table = self._items[self.pick.value]
        drawn = self.picture.show(table)
        self.words.value = _words(evidence, table)
        self.data.value = f'<div class="ak">{table_html(table)}</div>' if table else ""
        # a table that nothing draws is the picture itself
        self.switch.layout.display = "" if drawn else "none"
        self.data.layout.display = "" if table and (self.switch.value or not drawn) else "none"

    def _turn(self, change: Mapping[str, Any]) -> None:
        self.switch.description = "Hide the data" if change["new"] else "Show the data"
        self.data.layout.display = "" if change["new"] else "none"

    def fit(self) -> None:
        """Take the figure back where another step had it, and give it the width of its place."""
        self.picture.resume()


def _words(evidence: Mapping[str, Any], table: Mapping[str, Any] | None) -> str:
    """Return the figure's text alternative, then what was found and what must not be concluded."""
    lines = []
    if table:
        title, summary = one_line(table.get("title")), one_line(table.get("summary"))
        lines.append(Markup('<p class="ak-small"><b>{}.</b> {}</p>').format(title, summary))
    for word, key in (("Says", "says"), ("Does not say", "does_not_say"), ("Could not run", "reason")):
        if evidence.get(key):
            lines.append(Markup("<p><b>{}:</b> {}</p>").format(word, clean(evidence[key])))
    lines.extend(
        Markup('<p class="ak-small">Note: {}</p>').format(clean(n)) for n in evidence.get("notes") or ()
    )
    return str(Markup('<div class="ak">{}</div>').format(Markup("").join(lines)))
