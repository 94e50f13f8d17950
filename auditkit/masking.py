"""Masking: what errors of other people's code say, without the values of records that they quote."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from auditkit.evidence import Evidence, Table
    from auditkit.subject import Subject
    from auditkit.targets import Target

__all__ = ["LEFT_OUT", "Masking", "masking_of"]

LEFT_OUT = " (values are left out here)"
"""What is said after a text of which something was masked."""

_OURS = ("AuditkitError", "InputError", "ModelError", "NotApplicable", "ToolError")
_OF_CODE = ("AttributeError", "ImportError", "ModuleNotFoundError", "NameError", "TypeError")
"""Errors that quote names of code; of these, quotes are masked only where they stand in the data."""

_TYPE = re.compile(r"\b(\w+(?:Error|Exception|Warning))\b(?=: |\()")
_FIRST = re.compile(r"(\w+): ")
_QUOTED = re.compile(r"(?<!\w)([bBuUrR]{0,2})(['\"“‘])(.*?)(?:\2(?!\w)|[”’](?!\w)|$)", re.DOTALL)
_WORD = re.compile(r"[^\s,;()\[\]{}'\"“”‘’]{4,}")
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][-+]?\d+)?(?!\w)")
_FEW = 50  # labels of a group, which a report shows


@dataclass(frozen=True, eq=False)
class Masking:
    """Takes the values of a subject's records out of evidence.

    What follows the type of an error that is not auditkit's own was written by other people's code, which may quote a row. In it
    all that is quoted is masked, and words and numbers that stand in the data; names of columns, classes and groups stay. In
    auditkit's own words only quoted cells of the data are masked. A value that such code turned into another, and does not
    quote, is not known for one.

    Parameters
    ----------
    subject : Subject
        Whose records they are.
    """

    subject: Subject

    def __call__(self, evidence: Evidence) -> Evidence:
        """Return evidence whose texts quote no values; the same object where none did."""
        reason = self.text(evidence.reason, whole=evidence.outcome == "error")
        notes = tuple(self.text(one) for one in evidence.notes)
        numbers = tuple(
            replace(m, reason=self.text(m.reason)) if m.reason and self.text(m.reason) != m.reason else m
            for m in evidence.measurements
        )
        tables = {name: self._table(table) for name, table in evidence.tables.items()}
        found: dict[str, Any] = {"reason": reason, "notes": notes, "measurements": numbers, "tables": tables}
        changed: dict[str, Any] = {name: new for name, new in found.items() if new != getattr(evidence, name)}
        return replace(evidence, **changed) if changed else evidence

    def text(self, said: str, *, whole: bool = False) -> str:
        """Return a text with values masked.

        Parameters
        ----------
        said : str
            The text.
        whole : bool
            Whether it is the reason of what broke, and so begins with the type of an error, whatever its name.
        """
        first = _FIRST.match(said) if whole else None
        at = 0 if first and first[1] not in _OURS else None
        kinds = [found for found in _TYPE.finditer(said) if found[1] not in _OURS]
        if at is None:
            at = kinds[0].start() if kinds else len(said)
        own, theirs = said[:at], said[at:]
        masked = (self._own(own) if whole else own) + (self._theirs(theirs) if theirs else "")
        return masked if masked == said else masked.removesuffix(LEFT_OUT) + LEFT_OUT

    def _own(self, said: str) -> str:
        return _QUOTED.sub(lambda m: _hidden(m) if self._is_cell(m[3]) else m[0], said)

    def _theirs(self, said: str) -> str:
        kind = _TYPE.match(said) or _FIRST.match(said)
        head = kind.end() if kind else 0
        of_code = kind is not None and kind[1] in _OF_CODE

        def quoted(found: re.Match[str]) -> str:
            stays = found[3] in self._known or (of_code and not self._is_cell(found[3]))
            return found[0] if stays else _hidden(found)

        rest = _QUOTED.sub(quoted, said[head:])
        for cell in self._phrases:
            if cell in rest.casefold():
                rest = re.sub(re.escape(cell), "…", rest, flags=re.IGNORECASE)
        rest = _WORD.sub(lambda m: "…" if self._is_cell(m[0].strip(".:!?")) else m[0], rest)
        rest = _NUMBER.sub(lambda m: "…" if self._is_number(m[0]) else m[0], rest)
        return said[:head] + rest

    def _table(self, table: Table) -> Table:
        columns = {
            name: tuple(self.text(one) if _may_quote(one) else one for one in column)
            if any(map(_may_quote, column))
            else column
            for name, column in table.columns.items()
        }
        summary = self.text(table.summary)
        if summary == table.summary and columns == table.columns:
            return table
        return replace(table, columns=columns, summary=summary)

    def _is_cell(self, word: str) -> bool:
        return word not in self._known and word.casefold() in self._cells

    def _is_number(self, word: str) -> bool:
        value = float(word.replace(",", ""))
        if value in self._shape:
            return False
        after = re.search(r"\.(\d+)", word)
        near = 0.51 * 10.0 ** -len(after[1]) if after and "e" not in word.casefold() else 1e-6 * abs(value)
        return any(bool((np.abs(column - value) <= near).any()) for column in self._numbers)

    def _columns(self) -> Iterator[pd.Series[Any]]:
        import pandas as pd

        for data in (self.subject.test, self.subject.train):
            if data is None:
                continue
            for frame in (data.X, data.sensitive_features, data.control_features):
                if frame is not None:
                    yield from (frame.iloc[:, j] for j in range(frame.shape[1]))
            if self.subject.task == "regression":
                yield pd.Series(data.y)

    @cached_property
    def _known(self) -> frozenset[str]:
        """What a report says anyway: names of columns, classes, and groups."""
        data, classes = self.subject.test, self.subject.classes
        names = [*data.X.columns, *data.sensitive_names, *data.control_names]
        groups: list[Any] = []
        for frame in (data.sensitive_features, data.control_features):
            for j in range(0 if frame is None else frame.shape[1]):
                labels = frame.iloc[:, j].unique().tolist()
                groups += labels if len(labels) <= _FEW else []
        return frozenset(map(str, [*names, *groups, *([] if classes is None else classes.tolist())]))

    @cached_property
    def _cells(self) -> frozenset[str]:
        """All cells that are no numbers, as text, whatever their case."""
        import pandas as pd

        texts = (one for one in self._columns() if not pd.api.types.is_numeric_dtype(one.dtype))
        return frozenset(str(cell).strip().casefold() for one in texts for cell in one.dropna().unique())

    @cached_property
    def _phrases(self) -> tuple[str, ...]:
        return tuple(sorted((c for c in self._cells if re.search(r"\s", c)), key=len, reverse=True))

    @cached_property
    def _numbers(self) -> list[np.ndarray]:
        import pandas as pd

        kinds = pd.api.types
        return [
            one.to_numpy(dtype=float, na_value=np.nan)
            for one in self._columns()
            if kinds.is_numeric_dtype(one.dtype) and not kinds.is_bool_dtype(one.dtype)
        ]

    @cached_property
    def _shape(self) -> frozenset[float]:
        """Numbers that are no secret: 0 and 1, and how many rows and columns there are."""
        every = [one for one in (self.subject.test, self.subject.train) if one is not None]
        return frozenset(map(float, (0, 1, *map(len, every), self.subject.test.X.shape[1])))


class _Closed(Masking):
    """Of a target whose content is not known cell by cell: of what other people's code says only the type of the error stays."""

    def _own(self, said: str) -> str:
        return said

    def _theirs(self, said: str) -> str:
        kind = _TYPE.match(said) or _FIRST.match(said)
        head = said[: kind.end()] if kind else ""
        return said if head == said else f"{head} …"


def masking_of(target: Target) -> Masking:
    """Return what takes the content of a target out of evidence."""
    of: Any = target
    return Masking(of) if target.kind == "model" else _Closed(of)


def _may_quote(cell: Any) -> bool:
    return isinstance(cell, str) and _TYPE.search(cell) is not None


def _hidden(found: re.Match[str]) -> str:
    end = {"“": "”", "‘": "’"}.get(found[2], found[2])
    return f"{found[2]}…{end}"
