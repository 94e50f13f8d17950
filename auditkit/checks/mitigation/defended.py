"""Defended: a model behind a defence, asked as any other; build one here to use what the laboratory measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.checks.mitigation._slopes import Copies, Shown, Together
from auditkit.errors import InputError
from auditkit.methods import defences
from auditkit.methods.rules import Expression
from auditkit.predictors import Predictor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from auditkit.frames import Codec
    from auditkit.methods.evasion.gradients.differentiable import Differentiable

__all__ = ["Averaged", "Defended", "Gated", "Smoothed", "Squeezed"]


@dataclass(eq=False)
class Defended(Predictor):
    """A model with something before it or around it; this one leaves the model as it is.

    Parameters
    ----------
    inner : Predictor
        The model.
    """

    inner: Predictor

    def __post_init__(self) -> None:
        self.classes, self.kind, self.trust = self.inner.classes, self.inner.kind, self.inner.trust
        if self.classes is None:
            raise InputError("a defence is for a classifier; this model is a regression")

    @property
    def has_proba(self) -> bool:
        """Whether the model gives probabilities."""
        return self.inner.has_proba

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return labels, shape (n,)."""
        return self.inner.predict(X)

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return class probabilities, shape (n, k)."""
        return self.inner.predict_proba(X)

    def rejects(self, X: pd.DataFrame) -> np.ndarray:
        """Return which rows go to a person instead of being answered, shape (n,)."""
        return np.zeros(len(X), dtype=bool)

    def loss_gradient(self, X: pd.DataFrame, y: np.ndarray) -> np.ndarray:
        """Return the gradient of the loss by the columns as an attacker takes it who knows of the defence, shape (n, d)."""
        return self.inner.loss_gradient(X, y)

    def differentiable(self, X: pd.DataFrame, columns: Sequence[str]) -> Differentiable:
        """Return the model around these rows, defence included, as an attacker climbs it who knows of it."""
        return self.inner.differentiable(X, columns)


@dataclass(eq=False)
class Squeezed(Defended):
    """A model that is shown few levels of some columns (Xu et al. 2018, arXiv 1704.01155).

    Parameters
    ----------
    levels : mapping of str to array
        For each column its levels, as `auditkit.methods.defences.bin_levels` gives them.
    """

    levels: Mapping[str, Any] = field(default_factory=dict)

    def shown(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the rows as the model is shown them."""
        return _with(X, {name: defences.squeezed(_floats(X[name]), few) for name, few in self.levels.items()})

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return labels, shape (n,)."""
        return self.inner.predict(self.shown(X))

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return class probabilities, shape (n, k)."""
        return self.inner.predict_proba(self.shown(X))

    def loss_gradient(self, X: pd.DataFrame, y: np.ndarray) -> np.ndarray:
        """Return the gradient at the squeezed row: the steps, which have none, are passed over (Athalye et al. 2018)."""
        return self.inner.loss_gradient(self.shown(X), y)

    def differentiable(self, X: pd.DataFrame, columns: Sequence[str]) -> Differentiable:
        """Return the model around the squeezed rows, shown squeezed values."""

        def shown(values: np.ndarray) -> np.ndarray:
            values = values.copy()
            for j, name in enumerate(columns):
                if name in self.levels:
                    values[:, j] = defences.squeezed(values[:, j], self.levels[name])
            return values

        return Shown(self.inner.differentiable(self.shown(X), columns), shown)


@dataclass(eq=False)
class Smoothed(Defended):
    """A model that answers with the mean, or the majority, of noisy copies of a row (after Cohen et al. 2019, arXiv 1902.02918).

    The noise is drawn once, from the seed, and is the same for every row: an answer is the same whenever it is asked for. No
    radius is certified by so few copies.

    Parameters
    ----------
    noise : mapping of str to float
        Standard deviation of the noise on each column, in its own unit.
    low, high : mapping of str to float
        Range that noisy values are held in.
    whole : sequence of str
        Columns of whole numbers, which stay whole.
    copies : int
        Noisy copies of a row.
    seed : int
        Of the noise.
    """

    noise: Mapping[str, float] = field(default_factory=dict)
    low: Mapping[str, float] = field(default_factory=dict)
    high: Mapping[str, float] = field(default_factory=dict)
    whole: Sequence[str] = ()
    copies: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        drawn = np.random.default_rng(self.seed).normal(size=(len(self.noise), self.copies))
        self._drawn = {name: drawn[j] * size for j, (name, size) in enumerate(self.noise.items())}

    def shown(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the copies that the model is shown, row after row, (n * copies, d)."""
        many = X.iloc[np.repeat(np.arange(len(X)), self.copies)].reset_index(drop=True)
        return _with(
            many,
            {
                name: self._held(name, _floats(many[name]) + np.tile(noise, len(X)))
                for name, noise in self._drawn.items()
            },
        )

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return labels, shape (n,)."""
        return np.asarray(self._labels()[self.predict_proba(X).argmax(axis=1)])

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return the mean of the probabilities, or where there are none the share of votes, shape (n, k)."""
        told = _asked(self.inner, self.shown(X), self._labels())
        return np.asarray(told.reshape(len(X), self.copies, -1).mean(axis=1))

    def loss_gradient(self, X: pd.DataFrame, y: np.ndarray) -> np.ndarray:
        """Return the mean gradient over the copies (expectation over transformations, Athalye et al. 2018)."""
        slopes = self.inner.loss_gradient(self.shown(X), np.repeat(y, self.copies))
        return np.asarray(slopes.reshape(len(X), self.copies, -1).mean(axis=1))

    def differentiable(self, X: pd.DataFrame, columns: Sequence[str]) -> Differentiable:
        """Return the model around the copies of the rows, with their mean answer and slope."""

        def shown(values: np.ndarray) -> np.ndarray:
            many = np.repeat(values, self.copies, axis=0)
            for j, name in enumerate(columns):
                if name in self._drawn:
                    many[:, j] = self._held(name, many[:, j] + np.tile(self._drawn[name], len(values)))
            return many

        around = self.inner.differentiable(self.shown(X), columns)
        return Copies(around, shown, self.copies, not self.inner.has_proba)

    @property
    def has_proba(self) -> bool:
        """Always: votes are shares."""
        return True

    def _held(self, name: str, values: np.ndarray) -> np.ndarray:
        values = np.rint(values) if name in self.whole else values
        return np.asarray(np.clip(values, self.low.get(name, -np.inf), self.high.get(name, np.inf)))

    def _labels(self) -> np.ndarray:
        return np.asarray(self.classes)


@dataclass(eq=False)
class Averaged(Defended):
    """Models of one recipe trained on rows drawn with replacement, answering together (bagging, Breiman 1996).

    Parameters
    ----------
    members : sequence of Predictor
        The models; `inner` gives the classes and is not asked.
    """

    members: Sequence[Predictor] = ()

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return labels, shape (n,)."""
        return np.asarray(np.asarray(self.classes)[self.predict_proba(X).argmax(axis=1)])

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return the mean of the members' probabilities, or where there are none the share of votes, shape (n, k)."""
        classes = np.asarray(self.classes)
        return np.asarray(np.mean([_asked(one, X, classes) for one in self.members], axis=0))

    def loss_gradient(self, X: pd.DataFrame, y: np.ndarray) -> np.ndarray:
        """Return the mean gradient of the members."""
        return np.asarray(np.mean([one.loss_gradient(X, y) for one in self.members], axis=0))

    def differentiable(self, X: pd.DataFrame, columns: Sequence[str]) -> Differentiable:
        """Return the members around these rows, with their mean answer and slope."""
        around = [one.differentiable(X, columns) for one in self.members]
        return Together(around[0], around, [not one.has_proba for one in self.members])

    @property
    def has_proba(self) -> bool:
        """Always: votes are shares."""
        return True


@dataclass(eq=False)
class Gated(Defended):
    """A model behind a gate that turns strange rows away, to a person.

    A row is turned away where it has a value that no row of the training has (schema), a number outside the range, where it breaks
    a rule, or where it lies farther from every known row than `threshold`.

    Parameters
    ----------
    codec : Codec
        Inputs as floats; learnt from the known rows.
    known : ndarray of shape (m, d)
        Training rows, as the codec writes them.
    scale : ndarray of shape (d,)
        One unit of each number.
    low, high : ndarray of shape (d,)
        Range of each number; infinite for categories.
    rules : tuple of str
        What must hold between the columns of a row, as `auditkit.methods.rules.Expression` reads it.
    threshold : float
        Largest distance that passes; see `calibrated`.
    """

    codec: Codec
    known: np.ndarray
    scale: np.ndarray
    low: np.ndarray
    high: np.ndarray
    rules: tuple[str, ...] = ()
    threshold: float = np.inf

    def __post_init__(self) -> None:
        super().__post_init__()
        self._sizes = np.array([len(values) for values in self.codec.categories])
        self._points = defences.coordinates(self.known, self.scale, self._sizes)
        names = tuple(str(name) for name in self.codec.columns)
        known = {name: values for name, values in zip(names, self.codec.categories, strict=True) if values}
        self._rules = [Expression(rule, names, known) for rule in self.rules]

    def strangeness(self, X: pd.DataFrame) -> np.ndarray:
        """Return how far each row is from every known one, shape (n,); infinite for rows that are turned away anyhow."""
        codes = self.codec.encode(X)
        there = X[list(self.codec.columns)].notna().to_numpy()
        with np.errstate(invalid="ignore"):
            bad = (np.isnan(codes) & there) | (codes < self.low) | (codes > self.high)
        odd = bad.any(axis=1)
        for rule in self._rules:
            odd |= ~np.asarray(rule(np.full_like(codes, np.nan), codes))  # every value counts as new
        far = np.full(len(codes), np.inf)
        if (~odd).any():
            rows = defences.coordinates(codes[~odd], self.scale, self._sizes)
            far[~odd] = defences.nearest_distance(rows, self._points)
        return far

    def rejects(self, X: pd.DataFrame) -> np.ndarray:
        """Return which rows go to a person, shape (n,)."""
        far = self.strangeness(X)
        return np.asarray((far > self.threshold) | np.isinf(far))

    def calibrated(self, X: pd.DataFrame, rate: float) -> Gated:
        """Return the gate with the threshold that turns ordinary rows away at this rate at most, from held-out rows.

        Raises
        ------
        InputError
            If so few rows cannot show the rate.
        """
        threshold = defences.reject_threshold(self.strangeness(X), rate)
        return Gated(
            self.inner, self.codec, self.known, self.scale, self.low, self.high, self.rules, threshold
        )


def _floats(column: pd.Series[Any]) -> np.ndarray:
    return column.to_numpy(dtype=float, na_value=np.nan)


def _with(X: pd.DataFrame, changed: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return the rows with some columns of numbers changed, in the types they had."""
    columns = {}
    for name, values in changed.items():
        dtype = X[name].dtype
        keeps = not (isinstance(dtype, np.dtype) and dtype.kind in "iu" and np.isnan(values).any())
        columns[name] = type(X[name])(values, index=X.index).astype(dtype if keeps else float)
    return X.assign(**columns) if columns else X


def _asked(model: Predictor, X: pd.DataFrame, classes: np.ndarray) -> np.ndarray:
    """Return class probabilities, or one-hot labels where a model gives none, shape (n, k)."""
    if model.has_proba:
        return model.predict_proba(X)
    order = np.argsort(classes)
    return np.asarray(np.eye(len(classes))[order[np.searchsorted(classes, model.predict(X), sorter=order)]])
