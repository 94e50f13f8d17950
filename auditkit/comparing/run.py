"""Run: two sides are read, judged under one policy, and held against each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from auditkit.check import registry
from auditkit.comparing.comparison import Comparison, Pair
from auditkit.comparing.differing import differences, must_be_comparable
from auditkit.comparing.held import held
from auditkit.comparing.moves import adjusted, turned
from auditkit.comparing.reading import pairs_of, read_side
from auditkit.errors import InputError, did_you_mean
from auditkit.finding import Criterion, Finding, Policy
from auditkit.loading.policy import load_policy
from auditkit.render.text import of_group
from auditkit.waiver import Waiver

if TYPE_CHECKING:
    import os

    from auditkit.comparing.reading import Saved

__all__ = ["compare"]


def compare(
    base: str | os.PathLike[str],
    new: str | os.PathLike[str],
    *,
    policy: str | os.PathLike[str] | Policy | None = None,
    tolerance: float = 0.0,
    alpha: float = 0.05,
) -> Comparison:
    """Hold a saved audit, or a folder of them, against an earlier one.

    Parameters
    ----------
    base, new : path
        Each a ``report.json``, the folder that holds one, or a folder of several as a batch leaves it; those of one subject and
        one audit are paired.
    policy : path or Policy, optional
        Criteria under which both sides are judged; those of the newer report when left out.
    tolerance : float
        A worsening of up to so much, in the unit of each metric, is let pass.
    alpha : float
        False discovery rate of the changes that criteria speak of, over the whole comparison.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If a report or the policy cannot be read, a criterion speaks of a metric that neither the reports nor any check has, or two
        reports do not speak of the same task.

    Examples
    --------
    >>> compare("reports/2026-10", "reports/2026-11").verdict  # doctest: +SKIP
    'pass'
    """
    if not 0 <= tolerance < float("inf") or not 0 < alpha < 1:
        raise InputError(
            f"tolerance is a number from 0 and alpha lies between 0 and 1; got {tolerance!r} and {alpha!r}"
        )
    first, second = read_side(base), read_side(new)
    both, gone, come = pairs_of(first, second)
    if not both:
        names = {f"{one.subject} ({one.audit})" for one in first}
        raise InputError(
            f"nothing in {new} is of a subject and audit in {base}; there are {'; '.join(sorted(names))}"
        )
    given = None if policy is None else policy if isinstance(policy, Policy) else load_policy(policy)
    if given is not None:
        _known(given, (*first, *second))
    pairs = [_pair(*one, given) for one in both]
    moves = iter(adjusted([move for pair in pairs for move in pair.moves]))
    settled = [replace(pair, moves=tuple(next(moves) for _ in pair.moves)) for pair in pairs]
    return Comparison(
        tuple(pair.judged(alpha, tolerance) for pair in settled),
        tuple(f"{one.subject}: {one.audit}" for one in gone),
        tuple(f"{one.subject}: {one.audit}" for one in come),
        tolerance,
        alpha,
    )


def _pair(base: Saved, new: Saved, given: Policy | None) -> Pair:
    must_be_comparable(base, new)
    policy, said = _one_policy(base, new, given)
    old, now = base.report.judge(policy), new.report.judge(policy)
    moves, silent, remarks = held(base, new, policy)
    return Pair(
        subject=new.subject,
        audit=new.audit,
        base=base.about(),
        new=new.about(),
        policy=policy.name,
        moves=moves,
        turns=turned(old.findings, now.findings),
        silent=(*silent, *_unmeasured(now.findings)),
        remarks=(*said, *differences(base, new), *remarks),
    )


def _unmeasured(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the criteria that nothing measured now: whether that became worse cannot be told."""
    return tuple(
        replace(one, reason=f"{of_group(one.criterion.metric, one.criterion.group)}: {one.reason}")
        for one in findings
        if one.measurement is None and one.criterion is not None and one.status == "inconclusive"
    )


def _one_policy(base: Saved, new: Saved, given: Policy | None) -> tuple[Policy, list[str]]:
    """Return the policy both sides are judged under, and what is to be said of it."""
    own = [side.report.provenance.get("policy") or {} for side in (base, new)]
    if given is not None:
        return given, [f"Both sides are judged under {given.name}, which was given."]
    criteria = tuple(map(Criterion.from_dict, own[1].get("criteria", ())))
    name = str(own[1].get("name") or "the policy of the newer report")
    policy = Policy(
        criteria,
        name,
        str(own[1].get("description") or ""),
        own[1].get("unmeasured") or "undecided",
        new.report.waivers,
    )
    if not criteria:
        return policy, ["The newer report names no criteria, so nothing says which change is for the worse."]
    if own[0].get("digest") == own[1].get("digest"):
        return policy, []
    was = own[0].get("name") or "none"
    return policy, [
        f"The policies differ ({was} before, {name} now): both sides are judged under the newer one."
    ]


def _known(policy: Policy, saved: tuple[Saved, ...]) -> None:
    known = registry().metrics() | {
        m.metric for side in saved for one in side.report.evidence for m in one.measurements
    }
    for one in (*policy, *policy.waivers):
        if one.metric is not None and one.metric not in known:
            what = "a waiver" if isinstance(one, Waiver) else "a criterion"
            raise InputError(
                f"{policy.name}: {what} speaks of {one.metric!r}, which no check gives.{did_you_mean(one.metric, known)}"
            )
