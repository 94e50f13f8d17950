"""Before: what an earlier review revoked, and what of it is still there."""

from __future__ import annotations

import numpy as np

from auditkit.check import check
from auditkit.checks.access._counted import count, table
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence
from auditkit.hub.lines import lines_of
from auditkit.nouns import counted
from auditkit.targets.access import Access

_LABELS = {
    "kind": "What",
    "who": "Whose",
    "what": "What was to be revoked",
    "reason": "Why",
    "revoke": "How",
}
_PARTS = ("accounts", "roles of accounts", "groups", "services", "tokens", "sign-in")


@check(
    code="AK956",
    title="Revoked before",
    question="Is anything still there that an earlier review revoked?",
    dimension="access",
    metrics=["revoked_before", "revoked_still_there"],
    about="access",
)
def hub_revocations(subject: Access, *, rng: np.random.Generator) -> Evidence:  # noqa: ARG001 - the contract; nothing is drawn
    """Look for the lines that earlier decisions revoked.

    Parameters
    ----------
    subject : Access
        A hub, with the decisions of an earlier review.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    Evidence
        ``revoked_before``: lines that were to be revoked. ``revoked_still_there``: of these, the ones that this snapshot holds too; undefined while not all was
        seen, and none was found.
    """
    if subject.before is None:
        raise NotApplicable(
            'no earlier decisions: give them with before = "decisions.csv" in the subject file, or --before'
        )
    of, revoked = subject.snapshot, subject.before.revoked
    reasons = {one.line: one.reason for one in subject.before.decided}
    there = [one for one in lines_of(of) if one.id in revoked]
    decided = {one.line for one in subject.before.decided if not one.line.startswith("sign-in-")}
    if decided and decided.isdisjoint(one.id for one in lines_of(of)):
        return _of_another(n=len(revoked))
    unseen = of.unseen(*_PARTS, *(("shares",) if of.has_shares else ())) if revoked else ""
    rows = [(one.kind, one.who, one.what, reasons[one.id], one.revoke) for one in there]
    n = len(revoked)
    return Evidence(
        "AK956",
        (count("revoked_before", n, n), count("revoked_still_there", len(there), n, unseen)),
        {"revoked": table("Revoked before, and still there", _LABELS, rows, "line")},
        says=f"Of {counted(n, 'line')} that earlier decisions revoked, {len(there):,} {'is' if len(there) == 1 else 'are'} still there.",
        does_not_say=(
            "Whether something else took the place of what was revoked: an account under another name, a token made anew. Nor who signed the earlier decisions: "
            "auditkit access verify tells that."
        ),
        rows={"used": n, "of": n, "split": "revoked lines", "how": "all"},
    )  # fmt: skip


def _of_another(n: int) -> Evidence:
    """Return that nothing follows: not one line that was kept or revoked is here."""
    why = "no account, token, group, service or share of the earlier decisions is on this hub: they seem to be of another one"
    return Evidence(
        "AK956",
        (count("revoked_before", n, n), count("revoked_still_there", 0, n, why)),
        {},
        says=f"Nothing was compared: {why}.",
        does_not_say="Anything of what was to be revoked.",
        rows={"used": 0, "of": n, "split": "revoked lines", "how": "all"},
    )
