"""Adverse impact: each group against the most selected one, by the tests that employment guidelines and audit-AI name."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Lt
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks.bias import _gaps as gaps
from auditkit.checks.bias import _impact as impact
from auditkit.checks.bias import _measures as measures
from auditkit.checks.bias import _scopes as scopes
from auditkit.checks.bias import _shown as shown
from auditkit.checks.bias import _strata as strata
from auditkit.checks.bias._asked import alike
from auditkit.checks.bias._pair_tests import of_pairs
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.statistics.adverse_impact import anova, ratio_to_reference
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditkit.dataset import Dataset

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
_COUNTED = (
    "Fisher's test, chi-square, Bayes factors and Mantel-Haenszel count records and are not given where records weigh unevenly; "
    "weighted figures within strata: AK101"
)
_WEIGHTED = {
    "selected": "records selected",
    "rate": "selection rate, weighted",
    "z": "z, pooled, effective sizes",
    "picked_p": "p, z, for a picked reference",
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
    selected, n = None, len(subject.test)
    weights = subject.test.sample_weight if _weights.uneven(subject.test) else None
    if subject.task != "regression":
        selected = subject.answers().labels == common.positive_of(subject)
    groupings = common.groupings(subject.test, features, intersections=intersections, depth=depth)
    found: list[Measurement] = []
    tables: dict[str, Table] = {}
    if selected is not None:
        within = scopes.strata_of(subject.test)
        for grouping in groupings:
            ratios, drawn = _ratios(grouping, selected, weights, reference_share, matters, level)
            found += ratios
            tables |= drawn
            if not (within.name and drawn):
                continue
            if weights is not None:
                found.append(Measurement("cmh_odds_ratio", math.nan, n, group=grouping.name, reason=_COUNTED))
                continue
            pooled, table = strata.compare(grouping, selected, within, reference_share, level)
            found += pooled
            tables[f"{grouping.name} within {within.name}"] = table
    scores = impact.scores_of(subject)
    if scores is not None:
        eta, table = _of_scores(scores, groupings, weights, level)
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
            *_said(subject.test),
        ),
        rows=common.rows_used(len(subject.test), len(subject.test)),
    )


def _ratios(
    grouping: common.Grouping,
    selected: np.ndarray,
    weights: np.ndarray | None,
    reference_share: float,
    matters: float,
    level: float,
) -> tuple[list[Measurement], dict[str, Table]]:
    """Return the impact ratio of each group but the reference, and the table of all tests."""
    if grouping.too_many:
        return [gaps.not_compared("impact_ratio", grouping)], {}
    counts = gaps.cells(grouping, selected, selected, weights).counts("selection_rate")
    kept = np.flatnonzero(counts.trials > 0)  # a group may have records, none of them of any weight
    empty = [
        Measurement("impact_ratio", math.nan, 0, group=label, reason=f"no record of {label} has any weight")
        for g, label in enumerate(grouping.labels)
        if g not in kept
    ]
    k, labels = len(kept), [grouping.labels[g] for g in kept]
    if k < 2:
        why = f"a ratio needs at least two groups with records, got {k}"
        one = Measurement("impact_ratio", math.nan, len(selected), group=grouping.name, reason=why)
        return [one, *empty], {}
    hits, sizes, records, shares = (
        part[kept] for part in (counts.hits, counts.trials, counts.records, counts.shares)
    )
    reference = impact.most_selected(hits / sizes, shares, reference_share)
    ratio, (low, high) = ratio_to_reference(hits, sizes, reference, level)
    tests = of_pairs(hits, sizes, reference, counted=weights is None)
    found = [
        _ratio(
            (ratio[g], low[g], high[g], tests["picked_p"][g], tests["caveat"][g]),
            (labels[g], labels[reference]),
            (hits[[g, reference]], sizes[[g, reference]], records[[g, reference]]),
            (matters, level, k),
        )
        for g in range(k)
        if g != reference
    ]
    if k == 2:  # then it asks what the gap of the rates asks
        found = [replace(one, hypothesis=alike("selection_rate", grouping.name)) for one in found]
    low[reference] = high[reference] = 1.0  # its own ratio, by definition
    columns = {
        "label": [f"{label} (reference)" if g == reference else label for g, label in enumerate(labels)],
        "value": ratio,
        "low": low,
        "high": high,
        "n": records.astype(int),
        "selected": np.bincount(grouping.codes, selected, minlength=len(counts.trials))[kept].astype(int),
        "rate": hits / sizes,
        **tests,
    }
    words = (_LABELS if weights is None else _LABELS | _WEIGHTED) | {"reference": "four-fifths rule"}
    summary = _ratio_summary(grouping, found, labels[reference], hits[reference] / sizes[reference])
    title = f"Selection by {grouping.name}, against {labels[reference]}"
    listed = {name: tuple(values) for name, values in columns.items()}
    table = Table(title, listed, "estimates", words, summary, reference=impact.FOUR_FIFTHS)
    return [*found, *empty], {grouping.name: table}


def _ratio(
    figures: tuple[float, float, float, float, str],
    names: tuple[str, str],
    counts: tuple[np.ndarray, np.ndarray, np.ndarray],
    needs: tuple[float, float, int],
) -> Measurement:
    """Return the impact ratio of a group.

    Parameters
    ----------
    figures : tuple
        Ratio, ends, p-value, and what small numbers do to the reading.
    names : tuple of str
        The group, and the one it is compared with.
    counts : tuple of ndarray of shape (2,)
        Selected and trials, as many as the records are worth, and the records; of the two.
    needs : tuple
        The difference that matters, the level, and the number of groups.
    """
    (ratio, low, high, p, caveat), (label, reference), (hits, sizes, records) = figures, names, counts
    n, (matters, level, k) = int(records.sum()), needs
    if not math.isfinite(ratio):
        why = f"nobody is selected in {reference}, the group to compare with"
        return Measurement("impact_ratio", math.nan, n, group=label, reason=why)
    said = _records(int(records[0]))
    return common.measured(
        "impact_ratio",
        ratio,
        n,
        (low, high),
        level,
        impact.interval_method(k),
        group=label,
        p_value=None if math.isnan(p) else p,
        reason=f"against {reference.replace(';', ',')}; {label}: {said}" + (f"; {caveat}" if caveat else ""),
        n_needed=gaps.needed((hits, sizes, records), matters, impact.pair_level(level, k)),
    )


def _records(n: int) -> str:
    return f"{n:,} record{'' if n == 1 else 's'}"


def _said(data: Dataset) -> tuple[str, ...]:
    """Return how weights entered; empty where none were given."""
    return (*_weights.note(data), f"{_COUNTED[0].upper()}{_COUNTED[1:]}.") if _weights.uneven(data) else ()


def _of_scores(
    scores: np.ndarray, groupings: Sequence[common.Grouping], weights: np.ndarray | None, level: float
) -> tuple[list[Measurement], Table]:
    """Return how much of the scores' variance lies between the groups of each feature, and the tests."""
    found, rows = [], []
    for grouping in groupings:
        if grouping.too_many:
            found.append(gaps.not_compared("score_eta_squared", grouping))
            continue
        moments, records, _ = measures.moments_of(scores, grouping, weights)
        size, spread = moments.size, moments.spread
        total, n = np.nan_to_num(moments.mean) * size, int(records.sum())
        result = anova(total, spread, size, level)
        known = size >= 2
        variance = spread[known] / (size[known] - 1)
        unequal = statistics.welch_anova(
            total[known] / size[known], variance, size[known], skewness=moments.skewness
        )
        welch = float(unequal.p_value)
        rows.append((grouping.name, result, welch, n))
        if math.isnan(result.eta_squared):
            why = "an analysis of variance needs two groups, more records than groups, and some spread within them"
            found.append(Measurement("score_eta_squared", math.nan, n, group=grouping.name, reason=why))
            continue
        p_value, test = (result.p_value, "ANOVA") if math.isnan(welch) else (welch, "Welch")
        found.append(
            common.measured(
                "score_eta_squared",
                result.eta_squared,
                n,
                (result.low, result.high),
                level,
                "noncentral F (Steiger 2004)",
                group=grouping.name,
                p_value=p_value,
                reason=f"p-value: {test}; ANOVA: F({result.df_between}, {result.df_within}) = {result.statistic:.3g}",
            )
        )
    columns = {
        "label": tuple(name for name, *_ in rows),
        "value": tuple(r.eta_squared for _, r, *_ in rows),
        "low": tuple(r.low for _, r, *_ in rows),
        "high": tuple(r.high for _, r, *_ in rows),
        "n": tuple(n for *_, n in rows),
        "f": tuple(r.statistic for _, r, *_ in rows),
        "df_between": tuple(r.df_between for _, r, *_ in rows),
        "df_within": tuple(r.df_within for _, r, *_ in rows),
        "p": tuple(r.p_value for _, r, *_ in rows),
        "welch_p": tuple(w for _, _, w, _ in rows),
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
    ends = f" [{least.interval.low:.3f}, {least.interval.high:.3f}]" if least.interval else ""
    below = sum(m.interval is not None and m.interval.high < 1 for m in known)
    return (
        f"The lowest impact ratio by {grouping.name} is {least.value:.3f}{ends}, {least.group} against {reference} with a selection rate "
        f"of {common.percent(rate)}, {_records(least.n)}; the interval lies below 1 for {below} of {len(known)}."
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
    first = shown.first_words(top)
    below = sum(m.interval is not None and m.interval.high < impact.FOUR_FIFTHS for m in known)
    lost = len(ratios) - len(known)
    open_ones = f" {lost} ratio{' is' if lost == 1 else 's are'} undefined." if lost else ""
    pooled = [m for m in found if m.metric == "cmh_odds_ratio" and m.group == top.group and m.interval]
    within = "".join(
        f" Its odds ratio is {m.value:.3f} within {(m.reason or '').partition('; within ')[2]}."
        for m in pooled
    )
    return (
        f"The clearest impact ratio is {top.value:.3f}{ends}, {top.group} {first}, {_records(top.n)}. The whole interval lies below four "
        f"fifths for {below} of {len(known)} comparison{'s' if len(known) > 1 else ''}.{within}{open_ones}"
    )
