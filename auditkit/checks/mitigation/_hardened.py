"""Hardened: what a defence did to accuracy under attack, and what it cost, as measurements and tables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.checks.mitigation._cost import at_what_cost
from auditkit.checks.mitigation._reattack import GRADIENT_STEPS
from auditkit.evidence import Measurement, Table

if TYPE_CHECKING:
    from auditkit.checks.mitigation._reattack import Attacked

__all__ = [
    "METRICS",
    "Compared",
    "Family",
    "attack_table",
    "attacker_table",
    "change_table",
    "comparisons",
    "measured",
    "original",
    "sentence",
    "settings_table",
    "to_a_person",
    "trade_off",
]

METRICS = [
    "robust_accuracy_before",
    "robust_accuracy_after",
    "robust_accuracy_gain",
    "replayed_robust_accuracy",
    "replayed_stopped_share",
    "adaptive_stopped_share",
    "accuracy_cost",
    "gate_false_reject_rate",
]
TO_A_PERSON = "rejected rows left to a person"


@dataclass(frozen=True, eq=False)
class Compared:
    """The same records before and after a defence.

    Attributes
    ----------
    name : str
        "feature squeezing".
    setting : str
        What was set.
    y : ndarray of int, shape (n,)
        True class of each record.
    before, after : Attacked
        What attackers achieved from scratch, on the model without the defence and on that with it.
    replayed : ndarray of bool, shape (n,)
        Whether a row found before is answered wrongly after.
    worst_before, worst_after : ndarray of bool, shape (n,)
        Whether any row that was found against any model of the run is answered wrongly. Both sides face the same rows, so that a
        change is not one of luck in the search.
    rejected : tuple of int, optional
        For a gate: ordinary rows turned away, of how many that it was not calibrated on.
    """

    name: str
    setting: str
    y: np.ndarray
    before: Attacked
    after: Attacked
    replayed: np.ndarray
    worst_before: np.ndarray
    worst_after: np.ndarray
    rejected: tuple[int, int] | None = None

    @property
    def stands(self) -> np.ndarray:
        """Whether a record is answered rightly before, and under every attack then."""
        return np.asarray(_right(self.before, self.y) & ~self.worst_before)

    @property
    def stood(self) -> np.ndarray:
        """The same before, under what was found against that model alone: what one sees who attacks once and then defends."""
        return np.asarray(_right(self.before, self.y) & ~self.before.flipped)

    @property
    def stands_old(self) -> np.ndarray:
        """Whether it is answered rightly after, and under the rows found before."""
        return np.asarray(_right(self.after, self.y) & ~self.replayed)

    @property
    def stands_after(self) -> np.ndarray:
        """Whether it is answered rightly after, and under every attack."""
        return np.asarray(_right(self.after, self.y) & ~self.worst_after)

    @property
    def stands_with_a_person(self) -> np.ndarray:
        """The same, where a record that is turned away goes to a person, who is right."""
        return np.asarray(~self.wrong & ~self.worst_after)

    @property
    def wrong(self) -> np.ndarray:
        """Whether the unchanged record is answered, and answered wrongly, after."""
        return np.asarray((self.after.decided >= 0) & (self.after.decided != self.y))


@dataclass(frozen=True, slots=True)
class Family:
    """How many comparisons hold together (Bonferroni).

    Attributes
    ----------
    level : float
        Of each and all.
    compared : int
        Intervals that hold together, see `comparisons`.
    """

    level: float
    compared: int

    @property
    def strict(self) -> float:
        """The level of one interval."""
        return 1 - (1 - self.level) / self.compared

    @property
    def method(self) -> str:
        """What a paired interval is called."""
        over = f", Bonferroni over {self.compared} comparisons" if self.compared > 1 else ""
        return f"paired, Bonett-Price{over}"

    def paired(self, metric: str, plus: np.ndarray, minus: np.ndarray, group: str) -> Measurement:
        """Return by how much more often the first holds than the second, of the same records."""
        more, less, n = int((plus & ~minus).sum()), int((minus & ~plus).sum()), len(plus)
        ends = statistics.paired_difference(more, less, n, self.strict)
        return common.measured(metric, (more - less) / n, n, ends, self.level, self.method, group=group)


def comparisons(compared: list[Compared]) -> int:
    """Return how many intervals are said to hold together: a gain and a cost each, and a second gain for a gate."""
    return 2 * len(compared) + sum(one.rejected is not None for one in compared)


def original(audited: Attacked, y: np.ndarray, worst: np.ndarray, level: float) -> list[Measurement]:
    """Return the accuracy of the model under audit under attack."""
    return [_share("robust_accuracy_before", _right(audited, y) & ~worst, "original", level)]


def measured(one: Compared, family: Family) -> list[Measurement]:
    """Return accuracy under attack before and after, what that changed, what stopped the old and the new attack, and the cost."""
    level, name = family.level, one.name
    hit = one.before.flipped
    found = [
        _share("robust_accuracy_before", one.stands, name, level),
        _share("robust_accuracy_after", one.stands_after, name, level),
        family.paired("robust_accuracy_gain", one.stands_after, one.stands, name),
        _share("replayed_robust_accuracy", one.stands_old, name, level),
        _stopped("replayed_stopped_share", ~(one.replayed | one.wrong)[hit], name, level),
        _stopped(
            "adaptive_stopped_share",
            ~(one.worst_after | one.wrong)[hit],
            name,
            level,
        ),
        family.paired("accuracy_cost", _right(one.before, one.y), _right(one.after, one.y), name),
    ]
    if one.rejected is not None:
        group = f"{name}, {TO_A_PERSON}"
        k, n = one.rejected
        found += [
            _share("robust_accuracy_after", one.stands_with_a_person, group, level),
            family.paired("robust_accuracy_gain", one.stands_with_a_person, one.stands, group),
            common.measured(
                "gate_false_reject_rate",
                k / n,
                n,
                statistics.wilson(k, n, level),
                level,
                "wilson",
                group=name,
            ),
        ]
    return found


def _right(one: Attacked, y: np.ndarray) -> np.ndarray:
    return np.asarray(one.decided == y)


def _share(metric: str, holds: np.ndarray, group: str, level: float) -> Measurement:
    k, n = int(holds.sum()), len(holds)
    ends = statistics.clopper_pearson(k, n, level)
    return common.measured(metric, k / n, n, ends, level, "clopper-pearson", group=group, bound="upper")


def _stopped(metric: str, holds: np.ndarray, group: str, level: float) -> Measurement:
    if not len(holds):
        reason = "no record was flipped before: there is nothing to stop"
        return Measurement(metric, math.nan, 0, group=group, bound="upper", reason=reason)
    return _share(metric, holds, group, level)


def trade_off(audited: Attacked, worst: np.ndarray, compared: list[Compared], level: float) -> Table:
    """Return accuracy against accuracy under attack, before and after each defence."""
    y = compared[0].y
    points: list[tuple[str, str, np.ndarray, np.ndarray]] = [
        ("original", "as it is", _right(audited, y), _right(audited, y) & ~worst)
    ]
    for one in compared:
        points.append((one.name, "before", _right(one.before, y), one.stands))
        points.append((one.name, "after", _right(one.after, y), one.stands_after))
    n = len(y)
    right = np.array([int(point[2].sum()) for point in points])
    stands = np.array([int(point[3].sum()) for point in points])
    low, high = statistics.wilson(right, np.full(len(points), n), level)
    robust_low, robust_high = statistics.clopper_pearson(stands, np.full(len(points), n), level)
    columns = {
        "x": tuple((stands / n).tolist()),
        "value": tuple((right / n).tolist()),
        "low": tuple(low.tolist()),
        "high": tuple(high.tolist()),
        "n": (n,) * len(points),
        "series": tuple(point[0] for point in points),
        "when": tuple(point[1] for point in points),
        "x_low": tuple(robust_low.tolist()),
        "x_high": tuple(robust_high.tolist()),
    }
    summary = (
        f"Over {_models(audited, compared)} models accuracy under attack runs from {common.percent(stands.min() / n)} to "
        f"{common.percent(stands.max() / n)} and accuracy from {common.percent(right.min() / n)} to {common.percent(right.max() / n)}."
    )
    labels = {"x": "Accuracy under attack", "value": "Accuracy", "n": "records", "when": "when"}
    labels |= {f"x_{end}": f"accuracy under attack, {end}" for end in ("low", "high")}
    return Table("Accuracy against accuracy under attack", columns, "curve", labels, summary)


def _models(audited: Attacked, compared: list[Compared]) -> int:
    """Return how many models there are: what several defences are compared with is one."""
    return len({id(one) for pair in compared for one in (pair.before, pair.after)} | {id(audited)})


def change_table(found: list[Measurement]) -> Table:
    """Return what each defence added to accuracy under attack, and what it took off accuracy, side by side."""
    words = {"robust_accuracy_gain": "accuracy under attack gained", "accuracy_cost": "accuracy lost"}
    rows = [m for metric in words for m in found if m.metric == metric]
    columns = common.estimates(rows)
    columns["series"] = tuple(words[m.metric] for m in rows)
    summary = "What each defence added to accuracy under attack, and what it cost; the intervals hold for all of them together."
    labels = {"value": "Change", "n": "records"}
    return Table("What was gained, and what it cost", columns, "estimates", labels, summary, reference=0.0)


def attack_table(found: list[Measurement]) -> Table:
    """Return how accuracy stands under the old rows alone, and under attacks that know of the defence too."""
    words = {
        "robust_accuracy_before": "before the defence",
        "replayed_robust_accuracy": "rows found before, replayed",
        "robust_accuracy_after": "attacks that know of the defence as well",
    }
    rows = [m for m in found if m.metric in words and not str(m.group).endswith(TO_A_PERSON)]
    columns = common.estimates(rows)
    columns["series"] = tuple(words[m.metric] for m in rows)
    summary = (
        "Accuracy of each defended model under the rows that were found before it, and under attacks made against it; the second "
        "is what counts."
    )
    labels = {"label": "Defence", "value": "Accuracy under attack", "n": "records"}
    return Table("Old attacks, and attacks that know of the defence", columns, "estimates", labels, summary)


def attacker_table(audited: Attacked, compared: list[Compared], level: float) -> Table:
    """Return the share of records each attacker flips on each model."""
    models = [("original", audited)] + [(one.name, one.after) for one in compared]
    rows = [(name, who, hit) for name, model in models for who, hit in model.flips.items()]
    k, n = np.array([int(hit.sum()) for *_, hit in rows]), len(audited.decided)
    low, high = statistics.clopper_pearson(k, np.full(len(rows), n), level)
    columns = {
        "label": tuple(name for name, *_ in rows),
        "value": tuple((k / n).tolist()),
        "low": tuple(low.tolist()),
        "high": tuple(high.tolist()),
        "n": (n,) * len(rows),
        "series": tuple(who for _, who, _ in rows),
    }
    summary = "Share of all records that each attacker flips within the radius, on the original and on each defended model."
    if any(who == GRADIENT_STEPS for _, who, _ in rows):
        summary += " Slopes that find less than labels alone are a sign that a defence hides them."
    labels = {"label": "Model", "value": "Share flipped", "n": "records"}
    return Table("What each attacker finds", columns, "estimates", labels, summary)


def settings_table(compared: list[Compared]) -> Table:
    """Return what was set."""
    columns = {
        "defence": tuple(one.name for one in compared),
        "setting": tuple(one.setting for one in compared),
    }
    labels = {"defence": "Defence", "setting": "What was set"}
    return Table(
        "What each defence did", columns, "plain", labels, f"The settings of {len(compared)} defences."
    )


def sentence(found: list[Measurement], compared: list[Compared], family: Family) -> str:
    """Return what moved accuracy under attack, what only old attacks were stopped by, and of what nothing can be told: a sentence each."""
    by = {(m.metric, m.group): m for m in found}
    moved: list[str] = []
    hollow: list[str] = []
    open_ones: list[str] = []
    for one in compared:
        gain, old = (
            by["robust_accuracy_gain", one.name],
            family.paired("", one.stands_old, one.stood, one.name),
        )
        ends = gain.interval
        told = ends is not None and not ends.low <= 0 <= ends.high
        (moved if told else open_ones).append(one.name)
        if (gain.value <= 0 or not told) and old.interval is not None and old.interval.low > 0:
            hollow.append(one.name)
    said = [_moved(moved, by)] if moved else []
    if hollow:
        said.append(_hollow(hollow, by))
    if open_ones:
        said.append(f"No change in accuracy under attack could be told from none: {', '.join(open_ones)}.")
    return " ".join(said)


def to_a_person(found: list[Measurement], compared: list[Compared]) -> list[str]:
    """Return for each gate how many ordinary rows it sends to a person, and what that is worth if a person is always right."""
    by = {(m.metric, m.group): m for m in found}
    return [_to_a_person(one, by) for one in compared if one.rejected]


def _to_a_person(one: Compared, by: dict[tuple[str, str | None], Measurement]) -> str:
    group = f"{one.name}, {TO_A_PERSON}"
    away, gain = by["gate_false_reject_rate", one.name], by["robust_accuracy_gain", group]
    ends = (
        "" if gain.interval is None else f" [{100 * gain.interval.low:.1f}, {100 * gain.interval.high:.1f}]"
    )
    return (
        f"The {one.name} sends {common.share_with_ends(away)} of ordinary rows to a person; counted as answered rightly there, they take "
        f"accuracy under attack from {common.percent(by['robust_accuracy_before', one.name].value)} to "
        f"{common.percent(by['robust_accuracy_after', group].value)} (by {100 * gain.value:.1f}{ends} points)."
    )


def _moved(names: list[str], by: dict[tuple[str, str | None], Measurement]) -> str:
    """Return the largest rise, else the largest fall, with its ends and its cost, and the others by name."""
    gains = {name: by["robust_accuracy_gain", name] for name in names}
    order = sorted(names, key=lambda name: -gains[name].value)
    rose = [name for name in order if gains[name].value > 0]
    fell = [name for name in reversed(order) if gains[name].value < 0]
    first = (rose or fell)[0]
    verb, sign = ("raised", 1) if rose else ("lowered", -1)
    was, now = (by[f"robust_accuracy_{when}", first].value for when in ("before", "after"))
    ends = gains[first].interval
    low, high = sorted((sign * ends.low, sign * ends.high))  # type: ignore[union-attr]
    rest = [
        f"{', '.join(f'{name} (by {100 * abs(gains[name].value):.1f})' for name in some)} {word} it{too}"
        for some, word, too in (
            ([one for one in rose if one != first], "raised", " too"),
            ([one for one in fell if one != first], "lowered", "" if rose else " too"),
        )
        if some
    ]
    return (
        f"{_capital(first)} {verb} accuracy under attack {'most, ' if len(names) > 1 else ''}from {common.percent(was)} to "
        f"{common.percent(now)} (by {100 * abs(gains[first].value):.1f} [{100 * low:.1f}, {100 * high:.1f}] points) "
        f"{'; '.join([at_what_cost(by['accuracy_cost', first]), *rest])}."
    )


def _hollow(names: list[str], by: dict[tuple[str, str | None], Measurement]) -> str:
    each: list[str] = []
    for name in names:
        old, new = (
            common.percent(by[f"{kind}_stopped_share", name].value) for kind in ("replayed", "adaptive")
        )
        each.append(
            f"{name} {old} and {new}"
            if each
            else f"{name} stopped {old} of the flips found before it and {new} once attackers knew of it"
        )
    return f"Stopping the old attack proves nothing: {'; '.join(each)}."


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
