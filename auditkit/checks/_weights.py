"""Weights: what a check says of the rows' weights when it used them, and when it could not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditkit.statistics.weighted import kish_size

if TYPE_CHECKING:
    import numpy as np

    from auditkit.dataset import Dataset


def note(data: Dataset) -> tuple[str, ...]:
    """Return how weights entered; empty where none were given."""
    if data.sample_weight is None:
        return ()
    size = kish_size(data.sample_weight)
    said = (
        f"Figures are weighted by sample_weight; n counts rows. Intervals and tests use effective sizes (Kish 1965, "
        f"or by linearisation where smaller): {len(data):,} rows are worth {size:,.0f} of equal weight."
    )
    return (said,)


def ignored(data: Dataset) -> tuple[str, ...]:
    """Return that weights did not enter; empty where none were given."""
    return () if data.sample_weight is None else ("sample_weight was given and is not used by this check.",)


def uneven(data: Dataset) -> bool:
    """Return whether some rows weigh more than others; where none does, counting them gives the weighted figures."""
    return data.sample_weight is not None and float(data.sample_weight.min()) != float(
        data.sample_weight.max()
    )


def counted(weights: np.ndarray | None, codes: np.ndarray) -> np.ndarray:
    """Return the codes of the rows that count: those of a weight above 0."""
    return codes if weights is None else codes[weights > 0]
