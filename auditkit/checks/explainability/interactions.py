"""Interactions: which inputs the model uses together, beyond what each does alone."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks.explainability._output import Asked, Scale, spread_of, which
from auditkit.checks.explainability._shown import SPREAD, ranking
from auditkit.errors import InputError, NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.frames import Codec
from auditkit.methods import effects
from auditkit.naming import NameOf, inputs_of
from auditkit.subject import Subject

_STRENGTH = "interaction_strength"
_LOOKED = (20, 25)  # rows put in and background rows by which the leading inputs are found
_COUNTS = 0.01  # spreads of the output
_SMALL = 0.1  # spreads of the output: 1% of its variance
_WEAK = "together they move the output by less than 1% of its spread: the ratio would say nothing"


@check(
    code="AK405",
    title="Interactions of inputs (H-squared)",
    question="Which inputs does the model use together, beyond what each does alone?",
    dimension="explainability",
    metrics=["h_squared", "interaction_strength"],
)
def input_interactions(
    subject: Subject,
    *,
    rng: np.random.Generator,
    rows: Annotated[int, Ge(10), Doc("Test rows whose values are put in, at most; drawn at random.")] = 100,
    background: Annotated[int, Ge(10), Doc("Rows they are put into, and averaged over, at most.")] = 100,
    leading: Annotated[
        int, Ge(2), Le(20), Doc("Inputs that move the output most, of which every pair is measured.")
    ] = 6,
    inputs: Annotated[
        list[str] | None,
        NameOf(what="input", of=inputs_of),
        Doc("Inputs of which every pair is measured, instead of the leading ones."),
    ] = None,
    scale: Scale = "log odds",
    level: common.Level = 0.95,
) -> Evidence:
    """Compare what two inputs do together with what each does alone (Friedman & Popescu 2008).

    All averages are over the same background rows, so that two inputs that do not interact give exactly 0, on the scale that is looked at.

    Parameters
    ----------
    subject : Subject
        With a model to ask.
    rng : numpy.random.Generator
        Rows and background.
    rows, background, leading : int
        Rows whose values are put in, and rows they are put into; inputs that are paired.
    inputs : list of str, optional
        Which are paired.
    scale : {"log odds", "probability"}
        Of a classifier's output. In probabilities every model that adds up in log odds shows interactions.
    level : float
        Confidence level, over rows and background.

    Returns
    -------
    Evidence
        Of each pair ``interaction_strength``: standard deviation of what only both together make, in spreads of the output; and
        ``h_squared``: its share of the variance of all that the two do.
    """
    common.needs_model(subject)
    data = subject.test
    if data.X.shape[1] < 2:
        raise NotApplicable("one input has no other to interact with")
    drawn = rng.permutation(len(data))
    ask = Asked(subject, Codec.of(data.X), scale)
    X = ask.codec.encode(data.X.iloc[np.sort(drawn[:rows])])
    # other rows than those put in, where there are enough of them
    behind = drawn[rows : rows + background] if len(data) >= rows + background else drawn[-background:]
    others = ask.codec.encode(data.X.iloc[np.sort(behind)])
    ask.settle(np.concatenate([X, others]))
    pairs, found, effect, spread = _measure(ask, X, others, leading, inputs, level)
    names = [str(c) for c in data.X.columns]
    measurements = [
        m
        for pair, one in zip(pairs, found, strict=True)
        for m in _measured(" × ".join(names[j] for j in pair), one, level)
    ]
    top = sorted((m for m in measurements if m.metric == _STRENGTH), key=lambda m: -m.value)
    chosen = list(dict.fromkeys(j for pair in pairs for j in pair))
    return Evidence(
        "AK405",
        tuple(measurements),
        {"strength": _ranked(top),
         **_matrix(pairs, found, names),
         "inputs": _inputs([(names[j], float(np.sqrt(effect[j]) / spread)) for j in np.argsort(-effect)], min(len(X), _LOOKED[0]))},
        says=_says(top, len(pairs)),
        does_not_say="That no three inputs act together, nor that the inputs interact in the world: it is the model's arithmetic that is looked at.",
        notes=(*ask.notes(), SPREAD, f"{len(chosen)} of {len(names)} inputs are paired: {', '.join(names[j] for j in chosen)}.",
               f"Values of each of {len(X):,} rows were put into each of {len(others):,} background rows, and the model was asked about the result.", *_weights.ignored(data)),
        rows=common.rows_used(len(X), len(data)),
    )  # fmt: skip


def _measure(
    ask: Asked, X: np.ndarray, others: np.ndarray, leading: int, inputs: list[str] | None, level: float
) -> tuple[list[tuple[int, int]], list[effects.Interaction], np.ndarray, float]:
    """Return the pairs, their interactions, the total effect of every input, and the spread of the output."""
    if len(X) < 2 or len(others) < 2:
        raise NotApplicable("one row cannot be put into others: the test split needs at least two")
    looked = effects.pieces_of(
        ask, _some(X, _LOOKED[0]), _some(others, _LOOKED[1]), [(j,) for j in range(X.shape[1])]
    )
    effect = effects.total_effects(looked)
    chosen = sorted(np.argsort(-effect, kind="stable")[:leading].tolist())
    if inputs is not None:
        chosen = which(inputs, ask.codec.columns)
        if len(chosen) < 2:
            raise InputError(f"inputs= takes at least two to pair; got {inputs!r}")
    alone = effects.pieces_of(ask, X, others, [(j,) for j in chosen])
    spread = spread_of(np.concatenate([ask(X), alone.plain]))
    variance = float(np.nansum(spread**2))
    place = {j: i for i, j in enumerate(chosen)}
    pairs = list(combinations(chosen, 2))
    both = effects.pieces_of(ask, X, others, pairs)
    found = [
        effects.interaction(
            both.output[i], alone.output[place[j]], alone.output[place[k]], alone.plain, variance, level=level
        )
        for i, (j, k) in enumerate(pairs)
    ]
    return pairs, found, effect, float(np.sqrt(variance))


def _some(rows: np.ndarray, most: int) -> np.ndarray:
    """Return rows spread evenly over a table."""
    at = np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int))
    return np.asarray(rows[at])


def _measured(name: str, one: effects.Interaction, level: float) -> list[Measurement]:
    method = "delta method over rows and background"
    ends = (one.low, one.high)
    found = [common.measured(_STRENGTH, one.strength, one.m, ends, level, method, group=name)]
    if np.isnan(one.h_squared):
        return [*found, Measurement("h_squared", float("nan"), one.m, group=name, reason=_WEAK)]
    ends = (one.h_low, one.h_high)
    return [*found, common.measured("h_squared", one.h_squared, one.m, ends, level, method, group=name)]


def _matrix(
    pairs: list[tuple[int, int]], found: list[effects.Interaction], names: list[str]
) -> dict[str, Table]:
    """Return the pairs as a half of a square, each once; nothing where two inputs are all there are."""
    if len(pairs) < 3:
        return {}
    order = list(dict.fromkeys(j for pair in pairs for j in pair))
    placed = [sorted(pair, key=order.index) for pair in pairs]
    cells = [(j, k, one) for (j, k), one in zip(placed, found, strict=True)]
    cells.sort(key=lambda cell: (order.index(cell[1]), order.index(cell[0])))
    columns = {
        "row": tuple(names[k] for _, k, _ in cells),
        "column": tuple(names[j] for j, _, _ in cells),
        "value": tuple(one.strength for *_, one in cells),
        "low": tuple(one.low for *_, one in cells),
        "high": tuple(one.high for *_, one in cells),
        "n": tuple(one.m for *_, one in cells),
        "h squared": tuple(one.h_squared for *_, one in cells),
    }
    j, k, most = max(cells, key=lambda cell: cell[2].strength)
    summary = (
        f"{names[j]} and {names[k]} make most together: {common.number(most.strength)} spreads of the output."
        if most.strength > 0
        else "No pair makes anything together."
    )
    labels = {"row": "input", "column": "and input", "value": "made only together"}
    return {"matrix": Table("What two inputs make only together", columns, "matrix", labels, summary)}


def _inputs(found: list[tuple[str, float]], n: int) -> Table:
    columns = {
        "input": tuple(name for name, _ in found),
        "total effect (spreads of the output)": tuple(value for _, value in found),
        "n": tuple(n for _ in found),
    }
    summary = (
        f"{found[0][0]} moves the output most, alone and together with others; the leading inputs are paired. A first look, with {n} rows "
        "put in."
    )
    return Table(
        "How far each input moves the output, alone and together with others", columns, summary=summary
    )


def _ranked(top: list[Measurement]) -> Table:
    table = ranking(
        top, "What only both make (spreads of the output)", "Which inputs the model uses together"
    )
    return table if top[0].value > 0 else replace(table, summary="No pair makes anything together.")


def _says(top: list[Measurement], pairs: int) -> str:
    real = [m for m in top if m.value >= _COUNTS and m.interval is not None and m.interval.low > 0]
    if not real:
        open_to = max(m.interval.high if m.interval is not None else math.inf for m in top)
        rest = (
            "what each does adds up"
            if open_to < _COUNTS
            else f"these rows leave open one of up to {common.number(open_to)} spreads (standard deviations of the output)"
        )
        return (
            f"No interaction of 1% of the output's spread was detected among {pairs} pairs of inputs: {rest}."
        )
    unit = "spreads of the output (standard deviations over these rows)"
    if all(m.interval.high < _SMALL for m in top if m.interval is not None):
        return (
            f"What two inputs make only together is small in each of {pairs} pairs: most for {top[0].group}, {common.with_ends(top[0])} {unit}."
            if pairs > 1
            else f"What {top[0].group} make only together is small: {common.with_ends(top[0])} {unit}."
        )
    large = [m for m in real if m.value >= _SMALL] or real[:1]
    words = ", ".join(f"{m.group} ({common.with_ends(m)})" for m in large[:3])
    more = f"; and {len(large) - 3} more of {pairs} pairs by {_SMALL} or more" if len(large) > 3 else ""
    return f"Beyond what each does alone, these make something together, in {unit}: {words}{more}."
