"""Pair: two subjects on the same records, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as w

from auditkit.explore import Pair
from auditkit.explore.pair import same_records
from auditkit.render.tables import table_html
from auditkit.subject import Subject
from auditkit.widgets.component import session_of
from auditkit.widgets.explorers.menus import compared_by, groups_of
from auditkit.widgets.explorers.mirror import Mirror
from auditkit.widgets.parts import Keys, sheet
from auditkit.widgets.report import Report
from auditkit.widgets.session import Session
from auditkit.widgets.static import Static

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from auditkit.explore import Answer

__all__ = ["Compare", "PairExplorer"]


class PairExplorer(Mirror):
    """Two subjects beside each other: accuracy, ranking, groups, leakage, and where they disagree.

    Parameters
    ----------
    session : Session or Subject
        The first subject, or its session.
    other : Subject
        The second; it has the same test rows.
    """

    title: ClassVar[str] = "Two subjects compared"
    question: ClassVar[str] = "Which differences between the two can be told from chance?"
    told: ClassVar[str] = (
        "Asks both models about the same records once; training rows too, where both have some."
    )
    pictures: ClassVar[tuple[str, ...]] = ("change", "sides", "disagreement")
    mirrors: ClassVar[Mapping[str, tuple[str, ...]]] = {"AK001": ("level",)}
    ends: ClassVar[Mapping[str, Mapping[str, tuple[float, float]]]] = {"sides": {"x": (-0.02, 1.02)}}

    def __init__(self, session: Session | Subject, other: Subject) -> None:
        self.other = other
        super().__init__(session)

    def prepare(self) -> Pair:
        """Ask both."""
        return Pair.prepare(self.session.as_subject, self.other, **self._begun)

    def offer(self, found: Pair) -> Sequence[Any]:
        """Return which groups are compared, and by what; nothing where there are none."""
        self.feature = groups_of(found.features)
        self.constraint = compared_by("What of the groups is compared")
        for menu in (self.feature, self.constraint):
            menu.observe(self.refresh, "value")
        menus = [self.feature, self.constraint] if found.features else []
        return [w.HBox(menus, layout=w.Layout(flex_flow="row wrap"))]

    def ask(self) -> Answer:
        """Return how the two differ."""
        return self.found.at(self.feature.value, self.constraint.value)  # type: ignore[no-any-return]


class Compare(Static, w.VBox):  # type: ignore[misc]
    """Two subjects side by side, usable alone, and beneath them the report to which the comparison is added.

    Parameters
    ----------
    first : Subject, Session, or a view with a session such as Studio(subject)
        The first. The comparison is added to the session's report; a subject gets a session of the performance checks.
    second : Subject
        With the same test rows; models and inputs may differ.
    seed : int, default 0
        Root of all random numbers, where `first` is a subject; a session has its own.

    Raises
    ------
    InputError
        If the test rows are not the same records.
    """

    def __init__(self, first: Any, second: Subject, seed: int = 0) -> None:
        given = None if isinstance(first, Subject) else session_of(first)
        same_records(given.as_subject if given else first, second)
        self.session = given or Session(first, ["performance"], seed=seed)
        self.explorer = PairExplorer(self.session, second)
        self.report = Report(self.session, alone=False)
        super().__init__([sheet(), Keys(), self.explorer, self.report])
        self.add_class("ak-studio")

    def still(self) -> Iterator[dict[str, Any]]:
        """Yield what the comparison comes to."""
        return self.explorer.still()

    def __repr__(self) -> str:
        one, other = self.session.subject.name, self.explorer.other.name
        return (
            f"Compare({one}, {other}; needs a front end that shows widgets. Without one: "
            "auditkit.explore.Pair.prepare(first, second).at())"
        )

    def page(self) -> str:
        """Return what is said, and the data."""
        answer = self.explorer.answer
        if answer is None:
            return ""
        tables = "".join(table_html(table.to_dict()) for table in answer.tables.values())
        return f'<div class="ak">{self.explorer.words.value}{tables}</div>'
