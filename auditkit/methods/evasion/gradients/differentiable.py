"""Differentiable: a model around given rows, as a function of number columns, with slopes; and the losses attacks climb."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from auditkit.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from auditkit.methods.evasion.gradients.engine import Engine

__all__ = ["LOSSES", "CountedSlopes", "Differentiable", "Loss", "LossName", "Part", "Passing", "loss_of"]

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
Loss = Callable[[Floats, NDArray[np.int64]], tuple[Floats, Floats]]
LossName = Literal["ce", "margin", "dlr", "targeted"]


class Differentiable(Protocol):
    """A classifier around n rows: those rows with other values in some number columns.

    Attributes
    ----------
    engine : Engine
        The library of the arrays it takes.
    classes : int
        How many scores a row has; the label is the largest.
    width : int
        How many columns may change.
    image : tuple of int or None
        Height and width, where the columns of a row are the pixels of a picture, line by line.
    """

    @property
    def engine(self) -> Engine:
        """The library of the arrays it takes."""

    @property
    def classes(self) -> int:
        """How many scores a row has."""

    @property
    def width(self) -> int:
        """How many columns may change."""

    @property
    def image(self) -> tuple[int, int] | None:
        """Height and width of a picture."""

    def running(self) -> AbstractContextManager[object]:
        """Return a context to ask in, which settles threads once and not at every step."""

    def scores(self, x: Any, rows: Rows) -> Floats:
        """Return scores (m, classes): logits, or what else has the label as its largest.

        Parameters
        ----------
        x : array of the engine (m, width)
            The values of the columns.
        rows : array of int (m,)
            Around which rows.
        """

    def pull(self, x: Any, rows: Rows, loss: Loss, y: NDArray[np.int64]) -> tuple[Floats, Floats, Any]:
        """Return scores (m, classes), losses (m,), and the gradient of the losses by x, an array of the engine (m, width).

        ``loss(scores, y)`` gives the loss of each row and its slopes by the scores.
        """


@dataclass(frozen=True)
class Passing:
    """A differentiable model that asks another.

    Attributes
    ----------
    whole : Differentiable
        The other.
    """

    whole: Differentiable

    @property
    def engine(self) -> Engine:
        """The library of the arrays it takes."""
        return self.whole.engine

    @property
    def classes(self) -> int:
        """How many scores a row has."""
        return self.whole.classes

    @property
    def width(self) -> int:
        """How many columns may change."""
        return self.whole.width

    @property
    def image(self) -> tuple[int, int] | None:
        """Height and width of a picture."""
        return self.whole.image

    def running(self) -> AbstractContextManager[object]:
        """Return a context to ask in."""
        return self.whole.running()


@dataclass(frozen=True)
class Part(Passing):
    """A differentiable model around some of its rows."""

    chosen: Rows

    def scores(self, x: Any, rows: Rows) -> Floats:
        """Return scores (m, classes)."""
        return self.whole.scores(x, self.chosen[rows])

    def pull(self, x: Any, rows: Rows, loss: Loss, y: NDArray[np.int64]) -> tuple[Floats, Floats, Any]:
        """Return scores, losses and the gradient."""
        return self.whole.pull(x, self.chosen[rows], loss, y)


@dataclass(frozen=True)
class CountedSlopes(Passing):
    """A differentiable model that tells how many rows it is asked about."""

    count: Callable[[int], None]

    def scores(self, x: Any, rows: Rows) -> Floats:
        """Return scores (m, classes)."""
        self.count(len(rows))
        return self.whole.scores(x, rows)

    def pull(self, x: Any, rows: Rows, loss: Loss, y: NDArray[np.int64]) -> tuple[Floats, Floats, Any]:
        """Return scores, losses and the gradient."""
        self.count(len(rows))
        return self.whole.pull(x, rows, loss, y)


def loss_of(name: str, classes: int) -> Loss:
    """Return a loss that grows as the reference label is lost.

    "ce" is the cross-entropy; "margin" the best other score less that of the reference (Carlini and Wagner 2017,
    arXiv 1608.04644); "dlr" the difference of logits ratio and "targeted" its targeted form (Croce and Hein 2020, arXiv
    2003.01690), which no factor on the scores changes. A ratio needs a third score: with two classes both are the margin, and
    with three the targeted form is divided by the largest less the smallest.

    Parameters
    ----------
    name : {"ce", "margin", "dlr", "targeted"}
        Which.
    classes : int
        How many scores there are.

    Returns
    -------
    callable
        Takes scores (m, classes) and y (m,), for "targeted" y (m, 2), the reference and the target; gives losses (m,) and
        slopes (m, classes).

    Raises
    ------
    InputError
        If there is no such loss.
    """
    if name not in LOSSES:
        raise InputError(f"no loss named {name!r}.{did_you_mean(name, LOSSES)}")
    if classes == 2 and name in ("dlr", "targeted"):
        return _two_margin if name == "targeted" else _margin
    return LOSSES[name]


def _cross_entropy(scores: Floats, y: NDArray[np.int64]) -> tuple[Floats, Floats]:
    at = np.arange(len(scores))
    top = scores.max(axis=1, keepdims=True)
    raised = np.exp(scores - top)
    total = raised.sum(axis=1)
    slopes = raised / total[:, None]
    value = np.log(total) + top[:, 0] - scores[at, y]
    slopes[at, y] = 0.0
    slopes[at, y] = -slopes.sum(axis=1)  # of the others: 1 - p would round to 0 where the model is sure
    return value, slopes


def _others_best(scores: Floats, y: NDArray[np.int64]) -> Rows:
    others = scores.copy()
    others[np.arange(len(y)), y] = -np.inf
    return np.asarray(others.argmax(axis=1))


def _between(scores: Floats, plus: Rows, less: Rows) -> tuple[Floats, Floats]:
    """Return one score less another, (m,), and its slopes."""
    at, slopes = np.arange(len(scores)), np.zeros_like(scores)
    slopes[at, plus] += 1.0
    slopes[at, less] -= 1.0
    return scores[at, plus] - scores[at, less], slopes


def _margin(scores: Floats, y: NDArray[np.int64]) -> tuple[Floats, Floats]:
    return _between(scores, _others_best(scores, y), y)


def _two_margin(scores: Floats, y: NDArray[np.int64]) -> tuple[Floats, Floats]:
    return _between(scores, y[:, 1], y[:, 0])


def _ratio(
    gap: tuple[Floats, Floats], scores: Floats, order: Rows, shares: tuple[float, ...]
) -> tuple[Floats, Floats]:
    """Return the gap over the largest score less a mix of later ones, and its slopes by the quotient's rule."""
    at = np.arange(len(scores))
    width, by_width = scores[at, order[:, 0]].copy(), np.zeros_like(scores)
    by_width[at, order[:, 0]] = 1.0
    for place, share in enumerate(shares, start=2):
        width -= share * scores[at, order[:, place]]
        by_width[at, order[:, place]] -= share
    width += 1e-12
    value = gap[0] / width
    return value, (gap[1] - value[:, None] * by_width) / width[:, None]


def _dlr(scores: Floats, y: NDArray[np.int64]) -> tuple[Floats, Floats]:
    return _ratio(_margin(scores, y), scores, np.argsort(-scores, axis=1, kind="stable"), (1.0,))


def _targeted(scores: Floats, y: NDArray[np.int64]) -> tuple[Floats, Floats]:
    shares = (0.5, 0.5) if scores.shape[1] > 3 else (1.0,)
    return _ratio(_two_margin(scores, y), scores, np.argsort(-scores, axis=1, kind="stable"), shares)


LOSSES: dict[str, Loss] = {"ce": _cross_entropy, "margin": _margin, "dlr": _dlr, "targeted": _targeted}
