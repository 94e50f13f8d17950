"""Explainability: what the model rests its decisions on."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le, MultipleOf
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks._explainers import Explanation, additivity, explain
from auditkit.disguises import settling
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.frames import Codec
from auditkit.methods import attributions
from auditkit.subject import Subject

_VALUES = 10
_NO_INPUT = "the model does not see it directly; proxies: AK109"


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
    importance = _importance("shap_importance", [str(c) for c in data.X.columns], sizes, level)
    top = sorted(importance, key=lambda m: -m.value)
    return Evidence(
        "AK401",
        (*importance, _additivity(found)),
        {"importance": _ranking(top, f"Mean |SHAP value| ({found.unit})", "Which inputs move the output most"),
         "dependence": _direction(found, data.X.iloc[chosen], top)},
        says=f"On {len(chosen):,} rows the output moves most with {_list(top)}.",
        does_not_say="That these inputs cause the outcome, or that changing them would change a person's case.",
        notes=(f"Explainer: {found.method}. {found.why}.", f"Unit: {found.unit}.", *_error_note(found)),
        rows=common.rows_used(len(chosen), len(data)),
    )  # fmt: skip


@check(
    code="AK402",
    title="Importance of the inputs (permutation)",
    question="Which inputs does the model need to be right?",
    dimension="explainability",
    metrics=["permutation_importance"],
)
def permutation_importance(
    subject: Subject,
    *,
    rng: np.random.Generator,
    rows: Annotated[int, Ge(10), Doc("Rows shuffled at most; drawn at random where there are more.")] = 2000,
    repeats: Annotated[int, Ge(1), Le(100), Doc("Shuffles of each input, averaged.")] = 5,
    level: common.Level = 0.95,
) -> Evidence:
    """Shuffle one input at a time and measure how much worse the model becomes (Breiman 2001).

    Parameters
    ----------
    subject : Subject
        With a model to ask.
    rng : numpy.random.Generator
        Rows and shuffles.
    rows : int
        Test rows at most.
    repeats : int
        Shuffles of each input.
    level : float
        Confidence level, over rows.

    Returns
    -------
    Evidence
        ``permutation_importance`` of each input: rise of the error rate, or for a regression of the absolute
        error in spreads of the target.
    """
    common.needs_model(subject)
    data = subject.test
    if len(data) < 2:
        raise NotApplicable("one row cannot be shuffled: the test split needs at least two")
    chosen = common.draw(len(data), rows, rng)
    part, y = data.X.iloc[chosen].reset_index(drop=True), data.y[chosen]
    codec = Codec.of(part)
    unit = (float(np.std(data.y)) or 1.0) if subject.task == "regression" else 1.0

    def loss(matrix: np.ndarray, at: np.ndarray) -> np.ndarray:
        answer = subject.model.predict(codec.decode(matrix))
        if subject.task == "regression":
            return np.asarray(np.abs(answer.astype(float) - y[at]) / unit)
        return np.asarray(answer != y[at], dtype=float)

    rises = attributions.permutation_importance(loss, codec.encode(part), repeats=repeats, rng=rng)
    word = (
        "Rise of the error rate"
        if subject.task != "regression"
        else "Rise of the error (spreads of the target)"
    )
    importance = _importance("permutation_importance", [str(c) for c in data.X.columns], rises.T, level)
    top = sorted(importance, key=lambda m: -m.value)
    return Evidence(
        "AK402",
        tuple(importance),
        {"importance": _ranking(top, word, "Which inputs the model needs to be right")},
        says=f"Shuffling hurts most for {_list(top)}.",
        does_not_say="What an input is worth where others carry the same information: each then looks unimportant.",
        rows=common.rows_used(len(chosen), len(data)),
    )


@check(
    code="AK403",
    title="Direct reliance on sensitive features",
    question="Does the output change when only the sensitive feature is changed?",
    dimension="explainability",
    metrics=["sensitive_reliance"],
)
def sensitive_reliance(
    subject: Subject,
    *,
    rng: np.random.Generator,
    rows: Annotated[int, Ge(10), Doc("Rows flipped at most; drawn at random where there are more.")] = 2000,
    level: common.Level = 0.95,
) -> Evidence:
    """Set each sensitive feature that is an input to its other values, and measure how far the output moves.

    Parameters
    ----------
    subject : Subject
        With a model to ask, and sensitive features.
    rng : numpy.random.Generator
        Rows drawn.
    rows : int
        Test rows at most.
    level : float
        Confidence level, over rows.

    Returns
    -------
    Evidence
        ``sensitive_reliance`` of each sensitive feature: mean absolute change of the positive score (binary), total
        variation of the class probabilities (multiclass), or change in spreads of the target (regression); ``nan``
        for one that is no input.
    """
    common.needs_model(subject)
    data = subject.test
    columns = [str(c) for c in data.X.columns]
    inputs = [name for name in data.sensitive_names if name in columns]
    if not data.sensitive_names:
        raise NotApplicable("no sensitive features: pass Dataset(X, y, sensitive_features=[...])")
    chosen = common.draw(len(data), rows, rng)
    codec = Codec.of(data.X)
    X = codec.encode(data.X.iloc[chosen])
    unit = (float(np.std(data.y)) or 1.0) if subject.task == "regression" else 1.0

    def ask(matrix: np.ndarray) -> np.ndarray:
        return np.asarray(subject.asks(codec.decode(matrix)) / unit)

    whole = codec.encode(data.X)
    found = []
    for i, name in enumerate(data.sensitive_names):
        if name not in inputs:
            found.append(_outside(subject, name, whole, len(X), (i, len(data.sensitive_names))))
            continue
        j = columns.index(name)
        values = _others(whole[:, j], codec.kinds[j])
        if len(values) < 2:
            found.append(_unknown(name, len(X), "it has one value only"))
            continue
        moved = attributions.flip(ask, X, j, values)
        moved = moved.sum(axis=1) / 2 if moved.ndim == 2 else moved
        found.append(_moved(subject, name, moved, level))
    known = [m for m in found if m.interval is not None]
    says = "; ".join(
        f"changing only {m.group} moves the output by {common.with_ends(m)} on average" for m in known
    )
    outside = [name for name in data.sensitive_names if name not in inputs]
    return Evidence(
        "AK403",
        tuple(found),
        {"reliance": _ranking(found, "Mean change of the output", "How far the output moves")},
        says=(says[:1].upper() + says[1:] or "No sensitive feature is an input of the model by its name")
        + ".",
        does_not_say="Whether other inputs stand in for the sensitive feature: a model may use proxies.",
        notes=(
            *((f"Not an input of the model by name: {', '.join(outside)}.",) if outside else ()),
            *_weights.ignored(data),
        ),
        rows=common.rows_used(len(chosen), len(data)),
    )


def _moved(subject: Subject, name: str, moved: np.ndarray, level: float) -> Measurement:
    n, method = len(moved), "t"
    ends = statistics.mean_interval_of(moved, level)
    if subject.task != "regression" and not subject.model.has_proba and np.isin(moved, (0, 1)).all():
        method, ends = "wilson", statistics.wilson(moved.sum(), n, level)
    return common.measured("sensitive_reliance", moved.mean(), n, ends, level, method, group=name)


def _outside(subject: Subject, name: str, codes: np.ndarray, n: int, place: tuple[int, int]) -> Measurement:
    """Say of a feature that is no input by name whether an input gives it away altogether.

    There was nothing to change, so that nothing was measured.
    """
    source = next(settling(subject.test, name, codes, place), None)
    if source is None:
        return _unknown(name, 0, _NO_INPUT)
    reason = (
        f"no input has this name, but the input {source!r} settles it: name that one as the sensitive feature"
    )
    return _unknown(name, n, reason)


def _unknown(name: str, n: int, reason: str) -> Measurement:
    return Measurement("sensitive_reliance", float("nan"), n, group=name, reason=reason)


def _importance(metric: str, names: list[str], sizes: np.ndarray, level: float) -> list[Measurement]:
    n = len(sizes)
    found = []
    for j, name in enumerate(names):
        ends = statistics.mean_interval_of(sizes[:, j], level)
        found.append(common.measured(metric, sizes[:, j].mean(), n, ends, level, "t over rows", group=name))
    return found


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


def _ranking(found: list[Measurement], word: str, title: str) -> Table:
    known = [m for m in found if not np.isnan(m.value)]
    summary = f"{word}, by input: {_list(known)} lead{'s' if len(known) == 1 else ''}." if known else ""
    return Table(title, common.estimates(found), "estimates", {"value": word, "n": "records"}, summary)


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


def _others(column: np.ndarray, kind: str) -> list[float]:
    values = np.unique(column[np.isfinite(column)])
    if kind != "categorical" and len(values) > _VALUES:
        values = np.unique(np.quantile(values, np.linspace(0.05, 0.95, _VALUES), method="nearest"))
    return [float(v) for v in values]


def _list(found: list[Measurement]) -> str:
    return ", ".join(f"{m.group} ({common.with_ends(m)})" for m in found[:3])
