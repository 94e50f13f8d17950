"""Defences: how each is built from the training rows, and from held-out rows where something is to be calibrated."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.checks import _common as common
from auditkit.checks.mitigation._reattack import Target, hardest_rows
from auditkit.checks.mitigation.defended import Averaged, Defended, Gated, Smoothed, Squeezed
from auditkit.checks.robustness._threats import sized
from auditkit.errors import NotApplicable
from auditkit.methods.adversarial_training import AdversarialTraining
from auditkit.methods.defences import bin_levels, fewest_rows
from auditkit.predictors._torch_inputs import prepared, slopes
from auditkit.predictors._torch_parts import losses
from auditkit.predictors._torch_predictor import TorchPredictor
from auditkit.predictors._torch_training import Training

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from auditkit.checks.mitigation._reattack import Bench
    from auditkit.dataset import Dataset
    from auditkit.predictors import Counted
    from auditkit.threat import Feature

__all__ = ["DEFENCES", "TRAINS", "Built", "Settings", "retrained"]

_INNER_STEPS = 5
_FAR = 1e9  # stands for no end of a range


@dataclass(frozen=True, slots=True)
class Settings:
    """What is set in the defences.

    Attributes
    ----------
    levels : int
        Of a squeezed column.
    noise : float
        Standard deviation of the noise of smoothing, in radii.
    copies : int
        Noisy copies of a row.
    members : int
        Of an ensemble.
    reject : float
        False-reject rate of the gate.
    rounds : int
        Of adversarial training by added rows.
    pool : int
        Training rows attacked to train on, and rows the gate compares with, at most.
    calibration : DataFrame
        Held-out rows that no figure rests on.
    """

    levels: int
    noise: float
    copies: int
    members: int
    reject: float
    rounds: int
    pool: int
    calibration: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Built:
    """A defended model.

    Attributes
    ----------
    model : Defended
        As it answers.
    setting : str
        What was set, in words.
    """

    model: Defended
    setting: str


def retrained(bench: Bench) -> Defended:
    """Return the recipe trained again on the same rows, without a defence: what defences that train are compared with.

    Raises
    ------
    NotApplicable
        If there are no training rows, or the model cannot be trained again.
    """
    train, _ = _recipe(bench)
    return Defended(_trained(bench, train.X, train.y, bench.seeds[0]))


def _recipe(bench: Bench) -> tuple[Dataset, Any]:
    train, model = bench.subject.split("train"), bench.subject.model.inner
    if not model.can_refit:
        raise NotApplicable(
            f"this model ({model.kind}) cannot be trained again: give a scikit-learn estimator, or a predictor with refit(X, y, seed)"
        )
    return train, model


def _trained(bench: Bench, X: pd.DataFrame, y: np.ndarray, seed: int) -> Counted:
    made = bench.counted(bench.subject.model.inner.refit(X, y, seed))
    made.refits += 1
    return made


def _numbers(bench: Bench) -> list[Feature]:
    """Return the columns of numbers that an attacker may change; others need no blunting.

    Raises
    ------
    NotApplicable
        If there are none.
    """
    chosen = [
        one
        for one in bench.threat.features
        if one.mutable and one.kind in ("continuous", "integer") and not one.joint
    ]
    if not chosen:
        raise NotApplicable("no column of numbers may change")
    return chosen


def _known(bench: Bench, settings: Settings) -> pd.DataFrame:
    return settings.calibration if bench.subject.train is None else bench.subject.train.X


def _squeezing(bench: Bench, settings: Settings) -> Built:
    known, levels = _known(bench, settings), {}
    for one in _numbers(bench):
        name = one.columns[0]
        column = known[name].to_numpy(dtype=float, na_value=np.nan)
        levels[name] = bin_levels(column, settings.levels, whole=one.kind == "integer")
    model = Squeezed(bench.counted(bench.subject.model.inner), levels)
    return Built(model, f"at most {settings.levels} levels in {_columns(levels)}")


def _smoothing(bench: Bench, settings: Settings) -> Built:
    chosen = _numbers(bench)
    radii = settings.noise * (1.0 if bench.threat.norm == "l0" else bench.threat.radius)
    model = Smoothed(
        bench.counted(bench.subject.model.inner),
        noise={one.columns[0]: radii * one.unit / one.cost for one in chosen},
        low={one.columns[0]: one.low for one in chosen},
        high={one.columns[0]: one.high for one in chosen},
        whole=tuple(one.columns[0] for one in chosen if one.kind == "integer"),
        copies=settings.copies,
        seed=bench.seeds[1],
    )
    return Built(
        model,
        f"{settings.copies} copies, noise of {radii:.3g} spreads in {_columns(model.noise)}",
    )


def _gate(bench: Bench, settings: Settings) -> Built:
    train, threat = bench.subject.split("train"), bench.threat
    if len(settings.calibration) < fewest_rows(settings.reject):
        raise NotApplicable(
            f"{len(settings.calibration)} held-out rows to calibrate with cannot show a false-reject rate of {settings.reject:g}: "
            f"{fewest_rows(settings.reject)} are needed"
        )
    codec = threat.coding.codec
    codes = codec.encode(train.X)
    drawn = common.draw(len(codes), settings.pool, np.random.default_rng(bench.seeds[1]))
    width = codes.shape[1]
    low, high = np.full(width, -np.inf), np.full(width, np.inf)
    scale = _spreads(codes, np.array([kind == "categorical" for kind in codec.kinds]))
    place = {str(name): j for j, name in enumerate(codec.columns)}
    for one in threat.features:
        if one.kind in ("continuous", "integer") and not one.joint:
            j = place[one.columns[0]]
            scale[j] = one.unit
            # ends of the data are not held: a row beyond them is as far as it is beyond
            low[j], high[j] = (
                end if word in one.said else empty
                for word, end, empty in (("low", one.low, -np.inf), ("high", one.high, np.inf))
            )
    rules = tuple(
        rule for rule in threat.rules if isinstance(rule, str) and not re.search(r"\bwas\s*\(", rule)
    )
    gate = Gated(bench.counted(bench.subject.model.inner), codec, codes[drawn], scale, low, high, rules)
    gate = gate.calibrated(settings.calibration, settings.reject)
    told = f", {len(rules)} rule{'s' * (len(rules) > 1)}" if rules else ""
    limit = f"at most {gate.threshold:.3g} units"
    if np.isinf(gate.threshold):
        limit = "at any distance, since more than that break them already,"
    return Built(
        gate,
        f"known values, stated ranges{told}; {limit} from the nearest of {len(drawn):,} training rows, calibrated on "
        f"{len(settings.calibration):,} held-out rows to turn {settings.reject:g} of ordinary rows away",
    )


def _spreads(codes: np.ndarray, categorical: np.ndarray) -> np.ndarray:
    """Return the standard deviation of each column of numbers, 1 where there is none, (d,)."""
    spread = np.array(
        [
            0.0 if coded or np.isnan(column).all() else np.nanstd(column)
            for column, coded in zip(codes.T, categorical, strict=True)
        ]
    )
    return np.where(spread > 0, spread, 1.0)


def _ensemble(bench: Bench, settings: Settings) -> Built:
    train, _ = _recipe(bench)
    rng = np.random.default_rng(bench.seeds[1])
    members = []
    for _ in range(settings.members):
        rows = rng.integers(len(train), size=len(train))
        part = train.take(rows)
        members.append(_trained(bench, part.X, part.y, int(rng.integers(2**31 - 1))))
    return Built(
        Averaged(members[0], tuple(members)),
        f"{settings.members} models trained on rows drawn with replacement",
    )


def _adversarial(bench: Bench, settings: Settings) -> Built:
    _, model = _recipe(bench)
    if isinstance(model, TorchPredictor) and isinstance(model.train, Training):
        try:
            return _inner_steps(bench, model, model.train)
        except NotApplicable:
            pass  # categories or another norm: rows are added instead
    return _added_rows(bench, settings)


def _added_rows(bench: Bench, settings: Settings) -> Built:
    """Train again on the rows and on those that attackers made of some of them, under their true labels."""
    train, _ = _recipe(bench)
    threat, rng = bench.threat, np.random.default_rng(bench.seeds[1])
    X, y = threat.encode(train.X), bench.subject.class_index(train.y)
    drawn = common.draw(len(train), settings.pool, rng)
    target = Target(train.X.iloc[drawn].reset_index(drop=True), X[drawn], y[drawn])
    model = retrained(bench)
    rows, classes = X, y
    for turn in range(settings.rounds):
        more, whose = hardest_rows(bench, model, target, np.random.SeedSequence([bench.seeds[1], turn]))
        rows, classes = np.concatenate([rows, more]), np.concatenate([classes, whose])
        labels = np.asarray(bench.subject.classes)[classes]
        model = Defended(_trained(bench, threat.decode(rows), labels, bench.seeds[0]))
    return Built(
        model,
        f"{len(rows) - len(X):,} rows added to {len(X):,} in {settings.rounds} rounds, found on {len(drawn):,} of them",
    )


def _inner_steps(bench: Bench, model: TorchPredictor, plain: Training) -> Built:
    """Train the network in the ball of the threat model, in the numbers that the module takes.

    Raises
    ------
    NotApplicable
        If those are no scaled numbers of the columns, or the norm is another.
    """
    threat, train = bench.threat, bench.subject.split("train")
    norm = threat.norm
    if norm not in ("l2", "linf"):
        raise NotApplicable(f"no inner steps in {norm}")
    columns = list(model.columns or train.X.columns)
    factor = np.broadcast_to(np.abs(slopes(model.prepare, model.kind)), len(columns))
    by_name = {one.columns[0]: one for one in _numbers(bench)}
    reach = np.array(
        [threat.radius * by_name[c].unit / by_name[c].cost if c in by_name else 0.0 for c in columns]
    )
    ends = []
    for end, empty in (("low", -_FAR), ("high", _FAR)):
        values = [getattr(by_name[c], end) if c in by_name else empty for c in columns]
        row = train.X[columns].iloc[:1].astype(float)
        row.iloc[0] = np.nan_to_num(np.array(values), posinf=_FAR, neginf=-_FAR)
        ends.append(
            row.to_numpy()[0]
            if model.prepare is None
            else prepared(model.prepare, row, model.kind).reshape(-1)
        )
    again = copy.copy(model)
    again.train = AdversarialTraining(
        reach * factor, np.minimum(*ends), np.maximum(*ends), partial(losses, output=model.output or "logits"),
        norm=norm, steps=_INNER_STEPS, epochs=plain.epochs, batch_rows=plain.batch_rows,
        learning_rate=plain.learning_rate, weight_decay=plain.weight_decay,
    )  # fmt: skip
    made = bench.counted(again.refit(train.X, train.y, bench.seeds[0]))
    made.refits += 1
    return Built(
        Defended(made),
        f"{_INNER_STEPS} inner gradient steps within {sized(threat)}, {plain.epochs} epochs",
    )


def _columns(names: Any) -> str:
    names = list(names)
    return f"{len(names)} columns" if len(names) > 1 else f"{names[0]!r}"


DEFENCES: dict[str, Callable[[Bench, Settings], Built]] = {
    "adversarial training": _adversarial,
    "input gate": _gate,
    "smoothing": _smoothing,
    "feature squeezing": _squeezing,
    "ensemble": _ensemble,
}
"""The bench and the settings to a defended model."""

TRAINS = ("adversarial training", "ensemble")
