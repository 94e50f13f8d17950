"""Decisions: for how many records a small, allowed change flips the decision, and for whom it is easiest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.robustness import _easiest as easiest
from auditkit.checks.robustness._queries import by_queries, median_distance
from auditkit.checks.robustness._shown import Examples, shown
from auditkit.checks.robustness._threats import (
    AttackedRows,
    Immutable,
    NormOfChange,
    Radius,
    allowed_only,
    allowed_table,
    allowed_words,
    attacked_rows,
    sized,
    threat_of,
    too_coarse,
)
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods import evasion
from auditkit.subject import Subject

if TYPE_CHECKING:
    from auditkit.methods.feature_space import FeatureSpace


@check(
    code="AK303",
    title="Decisions changed by an allowed change",
    question="For how many records does a small, allowed change flip the decision?",
    dimension="robustness",
    metrics=["attack_success_rate", "attack_median_distance", *easiest.METRICS],
)
def decision_attack(
    subject: Subject,
    *,
    rng: np.random.Generator,
    radius: Radius = None,
    norm: NormOfChange = None,
    immutable: Immutable = None,
    rows: AttackedRows = 200,
    max_calls: Annotated[int, Ge(10), Doc("Calls to the model at most, for all rows together.")] = 150,
    examples: Examples = 0,
    level: common.Level = 0.95,
) -> Evidence:
    """Search, seeing labels only, for the nearest allowed row that is decided otherwise.

    Parameters
    ----------
    subject : Subject
        A classifier to ask; its threat model says what is allowed.
    rng : numpy.random.Generator
        Rows drawn, and the search.
    radius : float, optional
        Largest change that counts as small, in the units of the threat model.
    norm : {"l1", "l2", "linf", "l0"}, optional
        How changes of several columns add up.
    immutable : list of str, optional
        Columns that stay. Where the subject has no threat model of its own, the sensitive features, and inputs from which one
        follows, when left out.
    rows : int
        Test rows attacked at most.
    max_calls : int
        Budget of calls to the model; each call asks about all rows.
    examples : int
        Changed rows shown at most.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``attack_success_rate``: share of decisions flipped within the radius, a lower bound, since a better
        search may flip more (Clopper-Pearson); ``attack_median_distance`` over all rows attacked, an upper bound; rows not flipped count as infinitely far.
        ``group_attack_success_rate`` and ``attack_success_difference`` say for whom a flip is easiest, by class and by sensitive feature.
        Every success is asked again, and held against the threat model in the inputs that the model reads.
    """
    common.needs_model(subject)
    common.needs_classes(subject)
    data = subject.test
    threat = threat_of(subject, immutable=immutable, radius=radius, norm=norm)
    chosen = attacked_rows(len(data), rows, rng)
    X = threat.encode(data.X.iloc[chosen])
    pool_from = subject.train if subject.train is not None else data
    pool = threat.encode(pool_from.X.iloc[common.draw(len(pool_from), 2000, rng)])

    def ask(matrix: np.ndarray) -> np.ndarray:
        return subject.class_index(subject.model.predict(threat.decode(matrix)))

    start = subject.class_index(subject.model.predict(data.X.iloc[chosen]))
    found = evasion.decision_search(
        ask, X, start, threat.space, pool, rng=rng, max_calls=max_calls - 1, norm=threat.norm, goal=threat.radius
    )  # fmt: skip
    found = allowed_only(found, threat, data.X.iloc[chosen])
    attacked = ~np.isnan(found.distance)
    distance = found.distance[attacked]
    within = found.success & (found.distance <= threat.radius)
    first = np.where(within, found.first, np.inf)[attacked]
    n, k = int(attacked.sum()), int(within.sum())
    if n == 0:
        raise NotApplicable("the model answers no row the same way twice: there is no decision to flip")
    success = _success(k, n, level, f"{max_calls:,} calls, within {sized(threat)}")
    for_whom, by_group = easiest.by_group(subject, chosen[attacked], within[attacked], level, rng)
    asked = f"{int(np.sum(found.queries)) + len(X) + len(pool):,} rows asked in {found.calls + 1} calls."
    return Evidence(
        "AK303",
        (success, median_distance("attack_median_distance", distance, level), *for_whom),
        {
            "by_radius": _by_radius(distance, threat.radius, level),
            "by_queries": by_queries(first, int(found.queries.max()), sized(threat), level),
            **({} if by_group is None else {"by_group": by_group}),
            "examples": _examples(X, found, within, threat.space),
            **shown(found, threat, data.X.iloc[chosen], chosen, examples),
            "allowed": allowed_table(threat),
        },
        says=(
            f"The search flipped {k} of {n} decisions, {common.share_with_ends(success)}, with changes of at most "
            f"{sized(threat)}."
        ),
        does_not_say="That the other decisions cannot be flipped: a better search, or more calls, may find more.",
        notes=(
            *allowed_words(threat),
            *too_coarse(threat),
            *_failed(found.reason[attacked], distance),
            *common.undecided(len(X) - n),
            asked,
        ),
        rows=common.rows_used(n, len(data)),
    )


def _success(k: int, n: int, level: float, budget: str) -> Measurement:
    ends, way = statistics.clopper_pearson(k, n, level), "clopper-pearson"
    return common.measured("attack_success_rate", k / n, n, ends, level, way, bound="lower", reason=budget)


def _failed(reason: np.ndarray, distance: np.ndarray) -> tuple[str, ...]:
    """Return the notes on rows for which nothing was found, or nothing that the model answered so again."""
    n, none = len(distance), np.isinf(distance)
    once = int((none & (reason == "the model did not repeat its answer")).sum())
    bare = int(none.sum()) - once
    notes = []
    if bare:
        notes.append(
            f"For {bare} of {n} rows no allowed row with another answer was found at any distance; they count as not flipped."
        )
    if once:
        notes.append(
            f"For {once} of {n} rows the model did not repeat the other answer that was found; they count as not flipped."
        )
    return tuple(notes)


def _by_radius(distance: np.ndarray, radius: float, level: float) -> Table:
    n = len(distance)
    grid = np.unique(np.append(np.linspace(0, 4 * radius, 33), radius))
    hits = np.array([int((distance <= r).sum()) for r in grid])
    low, high = statistics.clopper_pearson(hits, n, level)
    columns = {
        "x": tuple(grid),
        "value": tuple(hits / n),
        "low": tuple(low),
        "high": tuple(high),
        "n": (n,) * len(grid),
    }
    at = int(np.flatnonzero(grid == radius)[0])
    summary = f"Share of {n} decisions flipped by changes up to a radius: {common.percent(hits[at] / n)} at {radius:g}."
    return Table("Decisions flipped, by size of the change", columns, "curve",
                 {"x": "Size of the change, in units of the threat model", "value": "Share flipped", "n": "records"}, summary)  # fmt: skip


def _examples(X: np.ndarray, found: evasion.AttackResult, within: np.ndarray, space: FeatureSpace) -> Table:
    """Show which columns the flips went through; no record is shown."""
    moved = space.changed(X, found.adversarial) & within[:, None]
    share = moved.sum(axis=0) / max(int(within.sum()), 1)
    order = np.argsort(-share)
    order = order[share[order] > 0]
    columns = {
        "column": tuple(space.names[j] for j in order),
        "changed in": tuple(float(share[j]) for j in order),
        "flips": tuple(int(moved[:, j].sum()) for j in order),
    }
    summary = f"Columns changed in the {int(within.sum())} flips within the radius."
    return Table(
        "What the search changed",
        columns,
        summary=summary,
        labels={"changed in": "share of flips", "flips": "flips"},
    )
