"""Answer: what an explorer says where its controls stand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from auditkit.errors import InputError, did_you_mean
from auditkit.evidence import Table, jsonable
from auditkit.render.text import as_shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plotly.graph_objects import Figure

__all__ = ["Answer", "rounded"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an explorer says where its controls stand.

    Attributes
    ----------
    about : str
        What was looked at, in a few words: "thresholds by sex".
    at : dict
        Where the controls stood; plain values.
    says, does_not_say : str
        What follows from it, and what does not, in a sentence each.
    tables : dict of str to Table
        The numbers, marked with what they are; the first is the picture.
    """

    about: str
    at: dict[str, Any]
    says: str
    does_not_say: str
    tables: dict[str, Table] = field(default_factory=dict)

    def beside(self, *others: Answer) -> Answer:
        """Return one answer of this and others about the same thing; a sentence that two share is said once."""
        every = (self, *others)
        tables = {name: table for one in every for name, table in one.tables.items()}
        at = {key: value for one in reversed(every) for key, value in one.at.items()}
        says, does_not = (
            " ".join(dict.fromkeys(words for words in part if words))
            for part in zip(*((one.says, one.does_not_say) for one in every), strict=True)
        )
        return Answer(self.about, at, says, does_not, tables)

    def rounded(self) -> Answer:
        """Return the same with the numbers of its tables as they are shown, for a record whose values are not told.

        All digits of a contribution or a probability are as good as a name: whoever has the model finds the record by them.
        """
        return replace(self, tables={name: rounded(table) for name, table in self.tables.items()})

    def plot(self, table: str | None = None) -> Figure:
        """Return a plotly figure of a table.

        Parameters
        ----------
        table : str, optional
            Which one; the first that can be drawn when left out.

        Raises
        ------
        InputError
            If there is no such table, or it is rows to read.
        """
        from plotly.graph_objects import Figure

        from auditkit.render.figures import figure

        if table is not None and table not in self.tables:
            raise InputError(f"no table {table!r} here.{did_you_mean(table, self.tables)}")
        for name in [table] if table else list(self.tables):
            drawn = figure(self.tables[name].to_dict())
            if drawn is not None:
                return Figure(drawn)
        raise InputError("these tables are rows to read: see .tables[...].frame()")

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "about": self.about,
            "at": jsonable(self.at),
            "says": self.says,
            "does_not_say": self.does_not_say,
            "tables": {name: table.to_dict() for name, table in self.tables.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        tables = {name: Table.from_dict(one) for name, one in data["tables"].items()}
        return cls(data["about"], dict(data["at"]), data["says"], data["does_not_say"], tables)


def rounded(table: Table) -> Table:
    """Return a table whose numbers have no more digits than are shown."""
    columns = {
        name: tuple(as_shown(one) if isinstance(one, float) else one for one in column)
        for name, column in table.columns.items()
    }
    return replace(table, columns=columns)
