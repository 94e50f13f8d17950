"""Importance: how far each input moves the model's output, by Shapley values."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt, Le, MultipleOf
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks.explainability._explainers import Explanation, additivity, explain
from auditkit.checks.explainability._explanation import in_words
from auditkit.checks.explainability._pictures import dependence, swarm, waterfalls
from auditkit.checks.explainability._shown import behind_note, drawn, importances, listed, ranking
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
        Doc("Orders drawn for each row at most, where no exact explainer fits the model."),
    ] = 512,
    target_error: Annotated[
        float,
        Gt(0),
        Le(1),
        Doc("Standard error of an attribution at which sampling stops, as a share of the output's spread."),
    ] = 0.05,
    max_calls: Annotated[
        int,
        Ge(5),
        Doc("Calls to the model that may be planned; a call asks about up to 65,536 rows."),
    ] = 200,
    interventional: Annotated[
        bool,
        Doc(
            "Explain trees against the background rows, as every other model is, and not along their own paths."
        ),
    ] = False,
    examples: Annotated[
        int,
        Ge(0),
        Le(10),
        Doc("Single rows explained one by one: real records, show only data you may share."),
    ] = 0,
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
        Orders drawn for each row at most, where the model has to be asked.
    target_error : float
        Where sampling stops, as a share of the output's standard deviation over rows.
    max_calls : int
        Calls to the model that may be planned. Where more would be needed, orders and background rows are lessened,
        and where fewer than 16 orders are left the check is not applicable.
    interventional : bool
        For trees: what the model does when the unknown inputs come from the background, whatever the known ones are. Along their own
        paths, by default, values stay nearer to what goes together in the data.
    examples : int
        Rows of which a waterfall is drawn.
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
    X = data.X.iloc[chosen].reset_index(drop=True)
    found = explain(
        subject,
        X,
        behind,
        rng,
        permutations=permutations,
        target_error=target_error,
        max_calls=max_calls,
        interventional=interventional,
    )
    importance = _importance(found, [str(c) for c in X.columns], level)
    top = sorted(importance, key=lambda m: -m.value)
    names = [str(m.group) for m in top]
    return Evidence(
        "AK401",
        (*importance, _additivity(found)),
        {"importance": ranking(top, f"Mean |{found.noun}| ({found.unit})", "Which inputs move the output most"),
         "swarm": swarm(found, X, names), **dependence(found, X, names, level),
         "dependence": _direction(found, X, top), **waterfalls(found, X, examples, subject.positive)},
        says=f"On {len(chosen):,} rows the output " + (f"moves most with {listed(top)}." if found.values.any() else "moves with no input."),
        does_not_say="That these inputs cause the outcome, or that changing them would change a person's case.",
        notes=(f"Explainer: {found.method}. {found.why}.", in_words(found.unit, subject.positive), *drawn(len(chosen), len(data)), behind_note(found, len(behind), len(source), subject),
               *_weights.ignored(data), *((f"{found.cost}.",) if found.cost else ()), *_error_note(found)),
        rows=common.rows_used(len(chosen), len(data)),
    )  # fmt: skip


def _importance(found: Explanation, names: list[str], level: float) -> list[Measurement]:
    """Return mean sizes with intervals over rows; the lower end gives up what sampling noise may have added to the sizes."""
    sizes, errors = np.abs(found.values), found.errors
    sizes = sizes.mean(axis=2) if sizes.ndim == 3 else sizes
    plain = importances("shap_importance", names, sizes, level)
    if errors is None or not np.isfinite(errors).all() or not errors.any():
        return plain
    errors = errors.mean(axis=2) if errors.ndim == 3 else errors
    # E|part + noise| exceeds |part| by at most E|noise|, which for a normal one is its spread times sqrt(2 / pi)
    noise = np.sqrt(2 / np.pi) * errors.mean(axis=0)
    wider = []
    for m, more in zip(plain, noise, strict=True):
        ends = m.interval
        if ends is not None and more > 0:
            low = max(min(0.0, ends.low), ends.low - float(more))
            m = replace(m, interval=replace(ends, low=low, method="t over rows, less sampling noise"))  # noqa: PLW2901
        wider.append(m)
    return wider


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
    spread = float(np.atleast_1d(found.output.std(axis=0)).max())
    share = f", {found.sampling_error / spread:.1%} of the output's spread" if spread else ""
    said = f"Mean standard error of an attribution from sampling: {found.sampling_error:.2g} ({found.unit}){share}"
    return (f"{said}; the intervals hold it.",)


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
