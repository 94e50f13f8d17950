"""Biased: a model whose selection rates, or whose errors, differ between groups by a known amount."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from auditkit.data.planted import Planted, Rule, choice, numbers, share, whole
from auditkit.dataset import Dataset
from auditkit.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Cutoffs", "make_biased"]


@dataclass(eq=False)
class Cutoffs(Rule):
    """Select where merit reaches the cut-off of the row's group.

    Parameters
    ----------
    cutoffs : dict of str to float
        By group. A group it does not know, or a missing one, gets 1/2.
    """

    cutoffs: dict[str, float]

    def score(self, X: pd.DataFrame) -> np.ndarray:
        """Return 1/2 + (merit - cut-off) / 2, held to 0..1, shape (n,)."""
        cutoff = np.array([self.cutoffs.get(group, 0.5) for group in X["group"].tolist()])
        score: np.ndarray = np.clip(0.5 + (numbers(X, "merit", missing=0.5) - cutoff) / 2, 0, 1)
        return score


def make_biased(
    *,
    gap: float = 0.2,
    n: int = 4000,
    groups: int = 2,
    kind: Literal["selection", "errors"] = "selection",
    seed: int = 0,
) -> Planted:
    """Return a subject with a known difference between groups; ``gap=0`` is the clean twin.

    Merit is uniform on 0..1 and groups are equally likely, independent of merit; the base rate is 1/2 in each
    group. Group A is favoured, the last group is not, those between lie at equal steps.

    - ``kind="selection"``: the model's cut-off depends on the group, P(y = 1 | merit) = merit does not. With
      cut-off t the rates are 1 - t (selection), 1 - t^2 (true positive) and (1 - t)^2 (false positive), and t runs
      from 1/2 - gap/2 to 1/2 + gap/2: all three differ by exactly ``gap``, group A above the last.
    - ``kind="errors"``: one cut-off of 1/2 for all, so selection rates are equal; the answer is right with
      probability 3/4 + gap/2 in group A down to 3/4 - gap/2 in the last. The true-positive rate is higher by
      ``gap`` in group A, the false-positive rate is higher by ``gap`` in the last group.

    Parameters
    ----------
    gap : float
        0..1 for "selection", 0..0.5 for "errors".
    n : int
        Test rows.
    groups : int
        2 to 26, named A, B, C, ...
    kind : {"selection", "errors"}
        What differs.
    seed : int
        Of the rows.

    Returns
    -------
    Planted
        ``size`` holds the largest difference between two groups (never negative) of the population:
        ``selection_rate_difference``, ``selection_rate_ratio`` (smallest by largest),
        ``true_positive_rate_difference``, ``false_positive_rate_difference``. The sensitive feature is ``group``.

    Raises
    ------
    InputError
        If an option is out of its range.

    Examples
    --------
    >>> make_biased(gap=0.2, n=100).size["selection_rate_difference"]
    0.2
    """
    kind = choice("kind", kind, ("selection", "errors"))  # type: ignore[assignment]
    gap = share("gap", gap, 0, 1 if kind == "selection" else 0.5)
    names = np.array(list(string.ascii_uppercase[: whole("groups", groups, 2, 26)]), dtype=object)
    rng = np.random.default_rng(whole("seed", seed, 0))
    n = whole("n", n, 1)
    at = rng.integers(len(names), size=n)
    merit, noise, chance = rng.random((3, n))
    steps = np.linspace(-gap / 2, gap / 2, len(names))
    if kind == "selection":
        model, y = (
            Cutoffs(dict(zip(names.tolist(), (0.5 + steps).tolist(), strict=True))),
            (chance < merit).astype(int),
        )
    else:
        said = merit >= 0.5
        model, y = (
            Cutoffs(dict.fromkeys(names.tolist(), 0.5)),
            np.where(chance < (0.75 - steps)[at], said, ~said).astype(int),
        )
    data = Dataset({"merit": merit, "noise": noise, "group": names[at]}, y, ["group"])
    return Planted(
        Subject(f"biased {kind}, gap {gap:g}", model, data), _FAULT[kind], _size(kind, gap), clean=gap == 0
    )


_FAULT = {
    "selection": "the model's cut-off depends on the group",
    "errors": "the model is right less often in one group than in another, at equal selection rates",
}


def _size(kind: str, gap: float) -> dict[str, float]:
    selection = gap if kind == "selection" else 0.0
    return {
        "selection_rate_difference": selection,
        "selection_rate_ratio": (1 - selection) / (1 + selection),
        "true_positive_rate_difference": gap,
        "false_positive_rate_difference": gap,
    }
