"""Effects: how the output changes with each input, on average and from row to row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Le
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks.explainability._output import Asked, Scale, spread_of, which
from auditkit.checks.explainability._shown import SPREAD, listed, ranking
from auditkit.checks.explainability._what_if import what_if
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.frames import Codec
from auditkit.methods import effects
from auditkit.naming import NameOf, inputs_of
from auditkit.subject import Subject

_BAND = (0.1, 0.9)
_APART = 0.1  # spreads of the output
_FEWEST = 5  # records of a category that is shown by name


@check(
    code="AK404",
    title="Effects of the inputs (ALE, PDP, ICE)",
    question="How does the output change with each input?",
    dimension="explainability",
    metrics=["effect_range", "effect_heterogeneity", "opposite_effect_share"],
)
def input_effects(
    subject: Subject,
    *,
    rng: np.random.Generator,
    rows: Annotated[int, Ge(10), Doc("Test rows at most; drawn at random where there are more.")] = 500,
    bins: Annotated[
        int, Ge(2), Le(100), Doc("Steps along a number; categories shown of an input, at most.")
    ] = 20,
    leading: Annotated[
        int, Ge(1), Le(30), Doc("Inputs that move the output most, whose curves are shown.")
    ] = 6,
    inputs: Annotated[
        list[str] | None,
        NameOf(what="input", of=inputs_of),
        Doc("Inputs whose curves are shown, instead of the leading ones."),
    ] = None,
    scale: Scale = "probability",
    examples: Annotated[
        int,
        Ge(0),
        Le(10),
        Doc(
            "Single rows whose output is followed input by input: real records, show only data you may share."
        ),
    ] = 0,
    level: common.Level = 0.95,
) -> Evidence:
    """Move each input through its values and follow the output (Apley & Zhu 2020; Friedman 2001; Goldstein et al. 2015).

    Numbers are followed by accumulated local effects (ALE), which ask about rows near where they are; categories, which have no
    order to accumulate along, by partial dependence (PDP). For the leading inputs the curves of single rows (ICE) tell what the average hides.

    Parameters
    ----------
    subject : Subject
        With a model to ask.
    rng : numpy.random.Generator
        Rows, and the bootstrap of the range.
    rows, bins, leading : int
        Test rows; steps along a number; inputs whose curves are shown.
    inputs : list of str, optional
        Which curves are shown.
    scale : {"probability", "log odds"}
        Of a classifier's output.
    examples : int
        Rows of which a table says what if one input were otherwise.
    level : float
        Confidence level, over rows.

    Returns
    -------
    Evidence
        ``effect_range`` of each input: from the lowest to the highest point of its curve, in spreads of the output. Of the leading ones
        ``effect_heterogeneity``: share of the variance of the curves of rows that the average does not explain; and
        ``opposite_effect_share``: rows whose curve runs against the average.
    """
    common.needs_model(subject)
    data = subject.test
    chosen = common.draw(len(data), rows, rng)
    ask = Asked(subject, Codec.of(data.X), scale)
    X = ask.codec.encode(data.X.iloc[chosen])
    ask.settle(X)
    asked = _Rows(ask, X, spread_of(ask(X)), bins, level)
    found, ranges = asked.measured(rng)
    order = sorted(range(len(found)), key=lambda j: -found[j].travel)
    shown = order[:leading] if inputs is None else which(inputs, data.X.columns)
    details = [
        one for j in shown if found[j].travel > 0 and (one := asked.detail(asked.effect(j))) is not None
    ]
    uneven = [m for one in details for m in one.uneven(level)]
    top = sorted(ranges, key=lambda m: -np.nan_to_num(m.value, nan=-1.0))
    return Evidence(
        "AK404",
        (*ranges, *uneven),
        {"ranges": ranking(top, "Range of the effect (spreads of the output)", "How far each input moves the output on average"),
         **{f"curve_{i}": one.table(asked) for i, one in enumerate(details, 1) if one.shown(asked).any()},
         **_hidden(uneven), **_averages(details),
         **what_if(ask, X, shown, bins, examples)},
        says=_says(top, uneven, len(chosen)),
        does_not_say="What would happen to a person whose input changed: other inputs, and the outcome itself, do not follow along here.",
        notes=(*ask.notes(), SPREAD, *_notes(found, details, asked), *_weights.ignored(data)),
        rows=common.rows_used(len(chosen), len(data)),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows that inputs are moved in."""

    ask: Asked
    X: np.ndarray
    spread: np.ndarray
    bins: int
    level: float

    @property
    def outputs(self) -> np.ndarray:
        return np.flatnonzero(np.isfinite(self.spread))

    def about(self, matrix: np.ndarray) -> np.ndarray:
        """Return the outputs that vary, in their spreads."""
        return np.asarray(self.ask(matrix)[:, self.outputs] / self.spread[self.outputs])

    def measured(self, rng: np.random.Generator) -> tuple[list[_Known], list[Measurement]]:
        """Return what is known of every input, and its range; the curves, which many inputs have no room for, are let go."""
        found, ranges = [], []
        for j in range(self.X.shape[1]):
            one = self.effect(j)
            ranges.append(one.measured(self, rng))
            found.append(
                _Known(j, one.name, one.ale is not None, one.pdp is not None, one.left_out, one.travel)
            )
        return found, ranges

    def effect(self, j: int) -> _Effect:
        name, column = str(self.ask.codec.columns[j]), self.X[:, j]
        if self.ask.codec.kinds[j] == "categorical":
            return self._of_category(j, name, column)
        grid = effects.grid_of(column, self.bins)
        if len(grid) < 2:
            return _Effect(j, name, grid, np.ones(len(grid)))
        curve = effects.accumulated_effects(self.about, self.X, j, grid)
        return _Effect(j, name, grid, effects.grid_weights(column, grid), ale=curve)

    def _of_category(self, j: int, name: str, column: np.ndarray) -> _Effect:
        values, counts = np.unique(np.where(np.isnan(column), np.inf, column), return_counts=True)
        values[np.isinf(values)] = np.nan
        most = np.argsort(-counts, kind="stable")[: self.bins + 1]
        grid, weights = values[most], counts[most] / counts[most].sum()
        left = len(values) - len(grid)
        if len(grid) < 2:
            return _Effect(j, name, grid, weights)
        found = effects.partial_dependence(self.about, self.X, j, grid, weights=weights)
        return _Effect(j, name, grid, weights, pdp=found, left_out=left)

    def detail(self, one: _Effect) -> _Detail | None:
        """Return the same effect with the curves of rows; None for an input that moves nothing."""
        if one.curve is None or one.curve.travel == 0:
            return None
        pdp = one.pdp or effects.partial_dependence(
            self.about, self.X, one.column, one.grid, weights=one.weights
        )
        return _Detail(one, one.curve, pdp)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is kept of every input."""

    column: int
    name: str
    by_ale: bool
    by_pdp: bool
    left_out: int
    travel: float


@dataclass(frozen=True, eq=False)
class _Effect:
    """The curves of one input, in spreads of the output."""

    column: int
    name: str
    grid: np.ndarray
    weights: np.ndarray
    ale: effects.Curve | None = None
    pdp: effects.PartialDependence | None = None
    left_out: int = 0

    @property
    def curve(self) -> effects.Curve | None:
        return self.ale or (None if self.pdp is None else self.pdp.curve())

    @property
    def travel(self) -> float:
        curve = self.curve
        return 0.0 if curve is None else curve.travel

    def measured(self, asked: _Rows, rng: np.random.Generator) -> Measurement:
        """Return the range of the curve."""
        curve = self.curve
        if curve is None:
            reason = "it has one value only" if len(self.grid) else "it has no value"
            return Measurement("effect_range", float("nan"), len(asked.X), group=self.name, reason=reason)
        reach = effects.curve_range(curve, np.ones(len(asked.outputs)), level=asked.level, rng=rng)
        ends, method = (reach.low, reach.high), "simultaneous multiplier bootstrap"
        return common.measured(
            "effect_range", reach.value, curve.n, ends, asked.level, method, group=self.name
        )

    def words(self, codec: Codec) -> list[Any]:
        """Return the grid as a reader knows it."""
        if codec.kinds[self.column] != "categorical":
            return [float(v) for v in self.grid]
        known = codec.categories[self.column]
        return ["missing" if np.isnan(v) else str(known[int(v)]) for v in self.grid]


@dataclass(frozen=True, eq=False)
class _Detail:
    """The curves of one input on average, and of its rows."""

    of: _Effect
    curve: effects.Curve
    pdp: effects.PartialDependence

    def uneven(self, level: float) -> list[Measurement]:
        """Return how far rows differ from the average."""
        found, name = effects.heterogeneity(self.pdp, level=level), self.of.name
        if np.isnan(found.value):
            reason = (
                "the output does not move with it" if found.n > 1 else "one row has nothing to differ from"
            )
            return [Measurement("effect_heterogeneity", float("nan"), found.n, group=name, reason=reason)]
        share, against = (found.low, found.high), statistics.wilson(found.opposite, found.n, level)
        opposite = found.opposite / found.n
        return [
            common.measured(
                "effect_heterogeneity", found.value, found.n, share, level, "delta method", group=name
            ),
            common.measured("opposite_effect_share", opposite, found.n, against, level, "wilson", group=name),
        ]

    def gap(self) -> float:
        """Return the largest distance of PDP from ALE, averaged over outputs."""
        return float(np.abs(self.curve.value - self.pdp.curve().value).max(axis=0).mean())

    def shown(self, asked: _Rows) -> np.ndarray:
        """Return which points are shown: values of several records, or with several at or beyond them, so that none names one."""
        column = asked.X[:, self.of.column]
        same = np.array([np.isclose(column, v, equal_nan=True).sum() for v in self.of.grid])
        if self.of.ale is None or len(np.unique(column[np.isfinite(column)])) <= asked.bins + 1:
            return np.asarray(same >= _FEWEST)
        beyond = [min((column <= v).sum(), (column >= v).sum()) for v in self.of.grid]
        return np.asarray(np.array(beyond) >= _FEWEST)

    def table(self, asked: _Rows) -> Table:
        """Return the curves with intervals, and the middle of the curves of rows, in the unit of the output."""
        names, kept = [asked.ask.outputs[k] for k in asked.outputs], self.shown(asked)
        words, units, lines = self.of.words(asked.ask.codec), asked.spread[asked.outputs], []
        x = [word for word, keep in zip(words, kept, strict=True) if keep]
        drawn = [("PDP" if self.of.ale is None else "ALE", self.curve)]
        if self.of.ale is not None and len(names) == 1:
            drawn.append(("PDP", self.pdp.curve()))
        for word, curve in drawn:
            low, high = curve.ends(asked.level)
            for k, name in enumerate(names):
                band = np.stack([curve.value[kept, k], low[kept, k], high[kept, k]]) * units[k]
                lines.append((f"{word}: {name}" if name else word, band, curve.n))
        if len(names) == 1:
            middle = np.quantile(self.pdp.rows[:, kept, 0], [0.5, *_BAND], axis=0) * units[0]
            lines.append(("middle 80% of rows", middle, len(asked.X)))
        place = "label" if self.of.ale is None else "x"  # categories have no order to draw a line along
        columns = {
            place: tuple(v for _ in lines for v in x),
            **{
                key: tuple(v for _, band, _ in lines for v in band[i])
                for i, key in enumerate(("value", "low", "high"))
            },
            "n": tuple(n for *_, n in lines for _ in x),
            "series": tuple(word for word, *_ in lines for _ in x),
        }
        kind: Literal["curve", "estimates"] = "curve" if place == "x" else "estimates"
        labels = {
            place: self.of.name,
            "value": f"Change of the {asked.ask.named} from its mean",
            "n": "records",
            "reference": "its mean",
        }
        title = f"How the output changes with {self.of.name}"
        return Table(title, columns, kind, labels, self._summary(x, kept), 0.0)

    def _summary(self, x: list[Any], kept: np.ndarray) -> str:
        most = self.curve.value[kept, int(np.ptp(self.curve.value, axis=0).argmax())]
        ends = (x[int(most.argmin())], x[int(most.argmax())])
        low, high = (common.amount(v) if isinstance(v, float) else v for v in ends)
        word = "partial dependence" if self.of.ale is None else "accumulated local effects"
        return f"By {word} the output is lowest at {self.of.name} {low} and highest at {high}."


def _hidden(found: list[Measurement]) -> dict[str, Table]:
    known = [m for m in found if not np.isnan(m.value)]
    share = sorted((m for m in known if m.metric == "effect_heterogeneity"), key=lambda m: -m.value)
    against = sorted((m for m in known if m.metric == "opposite_effect_share"), key=lambda m: -m.value)
    if not share:
        return {}
    tables = {
        "heterogeneity": ranking(
            share, "Variance of single rows that the average does not explain", "What the average curves hide"
        )
    }
    if against and against[0].value > 0:
        word, title = "Rows that run against the average", "Where rows move against the average curve"
        tables["opposite"] = ranking(against, word, title)
    return tables


def _averages(details: list[_Detail]) -> dict[str, Table]:
    both = [one for one in details if one.of.ale is not None]
    if not both:
        return {}
    apart = [one.of.name for one in both if one.gap() > _APART]
    summary = (
        f"ALE and PDP differ by more than {_APART} spreads of the output for {', '.join(apart)}: PDP asks there about rows that do not occur."
        if apart
        else f"ALE and PDP agree within {_APART} spreads of the output for all of them."
    )

    def reach(value: np.ndarray) -> float:
        return float(np.ptp(value, axis=0).mean())

    columns = {
        "input": tuple(one.of.name for one in both),
        "range of ALE": tuple(reach(one.curve.value) for one in both),
        "range of PDP": tuple(reach(one.pdp.curve().value) for one in both),
        "largest gap": tuple(one.gap() for one in both),
    }
    return {"averages": Table("ALE and PDP side by side (spreads of the output)", columns, summary=summary)}


def _says(top: list[Measurement], uneven: list[Measurement], n: int) -> str:
    known = [m for m in top if not np.isnan(m.value)]
    if not known:
        return f"On {n:,} rows no input has two values to move between."
    said = f"On {n:,} rows the output moves farthest, in its spreads (standard deviations over these rows), with {listed(known)}."
    against = [
        m for m in uneven if m.metric == "opposite_effect_share" and m.interval and m.interval.low > _BAND[0]
    ]
    hidden = sorted(against, key=lambda m: -m.value)[:3]
    if not hidden:
        return said
    words = ", ".join(f"{m.group} ({common.share_with_ends(m)})" for m in hidden)
    return f"{said} More than a tenth of the rows run against the average curve of {words}."


def _notes(found: list[_Known], details: list[_Detail], asked: _Rows) -> tuple[str, ...]:
    words = [one.name for one in found if one.by_pdp]
    cut = [one.name for one in found if one.left_out]
    gaps = [one.name for one in found if one.by_ale and np.isnan(asked.X[:, one.column]).any()]
    notes = ["Numbers: accumulated local effects (ALE)."]
    if words:
        notes.append(
            f"Categories: partial dependence (PDP), since categories have no order: {', '.join(words)}."
        )
    if cut:
        notes.append(f"Only the {asked.bins + 1} most frequent categories were tried of: {', '.join(cut)}.")
    rare = [one.of.name for one in details if not one.shown(asked).all()]
    if rare:
        notes.append(
            f"Values of fewer than {_FEWEST} records were tried and are not shown, of: {', '.join(rare)}."
        )
    if gaps:
        notes.append(f"Rows without a value do not enter the ALE of: {', '.join(gaps)}.")
    if len(asked.outputs) > 1:
        notes.append("Ranges are averaged over classes.")
    if not details:
        notes.append("No input moves the output.")
    return tuple(notes)
