"""CallablePredictor: a plain function as a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from auditkit import frames
from auditkit.errors import AuditkitError, InputError, NotApplicable
from auditkit.predictors.base import ModelError, Predictor, most_probable
from auditkit.predictors.sklearn import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

__all__ = ["CallablePredictor", "Output", "from_callable"]

Output = Literal["proba", "labels", "values"]


@dataclass(eq=False)
class CallablePredictor(Predictor):
    """A function of a table of features.

    Parameters
    ----------
    function : callable
        Takes n rows in the ``native`` dress, gives an array of shape (n,) or (n, k).
    classes : ndarray of shape (k,) or None
        The labels; None for regression.
    output : {"proba", "labels", "values"} or None
        What it gives. None: found out from its first answer.
    again : callable or None
        ``again(X, y, seed)`` trains the recipe on other rows and gives a new function.
    native : {"pandas", "polars", "pyarrow", "numpy"}
        The dress of the rows it takes.
    """

    function: Callable[[Any], Any]
    classes: np.ndarray | None = None
    output: Output | None = None
    again: Callable[[Any, np.ndarray, int], Any] | None = None
    native: frames.Native = "pandas"
    kind: str = field(init=False)
    _sample: pd.DataFrame | None = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        name = getattr(self.function, "__qualname__", type(self.function).__name__)
        self.kind = f"callable {name.rpartition('>.')[2]}"

    def meet(self, X: pd.DataFrame) -> None:
        """Remember rows by which to find out what the function gives, should someone ask before its first answer."""
        self._sample = X

    @property
    def has_proba(self) -> bool:
        """Whether the function gives probabilities."""
        if self.output is None and self._sample is not None:
            self._look(self._sample.head(10_000))
        return self.output == "proba"

    @property
    def gives_proba(self) -> bool | None:
        """Whether the function gives probabilities; None before its first answer, where that was not said."""
        return None if self.output is None else self.output == "proba"

    def try_out(self, X: pd.DataFrame) -> None:
        """Call the function, and conclude nothing from what it gives.

        Raises
        ------
        ModelError
            If it fails.
        """
        try:
            self.function(frames.from_pandas(X, self.native))
        except Exception as error:
            raise ModelError(_failed(self.kind, len(X), error)) from error

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return labels or values, shape (n,)."""
        out = self._call(X)
        if self.output != "proba" or self.classes is None:
            return plain(out)
        return most_probable(self._as_proba(out), self.classes)

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return class probabilities, shape (n, k)."""
        out = self._call(X)
        if self.output != "proba":
            raise NotApplicable(f"this model ({self.kind}) gives no probabilities, only {self.output}")
        return self._as_proba(out)

    @property
    def can_refit(self) -> bool:
        """Whether a function that trains again was given."""
        return self.again is not None

    def refit(self, X: pd.DataFrame, y: np.ndarray, seed: int) -> Predictor:
        """Return a predictor of the function that ``again`` trained."""
        if self.again is None:
            raise NotApplicable(
                f"this model ({self.kind}) cannot be trained again: pass from_callable(..., refit=)"
            )
        try:
            function = self.again(frames.from_pandas(X, self.native), y, seed)
        except Exception as error:
            raise ModelError(
                f"refit of {self.kind} failed on {len(X)} rows: {type(error).__name__}: {error}"
            ) from error
        if not callable(function):
            raise ModelError(
                f"refit of {self.kind} must give a function of rows; it gave {type(function).__name__}"
            )
        return CallablePredictor(function, self.classes, self.output, self.again, self.native)

    def _look(self, X: pd.DataFrame) -> None:
        try:
            self._call(X)
        except AuditkitError:
            raise
        except Exception as error:
            raise ModelError(_failed(self.kind, len(X), error)) from error

    def _call(self, X: pd.DataFrame) -> np.ndarray:
        out = np.asarray(self.function(frames.from_pandas(X, self.native)))
        if out.ndim == 2 and out.shape[1] == 1:
            out = out[:, 0]
        if self.output is None and len(out):
            self.output = _what(out, self.classes, self.kind)
        return out

    def _as_proba(self, out: np.ndarray) -> np.ndarray:
        if out.ndim == 2:
            return out
        if self.classes is not None and len(self.classes) != 2:
            raise ModelError(
                f"{self.kind} gave one column of probabilities for {len(self.classes)} classes: it must give one a class"
            )
        if np.isfinite(out).all() and len(out) and (out.min() < 0 or out.max() > 1):
            raise ModelError(
                f"{self.kind} must give probabilities from 0 to 1; it gave {out.min():g} to {out.max():g}"
            )
        return np.column_stack([1 - out, out])


def _failed(kind: str, rows: int, error: Exception) -> str:
    return f"the model ({kind}) failed on {rows} rows: {type(error).__name__}: {error}"


def from_callable(
    function: Callable[[Any], Any],
    *,
    classes: Any = None,
    output: Output | None = None,
    refit: Callable[[Any, np.ndarray, int], Any] | None = None,
    native: frames.Native = "pandas",
) -> CallablePredictor:
    """Return a predictor for a function.

    Parameters
    ----------
    function : callable
        Takes a table of n rows; gives labels or values of shape (n,), class probabilities of shape (n, k), or
        the probability of the second class, of shape (n,).
    classes : sequence of k labels, optional
        In the order of the probability columns. Left out: the sorted labels of the data.
    output : {"proba", "labels", "values"}, optional
        What the function gives. Left out: found out from its first answer.
    refit : callable, optional
        ``refit(X, y, seed)`` trains on other rows and gives a new function.
    native : {"pandas", "polars", "pyarrow", "numpy"}
        The dress of the rows that the function takes.

    Raises
    ------
    InputError
        If an argument cannot be used.

    Examples
    --------
    >>> import pandas as pd
    >>> model = from_callable(lambda X: X["income"] / 100, classes=["refused", "granted"], output="proba")
    >>> model.predict(pd.DataFrame({"income": [10, 90]})).tolist()
    ['refused', 'granted']
    """
    if not callable(function):
        raise InputError(f"from_callable needs a function of a table of rows, got {type(function).__name__}")
    if output not in (None, "proba", "labels", "values"):
        raise InputError(f"output must be 'proba', 'labels' or 'values', got {output!r}")
    known = None if classes is None else plain(list(classes))
    if known is not None and len(set(known.tolist())) != len(known):
        raise InputError(f"classes must differ from each other, got {known.tolist()}")
    return CallablePredictor(function, known, output, refit, native)


def bare(
    function: Callable[[Any], Any], native: frames.Native, task: str | None, labels: np.ndarray | None
) -> CallablePredictor:
    """Return a predictor for a function of which nothing else was said."""
    if task == "regression":
        return CallablePredictor(function, None, "values", None, native)
    owner = getattr(getattr(function, "__self__", None), "classes_", None)
    classes = (
        plain(owner) if isinstance(owner, np.ndarray) else None if labels is None else np.sort(plain(labels))
    )
    named: dict[str, Output] = {"predict_proba": "proba", "predict": "labels"}
    output = named.get(getattr(function, "__name__", "")) if isinstance(owner, np.ndarray) else None
    return CallablePredictor(function, classes, output, None, native)


def _what(out: np.ndarray, classes: np.ndarray | None, kind: str) -> Output:
    """Return what a first answer is: class probabilities, the probability of the second class, or labels."""
    ask = "say which: from_callable(function, output='proba' | 'labels' | 'values', classes=[...])"
    if out.ndim == 2:
        return "proba"
    if classes is None:
        return "values" if out.dtype.kind == "f" else "labels"
    values = np.unique(out[np.isfinite(out)]) if out.dtype.kind == "f" else np.unique(plain(out))
    if set(values.tolist()) <= set(classes.tolist()):
        return "labels"
    if out.dtype.kind == "f" and len(classes) == 2 and len(values) and values[0] >= 0 and values[-1] <= 1:
        return "proba"
    shown = ", ".join(map(str, values[:3].tolist()))
    raise InputError(
        f"{kind} answered {shown}, ...: neither the labels {classes.tolist()[:5]} nor probabilities; {ask}"
    )
