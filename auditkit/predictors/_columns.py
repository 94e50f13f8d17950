"""Columns: those a model was trained with, held against those of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditkit.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["column_trouble", "learnt_as"]


def learnt_as(columns: Sequence[Any], library: str) -> dict[Any, Any]:
    """Return the columns by the names under which a library learns them: LightGBM writes a space as an underscore."""
    return {str(c).replace(" ", "_") if library == "lightgbm" else c: c for c in columns}


def column_trouble(learnt: Sequence[Any], have: Sequence[Any], library: str = "") -> str:
    """Return in words how the columns of X differ from those a model was trained with; empty where they are the same.

    Parameters
    ----------
    learnt : sequence of str
        Names in the model's order.
    have : sequence
        Names of the data.
    library : str
        Whose model it is, by the name of its package.

    Examples
    --------
    >>> column_trouble(["a", "b"], ["b", "a"])
    "X has the columns the model was trained with in another order: give X[['a', 'b']]"
    """
    known = learnt_as(have, library)
    for name in learnt:
        if name not in known:
            return f"the model was trained with a column {str(name)!r} that X lacks.{did_you_mean(str(name), map(str, have))}"
    own = [known[name] for name in learnt]
    asked = f"X[{[str(c) for c in own]}]" if len(own) <= 30 else "X[columns] with the columns of the training"
    extra = [str(c) for c in have if c not in set(own)]
    if extra:
        return (
            f"the model was not trained with {', '.join(extra[:10])}: give {asked}; a column that is sensitive and no input "
            'stands in sensitive_features={"sex": ...}'
        )
    if own != list(have):
        return f"X has the columns the model was trained with in another order: give {asked}"
    return ""
