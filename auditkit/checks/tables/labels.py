"""Labels: how many labels of a table look wrong to models that have not seen them, before any model is under audit, and whose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge
from scipy import special
from typing_extensions import Doc

from auditkit import spread
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.poisoning import _noise as noise
from auditkit.checks.poisoning._folds import boosted
from auditkit.checks.tables import _parts as parts
from auditkit.errors import NotApplicable, in_words
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods.conditional import residual_difference
from auditkit.methods.poisoning import confident
from auditkit.methods.proxies import even_folds
from auditkit.targets.table import Table as Records

if TYPE_CHECKING:
    from auditkit.checks._common import Grouping

_FEWEST = 50
_STRATA = 20
_MOST_GROUPS = 20


@check(
    code="AK916",
    title="Labels that look wrong",
    question="How many labels look wrong to models that have not seen them, and whose?",
    dimension="data",
    metrics=[
        "label_noise_rate",
        "label_noise_rate_resampled",
        "surest_disagreement",
        "label_noise_group_difference",
    ],
    spreads=True,
    about="table",
)
def table_label_noise(
    subject: Records,
    *,
    rng: np.random.Generator,
    rows: Annotated[int, Ge(100), Doc("Records at most; drawn at random.")] = 10_000,
    folds: Annotated[int, Ge(2), Doc("Parts of the records; a model is trained without each.")] = 5,
    level: common.Level = 0.95,
) -> Evidence:
    """Search labels by confident learning with boosted trees, and compare suspect labels between groups among records whose labels are told alike.

    Parameters
    ----------
    subject : Table
        Records with labels of 2 to 20 classes.
    rng : numpy.random.Generator
        Records, folds, seeds, and labels drawn.
    rows : int
        Records at most.
    folds : int
        Models trained.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``label_noise_rate``: confident learning's estimate in all and by given label, of which a hard problem makes up an unknown part;
        ``label_noise_rate_resampled``: the same of labels as uncertain as these of which none is flipped; ``surest_disagreement``: an upper bound of what was flipped
        at random, evenly; ``label_noise_group_difference``: suspect labels of a group less those of others whose labels are foretold alike, with a test.
    """
    data = parts.labelled(subject, subject.frame, tuple(subject.sensitive))
    data = data.taken(common.draw(len(data.y), rows, rng))
    y, classes = data.y, data.classes
    if len(y) < _FEWEST or np.bincount(y, minlength=len(classes)).max() > len(y) - folds:
        raise NotApplicable(
            f"{len(y)} records with a label: at least {_FEWEST}, and {folds} of a second class, are needed"
        )
    proba = _out_of_fold(data, folds, rng)
    found = confident.confident_learning(proba, y)
    truth = confident.calibrated(proba, y)
    rates = noise.rates(found, proba, y, list(classes), level, rng, "records")
    drawn = noise.resampled(proba, truth, len(y), level, rng)
    surest = noise.surest(truth, y, level, "records")
    gaps = _gaps(subject, data, truth, found.suspect, level)
    tables: dict[str, Table] = {}
    shown = [m for m in gaps if m.interval]
    if shown:
        words = {
            "label": "Group",
            "value": "Suspect labels, less those of others foretold alike",
            "n": "records",
        }
        summary = "How much more often labels of a group are suspect than those of other records whose labels are foretold alike."
        tables["by_group"] = Table(
            "Whose labels look wrong", common.estimates(shown), "estimates", words, summary, reference=0.0
        )
    tables["joint"] = noise.joint(found, y, list(classes))
    return Evidence(
        "AK916",
        (*rates, drawn, surest, *gaps),
        tables,
        says=f"{noise.estimated(rates[0], drawn, 'labels')} Labels flipped at random, evenly, are at most {common.percent(_high(surest))}.{_told(shown)}",
        does_not_say=(
            "Which labels are wrong: nothing that rests on inputs and labels alone tells labels flipped at random from a problem that is hard. Labels that are wrong "
            "in the same way throughout look right."
        ),
        notes=(
            f"Boosted trees, trained without each of {folds} folds; sensitive columns are no inputs, so that groups are compared among records foretold alike.",
            *data.notes,
        ),
        rows=common.rows_used(len(y), len(subject.frame), "records"),
    )


def _out_of_fold(data: parts.Labelled, folds: int, rng: np.random.Generator) -> np.ndarray:
    (X,), categorical, _ = parts.coded(data.X)
    own = even_folds(data.y, folds, rng)
    seeds = rng.integers(2**31 - 1, size=folds)
    classes = np.arange(len(data.classes))
    jobs = [
        (categorical, classes, (X[own != f], data.y[own != f], int(seeds[f])), [X[own == f]])
        for f in range(folds)
    ]
    proba = np.zeros((len(data.y), len(classes)))
    for f, part in enumerate(spread.each(boosted, jobs, "fold")):
        if part.value is None:
            raise NotApplicable(
                f"a model could not be trained on part of the records: {in_words(part.error or ValueError('no answer'))}"
            )
        proba[own == f] = part.value[0][0]
    return proba


def _gaps(
    subject: Records, data: parts.Labelled, truth: np.ndarray, suspect: np.ndarray, level: float
) -> list[Measurement]:
    """Return how much more often labels of each group are suspect than those of other records in the same stratum of what was foretold."""
    groupings = [
        g for g in parts.groups_of(subject, subject.frame, data.rows) if 1 < len(g.labels) <= _MOST_GROUPS
    ]
    tests = sum(len(g.labels) if len(g.labels) > 2 else 1 for g in groupings)
    strata = _strata(truth)
    found = []
    for groups in groupings:
        found += [_gap(groups, i, suspect, strata, tests, level) for i in range(len(groups.labels))]
    return found


def _strata(truth: np.ndarray) -> np.ndarray:
    """Return a stratum of each record: the class foretold, and how surely."""
    likely, surely = truth.argmax(axis=1), truth.max(axis=1)
    found = np.zeros(len(truth), dtype=np.intp)
    for c in np.unique(likely):
        at = np.flatnonzero(likely == c)
        many = max(min(_STRATA // truth.shape[1], len(at) // _FEWEST), 1)
        ranks = np.argsort(np.argsort(surely[at], kind="stable"), kind="stable")
        found[at] = c * _STRATA + ranks * many // len(at)
    return np.unique(found, return_inverse=True)[1]


def _gap(
    groups: Grouping, i: int, suspect: np.ndarray, strata: np.ndarray, tests: int, level: float
) -> Measurement:
    metric, label = "label_noise_group_difference", groups.labels[i]
    member = (groups.codes == i).astype(float)
    n = int(member.sum())
    if min(n, len(member) - n) < _FEWEST:
        reason = (
            f"{n} of {len(member)} records are of the group: at least {_FEWEST} on either side are needed"
        )
        return Measurement(metric, float("nan"), n, group=label, reason=reason)
    sizes = np.bincount(strata)
    wrong = suspect.astype(float)
    expected = [(np.bincount(strata, weights=part) / sizes)[strata] for part in (wrong, member)]
    one = residual_difference(wrong, member, *expected)
    se = float(np.nanmax([one.se, one.se_expected])) if np.isfinite(one.value) else 0.0
    if not se > 0:
        reason = "records foretold alike are all of the group, or none of their labels is suspect"
        return Measurement(metric, float("nan"), n, group=label, reason=reason)
    z = float(special.ndtri(1 - (1 - level) / (2 * tests)))
    ends = max(one.value - z * se, -1.0), min(one.value + z * se, 1.0)
    p = min(2 * float(special.ndtr(-abs(one.value) / se)) * tests, 1.0)
    return common.measured(
        metric, one.value, n, ends, level, "residuals within strata, Bonferroni over the groups", group=label, p_value=p,
        p_method="normal, within strata, Bonferroni over the groups", reason=f"{common.percent(float(wrong[member > 0].mean()))} of the group's labels are suspect",
    )  # fmt: skip


def _high(m: Measurement) -> float:
    return m.value if m.interval is None else m.interval.high


def _told(shown: list[Measurement]) -> str:
    sure = [m for m in shown if m.interval is not None and m.interval.low > 0]
    if not shown:
        return ""
    if not sure:
        return " In no group are labels surely suspect more often than those of others foretold alike."
    top = max(sure, key=lambda m: m.value)
    return f" Labels of {top.group} are suspect more often than those of others foretold alike, by {common.share_with_ends(top)}."
