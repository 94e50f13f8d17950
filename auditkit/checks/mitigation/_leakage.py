"""Leakage: what a remedy took off the figures of attacks, and what it cost, as measurements and tables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.checks.mitigation._attackers import ATTACKS, Answered, Yard
from auditkit.checks.mitigation._cost import at_what_cost
from auditkit.evidence import Measurement, Table

__all__ = [
    "METRICS",
    "Family",
    "Path",
    "attack_table",
    "change_table",
    "measured",
    "original",
    "sentence",
    "settings_table",
    "strongest",
    "trade_off",
]

if TYPE_CHECKING:
    from auditkit.statistics import AucDifference, Operating

METRICS = [
    "attack_auc_before",
    "attack_auc_after",
    "attack_auc_reduction",
    "tpr_at_1pct_fpr_before",
    "tpr_at_1pct_fpr_after",
    "tpr_at_1pct_fpr_reduction",
    "accuracy_cost",
    "brier_cost",
]
_STRONGEST = "strongest attack"
_RANKED = ("loss", "RMIA")  # a label alone takes two values: no rate of 1% can be read off it
_FPR = 0.01
_KINDS = 4  # of change: areas, rates, accuracy, Brier scores
_WORDS = {"loss": "the loss attack", "RMIA": "RMIA", "label alone": "the attack on the label alone"}


@dataclass(frozen=True, eq=False)
class Path:
    """A remedy at growing strength.

    Attributes
    ----------
    name : str
        "label smoothing".
    points : tuple of Answered
        The model without it first, the remedy in full last.
    """

    name: str
    points: tuple[Answered, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """How many remedies are compared: the intervals of all that they changed hold together (Bonferroni).

    Of each remedy four kinds of change are told: of areas, of rates, of accuracy and of Brier scores.

    Attributes
    ----------
    level : float
        Of each and all.
    remedies : int
        Compared.
    """

    level: float
    remedies: int

    def strict(self, each: int = 1) -> float:
        """Return the level of one interval, of so many of its kind a remedy."""
        return 1 - (1 - self.level) / (self.remedies * _KINDS * each)

    def over(self, what: str = "") -> str:
        """Return in words what the level allows for."""
        said = (
            [f"{self.remedies} remedies"] * (self.remedies > 1)
            + [f"{_KINDS} kinds of change"]
            + [what] * bool(what)
        )
        return f", Bonferroni over {', '.join(said[:-1])}{' and ' * (len(said) > 1)}{said[-1]}"


def original(audited: Answered, yard: Yard, level: float) -> list[Measurement]:
    """Return what each attack finds of the model under audit, and the strongest of them."""
    return _areas("attack_auc_before", "original", audited, yard, level)


def measured(path: Path, yard: Yard, family: Family) -> list[Measurement]:
    """Return what attacks find before and after the remedy in full, what that changed, and what it cost.

    Parameters
    ----------
    path : Path
        The remedy.
    yard : Yard
        The records.
    family : Family
        Remedies compared.

    Returns
    -------
    list of Measurement
        Grouped "remedy, attack"; costs by the remedy.
    """
    first, last = path.points[0], path.points[-1]
    found = _areas("attack_auc_before", path.name, first, yard, family.level)
    found += _areas("attack_auc_after", path.name, last, yard, family.level)
    found += _reductions(path.name, first, last, yard, family)
    for name in _RANKED:
        found += _rates(f"{path.name}, {name}", first.scores[name], last.scores[name], yard, family)
    return [
        *found,
        _accuracy_cost(path.name, first, last, family),
        _brier_cost(path.name, first, last, family),
    ]


def strongest(one: Answered, yard: Yard, level: float = 0.95) -> tuple[str, float, tuple[float, float]]:
    """Return the attack with the largest AUC, that AUC, and ends that hold though it was picked after looking.

    The ends of all attacks at once hold for the largest true one too: it is no lower than the highest low end, and no
    higher than the highest high one.
    """
    within = 1 - (1 - level) / len(ATTACKS)
    areas = {name: statistics.auc(one.scores[name], yard.truth, within) for name in ATTACKS}
    best = max(areas, key=lambda name: areas[name].value)
    ends = max(a.low for a in areas.values()), max(a.high for a in areas.values())
    return best, areas[best].value, ends


def _areas(metric: str, group: str, one: Answered, yard: Yard, level: float) -> list[Measurement]:
    found = []
    for name in ATTACKS:
        area = statistics.auc(one.scores[name], yard.truth, level)
        ends = area.low, area.high
        found.append(_lower(metric, area.value, len(yard.truth), ends, level, "delong", f"{group}, {name}"))
    best, value, ends = strongest(one, yard, level)
    method = f"delong, simultaneous over {len(ATTACKS)} attacks"
    found.append(
        _lower(metric, value, len(yard.truth), ends, level, method, f"{group}, {_STRONGEST}", _WORDS[best])
    )
    return found


def _lower(
    metric: str,
    value: float,
    n: int,
    ends: tuple[float, float],
    level: float,
    method: str,
    group: str,
    reason: str | None = None,
) -> Measurement:
    return common.measured(metric, value, n, ends, level, method, group=group, bound="lower", reason=reason)


def _reductions(name: str, first: Answered, last: Answered, yard: Yard, family: Family) -> list[Measurement]:
    """Return how much lower each AUC is, and the largest, whichever attacks that is of.

    The strongest attack is picked on either side after looking. With the interval of every attack before against every attack
    after, all at once, the largest before exceeds the largest after by at least the best of the worst low ends, and by at most
    the least of the best high ends.
    """
    level = family.strict(len(ATTACKS) ** 2)
    apart: list[list[AucDifference]] = [
        [
            statistics.paired_auc_difference(first.scores[was], last.scores[now], yard.truth, level)
            for now in ATTACKS
        ]
        for was in ATTACKS
    ]
    n = len(yard.truth)
    method = f"paired, delong and mover{family.over('all pairs of attacks')}"
    found = []
    for i, attack in enumerate(ATTACKS):
        one = apart[i][i]
        found.append(
            common.measured(
                "attack_auc_reduction",
                one.value,
                n,
                (one.low, one.high),
                family.level,
                method,
                group=f"{name}, {attack}",
            )
        )
    value = max(row[0].first.value for row in apart) - max(one.second.value for one in apart[0])
    low = max(min(one.low for one in row) for row in apart)
    high = min(max(row[j].high for row in apart) for j in range(len(ATTACKS)))
    group = f"{name}, {_STRONGEST}"
    found.append(
        common.measured("attack_auc_reduction", value, n, (low, high), family.level, method, group=group)
    )
    return found


def _rates(group: str, first: np.ndarray, last: np.ndarray, yard: Yard, family: Family) -> list[Measurement]:
    """Return the true positive rate at 1% false positives before and after, and what went; each at a threshold of its own."""
    was, now = (statistics.tpr_at_fpr(scores, yard.truth, _FPR, family.level) for scores in (first, last))
    found = [
        _rate(f"tpr_at_1pct_fpr_{when}", point, group, family.level)
        for when, point in (("before", was), ("after", now))
    ]
    metric, n = "tpr_at_1pct_fpr_reduction", int(yard.truth.sum())
    if not (was.resolvable and now.resolvable):
        why = f"the rate cannot be resolved {'after' if was.resolvable else 'before'} the remedy"
        return [*found, Measurement(metric, math.nan, n, group=group, reason=why)]
    ends = statistics.paired_tpr_bounds(first, last, yard.truth, _FPR, family.strict(len(_RANKED)))
    method = f"paired, order statistics and Bonett-Price{family.over(f'{len(_RANKED)} attacks')}"
    return [
        *found,
        common.measured(metric, was.tpr - now.tpr, n, ends, family.level, method, group=group),
    ]


def _rate(metric: str, point: Operating, group: str, level: float) -> Measurement:
    if not point.resolvable:
        return Measurement(metric, math.nan, point.n_pos, group=group, bound="lower", reason=point.reason)
    at = f"at an achieved false positive rate of {point.achieved_fpr:.4f}"
    ends = point.low, point.high
    return _lower(metric, point.tpr, point.n_pos, ends, level, "clopper-pearson", group, at)


def _accuracy_cost(name: str, first: Answered, last: Answered, family: Family) -> Measurement:
    lost, won = int((first.right & ~last.right).sum()), int((~first.right & last.right).sum())
    n = len(first.right)
    ends = statistics.paired_difference(lost, won, n, family.strict())
    method = f"paired, Bonett-Price{family.over()}"
    return common.measured("accuracy_cost", (lost - won) / n, n, ends, family.level, method, group=name)


def _brier_cost(name: str, first: Answered, last: Answered, family: Family) -> Measurement:
    """Return by how much the Brier score of what is given out grew, 0 to 2 for a record."""
    more, level = last.brier - first.brier, family.strict()
    n = len(more)
    method = f"paired, t{family.over()}"
    if (
        np.ptp(more) == 0
    ):  # no spread is no certainty: so many records showed one change, and any lies within 2
        far = 2 * (1 - ((1 - level) / 2) ** (1 / n))
        ends = float(more[0]) - far, float(more[0]) + far
        method = f"paired, exact for no spread{family.over()}"
    else:
        low, high = statistics.mean_interval_of(more, level)
        ends = float(low), float(high)
    return common.measured("brier_cost", more.mean(), n, ends, family.level, method, group=name)


def trade_off(audited: Answered, paths: list[Path], yard: Yard, level: float) -> Table:
    """Return accuracy against the AUC of the strongest attack, one point a strength."""
    rules = [("original", audited)] + [(path.name, point) for path in paths for point in path.points]
    n = len(audited.right)
    right = np.array([int(point.right.sum()) for _, point in rules])
    low, high = statistics.wilson(right, np.full(len(rules), n), level)
    best = [strongest(point, yard, level) for _, point in rules]
    areas = [value for _, value, _ in best]
    columns = {
        "x": tuple(areas),
        "value": tuple((right / n).tolist()),
        "low": tuple(low.tolist()),
        "high": tuple(high.tolist()),
        "n": (n,) * len(rules),
        "series": tuple(name for name, _ in rules),
        "strength": tuple(point.strength for _, point in rules),
        "attack": tuple(name for name, _, _ in best),
        "x_low": tuple(ends[0] for _, _, ends in best),
        "x_high": tuple(ends[1] for _, _, ends in best),
    }
    summary = (
        f"Over {len(rules)} models the AUC of the strongest attack runs from {min(areas):.3f} to {max(areas):.3f} (0.5 is "
        f"guessing) and accuracy from {common.percent(right.min() / n)} to {common.percent(right.max() / n)}."
    )
    labels = {"x": "AUC of the strongest attack", "value": "Accuracy", "n": "records", "strength": "strength"}
    labels |= {f"x_{end}": f"AUC, {end}" for end in ("low", "high")}
    return Table("Accuracy against what attacks find", columns, "curve", labels, summary)


def change_table(found: list[Measurement]) -> Table:
    """Return what each remedy took off the strongest attack, and what it took off accuracy, side by side."""
    words = {
        "attack_auc_reduction": "AUC of the strongest attack taken off",
        "accuracy_cost": "accuracy lost",
        "brier_cost": "Brier score added",
    }
    rows = [
        m
        for metric in words
        for m in found
        if m.metric == metric and (metric != "attack_auc_reduction" or str(m.group).endswith(_STRONGEST))
    ]
    columns = common.estimates(rows)
    columns["label"] = tuple(str(m.group).removesuffix(f", {_STRONGEST}") for m in rows)
    columns["series"] = tuple(words[m.metric] for m in rows)
    summary = "What each remedy took off the strongest attack, and what it cost; the intervals hold for all of them together."
    labels = {"value": "Change", "n": "records"}
    return Table("What was gained, and what it cost", columns, "estimates", labels, summary, reference=0.0)


def attack_table(audited: Answered, paths: list[Path], yard: Yard, level: float) -> Table:
    """Return the AUC of every attack on every model: what one remedy hides from one attack another may see."""
    rules = [("original", audited)] + [(path.name, path.points[-1]) for path in paths]
    rows = [m for name, one in rules for m in _areas("attack_auc_after", name, one, yard, level)[:-1]]
    columns = common.estimates(rows)
    parts = [str(m.group).rpartition(", ") for m in rows]
    columns["label"], columns["series"] = tuple(p[0] for p in parts), tuple(p[2] for p in parts)
    summary = (
        "AUC of each attack on the original and on each remedy in full; reference models are trained with the remedy, and 0.5 "
        "is guessing."
    )
    labels = {"label": "Model", "value": "AUC", "n": "records"}
    return Table("What each attack finds of each model", columns, "estimates", labels, summary, reference=0.5)


def settings_table(paths: list[Path]) -> Table:
    """Return what was set at each strength."""
    points = [(path.name, point) for path in paths for point in path.points[1:]]
    columns = {
        "remedy": tuple(name for name, _ in points),
        "strength": tuple(point.strength for _, point in points),
        "setting": tuple(point.setting for _, point in points),
    }
    labels = {"remedy": "Remedy", "strength": "strength", "setting": "What was set"}
    summary = f"The settings of {len(points)} remedied models; those that go by the number of rows are for all training rows."
    return Table("What each remedy did", columns, "plain", labels, summary)


def sentence(found: list[Measurement], paths: list[Path]) -> str:
    """Return what was found: of the strongest attack, reductions at their cost, and for whom none can be told."""
    by = {(m.metric, m.group): m for m in found}
    said, open_ones = [], []
    for path in paths:
        group = f"{path.name}, {_STRONGEST}"
        change, was, now = (by[f"attack_auc_{key}", group] for key in ("reduction", "before", "after"))
        ends = change.interval
        if ends is None or ends.low <= 0 <= ends.high:
            open_ones.append(path.name)
            continue
        verb, sign = ("reduced", 1) if change.value > 0 else ("raised", -1)
        low, high = sorted((sign * ends.low, sign * ends.high))
        cost = by["accuracy_cost", path.name]
        said.append(
            f"{path.name[:1].upper()}{path.name[1:]} ({path.points[-1].setting}) {verb} the AUC of the strongest attack from "
            f"{was.value:.3f} to {now.value:.3f} (by {abs(change.value):.3f} [{low:.3f}, {high:.3f}]; {now.reason} is the "
            f"strongest left) {at_what_cost(cost)}."
        )
    if open_ones:
        said.append(
            f"No change in what the strongest attack finds could be told from none: {', '.join(open_ones)}."
        )
    return " ".join(said)
