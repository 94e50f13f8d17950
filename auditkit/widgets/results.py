"""Results: the picture that answers the question, what it says and does not say, and the findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as w
from markupsafe import Markup

from auditkit.controls.shown import by_check
from auditkit.render import page
from auditkit.render.status import STATUSES
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

    One figure is shown at a time, from a menu of the check's tables; where several checks ran, another menu chooses the check.

    Parameters
    ----------
    owner : object
        Whose figures are used, see `Canvas`.
    """

    def __init__(self, owner: object) -> None:
        self.of = w.Dropdown(
            description="Check",
            description_allow_html=False,
            tooltip="Whose tables to look at",
            layout=w.Layout(width="min(44rem, 100%)"),
        )
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
        self._mine: dict[str, Mapping[str, Any]] = {}
        self.of.observe(self._chosen, "value")
        self.pick.observe(self._show, "value")
        self.switch.observe(self._turn, "value")
        parts = [self.of, self.pick, self.picture, self.words, self.switch, self.data, self.findings]
        super().__init__(parts, layout=w.Layout(display="none"))

    def show(self, report: Report, checks: tuple[Check, ...]) -> None:
        """Show the evidence and the findings of these checks, and how those that ran work."""
        codes = tuple(check.code for check in checks)
        data = report.to_dict()
        titles = {p["code"]: p["title"] for p in data["provenance"].get("plan", ())}
        mine = [e for e in data["evidence"] if e["check"] in codes]
        self._mine = {one["check"]: one for one in mine}
        self.layout.display = "" if mine else "none"
        self.of.layout.display = "" if len(mine) > 1 else "none"
        menu = [(one_line(titles.get(code, code)), code) for code in self._mine]
        _offer(self.of, self._chosen, menu, self.of.value)
        self._chosen()
        found = [f for f in data["findings"] if f["check"] in codes]
        ran = [check for check in checks if check.code in {e["check"] for e in mine}]
        self.findings.value = (
            page.findings(paged({**data, "findings": found, "controls": by_check(data)})) + explained(ran)
            if mine
            else ""
        )

    def _chosen(self, change: Any = None) -> None:
        """Offer the tables of the check that is chosen; the one that was looked at stays, if it is its own."""
        if self.of.value is None:
            return
        tables = self._mine[self.of.value]["tables"]
        menu = [(one_line(table["title"]), name) for name, table in tables.items()]
        _offer(self.pick, self._show, menu, self.pick.value if change is None else None)
        self.pick.layout.display = "" if menu else "none"
        self._show()

    def _show(self, _: Any = None) -> None:
        evidence = self._mine[self.of.value]
        table = evidence["tables"].get(self.pick.value)
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


def _offer(menu: Any, heard: Any, options: list[tuple[str, str]], kept: Any) -> None:
    """Fill a menu without a word to whoever listens; what was chosen stays, if it is there still."""
    names = [name for _, name in options]
    menu.unobserve(heard, "value")
    menu.options = options
    menu.value = kept if kept in names else next(iter(names), None)
    menu.observe(heard, "value")


def _ended(evidence: Mapping[str, Any]) -> str:
    """Return the word for a check that gave a reason instead of numbers, as its finding has it."""
    return STATUSES["error" if evidence.get("outcome") == "error" else "not_applicable"][1].capitalize()


def _words(evidence: Mapping[str, Any], table: Mapping[str, Any] | None) -> str:
    """Return the figure's text alternative, then what was found and what must not be concluded."""
    lines = []
    if table:
        title, summary = one_line(table.get("title")), one_line(table.get("summary"))
        lines.append(Markup('<p class="ak-small"><b>{}.</b> {}</p>').format(title, summary))
    # the sentence is the check's: beside the figure of one feature it may speak of another
    says = "Says, over all its tables" if len(evidence["tables"]) > 1 else "Says"
    for word, key in ((says, "says"), ("Does not say", "does_not_say"), (_ended(evidence), "reason")):
        if evidence.get(key):
            lines.append(Markup("<p><b>{}:</b> {}</p>").format(word, clean(evidence[key])))
    lines.extend(
        Markup('<p class="ak-small">Note: {}</p>').format(clean(n)) for n in evidence.get("notes") or ()
    )
    return str(Markup('<div class="ak">{}</div>').format(Markup("").join(lines)))
