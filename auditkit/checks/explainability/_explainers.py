"""Explainers: the right way to attribute a model's output to its input columns, chosen and named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Le, MultipleOf
from typing_extensions import Doc

from auditkit.checks.explainability._asked import ask
from auditkit.checks.explainability._behind import by_parts
from auditkit.checks.explainability._explanation import Explanation, additivity, alike
from auditkit.checks.explainability._inside import LINEAR, Raw, dense, how_to_read
from auditkit.checks.explainability._slopes import by_slopes
from auditkit.errors import NotApplicable

if TYPE_CHECKING:
    import pandas as pd

    from auditkit.subject import Subject

__all__ = ["Background", "Explanation", "Permutations", "additivity", "explain"]

Background = Annotated[
    int, Ge(2), Doc("Rows that stand for an unknown value, where the explainer needs them.")
]
Permutations = Annotated[
    int,
    Ge(2),
    Le(4096),
    MultipleOf(2),
    Doc("Orders drawn for each row at most, where no exact explainer fits the model."),
]

_WRONG = 0.005  # of the output's spread: an explainer that misses by more is not believed
_PROBED = 400
_STACKED = 20_000  # rows that preprocessing is asked about at once, while columns are moved one by one


def explain(
    subject: Subject,
    X: pd.DataFrame,
    background: pd.DataFrame,
    rng: np.random.Generator,
    *,
    permutations: int = 512,
    target_error: float = 0.05,
    max_calls: int | None = 200,
    interventional: bool = False,
) -> Explanation:
    """Attribute the model's output to its input columns.

    Tree ensembles are explained along their paths, linear models in closed form, through a preprocessing
    pipeline whose every output column rests on one input column. A model with slopes and many numbers for inputs is
    explained by them (expected gradients). Anything else is asked: Shapley values against the background, enumerated
    where that costs no more than sampling would, else by permutation sampling.

    Parameters
    ----------
    subject : Subject
        With a model to ask.
    X, background : DataFrame
        Rows to explain, and rows that stand for "unknown".
    rng : numpy.random.Generator
        For sampling.
    permutations : int
        Orders drawn for each row at most, where sampling is used.
    target_error : float
        Sampling stops where standard errors are at most this share of the output's standard deviation over rows.
    max_calls : int, optional
        Calls to the model at most; where more would be needed the orders are lessened, and where few are left it is refused.
    interventional : bool
        Explain trees against the background rows, not along their own paths. Trees that cannot be read so are asked.

    Raises
    ------
    NotApplicable
        If there is no column, or the model would have to be asked more often than allowed.
    """
    if X.shape[1] == 0:
        raise NotApplicable("the data set has no features to attribute anything to")
    found, why = _inside(subject, X, background, interventional=interventional)
    if found is not None:
        miss = additivity(found)
        if np.isnan(miss) or miss <= _WRONG:
            return found
        why = f"{found.method} missed the model's output by {miss:.2g} of its spread"
    before = subject.model.calls
    found, told = by_slopes(subject, X, background, rng, target_error, max_calls, why)
    if found is not None:
        return found
    if max_calls is not None:  # what looking for slopes took
        max_calls = max(1, max_calls - (subject.model.calls - before))
    return ask(
        subject,
        X,
        background,
        rng,
        permutations=permutations,
        target_error=target_error,
        max_calls=max_calls,
        why=told,
    )


def _inside(
    subject: Subject, X: pd.DataFrame, background: pd.DataFrame, *, interventional: bool
) -> tuple[Explanation | None, str]:
    """Explain a model whose inside is understood; else None, and why not."""
    inner = subject.model.inner
    final, read = how_to_read(inner, interventional=interventional)
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
    if any(at < 0 and values[:, column].any() for column, at in enumerate(owner)):
        return None, "its preprocessing makes a column that no input column moves"
    summed, behind = _summed(values, owner, X.shape[1]), None
    if raw.method == LINEAR:  # what a background row takes off every row is what explains that row itself
        own, _, _ = _about_positive(subject, read(final, Z_background, Z_background))
        behind = by_parts(summed, _summed(own, owner, X.shape[1]))
    summed_to = (
        ""
        if owner == list(range(X.shape[1]))
        else "; encoded columns are summed to the input column they come from"
    )
    return Explanation(
        summed,
        base,
        output,
        raw.method,
        f"{type(final).__name__} can be read exactly{summed_to}",
        raw.unit,
        behind=behind,
    ), ""


def _summed(values: np.ndarray, owner: list[int], d: int) -> np.ndarray:
    """Return the parts of encoded columns summed to the input columns they come from."""
    found = np.zeros((len(values), d, *values.shape[2:]))
    for column, at in enumerate(owner):
        if at >= 0:
            found[:, at] += values[:, column]
    return found


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
    at_once = max(1, _STACKED // (n * len(orders)))
    for start in range(0, probe.shape[1], at_once):
        columns = range(start, min(start + at_once, probe.shape[1]))
        after = dense(_transformed(inner, _moved(probe, columns, orders))).reshape(
            len(columns), len(orders), n, -1
        )
        same = (before == after) | (np.isnan(before) & np.isnan(after))
        for j, touched in zip(columns, ~same.all(axis=(1, 2)), strict=True):
            if (owner[touched] >= 0).any():
                return None
            owner[touched] = j
    return [int(j) for j in owner]


def _moved(probe: pd.DataFrame, columns: range, orders: tuple[np.ndarray, ...]) -> pd.DataFrame:
    """Return copies of the rows below each other, in each one column in another order: preprocessing is asked once for all."""
    import pandas as pd

    copies = []
    for j in columns:
        for order in orders:
            moved = probe.copy()
            moved[probe.columns[j]] = probe.iloc[order, j].set_axis(probe.index)
            copies.append(moved)
    return pd.concat(copies, ignore_index=True)


def _probe(subject: Subject) -> pd.DataFrame:
    """Return rows in which every value of a column with few values appears, so that each encoded column moves."""
    import pandas as pd

    parts = [subject.test.X] if subject.train is None else alike(subject.test.X, subject.train.X)
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
