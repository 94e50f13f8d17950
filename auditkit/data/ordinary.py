"""Ordinary: small subjects with no fault planted, for examples and tests: binary, multiclass, regression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.data.planted import whole
from auditkit.dataset import Dataset
from auditkit.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["make_credit", "make_multiclass", "make_regression"]

_PURPOSES = np.array(["car", "education", "furniture", "repairs"], dtype=object)
_HOUSING = np.array(["own", "rent", "free"], dtype=object)
_NUMERIC = ["age", "income", "amount", "years_employed"]
_CATEGORICAL = ["purpose", "housing"]


def make_credit(*, n_train: int = 1500, n_test: int = 1000, seed: int = 0) -> Subject:
    """Return a small credit subject of mixed columns with a scikit-learn pipeline.

    Columns: ``age`` (years, integer), ``income`` and ``amount`` (thousands; income is missing in about 5% of rows),
    ``years_employed`` (integers, missing in about 10%), ``purpose`` and ``housing`` (words; housing is missing in about
    5%). Labels are "repaid" and "defaulted", positive is "repaid". Women earn about 10% less; sex is no input.

    Parameters
    ----------
    n_train, n_test : int
        Rows, at least 50 each.
    seed : int
        Of the rows.

    Returns
    -------
    Subject
        Logistic regression over imputed and one-hot columns; train and test rows; sensitive features ``sex`` and
        ``age_band`` (under 30, 30-49, 50 and over).

    Raises
    ------
    InputError
        If an option is out of its range.

    Examples
    --------
    >>> subject = make_credit(n_train=200, n_test=100)
    >>> subject.task, subject.positive, subject.test.sensitive_names
    ('binary', 'repaid', ['sex', 'age_band'])
    """
    train, test = _two(_credit_rows, n_train, n_test, seed)
    return Subject("credit", _credit_model().fit(train.X, train.y), test, train, positive="repaid")


def make_multiclass(*, n_train: int = 1000, n_test: int = 600, seed: int = 0) -> Subject:
    """Return a small subject of three classes, "high", "low" and "medium", with logistic regression.

    Columns ``x0`` to ``x3`` are standard normal; the class comes of x0 + x1 / 2 with noise. Group A is 60% of the rows
    and its x0 is higher by 0.5 on average. The sensitive feature is ``group``, no input.

    Raises
    ------
    InputError
        If an option is out of its range.

    Examples
    --------
    >>> make_multiclass(n_train=200, n_test=100).classes.tolist()
    ['high', 'low', 'medium']
    """
    from sklearn.linear_model import LogisticRegression

    train, test = _two(_multiclass_rows, n_train, n_test, seed)
    return Subject("multiclass", LogisticRegression().fit(train.X, train.y), test, train)


def make_regression(*, n_train: int = 1000, n_test: int = 600, seed: int = 0) -> Subject:
    """Return a small regression subject with linear regression: y = 3 + 2 x0 - x1 + noise of deviation 1.

    Columns ``x0`` to ``x3`` are standard normal, but x0 is higher by 0.5 on average in group A, 60% of the rows. The
    sensitive feature is ``group``, no input.

    Raises
    ------
    InputError
        If an option is out of its range.

    Examples
    --------
    >>> make_regression(n_train=200, n_test=100).task
    'regression'
    """
    from sklearn.linear_model import LinearRegression

    train, test = _two(_regression_rows, n_train, n_test, seed)
    return Subject("regression", LinearRegression().fit(train.X, train.y), test, train, task="regression")


def _two(rows: Any, n_train: int, n_test: int, seed: int) -> tuple[Dataset, Dataset]:
    rng = np.random.default_rng(whole("seed", seed, 0))
    return rows(whole("n_train", n_train, 50), rng), rows(whole("n_test", n_test, 50), rng)


def _credit_rows(n: int, rng: np.random.Generator) -> Dataset:
    import pandas as pd

    female = rng.random(n) < 0.5
    age = rng.integers(19, 75, n)
    income = rng.lognormal(3.6, 0.4, n) * np.where(female, 0.9, 1.0)
    amount = rng.lognormal(2.3, 0.6, n)
    years = np.floor(rng.random(n) * (age - 18)).astype(float)
    housing = rng.choice(3, n, p=[0.6, 0.3, 0.1])
    logit = 1 + 0.04 * (income - 38) - 0.06 * (amount - 12) + 0.03 * years - 0.5 * (housing == 1)
    y = np.where(rng.random(n) < 1 / (1 + np.exp(-logit)), "repaid", "defaulted")
    X = pd.DataFrame(
        {
            "age": age,
            "income": _gaps(income.round(2), 0.05, rng),
            "amount": amount.round(2),
            "years_employed": _gaps(years, 0.1, rng),
            "purpose": _PURPOSES[rng.integers(len(_PURPOSES), size=n)],
            "housing": np.where(rng.random(n) < 0.05, np.nan, _HOUSING[housing]),
        }
    )
    bands = np.array(["under 30", "30-49", "50 and over"], dtype=object)[
        np.searchsorted([30, 50], age, side="right")
    ]
    return Dataset(
        X, y, pd.DataFrame({"sex": np.where(female, "female", "male").astype(object), "age_band": bands})
    )


def _gaps(values: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.random(len(values)) < rate, np.nan, values)


def _credit_model() -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    columns = ColumnTransformer(
        [
            ("numeric", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), _NUMERIC),
            ("categorical", OneHotEncoder(handle_unknown="ignore"), _CATEGORICAL),
        ]
    )
    return make_pipeline(columns, LogisticRegression(max_iter=1000))


def _normal(n: int, rng: np.random.Generator) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Return four normal columns, and who is in group A."""
    import pandas as pd

    in_a = rng.random(n) < 0.6
    X = rng.standard_normal((n, 4))
    X[:, 0] += 0.5 * in_a
    return pd.DataFrame(X, columns=[f"x{j}" for j in range(4)]), {
        "group": np.where(in_a, "A", "B").astype(object)
    }


def _multiclass_rows(n: int, rng: np.random.Generator) -> Dataset:
    X, group = _normal(n, rng)
    level = X["x0"].to_numpy() + X["x1"].to_numpy() / 2 + 0.5 * rng.standard_normal(n)
    return Dataset(X, np.array(["low", "medium", "high"])[np.searchsorted([-0.5, 0.8], level)], group)


def _regression_rows(n: int, rng: np.random.Generator) -> Dataset:
    X, group = _normal(n, rng)
    return Dataset(X, 3 + 2 * X["x0"].to_numpy() - X["x1"].to_numpy() + rng.standard_normal(n), group)
