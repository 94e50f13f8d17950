"""Own: the threshold on its score by which a model decides, read off its decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from auditkit.subject import Subject

__all__ = ["Own", "by_margin", "own_of", "own_threshold"]

_USUAL = 0.5
_DECIMALS = range(1, 13)


@dataclass(frozen=True, slots=True)
class Own:
    """Where the thresholds of groups stand at the start, and whether the model decides so.

    Attributes
    ----------
    thresholds : tuple of float
        One a group.
    words : str
        What they are: "the model's own threshold".
    otherwise : int
        How many records the model decides otherwise.
    """

    thresholds: tuple[float, ...]
    words: str
    otherwise: int = 0

    def unlike(self, size: int) -> list[str]:
        """Return that the model does not decide so, where it does not, as a sentence; `size` is how many records there are."""
        told = (
            f"The model does not decide so: no threshold on its score gives its decisions, and of {size:,} records it decides "
            f"{self.otherwise:,} otherwise than {self.words} does."
        )
        return [told] if self.otherwise else []


def own_of(scores: np.ndarray, selected: np.ndarray | None, codes: np.ndarray, groups: int) -> Own:
    """Return the one threshold that gives the model's decisions, else one a group that do, else 1/2.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Of each record.
    selected : ndarray of bool, shape (n,), or None
        Whom the model selects; None where it answers a number: then the start is the median score.
    codes : ndarray of int, shape (n,)
        Group of each record.
    groups : int
        How many there are.
    """
    if selected is None:
        return Own((float(np.median(scores)),) * groups, "the median score")
    one = own_threshold(scores, selected)
    if not np.isnan(one):
        return Own((one,) * groups, "the model's own threshold")
    each = [own_threshold(scores[codes == g], selected[codes == g]) for g in range(groups)]
    if not np.isnan(each).any():
        return Own(tuple(each), "the model's own thresholds")
    return Own((_USUAL,) * groups, "a threshold of 0.5", int(((scores >= _USUAL) != selected).sum()))


def own_threshold(scores: np.ndarray, selected: np.ndarray) -> float:
    """Return a threshold from 0 to 1 that selects exactly these where ``score >= threshold``; ``nan`` where there is none.

    It is 1/2 where that does, else the number with the fewest decimals.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Probabilities.
    selected : ndarray of bool, shape (n,)
        Whom the model selects.

    Examples
    --------
    >>> scores = np.array([0.2, 0.5, 0.68, 0.9])
    >>> [own_threshold(scores, np.array(chosen)) for chosen in ([0, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1], [0, 1, 0, 1])]
    [0.5, 0.6, 0.8, nan]
    """
    chosen = np.asarray(selected, dtype=bool)
    low = max((scores[~chosen]).max(initial=-np.inf), np.nextafter(0.0, -1.0))
    high = min((scores[chosen]).min(initial=np.inf), 1.0)
    if not low < high:
        return float("nan")
    tried = [_USUAL, *(round((low + high) / 2, digits) for digits in _DECIMALS), high]
    return float(next(one for one in tried if low < one <= high))


def by_margin(subject: Subject, split: Literal["test", "train"]) -> np.ndarray:
    """Return row numbers, the record nearest to being decided otherwise first.

    Of two classes by the distance from the model's own threshold, 1/2 where it has none; of more, where the two likeliest answers lie nearest
    together.
    """
    proba = subject.proba(split)
    if subject.task == "binary":
        scores = subject.scores(split)
        at = own_threshold(scores, subject.answers(split).labels == subject.positive)
        margin = np.abs(scores - (_USUAL if np.isnan(at) else at))
    else:
        two = np.sort(proba, axis=1)[:, -2:]
        margin = two[:, -1] - two[:, 0]
    return np.argsort(margin, kind="stable")
