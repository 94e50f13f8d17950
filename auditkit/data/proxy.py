"""Proxy: a model that goes by the sensitive feature, or by another that stands for it, to a known degree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from auditkit.data.planted import Planted, Rule, choice, numbers, share, whole
from auditkit.dataset import Dataset
from auditkit.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ByColumn", "make_proxy"]

_EFFECT = 0.4


@dataclass(eq=False)
class ByColumn(Rule):
    """Select by income, with a cut-off lowered for one value of a column and raised for the other.

    Parameters
    ----------
    column : str
        Which column.
    favoured, other : str
        Its values; any other, or a missing one, counts as neither.
    effect : float
        Distance between the two cut-offs, around 1/2.
    """

    column: str
    favoured: str
    other: str
    effect: float

    def score(self, X: pd.DataFrame) -> np.ndarray:
        """Return 1/2 + (income - cut-off) / 2, held to 0..1, shape (n,)."""
        value = X[self.column].astype(object).to_numpy()
        side = (value == self.favoured).astype(float) - (value == self.other).astype(float)
        cutoff = 0.5 - side * self.effect / 2
        score: np.ndarray = np.clip(0.5 + (numbers(X, "income", missing=0.5) - cutoff) / 2, 0, 1)
        return score


def make_proxy(
    *, strength: float = 0.5, kind: Literal["proxy", "direct"] = "proxy", n: int = 4000, seed: int = 0
) -> Planted:
    """Return a subject that relies on the sensitive column or on its proxy; ``strength=0`` is the clean twin.

    Columns: ``income``, uniform on 0..1 and independent of the rest; ``sex``, "female" or "male", equally likely;
    ``district``, "north" or "south", equally likely. P(y = 1 | income) = income.

    - ``kind="proxy"``: the model selects by income and district, with a difference of 0.4 between north and south,
      and never reads sex. District agrees with sex (north and male, south and female) with probability
      (1 + strength) / 2, so their correlation is ``strength`` and men are selected more often by
      0.4 * strength. In the clean twin the model still uses the district, which then says nothing of sex.
    - ``kind="direct"``: the model selects by income and sex, with cut-offs ``strength`` apart, and district is
      independent of sex. Men are selected more often by ``strength``, and that is also the share of rows whose
      answer changes when sex alone is flipped.

    Parameters
    ----------
    strength : float
        0..1.
    kind : {"proxy", "direct"}
        What the model reads.
    n : int
        Test rows.
    seed : int
        Of the rows.

    Returns
    -------
    Planted
        ``size``, of the population: ``proxy_correlation`` (of district with sex), ``selection_rate_difference`` (men
        less women), ``flip_rate`` (of the answer when sex alone is flipped), ``district_flip_rate``. The sensitive
        feature is ``sex``.

    Raises
    ------
    InputError
        If an option is out of its range.

    Examples
    --------
    >>> make_proxy(strength=0.5, n=100).size["selection_rate_difference"]
    0.2
    """
    kind = choice("kind", kind, ("proxy", "direct"))  # type: ignore[assignment]
    strength, n = share("strength", strength), whole("n", n, 1)
    rng = np.random.default_rng(whole("seed", seed, 0))
    income, chance, agree = rng.random((3, n))
    male = rng.integers(2, size=n).astype(bool)
    tie = strength if kind == "proxy" else 0.0
    north = np.where(agree < (1 + tie) / 2, male, ~male)
    data = Dataset(
        {
            "income": income,
            "sex": np.where(male, "male", "female").astype(object),
            "district": np.where(north, "north", "south").astype(object),
        },
        (chance < income).astype(int),
        ["sex"],
    )
    if kind == "proxy":
        model, fault = (
            ByColumn("district", "north", "south", _EFFECT),
            "the model reads the district, which stands for sex",
        )
    else:
        model, fault = ByColumn("sex", "male", "female", strength), "the model reads sex"
    return Planted(
        Subject(f"{kind} reliance on sex, strength {strength:g}", model, data),
        fault,
        _size(kind, strength),
        clean=strength == 0,
    )


def _size(kind: str, strength: float) -> dict[str, float]:
    proxy = kind == "proxy"
    return {
        "proxy_correlation": strength if proxy else 0.0,
        "selection_rate_difference": _EFFECT * strength if proxy else strength,
        "flip_rate": 0.0 if proxy else strength,
        "district_flip_rate": _EFFECT if proxy else 0.0,
    }
