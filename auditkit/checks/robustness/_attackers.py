"""Attackers: who tries to turn the answers of a check's rows, each with what it sees; more are added to one list."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from auditkit.checks.robustness._threats import allowed_only
from auditkit.checks.robustness._white_box import hold_codes
from auditkit.errors import ModelError, NotApplicable
from auditkit.methods import evasion

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from auditkit.methods.evasion import AttackResult
    from auditkit.subject import Subject
    from auditkit.threat import ThreatModel

__all__ = ["ATTACKERS", "Attacker", "Case", "Found", "attack", "contradictions", "decided", "measured"]

Sees = Literal["decisions", "scores", "the model"]
_BESIDES = 5  # calls of a climb that are no step
_SHORT = 2.0**-23  # relative distance of neighbours among floats of 32 bits
ROUNDING = 1e-6  # by how much a distance may be below a bound: what arithmetic leaves


@dataclass(frozen=True, eq=False)
class Case:
    """The rows under attack, and what an attacker may know of them.

    Attributes
    ----------
    subject : Subject
        The model.
    threat : ThreatModel
        What is allowed, with norm and radius.
    original : DataFrame
        The rows as the model reads them.
    X, y : ndarray of shape (n, d) and (n,)
        The same as features, and their true classes.
    pool : ndarray of shape (m, d)
        Other rows, best training rows.
    max_calls : int
        Calls to the model at most.
    rng : numpy.random.Generator
        Source of every draw.
    """

    subject: Subject
    threat: ThreatModel
    original: pd.DataFrame
    X: np.ndarray
    y: np.ndarray
    pool: np.ndarray
    max_calls: int
    rng: np.random.Generator

    def only(self, kept: np.ndarray) -> Case:
        """Return the case of some of its rows, by a mask."""
        return replace(self, original=self.original[kept], X=self.X[kept], y=self.y[kept])

    def labels(self, rows: np.ndarray) -> np.ndarray:
        """Return the model's classes of rows of features, (m,)."""
        return self.subject.class_index(self.subject.model.predict(self.threat.decode(rows)))

    def scores(self, rows: np.ndarray) -> np.ndarray:
        """Return its probabilities, (m, k)."""
        proba: np.ndarray = self.subject.model.predict_proba(self.threat.decode(rows))
        return proba


@dataclass(frozen=True)
class Attacker:
    """One way of looking for changes.

    Attributes
    ----------
    name : str
        As the report calls it.
    sees : {"decisions", "scores", "the model"}
        What it needs to see.
    run : callable
        Takes the case; raises `NotApplicable` where it cannot start.
    """

    name: str
    sees: Sees
    run: Callable[[Case], AttackResult]


@dataclass(frozen=True, eq=False)
class Found:
    """What an attacker found, re-measured.

    Attributes
    ----------
    name, sees : str
        Of the attacker.
    distance : ndarray of shape (n,)
        Of the nearest change found; infinite where there is none, nan for rows that were wrong to begin with.
    changed : ndarray of shape (n, d)
        That change, as the model reads it; the row itself where there is none.
    calls : int
        Calls to the model.
    why_not : str
        Why it did not start; empty where it did.
    """

    name: str
    sees: str
    distance: np.ndarray
    changed: np.ndarray
    calls: int
    why_not: str = ""

    def only(self, kept: np.ndarray) -> Found:
        """Return the same of some of its rows, by a mask."""
        return replace(self, distance=self.distance[kept], changed=self.changed[kept])


def _decisions(case: Case) -> AttackResult:
    return evasion.decision_search(
        case.labels,
        case.X,
        case.y,
        case.threat.space,
        case.pool,
        rng=case.rng,
        max_calls=case.max_calls,
        norm=case.threat.norm,
    )


def _scores(case: Case) -> AttackResult:
    """Search within a cube that the radius holds; a few categories may change besides, and what is too far is told by the distance."""
    if not case.subject.model.has_proba:
        raise NotApplicable("the model gives no probabilities")
    space, threat = case.threat.space, case.threat
    numbers = max(int((space.mutable & ~space.categorical).sum()), 1)
    side = {"linf": 1.0, "l2": numbers**-0.5, "l1": 1.0 / numbers, "l0": np.inf}[threat.norm] * threat.radius
    if not np.isfinite(side):
        raise NotApplicable("it searches a cube, and a number of changed columns is none")
    codes = space.mutable & space.categorical & (space.category_cost <= threat.radius)
    changes = int(codes.sum()) if threat.norm == "linf" else int(codes.any())
    return evasion.random_search(
        case.scores,
        case.X,
        case.y,
        space,
        side,
        rng=case.rng,
        max_calls=case.max_calls,
        category_changes=changes,
        category_radius=threat.radius,
    )


def _features(case: Case) -> AttackResult:
    if not case.subject.model.has_proba:
        raise NotApplicable("the model gives no probabilities")
    threat = case.threat
    return evasion.feature_search(
        case.scores, case.X, case.y, threat.space, threat.radius, rng=case.rng, norm=threat.norm, max_calls=case.max_calls
    )  # fmt: skip


def _gradients(case: Case) -> AttackResult:
    """Follow slopes of numbers, one call a step; categories stay. AK305 attacks along slopes in more ways."""
    threat = hold_codes(case.threat)
    free = evasion.free_columns(threat.space)
    if threat.norm not in ("linf", "l2", "l1") or not free.any():
        raise NotApplicable("there is no column of numbers that slopes could move")
    columns = [one.columns[0] for one, may in zip(threat.features, free, strict=True) if may]
    model = case.subject.model.differentiable(case.original, columns)
    climb: Callable[..., AttackResult] = evasion.pgd if threat.norm == "l1" else evasion.apgd
    return climb(
        model, case.X, case.y, threat.space, threat.radius, rng=case.rng, norm=threat.norm, loss="margin",
        steps=max(case.max_calls - _BESIDES, 1), ask_labels=case.labels,
    )  # fmt: skip


ATTACKERS: tuple[Attacker, ...] = (
    Attacker("decision search", "decisions", _decisions),
    Attacker("random search", "scores", _scores),
    Attacker("feature search", "scores", _features),
    Attacker("gradient attack", "the model", _gradients),
)
"""Every attacker that is tried; a new one is a line here."""


def attack(attacker: Attacker, case: Case) -> Found:
    """Return what an attacker found, held against the threat model and the model itself."""
    try:
        got = attacker.run(case)
    except NotApplicable as error:
        nothing = np.full(len(case.X), np.inf)
        return Found(attacker.name, attacker.sees, nothing, case.X, 0, str(error))
    return Found(attacker.name, attacker.sees, *measured(case, got), got.calls)


def decided(right: np.ndarray, found: list[Found]) -> np.ndarray:
    """Return of which records the model repeated its answer, (n,): of others there is no decision to turn.

    Raises
    ------
    NotApplicable
        If there are none.
    """
    told = [
        ~np.isnan(one.distance) for one in found if one.sees == "decisions"
    ]  # each asks again before it begins
    kept = np.asarray(np.all([right == one for one in told], axis=0))
    if not kept.any():
        raise NotApplicable("the model answers no row the same way twice: there is no decision to flip")
    return kept


def measured(case: Case, got: AttackResult) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance of each change that is allowed and that the model, asked again, answers otherwise, else infinity; and the change.

    A change is measured as the model reads it, rounded to the types of its inputs; where that took it farther off, the next row
    towards the original is tried as well.
    """
    kept = allowed_only(got, case.threat, case.original)
    distance, changed = np.where(np.isnan(kept.distance), np.nan, np.inf), case.X.copy()
    there = np.flatnonzero(np.isfinite(kept.distance))
    if len(there):
        found, start = kept.adversarial[there], case.X[there]
        rounded = case.threat.encode(case.threat.decode(found))
        distance[there] = _measured(case, there, rounded)
        changed[there] = rounded
        with np.errstate(invalid="ignore"):
            farther = np.abs(rounded - start) > np.abs(found - start)
            back = np.sign(start - found) * np.minimum(np.abs(found - start), _SHORT * np.abs(found))
        if farther.any():
            nearer = case.threat.encode(case.threat.decode(np.where(farther, found + back, rounded)))
            short = _measured(case, there, nearer)
            changed[there] = np.where((short < distance[there])[:, None], nearer, rounded)
            distance[there] = np.minimum(distance[there], short)
        changed[~np.isfinite(distance)] = case.X[~np.isfinite(distance)]
    return distance, changed


def _measured(case: Case, there: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return how far rows are that the model answers otherwise than it should, and that are allowed; infinity for others."""
    bad = case.threat.space.violations(case.X[there], rows).any(axis=1)
    other = (case.labels(rows) != case.y[there]) & ~bad
    return np.where(other, case.threat.space.distance(case.X[there], rows, case.threat.norm), np.inf)


def contradictions(lower: np.ndarray, found: Found) -> None:
    """Hold what an attacker found against what was certified.

    Raises
    ------
    ModelError
        If it found a change nearer than any there can be: one of the two is wrong, and no figure is given.
    """
    nearer = found.distance < lower * (1 - ROUNDING) - 1e-9
    if nearer.any():
        row = int(np.flatnonzero(nearer)[0])
        raise ModelError(
            f"for {int(nearer.sum())} of {len(lower)} records {found.name} found a change nearer than the certified bound (the first "
            f"at {found.distance[row]:.6g}, certified up to {lower[row]:.6g}): the model does not answer the same way twice, or the "
            "certificate is wrong; nothing is reported"
        )
