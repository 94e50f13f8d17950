"""Table: records under audit by themselves, without a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from auditkit import frames
from auditkit.errors import InputError, did_you_mean
from auditkit.nouns import counted
from auditkit.scanning.tables.typed import comparable
from auditkit.targets.base import Target
from auditkit.targets.table_parts import Parent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from auditkit.scanning.tables.schema import Schema
    from auditkit.targets.table_parts import Reference

__all__ = ["Table"]

_MOST_PARTS = 20


@dataclass(frozen=True, eq=False)
class Table(Target):
    """A table of records.

    Parameters
    ----------
    name : str
        How the report calls it.
    frame : DataFrame of shape (n, d)
        The records, one a row. Lists and the like, which Parquet files hold, are kept as text.
    quasi_identifiers : sequence of str
        Columns by which a person might be recognised by those who know them; a judgement about people, not about data.
    confidential : str, optional
        The column that nobody should learn of a person.
    digest : str
        sha256 of the file it came from; of the values when left out.
    target : str, optional
        The column of labels.
    sensitive : sequence of str
        Columns along which groups are compared.
    time : str, optional
        The column that says when a record came to be.
    split : str, optional
        The column whose values say which part a record is of.
    splits : mapping of str to DataFrame
        Other parts, with the same columns; the table itself is then the part `learnt`.
    learnt : str
        Which part a model is to learn from.
    schema : Schema, optional
        What people say the table holds.
    reference : Reference, optional
        What is known of the people it stands for.
    lineage : sequence of Parent
        What it was made from.
    digests : mapping of str to str
        sha256 of the files of `splits`; of the values where one is left out.

    Raises
    ------
    InputError
        If the table is empty, a column comes twice, a named column is none of them, or parts do not fit.

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
    target: str | None = field(default=None, kw_only=True)
    sensitive: Sequence[str] = field(default=(), kw_only=True)
    time: str | None = field(default=None, kw_only=True)
    split: str | None = field(default=None, kw_only=True)
    splits: Mapping[str, pd.DataFrame] = field(default_factory=dict, kw_only=True, repr=False)
    learnt: str = field(default="train", kw_only=True)
    schema: Schema | None = field(default=None, kw_only=True, repr=False)
    reference: Reference | None = field(default=None, kw_only=True, repr=False)
    lineage: Sequence[Parent] = field(default=(), kw_only=True, repr=False)
    digests: Mapping[str, str] = field(default_factory=dict, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "frame", comparable(self.frame))
        object.__setattr__(self, "splits", {name: comparable(one) for name, one in self.splits.items()})
        columns = [str(one) for one in self.frame.columns]
        if not len(self.frame) or not columns:
            raise InputError(
                f"the table {self.name!r} has {counted(len(self.frame), 'row')} and {counted(len(columns), 'column')}: give one that has some"
            )
        twice = sorted({one for one in columns if columns.count(one) > 1})
        if twice:
            raise InputError(f"columns must have different names; these come twice: {', '.join(twice)}")
        named, groups = _names(self.quasi_identifiers), _names(self.sensitive)
        single = [one for one in (self.confidential, self.target, self.time, self.split) if one is not None]
        for word in (*named, *groups, *single):
            if word not in columns:
                raise InputError(
                    f"the table {self.name!r} has no column {word!r}.{did_you_mean(word, columns)}"
                )
        if self.confidential in named:
            raise InputError(
                f"{self.confidential!r} is both confidential and a quasi-identifier: it is one of the two"
            )
        object.__setattr__(self, "quasi_identifiers", tuple(dict.fromkeys(named)))
        object.__setattr__(self, "sensitive", tuple(dict.fromkeys(groups)))
        object.__setattr__(self, "digest", self.digest or frames.digest(self.frame))
        object.__setattr__(self, "lineage", Parent.checked(tuple(self.lineage)))
        self._fit(columns)

    def _fit(self, columns: list[str]) -> None:
        """See that the parts go together with the columns.

        Raises
        ------
        InputError
            If they do not.
        """
        if self.split is not None and self.splits:
            raise InputError("parts are told by a column or by files: give split= or splits=, not both")
        if self.target is not None and self.target in (self.split, self.time):
            raise InputError(f"{self.target!r} is the column of labels: it does not tell parts or times too")
        for name, part in self.splits.items():
            theirs = {str(one) for one in part.columns}
            lacking = [one for one in columns if one not in theirs]
            if lacking or name == self.learnt or not len(part):
                why = "has no rows" if not len(part) else f"lacks the columns {', '.join(lacking[:5])}"
                raise InputError(
                    f"the part {name!r} {why}"
                    if lacking or not len(part)
                    else f"two parts are called {name!r}: the table itself is that"
                )
        if self.split is not None:
            known = sorted({str(one) for one in self.column(self.split).dropna().unique()})
            if self.learnt not in known or len(known) < 2 or len(known) > _MOST_PARTS:
                raise InputError(
                    f"the column {self.split!r} tells {counted(len(known), 'part')}: expected 2 to {_MOST_PARTS}, one of them {self.learnt!r}, "
                    "which a model learns from; another name is given as learnt ([splits] train = ...)"
                )
        for word in () if self.reference is None else self.reference.features:
            if word not in columns:
                raise InputError(
                    f"the reference divides by {word!r}, and the table {self.name!r} has no such column.{did_you_mean(word, columns)}"
                )

    def column(self, name: str) -> Any:
        """Return a column by its name as text."""
        return self.frame.iloc[:, [str(one) for one in self.frame.columns].index(name)]

    def parts(self) -> dict[str, pd.DataFrame]:
        """Return the parts by name, that to learn from first and the column that tells them left out; empty where the table has none."""
        if self.split is not None:
            words = self.column(self.split).map(str)
            rest = self.frame.drop(
                columns=self.frame.columns[[str(one) == self.split for one in self.frame.columns]]
            )
            names = [self.learnt, *sorted(set(words[self.column(self.split).notna()]) - {self.learnt})]
            return {name: rest[(words == name).to_numpy()].reset_index(drop=True) for name in names}
        return {self.learnt: self.frame, **self.splits} if self.splits else {}

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
        given = {
            "Labels": self.target,
            "Sensitive": ", ".join(self.sensitive),
            "Time": self.time,
            "Parts": ", ".join(f"{name} ({len(part):,})" for name, part in self.parts().items()),
            "Schema": "" if self.schema is None else counted(len(self.schema.columns), "column"),
            "Reference": ""
            if self.reference is None
            else self.reference.source or ", ".join(self.reference.features),
            "Lineage": counted(len(self.lineage), "entry", "entries") if self.lineage else "",
        }
        facts |= {name: value for name, value in given.items() if value}
        return {"name": str(self.name), "kind": self.kind, "facts": facts, "parts": self._digests()}

    def _digests(self) -> dict[str, str]:
        found = {"records": self.digest}
        found |= {
            f"part {name}": self.digests.get(name) or frames.digest(part)
            for name, part in self.splits.items()
        }
        if self.schema is not None and self.schema.digest:
            found["schema"] = self.schema.digest
        if self.reference is not None and self.reference.digest:
            found["reference"] = self.reference.digest
        return found | {f"lineage {one.name}": one.found for one in self.lineage if one.found}


def _names(given: Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
