"""Counterfactuals: what would have had to be different in a refused record, and for whom the way is longer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from annotated_types import Ge, Gt
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks.explainability import _ways
from auditkit.checks.explainability._goal import goal_of
from auditkit.checks.explainability._records import Records, borderline, called, with_more
from auditkit.checks.explainability._searched import drafted, ways_found
from auditkit.checks.robustness._threats import (
    Immutable,
    NormOfChange,
    allowed_table,
    allowed_words,
    threat_of,
)
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence
from auditkit.subject import Subject

if TYPE_CHECKING:
    from auditkit.methods.counterfactuals import Counterfactuals
    from auditkit.threat import ThreatModel


@check(
    code="AK407",
    title="Counterfactuals and recourse",
    question="What would have had to be different for the wanted decision, and who has the longer way?",
    dimension="explainability",
    metrics=[_ways.RATE, _ways.COST, _ways.INPUTS, _ways.RATE_GAP, _ways.COST_GAP],
)
def counterfactuals(
    subject: Subject,
    *,
    rng: np.random.Generator,
    wanted: Annotated[
        str | None,
        Doc(
            "The answer that is wanted; the positive label of two when left out, of several the model's most frequent."
        ),
    ] = None,
    at_least: Annotated[
        float | None, Doc("Of a regression: the least value that is wanted; any when left out.")
    ] = None,
    at_most: Annotated[
        float | None, Doc("Of a regression: the greatest value that is wanted; any when left out.")
    ] = None,
    immutable: Immutable = None,
    radius: Annotated[
        float | None,
        Gt(0),
        Doc("Largest cost that still counts as a way, in the threat model's units; any when left out."),
    ] = None,
    norm: NormOfChange = "l1",
    rows: Annotated[
        int, Ge(10), Doc("Records a way is looked for at most; drawn at random where there are more.")
    ] = 200,
    several: Annotated[int, Ge(1), Doc("Different ways looked for, for each record.")] = 3,
    max_calls: Annotated[int, Ge(10), Doc("Calls to the model at most, for all records together.")] = 150,
    examples: Annotated[
        int,
        Ge(0),
        Doc(
            "Records whose ways are shown, those that missed the wanted answer by least, none by default: real records, show only data "
            "you may share."
        ),
    ] = 0,
    records: Records = None,
    level: common.Level = 0.95,
) -> Evidence:
    """Search, for records that did not get the wanted answer, for allowed changes that get it: few inputs first, then little cost.

    Parameters
    ----------
    subject : Subject
        A model to ask; its threat model says what can change, which way and how far.
    rng : numpy.random.Generator
        Records drawn, and the search.
    wanted : str, optional
        The answer looked for.
    at_least, at_most : float, optional
        The values looked for, of a regression.
    immutable : list of str, optional
        Inputs nobody can change.
    radius : float, optional
        Largest cost that counts.
    norm : {"l1", "l2", "linf", "l0"}
        How changes of several inputs add up to a cost.
    rows : int
        Records at most.
    several : int
        Ways of each record at most; the cheapest is kept besides.
    max_calls : int
        Budget of calls; a call asks about all records.
    examples : int
        Records shown at most: those that missed the wanted answer by least, also where they were not among the rows drawn.
    records : list of int, optional
        Numbers of the test rows to show in their place.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``recourse_rate``: share of the records for which a way was found (Clopper-Pearson), a lower bound; ``recourse_cost`` of the
        cheapest way and ``recourse_inputs_changed`` of the way with the fewest changes, means over the records with a way, upper
        bounds; rate and cost by group, and ``recourse_rate_difference`` and ``recourse_cost_difference`` between groups. Every
        way is held against the threat model, and the model is asked about it as it reads it.
    """
    common.needs_model(subject)
    data = subject.test
    goal = goal_of(subject, wanted, at_least, at_most)
    threat = _threat(subject, immutable, radius, norm)
    refused = np.flatnonzero(~goal.met)
    if not len(refused):
        raise NotApplicable(
            f"the model answers {goal.words} for every test row: no record needs another answer"
        )
    chosen = refused[common.draw(len(refused), rows, rng)]
    asked = borderline(goal, examples) if records is None else np.array(records, dtype=int)
    both, shown = with_more(chosen, asked[~goal.met[asked]])
    done = asked[goal.met[asked]]
    said = _ways.Said(len(data), both[shown] if records is not None else None, drafted=subject.threat is None)
    original = data.X.iloc[both].reset_index(drop=True)
    X = threat.encode(original)
    every = ways_found(subject, threat, original, X, goal, rng, several, radius, max_calls)
    found = _of_first(every, len(chosen))  # figures are about the rows drawn
    ways = _ways.Ways.of(found, len(chosen))
    cost = _ways.cost_words(threat)
    free = [] if radius is not None else _ways.unlimited(threat)
    budget = f"{max_calls:,} calls" + ("" if radius is None else f", cost up to {radius:g}")
    total = _ways.overall(ways, level, budget)
    groups, tables, told = _ways.by_group(data, chosen, ways, level, rng)
    changed = {"inputs": _ways.changed_inputs(found, threat, X, level)} if len(found.of) else {}
    return Evidence(
        "AK407",
        (*total, *groups),
        {
            **changed,
            **tables,
            **_ways.examples_of(every, threat, original, shown, data.record_ids(both[shown]), said),
            "allowed": allowed_table(threat),
        },
        says=drafted(subject, threat) + _says(ways, total, goal.words, cost, free) + _ways.longest(groups),
        does_not_say=(
            "That a person who makes the change gets the other outcome in life: it is about the model's answer, not about causes, and "
            "a changed form is not a changed person. Nor that no way exists where none was found."
        ),
        notes=(
            *(
                (
                    "What may change was drafted from the data: write down what holds (auditkit threat --subject FILE), and read the ways again.",
                )
                if subject.threat is None
                else ()
            ),
            f"Wanted: {goal.words}. Costs are over the records for which a way was found: {cost}.",
            *allowed_words(threat),
            *told,
            *_no_need(called(data.record_ids(done), done, asked=True)),
            *_weights.ignored(data),
            f"{found.asked:,} rows asked in {found.calls:,} calls.",
        ),
        rows={
            **common.rows_used(len(chosen), len(refused)),
            "note": f"of {len(data):,} test rows {len(refused):,} did not get the wanted answer",
        },
    )


def _threat(subject: Subject, immutable: list[str] | None, radius: float | None, norm: Any) -> ThreatModel:
    """Return the threat model.

    Raises
    ------
    NotApplicable
        If nothing may change.
    """
    threat = threat_of(subject, immutable=immutable, radius=radius, norm=norm)
    if np.isnan(threat.least_changes()).all():
        raise NotApplicable("no input may change: there is no way to look for")
    return threat


def _of_first(found: Counterfactuals, n: int) -> Counterfactuals:
    """Return the ways of the first n records."""
    own = found.of < n
    return replace(
        found, of=found.of[own], rows=found.rows[own], inputs=found.inputs[own], cost=found.cost[own]
    )


def _no_need(names: list[str]) -> tuple[str, ...]:
    """Name records asked for that need no way."""
    return (f"These have the wanted answer already, and need no way: {', '.join(names)}.",) if names else ()


def _says(ways: _ways.Ways, total: list[Any], words: str, cost_words: str, free: list[str]) -> str:
    rate, cost, inputs = total
    k, n = int(ways.there.sum()), len(ways.cost)
    first = (
        f"For {k} of {n} records that were not answered {words}, {common.share_with_ends(rate)}, a change of the inputs was found "
        "that is allowed and gets this answer"
    )
    if k == n and free:
        some = ", ".join(free[:3]) + (f" and {len(free) - 3} more" if len(free) > 3 else "")
        first += f". That all have one is little news: nothing limits what these may become: {some}"
    if np.isnan(cost.value):
        return f"{first}."
    simplest = (
        "One input was enough for each of them"
        if np.nanmax(ways.inputs) == 1
        else f"The simplest way changes {common.with_ends(inputs)} inputs on average"
    )
    return f"{first}. {simplest}; the cheapest way costs {common.with_ends(cost)} on average ({cost_words})."
