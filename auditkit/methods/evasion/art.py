"""Art: the evasion attacks of the Adversarial Robustness Toolbox, one row at a time within what a row may be turned into."""

from __future__ import annotations

import contextlib
import importlib.metadata
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit import progress
from auditkit.errors import InputError, NotApplicable, did_you_mean
from auditkit.methods.evasion._art_home import no_folder_at_home
from auditkit.methods.evasion._borrowed import borrowed
from auditkit.methods.evasion._oracle import Oracle
from auditkit.methods.evasion._settled import settled
from auditkit.methods.evasion.result import AttackResult, reference_labels
from auditkit.methods.feature_space import FeatureSpace, Norm, as_matrix

__all__ = ["art_attack", "art_attacks"]

Floats = NDArray[np.float64]
Ask = Callable[[Floats], Floats]
Slope = Callable[[Floats, NDArray[Any]], Floats]

WIDE = 10.0  # standardised units within which numbers without ends are looked for
INWARDS = 1 - 1e-6  # of the radius: ART counts in single precision, whose edge may lie outside
STARTS = ("HopSkipJump", "BoundaryAttack")  # take a row of another label to start from
UNCUT = ("DeepFool",)  # takes the ends of the range for the unit of a step
NOT_TABLES = {  # need pictures, many rows at a time, a loss of their own, or more than two classes
    "AutoConjugateGradient", "NewtonFool", "AutoProjectedGradientDescent", "RescalingAutoConjugateGradient", "CarliniL0Method", "SignOPTAttack",
    "CompositeAdversarialAttackPyTorch", "GRAPHITEBlackbox", "GRAPHITEWhiteboxPyTorch", "GeoDA", "LowProFool",
    "OverTheAirFlickeringPyTorch", "ProjectedGradientDescentPyTorch", "ProjectedGradientDescentTensorFlowV2", "ShadowAttack",
    "TargetedUniversalPerturbation", "UniversalPerturbation", "VirtualAdversarialMethod", "Wasserstein", "BrendelBethgeAttack",
    "AutoAttack",
}  # fmt: skip
_NEEDS = 'ART is not installed: pip install adversarial-robustness-toolbox (of the extra "art")'


def art_attacks(*, gradients: bool = False) -> list[str]:
    """Return the names of ART's attacks that can be made on tables: by answers alone, or with gradients too.

    Raises
    ------
    NotApplicable
        If ART is not installed.
    """
    with borrowed(0):
        evasion = _evasion()
        known = {"BaseEstimator", "ClassifierMixin"} | (
            {"LossGradientsMixin", "ClassGradientsMixin"} if gradients else set()
        )
        names = []
        for name in dir(evasion):
            one = getattr(evasion, name)
            wanted = getattr(one, "_estimator_requirements", None)
            if not isinstance(one, type) or not wanted or name in NOT_TABLES:
                continue
            if {getattr(w, "__name__", "") for w in wanted} <= known:
                names.append(name)
    return sorted(names)


def art_attack(
    name: str,
    ask_scores: Ask,
    X: ArrayLike,
    y: ArrayLike,
    space: FeatureSpace,
    pool: ArrayLike,
    radius: float,
    *,
    rng: np.random.Generator,
    norm: Norm = "l2",
    queries: int = 500,
    options: Mapping[str, Any] | None = None,
    slope: Slope | None = None,
) -> AttackResult:
    """Make one of ART's evasion attacks (Nicolae et al. 2018, arXiv 1807.01069) on each row.

    ART sees a row as its free cells: numbers in standardised units from the original, a column for each category. What it
    asks about is first projected into the set the row may be turned into, so that it searches among allowed rows. Every row it
    asks about counts: the nearest flip is kept, also where ART returns another.

    Parameters
    ----------
    name : str
        One of `art_attacks`.
    ask_scores : callable
        Takes rows (m, d), gives scores (m, n_classes); one-hot labels will do for attacks that look at labels.
    X : array (n, d)
        Rows to attack; missing cells stay missing.
    y : array of int (n,)
        The reference labels, as columns of the scores.
    space : FeatureSpace
        What may change.
    pool : array (p, d)
        Rows to start from, where an attack takes a start.
    radius : float
        Handed to attacks that stay within one (``eps``).
    rng : numpy.random.Generator
        Seeds the generators of the whole process, which ART draws from; they are put back.
    norm : {"l1", "l2", "linf", "l0"}
        How a row's costs are added up; handed to attacks that take one of the first three.
    queries : int
        Rows the model is asked about on behalf of a row, at most; gradients count as one each.
    options : mapping, optional
        The attack's own parameters, by ART's names.
    slope : callable, optional
        Takes rows (m, d) and labels (m,), gives the gradient of the cross-entropy (m, d): attacks that need it can be made.

    Returns
    -------
    AttackResult
        ``distance`` is that of the nearest flip that ART asked about.

    Raises
    ------
    NotApplicable
        If ART is not installed, or the attack needs gradients and there are none.
    InputError
        If there is no such attack or parameter, or ART fails.
    """
    X, pool = as_matrix(X, "X", len(space.names)), as_matrix(pool, "pool", len(space.names))
    labels = reference_labels(y, len(X)).astype(int)
    if queries < 2 or not radius > 0:
        raise InputError(f"expected queries >= 2 and radius > 0, got {queries} and {radius}")
    kind = _attack_of(name, options or {}, slope)
    model = Oracle(ask_scores, sys.maxsize, axes=2)
    scores = model.ask(X) if len(X) else np.zeros((0, 2))
    others = model.ask(pool).argmax(axis=1) if len(pool) and name in STARTS else np.zeros(0, dtype=int)
    tried = [
        _Row(model, space, norm, X[i], int(labels[i]), scores.shape[1], queries, slope) for i in range(len(X))
    ]
    with borrowed(int(rng.integers(2**31))):
        for at, one in enumerate(tried):
            if scores[at].argmax() != one.label or not one.width:
                continue
            progress.step(at / len(tried), f"{name}: row {at + 1} of {len(tried)}")
            start = _start(one, pool[others != one.label]) if name in STARTS else None
            _run(kind, name, one, _settings(kind, options or {}, radius, norm), start)
    return _settle(tried, X, labels, scores.argmax(axis=1) == labels, space, norm, model)


class _SpentError(Exception):
    """The row's queries are used up."""


@dataclass
class _Row:
    """One row as ART sees it, and the nearest flip among all that ART asked about."""

    model: Oracle
    space: FeatureSpace
    norm: Norm
    x: Floats
    label: int
    classes: int
    limit: int
    slope: Slope | None
    asked: int = 1  # the look at the original
    first: float = np.inf
    distance: float = np.inf
    best: Floats = field(init=False)

    def __post_init__(self) -> None:
        free = self.space.mutable & np.isfinite(self.x)
        self.best = self.x
        self.numbers = np.flatnonzero(free & ~self.space.categorical)
        self.codes = np.flatnonzero(free & self.space.categorical)
        self.sizes = self.space.n_categories[self.codes]
        self.width = len(self.numbers) + int(self.sizes.sum())
        unit, own = self.space.scale[self.numbers], self.x[self.numbers]
        low, high = (
            np.where(np.isfinite(end[self.numbers]), (end[self.numbers] - own) / unit, sign * WIDE)
            for end, sign in ((self.space.low, -1), (self.space.high, 1))
        )
        self.steep = np.repeat(self.space.category_cost[self.codes], self.sizes) / np.sqrt(2)
        self.low = np.concatenate([np.minimum(low, 0.0), np.zeros(len(self.steep))]).astype(np.float32)
        self.high = np.concatenate([np.maximum(high, 0.0), self.steep]).astype(np.float32)

    def encoded(self, rows: Floats) -> Floats:
        """Return rows (m, d) as ART sees them, (m, width)."""
        parts = [(rows[:, self.numbers] - self.x[self.numbers]) / self.space.scale[self.numbers]]
        parts += [rows[:, [j]] == np.arange(k) for j, k in zip(self.codes, self.sizes, strict=True)]
        out = np.concatenate(parts, axis=1).astype(float)
        out[:, len(self.numbers) :] *= self.steep
        return np.asarray(np.clip(np.nan_to_num(out), self.low, self.high), dtype=float)

    def decoded(self, seen: Floats) -> Floats:
        """Return allowed rows (m, d) of what ART asks about."""
        seen = np.asarray(seen, dtype=float).reshape(-1, self.width)
        rows = np.repeat(self.x[None], len(seen), axis=0)
        at = len(self.numbers)
        rows[:, self.numbers] += seen[:, :at] * self.space.scale[self.numbers]
        for j, k in zip(self.codes, self.sizes, strict=True):
            rows[:, j] = seen[:, at : at + k].argmax(axis=1)
            at += int(k)
        allowed: Floats = self.space.project(np.repeat(self.x[None], len(seen), axis=0), rows)
        return allowed

    def scores(self, seen: Floats) -> Floats:
        """Answer ART, as far as the budget goes; keep the nearest flip."""
        rows = self.decoded(seen)
        if len(rows) > self.limit - 1 - self.asked:  # the last one re-measures
            raise _SpentError
        self.asked += len(rows)
        scores = np.asarray(self.model.ask(rows), dtype=float)
        far = self.space.distance(np.repeat(self.x[None], len(rows), axis=0), rows, self.norm)
        far = np.where((scores.argmax(axis=1) != self.label) & (far > 0), far, np.inf)
        at = int(far.argmin())
        if far[at] < self.distance:
            self.distance, self.best = float(far[at]), rows[at]
            self.first = min(self.first, self.asked)
        return scores

    def logs(self, seen: Floats) -> Floats:
        """Return the logarithms of the probabilities: logits, whose gradients are those of the cross-entropy, turned round."""
        return np.asarray(np.log(np.maximum(self.scores(seen), 1e-30)))

    def gradient(self, seen: Floats, labels: NDArray[Any]) -> Floats:
        """Return the gradient of the cross-entropy by what ART sees, (m, width); categories have none."""
        if self.slope is None:
            raise NotApplicable("this attack needs gradients, and the model gives none")
        rows = self.decoded(seen)
        if len(rows) > self.limit - 1 - self.asked:
            raise _SpentError
        self.asked += len(rows)
        self.model.calls += 1
        out = np.zeros((len(rows), self.width))
        found = np.asarray(self.slope(rows, labels))[:, self.numbers]
        out[:, : len(self.numbers)] = found * self.space.scale[self.numbers]
        return out


def _evasion() -> Any:
    try:
        importlib.metadata.version("adversarial-robustness-toolbox")
        with no_folder_at_home():
            from art.attacks import evasion
    except ImportError as error:  # PackageNotFoundError too: another package is called art
        raise NotApplicable(_NEEDS) from error
    return evasion


def _attack_of(name: str, options: Mapping[str, Any], slope: Slope | None) -> Any:
    """Return ART's class of a name, and see that its parameters are known."""
    every = art_attacks(gradients=True)
    if name not in every:
        raise InputError(f"ART has no attack named {name!r} for tables.{did_you_mean(name, every)}")
    if slope is None and name not in (blind := art_attacks()):
        raise NotApplicable(
            f"{name} needs gradients, and the model gives none; by answers alone: {', '.join(blind)}"
        )
    kind = getattr(_evasion(), name)
    for word in options:
        if word not in kind.attack_params:
            raise InputError(
                f"{name} of ART has no parameter {word!r}.{did_you_mean(word, kind.attack_params)}"
            )
    return kind


def _settings(kind: Any, options: Mapping[str, Any], radius: float, norm: Norm) -> dict[str, Any]:
    """Return the parameters: those given, else the radius and the norm where the attack takes them."""
    known = set(kind.attack_params) & set(inspect.signature(kind.__init__).parameters)
    norms: dict[str, Any] = {"l1": 1, "l2": 2, "linf": np.inf}
    if kind.__name__ == "HopSkipJump":
        norms["l1"] = 2  # it takes no other but linf
    ours: dict[str, Any] = {
        "verbose": False,
        "targeted": False,
        "eps": radius * INWARDS,
        "eps_step": radius / 4,
        "batch_size": 1,
    }
    ours |= {"use_resize": False, "use_importance": False, "nb_parallel": 1}  # what is for pictures
    if kind.__name__ == "HopSkipJump":
        ours["batch_size"] = 64
    if norm in norms:
        ours["norm"] = norms[norm]
    return {word: value for word, value in ours.items() if word in known} | dict(options)


def _start(one: _Row, others: Floats) -> Floats | None:
    """Return the nearest pool row of another label, as the row may be turned into it; None where there is none."""
    if not len(others):
        return None
    before = np.repeat(one.x[None], len(others), axis=0)
    moved = one.space.project(before, others)
    far = one.space.distance(before, moved, one.norm)
    moved = moved[np.argsort(far, kind="stable")[:8]]
    with contextlib.suppress(_SpentError):
        hit = one.scores(one.encoded(moved)).argmax(axis=1) != one.label
        if hit.any():
            return one.encoded(moved[[int(hit.argmax())]])
    return None


def _run(kind: Any, name: str, one: _Row, settings: dict[str, Any], start: Floats | None) -> None:
    """Let ART attack one row until it is done or the row's queries are spent; without a start it looks for one itself."""
    from art.estimators.classification import BlackBoxClassifier
    from art.estimators.classification.classifier import ClassGradientsMixin
    from art.estimators.estimator import LossGradientsMixin

    class Open(ClassGradientsMixin, LossGradientsMixin, BlackBoxClassifier):  # type: ignore[misc]
        """A classifier that gives gradients, which stay those of the model under audit."""

        def loss_gradient(self, x: Any, y: Any, **_more: Any) -> Floats:
            labels = np.asarray(y)
            labels = labels.argmax(axis=1) if labels.ndim > 1 else labels.astype(int)
            return one.gradient(x, labels).astype(np.float32)

        def class_gradient(self, x: Any, label: Any = None, **_more: Any) -> Floats:
            rows = np.asarray(x)
            picked = range(one.classes) if label is None else [int(np.ravel(label)[0])]
            found = [-one.gradient(rows, np.full(len(rows), k)) for k in picked]
            return np.stack(found, axis=1).astype(np.float32)

    ends = None if name in UNCUT else (float(one.low.min()), float(one.high.max()))
    model = (BlackBoxClassifier if one.slope is None else Open)(
        one.scores if one.slope is None else one.logs, (one.width,), one.classes, clip_values=ends
    )
    more = {} if start is None else {"x_adv_init": start.astype(np.float32)}
    try:
        made = kind(model, **settings).generate(one.encoded(one.x[None]).astype(np.float32), **more)
        one.scores(np.asarray(made))
    except _SpentError:
        return
    except NotApplicable:
        raise
    except Exception as error:
        raise InputError(
            f"ART's {name} failed on a row: {type(error).__name__}: {str(error)[:200]}"
        ) from error


def _settle(
    tried: list[_Row],
    X: Floats,
    y: NDArray[Any],
    attacked: NDArray[np.bool_],
    space: FeatureSpace,
    norm: Norm,
    model: Oracle,
) -> AttackResult:
    """Ask about the nearest flips once more."""
    best = np.array([one.best for one in tried]).reshape(X.shape)
    found = attacked & np.isfinite([one.distance for one in tried])
    queries = np.array([one.asked for one in tried], dtype=np.int64)
    hit = np.zeros(len(X), dtype=bool)
    if found.any():
        hit[found] = model.ask(best[found]).argmax(axis=1) != y[found]
        queries[found] += 1
    return settled(
        X, best, attacked, found, hit, space, norm,
        queries=queries, calls=model.calls, first=np.array([one.first for one in tried]),
    )  # fmt: skip
