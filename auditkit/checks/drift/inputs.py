"""Inputs: whether the test rows are drawn as the training rows were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge
from scipy import special
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks.drift import _columns as columns_
from auditkit.checks.robustness._mixes import domain
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.progress import step
from auditkit.subject import Subject

if TYPE_CHECKING:
    from auditkit.checks.robustness._mixes import Domain

_METHOD = "noncentral chi-square and delta, bonferroni"


@check(
    code="AK501",
    title="Drift of the data",
    question="Have the rows moved away from those the model was trained on?",
    dimension="drift",
    metrics=["largest_drift_psi", "drift_psi", "drift_ks", "drifted_column_share", "domain_auc"],
)
def data_drift(
    subject: Subject,
    *,
    rng: np.random.Generator,
    columns: Annotated[
        int, Ge(1), Doc("Inputs looked at at most; drawn at random where there are more.")
    ] = 100,
    matters: columns_.MattersPsi = 0.1,
    fewest: columns_.Fewest = 100,
    rows: Annotated[int, Ge(20), Doc("Training rows, and test rows, told apart at most.")] = 2000,
    level: common.Level = 0.95,
) -> Evidence:
    """Hold every column of the test rows against the training rows, and let a classifier tell the two apart.

    Parameters
    ----------
    subject : Subject
        With training rows; inputs or sensitive features on both sides.
    rng : numpy.random.Generator
        Columns drawn, and telling training from test rows.
    columns : int
        Inputs at most.
    matters : float
        Stability index that matters.
    fewest : int
        Rows of either split below which nothing is said.
    rows : int
        Of either split, to be told apart.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``drift_psi`` of each column (population stability index, noise taken out) and ``drift_ks`` of each number; the two share one
        test. ``largest_drift_psi``: the largest, with an interval that holds for all columns and Holm's p-value. ``drifted_column_share``: columns
        that stand after Holm; a lower bound. ``domain_auc``: how well a classifier tells test rows from training rows, out of fold.

    Raises
    ------
    NotApplicable
        Without training rows, or without a column on both sides.
    """
    train, test = subject.split("train"), subject.test
    found, left_out = columns_.columns_of(subject, columns, rng)
    if not found:
        raise NotApplicable("training and test rows share no input and no sensitive feature")
    if few := columns_.too_few(len(train), len(test), fewest):
        return _silent(few, fewest, len(train) + len(test), test)
    each = 1 - (1 - level) / len(found)
    moved = []
    for i, one in enumerate(found):
        step(i / (len(found) + 1), one.name)
        moved.append((columns_.drifted(one, level), columns_.drifted(one, each)))
    adjusted = statistics.holm([one.p_value for one, _ in moved])
    step(len(found) / (len(found) + 1), "telling test from training rows")
    told = domain(subject, rows, level, rng)
    own = [one for one, _ in moved]
    headline = _largest([wide for _, wide in moved], adjusted, level, matters, fewest)
    share = _share(adjusted, level, len(train) + len(test))
    return Evidence(
        "AK501",
        (headline, share, _told(told, level), *_each(own, level, matters, fewest)),
        {"columns": _table(own, adjusted, matters)},
        says=_says(headline, own, adjusted, told, level),
        does_not_say=(
            "Whether a drift matters to the model's answers, and whether what is right has changed. Rows drawn alike in every column may differ "
            "in how the columns go together; the classifier sees some of that."
        ),
        notes=(
            *_weights.ignored(test),
            *([f"{left_out:,} inputs were not looked at: pass a greater columns=."] if left_out else []),
        ),
        rows=common.rows_used(len(test), len(test)),
    )


def _silent(why: str, fewest: int, n: int, test: object) -> Evidence:
    from auditkit.dataset import Dataset

    size = len(test) if isinstance(test, Dataset) else 0
    found = tuple(
        Measurement(metric, np.nan, n, reason=why, n_needed=2 * fewest)
        for metric in ("largest_drift_psi", "drifted_column_share", "domain_auc")
    )
    return Evidence(
        "AK501",
        found,
        says=f"Nothing is said of drift: {why}.",
        does_not_say="That nothing drifted.",
        rows=common.rows_used(size, size),
    )


def _largest(
    moved: list[columns_.Drifted], adjusted: np.ndarray, level: float, matters: float, fewest: int
) -> Measurement:
    known = [one for one in moved if not np.isnan(one.stability.value)]
    if not known:
        return Measurement(
            "largest_drift_psi",
            np.nan,
            moved[0].n,
            reason="no column has two values common enough to compare",
        )
    first = max(known, key=lambda one: one.stability.value)
    ends = max(one.stability.low for one in known), max(one.stability.high for one in known)
    wide = ends[1] - ends[0] > matters
    rows = max(columns_.needed(one.cells, matters, fewest, 1 - (1 - level) / len(moved)) for one in known)
    return common.measured(
        "largest_drift_psi",
        first.stability.value,
        first.n,
        ends,
        level,
        _METHOD,
        p_value=float(min(adjusted)),
        p_method="Holm over the columns",
        reason=f"{first.name}, of {len(moved)} columns",
        n_needed=rows if wide and first.n < rows else None,
    )


def _share(adjusted: np.ndarray, level: float, n: int) -> Measurement:
    share = float(np.mean(adjusted <= 1 - level))
    said = (
        f"{round(share * len(adjusted))} of {len(adjusted)} columns stand after Holm; more may have drifted"
    )
    return common.measured(
        "drifted_column_share", share, n, (share, 1.0), level, "Holm", bound="lower", reason=said
    )


def _told(told: Domain | None, level: float) -> Measurement:
    if told is None:
        return Measurement("domain_auc", np.nan, 0, reason="there are no inputs to tell rows by")
    auc = told.auc
    if np.isnan(auc.value) or np.isnan(auc.se):
        return Measurement("domain_auc", np.nan, told.n, reason="too few rows to tell apart")
    p = float(special.ndtr(-(auc.value - 0.5) / auc.se)) if auc.se > 0 else float(auc.value <= 0.5)
    return common.measured(
        "domain_auc",
        auc.value,
        told.n,
        (auc.low, auc.high),
        level,
        "delong within folds",
        p_value=p,
        p_method="normal, that rows cannot be told apart",
        reason="gradient boosting out of fold; below 0.5 is chance",
    )


def _each(moved: list[columns_.Drifted], level: float, matters: float, fewest: int) -> list[Measurement]:
    found = []
    for one in moved:
        test = f"{one.name} drawn alike in training and test rows"
        found.append(
            columns_.measured_psi("drift_psi", one, level, matters, fewest, group=one.name, hypothesis=test)
        )
        if one.apart:
            ends = one.apart.low, one.apart.high
            found.append(
                common.measured(
                    "drift_ks",
                    one.apart.value,
                    one.n,
                    ends,
                    level,
                    "dvoretzky-kiefer-wolfowitz",
                    group=one.name,
                    p_value=one.p_value,
                    p_method=columns_.test_of(one),
                    hypothesis=test,
                )
            )
    return found


def _table(moved: list[columns_.Drifted], adjusted: np.ndarray, matters: float) -> Table:
    order = sorted(range(len(moved)), key=lambda i: -np.nan_to_num(moved[i].stability.value, nan=-1.0))
    rows = [moved[i] for i in order]
    columns = {
        "label": tuple(one.name for one in rows),
        "value": tuple(one.stability.value for one in rows),
        "low": tuple(one.stability.low for one in rows),
        "high": tuple(one.stability.high for one in rows),
        "n": tuple(one.n for one in rows),
        "plain": tuple(one.stability.plain for one in rows),
        "ks": tuple(one.apart.value if one.apart else np.nan for one in rows),
        "p": tuple(one.p_value for one in rows),
        "p_holm": tuple(float(adjusted[i]) for i in order),
    }
    labels = {
        "label": "Column",
        "value": "Stability index",
        "n": "records",
        "plain": "index with the noise left in",
        "ks": "Kolmogorov-Smirnov distance",
        "p": "p",
        "p_holm": "p, Holm",
        "reference": "what was said to matter",
        "largest": "columns that moved most",
    }
    first = rows[0]
    summary = f"{first.name} moved most, by an index of {common.number(first.stability.value)}; each interval holds by itself."
    return Table("How far each column moved", columns, "estimates", labels, summary, reference=matters)


def _says(
    headline: Measurement,
    moved: list[columns_.Drifted],
    adjusted: np.ndarray,
    told: Domain | None,
    level: float,
) -> str:
    if np.isnan(headline.value):
        return f"Nothing is said of drift: {headline.reason}."
    drifted = [one.name for one, p in zip(moved, adjusted, strict=True) if p <= 1 - level]
    first = (
        f"{len(drifted)} of {len(moved)} columns drifted beyond chance, the most {(headline.reason or '').partition(', of ')[0]} with a "
        f"stability index of {common.with_ends(headline)}"
        if drifted
        else f"No drift beyond chance was found in {len(moved)} columns"
    )
    if told is None or np.isnan(told.auc.value):
        return f"{first}."
    return f"{first}; test rows are told from training rows with an AUC of {common.number(told.auc.value)}."
