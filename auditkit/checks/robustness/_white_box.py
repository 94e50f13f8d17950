"""White box: gradient attacks on a subject within its threat model, and black-box searches that must not beat them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit import progress
from auditkit.checks import _common as common
from auditkit.checks.robustness._threats import allowed_only, too_coarse
from auditkit.errors import NotApplicable
from auditkit.methods import evasion
from auditkit.methods.evasion.gradients.differentiable import Part, loss_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from auditkit.methods.evasion import Attack, AttackResult
    from auditkit.methods.evasion.gradients.differentiable import Differentiable
    from auditkit.subject import Subject
    from auditkit.threat import ThreatModel

__all__ = ["Found", "Setting", "attacked", "hold_codes", "masked", "setting_of"]

_NORMS = ("linf", "l2", "l1")
_FLAT = 0.05  # share of rows without a slope from which on gradients may be masked
_LONGER = 50  # rows that stand attacked by more steps from more starts, beside all that only a search without gradients flips
_LONGER_STEPS, _LONGER_STARTS = 2, 9
_AS_FAR = 0.95  # of what a black-box search flips at any distance, gradient attacks must flip so much


@dataclass(frozen=True, eq=False)
class Setting:
    """The rows under attack, the model around them, and what may be done.

    Attributes
    ----------
    subject, threat : Subject, ThreatModel
        Whose model, within what; categories are held.
    frame : DataFrame of shape (n, d)
        The rows.
    X : ndarray of shape (n, features)
        The same as the attacks see them.
    model : Differentiable
        The model around them.
    start : ndarray of int, shape (n,)
        The decisions attacked.
    pool : ndarray of shape (p, features)
        Rows from which the black-box search starts.
    """

    subject: Subject
    threat: ThreatModel
    frame: pd.DataFrame
    X: np.ndarray
    model: Differentiable
    start: np.ndarray
    pool: np.ndarray

    def labels(self, matrix: np.ndarray) -> np.ndarray:
        """Return the model's decisions, as it is used."""
        return self.subject.class_index(self.subject.model.predict(self.threat.decode(matrix)))

    def scores(self, matrix: np.ndarray) -> np.ndarray:
        """Return the model's probabilities."""
        found: np.ndarray = self.subject.model.predict_proba(self.threat.decode(matrix))
        return found

    def held(self, found: AttackResult, rows: np.ndarray) -> AttackResult:
        """Hold what was found against the threat model, in the inputs the model reads."""
        return allowed_only(found, self.threat, self.frame.iloc[rows])

    def white_box(
        self,
        radius: float,
        rng: np.random.Generator,
        *,
        steps: int,
        restarts: int,
        rows: np.ndarray | None = None,
    ) -> list[Attack]:
        """Return what each gradient attack did within a radius."""
        rows = np.arange(len(self.X)) if rows is None else rows
        threat = self.threat
        _, attacks = evasion.ensemble(
            Part(self.model, rows), self.X[rows], self.start[rows], threat.space, radius, rng=rng, norm=threat.norm,
            steps=steps, restarts=restarts, ask_labels=self.labels,
        )  # fmt: skip
        return [
            replace(one, rows=rows[one.rows], result=self.held(one.result, rows[one.rows])) for one in attacks
        ]

    def quick(self, radius: float, rng: np.random.Generator, *, steps: int, rows: np.ndarray) -> AttackResult:
        """Return what one attack, on the margin, flips within a radius."""
        attack: Any = evasion.pgd if self.threat.norm == "l1" else evasion.apgd
        found = attack(
            Part(self.model, rows), self.X[rows], self.start[rows], self.threat.space, radius, rng=rng,
            norm=self.threat.norm, steps=steps, loss="margin", ask_labels=self.labels,
        )  # fmt: skip
        return self.held(found, rows)

    def longer(self, rng: np.random.Generator, *, steps: int, restarts: int, rows: np.ndarray) -> Attack:
        """Return what small steps from many starts flip within the radius, where the attacks before found nothing."""
        found = evasion.pgd(
            Part(self.model, rows), self.X[rows], self.start[rows], self.threat.space, self.threat.radius, rng=rng,
            norm=self.threat.norm, steps=steps, restarts=restarts, loss="margin", ask_labels=self.labels,
        )  # fmt: skip
        return evasion.Attack("PGD, margin, many starts", rows, self.held(found, rows))

    def black_box(self, rng: np.random.Generator, *, max_calls: int) -> list[Attack]:
        """Return what searches without gradients did, on all rows: by labels at any distance, by scores within the radius."""
        every, threat = np.arange(len(self.X)), self.threat
        found = evasion.decision_search(
            self.labels,
            self.X,
            self.start,
            threat.space,
            self.pool,
            rng=rng,
            max_calls=max(max_calls, 5),
            norm=threat.norm,
        )
        attacks = [evasion.Attack("decision search, labels", every, self.held(found, every))]
        if threat.norm == "linf" and self.subject.model.has_proba:
            found = evasion.random_search(
                self.scores, self.X, self.start, threat.space, threat.radius, rng=rng, max_calls=max_calls
            )
            attacks.append(evasion.Attack("random search, scores", every, self.held(found, every)))
        return attacks

    def flat(self) -> np.ndarray:
        """Return whether the margin of each row has no slope at all, (n,); that of the cross-entropy vanishes where scores are large."""
        free = evasion.free_columns(self.threat.space)
        at = self.model.engine.array(self.X[:, free])
        with self.model.running():
            _, _, slope = self.model.pull(
                at, np.arange(len(self.X)), loss_of("margin", self.model.classes), self.start
            )
        return np.asarray((np.nan_to_num(self.model.engine.numpy(slope)) == 0).all(axis=1))

    def far(self) -> float:
        """Return a radius that reaches every allowed row, or a hundred times the radius where ranges are open."""
        space = self.threat.space
        free = evasion.free_columns(space)
        width = (space.high - space.low)[free] / space.scale[free]
        reach = np.where(np.isfinite(width), width, 0.0)
        total = {"linf": reach.max(initial=0.0), "l2": np.sqrt((reach**2).sum()), "l1": reach.sum()}
        return float(max(total[self.threat.norm], 100 * self.threat.radius))


def setting_of(
    subject: Subject, threat: ThreatModel, chosen: np.ndarray, rng: np.random.Generator
) -> Setting:
    """Return the rows under attack and the model around them.

    Raises
    ------
    NotApplicable
        If no number may change within the radius, the norm has no gradient step, or the model gives no gradients.
    """
    if threat.norm not in _NORMS:
        raise NotApplicable(
            f"gradient attacks need a norm of {', '.join(_NORMS)}, and the threat model has {threat.norm}: pass norm='linf', or "
            "use decision_attack"
        )
    threat = hold_codes(threat)
    free = evasion.free_columns(threat.space)
    if not free.any():
        raise NotApplicable(
            "no column of numbers may change, and gradients do not move categories: use decision_attack"
        )
    data = subject.test
    columns = [one.columns[0] for one, may in zip(threat.features, free, strict=True) if may]
    frame = data.X.iloc[chosen].reset_index(drop=True)
    model = subject.model.differentiable(frame, columns)
    too_coarse(threat)
    source = subject.train if subject.train is not None else data
    pool = threat.encode(source.X.iloc[common.draw(len(source), 2000, rng)])
    start = subject.class_index(subject.model.predict(frame))
    return Setting(subject, threat, frame, threat.encode(frame), model, start, pool)


def hold_codes(threat: ThreatModel) -> ThreatModel:
    """Return the threat model with categories, and inputs that change together, held as they are."""
    return threat.hold(*(one.name for one in threat.features if (one.coded or one.joint) and one.mutable))


def masked(n: int, white: int, black: int, far_white: int, far_black: int, flat: int) -> list[str]:
    """Return in words what speaks for masked gradients (Athalye et al. 2018; Carlini et al. 2019); empty where nothing does.

    Parameters
    ----------
    n : int
        Decisions attacked.
    white, black : int
        Flips within the radius by gradient attacks, and by searches without gradients.
    far_white, far_black : int
        The same at any distance.
    flat : int
        Rows whose scores have no slope.
    """
    found = []
    if black > white:
        found.append(f"searches without gradients flipped {black} of {n} decisions, gradient attacks {white}")
    if far_white < _AS_FAR * far_black:
        found.append(
            f"without a radius gradient attacks flipped {far_white} of {n} decisions, a search without gradients {far_black}"
        )
    if flat > _FLAT * n:
        found.append(f"the scores have no slope at {flat} of {n} rows")
    return found


@dataclass(frozen=True, eq=False)
class Found:
    """What all attacks achieved, row by row.

    Attributes
    ----------
    radius : float
        The one that is judged.
    attacked : ndarray of bool, shape (n,)
        Whether the model repeated its decision, so that there was one to flip.
    white, black : ndarray of bool, shape (n,)
        Whether a gradient attack, or a search without gradients, flipped it within the radius.
    nearest : ndarray of shape (n,)
        Distance of the nearest flip by any of them; ``inf`` for none.
    changed : ndarray of shape (n, features)
        That flip; the original row for none.
    attacks : tuple of Attack
        Each by itself.
    marks : tuple of str
        What speaks for masked gradients.
    notes : tuple of str
        What a reader must know.
    """

    radius: float
    attacked: np.ndarray
    white: np.ndarray
    black: np.ndarray
    nearest: np.ndarray
    changed: np.ndarray
    attacks: tuple[Attack, ...]
    marks: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def n(self) -> int:
        """Decisions attacked."""
        return int(self.attacked.sum())

    @property
    def flipped(self) -> np.ndarray:
        """Whether any attack flipped the decision within the radius, (n,)."""
        return np.asarray(self.white | self.black)


@contextmanager
def _stage(low: float, high: float, what: str) -> Iterator[None]:
    """Say what is begun, and take what it says of itself for a part of the way."""
    with progress.part(low, high):
        progress.step(0.0, what)
        yield


def attacked(
    setting: Setting, rng: np.random.Generator, *, steps: int, restarts: int, max_calls: int
) -> Found:
    """Attack along gradients, then without, then at any distance and with more steps, and hold one against the other."""
    size, radius = len(setting.X), setting.threat.radius
    with _stage(0.0, 0.3, "gradient attacks"):
        white = setting.white_box(radius, rng, steps=steps, restarts=restarts)
    known = ~np.isnan(white[0].result.distance)
    with _stage(0.3, 0.6, "searches without gradients"):
        black = setting.black_box(rng, max_calls=max_calls)
    by_white, by_black = _within(white, size, radius), _within(black, size, radius) & known
    drawn = np.flatnonzero(known & ~by_white & ~by_black)
    again = np.union1d(drawn[common.draw(len(drawn), _LONGER, rng)], np.flatnonzero(by_black & ~by_white))
    longer = []
    if len(again):
        starts = restarts + _LONGER_STARTS
        with _stage(0.6, 0.8, "gradient attacks with more steps and restarts"):
            longer = [setting.longer(rng, steps=_LONGER_STEPS * steps, restarts=starts, rows=again)]
    more = int(_within(longer, size, radius).sum())
    by_white |= _within(longer, size, radius)
    with _stage(0.8, 1.0, "gradient attacks at any distance"):
        rows = np.flatnonzero(known)
        far = setting.white_box(setting.far(), rng, steps=steps, restarts=restarts, rows=rows)
    attacks = (*white, *longer, *black)
    nearest, changed = _nearest(attacks, setting.X)
    far_black, far_white = _within(black, size, np.inf), _within(far, size, np.inf) | by_white
    marks = masked(
        int(known.sum()), int(by_white.sum()), int(by_black.sum()), int(far_white.sum()),
        int((far_black & known).sum()), int((setting.flat() & known).sum()),
    )  # fmt: skip
    notes = [
        f"At any distance gradient attacks flipped {int(far_white.sum())} of {int(known.sum())} decisions."
    ]
    if more:
        notes.append(
            f"Twice the steps from {restarts + _LONGER_STARTS} starts flipped {more} of {len(again)} decisions that had stood: raise "
            "steps and restarts."
        )
    alone = int((by_black & ~by_white).sum())
    if alone and not marks:
        notes.append(
            f"Decisions that only a search without gradients flipped: {alone}; gradient attacks alone flipped as many or more."
        )
    if left := size - int(known.sum()):
        notes.append(f"Rows left out, for the model answers them differently each time: {left}.")
    return Found(radius, known, by_white, by_black, nearest, changed, attacks, tuple(marks), tuple(notes))


def _within(attacks: list[Attack], n: int, radius: float) -> np.ndarray:
    """Return which rows were flipped within a radius by one of the attacks, (n,)."""
    out = np.zeros(n, dtype=bool)
    for one in attacks:
        out[one.rows] |= one.result.success & (one.result.distance <= radius)
    return out


def _nearest(attacks: tuple[Attack, ...], X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance of each row's nearest flip, and the flip itself."""
    distance, changed = np.full(len(X), np.inf), X.copy()
    for one in attacks:
        better = one.result.success & (one.result.distance < distance[one.rows])
        distance[one.rows[better]] = one.result.distance[better]
        changed[one.rows[better]] = one.result.adversarial[better]
    return distance, changed
