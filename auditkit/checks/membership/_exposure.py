"""Exposure: which members an attack finds, by class, by group and one by one, and how their scores lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditkit import statistics
from auditkit.checks import _common as common
from auditkit.checks._kinds import FEWEST, kinds
from auditkit.evidence import Measurement, Table
from auditkit.statistics.ranking import largest_auc_gap

if TYPE_CHECKING:
    from auditkit.statistics import Auc
    from auditkit.subject import Subject

__all__ = ["METRICS", "Records", "by_group", "most_exposed", "score_shares"]

METRICS = ["group_attack_auc", "attack_auc_difference"]

_LISTED = 20
_BINS = 30


@dataclass(frozen=True)
class Records:
    """Who was attacked.

    Attributes
    ----------
    subject : Subject
        Whose records they are.
    inside, outside : ndarray of int
        Rows of the training data and of the test data, in the order of the scores: members first.
    """

    subject: Subject
    inside: np.ndarray
    outside: np.ndarray


def by_group(
    records: Records, scores: np.ndarray, truth: np.ndarray, level: float
) -> tuple[list[Measurement], Table | None]:
    """Return how well the attack tells members of a group from others of the same group, and how far groups lie apart.

    Groups of fewer than 10 members or others are left out, and named with that reason.
    """
    found: list[Measurement] = []
    train, test = records.subject.split("train"), records.subject.test
    whole = (train, records.inside), (test, records.outside)
    for name, labels, codes in kinds(*whole, classes=records.subject.task != "regression"):
        each: list[Auc] = []
        for code, label in enumerate(labels):
            at = codes == code
            n_in, n_out = int(truth[at].sum()), int((~truth[at]).sum())
            if min(n_in, n_out) < FEWEST:
                reason = f"{n_in} members and {n_out} others: at least {FEWEST} of each are needed"
                found.append(
                    Measurement("group_attack_auc", np.nan, n_in + n_out, group=label, reason=reason)
                )
                continue
            one = statistics.auc(scores[at], truth[at], level)
            found.append(
                common.measured(
                    "group_attack_auc",
                    one.value,
                    n_in + n_out,
                    (one.low, one.high),
                    level,
                    "delong",
                    group=label,
                    bound="lower",
                )
            )
            each.append(one)
        found.append(_gap(name, each, len(scores), level))
    groups = [m for m in found if m.metric == "group_attack_auc"]
    if not groups:
        return found, None
    overall = statistics.auc(scores, truth, level).value
    labels_ = {
        "label": "Members of",
        "value": "AUC of the attack",
        "n": "records",
        "reference": "all records",
    }
    summary = "How well members of each class or group are told from others of the same; 0.5 is guessing, the line is all records."
    return found, Table(
        "Who is most exposed", common.estimates(groups), "estimates", labels_, summary, reference=overall
    )


def _gap(name: str, each: list[Auc], n: int, level: float) -> Measurement:
    if len(each) < 2:
        reason = f"fewer than two values of {name} have {FEWEST} members and {FEWEST} others"
        return Measurement("attack_auc_difference", np.nan, n, group=name, reason=reason)
    gap = largest_auc_gap(each, level)
    p = None if np.isnan(gap.p_value) else gap.p_value
    return common.measured(
        "attack_auc_difference", gap.value, n, (gap.low, gap.high), level, gap.method, group=name, p_value=p
    )


def most_exposed(records: Records, scores: np.ndarray, truth: np.ndarray) -> Table:
    """Return the members with the highest scores under pseudonyms, and how many others score as high."""
    members = np.flatnonzero(truth)
    others = np.sort(scores[~truth])
    first = members[np.argsort(-scores[members], kind="stable")[:_LISTED]]
    as_high = len(others) - np.searchsorted(others, scores[first], side="left")
    train = records.subject.split("train")
    names = train.record_ids(records.inside[first])
    columns = {
        "record": tuple(names),
        "others_as_high": tuple(int(v) for v in as_high),
        "of_others": (len(others),) * len(first),
    }
    labels = {
        "record": "Record (pseudonym)",
        "others_as_high": "Non-members that score as high",
        "of_others": "of",
    }
    summary = (
        "Training records that look most like members. Only who holds the training data can tell whose record it is: "
        f"`subject.train.record_ids(range({len(train)})).index({names[0]!r})` gives the row number of the first."
    )
    return Table("The most exposed training records", columns, "plain", labels, summary)


def score_shares(scores: np.ndarray, truth: np.ndarray, level: float) -> Table | None:
    """Return how the scores of members and of others are spread, in steps of equal width; None where there are few values."""
    finite = scores[np.isfinite(scores)]
    if np.unique(finite).size < _BINS:
        return None
    low, high = np.quantile(finite, [0.005, 0.995])
    edges = np.linspace(low, high, _BINS + 1)
    columns: dict[str, tuple[object, ...]] = dict.fromkeys(("series", "x", "value", "low", "high", "n"), ())
    for name, side in (("members", scores[truth]), ("others", scores[~truth])):
        counts, _ = np.histogram(np.clip(side, low, high), edges)
        ends = statistics.wilson(counts, np.full(_BINS, len(side)), level)
        columns["series"] += (name,) * _BINS
        columns["x"] += tuple(((edges[1:] + edges[:-1]) / 2).tolist())
        columns["value"] += tuple((counts / len(side)).tolist())
        columns["low"] += tuple(np.asarray(ends.low).tolist())
        columns["high"] += tuple(np.asarray(ends.high).tolist())
        columns["n"] += (len(side),) * _BINS
    labels = {"x": "Score of the attack", "value": "Share of the records", "series": "Records"}
    summary = "Share of members and of others in each step of the score; where the curves lie apart the attack can tell them. What lies beyond the ends is counted in the outermost steps."
    return Table("Scores of members and of others", columns, "curve", labels, summary)
