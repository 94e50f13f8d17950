"""Accounts: administrators, and accounts that nobody uses any more, or never did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks.access._counted import count, listed, table
from auditkit.evidence import Evidence
from auditkit.hub.found import administrators, day, use_of
from auditkit.nouns import counted
from auditkit.targets.access import Access

if TYPE_CHECKING:
    from auditkit.evidence import Table

_LABELS = {
    "account": "Account",
    "administrator": "Administrator",
    "use": "Use",
    "last_activity": "Last used",
    "created": "Made",
    "groups": "Groups",
}


@check(
    code="AK951",
    title="Accounts",
    question="Who may do anything, and which accounts are not used?",
    dimension="access",
    metrics=["hub_administrators", "stale_administrators", "stale_accounts", "never_used_accounts"],
    about="access",
)
def hub_accounts(
    subject: Access,
    *,
    rng: np.random.Generator,  # noqa: ARG001 - the contract; nothing is drawn
    stale_days: Annotated[int, Ge(1), Doc("Days without use after which an account is stale.")] = 90,
    new_days: Annotated[
        int, Ge(0), Doc("Days since an account was made, within which it need not have been used.")
    ] = 30,
) -> Evidence:
    """Hold each account's last activity against the moment of the snapshot.

    Parameters
    ----------
    subject : Access
        A hub.
    rng : numpy.random.Generator
        Not used.
    stale_days, new_days : int
        In days.

    Returns
    -------
    Evidence
        ``hub_administrators``: accounts that may do anything, by themselves or through a group. ``stale_administrators``: of these, the ones not
        used for ``stale_days``, or never. ``stale_accounts`` and ``never_used_accounts``: among all. Undefined while it was not told, and nothing was found.
    """
    of = subject.snapshot
    if of.seen("accounts") == "none":
        return _unseen(subject)
    n = len(of.accounts)
    admins = administrators(of)
    use = {one.name: use_of(of, one, stale_days=stale_days, new_days=new_days) for one in of.accounts}
    stale = [name for name, how in use.items() if how == "stale"]
    never = [name for name, how in use.items() if how == "never used"]
    idle = [name for name in admins if use.get(name) in ("stale", "never used")]
    about_use = of.unseen("accounts", "activity")
    about_admins = of.unseen("accounts", "roles of accounts", "groups")
    said = f"Of {counted(n, 'account')} {len(admins):,} may do anything ({listed(list(admins))})"
    if of.seen("activity") != "none":
        said += f"; {len(stale):,} {'was' if len(stale) == 1 else 'were'} not used for {stale_days} days, {len(never):,} never"
    return Evidence(
        "AK951",
        (
            count("hub_administrators", len(admins), n, about_admins),
            count("stale_administrators", len(idle), len(admins), "; ".join(dict.fromkeys(filter(None, (about_admins, about_use))))),
            count("stale_accounts", len(stale), n, about_use),
            count("never_used_accounts", len(never), n, about_use),
        ),
        {"accounts": _table(subject, admins, use)},
        says=f"{said}.",
        does_not_say=(
            "Whether a person still works here, or whether two persons share an account: the hub knows names and the last moment something was done in "
            "them, also by a token. Accounts that may sign in and never did are known to the identity provider alone."
        ),
        notes=(f"Ages count to {of.taken.isoformat(timespec='seconds')}, when the snapshot was taken.",),
        rows={"used": n, "of": n, "split": "accounts", "how": "all"},
    )  # fmt: skip


def _unseen(subject: Access) -> Evidence:
    why = subject.snapshot.unseen("accounts")
    metrics = ("hub_administrators", "stale_administrators", "stale_accounts", "never_used_accounts")
    return Evidence(
        "AK951",
        tuple(count(metric, 0, 0, why) for metric in metrics),
        {},
        says=f"Nothing of the accounts was seen: {why}.",
        does_not_say="Anything of the accounts.",
        rows={"used": 0, "of": 0, "split": "accounts", "how": "all"},
    )


def _table(subject: Access, admins: dict[str, str], use: dict[str, str]) -> Table:
    rank = ("never used", "stale", "unknown", "new", "used")
    told = [
        one
        for one in subject.snapshot.accounts
        if one.name in admins or use[one.name] in ("stale", "never used", "unknown")
    ]
    rows = [
        (
            one.name,
            admins.get(one.name, "no"),
            use[one.name],
            day(one.last_activity) or ("never" if one.knows_activity else "not told"),
            day(one.created),
            listed(one.groups or ()),
        )
        for one in sorted(told, key=lambda a: (a.name not in admins, rank.index(use[a.name]), a.name))
    ]
    return table("Administrators, and accounts that are not used", _LABELS, rows, "account")
