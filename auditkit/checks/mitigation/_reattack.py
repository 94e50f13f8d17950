"""Reattack: what attackers make of the same records under a defence: old rows replayed, and attacks that know of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from auditkit.checks.mitigation._slopes import Turned
from auditkit.checks.mitigation.defended import Defended, Gated
from auditkit.checks.robustness._threats import allowed_only
from auditkit.checks.robustness._white_box import hold_codes
from auditkit.errors import NotApplicable
from auditkit.methods import evasion
from auditkit.methods.evasion.gradients.differentiable import Part
from auditkit.predictors import Counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from auditkit.methods.evasion import AttackResult
    from auditkit.methods.evasion.gradients.differentiable import Differentiable, LossName
    from auditkit.predictors import Predictor
    from auditkit.subject import Subject
    from auditkit.threat import ThreatModel

__all__ = [
    "ATTACKERS",
    "GRADIENT_STEPS",
    "Attacked",
    "Bench",
    "Target",
    "able",
    "attack",
    "hardest_rows",
    "replayed",
    "turns",
]

GRADIENT_STEPS = "gradient steps"
FEWEST_CALLS = 5  # that one try of an attacker needs
_CLIMB = 23  # calls of one climb of twenty steps


@dataclass(frozen=True, eq=False)
class Target:
    """Rows to attack, as attackers see them.

    Attributes
    ----------
    frame : DataFrame of shape (n, d)
        The rows.
    X : ndarray of shape (n, features)
        The same, encoded by the threat model.
    y : ndarray of int, shape (n,)
        True class of each, by its place among the classes.
    """

    frame: pd.DataFrame
    X: np.ndarray
    y: np.ndarray

    def take(self, rows: np.ndarray) -> Target:
        """Return some of them."""
        return Target(self.frame.iloc[rows].reset_index(drop=True), self.X[rows], self.y[rows])


@dataclass(frozen=True, eq=False)
class Bench:
    """What every defence is measured with.

    Attributes
    ----------
    subject : Subject
        Under audit.
    threat : ThreatModel
        What an attacker may do.
    target : Target
        The records that every figure of robustness rests on.
    pool : ndarray of shape (p, features)
        Rows that searches start from.
    max_calls : int
        Budget of all attackers and tries on one model together, before and after alike.
    repeats : int
        How often each attacker tries, from the start, at most; see `turns`.
    seed : int
        Of the attacks: the same for every model, so that only it differs.
    seeds : tuple of int
        For what defences draw: training, and noise or rows.
    """

    subject: Subject
    threat: ThreatModel
    target: Target
    pool: np.ndarray
    max_calls: int
    repeats: int
    seed: int
    seeds: tuple[int, int]
    asked: list[Counted] = field(default_factory=list)

    def shared(self, parts: int) -> Bench:
        """Return the same with an equal part of the budget, for one attacker's one try."""
        return replace(self, max_calls=self.max_calls // max(parts, 1))

    def counted(self, model: Predictor) -> Counted:
        """Return a model whose calls are counted with the audit's."""
        self.asked.append(Counted(model))
        return self.asked[-1]

    def labels(self, model: Defended, frame: pd.DataFrame) -> np.ndarray:
        """Return the class each row is decided, -1 for rows that go to a person, shape (n,)."""
        said = self.subject.class_index(model.predict(frame))
        return np.where(model.rejects(frame), -1, said) if isinstance(model, Gated) else said


@dataclass(frozen=True, eq=False)
class Attacked:
    """What attackers who know of the model achieved.

    Attributes
    ----------
    decided : ndarray of int, shape (n,)
        Class of each unchanged row, -1 for rows that go to a person.
    flips : dict of str to ndarray of bool, shape (n,)
        By attacker, whether some allowed row was answered wrongly.
    found : tuple of ndarray of shape (n, features)
        Their rows; the original where nothing was found.
    notes : tuple of str
        Attackers that could not try.
    """

    decided: np.ndarray
    flips: dict[str, np.ndarray]
    found: tuple[np.ndarray, ...]
    notes: tuple[str, ...] = ()

    @property
    def flipped(self) -> np.ndarray:
        """Whether any attacker found a row that is answered wrongly, shape (n,)."""
        return np.asarray(np.any(list(self.flips.values()), axis=0))


def able(bench: Bench, model: Defended) -> dict[str, str]:
    """Return the attackers by name, each with why it cannot try; empty where it can."""
    found = {}
    for name, needs in _NEEDS.items():
        try:
            needs(_Asked(bench, model, bench.target.take(np.arange(1)), None))
            found[name] = ""
        except NotApplicable as why:
            found[name] = str(why)
    return found


def turns(bench: Bench, attackers: int) -> int:
    """Return how often each of so many attackers tries: as often as was asked, while each try has the calls it needs."""
    return max(1, min(bench.repeats, bench.max_calls // (FEWEST_CALLS * max(attackers, 1))))


def attack(bench: Bench, model: Defended) -> Attacked:
    """Let every attacker try, from scratch and against the model as it answers, defence included.

    A defence may let more attackers try than the model alone, by scores that it adds: those who try share the budget.
    """
    target = bench.target
    decided = bench.labels(model, target.frame)
    found, why_not = [], able(bench, model)
    names = [name for name, why in why_not.items() if not why]
    times = turns(bench, len(names))
    part = bench.shared(len(names) * times)
    for k, (name, attacker) in enumerate(ATTACKERS.items()):
        for turn in range(times if name in names else 0):
            seed = np.random.SeedSequence([bench.seed, k, turn])
            found.append(_tried(part, model, target, attacker, seed))
    hits = np.asarray(_wrong(bench, model, target, found).reshape(len(names), times, -1).any(axis=1))
    return Attacked(
        decided,
        {name: hits[k] for k, name in enumerate(names)},
        tuple(found),
        tuple(f"{name}: {why}" for name, why in why_not.items() if why),
    )


def replayed(bench: Bench, model: Defended, found: Sequence[np.ndarray]) -> np.ndarray:
    """Return for which records one of these rows, found against whichever model, is answered wrongly, shape (n,)."""
    return np.asarray(_wrong(bench, model, bench.target, found).any(axis=0))


def hardest_rows(
    bench: Bench, model: Defended, target: Target, seed: np.random.SeedSequence
) -> tuple[np.ndarray, np.ndarray]:
    """Return allowed rows that the model answers wrongly, (m, features), and their true classes: what training adds."""
    rows, classes, why_not = [target.X[:0]], [target.y[:0]], able(bench, model)
    part = bench.shared(sum(not why for why in why_not.values()))
    for (name, attacker), child in zip(ATTACKERS.items(), seed.spawn(len(ATTACKERS)), strict=True):
        if why_not[name]:
            continue
        found = _tried(part, model, target, attacker, child)
        (hit,) = _wrong(bench, model, target, [found])
        rows.append(found[hit])
        classes.append(target.y[hit])
    return np.concatenate(rows), np.concatenate(classes)


def _tried(
    bench: Bench,
    model: Defended,
    target: Target,
    attacker: Callable[..., AttackResult],
    seed: np.random.SeedSequence,
) -> np.ndarray:
    """Return one attacker's rows, (n, features), the original where it found none that is allowed.

    A gate turns rows away, which is no success. The attackers know labels only, so that each class is attacked by itself, and
    what the gate turns away passes for that class.
    """
    gated = isinstance(model, Gated)
    parts = (
        [np.flatnonzero(target.y == c) for c in np.unique(target.y)] if gated else [np.arange(len(target.y))]
    )
    rows = target.X.copy()
    for part, child in zip(parts, seed.spawn(len(parts)), strict=True):
        some = target.take(part)
        own = int(some.y[0]) if gated else None
        found = attacker(_Asked(bench, model, some, own), np.random.default_rng(child))
        found = allowed_only(found, bench.threat, some.frame)
        near = found.success & (
            bench.threat.space.distance(some.X, found.adversarial, bench.threat.norm) <= bench.threat.radius
        )
        rows[part] = np.where(near[:, None], found.adversarial, some.X)
    return rows


def _wrong(bench: Bench, model: Defended, target: Target, found: Sequence[np.ndarray]) -> np.ndarray:
    """Return which changed rows, asked again, are answered and answered wrongly; unchanged rows are none, shape (k, n)."""
    rows, k = np.concatenate(found), len(found)
    moved = bench.threat.space.changed(np.tile(target.X, (k, 1)), rows).any(axis=1)
    wrong = np.zeros(len(rows), dtype=bool)
    if moved.any():
        said = bench.labels(model, bench.threat.decode(rows[moved]))
        wrong[moved] = (said >= 0) & (said != np.tile(target.y, k)[moved])
    return wrong.reshape(k, -1)


@dataclass(frozen=True, eq=False)
class _Asked:
    """A defended model as attackers ask it, about rows of one class where there is a gate."""

    bench: Bench
    model: Defended
    target: Target
    own: int | None

    def labels(self, matrix: np.ndarray) -> np.ndarray:
        said = self.bench.labels(self.model, self.bench.threat.decode(matrix))
        return said if self.own is None else np.where(said < 0, self.own, said)

    def scores(self, matrix: np.ndarray) -> np.ndarray:
        frame = self.bench.threat.decode(matrix)
        proba = self.model.predict_proba(frame)
        if self.own is None:
            return proba
        # of a row that is turned away nothing is gained: it scores as one the model is sure of
        return np.where(self.model.rejects(frame)[:, None], np.eye(proba.shape[1])[self.own], proba)

    def around(self) -> tuple[ThreatModel, Differentiable]:
        """Return the threat model with all that has no slope held, and the model around the rows, with slopes.

        Raises
        ------
        NotApplicable
            If the model gives none, or no column could follow them.
        """
        threat = self.bench.threat
        if threat.norm == "l0":
            raise NotApplicable("no step is small in a number of columns")
        threat = hold_codes(threat)
        free = evasion.free_columns(threat.space)
        if not free.any():
            raise NotApplicable("there is no column of numbers that slopes could move")
        columns = [one.columns[0] for one, may in zip(threat.features, free, strict=True) if may]
        model = self.model.differentiable(self.target.frame, columns)
        if self.own is None:
            return threat, model

        def rejects(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
            matrix = self.target.X[rows]
            matrix[:, free] = values
            return self.model.rejects(self.bench.threat.decode(matrix))

        return threat, Turned(model, rejects)


def _by_labels(asked: _Asked, rng: np.random.Generator) -> AttackResult:
    bench = asked.bench
    return evasion.decision_search(
        asked.labels, asked.target.X, asked.target.y, bench.threat.space, bench.pool, rng=rng,
        max_calls=bench.max_calls, radius=bench.threat.radius, norm=bench.threat.norm,
    )  # fmt: skip


def _at_the_edge(asked: _Asked, rng: np.random.Generator) -> AttackResult:
    bench = asked.bench
    return evasion.edge_search(
        asked.labels, asked.target.X, asked.target.y, bench.threat.space, bench.threat.radius,
        norm=bench.threat.norm, rng=rng, max_calls=bench.max_calls,
    )  # fmt: skip


def _by_scores(asked: _Asked, rng: np.random.Generator) -> AttackResult:
    """Search by scores within the largest cube that the ball holds."""
    bench, threat = asked.bench, asked.bench.threat
    space = threat.space
    free = max(1, int((space.mutable & ~space.categorical).sum()))
    sides = {"linf": 1.0, "l2": free**-0.5, "l1": 1.0 / free}
    changes = int((space.mutable & space.categorical).sum()) if threat.norm == "linf" else 0
    return evasion.random_search(
        asked.scores, asked.target.X, asked.target.y, space, threat.radius * sides[threat.norm], rng=rng,
        max_calls=bench.max_calls, category_changes=changes, category_radius=threat.radius,
    )  # fmt: skip


def _by_gradient(asked: _Asked, rng: np.random.Generator) -> AttackResult:
    """Climb the cross-entropy from each row, and with calls enough the margin of the likeliest other class, then from random starts."""
    (threat, model), target = asked.around(), asked.target
    losses: tuple[LossName, ...] = ("ce", "margin")[: max(1, min(2, asked.bench.max_calls // _CLIMB))]  # type: ignore[assignment]
    # calls of a climb: rows as they are, its steps, a look at the last, rows found
    each = asked.bench.max_calls // len(losses)
    steps = min(_CLIMB - 3, each - 3)
    found, rows = [], np.arange(len(target.y))
    for loss in losses:
        part = evasion.pgd(
            Part(model, rows), target.X[rows], target.y[rows], threat.space, threat.radius, rng=rng,
            norm=threat.norm, steps=steps, restarts=(each - 2) // (steps + 1), random_start=False, loss=loss,
            ask_labels=asked.labels,
        )  # fmt: skip
        found.append(evasion.Attack(loss, rows, part))
        rows = rows[~part.success & ~np.isnan(part.distance)]
    return evasion.joined(target.X, found)


def _sees_labels(asked: _Asked) -> None:
    """Need nothing."""


def _sees_scores(asked: _Asked) -> None:
    if not asked.model.has_proba:
        raise NotApplicable("the model gives no probabilities")
    if asked.bench.threat.norm == "l0":
        raise NotApplicable("no cube lies within a number of columns")


def _sees_slopes(asked: _Asked) -> None:
    asked.around()


ATTACKERS: dict[str, Callable[..., AttackResult]] = {
    "search by labels": _by_labels,
    "search at the edge": _at_the_edge,
    "search by scores": _by_scores,
    GRADIENT_STEPS: _by_gradient,
}
"""Who attacks, by name; each is given the same budget of calls."""

_NEEDS = {
    "search by labels": _sees_labels,
    "search at the edge": _sees_labels,
    "search by scores": _sees_scores,
    GRADIENT_STEPS: _sees_slopes,
}
