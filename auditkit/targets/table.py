"""Table: records under audit by themselves, without a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from auditkit import frames
from auditkit.errors import InputError, did_you_mean
from auditkit.nouns import counted
from auditkit.targets.base import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

__all__ = ["Table"]


@dataclass(frozen=True, eq=False)
class Table(Target):
    """A table of records.

    Parameters
    ----------
    name : str
        How the report calls it.
    frame : DataFrame of shape (n, d)
        The records, one a row.
    quasi_identifiers : sequence of str
        Columns by which a person might be recognised by those who know them; a judgement about people, not about data.
    confidential : str, optional
        The column that nobody should learn of a person.
    digest : str
        sha256 of the file it came from; of the values when left out.

    Raises
    ------
    InputError
        If the table is empty, a column comes twice, or a named column is none of them.

    Examples
    --------
    >>> import pandas as pd
    >>> Table("staff", pd.DataFrame({"age": [31, 45]}), quasi_identifiers=["age"])
    Table(staff: 2 records of 1 column; Audit([...]).run(table) to audit)
    """

    kind: ClassVar[str] = "table"

    name: str
    frame: pd.DataFrame = field(repr=False)
    quasi_identifiers: Sequence[str] = ()
    confidential: str | None = None
    digest: str = ""

    def __post_init__(self) -> None:
        columns = [str(one) for one in self.frame.columns]
        if not len(self.frame) or not columns:
            raise InputError(
                f"the table {self.name!r} has {counted(len(self.frame), 'row')} and {counted(len(columns), 'column')}: give one that has some"
            )
        twice = sorted({one for one in columns if columns.count(one) > 1})
        if twice:
            raise InputError(f"columns must have different names; these come twice: {', '.join(twice)}")
        named = (
            (self.quasi_identifiers,)
            if isinstance(self.quasi_identifiers, str)
            else tuple(self.quasi_identifiers)
        )
        for word in (*named, *([] if self.confidential is None else [self.confidential])):
            if word not in columns:
                raise InputError(
                    f"the table {self.name!r} has no column {word!r}.{did_you_mean(word, columns)}"
                )
        if self.confidential in named:
            raise InputError(
                f"{self.confidential!r} is both confidential and a quasi-identifier: it is one of the two"
            )
        object.__setattr__(self, "quasi_identifiers", tuple(dict.fromkeys(named)))
        object.__setattr__(self, "digest", self.digest or frames.digest(self.frame))

    def __repr__(self) -> str:
        n, d = self.frame.shape
        return f"Table({self.name}: {counted(n, 'record')} of {counted(d, 'column')}; Audit([...]).run(table) to audit)"

    def describe(self) -> dict[str, Any]:
        """Return what the report says of it: how large it is, what was named, and its digest; no value."""
        facts: dict[str, Any] = {"Records": len(self.frame), "Columns": self.frame.shape[1]}
        if self.quasi_identifiers:
            facts["Quasi-identifiers"] = ", ".join(self.quasi_identifiers)
        if self.confidential is not None:
            facts["Confidential"] = self.confidential
        return {"name": str(self.name), "kind": self.kind, "facts": facts, "parts": {"records": self.digest}}
