"""Estimating: how long an audit is likely to take, told before it runs.

What a check does is known from where it was measured (`auditkit.costs`); how fast the model answers and trains is timed here, on few rows.
An estimate is a range, and what cannot be estimated is said, not guessed.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.checks._converging import converging
from auditkit.costs import COLUMNS, LAWS, PROBE, ROWS, Law, Used, used
from auditkit.durations import expected
from auditkit.errors import AuditkitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeAlias

    from auditkit.audit import Audit
    from auditkit.check import Check
    from auditkit.subject import Subject

    Clock: TypeAlias = Callable[[], float]
    Planned: TypeAlias = tuple[Check, Mapping[str, Any]]

__all__ = ["Estimate", "Pace", "estimate", "estimates", "pace_of", "probe"]

WITHIN = 0.3  # seconds that timing the model may take, and as much again for training it
MOST_ROWS = 4_000  # in one call that is timed
MOST_OF_A_FUNCTION = 100  # likewise of a function, which may be far away, and paid by the row
FEWEST = 64  # rows of the first training that is timed
_FLOOR = 0.3  # of the own work of a check, what it takes however few rows there are
_AGAIN = 1.5  # a second run under the same settings may be so many times as long or as short
_TREES = ("LGBM", "XGB", "Forest", "Boosting", "Tree", "Booster")
_LINEAR = ("Logistic", "Linear", "Ridge", "Lasso", "SGD")


@dataclass(frozen=True, slots=True)
class Estimate:
    """Between which times something is expected to last.

    Parameters
    ----------
    low, high : float
        Seconds, of all that can be estimated.
    unknown : tuple of str
        What cannot, each with its reason.

    Examples
    --------
    >>> (Estimate(1.0, 3.0) + Estimate(9.0, 27.0)).words
    '10 to 30 s'
    >>> Estimate(0.0, 0.0, ("Accuracy (XX101) was never timed",)).words
    'not known: Accuracy (XX101) was never timed'
    """

    low: float
    high: float
    unknown: tuple[str, ...] = ()

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(self.low + other.low, self.high + other.high, (*self.unknown, *other.unknown))

    @property
    def words(self) -> str:
        """The range in words, and what is not in it."""
        if not self.unknown:
            return expected(self.low, self.high)
        missing = f"not known: {'; '.join(self.unknown)}"
        return f"{expected(self.low, self.high)}, and {missing}" if self.high else missing


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a model answers and trains on this machine.

    Attributes
    ----------
    call, row : float
        Seconds of a call to the model, and of each row in it.
    training : tuple of two floats or None
        Seconds, from and to, of a training on all training rows; None where that is not known.
    speed : float
        Seconds this machine takes for what took one second where the costs of checks were measured.
    """

    call: float
    row: float
    training: tuple[float, float] | None = None
    speed: float = 1.0


def estimate(audit: Audit, subject: Subject, *, only: Iterable[str] | None = None) -> Estimate:
    """Return how long the checks of an audit are expected to take, one after the other; the model is asked about few rows.

    Parameters
    ----------
    audit : Audit
        The plan.
    subject : Subject
        What is to be audited.
    only : iterable of str, optional
        Codes of the checks; all when left out.
    """
    codes = None if only is None else set(only)
    plan = [(check, params) for check, params in audit.plan if codes is None or check.code in codes]
    return sum(estimates(plan, subject, pace_of(subject)).values(), Estimate(0.0, 0.0))


def estimates(
    plan: Iterable[Planned], subject: Subject, pace: Pace, *, lasted: Mapping[str, float] | None = None
) -> dict[str, Estimate]:
    """Return for each check how long it is expected to take, by its code; nothing is asked of the model.

    Parameters
    ----------
    plan : iterable of (Check, parameters)
        What is to run, with every parameter resolved.
    subject : Subject
        What is to be audited.
    pace : Pace
        Of its model.
    lasted : mapping of str to float, optional
        Seconds that checks took before, under the same settings on the same subject, by code.
    """
    made = {key[:-1] for key in tuple(subject.memory) if isinstance(key, tuple)}
    found: dict[str, Estimate] = {}
    for check, params in plan:
        law, known = LAWS.get(check.code), used(check.code, kind_of(subject))
        key = (law.shares, *(params.get(name) for name in law.by)) if law and law.shares else None
        again = key in made
        if lasted and check.code in lasted and not again:
            found[check.code] = Estimate(lasted[check.code] / _AGAIN, lasted[check.code] * _AGAIN)
        elif law is None or known is None:
            found[check.code] = Estimate(0.0, 0.0, (f"how long {_named(check)} takes was not measured",))
        elif not _applies(law, subject):
            found[check.code] = Estimate(0.0, 0.0)
        else:
            found[check.code] = _expected(
                law, Used(known.own) if again else known, check, params, subject, pace
            )
        if key is not None:
            made.add(key)
    if found and (first := _first(subject, pace)):
        code = next(iter(found))
        found[code] += Estimate(first / 2, first * 2)
    return found


def pace_of(subject: Subject, *, clock: Clock = time.perf_counter, within: float = WITHIN) -> Pace:
    """Time the model on few rows, and trainings of it on few rows where it can be trained again.

    A model is only trained here if it is an estimator: a function that trains may be anything, and take any time.

    Parameters
    ----------
    subject : Subject
        Whose model.
    clock : callable
        Gives seconds.
    within : float
        Seconds that each of both may take; no call begins that is expected to last beyond them.
    """
    speed = probe(clock) / PROBE
    try:
        call, row = _asking(subject, clock, within)
        return Pace(call, row, _training(subject, clock, within), speed)
    except AuditkitError:  # a model that cannot answer ends every check at once, with its reason
        return Pace(0.0, 0.0, None, speed)


def probe(clock: Clock = time.perf_counter) -> float:
    """Return the seconds this machine takes for a fixed piece of work, the best of three."""
    numbers = np.random.default_rng(0).random(100_000)

    def work() -> None:
        np.sort(numbers)
        np.cumsum(numbers).searchsorted(numbers[:10_000])
        sum(i * i for i in range(50_000))

    return min(_timed(work, clock) for _ in range(3))


def kind_of(subject: Subject) -> str:
    """Return "trees", "linear" or "other": what checks do from within a model, and what by asking it, goes by this."""
    last = subject.model.estimator
    while steps := getattr(last, "steps", None):
        last = steps[-1][1]
    name = type(getattr(last, "best_estimator_", last)).__name__
    if any(part in name for part in _TREES):
        return "trees"
    return "linear" if any(part in name for part in _LINEAR) else "other"


def _first(subject: Subject, pace: Pace) -> float:
    """Return the seconds of the answers every check shares, where they are not there yet."""
    rows = {"test": len(subject.test), "train": 0 if subject.train is None else len(subject.train)}
    left = sum(n for split, n in rows.items() if split not in subject.answered)
    return (
        0.0
        if subject.predictions_only
        else left * pace.row * (1 if subject.model.gives_proba is False else 2)
    )


def _applies(law: Law, subject: Subject) -> bool:
    if law.needs and subject.train is None:
        return False
    return law.needs != "refit" or bool(subject.model.can_refit)


def _expected(
    law: Law, known: Used, check: Check, params: Mapping[str, Any], subject: Subject, pace: Pace
) -> Estimate:
    grows = _times(law.grows, check, params, subject)
    size = _size(law, check, params, subject)
    scale = grows * size
    own = known.own * pace.speed * (_FLOOR + (1 - _FLOOR) * scale)
    asked = known.calls * grows * pace.call + known.rows * scale * pace.row
    spread = law.spread * (1 + 0.15 * abs(math.log10(scale)))
    low, high = (own + asked) / spread, (own + asked) * spread
    trainings = known.trainings * _times(law.trains, check, params, subject)
    if not trainings or not subject.model.can_refit:
        return Estimate(low, high)
    if pace.training is None:
        many = f"{trainings:.0f} trainings of the model" if trainings >= 1.5 else "a training of the model"
        why = f"{_named(check)} depends on {many}, and how long one takes is not known yet"
        return Estimate(low, high, (why,))
    part = _part(law, params, subject) * trainings
    return Estimate(low + part * pace.training[0] / 1.3, high + part * pace.training[1] * 1.3)


def _named(check: Check) -> str:
    return f"{check.title} ({check.code})"


def _times(names: tuple[str, ...], check: Check, params: Mapping[str, Any], subject: Subject) -> float:
    """Return how many times as large these parameters are as where the check was measured."""
    defaults = {p.name: p.default for p in check.parameters}
    times = 1.0
    for name in names:
        if name == "columns":
            bound = params.get("columns") or math.inf
            times *= min(subject.test.X.shape[1], bound) / COLUMNS
        elif defaults.get(name):
            times *= (params.get(name) or 0) / defaults[name]
    return max(times, 1e-3)


def _size(law: Law, check: Check, params: Mapping[str, Any], subject: Subject) -> float:
    """Return how many times as many rows are looked at as where the check was measured."""
    train = 0 if subject.train is None else len(subject.train)
    here = {"test": len(subject.test), "train": train, "both": len(subject.test) + train}[law.split]
    there = ROWS[law.split]
    bound = next((p for p in check.parameters if p.name == "rows"), None)
    if bound is not None:
        here, there = min(here, params["rows"]), min(there, bound.default)
    return max(here, 1) / there


def _part(law: Law, params: Mapping[str, Any], subject: Subject) -> float:
    """Return which part of the training rows one training sees."""
    train = 1 if subject.train is None else max(len(subject.train), 1)
    bound = params["pool"] / 2 if "pool" in params else params.get("rows") if law.split != "test" else None
    return law.part if bound is None else min(law.part, bound / train)


def _timed(do: Callable[[], object], clock: Clock) -> float:
    start = clock()
    do()
    return clock() - start


def _asking(subject: Subject, clock: Clock, within: float) -> tuple[float, float]:
    """Return the seconds of a call, and of each further row in it."""
    if subject.predictions_only:
        return 0.0, 0.0
    model, X = subject.model.inner, subject.test.X
    most = min(len(X), MOST_OF_A_FUNCTION if model.estimator is None else MOST_ROWS)
    first = _timed(lambda: model.try_out(X.iloc[:1]), clock)  # what a model prepares once is no pace
    if first > within:
        return first, first / 10  # a slow model is not asked again; how much of it is the row's, is not known
    call = min(first, _timed(lambda: model.try_out(X.iloc[:1]), clock))
    spent, rows, took = first + call, 1, call
    while rows < most and spent + 10 * took < within:
        rows = min(10 * rows, most)
        some = X.iloc[:rows]
        took = _timed(lambda some=some: model.try_out(some), clock)  # type: ignore[misc]
        spent += took
    return call, max(took - call, 0.0) / max(rows - 1, 1)


def _training(subject: Subject, clock: Clock, within: float) -> tuple[float, float] | None:
    """Return the seconds of a training on all training rows, carried on from few; None where none was timed."""
    model, data = subject.counted().model, subject.train
    if data is None or model.estimator is None or not model.can_refit:
        return None
    order = np.random.default_rng(0).permutation(len(data))

    def on(rows: int) -> float:
        some = data.take(np.sort(order[:rows]))
        return max(_timed(lambda: model.refit(some.X, some.y, 0), clock), 1e-6)

    rows = min(FEWEST, len(data))
    try:
        with converging():  # few rows converge or not: that is no news of the model
            first = on(rows)  # what is loaded and prepared once is no pace
            seen = [(rows, first if first > within else min(first, on(rows)))]
            spent = first + seen[0][1]
            while rows < len(data) and spent + 4 * seen[-1][1] < within:
                rows = min(4 * rows, len(data))
                seen.append((rows, on(rows)))
                spent += seen[-1][1]
    except AuditkitError:
        return None
    return _carried_on(seen, len(data))


def _carried_on(seen: list[tuple[int, float]], rows: int) -> tuple[float, float]:
    """Return from and to what a time grows with the rows, if it goes on as between the last two that were timed."""
    last, took = seen[-1]
    power = 0.8
    if len(seen) > 1:
        before, sooner = seen[-2]
        power = min(max(math.log(took / sooner) / math.log(last / before), 0.4), 1.2)
    times = rows / last
    return took * times ** (power - 0.2), took * times ** (power + 0.2)
