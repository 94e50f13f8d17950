"""Numbers: any table a learner takes, as finite numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from auditkit.errors import NotApplicable

MOST = 50_000_000
"""Numbers in a table, at most; sparse ones are made dense."""


def numbers(Z: Any, Z_new: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return both tables as finite numbers: words as flags, gaps filled by the mean of the training rows."""
    parts = [table.toarray() if _fits(table) and hasattr(table, "toarray") else table for table in (Z, Z_new)]
    if not isinstance(parts[0], np.ndarray) or parts[0].dtype.kind not in "fiub":
        parts = _flags(*parts)
    first, new = (np.array(part, dtype=float) for part in parts)
    with np.errstate(invalid="ignore"):
        means = np.nan_to_num(np.nansum(first, axis=0) / np.maximum((~np.isnan(first)).sum(axis=0), 1))
    return np.where(np.isnan(first), means, first), np.where(np.isnan(new), means, new)


def _fits(table: Any) -> bool:
    if np.prod(table.shape) > MOST:
        raise NotApplicable(f"{table.shape[1]:,} encoded columns of {table.shape[0]:,} rows are too many")
    return True


def _flags(Z: Any, Z_new: Any) -> list[np.ndarray]:
    import pandas as pd

    from auditkit import frames

    one, two = (
        frames.to_pandas(t) if not isinstance(t, np.ndarray) else pd.DataFrame(t).infer_objects()
        for t in (Z, Z_new)
    )
    words = [c for c in one.columns if one[c].dtype.kind not in "fiub"]
    encoded = pd.get_dummies(one, columns=words, dtype=float)
    new = pd.get_dummies(two, columns=words, dtype=float).reindex(columns=encoded.columns, fill_value=0.0)
    return [encoded.to_numpy(dtype=float, na_value=np.nan), new.to_numpy(dtype=float, na_value=np.nan)]
