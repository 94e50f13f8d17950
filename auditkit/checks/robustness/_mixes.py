"""Mixes: the columns along which the mix of records may change, and the changes that have a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditkit.checks import _common as common
from auditkit.checks._sweeps import space_of
from auditkit.methods import proxies, reweighing
from auditkit.statistics.cross_validated import cross_validated_auc

if TYPE_CHECKING:
    from auditkit.statistics.roc import Auc
    from auditkit.subject import Subject

__all__ = ["Column", "Domain", "columns_of", "domain", "named_shifts"]

_FOLDS = 5


class Column(NamedTuple):
    """A column of the test rows: its name, the cell of each row and their words; its numbers where it can be tilted."""

    name: str
    cells: np.ndarray
    words: list[str]
    numbers: np.ndarray | None


class Domain(NamedTuple):
    """How well test rows are told from training rows, the test rows asked about, and how much likelier each is in training."""

    auc: Auc
    rows: np.ndarray
    weights: np.ndarray
    n: int


def columns_of(subject: Subject, most: int, rng: np.random.Generator) -> tuple[list[Column], int]:
    """Return the columns of two cells or more, `most` inputs at most and every sensitive feature; and how many were left out."""
    test = subject.test
    found: list[Column] = []
    left_out = 0
    if test.X.shape[1]:
        codec, space = space_of(subject)
        X = codec.encode(test.X)
        at = common.draw(X.shape[1], most, rng)
        left_out = X.shape[1] - len(at)
        for j in at:
            values = np.unique(X[:, j][~np.isnan(X[:, j])])
            coded = bool(space.categorical[j]) or len(values) <= 2
            # a value that one row alone holds may be a name: it is not shown, and is no mix that could change
            cells, ends = reweighing.column_cells(X[:, j], coded=coded, least=2)
            names = [_word(space.names[j], end, codec.categories[j]) for end in ends]
            found.append(Column(space.names[j], cells, names, None if coded else X[:, j]))
    for name in test.sensitive_names:
        if name not in map(str, test.X.columns):
            (groups,) = common.groupings(test, [name], intersections=False)
            cells, ends = reweighing.column_cells(groups.codes.astype(float), coded=True)
            words = [
                groups.labels[int(end.removeprefix("code "))] if end.startswith("code ") else f"{name}: {end}"
                for end in ends
            ]
            found.append(Column(name, cells, words, None))
    return [column for column in found if len(column.words) > 1], left_out


def _word(name: str, end: str, categories: tuple[object, ...]) -> str:
    if not end.startswith("code "):
        return f"{name} {end}"
    code = float(end.removeprefix("code "))
    return f"{name}={categories[int(code)]}" if categories else f"{name}={code:g}"


def named_shifts(columns: list[Column], tilt: float) -> list[tuple[str, np.ndarray]]:
    """Return shifts with a name and the weight of every test row: numbers tilted up and down, categories twice as common."""
    found: list[tuple[str, np.ndarray]] = []
    for column in columns:
        if column.numbers is not None:
            for word, way in (("higher", tilt), ("lower", -tilt)):
                found.append((f"{column.name} {word}", reweighing.tilted_weights(column.numbers, way)))
            continue
        found.extend(
            (f"{word} twice as common", 1.0 + (column.cells == cell))
            for cell, word in enumerate(column.words)
        )
    return found


def domain(subject: Subject, most: int, level: float, rng: np.random.Generator) -> Domain | None:
    """Tell test rows from training rows by their inputs, out of fold; None without inputs or training rows."""
    if subject.train is None or not subject.test.X.shape[1]:
        return None
    codec, space = space_of(subject)
    rows = common.draw(len(subject.test), most, rng)
    others = common.draw(len(subject.train), most, rng)
    X = np.concatenate([codec.encode(subject.test.X.iloc[rows]), codec.encode(subject.train.X.iloc[others])])
    in_test = np.repeat([1, 0], [len(rows), len(others)])
    folds = proxies.even_folds(in_test, _FOLDS, rng)
    seed = int(rng.integers(2**31 - 1))
    chance = proxies.boosted_classes(X, space.categorical, in_test, folds, seed=seed, smooth=True)
    auc = cross_validated_auc(chance[:, 1], in_test, 1 - in_test, folds, level)
    share = float(np.mean(in_test == 0))
    weights = reweighing.density_ratio(chance[: len(rows), 0], share)
    return Domain(auc, rows, weights, len(X))
