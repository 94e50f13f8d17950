"""Permutation: how much worse the model becomes when an input is shuffled, alone or together with those that go with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Gt, Le
from scipy import special
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks.explainability._output import which
from auditkit.checks.explainability._shown import listed, ranking
from auditkit.errors import InputError, NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.frames import Codec
from auditkit.methods import associations as linked
from auditkit.methods import attributions
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable

_METHOD = "t over rows asked about and rows shuffled in"
_OF_ANSWERS = "bonett-price, for the pairs of rows that show as much spread"
_ROUNDING = 1e-12
_FEW = 10  # rows that changed, below which their spread says little of how they go together


@check(
    code="AK402",
    title="Importance of the inputs (permutation)",
    question="Which inputs does the model need to be right?",
    dimension="explainability",
    metrics=["permutation_importance", "grouped_permutation_importance"],
)
def permutation_importance(
    subject: Subject,
    *,
    rng: np.random.Generator,
    rows: Annotated[int, Ge(10), Doc("Rows shuffled at most; drawn at random where there are more.")] = 2000,
    repeats: Annotated[int, Ge(1), Le(100), Doc("Shuffles of each input, averaged.")] = 5,
    together: Annotated[
        list[list[str]] | None,
        Doc("Groups of inputs that are also shuffled together; when left out, those that go together."),
    ] = None,
    association: Annotated[
        float, Gt(0), Le(1), Doc("From which association on inputs go together; every two of a group do.")
    ] = 0.7,
    level: common.Level = 0.95,
) -> Evidence:
    """Shuffle inputs and measure how much worse the model becomes (Breiman 2001; Fisher, Rudin & Dominici 2019).

    Each input is shuffled alone. Inputs that carry the same information hide each other then; they are shuffled together too, the rows of a group
    kept as they are.

    Parameters
    ----------
    subject : Subject
        With a model to ask.
    rng : numpy.random.Generator
        Rows and shuffles.
    rows : int
        Test rows at most.
    repeats : int
        Shuffles of each input and group.
    together : list of list of str, optional
        Groups; found by clustering when left out, none for an empty list.
    association : float
        From which association on two inputs go together: rank correlation, Cramér's V, or correlation ratio.
    level : float
        Confidence level, over rows in both roles, and shuffles.

    Returns
    -------
    Evidence
        ``permutation_importance`` of each input and ``grouped_permutation_importance`` of each group: rise of the error rate,
        or for a regression of the absolute error in spreads of the target.
    """
    common.needs_model(subject)
    data = subject.test
    if len(data) < 2:
        raise NotApplicable("one row cannot be shuffled: the test split needs at least two")
    chosen = common.draw(len(data), rows, rng)
    codec = Codec.of(data.X)
    X = codec.encode(data.X.iloc[chosen])
    names = [str(c) for c in codec.columns]
    close = linked.associations(X, [kind == "categorical" for kind in codec.kinds])
    groups = linked.clusters(close, association) if together is None else _given(together, names)
    singles: list[list[int]] = [[j] for j in range(len(names))]
    found = attributions.shuffled(
        _loss(subject, codec, chosen), X, columns=[*singles, *groups], repeats=repeats, rng=rng
    )
    measured = [
        _measured(subject, found, i, " + ".join(names[j] for j in part), level, grouped=len(part) > 1)
        for i, part in enumerate([*singles, *groups])
    ]
    top = sorted(measured[: len(names)], key=lambda m: -m.value)
    pooled = sorted(measured[len(names) :], key=lambda m: -m.value)
    word = (
        "Rise of the error rate"
        if subject.task != "regression"
        else "Rise of the error (spreads of the target)"
    )
    tables = {"importance": _ranked(top, word, "Which inputs the model needs to be right")}
    if groups:
        tables["together"] = _together(pooled, top, groups, names, close, word)
    return Evidence(
        "AK402",
        tuple(measured),
        tables,
        says=_says(found, top, pooled),
        does_not_say="What an input is worth where others carry the same information: each then looks unimportant. Shuffled rows "
        "are also rows that nobody has seen.",
        notes=(*_notes(groups, association, codec, found=together is None,
                       cost=(1 + repeats * len(measured)) * len(chosen)), *_weights.ignored(data)),
        rows=common.rows_used(len(chosen), len(data)),
    )  # fmt: skip


def _says(found: attributions.Shuffled, top: list[Measurement], pooled: list[Measurement]) -> str:
    if not found.rises.any():
        return "Shuffling made no answer better or worse, whichever input it was."
    rows, needed, both = f"{found.rises.shape[1]:,} rows", _needed(top), _needed(pooled)
    if not needed:
        group = f" Shuffled together, these are needed: {listed(both)}." if both else ""
        return f"For none of the {len(top)} inputs was a need detected with these {rows}.{group}"
    return f"Shuffling hurts most for {listed(needed)}." + (
        f" Shuffled together: {listed(both)}." if both else ""
    )


def _needed(found: list[Measurement]) -> list[Measurement]:
    """Return those whose interval lies above 0."""
    return [m for m in found if m.interval is not None and m.interval.low > 0]


def _ranked(found: list[Measurement], word: str, title: str) -> Table:
    """Return the ranking with a line at 0, led in words by what is above it."""
    table, needed = ranking(found, word, title), _needed(found)
    said = (
        f"above 0 beyond chance: {listed(needed)}{' lead' if len(needed) > 3 else ''}"
        if needed
        else "the interval of each reaches 0"
    )
    labels = {**table.labels, "reference": "not needed"}
    return replace(table, summary=f"{word}, by input; {said}.", labels=labels, reference=0.0)


def _loss(
    subject: Subject, codec: Codec, chosen: np.ndarray
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return what measures the loss of rows of codes."""
    y = subject.test.y[chosen]
    unit = (float(np.std(subject.test.y)) or 1.0) if subject.task == "regression" else 1.0

    def loss(matrix: np.ndarray, at: np.ndarray) -> np.ndarray:
        answer = subject.model.predict(codec.decode(matrix))
        if subject.task == "regression":
            return np.asarray(np.abs(answer.astype(float) - y[at]) / unit)
        return np.asarray(answer != y[at], dtype=float)

    return loss


def _given(together: list[list[str]], names: list[str]) -> list[list[int]]:
    groups = [which(group, names) for group in together]
    alone = [group for group, found in zip(together, groups, strict=True) if len(found) < 2]
    if alone:
        raise InputError(f"together= takes groups of at least two different inputs; got {alone[0]!r}")
    return [list(group) for group in dict.fromkeys(tuple(sorted(group)) for group in groups)]


def _measured(
    subject: Subject, found: attributions.Shuffled, i: int, name: str, level: float, *, grouped: bool
) -> Measurement:
    metric = "grouped_permutation_importance" if grouped else "permutation_importance"
    value, n = float(found.rises[i].mean()), found.rises.shape[1]
    if subject.task != "regression":
        ends = _of_answers(found, i, level)
        return common.measured(metric, value, n, ends, level, _OF_ANSWERS, group=name)
    changed = int((found.rises[i] != 0).sum())
    if not changed:
        reason = (
            "no answer changed, and errors have no upper bound: how much rarer rows would change is not known"
        )
        return Measurement(metric, value, n, group=name, reason=reason)
    half = float(special.stdtrit(n - 1, 0.5 + level / 2)) * float(found.standard_error[i])
    few = f"only {changed} rows changed: the interval is too short" if changed < _FEW else None
    ends = (value - half, value + half)
    return common.measured(metric, value, n, ends, level, _METHOD, group=name, reason=few)


def _of_answers(found: attributions.Shuffled, i: int, level: float) -> tuple[float, float]:
    """Return the interval of a rise whose single parts are -1, 0 or 1: as of so many independent pairs as show as much spread.

    Where no answer changed, `n` rows make n / 2 pairs that have no row in common (Hoeffding 1963); where fewer than ten rows did,
    they count as `n` pairs at most, since the spread of so few says little.
    """
    value, square, n = float(found.rises[i].mean()), float(found.square[i]), found.rises.shape[1]
    spread, error = max(square - value**2, 0.0), float(found.standard_error[i])
    pairs = spread / error**2 if min(spread, error) > _ROUNDING else float(n)
    if square == 0:
        pairs = n / 2
    elif int((found.rises[i] != 0).sum()) < _FEW:
        pairs = min(pairs, n)
    worse, better = (max(0.0, pairs * (square + sign * value) / 2) for sign in (1, -1))
    whole = max(pairs, worse + better)  # rounding
    low, high = statistics.paired_difference(worse, better, whole, level)
    return min(float(low), value), max(float(high), value)


def _together(
    pooled: list[Measurement],
    single: list[Measurement],
    groups: list[list[int]],
    names: list[str],
    close: np.ndarray,
    word: str,
) -> Table:
    """Return the groups with what their inputs lose one by one, and how closely they go together at least."""
    alone = {m.group: m.value for m in single}
    of = {" + ".join(names[j] for j in group): group for group in groups}
    columns = {
        **common.estimates(pooled),
        "sum of each alone": tuple(sum(alone[names[j]] for j in of[str(m.group)]) for m in pooled),
        "least association": tuple(
            float(min(close[i, j] for i in of[str(m.group)] for j in of[str(m.group)])) for m in pooled
        ),
    }
    summary = f"{word}, inputs of a group shuffled together: {listed(pooled)}."
    return Table(
        "What inputs are worth together", columns, "estimates", {"value": word, "n": "records"}, summary
    )


def _notes(
    groups: list[list[int]], association: float, codec: Codec, *, found: bool, cost: int
) -> tuple[str, ...]:
    names = [str(c) for c in codec.columns]
    words = "; ".join(", ".join(names[j] for j in group) for group in groups)
    least = common.number(association)
    how = (
        (
            f"Shuffled together, since every two go together at {least} or more: {words}."
            if words
            else f"No two inputs go together at {least} or more."
        )
        if found
        else (
            f"Shuffled together as asked: {words}."
            if words
            else "No inputs were shuffled together, as asked."
        )
    )
    return (how, f"The model was asked about {cost:,} rows.")
