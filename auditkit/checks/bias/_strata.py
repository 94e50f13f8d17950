"""Strata: groups compared within the values of the control features, so that a mix of strata is no difference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditkit.checks import _common as common
from auditkit.checks.bias import _impact as impact
from auditkit.evidence import Measurement, Table
from auditkit.statistics.adverse_impact import picked_p_value
from auditkit.statistics.gaps import range_critical
from auditkit.statistics.stratified import Homogeneity, PooledOdds, breslow_day, mantel_haenszel

if TYPE_CHECKING:
    from auditkit.checks.bias._scopes import Strata

_LABELS = {
    "value": "Odds ratio within strata",
    "n": "records",
    "crude": "odds ratio over all records",
    "strata": "strata that say something",
    "cmh": "CMH chi-square, no continuity correction",
    "cmh_p": "p of CMH",
    "picked_p": "p of CMH, for a picked reference",
    "breslow_day": "Breslow-Day",
    "breslow_day_p": "p of Breslow-Day",
    "tarone": "Breslow-Day, Tarone's correction",
    "tarone_p": "p with Tarone's correction",
}
_METHOD = "robins-breslow-greenland"


@dataclass(frozen=True, slots=True)
class _Pair:
    label: str
    n: int
    pooled: PooledOdds
    crude: float
    plain: Homogeneity
    tarone: Homogeneity
    picked_p: float


def compare(
    grouping: common.Grouping, selected: np.ndarray, strata: Strata, reference_share: float, level: float
) -> tuple[list[Measurement], Table]:
    """Compare each group with the most selected one within strata.

    Parameters
    ----------
    grouping : Grouping
        At least two groups, each with records.
    selected : ndarray of bool, shape (n,)
        Who was selected.
    strata : Strata
        See `auditkit.checks.bias._scopes.strata_of`.
    reference_share : float
        See `most_selected`.
    level : float
        Confidence level, of all pairs at once.
    """
    hits, sizes = np.bincount(grouping.codes, selected), grouping.sizes
    k, reference = len(sizes), impact.most_selected(hits / sizes, sizes, reference_share)
    place = (strata.codes * k + grouping.codes) * 2 + ~selected
    cells = np.bincount(place, minlength=len(strata.labels) * k * 2).reshape(len(strata.labels), k, 2)
    critical = range_critical(level, k)
    pairs = []
    for g in range(k):
        if g == reference:
            continue
        tables = cells[:, [g, reference]]
        pooled = mantel_haenszel(tables, level, critical=critical)
        pairs.append(
            _Pair(
                grouping.labels[g],
                int(tables.sum()),
                pooled,
                mantel_haenszel(tables.sum(axis=0)[np.newaxis]).odds_ratio,
                breslow_day(tables, tarone=False),
                breslow_day(tables),
                float(picked_p_value(pooled.p_value, k)),
            )
        )
    found = [m for pair in pairs for m in _measured(pair, grouping.labels[reference], strata, level, k)]
    return found, _table(pairs, grouping, grouping.labels[reference], strata)


def _measured(pair: _Pair, reference: str, strata: Strata, level: float, k: int) -> list[Measurement]:
    """Return the pooled odds ratio and the test that the strata agree."""
    pooled, agree = pair.pooled, pair.tarone
    if math.isnan(pooled.odds_ratio):
        why = f"no stratum of {strata.name} has records of both {pair.label} and {reference}, some but not all selected"
        odds = Measurement("cmh_odds_ratio", math.nan, pair.n, group=pair.label, reason=why)
    else:
        odds = common.measured(
            "cmh_odds_ratio",
            pooled.odds_ratio,
            pair.n,
            (pooled.low, pooled.high),
            level,
            _METHOD if k == 2 else f"{_METHOD}, studentised range over {k} groups",
            group=pair.label,
            p_value=pair.picked_p,
            reason=(
                f"against {reference.replace(';', ',')}; within {pooled.strata:,} of {len(strata.labels):,} strata of {strata.name}; over all records together "
                f"{pair.crude:.3f}"
            ),
        )
    if math.isnan(agree.statistic):
        why = f"the test needs two strata of {strata.name} that say something, and a pooled ratio neither 0 nor infinite"
        return [
            odds,
            Measurement("odds_ratio_heterogeneity", math.nan, pair.n, group=pair.label, reason=why),
        ]
    reason = f"Breslow-Day with Tarone's correction, chi-square of {agree.df} degrees of freedom; against {reference}"
    return [
        odds,
        Measurement(
            "odds_ratio_heterogeneity",
            agree.statistic,
            pair.n,
            group=pair.label,
            p_value=agree.p_value,
            reason=reason,
        ),
    ]


def _table(pairs: list[_Pair], grouping: common.Grouping, reference: str, strata: Strata) -> Table:
    """Return one row a group, pooled beside crude."""
    columns = {
        "label": tuple(p.label for p in pairs),
        "value": tuple(p.pooled.odds_ratio for p in pairs),
        "low": tuple(p.pooled.low for p in pairs),
        "high": tuple(p.pooled.high for p in pairs),
        "n": tuple(p.n for p in pairs),
        "crude": tuple(p.crude for p in pairs),
        "strata": tuple(p.pooled.strata for p in pairs),
        "cmh": tuple(p.pooled.statistic for p in pairs),
        "cmh_p": tuple(p.pooled.p_value for p in pairs),
        "picked_p": tuple(p.picked_p for p in pairs),
        "breslow_day": tuple(p.plain.statistic for p in pairs),
        "breslow_day_p": tuple(p.plain.p_value for p in pairs),
        "tarone": tuple(p.tarone.statistic for p in pairs),
        "tarone_p": tuple(p.tarone.p_value for p in pairs),
    }
    title = f"Odds of selection by {grouping.name} within strata of {strata.name}, against {reference}"
    known = [p for p in pairs if not math.isnan(p.pooled.odds_ratio)]
    summary = f"No stratum of {strata.name} allows a comparison."
    if known:
        far = max(
            known, key=lambda p: abs(math.log(p.pooled.odds_ratio)) if p.pooled.odds_ratio else math.inf
        )
        summary = (
            f"Within {far.pooled.strata:,} strata of {strata.name} the odds of selection of {far.label} are {far.pooled.odds_ratio:.3f} times "
            f"those of {reference}; over all records together {far.crude:.3f} times."
        )
    return Table(title, columns, "estimates", _LABELS, summary, reference=1.0)
