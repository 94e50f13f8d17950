"""Leaky: the feature that alone tells the label best, chosen on training rows and measured on test rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.evidence import Measurement, Table
from auditkit.methods.poisoning import leaky
from auditkit.methods.proxies import even_folds

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditkit.checks.poisoning._rows import Coded

__all__ = ["METRICS", "leaky_feature"]

METRICS = ["leaky_feature_auc", "leaky_feature_lead"]

_FOLDS, _SHOWN, _FEWEST = 5, 12, 5


def leaky_feature(
    rows: Coded, y: np.ndarray, y_test: np.ndarray, classes: list[str], level: float, rng: np.random.Generator
) -> tuple[list[Measurement], dict[str, Table], str]:
    """Return how well the best feature alone tells the label, its lead over the next, all features as a table, and a sentence.

    The shares of the classes by value are counted on training rows. Which feature is best, and for which class, is settled there too, out of
    fold; test rows only measure, so that the best of many is not best by luck.
    """
    folds = even_folds(y, _FOLDS, rng)
    areas, scores = _areas(rows, y, folds, len(classes))
    place = np.argsort(-areas.max(axis=1), kind="stable")
    best = int(place[0])
    target = 1 if len(classes) == 2 else int(areas[best].argmax())
    is_target = y_test == target
    if min(is_target.sum(), (~is_target).sum()) < _FEWEST:
        reason = (
            f"fewer than {_FEWEST} test rows of one side: {int(is_target.sum())} of class {classes[target]}"
        )
        return [_undefined(metric, len(y_test), reason) for metric in METRICS], {}, ""
    told = [scores(j)[:, target] for j in place[:_SHOWN]]
    found = [statistics.auc(one, is_target, level=level) for one in told]
    names = [rows.names[j] for j in place[:_SHOWN]]
    n = len(y_test)
    area = common.measured(
        "leaky_feature_auc", found[0].value, n, (found[0].low, found[0].high), level, "delong",
        reason=f"{names[0]} alone, for class {classes[target]}",
    )  # fmt: skip
    lead = _undefined("leaky_feature_lead", n, "there is one feature only")
    if len(told) > 1:
        gap = statistics.paired_auc_difference(told[0], told[1], is_target, level=level)
        lead = common.measured(
            "leaky_feature_lead", gap.value, n, (gap.low, gap.high), level, "delong, paired",
            reason=f"{names[0]} over {names[1]}",
        )  # fmt: skip
    shown = [
        common.measured("auc", one.value, n, (one.low, one.high), level, "delong", group=name)
        for name, one in zip(names, found, strict=True)
    ]
    summary = f"How well each feature alone tells class {classes[target]} from the others, on test rows; 0.5 is guessing."
    words = {"label": "Feature", "value": "AUC alone", "n": "records"}
    table = Table(
        "What each feature tells alone", common.estimates(shown), "estimates", words, summary, reference=0.5
    )
    return (
        [area, lead],
        {"features": table},
        f"The most telling feature alone is {names[0]}, with an AUC of {common.with_ends(area)}.",
    )


def _areas(
    rows: Coded, y: np.ndarray, folds: np.ndarray, classes: int
) -> tuple[np.ndarray, Callable[[int], np.ndarray]]:
    """Return the AUC of each feature for each class, out of fold, and what scores the test rows by a feature."""
    areas = np.full((len(rows.names), classes), 0.5)
    bins = [
        leaky.bins_of(rows.train[:, j], rows.train[:, j], categorical=bool(c))
        for j, c in enumerate(rows.categorical)
    ]
    for j, own in enumerate(bins):
        told = np.empty((len(y), classes))
        for fold in range(_FOLDS):
            out = folds == fold
            told[out] = leaky.class_rates(own[~out], y[~out], own[out], classes)
        for c in range(classes):
            if 0 < (y == c).sum() < len(y):
                areas[j, c] = statistics.auc(told[:, c], y == c).value

    def scores(j: int) -> np.ndarray:
        asked = leaky.bins_of(rows.test[:, j], rows.train[:, j], categorical=bool(rows.categorical[j]))
        return leaky.class_rates(bins[j], y, asked, classes)

    return areas, scores


def _undefined(metric: str, n: int, reason: str) -> Measurement:
    return Measurement(metric, float("nan"), n, reason=reason)
