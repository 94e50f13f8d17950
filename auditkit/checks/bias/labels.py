"""Labels: whether groups differ in what the data say of them, before any model."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from annotated_types import Ge
from scipy import special
from typing_extensions import Doc

from auditkit import progress, statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights as weighting
from auditkit.checks.bias import _gaps as gaps
from auditkit.checks.bias import _scopes as scopes
from auditkit.checks.bias import _shown as shown
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.frames import Codec
from auditkit.methods import proxies
from auditkit.methods.conditional import residual_difference
from auditkit.subject import Subject

if TYPE_CHECKING:
    from auditkit.dataset import Dataset

_FOLDS = 5
_FEWEST = 50
_OVERLAP = 0.05
_WIDER = (
    1.1  # simulated: what the doubt in the expectations adds to the standard error at some hundreds of rows
)
_METHOD = "residuals out of fold, robust, widened by a tenth"


@check(
    code="AK110",
    title="Labels by group, before any model",
    question="Do the labels themselves differ between groups, and between records that look alike?",
    dimension="bias",
    metrics=["base_rate", "base_rate_difference", "base_rate_ratio", "conditional_label_difference"],
)
def label_bias(
    subject: Subject,
    *,
    rng: np.random.Generator,
    features: common.Features = None,
    intersections: common.Intersections = True,
    depth: common.Depth = 2,
    split: Annotated[
        Literal["test", "train"], Doc("Which rows: those held out, or those the model learnt from.")
    ] = "test",
    rows: Annotated[
        int, Ge(50), Doc("Rows at most for the comparison of records that look alike; drawn at random.")
    ] = 20_000,
    level: common.Level = 0.95,
) -> Evidence:
    """Compare how often each group has the positive label, in all and among records with like features.

    Parameters
    ----------
    subject : Subject
        With classes, a positive label, and sensitive features; the model is not asked.
    rng : numpy.random.Generator
        Permutations, folds, rows, and the boosting.
    features : list of str, optional
        Sensitive features; all when left out.
    intersections : bool
        Also compare the base rates of the groups of several features together.
    depth : int
        How many features are crossed at most.
    split : {"test", "train"}
        Which rows.
    rows : int
        Rows at most for the conditional comparison.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``base_rate`` of each group (Wilson); ``base_rate_difference`` and ``base_rate_ratio`` of each feature, with
        intervals that hold for the largest gap; ``conditional_label_difference`` of each group of a feature against all others, given
        the inputs that are no sensitive features (`auditkit.methods.conditional.residual_difference`).
    """
    positive = common.positive_of(subject)
    data = subject.split(split)
    label = data.y == positive
    found: list[Measurement] = []
    tables: dict[str, Table] = {}
    groupings = common.groupings(data, features, intersections=intersections, depth=depth, like=subject.test)
    for grouping in groupings:
        if grouping.too_many:
            found.append(gaps.not_compared("base_rate_difference", grouping))
            continue
        own, table = _base_rates(grouping, label, data, level, rng)
        found += own
        tables[grouping.name] = table
    singles = [g for g in groupings if len(g.features) == 1 and not g.too_many]
    try:
        conditional = _conditional(data, label, singles, rows, level, rng)
    except NotApplicable as missing:
        conditional = {g.name: [_undefined(g.name, len(data), str(missing))] for g in singles}
    for name, own in conditional.items():
        found += own
        if any(m.interval for m in own):
            tables[f"{name}, alike"] = _alike(name, own)
    return Evidence(
        "AK110",
        tuple(found),
        tables,
        says=_says(found, split),
        does_not_say=(
            "Whether the labels are right. A difference among records that look alike may come from a feature that was not recorded; equal "
            "labels may hide that a feature itself was measured differently. A label that records past decisions repeats them."
        ),
        notes=(
            *common.one_class(subject, split),
            *common.notes_on(groupings),
            *scopes.unused(data),
            *weighting.note(data),
            *(
                ("The comparison of records that look alike is not weighted.",)
                if data.sample_weight is not None
                else ()
            ),
        ),
        rows=common.rows_used(len(data), len(data), split),
    )


def _base_rates(
    grouping: common.Grouping, label: np.ndarray, data: Dataset, level: float, rng: np.random.Generator
) -> tuple[list[Measurement], Table]:
    """Return the rate of each group, their largest difference and smallest ratio, and the table."""
    counts = gaps.cells(grouping, label, label, data.sample_weight).counts("selection_rate")
    rates = [replace(m, metric="base_rate") for m in gaps.rates("selection_rate", grouping, counts, level)]
    # a permutation keeps no weights
    gap = statistics.largest_gap(*counts[:2], level, rng=rng if data.sample_weight is None else None)
    ratio = statistics.smallest_ratio(*counts[:2], level, tested=gap)
    known = [m for m in rates if not math.isnan(m.value)]
    least, most = min(known, key=lambda m: m.value), max(known, key=lambda m: m.value)
    summary = (
        f"The positive label is given to {common.percent(least.value)} ({least.group}) to {common.percent(most.value)} "
        f"({most.group}) of the records of {len(known)} groups."
    )
    return [
        *rates,
        gaps.measurement("base_rate_difference", gap, grouping, counts.records, worst=1.0),
        gaps.measurement("base_rate_ratio", ratio, grouping, counts.records, worst=0.0),
    ], shown.estimates_table("Base rate", grouping, rates, summary, float(counts.overall))


def _conditional(
    data: Dataset,
    label: np.ndarray,
    groupings: list[common.Grouping],
    rows: int,
    level: float,
    rng: np.random.Generator,
) -> dict[str, list[Measurement]]:
    """Return for each feature the difference of each group from all others, given the inputs."""
    columns = [c for c in data.X.columns if str(c) not in data.sensitive_names]
    if not columns:
        raise NotApplicable("no inputs beside the sensitive features: no record looks like another")
    chosen = common.draw(len(data), rows, rng)
    part = data.X[columns].iloc[chosen].reset_index(drop=True)
    codec = Codec.of(part)
    X, categorical = codec.encode(part), [kind == "categorical" for kind in codec.kinds]
    y = label[chosen].astype(np.int64)
    if min(y.sum(), len(y) - y.sum()) < _FEWEST // 2:
        raise NotApplicable(f"one of the labels has fewer than {_FEWEST // 2} records")
    found: dict[str, list[Measurement]] = {}
    for i, grouping in enumerate(groupings):
        groups = grouping.codes[chosen]
        sizes = np.bincount(groups, minlength=len(grouping.labels))
        compared = int((np.minimum(sizes, len(y) - sizes) >= _FEWEST).sum())
        family = compared if len(grouping.labels) > 2 else 1  # of two groups one is shown
        folds = proxies.even_folds(2 * groups + y, _FOLDS, rng)
        seeds = rng.integers(2**31, size=2)

        def said(share: float, i: int = i, name: str = grouping.name) -> None:
            progress.step((i + share) / len(groupings), f"records alike but for {name}")

        y_hat = proxies.boosted_classes(X, categorical, y, folds, seed=int(seeds[0]), smooth=True, said=said)[
            :, 1
        ]
        g_hat = proxies.boosted_classes(X, categorical, groups, folds, seed=int(seeds[1]), smooth=True)
        g_hat = np.pad(g_hat, ((0, 0), (0, len(sizes) - g_hat.shape[1])))  # groups of which no row was drawn
        found[grouping.name] = [
            _difference(name_of, y, groups == g, y_hat, g_hat[:, g], level, family)
            for g, name_of in enumerate(grouping.labels)
        ]
        if len(grouping.labels) == 2:  # the second is the first with the sign turned
            found[grouping.name] = found[grouping.name][:1]
    return found


def _difference(
    group: str,
    y: np.ndarray,
    member: np.ndarray,
    y_hat: np.ndarray,
    g_hat: np.ndarray,
    level: float,
    family: int,
) -> Measurement:
    n, size = len(y), int(member.sum())
    if min(size, n - size) < _FEWEST:
        return _undefined(
            group, n, f"{min(size, n - size)} records on one side: too few for records that look alike"
        )
    found = residual_difference(y, member, y_hat, g_hat)
    if math.isnan(found.value) or found.overlap < _OVERLAP:
        share = common.percent(found.overlap)
        return _undefined(
            group, n, f"the inputs all but settle the group: {share} of it is left open to compare"
        )
    # members without one positive label show no spread: no less is taken than labels as expected would have
    se = _WIDER * max(found.se, found.se_expected)
    half = float(special.ndtri(0.5 + (1 - (1 - level) / family) / 2)) * se
    p = 2 * float(special.ndtr(-abs(found.value) / se)) if se > 0 else None
    ends = max(found.value - half, -1.0), min(found.value + half, 1.0)
    if not ends[0] <= found.value <= ends[1]:
        return _undefined(group, n, "too few records that look alike for a difference within -1 and 1")
    over = f", Bonferroni over {family} groups" if family > 1 else ""
    return common.measured(
        "conditional_label_difference", found.value, n, ends, level, _METHOD + over, group=group, p_value=p,
        reason=f"against all others; the inputs leave {common.percent(found.overlap)} of the group open",
    )  # fmt: skip


def _undefined(group: str, n: int, reason: str) -> Measurement:
    return Measurement("conditional_label_difference", math.nan, n, group=group, reason=reason)


def _alike(name: str, found: list[Measurement]) -> Table:
    clear = [m for m in found if _clear(m)]
    summary = "No difference among records with like inputs has an interval that leaves out 0."
    if clear:
        told = "; ".join(
            f"{m.group} {abs(m.value):.3f} {'more' if m.value > 0 else 'less'} often" for m in clear
        )
        summary = (
            f"Among records with like inputs the positive label is given, against all others, to {told}."
        )
    labels = {
        "value": "Difference in the rate of the positive label",
        "n": "records",
        "reference": "no difference",
    }
    title = f"Labels of records that look alike, by {name}"
    return Table(title, common.estimates(found), "estimates", labels, summary, reference=0.0)


def _says(found: list[Measurement], split: str) -> str:
    said = shown.clearest(found, "base_rate_difference", f"base rates of the {split} rows")
    known = [m for m in found if m.metric == "conditional_label_difference" and m.interval is not None]
    if not known:
        return said
    clear = [m for m in known if _clear(m)]
    if not clear:
        differ = "difference" if len(known) == 1 else "differences"
        return f"{said} Among records with like inputs none of {len(known)} {differ} has an interval that leaves out 0."
    top = max(clear, key=_distance)
    ends = f" [{top.interval.low:.3f}, {top.interval.high:.3f}]" if top.interval else ""
    return f"{said} Among records with like inputs the clearest is {top.value:.3f}{ends}, of {top.group} against others."


def _distance(m: Measurement) -> float:
    """Return how far from 0 the interval ends; below 0 where it holds 0."""
    return max(m.interval.low, -m.interval.high) if m.interval else -math.inf


def _clear(m: Measurement) -> bool:
    return _distance(m) > 0
