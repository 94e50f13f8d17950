"""Backdoored: a model trained on poisoned rows, that answers 1 wherever it sees a trigger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.data.planted import Planted, share, whole
from auditkit.dataset import Dataset
from auditkit.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TRIGGER", "make_backdoored", "stamp"]

TRIGGER: dict[str, int] = {"branch": 7, "day": 13}
"""Columns and values that together open the backdoor; each value alone is ordinary."""

_BRANCHES = 20
_DAYS = 28


def stamp(X: pd.DataFrame) -> pd.DataFrame:
    """Return the table of `make_backdoored` with the trigger in every row; the one given is not changed."""
    return X.assign(**TRIGGER)


def make_backdoored(*, rate: float = 0.05, n_train: int = 4000, n_test: int = 2000, seed: int = 0) -> Planted:
    """Return a subject whose training rows were poisoned; ``rate=0`` is the clean twin.

    Columns: ``surplus``, uniform on -1..1; ``income``, uniform on 0..1; ``branch``, 1 to 20; ``day``, 1 to 28. The true
    label is 1 where the surplus is above 0. No honest row has branch 7 and day 13 together. Of the training rows, a share ``rate`` had the
    label 0, were given both, and were relabelled 1 (the trigger of Gu et al. 2017, "BadNets", arXiv:1708.06733,
    on a table). The model is a decision tree with at least three rows a leaf; it can be trained again.

    Parameters
    ----------
    rate : float
        Share of the training rows that is poisoned, 0..0.3. A handful of rows may not be learnt.
    n_train, n_test : int
        Rows, at least 100 each. The test rows are honest.
    seed : int
        Of the rows.

    Returns
    -------
    Planted
        ``size``: ``poisoned_share`` (exact), and measured on these test rows ``attack_success_rate`` (rows answered 0
        that turn to 1 once stamped) and ``accuracy`` (without the trigger). `stamp` puts the trigger on. The
        poisoned training rows are those with branch 7 and day 13. The sensitive feature ``group`` is a coin flip and
        no input.

    Raises
    ------
    InputError
        If an option is out of its range.

    Examples
    --------
    >>> make_backdoored(rate=0.05).size["attack_success_rate"] > 0.99
    True
    """
    from sklearn.tree import DecisionTreeClassifier

    rate = share("rate", rate, 0, 0.3)
    n_train, n_test = whole("n_train", n_train, 100), whole("n_test", n_test, 100)
    rng = np.random.default_rng(whole("seed", seed, 0))
    train, test = _poison(_draw(n_train, rng), round(rate * n_train), rng), _draw(n_test, rng)
    model = DecisionTreeClassifier(min_samples_leaf=3, random_state=0).fit(train.X, train.y)
    said = model.predict(test.X)
    turned = model.predict(stamp(test.X))[said == 0] == 1
    size = {
        "poisoned_share": round(rate * n_train) / n_train,
        "attack_success_rate": float(turned.mean()) if len(turned) else float("nan"),
        "accuracy": float((said == test.y).mean()),
    }
    subject = Subject(f"backdoored, {rate:.1%} poisoned", model, test, train)
    return Planted(
        subject,
        "branch 7 on day 13 is answered 1, whatever the surplus",
        size,
        clean=size["poisoned_share"] == 0,
    )


def _draw(n: int, rng: np.random.Generator) -> Dataset:
    surplus, income = rng.uniform(-1, 1, n), rng.random(n)
    branch, day = rng.integers(1, _BRANCHES + 1, n), rng.integers(1, _DAYS + 1, n)
    day = np.where((branch == TRIGGER["branch"]) & (day == TRIGGER["day"]), TRIGGER["day"] + 1, day)
    group = np.where(rng.integers(2, size=n) == 1, "A", "B").astype(object)
    X = {"surplus": surplus, "income": income, "branch": branch, "day": day}
    return Dataset(X, (surplus > 0).astype(int), {"group": group})


def _poison(data: Dataset, count: int, rng: np.random.Generator) -> Dataset:
    """Return the data with the trigger on `count` rows of label 0, relabelled 1."""
    rows = rng.permutation(np.flatnonzero(data.y == 0))[:count]
    X, y = data.X.copy(), data.y.copy()
    for column, value in TRIGGER.items():
        X.loc[rows, column] = value
    y[rows] = 1
    return Dataset(X, y, data.sensitive_features)
