"""Of records: what explorers share that look at single records, whose values go no further than the screen unless a person ticks so."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from auditkit.widgets.explorers.mirror import Mirror

if TYPE_CHECKING:
    from auditkit.explore import Answer
    from auditkit.widgets.session import Session

__all__ = ["OfRecords"]


class OfRecords(Mirror):
    """An explorer of single records. What is kept for the report, or shown where no one can press a button, holds their values only where ticked.

    The tick is for the record that is looked at: another record is untold again.

    Parameters
    ----------
    session : Session
        Whose subject is explored.
    """

    def __init__(self, session: Session) -> None:
        self.tell = w.Checkbox(
            value=False, description="Tell its values in the report", description_allow_html=False, indent=False,
            tooltip="Else a report names inputs only, under the record's pseudonym; tick for a record whose values you may share",
            layout=w.Layout(width="auto"),
        )  # fmt: skip
        super().__init__(session)

    @abstractmethod
    def again(self, *, values: bool) -> Answer:
        """Return the answer at where the controls stand, with the record's values or without."""

    def kept(self, answer: Answer) -> Answer:  # noqa: ARG002 - what is on the screen has the values
        """Return the answer under the record's pseudonym; its values are told where the person ticked so."""
        return self.again(values=bool(self.tell.value))

    def untold(self) -> None:
        """Take the tick away: another record is looked at."""
        self.tell.value = False

    def _keep(self) -> Any:
        return w.VBox([self.tell, super()._keep()])
