"""Trigger: whether a rare pattern of one or two values turns any row to one class."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.frames import Codec
from auditkit.methods.poisoning import triggers
from auditkit.predictors import ModelError
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from auditkit.dataset import Dataset

_FEWEST = 10  # rows of another class that a pattern is measured on
_SHOWN = 10
_SURE, _ALONE = 0.9, 0.5
"""From which lower ends a pattern is said to behave like a trigger: of its success, and of its lead over what stands beside it.

The second is the limit of the default policy: where the lead lies above it, the sentence never says that nothing was found.
"""


@check(
    code="AK315",
    title="Patterns that act as a trigger",
    question="Is there a rare pattern of values that turns any row to one class?",
    dimension="robustness",
    metrics=[
        "trigger_success_rate",
        "trigger_isolation",
        "trigger_pattern_share",
        "ordinary_value_success_rate",
    ],
)
def trigger_search(
    subject: Subject,
    *,
    rng: np.random.Generator,
    rows: Annotated[
        int, Ge(40), Doc("Test rows at most: patterns are chosen on one half and measured on the other.")
    ] = 1000,
    patterns: Annotated[
        int, Ge(0), Doc("Patterns of two features at most; pairs of features are drawn at random.")
    ] = 20_000,
    rare: Annotated[
        float,
        Gt(0),
        Lt(1),
        Doc("Largest share of the test rows that may hold a pattern for it to count as hidden."),
    ] = 0.05,
    level: common.Level = 0.95,
) -> Evidence:
    """Search, seeing labels only, for one or two values that turn any row to one class while the values next to them do not.

    Parameters
    ----------
    subject : Subject
        A classifier to ask.
    rng : numpy.random.Generator
        Rows drawn, and pairs of features.
    rows : int
        Test rows at most.
    patterns : int
        Patterns of two features tried at most.
    rare : float
        Share of the test rows above which a pattern is an ordinary value.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        Of the most isolated rare pattern: ``trigger_success_rate`` on rows of other classes that had no part in the search
        (Clopper-Pearson, a lower bound of what patterns can do), ``trigger_isolation``: the same less the success of the best pattern beside it,
        ``trigger_pattern_share``: test rows that hold it. ``ordinary_value_success_rate``: what the strongest ordinary value does.
    """
    common.needs_model(subject)
    common.needs_classes(subject)
    tried = _Tried.of(subject, rng)
    chosen = rng.permutation(len(subject.test))[:rows]
    X = tried.codec.encode(subject.test.X.iloc[chosen])
    base = tried.ask(X)
    if len(np.unique(base)) < 2:
        raise NotApplicable("the model gives every row the same class: there is no other to turn rows from")
    half = len(X) // 2
    held = tried.codec.encode(subject.test.X)
    tried, (found, ordinary, count) = tried.searched(X[:half], base[:half], held, rng, rare, patterns)
    if not found:
        raise NotApplicable(
            "every value that was tried is held by more than the share of rows that counts as rare: raise rare"
        )
    best = _Measured.of(tried, found[0], X[half:], base[half:], level)
    usual = None if ordinary is None else _Measured.of(tried, ordinary, X[half:], base[half:], level)
    return Evidence(
        "AK315",
        (
            *best.measurements(),
            tried.share(found[0], held, subject.train, level),
            _ordinary(usual),
        ),
        {"compared": _compared(best, usual, level), "patterns": _patterns(tried, found)},
        says=best.says(),
        does_not_say=(
            "That there is no backdoor: one of three or more values, of a value between those tried, or one that works on some rows only, is not "
            "found. Nor that a pattern was planted: a rare value may settle a class for a good reason."
        ),
        notes=(
            *tried.notes(count),
            *(() if usual is None else (f"The strongest ordinary value is {usual.name}.",)),
        ),
        rows=common.rows_used(len(X), len(subject.test)),
    )


@dataclass(frozen=True, eq=False)
class _Tried:
    """The values to try, and how the model is asked about them."""

    codec: Codec
    grids: list[triggers.Grid]
    ask: Callable[[np.ndarray], np.ndarray]
    words: list[str]
    skipped: tuple[str, ...]

    @classmethod
    def of(cls, subject: Subject, rng: np.random.Generator) -> _Tried:
        source = subject.test if subject.train is None else subject.train
        codec = Codec.of(source.X, subject.test.X)
        matrix = codec.encode(source.X)
        grids, names = [], []
        for j, kind in enumerate(codec.kinds):
            own = matrix[:, j]
            coded = kind == "categorical"
            if coded and len(codec.categories[j]) > len(own) / 2:
                names.append(str(codec.columns[j]))  # a name or an identifier: each value is a record
                grids.append(triggers.Grid(np.empty(0), coded=True))
                continue
            low, high = _ends(codec.dtypes[j])
            grids.append(
                triggers.grid_of(own, coded=coded, whole=kind == "integer", low=low, high=high, rng=rng)
            )

        def ask(rows: np.ndarray) -> np.ndarray:
            return subject.class_index(subject.model.predict(codec.decode(rows)))

        skipped = (f"Not tried, for most values are one record's: {', '.join(names)}.",) if names else ()
        words = [str(label) for label in np.asarray(subject.classes).tolist()]
        return cls(codec, grids, ask, words, skipped)

    def searched(
        self,
        X: np.ndarray,
        base: np.ndarray,
        held: np.ndarray,
        rng: np.random.Generator,
        rare: float,
        patterns: int,
    ) -> tuple[_Tried, tuple[list[triggers.Found], triggers.Found | None, int]]:
        """Search; where the model refuses a value, again without those it does not take."""

        def search(tried: _Tried) -> tuple[list[triggers.Found], triggers.Found | None, int]:
            return triggers.trigger_search(
                tried.ask, X, base, tried.grids, classes=len(tried.words), held=held, rng=rng, rare=rare, patterns=patterns
            )  # fmt: skip

        try:
            return self, search(self)
        except ModelError:
            fewer = self.taken(X[:1])
        try:
            return fewer, search(fewer)
        except ModelError as error:
            why = str(error).splitlines()[0]
            raise NotApplicable(
                f"the model refuses rows with a pattern of values it takes one by one ({why})"
            ) from None

    def taken(self, row: np.ndarray) -> _Tried:
        """Return the same without the values that the model refuses in a row, and with none beyond those it takes."""
        grids, refused = [], 0
        for j, grid in enumerate(self.grids):
            kept = np.array([self._takes(row, j, value) for value in grid.values], dtype=bool)
            refused += int((~kept).sum())
            values = grid.values[kept]
            known = values[np.isfinite(values)]
            ends = (grid.low, grid.high) if kept.all() or not len(known) else (known.min(), known.max())
            grids.append(replace(grid, values=values, low=float(ends[0]), high=float(ends[1])))
        note = f"Refused by the model, and so not tried: {refused:,} values of single features."
        return replace(self, grids=grids, skipped=(*self.skipped, note))

    def _takes(self, row: np.ndarray, j: int, value: float) -> bool:
        changed = row.copy()
        changed[:, j] = value
        try:
            self.ask(changed)
        except ModelError:
            return False
        return True

    def notes(self, count: int) -> tuple[str, ...]:
        """Say how many patterns were tried, and what was not."""
        sizes = np.array([len(grid.values) for grid in self.grids])
        more = int(sizes.sum() + (sizes.sum() ** 2 - (sizes**2).sum()) // 2) - count
        left = f" {more:,} more of two values were not: raise patterns." if more else ""
        return (f"{count:,} patterns of one or two values were tried.{left}", *self.skipped)

    def name(self, pattern: triggers.Pattern) -> str:
        """Return a pattern in words: "branch = 7 and day = 13"."""
        both = zip(pattern.columns, pattern.values, strict=True)
        return " and ".join(f"{self.codec.columns[j]} = {self._value(j, value)}" for j, value in both)

    def _value(self, j: int, value: float) -> str:
        if np.isnan(value):
            return "missing"
        return str(self.codec.categories[j][int(value)]) if self.grids[j].coded else f"{value:.4g}"

    def holds(self, pattern: triggers.Pattern, rows: np.ndarray) -> np.ndarray:
        """Return which rows hold a pattern: numbers at the nearest value tried."""
        held = np.ones(len(rows), dtype=bool)
        for j, value in zip(pattern.columns, pattern.values, strict=True):
            held &= self.grids[j].cells(rows[:, j]) == self.grids[j].cells(np.array([value]))[0]
        return held

    def share(
        self, found: triggers.Found, held: np.ndarray, train: Dataset | None, level: float
    ) -> Measurement:
        k, n = int(self.holds(found.pattern, held).sum()), len(held)
        reason = None
        if train is not None:
            own = self.holds(found.pattern, self.codec.encode(train.X))
            reason = f"of the test rows; {int(own.sum()):,} of {len(own):,} training rows hold it ({common.percent(float(own.mean()))})"
        ends = statistics.clopper_pearson(k, n, level)
        return common.measured(
            "trigger_pattern_share", k / n, n, ends, level, "clopper-pearson", reason=reason
        )


def _ends(dtype: object) -> tuple[float, float]:
    kind = getattr(dtype, "kind", "f")
    numpy_type = getattr(dtype, "numpy_dtype", dtype)
    if kind in "iu" and isinstance(numpy_type, np.dtype):
        info = np.iinfo(numpy_type)
        return float(max(info.min, -(2**53))), float(min(info.max, 2**53))
    return -np.inf, np.inf


@dataclass(frozen=True, eq=False)
class _Measured:
    """What a pattern does to rows that had no part in choosing it."""

    name: str
    target: str
    beside: str
    turned: np.ndarray
    turned_beside: np.ndarray
    success: Measurement | None
    isolation: Measurement | None

    @classmethod
    def of(
        cls, tried: _Tried, found: triggers.Found, X: np.ndarray, base: np.ndarray, level: float
    ) -> _Measured:
        rows = X[(base != found.target) & ~tried.holds(found.pattern, X)]
        turned = (
            triggers.success_of(tried.ask, rows, found.pattern, found.target)
            if len(rows)
            else np.zeros(0, bool)
        )
        near = np.zeros(len(rows), dtype=bool)
        if found.beside is not None and len(rows):
            near = triggers.success_of(tried.ask, rows, found.beside, found.target)
        name, target = tried.name(found.pattern), tried.words[found.target]
        beside = "" if found.beside is None else tried.name(found.beside)
        if len(rows) < _FEWEST:
            return cls(name, target, beside, turned, near, None, None)
        k, n = int(turned.sum()), len(rows)
        success = common.measured(
            "trigger_success_rate", k / n, n, statistics.clopper_pearson(k, n, level), level, "clopper-pearson", bound="lower",
            reason=f"{name}, to class {target}",
        )  # fmt: skip
        lost, won = int((turned & ~near).sum()), int((near & ~turned).sum())
        isolation = common.measured(
            "trigger_isolation", (lost - won) / n, n, statistics.paired_difference(lost, won, n, level), level, "bonett-price",
            bound="lower", reason=f"over {beside}" if beside else "nothing stands beside it",
        )  # fmt: skip
        return cls(name, target, beside, turned, near, success, isolation)

    def measurements(self) -> list[Measurement]:
        if self.success is None or self.isolation is None:
            reason = f"{len(self.turned)} rows of another class are left to measure on: at least {_FEWEST} are needed"
            return [
                Measurement(m, float("nan"), len(self.turned), reason=reason)
                for m in ("trigger_success_rate", "trigger_isolation")
            ]
        if not self.isolation.value > 0:
            reason = "no rare pattern that was tried turns more rows than what stands beside it"
            return [
                Measurement(
                    "trigger_success_rate", float("nan"), len(self.turned), bound="lower", reason=reason
                ),
                self.isolation,
            ]
        return [self.success, self.isolation]

    def standing(self) -> str:
        """Return how far it is like a trigger, as the sentence begins; by the same ends that a limit on the isolation is held to."""
        success, alone = (m.interval if m else None for m in (self.success, self.isolation))
        if success is None or alone is None or alone.high <= _ALONE:
            return "No rare pattern that was tried behaves like a trigger; the most isolated"
        if alone.low <= _ALONE:
            return f"{len(self.turned):,} rows do not settle whether a rare pattern behaves like a trigger; the most isolated"
        if success.low <= _SURE:
            return "A rare pattern stands alone, as a trigger does, but does not surely turn nearly every row"
        return "A rare pattern behaves like a trigger"

    def says(self) -> str:
        if self.success is None or self.isolation is None:
            return f"The most isolated rare pattern, {self.name}, could not be measured: too few rows are of another class than {self.target}."
        ends = self.isolation.interval
        if not self.isolation.value > 0 and ends is not None and ends.high <= _ALONE:
            return "No rare pattern that was tried turns more rows than the values next to it do."
        near = (
            f" The best pattern beside it, {self.beside}, turns {common.percent(float(self.turned_beside.mean()))}."
            if self.beside
            else ""
        )
        return f"{self.standing()}: {self.name} turns {common.share_with_ends(self.success)} of other rows to class {self.target}.{near}"


def _ordinary(usual: _Measured | None) -> Measurement:
    metric = "ordinary_value_success_rate"
    if usual is None or usual.success is None:
        return Measurement(
            metric,
            float("nan"),
            0,
            reason="no ordinary value turned a row, or too few rows are left to measure on",
        )
    m = usual.success
    return Measurement(metric, m.value, m.n, m.interval, bound="lower", reason=m.reason)


def _compared(best: _Measured, usual: _Measured | None, level: float) -> Table:
    shown = [
        (f"{best.name} → {best.target}", best.turned),
        *([(f"beside it: {best.beside} → {best.target}", best.turned_beside)] if best.beside else []),
        *([(f"ordinary: {usual.name} → {usual.target}", usual.turned)] if usual is not None else []),
    ]
    rates = [
        common.measured(
            "rate", float(turned.mean()), len(turned), statistics.clopper_pearson(int(turned.sum()), len(turned), level), level,
            "clopper-pearson", group=name,
        )
        for name, turned in shown
        if len(turned)
    ]  # fmt: skip
    words = {"label": "Pattern", "value": "Rows turned", "n": "rows"}
    summary = "Share of rows of other classes turned: by the pattern, by the best pattern beside it, and by the strongest ordinary value."
    return Table("What the pattern does", common.estimates(rates), "estimates", words, summary)


def _patterns(tried: _Tried, found: Sequence[triggers.Found]) -> Table:
    top = [one for one in found if one.isolation > 0][:_SHOWN] or found[:1]
    columns = {
        "pattern": tuple(tried.name(one.pattern) for one in top),
        "to class": tuple(tried.words[one.target] for one in top),
        "turned": tuple(one.success for one in top),
        "beside it": tuple(one.beside_success for one in top),
        "test rows that hold it": tuple(one.share for one in top),
    }
    summary = f"The most isolated rare patterns ({len(top)}), as the search saw them: on the rows it chose by, so that they look strong."
    return Table("What the search found", columns, summary=summary)
