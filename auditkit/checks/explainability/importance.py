"""Importance: how far each input moves the model's output, by Shapley values."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le, MultipleOf
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.explainability._explainers import Explanation, additivity, explain
from auditkit.checks.explainability._shown import importances, listed, ranking
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.frames import Codec
from auditkit.subject import Subject


@check(
    code="AK401",
    title="Importance of the inputs (SHAP)",
    question="Which inputs move the model's output most?",
    dimension="explainability",
    metrics=["shap_importance", "shap_additivity_error"],
)
def shap_importance(
    subject: Subject,
    *,
    rng: np.random.Generator,
    rows: Annotated[int, Ge(10), Doc("Rows explained at most; drawn at random where there are more.")] = 500,
    background: Annotated[
        int, Ge(2), Doc("Rows that stand for an unknown value, where the explainer needs them.")
    ] = 100,
    permutations: Annotated[
        int,
        Ge(2),
        Le(4096),
        MultipleOf(2),
        Doc("Orders drawn for each row, where no exact explainer fits the model."),
    ] = 64,
    level: common.Level = 0.95,
) -> Evidence:
    """Attribute the model's output to its inputs with Shapley values (Lundberg & Lee 2017).

    Parameters
    ----------
    subject : Subject
        With a model to ask.
    rng : numpy.random.Generator
        Rows, background, and sampling.
    rows : int
        Test rows explained at most.
    background : int
        Rows that stand for "unknown".
    permutations : int
        Orders drawn for each row where the model has to be asked.
    level : float
        Confidence level, over rows.

    Returns
    -------
    Evidence
        ``shap_importance`` of each input: mean absolute attribution, with an interval over rows;
        ``shap_additivity_error``: largest miss of base plus attributions, in spreads of the output. The
        explainer and the unit are named in the notes.
    """
    common.needs_model(subject)
    data = subject.test
    chosen = common.draw(len(data), rows, rng)
    source = subject.train if subject.train is not None else data
    behind = source.X.iloc[common.draw(len(source), background, rng)].reset_index(drop=True)
    found = explain(
        subject, data.X.iloc[chosen].reset_index(drop=True), behind, rng, permutations=permutations
    )
    sizes = np.abs(found.values)
    sizes = sizes.mean(axis=2) if sizes.ndim == 3 else sizes
    importance = importances("shap_importance", [str(c) for c in data.X.columns], sizes, level)
    top = sorted(importance, key=lambda m: -m.value)
    return Evidence(
        "AK401",
        (*importance, _additivity(found)),
        {"importance": ranking(top, f"Mean |SHAP value| ({found.unit})", "Which inputs move the output most"),
         "dependence": _direction(found, data.X.iloc[chosen], top)},
        says=f"On {len(chosen):,} rows the output moves most with {listed(top)}.",
        does_not_say="That these inputs cause the outcome, or that changing them would change a person's case.",
        notes=(f"Explainer: {found.method}. {found.why}.", f"Unit: {found.unit}.", *_error_note(found)),
        rows=common.rows_used(len(chosen), len(data)),
    )  # fmt: skip


def _additivity(found: Explanation) -> Measurement:
    n, miss = len(found.output), additivity(found)
    if np.isnan(miss):
        reason = "the output is the same for all rows: there is nothing to attribute"
        return Measurement("shap_additivity_error", float("nan"), n, reason=reason)
    return Measurement("shap_additivity_error", miss, n, reason="largest miss, in spreads of the output")


def _error_note(found: Explanation) -> tuple[str, ...]:
    if found.sampling_error == 0:
        return ()
    if np.isnan(found.sampling_error):
        return ("The sampling error is not known: one pair of orders a row says nothing of it.",)
    return (
        f"Mean standard error of an attribution from sampling: {found.sampling_error:.2g} ({found.unit}).",
    )


def _direction(found: Explanation, X: Any, top: list[Measurement]) -> Table:
    """Say in which direction the leading inputs push: rank correlation of value and attribution."""
    from scipy.stats import spearmanr

    codec = Codec.of(X)
    codes = codec.encode(X)
    names = [str(c) for c in codec.columns]
    rows = []
    for m in top[:10]:
        j = names.index(str(m.group))
        if codec.kinds[j] == "categorical" or found.values.ndim == 3:
            continue
        known = np.isfinite(codes[:, j])
        if known.sum() > 2 and np.ptp(codes[known, j]) > 0 and np.ptp(found.values[known, j]) > 0:
            rows.append(
                (
                    names[j],
                    float(spearmanr(codes[known, j], found.values[known, j]).statistic),
                    int(known.sum()),
                )
            )
    return Table(
        "In which direction the leading numbers push",
        {
            "input": tuple(r[0] for r in rows),
            "rank correlation": tuple(r[1] for r in rows),
            "n": tuple(r[2] for r in rows),
        },
        summary="Rank correlation of an input's value with its attribution: above 0, higher values raise the output.",
    )
