"""Asked: a model that can only be asked, explained by Shapley values; what it will cost is known before, and kept to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from auditkit import progress
from auditkit.checks.explainability._explanation import Explanation, alike, unit_of
from auditkit.errors import NotApplicable
from auditkit.frames import Codec
from auditkit.methods.attributions import (
    enumerated_calls,
    enumerated_rows,
    enumerated_shapley,
    sampled_calls,
    sampled_shapley,
)

if TYPE_CHECKING:
    import pandas as pd

    from auditkit.subject import Subject

__all__ = ["ask"]

BATCH_ROWS = 65_536
FEWEST = 16
"""Orders for each row below which an explanation is refused: they meet 8 background rows."""


@dataclass(frozen=True)
class _Plan:
    """How a model is to be asked.

    Attributes
    ----------
    permutations : int
        Orders for each row at most; 0 where all sets are enumerated.
    rows, calls : int
        Of the model, at most; rows about.
    reduced : str
        What was lessened to keep within the calls allowed; empty if nothing.
    """

    permutations: int
    rows: int
    calls: int
    reduced: str = ""


def ask(
    subject: Subject,
    X: pd.DataFrame,
    background: pd.DataFrame,
    rng: np.random.Generator,
    *,
    permutations: int,
    target_error: float,
    max_calls: int | None,
    why: str,
) -> Explanation:
    """Explain rows by asking the model about mixtures of them and background rows.

    Each row meets every background row equally often, at most half as many as there are orders, so that base and
    attributions add up to the output.
    """
    X, background = alike(X, background)
    codec = Codec.of(X, background)
    rows, others = codec.encode(X), codec.encode(background)
    # which of them are met, where not all are, is no matter of the seed: that draws orders alone
    others = others[np.random.default_rng(0).permutation(len(others))]
    outputs = len(subject.classes) if subject.task == "multiclass" and subject.classes is not None else 1
    plan = _planned(rows, others, permutations, max_calls, outputs)
    progress.step(0.0, f"at most {plan.calls:,} calls to the model, about {plan.rows:,} rows")

    def said(matrix: np.ndarray) -> np.ndarray:
        return subject.asks(codec.decode(matrix))

    output = said(rows)
    if plan.permutations:
        others = others[: plan.permutations // 2]
        spread = float(np.atleast_1d(output.std(axis=0)).max())
        found = sampled_shapley(
            said, rows, others, rng, permutations=_whole(plan.permutations, len(others)),
            target_error=target_error * spread if spread else None, batch_rows=BATCH_ROWS,
        )  # fmt: skip
        method = "permutation sampling (interventional)"
        how = f"up to {found.permutations} orders a row over {len(others)} background rows"
    else:
        others = others[: permutations // 2]
        found = enumerated_shapley(said, rows, others, batch_rows=BATCH_ROWS)
        method = "every set of inputs (exact, interventional)"
        how = f"all sets of inputs over {len(others)} background rows"
    known = found.standard_error[np.isfinite(found.standard_error)]
    cost = (
        f"Estimated before: at most {plan.calls:,} calls to the model about {plan.rows:,} rows{plan.reduced}. "
        f"Asked: {found.calls + 1:,} calls about {found.rows + len(rows):,} rows"
    )
    return Explanation(
        found.values, found.base, output, method, f"{why}; {how}, {found.calls + 1:,} calls to the model", unit_of(subject),
        float(known.mean()) if known.size else float("nan"), found.standard_error, cost, found.behind,
    )  # fmt: skip


def _planned(
    rows: np.ndarray, others: np.ndarray, permutations: int, max_calls: int | None, outputs: int
) -> _Plan:
    """Return the cheaper of enumeration and sampling, within the calls allowed.

    Raises
    ------
    NotApplicable
        If the calls allowed do not suffice for `FEWEST` orders a row.
    """
    most = float("inf") if max_calls is None else max_calls

    def sampling(orders: int) -> _Plan:
        behind = others[: orders // 2]
        known = sampled_calls(
            rows, behind, permutations=_whole(orders, len(behind)), outputs=outputs, batch_rows=BATCH_ROWS
        )
        return _Plan(orders, int(_sampled_rows(rows, behind, orders)) + len(rows), 1 + known)

    full = sampling(permutations)
    behind = others[: permutations // 2]
    if (every := enumerated_rows(rows, behind)) <= full.rows - len(rows):
        calls = 1 + enumerated_calls(rows, behind, batch_rows=BATCH_ROWS)
        if calls <= most:
            return _Plan(0, int(every) + len(rows), calls)
    if full.calls <= most:
        return full
    fewer, plan = permutations, full
    while fewer > FEWEST and plan.calls > most:
        fewer = max(FEWEST, 2 * (fewer * 4 // 10))
        plan = sampling(fewer)
    if plan.calls > most:
        raise NotApplicable(
            f"explaining {len(rows):,} rows takes up to {plan.calls:,} calls to this model even with {fewer} orders a row, and "
            f"max_calls allows {max_calls:,}: allow max_calls={plan.calls}, or explain fewer rows"
        )
    reduced = (
        f"; with {permutations} orders a row it would be {full.calls:,}, above max_calls={max_calls:,}: orders lessened to {fewer}, and "
        f"background rows to {min(len(behind), fewer // 2)}"
    )
    return replace(plan, reduced=reduced)


def _sampled_rows(rows: np.ndarray, others: np.ndarray, permutations: int) -> float:
    """Return how many rows sampling asks about at most, about: steps are taken only where values differ."""
    apart = float(np.mean([(rows != other).sum(axis=1).mean() for other in others]))
    return len(rows) * (1 + permutations * max(apart - 1, 0.0)) + len(others)


def _whole(permutations: int, others: int) -> int:
    """Return the orders for each row, for a small background several rounds of it."""
    return max(2 * others, permutations // 2 * 2)
