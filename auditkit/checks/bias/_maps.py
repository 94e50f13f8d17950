"""Maps: a rate over two sensitive features at once, one cell a group."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditkit.checks import _common as common
    from auditkit.evidence import Measurement, Table

__all__ = ["heat_map", "is_crossed"]


def is_crossed(grouping: common.Grouping) -> bool:
    """Return whether the groups are those of two features together."""
    return len(grouping.features) == 2


def heat_map(table: Table, grouping: common.Grouping, groups: list[Measurement]) -> Table:
    """Return a table of rates by group as a matrix: the values of one feature downward, of the other across.

    Parameters
    ----------
    table : Table
        The rates as a list; its words are kept.
    grouping : Grouping
        Of two features.
    groups : list of Measurement
        The rate of each group, in the order of the grouping.

    Returns
    -------
    Table
        Of kind "matrix", with counts and intervals. A combination that no record has is no cell.
    """
    first, second = grouping.features
    columns = {
        "row": tuple(values[0] for values in grouping.values),
        "column": tuple(values[1] for values in grouping.values),
        "value": tuple(m.value for m in groups),
        "low": tuple(float("nan") if m.interval is None else m.interval.low for m in groups),
        "high": tuple(float("nan") if m.interval is None else m.interval.high for m in groups),
        "n": tuple(m.n for m in groups),
    }
    smallest = min(m.n for m in groups)
    words = f"{table.summary} The smallest cell has {smallest:,} record{'s' if smallest != 1 else ''}: a cell of few records says little."
    return replace(
        table,
        title=f"{table.title}, as a map",
        columns=columns,
        kind="matrix",
        labels={**table.labels, "row": first, "column": second},
        summary=words,
        reference=None,
    )
