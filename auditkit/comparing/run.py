"""Run: two sides are read, judged under one policy, and held against each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from auditkit.check import registry
from auditkit.comparing.comparison import Comparison, Pair
from auditkit.comparing.differing import differences, must_be_comparable
from auditkit.comparing.held import held
from auditkit.comparing.kept import both_kept
from auditkit.comparing.moves import adjusted, turned
from auditkit.comparing.pairing import Pairing
from auditkit.comparing.reading import pairs_of, read_side
from auditkit.errors import InputError, did_you_mean
from auditkit.finding import Criterion, Finding, Policy
from auditkit.loading.policy import load_policy
from auditkit.render.text import of_group
from auditkit.waiver import Waiver

if TYPE_CHECKING:
    import os

    from auditkit.comparing.reading import Saved, Side

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
        one audit are paired. Of a batch the results that hold for what its last run was asked for are read; an audit of it without a report
        keeps the comparison undecided.
    policy : path or Policy, optional
        Criteria under which both sides are judged; those of the newer report when left out.
    tolerance : float
        A worsening of up to so much, in the unit of each metric, is let pass.
    alpha : float
        False discovery rate of the changes that criteria speak of, over the whole comparison.

    Notes
    -----
    Where the test rows of two reports are the same and both audits kept the answers of single records (`Audit.run(..., keep_answers=True)`), changes
    are told from the pairs of answers.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If a report or the policy cannot be read, kept answers are not those of their report, a criterion speaks of a metric that neither the reports nor any check has, or two
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
    if not both and not second.lost:
        names = {f"{one.subject} ({one.audit})" for one in first.saved}
        names |= {f"{name} ({why})" for name, why in first.lost.items()}
        raise InputError(
            f"nothing in {new} is of a subject and audit in {base}; there are {'; '.join(sorted(names)) or 'none'}"
        )
    given = None if policy is None else policy if isinstance(policy, Policy) else load_policy(policy)
    if given is not None:
        _known(given, (*first.saved, *second.saved))
    pairs = [_pair(*one, given) for one in both]
    moves = iter(adjusted([move for pair in pairs for move in pair.moves]))
    settled = [replace(pair, moves=tuple(next(moves) for _ in pair.moves)) for pair in pairs]
    return Comparison(
        tuple(pair.judged(alpha, tolerance) for pair in settled),
        tuple(gone),
        tuple(come),
        tolerance,
        alpha,
        tuple(_remarks(first, second)),
    )


def _remarks(base: Side, new: Side) -> list[str]:
    """Return what is to be said of the two folders."""
    return [
        f"The {word} folder {said}."
        for word, side in (("earlier", base), ("newer", new))
        for said in side.remarks
    ]


def _pair(base: Saved, new: Saved, given: Policy | None) -> Pair:
    must_be_comparable(base, new)
    policy, said = _one_policy(base, new, given)
    old, now = base.report.judge(policy), new.report.judge(policy)
    kept, of_rows = both_kept(base, new)
    moves, silent, remarks = held(base, new, policy, None if kept is None else Pairing(kept))
    return Pair(
        subject=new.subject,
        audit=new.audit,
        base=base.about(),
        new=new.about(),
        policy=policy.name,
        moves=moves,
        turns=turned(old.findings, now.findings),
        silent=(*silent, *_unmeasured(now.findings)),
        remarks=(*said, *differences(base, new, of_rows), *remarks),
        verdicts=(old.verdict, now.verdict),
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
