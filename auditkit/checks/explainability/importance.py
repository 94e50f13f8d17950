"""Importance: how far each input moves the model's output, by Shapley values."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt, Le
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks.explainability._behind import sizes_behind
from auditkit.checks.explainability._explainers import (
    Background,
    Explanation,
    Permutations,
    additivity,
    explain,
)
from auditkit.checks.explainability._explanation import in_words, label_of, named
from auditkit.checks.explainability._goal import goal_of
from auditkit.checks.explainability._pictures import dependence, swarm, waterfalls
from auditkit.checks.explainability._records import MOST, Records, borderline, called, with_more
from auditkit.checks.explainability._shown import (
    behind,
    behind_note,
    drawn,
    enough,
    importances,
    listed,
    ranking,
)
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
    background: Background = 100,
    permutations: Permutations = 512,
    target_error: Annotated[
        float,
        Gt(0),
        Le(1),
        Doc("Standard error of an attribution at which sampling stops, as a share of the output's spread."),
    ] = 0.05,
    max_calls: Annotated[
        int,
        Ge(5),
        Doc("Calls to the model at most; a call asks about up to 65,536 rows."),
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
        Le(MOST),
        Doc(
            "Single rows explained one by one, those that missed the positive answer by least: real records, show only data you may "
            "share."
        ),
    ] = 0,
    records: Records = None,
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
        Calls to the model at most. Where more would be needed, orders and background rows are lessened,
        and where fewer than 16 orders are left the check is not applicable.
    interventional : bool
        For trees: what the model does when the unknown inputs come from the background, whatever the known ones are. Along their own
        paths, by default, values stay nearer to what goes together in the data.
    examples : int
        Rows of which a waterfall is drawn: those that missed the positive answer by least, also where they were not among the
        rows drawn; of a regression, rows spread over the values.
    records : list of int, optional
        Numbers of the test rows to show in their place.
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
    enough(len(data), "to say what moves the output")
    chosen = common.draw(len(data), rows, rng)
    others, source = behind(subject, background, rng)
    both, shown = with_more(chosen, _shown_rows(subject, chosen, examples, records))
    every = data.X.iloc[both].reset_index(drop=True)
    explained = explain(
        subject,
        every,
        others,
        rng,
        permutations=permutations,
        target_error=target_error,
        max_calls=max_calls,
        interventional=interventional,
    )
    X, found = every.iloc[: len(chosen)], explained.of(np.arange(len(chosen)))
    names = called(data.record_ids(both[shown]), both[shown], asked=records is not None)
    single = waterfalls(explained.of(shown), every.iloc[shown], names, label_of(subject), subject.classes)
    label = label_of(subject)
    unit = named(found.unit, label)
    importance = _importance(found, [str(c) for c in X.columns], level)
    top = sorted(importance, key=lambda m: -m.value)
    names = [str(m.group) for m in top]
    return Evidence(
        "AK401",
        (*importance, _additivity(found)),
        {"importance": ranking(top, f"Mean |{found.noun}| ({unit})", "Which inputs move the output most"),
         "swarm": swarm(found, X, names, label), **dependence(found, X, names, level, label),
         "dependence": _direction(found, X, top), **single},
        says=_says(found, top, label),
        does_not_say="That these inputs cause the outcome, or that changing them would change a person's case.",
        notes=(f"Explainer: {found.method}. {found.why}.", in_words(found.unit, label), *drawn(len(chosen), len(data)), behind_note(found, len(others), len(source), subject),
               *_weights.ignored(data), *((f"{found.cost}.",) if found.cost else ()), *_error_note(found, unit)),
        rows=common.rows_used(len(chosen), len(data)),
    )  # fmt: skip


def _says(found: Explanation, top: list[Measurement], label: object) -> str:
    """Return the leading inputs with their mean sizes, in a unit."""
    rows = f"On {len(found.output):,} rows"
    if not found.values.any():
        return f"{rows} the output moves with no input."
    if found.unit != "probability":
        unit = "in the target's unit" if found.unit == "value" else f"unit: {named(found.unit, label)}"
        return f"{rows} the output moves most with {listed(top)}: mean sizes, {unit}."
    what = "the probabilities move" if label is None else f"the chance of {str(label)!r} moves"
    return f"{rows} {what} most with {', '.join(map(_in_points, top[:3]))} on average."


def _in_points(m: Measurement) -> str:
    ends = f" [{100 * m.interval.low:.1f}, {100 * m.interval.high:.1f}]" if m.interval else ""
    return f"{m.group} ({100 * m.value:.1f}{ends} points)"


def _shown_rows(subject: Subject, chosen: np.ndarray, examples: int, records: list[int] | None) -> np.ndarray:
    """Return the test rows to show one by one; none where none were asked for."""
    if records is not None:
        return np.array(records, dtype=int)
    if not examples:
        return np.array([], dtype=int)
    if subject.task != "regression":
        return borderline(goal_of(subject, None, None, None), examples, filled=True)
    values = np.asarray(subject.answers("test").labels, dtype=float)[chosen]
    places = np.linspace(0, len(chosen) - 1, min(examples, len(chosen))).round().astype(int)
    return np.asarray(chosen[np.argsort(values, kind="stable")[np.unique(places)]])


def _importance(found: Explanation, names: list[str], level: float) -> list[Measurement]:
    """Return mean sizes with intervals over rows; the lower end gives up what sampling noise may have added to the sizes."""
    sizes, errors = np.abs(found.values), found.errors
    sizes = sizes.mean(axis=2) if sizes.ndim == 3 else sizes
    plain = importances("shap_importance", names, sizes, level, sizes_behind(found))
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
            m = replace(m, interval=replace(ends, low=low, method=f"{ends.method}, less sampling noise"))  # noqa: PLW2901
        wider.append(m)
    return wider


def _additivity(found: Explanation) -> Measurement:
    n, miss = len(found.output), additivity(found)
    if np.isnan(miss):
        reason = "the output is the same for all rows: there is nothing to attribute"
        return Measurement("shap_additivity_error", float("nan"), n, reason=reason)
    reason = "largest miss, in standard deviations of the output over these rows"
    if found.shapley:
        reason += (
            "; Shapley values add up to the output by definition, and an explainer that misses it is not used"
        )
    return Measurement("shap_additivity_error", miss, n, reason=reason, by_construction=found.shapley)


def _error_note(found: Explanation, unit: str) -> tuple[str, ...]:
    if found.sampling_error == 0:
        return ()
    if np.isnan(found.sampling_error):
        return ("The sampling error is not known: one pair of orders a row says nothing of it.",)
    spread = float(np.atleast_1d(found.output.std(axis=0)).max())
    share = f", {found.sampling_error / spread:.1%} of the output's spread" if spread else ""
    said = f"Mean standard error of an attribution from sampling: {found.sampling_error:.2g} ({unit}){share}"
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
