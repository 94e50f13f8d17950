"""Adverse impact: each group against the most selected one, by the tests that employment guidelines and audit-AI name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from annotated_types import Ge, Lt
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.bias import _gaps as gaps
from auditkit.checks.bias import _impact as impact
from auditkit.checks.bias import _scopes as scopes
from auditkit.checks.bias import _strata as strata
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods.groups import group_sums
from auditkit.statistics.adverse_impact import anova, bayes_factor, picked_p_value, ratio_to_reference
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

_LABELS = {
    "value": "Impact ratio",
    "n": "records",
    "selected": "selected",
    "rate": "selection rate",
    "z": "z, pooled",
    "z_p": "p of z",
    "fisher_p": "p, Fisher exact",
    "chi2": "chi-square, without Yates",
    "chi2_p": "p, without Yates",
    "chi2_yates": "chi-square, with Yates",
    "chi2_yates_p": "p, with Yates",
    "bayes_factor": "Bayes factor (Albert)",
    "bayes_factor_fixed": "Bayes factor, group sizes given",
    "picked_p": "p, Fisher, for a picked reference",
    "caveat": "small numbers",
}
_SCORES = {
    "value": "Share of the score's variance between groups",
    "n": "records",
    "f": "F, one-way ANOVA",
    "p": "p, ANOVA",
    "welch_p": "p, Welch",
}


@check(
    code="AK106",
    title="Adverse impact",
    question="Is a group selected much less often than the most selected one, and could that be chance?",
    dimension="bias",
    metrics=["impact_ratio", "cmh_odds_ratio", "odds_ratio_heterogeneity", "score_eta_squared"],
)
def adverse_impact(
    subject: Subject,
    *,
    rng: np.random.Generator,  # noqa: ARG001 - every check is called alike
    features: common.Features = None,
    intersections: common.Intersections = True,
    depth: common.Depth = 2,
    reference_share: Annotated[
        float,
        Ge(0),
        Lt(1),
        Doc("A group with less than this share of the records is not taken as the one to compare with."),
    ] = 0.02,
    matters: common.Matters = 0.1,
    level: common.Level = 0.95,
) -> Evidence:
    """Compare each group with the most selected one: four-fifths ratio, and every usual test in one table.

    Parameters
    ----------
    subject : Subject
        Binary, or multiclass with `positive` set; predictions alone suffice. A regression, or a binary subject with
        probabilities, has its scores compared by analysis of variance. Control features of the test rows give strata.
    rng : numpy.random.Generator
        Not used.
    features, intersections, depth, matters, level
        As in `demographic_parity`.
    reference_share : float
        Groups smaller than this share of the records are compared, but not compared with.

    Returns
    -------
    Evidence
        ``impact_ratio`` of each group (MOVER-R, for all pairs at once, so that the reference may be picked by its rate), with
        the p-value of Fisher's exact test, adjusted for that picking (Tukey). With control features ``cmh_odds_ratio``
        (Mantel-Haenszel, Robins-Breslow-Greenland) with the p-value of Cochran, Mantel and Haenszel, adjusted alike, and
        ``odds_ratio_heterogeneity`` (Breslow-Day with Tarone's correction). With scores ``score_eta_squared`` of each feature
        with the p-value of Welch's test; ANOVA's stands beside it. Ungrouped figures and raw p-values are in the tables.
    """
    selected = None
    if subject.task != "regression":
        selected = subject.answers().labels == common.positive_of(subject)
    groupings = common.groupings(subject.test, features, intersections=intersections, depth=depth)
    found: list[Measurement] = []
    tables: dict[str, Table] = {}
    if selected is not None:
        within = scopes.strata_of(subject.test)
        for grouping in groupings:
            ratios, drawn = _ratios(grouping, selected, reference_share, matters, level)
            found += ratios
            tables |= drawn
            if within.name and drawn:
                pooled, table = strata.compare(grouping, selected, within, reference_share, level)
                found += pooled
                tables[f"{grouping.name} within {within.name}"] = table
    scores = impact.scores_of(subject)
    if scores is not None:
        eta, table = _of_scores(scores, groupings, level)
        found += eta
        tables["scores"] = table
    return Evidence(
        "AK106",
        tuple(found),
        tables,
        says=_says(found, scored=selected is None),
        does_not_say=(
            "Whether the law calls this adverse impact, or whether the selection is job-related: the four-fifths ratio is a rule "
            "of thumb that asks for a closer look, and the tests say only what chance alone would do."
        ),
        notes=(
            *common.notes_on(groupings),
            *scopes.strata_of(subject.test).notes,
            *impact.unweighted(subject.test),
        ),
        rows=common.rows_used(len(subject.test), len(subject.test)),
    )


def _ratios(
    grouping: common.Grouping, selected: np.ndarray, reference_share: float, matters: float, level: float
) -> tuple[list[Measurement], dict[str, Table]]:
    """Return the impact ratio of each group but the reference, and the table of all tests."""
    if grouping.too_many:
        return [gaps.not_compared("impact_ratio", grouping)], {}
    hits, sizes = impact.counts_of(grouping, selected)
    k, labels = len(sizes), grouping.labels
    if k < 2:
        why = "a ratio needs at least two groups with records, got 1"
        return [Measurement("impact_ratio", math.nan, len(selected), group=grouping.name, reason=why)], {}
    reference = impact.most_selected(hits, sizes, reference_share)
    ratio, (low, high) = ratio_to_reference(hits, sizes, reference, level)
    tests = _tests(hits, sizes, reference)
    found = []
    for g in range(k):
        pair = [g, reference]
        n = int(sizes[pair].sum())
        if g == reference:
            continue
        if not math.isfinite(ratio[g]):
            why = f"nobody is selected in {labels[reference]}, the group to compare with"
            found.append(Measurement("impact_ratio", math.nan, n, group=labels[g], reason=why))
            continue
        small = f"; {tests['caveat'][g]}" if tests["caveat"][g] else ""
        found.append(
            common.measured(
                "impact_ratio",
                ratio[g],
                n,
                (low[g], high[g]),
                level,
                impact.interval_method(k),
                group=labels[g],
                p_value=tests["picked_p"][g],
                reason=f"against {labels[reference]}; {labels[g]}: {sizes[g]:,} records{small}",
                n_needed=gaps.needed((hits[pair], sizes[pair]), matters, impact.pair_level(level, k)),
            )
        )
    low[reference] = high[reference] = 1.0  # its own ratio, by definition
    columns = {
        "label": [f"{label} (reference)" if g == reference else label for g, label in enumerate(labels)],
        "value": ratio,
        "low": low,
        "high": high,
        "n": sizes,
        "selected": hits,
        "rate": hits / sizes,
        **tests,
    }
    summary = _ratio_summary(grouping, found, labels[reference], hits[reference] / sizes[reference])
    title = f"Selection by {grouping.name}, against {labels[reference]}"
    table = Table(
        title,
        {name: tuple(values) for name, values in columns.items()},
        "estimates",
        _LABELS,
        summary,
        reference=impact.FOUR_FIFTHS,
    )
    return found, {grouping.name: table}


def _tests(hits: np.ndarray, sizes: np.ndarray, reference: int) -> dict[str, list[Any]]:
    """Return every test of each group against the reference; ``nan`` for the reference itself."""
    k = len(sizes)
    z = statistics.two_proportion_z(hits, sizes, hits[reference], sizes[reference])
    pairs = np.stack([hits, sizes - hits], axis=-1)
    pairs = np.stack([pairs, np.broadcast_to(pairs[reference], pairs.shape)], axis=1)
    columns: dict[str, list[Any]] = {
        "z": z.statistic.tolist(),
        "z_p": z.p_value.tolist(),
        "fisher_p": [float(statistics.fisher_exact(pair).p_value) for pair in pairs],
        "chi2": [],
        "chi2_p": [],
        "chi2_yates": [],
        "chi2_yates_p": [],
        "bayes_factor": bayes_factor(pairs).tolist(),
        "bayes_factor_fixed": bayes_factor(pairs, group_sizes="fixed").tolist(),
    }
    caveats = []
    for g, pair in enumerate(pairs):
        plain, yates = statistics.chi_square(pair), statistics.chi_square(pair, yates=True)
        for name, result in (("chi2", plain), ("chi2_yates", yates)):
            columns[name].append(result.statistic)
            columns[f"{name}_p"].append(result.p_value)
        caveats.append("" if g == reference else _caveat(pair, plain.smallest_expected))
    for values in columns.values():
        values[reference] = math.nan
    columns["picked_p"] = picked_p_value(columns["fisher_p"], k).tolist()
    columns["caveat"] = caveats
    return columns


def _caveat(pair: np.ndarray, smallest_expected: float) -> str:
    """Return what small numbers do to the reading of a pair; empty where they are large enough."""
    (selected, refused), (of_reference, not_of_reference) = pair.tolist()
    said = []
    if not smallest_expected >= 5:
        said.append("an expected count is below 5, read Fisher's test and not z or chi-square")
    rate = of_reference / (of_reference + not_of_reference)
    least = impact.FOUR_FIFTHS * rate * (selected + refused)
    if refused and selected < least <= selected + 1:
        said.append("one more selected would bring the ratio to four fifths")
    return "; ".join(said)


def _of_scores(
    scores: np.ndarray, groupings: Sequence[common.Grouping], level: float
) -> tuple[list[Measurement], Table]:
    """Return how much of the scores' variance lies between the groups of each feature, and the tests."""
    found, rows = [], []
    for grouping in groupings:
        if grouping.too_many:
            found.append(gaps.not_compared("score_eta_squared", grouping))
            continue
        size, total, spread = group_sums(scores, grouping.codes, len(grouping.labels)).T
        result = anova(total, spread, size, level)
        known = size >= 2
        variance = spread[known] / (size[known] - 1)
        welch = float(statistics.welch_anova(total[known] / size[known], variance, size[known]).p_value)
        rows.append((grouping.name, result, welch))
        if math.isnan(result.eta_squared):
            why = "an analysis of variance needs two groups, more records than groups, and some spread within them"
            found.append(
                Measurement("score_eta_squared", math.nan, len(scores), group=grouping.name, reason=why)
            )
            continue
        p_value, test = (result.p_value, "ANOVA") if math.isnan(welch) else (welch, "Welch")
        found.append(
            common.measured(
                "score_eta_squared",
                result.eta_squared,
                len(scores),
                (result.low, result.high),
                level,
                "noncentral F (Steiger 2004)",
                group=grouping.name,
                p_value=p_value,
                reason=f"p-value: {test}; ANOVA: F({result.df_between}, {result.df_within}) = {result.statistic:.3g}",
            )
        )
    columns = {
        "label": tuple(name for name, _, _ in rows),
        "value": tuple(r.eta_squared for _, r, _ in rows),
        "low": tuple(r.low for _, r, _ in rows),
        "high": tuple(r.high for _, r, _ in rows),
        "n": (len(scores),) * len(rows),
        "f": tuple(r.statistic for _, r, _ in rows),
        "df_between": tuple(r.df_between for _, r, _ in rows),
        "df_within": tuple(r.df_within for _, r, _ in rows),
        "p": tuple(r.p_value for _, r, _ in rows),
        "welch_p": tuple(w for _, _, w in rows),
    }
    known_ones = [m for m in found if m.interval is not None]
    summary = "The scores of the groups could not be compared."
    if known_ones:
        most = max(known_ones, key=lambda m: m.value)
        summary = f"Up to {common.percent(most.value)} of the variance of the scores lies between groups, over {most.group}."
    return found, Table("Scores by group, analysis of variance", columns, "estimates", _SCORES, summary)


def _ratio_summary(grouping: common.Grouping, found: list[Measurement], reference: str, rate: float) -> str:
    """Return what a table of ratios shows, in a sentence."""
    known = [m for m in found if m.interval is not None]
    if not known:
        return f"{reference} has nobody selected: no ratio is defined."
    least = min(known, key=lambda m: m.value)
    below = sum(m.interval is not None and m.interval.high < 1 for m in known)
    return (
        f"The lowest impact ratio by {grouping.name} is {least.value:.3f} ({least.group}), against {reference} with a selection rate "
        f"of {common.percent(rate)}; the interval lies below 1 for {below} of {len(known)}."
    )


def _says(found: list[Measurement], *, scored: bool) -> str:
    """Return the ratio whose interval ends lowest, in a sentence."""
    if scored:
        known = [m for m in found if m.interval is not None]
        if not known:
            return "The scores of the groups could not be compared."
        top = max(known, key=lambda m: m.interval.low if m.interval else 0.0)
        return (
            f"{common.percent(top.value)} of the variance of the scores lies between groups of {top.group}."
        )
    ratios = [m for m in found if m.metric == "impact_ratio"]
    known = [m for m in ratios if m.interval is not None]
    if not known:
        return "No impact ratio could be computed."
    top = min(known, key=lambda m: (m.interval.high, m.value) if m.interval else (math.inf, 0.0))
    ends = f" [{top.interval.low:.3f}, {top.interval.high:.3f}]" if top.interval else ""
    first = (top.reason or "").split(";")[0]
    below = sum(m.interval is not None and m.interval.high < impact.FOUR_FIFTHS for m in known)
    open_ones = f" {len(ratios) - len(known)} ratios are undefined." if len(known) < len(ratios) else ""
    pooled = [m for m in found if m.metric == "cmh_odds_ratio" and m.group == top.group and m.interval]
    within = "".join(
        f" Its odds ratio is {m.value:.3f} within {(m.reason or '').partition('; within ')[2]}."
        for m in pooled
    )
    return (
        f"The clearest impact ratio is {top.value:.3f}{ends}, {top.group} {first}. The whole interval lies below four fifths for {below} "
        f"of {len(known)} comparisons.{within}{open_ones}"
    )
