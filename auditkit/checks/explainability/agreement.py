"""Agreement: whether other ways of explaining the same rows name the same inputs."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.explainability import _quality as quality
from auditkit.checks.explainability._explainers import Background, Permutations
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.frames import Codec
from auditkit.methods import attributions
from auditkit.methods import explanation_quality as science
from auditkit.subject import Subject

_OCCLUSION, _SHUFFLE = "occlusion", "shuffling (squared error)"
_NO_ORDER = "an explainer gives all inputs the same importance: there is no order to compare"


@check(
    code="AK411",
    title="Agreement between explainers",
    question="Do other ways of explaining the model name the same inputs?",
    dimension="explainability",
    metrics=["explainer_agreement", "global_explainer_agreement", "feature_agreement"],
)
def explainer_agreement(
    subject: Subject,
    *,
    rng: np.random.Generator,
    rows: quality.Rows = 100,
    background: Background = 100,
    permutations: Permutations = 64,
    shuffled: Annotated[int, Ge(10), Doc("Rows that permutation importance is measured on, at most.")] = 1000,
    repeats: Annotated[
        int, Ge(1), Le(100), Doc("Shuffles of each input, averaged, for permutation importance.")
    ] = 5,
    level: common.Level = 0.95,
) -> Evidence:
    """Explain the same model in two other ways, and compare which inputs each names.

    Parameters
    ----------
    subject : Subject
        With a model to ask.
    rng : numpy.random.Generator
        Rows and shuffles.
    rows : int
        Test rows explained at most.
    background : int
        Rows that stand for "unknown".
    permutations : int
        Orders drawn for each row where the model has to be asked.
    shuffled : int
        Test rows shuffled at most.
    repeats : int
        Shuffles of each input.
    level : float
        Confidence level, over rows.

    Returns
    -------
    Evidence
        ``explainer_agreement``: mean over rows of the rank correlation over inputs of the explanation with occlusion (each
        input alone replaced). ``global_explainer_agreement`` and ``feature_agreement``: rank correlation and share of common
        leading inputs of the importances over all rows, with occlusion and with permutation importance.
    """
    base = quality.shown(subject, rows=rows, background=background, permutations=permutations, rng=rng)
    codec = Codec.of(base.background, base.X)

    def ask(matrix: np.ndarray) -> np.ndarray:
        return subject.asks(codec.decode(matrix))

    alone = science.occlusion(ask, codec.encode(base.X), codec.encode(base.background))
    label = quality.given_label(subject.asks(base.X))
    rows_agree = science.rank_correlation(*(quality.of_label(v, label) for v in (base.found.values, alone)))
    own = quality.sizes(base.found.values)
    parts = {_OCCLUSION: quality.sizes(alone), _SHUFFLE: _rises(subject, shuffled, repeats, rng)}
    top, leading = quality.leading(base)
    rowwise = _over_rows(rows_agree, level)
    overall = [_overall(own, part, name, level) for name, part in parts.items()]
    tops = [_leading(own, part, name, top) for name, part in parts.items()]
    return Evidence(
        "AK411",
        (rowwise, *overall, *tops),
        {"importances": _ranks(base, {"the explanation": own, **parts}, level)},
        says=_says(rowwise, overall),
        does_not_say="Which of them is right: each asks another question, and where inputs act together they may differ in "
        "earnest.",
        notes=(
            *base.notes(subject),
            "Occlusion: how far the output falls when one input alone is replaced by the comparison rows' values.",
            "Shuffling: how much worse the model becomes (squared error) when one input is shuffled. AK402 counts wrong answers instead.",
            leading,
        ),
        rows=common.rows_used(len(base.X), len(subject.test)),
    )


def _rises(subject: Subject, most: int, repeats: int, rng: np.random.Generator) -> np.ndarray:
    """Return how much the squared error of each row rises when an input is shuffled, shape (n, d)."""
    data = subject.test
    chosen = common.draw(len(data), most, rng)
    part, y = data.X.iloc[chosen].reset_index(drop=True), data.y[chosen]
    codec = Codec.of(part)
    if subject.task == "regression":
        wanted = y.astype(float)
    elif subject.task == "binary":
        wanted = (y == subject.positive).astype(float)
    else:
        wanted = np.eye(len(subject.classes))[subject.class_index(y)]  # type: ignore[arg-type]

    def loss(matrix: np.ndarray, at: np.ndarray) -> np.ndarray:
        miss = np.square(subject.asks(codec.decode(matrix)) - wanted[at])
        return np.asarray(miss.sum(axis=1) if miss.ndim == 2 else miss)

    return attributions.permutation_importance(loss, codec.encode(part), repeats=repeats, rng=rng).T


def _over_rows(values: np.ndarray, level: float) -> Measurement:
    known = values[np.isfinite(values)]
    if not len(known):
        return Measurement(
            "explainer_agreement", float("nan"), len(values), group=_OCCLUSION, reason=_NO_ORDER
        )
    ends = np.clip(statistics.mean_interval_of(known, level), -1.0, 1.0)
    return common.measured(
        "explainer_agreement",
        known.mean(),
        len(known),
        (ends[0], ends[1]),
        level,
        "t over rows",
        group=_OCCLUSION,
    )


def _overall(own: np.ndarray, part: np.ndarray, name: str, level: float) -> Measurement:
    metric = "global_explainer_agreement"
    found = science.global_agreement(own, part, level=level)
    if np.isnan(found.value):
        return Measurement(metric, float("nan"), len(own), group=name, reason=_NO_ORDER)
    reason = (
        f"the rows leave open which is larger in {found.unsettled} of {found.pairs} pairs of inputs"
        if found.unsettled
        else None
    )
    ends = (found.low, found.high)
    return common.measured(
        metric, found.value, len(own), ends, level, "Student by pairs, Bonferroni", group=name, reason=reason
    )


def _leading(own: np.ndarray, part: np.ndarray, name: str, top: int) -> Measurement:
    share = science.top_overlap(own.mean(axis=0)[None], part.mean(axis=0)[None], top)[0]
    reason = f"a share of {top} leading inputs: a count, with no interval of its own"
    return Measurement("feature_agreement", float(share), len(own), group=name, reason=reason)


def _ranks(base: quality.Shown, parts: dict[str, np.ndarray], level: float) -> Table:
    """Return the importance of each input by each explainer, as a share of the largest."""
    names = [str(c) for c in base.X.columns]
    order = np.argsort(-next(iter(parts.values())).mean(axis=0), kind="stable")
    columns: dict[str, list[object]] = {name: [] for name in ("label", "value", "low", "high", "n", "series")}
    firsts = {}
    for series, part in parts.items():
        largest = float(part.mean(axis=0).max())
        scale = largest if largest > 0 else 1.0
        firsts[series] = names[int(part.mean(axis=0).argmax())]
        low, high = statistics.mean_interval_of(part.T, level)
        for j in order:
            values = (names[j], part[:, j].mean() / scale, low[j] / scale, high[j] / scale, len(part), series)
            for name, value in zip(columns, values, strict=True):
                columns[name].append(value)
    leads = "; ".join(f"{series}: {name}" for series, name in firsts.items())
    return Table(
        "Importance of each input by each way of explaining",
        {name: tuple(values) for name, values in columns.items()},
        "estimates",
        {"value": "Importance (1: the largest of that way)", "n": "records"},
        f"Which input leads: {leads}.",
    )


def _says(rowwise: Measurement, overall: list[Measurement]) -> str:
    every = [(rowwise, "row by row"), *((m, "over all rows") for m in overall)]
    known = [(m, f"with {m.group} {where}") for m, where in every if not np.isnan(m.value)]
    if not known:
        return "No way of explaining puts the inputs in an order: the output does not move with them."
    like = [f"{words} ({common.with_ends(m)})" for m, words in known if _low(m) > 0]
    against = [f"{words} ({common.with_ends(m)})" for m, words in known if _high(m) < 0]
    left = [f"{words} ({common.with_ends(m)})" for m, words in known if _low(m) <= 0 <= _high(m)]
    parts = [f"agrees {' and '.join(like)}"] if like else []
    parts += [f"is turned around {' and '.join(against)}"] if against else []
    parts += [f"may or may not agree {' and '.join(left)}: these rows leave that open"] if left else []
    return f"The order of the inputs {'; it '.join(parts)} (1: the same order; 0: unrelated)."


def _low(m: Measurement) -> float:
    return m.value if m.interval is None else float(m.interval.low)


def _high(m: Measurement) -> float:
    return m.value if m.interval is None else float(m.interval.high)
