"""What if: how the model's output about single records changes when one input is set to other values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.checks import _common as common
from auditkit.evidence import Table
from auditkit.methods import effects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditkit.checks.explainability._output import Asked

__all__ = ["what_if"]


def what_if(ask: Asked, X: np.ndarray, columns: Sequence[int], bins: int, examples: int) -> dict[str, Table]:
    """Return the output about some records for each value of each input, all else as it is; nothing where none were asked for.

    Parameters
    ----------
    ask : Asked
        The model.
    X : ndarray of shape (n, d)
        Rows of codes; the records are spread over the output.
    columns : sequence of int
        Inputs that are moved.
    bins : int
        Values of an input, at most one more.
    examples : int
        Records. They are called by letters; their own values are shown.
    """
    if not examples or not len(columns):
        return {}
    output = ask(X)
    order = np.argsort(output[:, 0], kind="stable")
    places = np.unique(np.linspace(0, len(order) - 1, min(examples, len(order))).round().astype(int))
    jobs: list[tuple[int, int, float]] = []
    for row in order[places].tolist():
        for j in columns:
            own = float(X[row, j])
            values = _values(X[:, j], bins, categorical=ask.codec.kinds[j] == "categorical")
            jobs += [(row, j, value) for value in [own, *(v for v in values if v != own)]]
    moved = X[[row for row, _, _ in jobs]]
    for at, (_, j, value) in enumerate(jobs):
        moved[at, j] = value
    after = ask(moved)
    letter = {int(row): chr(ord("A") + at) for at, row in enumerate(order[places])}
    best = {row: int(output[row].argmax()) for row in letter}
    columns_of: dict[str, tuple[Any, ...]] = {
        "record": tuple(letter[row] for row, _, _ in jobs),
        "input": tuple(str(ask.codec.columns[j]) for _, j, _ in jobs),
        "value": tuple(_word(ask, j, value) for _, j, value in jobs),
        "as it is": tuple(
            value == X[row, j] or (np.isnan(value) and np.isnan(X[row, j])) for row, j, value in jobs
        ),
        "output": tuple(float(after[at, best[row]]) for at, (row, _, _) in enumerate(jobs)),
    }
    summary = (
        f"The output about {len(letter)} records for other values of one input, all else as it is. What the model would say, and not what would "
        "happen."
    )
    return {
        "what_if": Table(
            "What if one answer were another",
            columns_of,
            labels={"output": f"output ({ask.named})"},
            summary=summary,
        )
    }


def _values(column: np.ndarray, bins: int, *, categorical: bool) -> list[float]:
    if not categorical:
        return [float(v) for v in effects.grid_of(column, bins)]
    known, counts = np.unique(column[~np.isnan(column)], return_counts=True)
    return sorted(float(v) for v in known[np.argsort(-counts, kind="stable")][: bins + 1])


def _word(ask: Asked, j: int, value: float) -> str:
    if np.isnan(value):
        return "missing"
    return (
        str(ask.codec.categories[j][int(value)])
        if ask.codec.kinds[j] == "categorical"
        else common.number(value)
    )
