"""Consistency: whether records that are alike in all but the sensitive features are decided alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Le
from scipy import special
from typing_extensions import Doc

from auditkit import progress, statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights as weights
from auditkit.checks.bias import _scopes as scopes
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.frames import Codec
from auditkit.methods import neighbours as method
from auditkit.subject import Subject

if TYPE_CHECKING:
    from auditkit.dataset import Dataset
    from auditkit.methods.neighbours import Agreement

_NORMAL = "normal, dyadic variance"
_METHOD = "exact at the effective number of records, dyadic variance"


@check(
    code="AK111",
    title="Consistency among neighbours",
    question="Are records that are alike decided alike?",
    dimension="bias",
    metrics=["consistency", "consistency_chance", "neighbour_distance", "neighbour_distance_chance"],
)
def consistency(
    subject: Subject,
    *,
    rng: np.random.Generator,
    features: common.Features = None,
    neighbours: Annotated[int, Ge(1), Le(100), Doc("Nearest records each one is compared with.")] = 5,
    rows: Annotated[int, Ge(10), Doc("Records looked around at most; drawn at random.")] = 5000,
    pool: Annotated[
        int, Ge(10), Doc("Records among which neighbours are looked for, at most; drawn at random.")
    ] = 20_000,
    level: common.Level = 0.95,
) -> Evidence:
    """Compare each decision with those of the nearest records, the sensitive features left out of the distance.

    Parameters
    ----------
    subject : Subject
        Any task, or its predictions beside the inputs.
    rng : numpy.random.Generator
        Rows drawn.
    features : list of str, optional
        Sensitive features whose groups are shown apart; all when left out.
    neighbours : int
        How many.
    rows, pool : int
        Records looked around, and looked among, at most.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``consistency`` (Zemel et al. 2013): mean share of the nearest records that are decided as a record is, of all
        and of each group; ``consistency_chance``: what it would be were the decisions dealt out at random. Regression:
        ``neighbour_distance``, the mean absolute difference to the predictions of the nearest records, in the unit of the target, and
        ``neighbour_distance_chance``.
    """
    data = subject.test
    among, around, points = _looked_at(data, rows, pool, rng)
    k = min(neighbours, len(among) - 1)
    near = method.nearest(around, points, k)
    progress.step(0.8, "neighbours found")
    numbers = subject.task == "regression"
    said = subject.answers().labels[among]
    of = method.distance if numbers else method.agreement
    whole = of(around, near, said)
    found = [_measured(whole, None, level, numbers=numbers), _chance(whole, numbers=numbers)]
    tables: dict[str, Table] = {}
    groupings = []
    if data.sensitive_features is not None:
        groupings = common.groupings(data, features, intersections=False)
    for grouping in groupings:
        if grouping.too_many:
            found.append(
                Measurement(found[0].metric, math.nan, 0, group=grouping.name, reason=grouping.too_many)
            )
            continue
        own = grouping.codes[among][around]
        parts = [of(around, near, said, own == g) for g in range(len(grouping.labels))]
        groups = [
            _measured(one, label, level, numbers=numbers)
            for one, label in zip(parts, grouping.labels, strict=True)
        ]
        found += groups
        tables[grouping.name] = _table(grouping.name, groups, parts, whole, numbers=numbers)
    return Evidence(
        "AK111",
        tuple(found),
        tables or {"consistency": _table("", found[:1], [whole], whole, numbers=numbers)},
        says=_says(found[0], whole, k, numbers=numbers),
        does_not_say=(
            "That the neighbours are alike in what matters: the distance weighs all inputs equally, a standard deviation as much as "
            "another category. A model that refuses everybody is perfectly consistent."
        ),
        notes=(
            *common.notes_on(groupings),
            f"Each of {len(around):,} records is compared with its {k} nearest of {len(among):,}.",
            f"Left out of the distance: {', '.join(data.sensitive_names) or 'nothing'}.",
            *scopes.unused(data),
            *weights.ignored(data),
        ),
        rows=common.rows_used(len(around), len(data)),
    )


def _looked_at(
    data: Dataset, rows: int, pool: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the records looked among, the places in them that are looked around, and their coordinates.

    Raises
    ------
    NotApplicable
        If nothing says which records are alike.
    """
    columns = [c for c in data.X.columns if str(c) not in data.sensitive_names]
    if not columns:
        raise NotApplicable("no inputs beside the sensitive features: nothing to say which records are alike")
    among = common.draw(len(data), max(pool, rows), rng)
    if len(among) < 3:
        raise NotApplicable(f"{len(among)} records have no neighbours to speak of")
    around = common.draw(len(among), rows, rng)
    part = data.X[columns].iloc[among]
    codec = Codec.of(part)
    points = method.standardised(codec.encode(part), [kind == "categorical" for kind in codec.kinds])
    if points.shape[1] == 0:
        raise NotApplicable("no input varies: nothing to say which records are alike")
    return among, around, points


def _measured(found: Agreement, group: str | None, level: float, *, numbers: bool) -> Measurement:
    metric = "neighbour_distance" if numbers else "consistency"
    if found.n == 0:
        return Measurement(metric, math.nan, 0, group=group, reason="no record of this group was drawn")
    if numbers:
        half = float(special.ndtri(0.5 + level / 2)) * found.se
        ends = max(found.value - half, 0.0), found.value + half
        return common.measured(metric, found.value, found.n, ends, level, _NORMAL, group=group)
    # few records that are decided otherwise show too little spread: as many independent records as show as much, and
    # no more than there are, have an exact interval (Korn and Graubard 1998)
    spread, square = found.value * (1 - found.value), found.se**2
    records = min(spread / square, found.n) if square > 0 else float(found.n)
    exact = statistics.clopper_pearson(found.value * records, records, level)
    low, high = min(float(exact.low), found.value), max(float(exact.high), found.value)
    return common.measured("consistency", found.value, found.n, (low, high), level, _METHOD, group=group)


def _chance(found: Agreement, *, numbers: bool) -> Measurement:
    metric = "neighbour_distance_chance" if numbers else "consistency_chance"
    if found.n == 0:
        return Measurement(metric, math.nan, 0, reason="no record was drawn")
    what = "predictions" if numbers else "decisions"
    reason = f"expected if the {what} of these records were dealt out among them at random"
    return Measurement(metric, found.chance, found.n, reason=reason)


def _table(
    name: str, groups: list[Measurement], parts: list[Agreement], whole: Agreement, *, numbers: bool
) -> Table:
    """Return the groups among their neighbours, and what chance would give each."""
    near, nan = common.estimates(groups), float("nan")
    if not name:
        near["label"] = ("all records",)
    columns = {
        key: values + more
        for (key, values), more in zip(
            near.items(),
            (
                near["label"],
                tuple(one.chance for one in parts),
                (nan,) * len(parts),
                (nan,) * len(parts),
                near["n"],
            ),
            strict=True,
        )
    }
    columns["series"] = ("nearest records",) * len(parts) + ("records at random",) * len(parts)
    # groups in which one decision is rarer are decided alike more often by chance: each is held against its own
    known = [(m, one.chance) for m, one in zip(groups, parts, strict=True) if not math.isnan(m.value)]
    if numbers:
        summary = f"The predictions of the nearest records lie {whole.value:.4g} apart on average, those of records at random {whole.chance:.4g}"
        m, chance = max(known, key=lambda one: one[0].value / one[1] if one[1] > 0 else 0.0)
        least, pair = "farthest for what chance would give", f"{m.value:.4g} against {chance:.4g}"
    else:
        summary = f"{common.percent(whole.value)} of the nearest records are decided alike, {common.percent(whole.chance)} of records at random"
        m, chance = min(known, key=lambda one: one[0].value - one[1])
        least, pair = "least above chance", f"{common.percent(m.value)} against {common.percent(chance)}"
    summary += f"; {least} around {m.group} ({pair})." if len(known) > 1 else "."
    labels = {
        "value": "Distance of predictions" if numbers else "Share decided alike",
        "n": "records",
        "reference": "all records",
    }
    title = f"{'Distance to neighbours' if numbers else 'Neighbours decided alike'}{f', by {name}' if name else ''}"
    return Table(title, columns, "estimates", labels, summary, reference=whole.value)


def _says(m: Measurement, whole: Agreement, k: int, *, numbers: bool) -> str:
    low, high = (m.interval.low, m.interval.high) if m.interval else (math.nan, math.nan)
    nearest = f"the {k} nearest records" if k > 1 else "the nearest record"
    if numbers:
        return (
            f"A prediction lies {m.value:.4g} [{low:.4g}, {high:.4g}] from {'those' if k > 1 else 'that'} of {nearest} on average; from those of "
            f"records at random it would be {whole.chance:.4g}."
        )
    be = "are" if k > 1 else "is"
    return (
        f"{common.percent(m.value)} [{common.percent(low)}, {common.percent(high)}] of {nearest} {be} decided as a record is; among records "
        f"at random it would be {common.percent(whole.chance)}."
    )
