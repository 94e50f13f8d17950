"""Shares: servers that their owners gave others access to, and links by which anybody gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks.access._counted import count, table
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence
from auditkit.hub.found import Ages, day, old_share
from auditkit.nouns import counted
from auditkit.targets.access import Access

if TYPE_CHECKING:
    from auditkit.hub.snapshot import Share

_LABELS = {
    "server": "Server",
    "to": "Given to",
    "created": "Given",
    "expires": "Ends",
    "old": "To look at",
}


@check(
    code="AK954",
    title="Shared servers",
    question="Who was given access to servers of others, and since when?",
    dimension="access",
    metrics=["server_shares", "group_shares", "old_shares", "share_links", "long_share_links"],
    about="access",
)
def hub_shares(
    subject: Access,
    *,
    rng: np.random.Generator,  # noqa: ARG001 - the contract; nothing is drawn
    share_days: Annotated[int, Ge(1), Doc("Days after which a share is old.")] = 90,
    link_days: Annotated[int, Ge(1), Doc("Days that a link that shares a server may still be valid.")] = 7,
) -> Evidence:
    """Read shares and share codes of every account; they came with JupyterHub 5.

    Parameters
    ----------
    subject : Access
        A hub.
    rng : numpy.random.Generator
        Not used.
    share_days, link_days : int
        In days.

    Returns
    -------
    Evidence
        ``server_shares``: access that was given to users and groups, which never ends by itself. ``group_shares``: of these, to groups. ``old_shares``: given
        ``share_days`` ago or more. ``share_links``: links by which whoever has them gets access. ``long_share_links``: those valid for over ``link_days`` more.
    """
    of = subject.snapshot
    if not of.has_shares:
        raise NotApplicable(f"JupyterHub {of.version} has no shares: they came with 5.0")
    unseen = of.unseen("shares")
    ages = Ages(share_days=share_days, code_days=link_days)
    given = [one for one in of.shares if one.kind != "code"]
    links = [one for one in of.shares if one.kind == "code"]
    old = [one for one in given if old_share(of, one, ages)]
    long = [one for one in links if old_share(of, one, ages)]
    n = len(of.shares)
    to_look_at = {*old, *long}
    order = sorted(of.shares, key=lambda one: (one not in to_look_at, one.kind, one.owner, one.server))
    return Evidence(
        "AK954",
        (
            count("server_shares", len(given), n, unseen),
            count("group_shares", sum(one.kind == "group" for one in given), n, unseen),
            count("old_shares", len(old), n, unseen),
            count("share_links", len(links), n, unseen),
            count("long_share_links", len(long), n, unseen),
        ),
        {"shares": table("Shared servers", _LABELS, [_row(one, one in to_look_at) for one in order], "share")},
        says=f"Nothing of the shares was seen: {unseen}." if of.seen("shares") == "none" else _says(given, old, links, long, share_days, link_days),
        does_not_say=(
            "Who used a share, what was done on the server, or who has a link: whoever it was sent to may have passed it on. Files that are shared by other "
            "means are not seen."
        ),
        rows={"used": n, "of": n, "split": "shares", "how": "all"},
    )  # fmt: skip


def _row(one: Share, old: bool) -> tuple[str, ...]:  # noqa: FBT001 - a column
    to = f"whoever has the link {one.to}" if one.kind == "code" else f"{one.kind} {one.to}"
    ends = day(one.expires) or ("not told" if one.kind == "code" else "never")
    return f"{one.owner}/{one.server}", to, day(one.created), ends, "yes" if old else ""


def _says(
    given: list[Share], old: list[Share], links: list[Share], long: list[Share], days: int, link_days: int
) -> str:
    if not given and not links:
        return "No server is shared."
    said = f"Access to servers of others was given {len(given):,} {'time' if len(given) == 1 else 'times'}, {len(old):,} of them over {days} days ago"
    return f"{said}; {counted(len(links), 'link is', 'links are')} valid, {len(long):,} for over {link_days} days more."
