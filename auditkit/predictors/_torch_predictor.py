"""TorchPredictor: how a PyTorch module is asked, by the columns of a table."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import AuditkitError, InputError, NotApplicable
from auditkit.predictors._columns import column_trouble
from auditkit.predictors._contract import shown
from auditkit.predictors._torch_gradients import TorchAround
from auditkit.predictors._torch_inputs import numbers, prepared, shaped, slopes
from auditkit.predictors._torch_parts import (
    Output,
    as_columns,
    epsilon,
    home,
    losses,
    output_of,
    quiet,
    tensor,
    weights_digest,
)
from auditkit.predictors._torch_training import Training, fit, why_not
from auditkit.predictors.base import ModelError, Predictor, most_probable
from auditkit.predictors.sklearn import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pandas as pd

    from auditkit.methods.evasion.gradients.differentiable import Differentiable

__all__ = ["TorchPredictor", "completed"]

_LOOKED_AT = 1000  # rows by which to find out what a module gives


@dataclass(eq=False)
class TorchPredictor(Predictor):
    """A PyTorch module; made by `from_torch`, which explains the parameters.

    Parameters
    ----------
    estimator : torch.nn.Module
        In evaluation mode, and nobody else's.
    classes : ndarray of shape (k,) or None
        The labels; None for regression.
    output : {"logits", "probabilities", "values"} or None
        What the module gives. None: found out from its answers.
    columns, prepare, shape, train, build, batch_rows
        As in `from_torch`.
    """

    estimator: Any
    classes: np.ndarray | None = None
    output: Output | None = None
    columns: tuple[str, ...] | None = None
    prepare: Any = None
    shape: tuple[int, ...] | None = None
    train: Callable[[Any, Any, Any, int], Any] | Training = field(default_factory=Training)
    build: Callable[[], Any] | None = None
    batch_rows: int = 4096
    digest: str = field(default="", kw_only=True, repr=False)
    kind: str = field(init=False)
    _why_no_refit: str | None = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        self.kind = f"torch {type(self.estimator).__name__}"

    @property
    def has_proba(self) -> bool:
        """Whether it is a classifier."""
        return self.classes is not None

    @property
    def can_refit(self) -> bool:
        """Whether fresh weights can be drawn."""
        if self._why_no_refit is None:
            self._why_no_refit = why_not(self.estimator, self.build, self.kind)
        return not self._why_no_refit

    def meet(self, X: pd.DataFrame) -> None:
        """Refuse rows the module cannot take, find out what it gives, and whether it takes every row by itself.

        Raises
        ------
        InputError
            If a column is missing or strange, if it cannot be known what the module gives, or if its answer for a row
            depends on the rows beside it.
        ModelError
            If the module fails.
        """
        if not len(X):
            return
        some = X.head(_LOOKED_AT)
        scores = self._guarded(self._scores, some)
        self._fitting(scores)
        half = self._guarded(self._scores, some.head(max(len(some) // 2, 1)))
        known = scores[np.isfinite(scores).all(axis=1)]
        if not len(known):
            return
        rounding = 100 * epsilon(self.estimator, self.kind) * float(np.abs(known).max())
        tolerance = 0.01 * float(known.std(axis=0).max()) + rounding
        if not np.allclose(scores[: len(half)], half, rtol=0, atol=tolerance, equal_nan=True):
            raise InputError(
                f"{self.kind} gives other answers for the same rows in a batch of {len(half)} than in one of {len(some)}: in "
                "evaluation mode it must take each row by itself and draw nothing at random (BatchNorm needs running "
                "statistics)"
            )

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return labels or values, shape (n,)."""
        if self.output == "values":
            scores = self._scores(X)
            self._fitting(scores)
            return scores[:, 0]
        return most_probable(self.predict_proba(X), self._labels())

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return class probabilities, shape (n, k); the softmax is taken in double precision."""
        if self.output == "values":
            return super().predict_proba(X)
        classes = self._labels()
        if not len(X):
            return np.empty((0, len(classes)))
        scores = self._scores(X)
        if self._fitting(scores) == "probabilities":
            return np.column_stack([1 - scores, scores]) if scores.shape[1] == 1 else scores
        if scores.shape[1] == 1:
            scores = np.column_stack([np.zeros(len(scores)), scores])
        raised = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))

    def loss_gradient(self, X: pd.DataFrame, y: np.ndarray) -> np.ndarray:
        """Return the gradient by the columns of X of each row's cross-entropy, or squared error, shape (n, d).

        Parameters
        ----------
        X : DataFrame of shape (n, d)
            Rows.
        y : ndarray of shape (n,)
            Labels or values.

        Raises
        ------
        NotApplicable
            If the rows reach the module through a `prepare` that is no scaler of single columns, or no gradient reaches
            its inputs.
        ModelError
            If the module fails.
        """
        factor = slopes(self.prepare, self.kind)
        targets = self._targets(y, len(X))
        if not len(X):
            return np.empty(X.shape)
        if self.output is None:
            self._fitting(self._guarded(self._scores, X.head(_LOOKED_AT)))
        parts = [
            self._guarded(self._gradient, block, targets[start : start + len(block)])
            for start, block in self._blocks(X)
        ]
        found = np.concatenate(parts) * factor
        place = {name: j for j, name in enumerate(self._chosen(X.head(0)).columns)}
        return np.asarray(found[:, [place[name] for name in X.columns]])

    def differentiable(self, X: pd.DataFrame, columns: Sequence[str]) -> Differentiable:
        """Return the module around these rows, as a function of some columns, with tensors on its own device.

        Parameters
        ----------
        X : DataFrame of shape (n, d)
            Rows.
        columns : sequence of str
            Those that may change.

        Raises
        ------
        NotApplicable
            If it is a regression, if the rows reach it through a `prepare` that is no scaler of single columns, or if no
            gradient reaches its inputs.
        ModelError
            If the module fails.
        """
        if self.output == "values":
            return super().differentiable(X, columns)
        factor = slopes(self.prepare, self.kind)
        output = self.output or self._fitting(self._guarded(self._scores, X.head(_LOOKED_AT)))
        chosen = self._chosen(X)
        places = np.array([list(chosen.columns).index(name) for name in columns], dtype=np.intp)
        rows = self._guarded(self._rows, X).reshape(len(X), -1)
        return TorchAround(
            self.estimator, rows, places, numbers(chosen.iloc[:, places], self.kind),
            factor[places] if isinstance(factor, np.ndarray) else factor, shape=self.shape, output=output,
            classes=len(self._labels()), in_order=self.prepare is None and list(chosen.columns) == list(X.columns),
            batch_rows=self.batch_rows, kind=self.kind,
        )  # fmt: skip

    def refit(self, X: pd.DataFrame, y: np.ndarray, seed: int) -> Predictor:
        """Return the same architecture with fresh weights, trained on other rows; `prepare` stays as it is.

        Raises
        ------
        NotApplicable
            If fresh weights cannot be drawn.
        ModelError
            If training fails.
        """
        if not len(X):
            raise ModelError(f"the model ({self.kind}) cannot be trained on 0 rows")
        if self.output is None:
            self._fitting(self._guarded(self._scores, X.head(_LOOKED_AT)))
        targets = self._targets(y, len(X))
        values = self._guarded(self._rows, X)
        with quiet(self.estimator):
            rows = tensor(values, self.estimator, self.kind)
            module = fit(
                self.estimator, rows, _as_target(targets, rows), int(seed), train=self.train, build=self.build,
                output=self.output or "logits", kind=self.kind,
            )  # fmt: skip
            digest = weights_digest(module)
        again = copy.copy(self)
        again.estimator, again.digest = module, digest
        return again

    def description(self) -> str:
        """Return the module, what it gives and how it is trained again in words."""
        device, dtype = home(self.estimator, self.kind)
        size = sum(int(one.numel()) for one in self.estimator.parameters())
        how = (
            self.train
            if isinstance(self.train, Training)
            else getattr(self.train, "__qualname__", repr(self.train))
        )
        words = " ".join(repr(self.estimator).split())
        return (
            f"{words}; {size:,} parameters, {str(dtype).removeprefix('torch.')} on {device}; gives "
            f"{self.output or 'logits or probabilities'}; trained again by {how}"
        )

    def _labels(self) -> np.ndarray:
        if self.classes is None:
            raise InputError(
                f"the labels of {self.kind} are not known: from_torch(module, classes=[...]), or output='values' for a "
                "regression"
            )
        return self.classes

    def _targets(self, y: np.ndarray, n: int) -> np.ndarray:
        """Return values as floats, or the place of each label among the classes, shape (n,)."""
        y = plain(y)
        if y.shape != (n,):
            raise InputError(f"y must hold one value for each of the {n} rows, got shape {y.shape}")
        if self.output == "values":
            return y.astype(float)
        place = {label: j for j, label in enumerate(self._labels().tolist())}
        strange = [label for label in np.unique(y).tolist() if label not in place]
        if strange:
            raise InputError(
                f"y has labels {shown(strange)} that are not of the classes {shown(list(place))}"
            )
        return np.array([place[label] for label in y.tolist()], dtype=np.int64)

    def _fitting(self, scores: np.ndarray) -> Output:
        """Hold scores against classes; find out what they are, where that was not said."""
        width = scores.shape[1]
        if self.output == "values":
            if width != 1:
                raise ModelError(
                    f"{self.kind} must give one value a row for output='values'; it gave {width}"
                )
            return self.output
        k = len(self._labels())
        if width != k and not (width == 1 and k == 2):
            raise ModelError(
                f"{self.kind} gave {width} columns for {k} classes {shown(self._labels().tolist())}: name all its classes in "
                "the order of its columns, from_torch(module, classes=[...])"
            )
        if self.output is None:
            self.output = output_of(self.estimator, scores, self.kind)
        return self.output

    def _guarded(self, ask: Callable[..., np.ndarray], X: pd.DataFrame, *more: Any) -> np.ndarray:
        try:
            return ask(X, *more)
        except AuditkitError:
            raise
        except Exception as error:
            raise ModelError(
                f"the model ({self.kind}) failed on {len(X)} rows: {type(error).__name__}: {error}; columns=, prepare= and "
                "shape= of from_torch say what it takes"
            ) from error

    def _chosen(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the columns in the order in which the module takes them."""
        if self.columns is None:
            return X
        names, have = list(self.columns), list(X.columns)
        if names == have:
            return X
        trouble = column_trouble(names, names if set(names) == set(have) else have)
        if trouble:
            raise InputError(f"{self.kind}: {trouble}")
        return X[names]

    def _rows(self, X: pd.DataFrame) -> np.ndarray:
        """Return rows as the module takes them, floats of shape (n, ...)."""
        X = self._chosen(X)
        rows = numbers(X, self.kind) if self.prepare is None else prepared(self.prepare, X, self.kind)
        return shaped(rows, self.shape, self.kind)

    def _blocks(self, X: pd.DataFrame) -> Iterator[tuple[int, pd.DataFrame]]:
        """Return the rows in blocks of about equal size, each with its place."""
        count = -(-len(X) // self.batch_rows)
        edges = np.linspace(0, len(X), count + 1).round().astype(int).tolist()
        for start, stop in pairwise(edges):
            yield start, X.iloc[start:stop]

    def _scores(self, X: pd.DataFrame) -> np.ndarray:
        """Return what the module gives, shape (n, k)."""
        import torch

        if not len(X):
            return np.empty((0, 1))
        parts = []
        with quiet(self.estimator), torch.no_grad():
            for _, block in self._blocks(X):
                out = self.estimator(tensor(self._rows(block), self.estimator, self.kind))
                parts.append(as_columns(out, len(block), self.kind).cpu().double().numpy())
        return np.concatenate(parts)

    def _gradient(self, X: pd.DataFrame, targets: np.ndarray) -> np.ndarray:
        """Return the gradient of each row's loss by the numbers the module takes, shape (n, d)."""
        import torch

        with quiet(self.estimator), torch.enable_grad():
            rows = tensor(self._rows(X), self.estimator, self.kind).requires_grad_()
            # in double precision: the loss of a row the module is sure of must not round to nothing
            scores = as_columns(self.estimator(rows), len(X), self.kind).cpu().double()
            total = losses(scores, torch.tensor(np.ascontiguousarray(targets)), self.output or "logits").sum()
            found = torch.autograd.grad(total, rows, allow_unused=True)[0] if total.requires_grad else None
        if found is None:
            raise NotApplicable(f"this model ({self.kind}) gives no gradients: none reaches its inputs")
        return np.asarray(found.detach().cpu().double().numpy().reshape(len(X), -1))


def completed(model: TorchPredictor, task: str, labels: np.ndarray | None) -> TorchPredictor:
    """Return a predictor that fits the task, with the classes of the data where it has none of its own.

    Raises
    ------
    InputError
        If what it gives does not fit the task.
    """
    again = copy.copy(model)
    if task == "regression":
        if model.classes is not None or model.output in ("logits", "probabilities"):
            raise InputError(
                f"{model.kind} is a classifier (classes= or output={model.output!r}) and the task is regression: leave task= "
                "out, or from_torch(module, output='values')"
            )
        again.output = "values"
    elif model.output == "values":
        raise InputError(
            f"{model.kind} gives values and the task is {task}: pass task='regression', or from_torch(module, output='logits')"
        )
    elif model.classes is None and labels is not None:
        again.classes = np.sort(plain(labels))
    return again


def _as_target(targets: np.ndarray, rows: Any) -> Any:
    """Return targets beside the rows: class indices as integers, values in the type of the rows."""
    import torch

    kind = rows.dtype if targets.dtype.kind == "f" else torch.int64
    return torch.tensor(np.ascontiguousarray(targets), dtype=kind, device=rows.device)
