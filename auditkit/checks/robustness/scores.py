"""Scores: for how many records an attacker who sees probabilities flips the decision, and with how many questions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.robustness import _easiest as easiest
from auditkit.checks.robustness._queries import by_queries, median_queries
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
from auditkit.evidence import Evidence
from auditkit.methods import evasion
from auditkit.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

    from auditkit.methods.evasion import AttackResult
    from auditkit.threat import ThreatModel

_RATE, _MEDIAN = "score_attack_success_rate", "score_attack_median_queries"


@check(
    code="AK306",
    title="Decisions changed by an attacker who sees probabilities",
    question="For how many records does an attacker who sees probabilities flip the decision?",
    dimension="robustness",
    metrics=[_RATE, _MEDIAN, *easiest.METRICS],
)
def score_attack(
    subject: Subject,
    *,
    rng: np.random.Generator,
    radius: Radius = None,
    norm: NormOfChange = None,
    immutable: Immutable = None,
    rows: AttackedRows = 200,
    max_calls: Annotated[int, Ge(10), Doc("Calls to the model at most, for all rows together.")] = 100,
    examples: Examples = 0,
    level: common.Level = 0.95,
) -> Evidence:
    """Search, seeing probabilities, for an allowed row within the radius that is decided otherwise.

    Parameters
    ----------
    subject : Subject
        A classifier that gives probabilities; its threat model says what is allowed.
    rng : numpy.random.Generator
        Rows drawn, and the search.
    radius : float, optional
        Largest change, in the units of the threat model.
    norm : {"l1", "l2", "linf", "l0"}, optional
        How changes of several columns add up.
    immutable : list of str, optional
        Columns that stay. Where the subject has no threat model of its own, the sensitive features, and inputs from which one
        follows, when left out.
    rows : int
        Test rows attacked at most.
    max_calls : int
        Budget of calls to the model; each call asks about all rows that are not flipped yet.
    examples : int
        Changed rows shown at most.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``score_attack_success_rate``: share of decisions flipped within the radius, a lower bound (Clopper-Pearson);
        ``score_attack_median_queries``: rows asked about on behalf of a record until it was flipped, the median of those flipped.
        ``group_attack_success_rate`` and ``attack_success_difference`` as for `decision_attack`. Whether a row is flipped is
        told by the model's labels, asked again, not by its probabilities.
    """
    common.needs_model(subject)
    common.needs_classes(subject)
    if not subject.model.has_proba:
        raise NotApplicable("the model gives no probabilities; decision_attack needs labels only")
    data = subject.test
    threat = threat_of(subject, immutable=immutable, radius=radius, norm=norm)
    coarse = too_coarse(threat)
    chosen = attacked_rows(len(data), rows, rng)
    original = data.X.iloc[chosen]
    found, calls, asked = _attacked(subject, threat, original, max_calls, rng)
    attacked = ~np.isnan(found.distance)
    within, first = found.success[attacked], found.first[attacked]
    n, k = int(attacked.sum()), int(within.sum())
    if n == 0:
        raise NotApplicable(
            "no row has its largest probability where its label is: there is no decision that probabilities lead to"
        )
    success = common.measured(
        _RATE, k / n, n, statistics.clopper_pearson(k, n, level), level, "clopper-pearson", bound="lower",
        reason=f"{max_calls:,} calls, within {sized(threat)}",
    )  # fmt: skip
    for_whom, by_group = easiest.by_group(subject, chosen[attacked], within, level, rng)
    return Evidence(
        "AK306",
        (success, median_queries(_MEDIAN, first, level), *for_whom),
        {
            "by_queries": by_queries(first, int(found.queries[attacked].max()), sized(threat), level),
            **({} if by_group is None else {"by_group": by_group}),
            **shown(found, threat, original, chosen, examples),
            "allowed": allowed_table(threat),
        },
        says=(
            f"An attacker who sees probabilities flipped {k} of {n} decisions, {common.share_with_ends(success)}, with changes of at "
            f"most {sized(threat)}."
        ),
        does_not_say="That the other decisions cannot be flipped: a better search, or more calls, may find more.",
        notes=(
            *allowed_words(threat),
            *coarse,
            *_elsewhere(len(chosen) - n),
            f"{asked:,} rows asked in {calls} calls.",
        ),
        rows=common.rows_used(n, len(data)),
    )


def _attacked(
    subject: Subject, threat: ThreatModel, original: pd.DataFrame, max_calls: int, rng: np.random.Generator
) -> tuple[AttackResult, int, int]:
    """Return what the searches found, held against labels and limits; and the calls made and rows asked about."""
    X = threat.encode(original)
    start = subject.class_index(subject.model.predict(original))
    spent = [len(X)]

    def ask(matrix: np.ndarray) -> np.ndarray:
        spent.append(len(matrix))
        return np.asarray(subject.model.predict_proba(threat.decode(matrix)))

    budget = max_calls - 2  # labels before and after
    both = threat.norm == "linf" and budget >= 12
    found = evasion.feature_search(
        ask, X, start, threat.space, threat.radius, rng=rng, norm=threat.norm,
        max_calls=budget // 2 if both else budget,
    )  # fmt: skip
    left = np.flatnonzero(~found.success & ~np.isnan(found.distance))
    if both and len(left):
        more = evasion.random_search(
            ask, X[left], start[left], threat.space, threat.radius, rng=rng, max_calls=budget - found.calls,
            category_changes=len(threat.features), category_radius=threat.radius,
        )  # fmt: skip
        found = _joined(found, more, left)
    held = np.flatnonzero(found.success)
    if len(held):
        labels = subject.class_index(subject.model.predict(threat.decode(found.adversarial[held])))
        spent.append(len(held))
        found = replace(found, queries=found.queries + found.success)
        found = _kept(found, held, np.asarray(labels != start[held]))
    found = allowed_only(found, threat, original)
    near = found.distance <= threat.radius
    return replace(found, success=found.success & near), len(spent), sum(spent)


def _joined(found: AttackResult, more: AttackResult, left: np.ndarray) -> AttackResult:
    """Return the first result with that of the second in the rows it was given."""
    parts = {
        name: getattr(found, name).copy()
        for name in ("adversarial", "success", "distance", "queries", "first")
    }
    reason = found.reason.astype(object)
    parts["first"][left] = found.queries[left] + more.first
    parts["queries"][left] += more.queries
    for name in ("adversarial", "success", "distance"):
        parts[name][left] = getattr(more, name)
    reason[left] = more.reason
    return replace(found, **parts, calls=found.calls + more.calls, reason=reason.astype(str))


def _kept(found: AttackResult, held: np.ndarray, flipped: np.ndarray) -> AttackResult:
    """Take back what the labels do not bear out."""
    lost = np.zeros(len(found.success), dtype=bool)
    lost[held[~flipped]] = True
    return replace(
        found,
        success=found.success & ~lost,
        distance=np.where(lost, np.inf, found.distance),
        reason=np.where(lost, "another class is more probable, and the label is the same", found.reason),
    )


def _elsewhere(n: int) -> tuple[str, ...]:
    if not n:
        return ()
    were = "1 row was" if n == 1 else f"{n} rows were"
    return (f"{were} left out: the label is not the class of the largest probability.",)
