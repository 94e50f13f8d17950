"""Explainers: the right way to attribute a model's output to its input columns, chosen and named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditkit.checks.explainability._inside import Raw, dense, how_to_read
from auditkit.errors import NotApplicable
from auditkit.frames import Codec
from auditkit.methods.attributions import additivity_error, sampled_shapley

if TYPE_CHECKING:
    import pandas as pd

    from auditkit.subject import Subject

__all__ = ["Explanation", "additivity", "explain"]

_WRONG = 0.005  # of the output's spread: an explainer that misses by more is not believed
_PROBED = 400


@dataclass(frozen=True, eq=False)
class Explanation:
    """Attributions of rows to input columns.

    Attributes
    ----------
    values : ndarray of shape (n, d) or (n, d, k)
        In the unit of `unit`; for a binary task about the positive label.
    base, output : ndarray of shape () or (k,), and (n,) or (n, k)
        Base value, and what the model says of each row in the same unit.
    method, why, unit : str
        The explainer, why it was chosen, and what the output is: "log odds", "probability", "value".
    sampling_error : float
        Mean standard error of an attribution; 0 where it is exact, ``nan`` where it is not known.
    """

    values: np.ndarray
    base: np.ndarray
    output: np.ndarray
    method: str
    why: str
    unit: str
    sampling_error: float = 0.0


def explain(
    subject: Subject,
    X: pd.DataFrame,
    background: pd.DataFrame,
    rng: np.random.Generator,
    *,
    permutations: int = 64,
) -> Explanation:
    """Attribute the model's output to its input columns.

    Tree ensembles are explained along their paths, linear models in closed form, through a preprocessing
    pipeline whose every output column rests on one input column. Anything else is asked: permutation sampling
    of Shapley values against the background.

    Parameters
    ----------
    subject : Subject
        With a model to ask.
    X, background : DataFrame
        Rows to explain, and rows that stand for "unknown".
    rng : numpy.random.Generator
        For sampling.
    permutations : int
        Orders drawn for each row, where sampling is used.

    Raises
    ------
    NotApplicable
        If there is no column.
    """
    if X.shape[1] == 0:
        raise NotApplicable("the data set has no features to attribute anything to")
    found, why = _inside(subject, X, background)
    if found is not None:
        miss = additivity(found)
        if np.isnan(miss) or miss <= _WRONG:
            return found
        why = f"{found.method} missed the model's output by {miss:.2g} of its spread"
    return _sampled(subject, X, background, rng, permutations, why)


def additivity(found: Explanation) -> float:
    """Return the largest miss of base plus attributions, in spreads of the output; ``nan`` for a constant output.

    With several outputs each is measured in its own spread (standard deviation over rows).
    """
    spread = np.atleast_1d(found.output.std(axis=0))
    scale = np.abs(found.output).max(axis=0, initial=0.0)
    varied = spread > 1e-12 * np.maximum(1.0, np.atleast_1d(scale))
    if not varied.any():
        return float("nan")
    miss = additivity_error(found.values, found.base, found.output).reshape(len(found.output), -1)
    return float((miss[:, varied] / spread[varied]).max())


def _inside(subject: Subject, X: pd.DataFrame, background: pd.DataFrame) -> tuple[Explanation | None, str]:
    """Explain a model whose inside is understood; else None, and why not."""
    inner = subject.model.inner
    final, read = how_to_read(inner)
    if read is None:
        return None, f"no exact explainer for {subject.model.kind}"
    try:
        Z, Z_background = _transformed(inner, X), _transformed(inner, background)
        owner = _owners(subject, X)
        if owner is None:
            return None, "its preprocessing mixes input columns"
        raw = read(final, Z, Z_background)
        values, base, output = _about_positive(subject, raw)
    except Exception as error:  # noqa: BLE001 - explainers refuse models in many ways; the model is asked instead
        return None, f"the exact explainer refused this model ({type(error).__name__})"
    if values.shape[1] != len(owner):
        return None, "its preprocessing gives other columns than the model reads"
    summed = np.zeros((len(X), X.shape[1], *values.shape[2:]))
    for column, at in enumerate(owner):
        if at >= 0:
            summed[:, at] += values[:, column]
        elif np.abs(values[:, column]).max(initial=0.0) > 0:
            return None, "its preprocessing makes a column that no input column moves"
    summed_to = (
        ""
        if owner == list(range(X.shape[1]))
        else "; encoded columns are summed to the input column they come from"
    )
    return Explanation(
        summed, base, output, raw.method, f"{type(final).__name__} can be read exactly{summed_to}", raw.unit
    ), ""


def _steps(inner: object) -> list[tuple[str, object]]:
    steps = getattr(getattr(inner, "estimator", None), "steps", None)
    return steps if isinstance(steps, list) else []


def _transformed(inner: object, X: pd.DataFrame) -> object:
    """Return what the last step of the pipeline sees."""
    if not hasattr(inner, "dressed"):
        return X
    dressed = inner.dressed(X)
    return inner.estimator[:-1].transform(dressed) if len(_steps(inner)) > 1 else dressed  # type: ignore[attr-defined]


def _owners(subject: Subject, X: pd.DataFrame) -> list[int] | None:
    """Return which input column each column the last step sees rests on; None if one rests on several.

    Found by moving one input column at a time and looking which columns move: shifted by a row, so that no
    column that varies stays as it was, and shuffled.
    """
    inner = subject.model.inner
    if len(_steps(inner)) <= 1:
        return list(range(X.shape[1]))
    probe = _probe(subject)
    n = len(probe)
    if n < 2:
        return None
    before = dense(_transformed(inner, probe))
    owner = np.full(before.shape[1], -1)
    orders = (np.roll(np.arange(n), 1), np.random.default_rng(0).permutation(n))
    for j, name in enumerate(probe.columns):
        touched = np.zeros(before.shape[1], dtype=bool)
        for order in orders:
            moved = probe.copy()
            moved[name] = probe[name].iloc[order].set_axis(probe.index)
            after = dense(_transformed(inner, moved))
            touched |= ~((before == after) | (np.isnan(before) & np.isnan(after))).all(axis=0)
        if (owner[touched] >= 0).any():
            return None
        owner[touched] = j
    return [int(j) for j in owner]


def _probe(subject: Subject) -> pd.DataFrame:
    """Return rows in which every value of a column with few values appears, so that each encoded column moves."""
    import pandas as pd

    parts = [subject.test.X] if subject.train is None else _alike(subject.test.X, subject.train.X)
    picked = []
    for frame in parts:
        rows = set(range(0, len(frame), max(1, len(frame) // _PROBED)))
        for name in frame.columns:
            codes, values = pd.factorize(frame[name], use_na_sentinel=False)
            if len(values) <= _PROBED:
                rows |= set(np.unique(codes, return_index=True)[1].tolist())
        picked.append(frame.iloc[sorted(rows)])
    probe: pd.DataFrame = pd.concat(picked, ignore_index=True)
    return probe


def _alike(X: pd.DataFrame, background: pd.DataFrame) -> list[pd.DataFrame]:
    """Return both with one set of categories a column: those of the background, and what else the rows have."""
    import pandas as pd

    rows, others = X.copy(), background.copy()
    for name in X.columns:
        own, known = X[name].dtype, background[name].dtype
        if isinstance(own, pd.CategoricalDtype) and isinstance(known, pd.CategoricalDtype) and own != known:
            more = [value for value in own.categories if value not in known.categories]
            both = pd.CategoricalDtype([*known.categories, *more], ordered=known.ordered)
            rows[name], others[name] = X[name].astype(both), background[name].astype(both)
    return [rows, others]


def _about_positive(subject: Subject, raw: Raw) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Turn a binary explanation into one of the positive label."""
    values, base, output = raw.values, np.asarray(raw.base, dtype=float), raw.output
    if subject.task != "binary" or subject.classes is None:
        return values, base, output
    at = int(np.flatnonzero(subject.classes == subject.positive)[0])
    if output.ndim == 2:
        return values[:, :, at], base[at], output[:, at]
    sign = 1 if at == len(subject.classes) - 1 else -1
    return sign * values, sign * base, sign * output


def _sampled(
    subject: Subject,
    X: pd.DataFrame,
    background: pd.DataFrame,
    rng: np.random.Generator,
    permutations: int,
    why: str,
) -> Explanation:
    X, background = _alike(X, background)
    codec = Codec.of(X, background)
    rows, others = codec.encode(X), codec.encode(background)
    # each row passes through the whole background equally often: then base and attributions add up exactly
    others = others[rng.permutation(len(others))[: permutations // 2]]
    rounds = max(1, permutations // (2 * len(others)))

    def ask(matrix: np.ndarray) -> np.ndarray:
        return subject.asks(codec.decode(matrix))

    found = sampled_shapley(ask, rows, others, rng, permutations=2 * len(others) * rounds)
    why = f"{why}; {found.permutations} orders a row over {len(others)} background rows, {found.calls:,} calls to the model"
    known = found.standard_error[np.isfinite(found.standard_error)]
    error = float(known.mean()) if known.size else float("nan")
    return Explanation(
        found.values,
        found.base,
        ask(rows),
        "permutation sampling (interventional)",
        why,
        _unit(subject),
        error,
    )


def _unit(subject: Subject) -> str:
    if subject.task == "regression":
        return "value"
    return "probability" if subject.model.has_proba else "1 where the model says this label, else 0"
