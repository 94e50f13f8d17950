"""Component: what every part of the studio that can be shown alone has in common."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from auditkit.errors import InputError
from auditkit.render import views
from auditkit.runner.front_end import front_end
from auditkit.targets import Target
from auditkit.widgets.parts import Keys, problem, sheet
from auditkit.widgets.session import Session
from auditkit.widgets.static import Static
from auditkit.widgets.timing import begin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Component", "session_of"]


def session_of(given: object) -> Session:
    """Return the session that is meant: given as such, by a view of it, or as a subject, for which one is made.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if isinstance(given, Target):
        return Session(given)
    session = getattr(given, "session", given)
    if isinstance(session, Session):
        return session
    hint = (
        f"; load what a file describes: from auditkit.loading import load_target; load_target({str(given)!r})"
        if isinstance(given, (str, PurePath))
        else ""
    )
    raise InputError(
        f"expected a Session, a Subject, or a view with a session such as Studio(subject); got {type(given).__name__}{hint}"
    )


class Component(Static, w.VBox):  # type: ignore[misc]
    """A view of a session that can stand alone, and says in text and as a page what it is where no widget is shown.

    Parameters
    ----------
    session : Session
        The model of the view.
    children : sequence of widgets
        What is shown.
    alone : bool, default True
        Whether it stands in no other view, and so brings the style sheet.
    """

    def __init__(self, session: Session, children: Sequence[Any], *, alone: bool = True) -> None:
        self.session = session
        super().__init__([*([sheet(), Keys()] if alone else []), *children])
        if alone:
            self.add_class("ak-studio")

    def __repr__(self) -> str:
        session = self.session
        return (
            f"{type(self).__name__}({session.subject.name}: {len(session.current())} of {len(session.checks)} checks run; "
            "needs a front end that shows widgets. Without one: auditkit.Audit([...]).run(subject), or `auditkit run`)"
        )

    def _ipython_display_(self) -> None:
        super()._ipython_display_()
        if front_end().mode != "static":  # nobody waits for a program's run
            begin(self.session)

    def page(self) -> str:
        """Return the report so far."""
        return "" if self.session.report is None else str(self.session.report._repr_html_())

    def still(self) -> Iterator[dict[str, Any]]:
        """Run what is missing, and yield the verdict, each check's evidence with its figures, and the findings."""
        session = self.session
        if session.missing():
            session.start()
            session.wait()
        if session.report is None:
            yield {"text/plain": session.message, "text/html": problem(session.message)}
            return
        data = session.report.to_dict()
        yield views.bundle("verdict", views.view_data("verdict", data))
        for one in data["evidence"]:
            yield views.bundle("evidence", views.view_data("evidence", data, one["check"]))
            for table in one["tables"].values():
                if table["kind"] != "plain":
                    yield views.bundle("figure", table)
        yield views.bundle("findings", views.view_data("findings", data))
