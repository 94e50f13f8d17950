"""Records: single test rows that somebody asks to see explained, and those shown where only a number is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from typing_extensions import Doc

from auditkit.naming import RowNumbers

if TYPE_CHECKING:
    from auditkit.checks.explainability._goal import Goal

__all__ = ["MOST", "Records", "borderline", "called", "which_row", "with_more"]

MOST = 10  # records shown

Records = Annotated[
    list[int] | None,
    RowNumbers(most=MOST),
    Doc(
        "Row numbers of the test rows, from 0, to show in this order in place of `examples`: real records, under the same pseudonyms "
        "and with their row numbers in AK401 and AK407; show only data you may share."
    ),
]


def borderline(goal: Goal, examples: int, *, filled: bool = False) -> np.ndarray:
    """Return the numbers of up to so many test rows that missed the wanted answer by least, the nearest first.

    Parameters
    ----------
    goal : Goal
        The wanted answer. Where the model gives no probabilities, the rows are the first that missed it.
    examples : int
        Rows at most.
    filled : bool
        Whether rows that got the answer by least follow, where too few missed it.
    """
    order = np.lexsort([np.abs(goal.lacking), goal.met])
    return (order if filled else order[: int((~goal.met).sum())])[:examples]


def with_more(drawn: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows drawn with those asked for behind them, and where the latter stand."""
    both = np.concatenate([drawn, asked[~np.isin(asked, drawn)]]).astype(int)
    place = {int(row): at for at, row in enumerate(both)}
    return both, np.array([place[int(row)] for row in asked], dtype=int)


def called(names: list[str], rows: np.ndarray, *, asked: bool) -> list[str]:
    """Return what records are called: pseudonyms, and where somebody asked for the rows by number, the number too.

    Examples
    --------
    >>> called(["32330c29a0d0"], np.array([8]), asked=True)
    ['32330c29a0d0 (row 8)']
    """
    if not asked:
        return names
    return [f"{name} (row {int(row)})" for name, row in zip(names, rows, strict=True)]


def which_row(part: str, n: int, names: list[str]) -> str:
    """Return in a sentence the call that tells, to who holds the data, which row a pseudonym stands for.

    Examples
    --------
    >>> which_row("test", 300, ["32330c29a0d0"])
    "Which row a record is: `subject.test.record_ids(range(300)).index('32330c29a0d0')`."
    """
    return f"Which row a record is: `subject.{part}.record_ids(range({n})).index({names[0]!r})`."
