"""Rows: training and test rows as numbers that can be compared, and what an option `examples` may show of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit.errors import NotApplicable
from auditkit.evidence import Table
from auditkit.frames import Codec
from auditkit.methods.poisoning.twins import robust_units

if TYPE_CHECKING:
    from auditkit.dataset import Dataset
    from auditkit.subject import Subject

__all__ = ["FEWEST", "Coded", "Examples", "class_codes", "coded", "positions", "training_of"]

FEWEST = 20  # rows of a side, below which nothing is said

Examples = Annotated[
    int,
    Ge(0),
    Doc("How many row positions a table lists: places in your files, no values. They point at records."),
]


def training_of(subject: Subject) -> Dataset:
    """Return the training rows.

    Raises
    ------
    NotApplicable
        If there are none, they have no inputs, or either split is too small to say anything.
    """
    train = subject.split("train")
    if train.X.shape[1] == 0:
        raise NotApplicable("this check compares rows by their inputs; the data set has no features")
    if min(len(train), len(subject.test)) < FEWEST:
        raise NotApplicable(
            f"{len(train)} training rows and {len(subject.test)} test rows: at least {FEWEST} of each are needed"
        )
    return train


@dataclass(frozen=True, eq=False)
class Coded:
    """Both splits as numbers.

    Attributes
    ----------
    train, test : ndarray of float, shapes (n, d) and (m, d)
        Categories as codes, missing as ``nan``.
    categorical : ndarray of bool, shape (d,)
        Which columns hold categories.
    names : tuple of str
        The columns.
    """

    train: np.ndarray
    test: np.ndarray
    categorical: np.ndarray
    names: tuple[str, ...]

    def units(self) -> tuple[np.ndarray, np.ndarray]:
        """Return both splits in spreads of the training rows."""
        both = robust_units(np.concatenate([self.train, self.test]), self.categorical, self.train)
        return both[: len(self.train)], both[len(self.train) :]


def coded(train: Dataset, test: Dataset) -> Coded:
    """Return both splits as numbers, under one coding."""
    codec = Codec.of(train.X, test.X)
    categorical = np.array([kind == "categorical" for kind in codec.kinds])
    names = tuple(str(name) for name in codec.columns)
    return Coded(codec.encode(train.X), codec.encode(test.X), categorical, names)


def class_codes(subject: Subject, train: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes of training and test rows as numbers from 0, in the order of the subject's classes."""
    return subject.class_index(train.y), subject.class_index(subject.test.y)


def positions(title: str, columns: dict[str, Any], examples: int, what: str) -> dict[str, Table]:
    """Return a table of row positions, where it was asked for."""
    if not examples:
        return {}
    shown = {name: tuple(np.asarray(values)[:examples].tolist()) for name, values in columns.items()}
    n = len(next(iter(shown.values())))
    return {
        "positions": Table(
            title, shown, summary=f"{n} {what}, by place from 0; no value of a record is shown."
        )
    }
