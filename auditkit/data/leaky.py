"""Leaky: a model that remembers a known share of its training rows."""

from __future__ import annotations

from typing import Literal

import numpy as np

from auditkit.data.planted import Planted, choice, share, whole
from auditkit.dataset import Dataset
from auditkit.subject import Subject

__all__ = ["make_leaky"]

_FEATURES = 5


def make_leaky(
    *,
    memorise: float = 1.0,
    kind: Literal["lookup", "tree"] = "lookup",
    n_train: int = 1000,
    n_test: int = 1000,
    seed: int = 0,
) -> Planted:
    """Return a refittable subject that remembers training rows; ``memorise=0`` is the clean twin.

    Features ``x0`` to ``x4`` are uniform on -1..1; train and test rows come from one law. Let m be the share
    of training rows that the model remembers.

    - ``kind="lookup"``: P(y = 1) is the logistic function of 2 x0, and the model knows it. A remembered row is answered
      with its own label at 0.99, above anything else it says. Ranking rows by the probability of their own label gives
      an AUC of 1/2 + m/2, and a true-positive rate of m at a false-positive rate of 0.
    - ``kind="tree"``: labels are coin flips and the model is a fully grown tree, so a remembered row is always answered
      right and any other half the time, each at probability 1: AUC 1/2 + m/4, advantage m/2. All scores tie, so no
      low false-positive rate can be reached. What the tree does not remember it fills with rows of its own, so its size
      and its answers to strangers do not depend on m.

    Parameters
    ----------
    memorise : float
        Share of the training rows that is remembered, 0..1.
    kind : {"lookup", "tree"}
        How.
    n_train, n_test : int
        Rows.
    seed : int
        Of the rows and of what is remembered.

    Returns
    -------
    Planted
        ``size``: ``memorised`` (m, exact for these rows), and of the population ``auc``, ``advantage`` (largest
        true-positive less false-positive rate) and ``tpr_at_fpr_0`` (not for "tree"), of the attack that ranks rows by the
        probability of their own label. The sensitive feature ``group`` is a coin flip and no input.

    Raises
    ------
    InputError
        If an option is out of its range.

    Examples
    --------
    >>> make_leaky(memorise=0.5, n_train=100, n_test=100).size["auc"]
    0.75
    """
    from auditkit.data._estimators import Memoriser

    kind = choice("kind", kind, ("lookup", "tree"))  # type: ignore[assignment]
    memorise = share("memorise", memorise)
    rng = np.random.default_rng(whole("seed", seed, 0))
    train, test = (
        _draw(kind, whole(name, n, 2), rng) for name, n in (("n_train", n_train), ("n_test", n_test))
    )
    model = Memoriser(memorise, kind, random_state=int(rng.integers(2**31))).fit(train.X, train.y)
    m = round(memorise * n_train) / n_train
    reach = m if kind == "lookup" else m / 2
    size = {"memorised": m, "auc": 0.5 + reach / 2, "advantage": reach}
    if kind == "lookup":
        size["tpr_at_fpr_0"] = m
    subject = Subject(f"leaky {kind}, {m:.0%} remembered", model, test, train, task="binary")
    return Planted(subject, "the model remembers training rows", size, clean=m == 0)


def _draw(kind: str, n: int, rng: np.random.Generator) -> Dataset:
    from auditkit.data._estimators import posterior

    X = rng.uniform(-1, 1, (n, _FEATURES))
    chance = posterior(X) if kind == "lookup" else np.full(n, 0.5)
    y = (rng.random(n) < chance).astype(int)
    group = np.where(rng.integers(2, size=n) == 1, "A", "B").astype(object)
    return Dataset({f"x{j}": X[:, j] for j in range(_FEATURES)}, y, {"group": group})
