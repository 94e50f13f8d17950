"""Side by side: teacher and student on the same rows: size, speed, answers, accuracy, leaks, attacks and reasons."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.checks.explainability import _quality as quality
from auditkit.checks.membership._refits import aligned_proba
from auditkit.checks.mitigation._reattack import Bench, Target, attack, replayed
from auditkit.checks.mitigation.defended import Defended
from auditkit.checks.robustness._queries import order_ends
from auditkit.errors import InputError, NotApplicable
from auditkit.evidence import Measurement, Table
from auditkit.methods import explanation_quality as science
from auditkit.methods.distillation import alternated, stored_bytes
from auditkit.methods.membership import gap, signal
from auditkit.methods.structure import structure

if TYPE_CHECKING:
    import pandas as pd

    from auditkit.dataset import Dataset
    from auditkit.frames import Codec
    from auditkit.predictors import Counted
    from auditkit.subject import Subject
    from auditkit.threat import ThreatModel

__all__ = ["METRICS", "Pair", "answers", "leaks", "reasons", "shares", "sizes", "speeds", "stands"]

_P = "distillation_"
METRICS = [
    f"{_P}{name}"
    for name in (
        "compression", "times_as_fast", "fidelity", "accuracy", "accuracy_cost", "attack_auc", "attack_auc_reduction",
        "robust_accuracy", "robust_accuracy_cost", "explanation_agreement", "feature_agreement",
    )
]  # fmt: skip
_TEACHER, _STUDENT = "teacher", "student"
_ROUNDS = 15
_TOP = 3


@dataclass(frozen=True, eq=False)
class Pair:
    """Teacher and student, and the rows both are measured on.

    Attributes
    ----------
    subject : Subject
        Under audit.
    teacher, student : Counted
        The models.
    held : Dataset
        Test rows that the student did not learn from.
    lesson : Dataset
        Test rows that it learnt from, or that its rows were made of.
    own : bool
        Whether it learnt from those rows themselves.
    level : float
        Confidence level.
    """

    subject: Subject
    teacher: Counted
    student: Counted
    held: Dataset
    lesson: Dataset
    own: bool
    level: float

    @property
    def models(self) -> dict[str, Counted]:
        """Both, by name."""
        return {_TEACHER: self.teacher, _STUDENT: self.student}


def sizes(pair: Pair) -> list[Measurement]:
    """Return how many times as large the teacher is, in numbers fitted and in bytes stored."""
    counts = {"numbers fitted": _parameters, "bytes stored": stored_bytes}
    found = []
    for group, count in counts.items():
        try:
            teacher, student = count(pair.teacher.inner.estimator), count(pair.student.inner.estimator)
        except (NotApplicable, InputError) as why:
            found.append(Measurement(f"{_P}compression", math.nan, 0, group=group, reason=str(why)))
            continue
        reason = (
            f"counted: {teacher:,} of the teacher, {student:,} of the student; no interval, nothing was drawn"
        )
        ratio = teacher / student if student else math.inf
        found.append(Measurement(f"{_P}compression", ratio, 2, group=group, reason=reason))
    return found


def _parameters(model: Any) -> int:
    if model is None:
        raise NotApplicable("the inside of the model is not known, so its numbers cannot be counted")
    return int(structure(model, 1).parameters)  # the count does not depend on the rows


def speeds(pair: Pair) -> list[Measurement]:
    """Return how many times as fast the student answers the held-out rows: the median over rounds asked in turns."""
    inner = pair.teacher.inner, pair.student.inner
    X = pair.held.X
    spent = alternated(lambda: inner[0].predict(X), lambda: inner[1].predict(X), rounds=_ROUNDS)
    ratio = np.sort(spent[:, 0] / np.maximum(spent[:, 1], 1e-9))
    reason = f"median of {_ROUNDS} rounds, {len(X):,} rows each, asked in turns; on this machine, as busy as it was"
    return [
        common.measured(
            f"{_P}times_as_fast", float(np.median(ratio)), _ROUNDS, order_ends(ratio, pair.level), pair.level,
            "order statistics", reason=reason,
        )
    ]  # fmt: skip


def answers(pair: Pair) -> list[Measurement]:
    """Return how often the student answers as the teacher does, how often each is right, and what that costs."""
    said = [model.predict(pair.held.X) for model in pair.models.values()]
    n, level = len(pair.held), pair.level
    same = int((said[0] == said[1]).sum())
    found = [_share("fidelity", same, n, level)]
    right = [one == pair.held.y for one in said]
    found += [
        _share("accuracy", int(one.sum()), n, level, name)
        for name, one in zip(pair.models, right, strict=True)
    ]
    return [*found, _cost("accuracy_cost", right[0], right[1], level)]


def leaks(pair: Pair, most: int, rng: np.random.Generator) -> list[Measurement]:
    """Return how well a row's loss, and whether its label is right, tell members from others, of each model.

    Members are training rows of the teacher. Of the student also those rows it learnt from: they are its own training rows.

    Raises
    ------
    NotApplicable
        If there are no training rows.
    """
    train = pair.subject.split("train")
    others = pair.held.take(common.draw(len(pair.held), most, rng))
    members = train.take(common.draw(len(train), most, rng))
    level = 1 - (1 - pair.level) / 2
    first, second = (_signals(pair, model, members, others) for model in pair.models.values())
    truth = np.repeat([True, False], [len(members), len(others)])
    found = []
    for name in first.keys() & second.keys() if set(first) != set(second) else first:
        apart = statistics.paired_auc_difference(first[name], second[name], truth, level)
        found += [
            _area(f"{who}, {name}", area, len(truth), pair.level)
            for who, area in ((_TEACHER, apart.first), (_STUDENT, apart.second))
        ]
        found.append(
            common.measured(
                f"{_P}attack_auc_reduction", apart.value, len(truth), (apart.low, apart.high), pair.level,
                "paired, delong and mover, Bonferroni over 2 attacks", group=name,
            )
        )  # fmt: skip
    if pair.own:
        mine = pair.lesson.take(common.draw(len(pair.lesson), most, rng))
        own = np.repeat([True, False], [len(mine), len(others)])
        for name, scores in _signals(pair, pair.student, mine, others).items():
            group = f"student about its own rows, {name}"
            found.append(_area(group, statistics.auc(scores, own, level), len(own), pair.level))
    return found


def _signals(pair: Pair, model: Counted, members: Dataset, others: Dataset) -> dict[str, np.ndarray]:
    """Return the score of each attack, members first, higher for members."""
    import pandas as pd

    X = pd.concat([members.X, others.X], ignore_index=True)
    y = np.concatenate([members.y, others.y])
    found = {"label alone": gap(model.predict(X) == y)}
    if model.has_proba and pair.teacher.has_proba:
        classes = np.asarray(pair.subject.classes)
        index = pair.subject.class_index(y)
        found["loss"] = signal(aligned_proba(classes, model, X), index, "loss")
    return dict(sorted(found.items()))


def stands(
    pair: Pair, threat: ThreatModel, most: int, max_calls: int, rng: np.random.Generator
) -> list[Measurement]:
    """Return how often each model is right whatever attackers tried on it, or on the other, and the difference."""
    part = pair.held.take(common.draw(len(pair.held), most, rng))
    frame = part.X.reset_index(drop=True)
    target = Target(frame, threat.encode(frame), pair.subject.class_index(part.y))
    starts = threat.encode(pair.lesson.X.iloc[common.draw(len(pair.lesson), most, rng)])
    seed, *seeds = (int(rng.integers(2**31 - 1)) for _ in range(3))
    bench = Bench(pair.subject, threat, target, starts, max_calls, 1, seed, (seeds[0], seeds[1]))
    plain = [Defended(model) for model in pair.models.values()]
    tried = [attack(bench, model) for model in plain]
    every = [rows for one in tried for rows in one.found]
    keeps = [
        (one.decided == target.y) & ~replayed(bench, model, every)
        for one, model in zip(tried, plain, strict=True)
    ]
    how = f"{' and '.join(tried[1].flips)}; {max_calls:,} calls a model"
    n = len(target.y)
    found = [
        _share("robust_accuracy", int(one.sum()), n, pair.level, name, bound="upper", reason=how)
        for name, one in zip(pair.models, keeps, strict=True)
    ]
    return [*found, _cost("robust_accuracy_cost", keeps[0], keeps[1], pair.level)]


def reasons(
    pair: Pair, codec: Codec, most: int, background: pd.DataFrame, rng: np.random.Generator
) -> list[Measurement]:
    """Return how alike the orders are in which the inputs move either model, row by row and over all rows.

    Raises
    ------
    NotApplicable
        If there are fewer than two inputs.
    """
    if pair.held.X.shape[1] < 2:
        raise NotApplicable("with a single input there is no order of inputs to compare")
    X = pair.held.X.iloc[common.draw(len(pair.held), most, rng)]
    rows, others = codec.encode(X), codec.encode(background)
    label = quality.given_label(_asked(pair, pair.teacher, X))
    parts = [
        science.occlusion(lambda m, model=model: _asked(pair, model, codec.decode(m)), rows, others)  # type: ignore[misc]
        for model in pair.models.values()
    ]
    alike = science.rank_correlation(*(quality.of_label(one, label) for one in parts))
    known, metric = alike[np.isfinite(alike)], f"{_P}explanation_agreement"
    d = rows.shape[1]
    top = min(_TOP, d - 1)
    first, second = (quality.sizes(one).mean(axis=0)[None] for one in parts)
    shared = science.top_overlap(first, second, top)[0]
    leading = Measurement(
        f"{_P}feature_agreement", float(shared), len(rows),
        reason=f"a share of the {top} inputs that move the answer most; by chance {top / d:.3g}; a count, with no interval",
    )  # fmt: skip
    if len(known) < 2:
        why = "neither model's answer moves with its inputs: there is no order to compare"
        return [Measurement(metric, math.nan, len(alike), reason=why), leading]
    ends = np.clip(statistics.mean_interval_of(known, pair.level), -1.0, 1.0)
    both = (float(ends[0]), float(ends[1]))
    return [
        common.measured(
            metric, known.mean(), len(known), both, pair.level, "t over rows", reason="occlusion"
        ),
        leading,
    ]


def _asked(pair: Pair, model: Counted, X: pd.DataFrame) -> np.ndarray:
    """Return what is explained: probabilities where both give them, else the labels as certainties."""
    classes = np.asarray(pair.subject.classes)
    if pair.teacher.has_proba and pair.student.has_proba:
        return aligned_proba(classes, model, X)
    return np.asarray(np.eye(len(classes))[pair.subject.class_index(model.predict(X))])


def shares(found: list[Measurement]) -> dict[str, Table]:
    """Return a figure of what is a share of both models."""
    words = {"accuracy": "accuracy", "robust_accuracy": "accuracy under attack", "attack_auc": "AUC of"}
    rows: dict[str, list[Any]] = {name: [] for name in ("label", "value", "low", "high", "n", "series")}
    for m in found:
        name = m.metric.removeprefix(_P)
        who, _, attack_name = (m.group or "").partition(", ")
        if name not in words or who not in (_TEACHER, _STUDENT) or m.interval is None:
            continue
        label = f"{words[name]} {attack_name}".strip()
        values = (label, m.value, m.interval.low, m.interval.high, m.n, who)
        for column, value in zip(rows, values, strict=True):
            rows[column].append(value)
    told = "; ".join(
        f"{label}: {who} {value:.3f}"
        for label, value, who in zip(rows["label"], rows["value"], rows["series"], strict=True)
    )
    labels = {"value": "Share", "n": "records"}
    columns = {name: tuple(values) for name, values in rows.items()}
    return {"shares": Table("Teacher and student", columns, "estimates", labels, f"{told}.")}


def _share(name: str, k: int, n: int, level: float, group: str | None = None, **more: Any) -> Measurement:
    ends = statistics.wilson(k, n, level)
    return common.measured(f"{_P}{name}", k / n, n, ends, level, "wilson", group=group, **more)


def _cost(name: str, first: np.ndarray, second: np.ndarray, level: float) -> Measurement:
    lost, won, n = int((first & ~second).sum()), int((~first & second).sum()), len(first)
    ends = statistics.paired_difference(lost, won, n, level)
    return common.measured(f"{_P}{name}", (lost - won) / n, n, ends, level, "paired, Bonett-Price")


def _area(group: str, area: Any, n: int, level: float) -> Measurement:
    method = "delong, Bonferroni over 2 attacks"
    ends = (area.low, area.high)
    return common.measured(f"{_P}attack_auc", area.value, n, ends, level, method, group=group, bound="lower")
