"""Loaders: the shipped tables as data sets, with who they are about."""

from __future__ import annotations

from importlib.resources import files
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from auditkit.data._statlog import CODES, SEX
from auditkit.data.planted import whole
from auditkit.dataset import Dataset

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["load_adult", "load_german_credit"]

_ADULT_BANDS = {"age": (25, 40, 60)}
_GERMAN_BANDS = {"age": (26,)}  # 25 and under, over 25: Kamiran and Calders 2009
_TEST_SHARE = 0.3


def load_adult() -> tuple[Dataset, Dataset]:
    """Return the Adult census data, train and test, by the division it came with.

    Returns
    -------
    train, test : Dataset
        32,561 and 16,281 rows, 13 columns (the survey weight ``fnlwgt`` is left out), labels ``">50K"`` and
        ``"<=50K"``. Sensitive features are ``sex``, ``race`` and ``age``, this in bands that begin at 25, 40 and 60; all
        three are among the inputs as well, age as the number. Missing values stay missing.

    Notes
    -----
    B. Becker and R. Kohavi, 1996, doi:10.24432/C5XW20, CC BY 4.0. `describe` names the known limits.

    Examples
    --------
    >>> train, test = load_adult()
    >>> len(train), len(test), train.sensitive_names
    (32561, 16281, ['sex', 'race', 'age'])
    """
    import pandas as pd

    with _open("adult.parquet") as file:
        frame = pd.read_parquet(file)
    sensitive = pd.DataFrame(
        {
            "sex": frame["sex"].astype(object),
            "race": frame["race"].astype(object),
            "age": frame["age"],
        }
    )
    X = frame.drop(columns=["fnlwgt", "income", "split"])
    train = (frame["split"] == "train").to_numpy()
    y = frame["income"].astype(object).to_numpy()
    return tuple(_rows(X, y, sensitive, _ADULT_BANDS, np.flatnonzero(at)) for at in (train, ~train))  # type: ignore[return-value]


def load_german_credit(*, seed: int = 0) -> tuple[Dataset, Dataset]:
    """Return the Statlog German Credit data, train and test, divided at random within each outcome.

    Parameters
    ----------
    seed : int
        Of the division: 700 rows to train, 300 to test, 70% good in both.

    Returns
    -------
    train, test : Dataset
        20 columns with the names of the original code table, labels ``"good"`` and ``"bad"``. Sensitive features
        are ``sex`` (read from ``personal_status_sex``), ``age`` in two bands (up to 25, and 26 and over: Kamiran
        and Calders 2009) and ``foreign_worker``; age, foreign_worker and personal_status_sex are among the inputs as well.

    Raises
    ------
    InputError
        If the seed is not a whole number of at least 0.

    Notes
    -----
    H. Hofmann, 1994, doi:10.24432/C5NC77, CC BY 4.0. The code table has known errors, in sex and foreign_worker
    too: `describe` names them.

    Examples
    --------
    >>> train, test = load_german_credit(seed=0)
    >>> len(train), len(test), train.sensitive_names
    (700, 300, ['sex', 'age', 'foreign_worker'])
    """
    import pandas as pd

    with _open("german_credit.csv") as file:
        frame = pd.read_csv(file)
    y = np.where(frame["outcome"].to_numpy() == 1, "good", "bad")
    X = _with_names(frame.drop(columns="outcome"))
    sensitive = pd.DataFrame(
        {
            "sex": frame["personal_status_sex"].map(SEX).astype(object),
            "age": frame["age"],
            "foreign_worker": X["foreign_worker"].astype(object),
        }
    )
    rng = np.random.default_rng(whole("seed", seed, 0))
    return tuple(_rows(X, y, sensitive, _GERMAN_BANDS, at) for at in _stratified(y, rng))  # type: ignore[return-value]


def _open(name: str) -> IO[bytes]:
    return (files("auditkit.data") / "files" / name).open("rb")


def _rows(
    X: pd.DataFrame, y: np.ndarray, sensitive: pd.DataFrame, bands: dict[str, Any], rows: np.ndarray
) -> Dataset:
    whose = sensitive.iloc[rows].reset_index(drop=True)
    return Dataset(X.iloc[rows].reset_index(drop=True), y[rows], whose, bands=bands)


def _with_names(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with words for codes, as categories that both splits share."""
    import pandas as pd

    columns: dict[str, Any] = {}
    for name in frame.columns:
        if name not in CODES:
            columns[name] = frame[name]
            continue
        present = [word for code, word in CODES[name].items() if (frame[name] == code).any()]
        columns[name] = pd.Categorical(frame[name].map(CODES[name]), categories=present)
    return pd.DataFrame(columns)


def _stratified(y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return row numbers of train and test, each label divided in the same share, in the order of the file."""
    test = np.zeros(len(y), dtype=bool)
    for label in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == label))
        test[rows[: round(_TEST_SHARE * len(rows))]] = True
    return np.flatnonzero(~test), np.flatnonzero(test)
