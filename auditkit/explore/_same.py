"""Same: whether two subjects speak of the same records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError
from auditkit.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["same_records", "same_training"]

_CURE = "give both the same test rows in the same order, Subject(..., test=the_same_dataset)"


def same_records(first: Subject, second: Subject) -> tuple[str, ...]:
    """Hold the test rows of two subjects beside each other; return what could not be held.

    Raises
    ------
    InputError
        If they are not the same records in the same order, or one is no subject.
    """
    for given in (first, second):
        if not isinstance(given, Subject):
            raise InputError(
                f"expected two subjects, Subject(name, model, test=...); got {type(given).__name__}"
            )
    one, other = first.test, second.test
    if len(one) != len(other):
        raise InputError(f"not the same records: {len(one):,} and {len(other):,} test rows; {_CURE}")
    if (apart := _apart(one.y, other.y)).any():
        raise InputError(
            f"not the same records: the labels of {int(apart.sum()):,} of {len(one):,} test rows differ; {_CURE}"
        )
    both = [name for name in one.X.columns if name in other.X.columns]
    for frame, beside, names in ((one.X, other.X, both), *_groups(first, second)):
        for name in names:
            if (apart := _unlike(frame[name], beside[name])).any():
                raise InputError(
                    f"not the same records: {str(name)!r} differs in {int(apart.sum()):,} of {len(one):,} test rows; {_CURE}"
                )
    if both:
        return ()
    return (
        "The two have no input in common: that these are the same records rests on their labels and groups alone.",
    )


def same_training(first: Subject, second: Subject) -> bool:
    """Return whether both were trained on the same rows in the same order, as far as the inputs they share tell."""
    one, other = first.train, second.train
    if one is None or other is None or len(one) != len(other) or _apart(one.y, other.y).any():
        return False
    both = [name for name in one.X.columns if name in other.X.columns]
    return bool(both) and not any(_unlike(one.X[name], other.X[name]).any() for name in both)


def _groups(first: Subject, second: Subject) -> list[tuple[Any, Any, list[Any]]]:
    one, other = first.test.sensitive_features, second.test.sensitive_features
    if one is None or other is None:
        return []
    return [(one, other, [name for name in one.columns if name in other.columns])]


def _unlike(one: pd.Series[Any], other: pd.Series[Any]) -> np.ndarray:
    """Return where two columns differ, as numbers where both are; what is missing in both is alike."""
    from pandas.api.types import is_numeric_dtype

    if is_numeric_dtype(one) and is_numeric_dtype(other):
        a, b = (part.to_numpy(dtype=float, na_value=np.nan) for part in (one, other))
        return np.asarray((a != b) & ~(np.isnan(a) & np.isnan(b)))
    missing = one.isna().to_numpy(), other.isna().to_numpy()
    words = (part.astype(str).to_numpy(dtype=object) for part in (one, other))
    return np.asarray(np.where(missing[0] | missing[1], missing[0] != missing[1], np.not_equal(*words)))


def _apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    if one.dtype.kind in "biuf" and other.dtype.kind in "biuf":
        return np.asarray(one != other)
    return np.array([a != b for a, b in zip(one.tolist(), other.tolist(), strict=True)], dtype=bool)
