"""Bounded: between which distances each record is turned; found once for the check that reports it and for whoever looks closer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from auditkit import progress, shared
from auditkit.checks import _common as common
from auditkit.checks.robustness import _attackers as attackers
from auditkit.checks.robustness._inside import settle
from auditkit.checks.robustness._threats import attacked_rows
from auditkit.errors import NotApplicable
from auditkit.methods.evasion import AttackResult

if TYPE_CHECKING:
    from auditkit.checks.robustness._attackers import Case, Found
    from auditkit.methods.evasion import MinimalDistance
    from auditkit.subject import Subject
    from auditkit.threat import ThreatModel

__all__ = ["Bounded", "bounded"]

_SEARCHED, _SETTLED = 0.5, 0.95  # of the way, once the attacks are made, and once the bounds are
_STEPS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)  # radii shown, as multiples of the one judged


@dataclass(frozen=True, eq=False)
class Bounded:
    """Between which distances each record is turned.

    Attributes
    ----------
    case : Case
        The records, those alone whose answer the model repeated.
    rows : ndarray of int, shape (n,)
        Their numbers in the test rows.
    drawn : int
        How many there were before.
    grid : ndarray of shape (m,)
        Radii shown, 0 and the judged one among them. Certificates are sought up to the last.
    right : ndarray of bool, shape (n,)
        Records the model is right about.
    lower, nearest : ndarray of shape (n,)
        Certified distance, nan where nothing is; and that of the nearest change found, infinite where there is none.
    changed : ndarray of shape (n, d)
        That change; the row itself where there is none.
    found : list of Found
        What each search found; the certificate's own first, where there is one.
    inside : MinimalDistance or None
        What the model's own structure gave.
    white : Found or None
        What was found on the way to it.
    why_not : str
        Why the model's structure gave nothing; empty where it did.
    """

    case: Case
    rows: np.ndarray
    drawn: int
    grid: np.ndarray
    right: np.ndarray
    lower: np.ndarray
    nearest: np.ndarray
    changed: np.ndarray
    found: list[Found]
    inside: MinimalDistance | None
    white: Found | None
    why_not: str


def bounded(
    subject: Subject,
    threat: ThreatModel,
    rng: np.random.Generator,
    *,
    rows: int,
    max_calls: int,
    boxes: int,
    nodes: int,
) -> Bounded:
    """Attack the drawn records in every way there is, and certify what the model's structure allows; made once under one seed.

    Parameters
    ----------
    subject : Subject
        The model; what was asked of it counts for everybody who comes, whoever came first.
    threat : ThreatModel
        What is allowed, with norm and radius.
    rng : numpy.random.Generator
        Rows drawn, the searches. It is left where they leave it.
    rows, max_calls, boxes, nodes
        As `robust_accuracy` takes them.

    Raises
    ------
    ModelError
        If a search finds a change nearer than the certified bound.
    NotApplicable
        If the model answers no record the same way twice.
    """
    chosen = attacked_rows(len(subject.test), rows, rng)
    held = tuple(one.name for one in threat.features if not one.mutable)
    tried = tuple(one.name for one in attackers.ATTACKERS)
    key = ("bounded", chosen.tobytes(), threat.norm, threat.radius, held, tried, max_calls, boxes, nodes)

    def make() -> tuple[Bounded, dict[str, int]]:
        own = subject.counted()
        return _made(own, threat, chosen, rng, max_calls, boxes, nodes), own.model.cost()

    found, cost = shared.drawn(subject.memory, key, rng, make)
    subject.model.also(cost)
    return replace(found, case=replace(found.case, subject=subject, rng=rng))


def _made(
    subject: Subject,
    threat: ThreatModel,
    chosen: np.ndarray,
    rng: np.random.Generator,
    max_calls: int,
    boxes: int,
    nodes: int,
) -> Bounded:
    case = _case(subject, threat, chosen, max_calls, rng)
    right = case.labels(case.X) == case.y
    grid = _grid(threat)
    found = []
    for done, attacker in enumerate(attackers.ATTACKERS):
        with progress.part(*(_SEARCHED * at / len(attackers.ATTACKERS) for at in (done, done + 1))):
            progress.step(0.0, attacker.name)
            found.append(attackers.attack(attacker, case))
    kept = attackers.decided(right, found)
    case, right, found = case.only(kept), right[kept], [one.only(kept) for one in found]
    nearest = np.fmin.reduce([one.distance for one in found])
    with progress.part(_SEARCHED, _SETTLED):
        inside, white, why_not = _inside(case, nearest, float(grid[-1]), boxes, nodes)
    lower = np.full(len(right), np.nan)
    if inside is not None and white is not None:
        lower = np.where(right, np.nan_to_num(inside.lower, nan=0.0, posinf=np.inf), np.nan)
        for one in found:
            attackers.contradictions(lower, one)
        found, nearest = [white, *found], np.fmin(nearest, white.distance)
    return Bounded(
        case, chosen[kept], len(chosen), grid, right, lower, nearest, _changed(case, found), found, inside, white, why_not
    )  # fmt: skip


def _case(
    subject: Subject, threat: ThreatModel, chosen: np.ndarray, max_calls: int, rng: np.random.Generator
) -> Case:
    data = subject.test
    original = data.X.iloc[chosen]
    source = subject.train if subject.train is not None else data
    pool = threat.encode(source.X.iloc[common.draw(len(source), 2000, rng)])
    y = subject.class_index(data.y[chosen])
    return attackers.Case(subject, threat, original, threat.encode(original), y, pool, max_calls, rng)


def _grid(threat: ThreatModel) -> np.ndarray:
    """Return the radii shown, 0 and the judged one among them."""
    if threat.norm == "l0":
        return np.unique(np.append(np.arange(np.floor(2 * threat.radius) + 1), threat.radius))
    return np.array([threat.radius * step for step in _STEPS])


def _inside(
    case: Case, nearest: np.ndarray, within: float, boxes: int, nodes: int
) -> tuple[MinimalDistance | None, Found | None, str]:
    """Return bounds from the model's own structure, what was found on the way, and why not where there are none."""
    try:
        words, found = settle(
            case.subject, case.threat, case.labels, case.X, case.y,
            norm=case.threat.norm, within=within, known=nearest, boxes=boxes, nodes=nodes,
        )  # fmt: skip
    except NotApplicable as error:
        return None, None, str(error)
    n = len(case.X)
    attack = AttackResult(
        found.adversarial,
        np.isfinite(found.upper),
        found.upper,
        np.zeros(n, dtype=np.int64),
        found.calls,
        np.full(n, ""),
    )
    name = f"minimal change ({words})"
    return (
        found,
        attackers.Found(name, "the model", *attackers.measured(case, attack), found.calls),
        "",
    )


def _changed(case: Case, found: list[Found]) -> np.ndarray:
    """Return the nearest change of each record that any search found."""
    distance, changed = np.full(len(case.X), np.inf), case.X.copy()
    for one in found:
        better = one.distance < distance
        distance[better], changed[better] = one.distance[better], one.changed[better]
    return changed
