"""Slopes: defended models around given rows, as they are climbed by attackers who know of the defence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.methods.evasion.gradients.differentiable import Passing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from auditkit.methods.evasion.gradients.differentiable import Differentiable, Loss

__all__ = ["Copies", "Shown", "Together", "Turned"]


@dataclass(frozen=True, eq=False)
class Shown(Passing):
    """A model that is shown other values than a row has. How they are made has no slope, and is passed over (Athalye et al. 2018).

    Attributes
    ----------
    shown : callable
        Takes values of the columns (m, k), gives those that the model is shown, (m, k).
    """

    shown: Callable[[np.ndarray], np.ndarray]

    def scores(self, x: Any, rows: np.ndarray) -> np.ndarray:
        """Return scores (m, classes)."""
        return self.whole.scores(self._at(x), rows)

    def pull(self, x: Any, rows: np.ndarray, loss: Loss, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, Any]:
        """Return scores, losses, and the gradient at what is shown."""
        return self.whole.pull(self._at(x), rows, loss, y)

    def _at(self, x: Any) -> Any:
        return self.engine.array(self.shown(self.engine.numpy(x)))


@dataclass(frozen=True, eq=False)
class Copies(Shown):
    """A model that answers with the mean of copies of a row: slopes are averaged over them (Athalye et al. 2018).

    ``whole`` is around the copies, row after row, and ``shown`` gives their values, (m * copies, k).

    Attributes
    ----------
    copies : int
        Of each row.
    votes : bool
        Whether each copy has one vote, and not the probabilities of its classes.
    """

    copies: int
    votes: bool

    def scores(self, x: Any, rows: np.ndarray) -> np.ndarray:
        """Return the logarithm of the mean answer, (m, classes)."""
        return self._joined(super().scores(x, self._places(rows)))

    def pull(self, x: Any, rows: np.ndarray, loss: Loss, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, Any]:
        """Return scores, and the mean loss and gradient of the copies."""
        asked = self._places(rows), loss, np.repeat(y, self.copies, axis=0)
        scores, value, slope = super().pull(x, *asked)
        return (
            self._joined(scores),
            value.reshape(len(rows), self.copies).mean(axis=1),
            slope.reshape(len(rows), self.copies, -1).mean(1),
        )

    def _places(self, rows: np.ndarray) -> np.ndarray:
        return np.asarray((rows[:, None] * self.copies + np.arange(self.copies)).ravel())

    def _joined(self, scores: np.ndarray) -> np.ndarray:
        split = scores.reshape(-1, self.copies, scores.shape[1])
        return _mean([_answer(split[:, j], votes=self.votes) for j in range(self.copies)])


@dataclass(frozen=True, eq=False)
class Together(Passing):
    """Models that answer with the mean of theirs; ``whole`` is the first of them.

    Attributes
    ----------
    members : sequence of Differentiable
        All, around the same rows.
    votes : sequence of bool
        Whether each has one vote, and not the probabilities of its classes.
    """

    members: Sequence[Differentiable]
    votes: Sequence[bool]

    def scores(self, x: Any, rows: np.ndarray) -> np.ndarray:
        """Return the logarithm of the mean answer, (m, classes)."""
        return self._joined([one.scores(x, rows) for one in self.members])

    def pull(self, x: Any, rows: np.ndarray, loss: Loss, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, Any]:
        """Return scores, and the mean loss and gradient of the members."""
        scores, values, slopes = zip(*(one.pull(x, rows, loss, y) for one in self.members), strict=True)
        k = len(self.members)
        return self._joined(scores), np.asarray(np.mean(values, axis=0)), sum(slopes[1:], slopes[0]) / k

    def _joined(self, scores: Sequence[np.ndarray]) -> np.ndarray:
        return _mean([_answer(one, votes=alone) for one, alone in zip(scores, self.votes, strict=True)])


@dataclass(frozen=True, eq=False)
class Turned(Passing):
    """A model behind a gate: a row that is turned away has no scores (nan), and flips nothing.

    Attributes
    ----------
    rejects : callable
        Takes values of the columns (m, k), and which rows, (m,); gives which are turned away, (m,).
    """

    rejects: Callable[[np.ndarray, np.ndarray], np.ndarray]

    def scores(self, x: Any, rows: np.ndarray) -> np.ndarray:
        """Return scores (m, classes)."""
        return self._passed(self.whole.scores(x, rows), x, rows)

    def pull(self, x: Any, rows: np.ndarray, loss: Loss, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, Any]:
        """Return scores, losses, and the gradient, which the gate has no part in."""
        scores, value, slope = self.whole.pull(x, rows, loss, y)
        return self._passed(scores, x, rows), value, slope

    def _passed(self, scores: np.ndarray, x: Any, rows: np.ndarray) -> np.ndarray:
        return np.where(self.rejects(self.engine.numpy(x), rows)[:, None], np.nan, scores)


def _answer(scores: np.ndarray, *, votes: bool) -> np.ndarray:
    """Return one vote, or the probabilities that scores (logits) stand for, (m, classes)."""
    if votes:
        return np.asarray(np.eye(scores.shape[1])[scores.argmax(axis=1)])
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _mean(answers: Sequence[np.ndarray]) -> np.ndarray:
    return np.asarray(np.log(np.maximum(np.mean(answers, axis=0), np.finfo(float).tiny)))
