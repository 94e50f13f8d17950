"""Found: what is to be looked at in each account, token, service and share of a snapshot, by ages and scopes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from auditkit.hub.scopes import ADMIN, DEFAULT_ROLES, wide

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditkit.hub.snapshot import Account, Service, Share, Snapshot, Token

__all__ = [
    "Ages",
    "administrators",
    "day",
    "of_server",
    "old_share",
    "older",
    "reach",
    "reach_of_accounts",
    "reach_of_service",
    "unused",
    "use_of",
]

Reach = Literal["wide", "unknown", "narrow"]


@dataclass(frozen=True, slots=True)
class Ages:
    """Days after which something is looked at.

    Attributes
    ----------
    stale_days : int
        Since an account was last used.
    new_days : int
        Since an account was made, within which it need not have been used.
    unused_days : int
        Since a token was last used, or made.
    share_days : int
        Since a server was shared.
    code_days : int
        For which a link that shares a server is still valid.
    """

    stale_days: int = 90
    new_days: int = 30
    unused_days: int = 90
    share_days: int = 90
    code_days: int = 7


def day(moment: datetime | None) -> str:
    """Return a time as a day, for tables; empty for none."""
    return "" if moment is None else moment.date().isoformat()


def older(snapshot: Snapshot, moment: datetime | None, days: int) -> bool:
    """Whether a moment lies so many days before the snapshot, or more; one in the future does not."""
    return moment is not None and snapshot.taken - moment >= timedelta(days=days)


def use_of(snapshot: Snapshot, account: Account, *, stale_days: int, new_days: int) -> str:
    """Return "stale", "never used", "new", "used", or "unknown" where its activity was not told."""
    if not account.knows_activity:
        return "unknown"
    if account.last_activity is not None:
        return "stale" if older(snapshot, account.last_activity, stale_days) else "used"
    young = account.created is not None and not older(snapshot, account.created, new_days)
    return "new" if young else "never used"


def administrators(snapshot: Snapshot) -> dict[str, str]:
    """Return every account that may do anything, with how it comes to that."""
    members = _members(snapshot)
    through = {
        member: f"through the group {group.name}"
        for group in snapshot.groups
        if ADMIN in (group.roles or ())
        for member in members[group.name]
    }
    own = {one.name: "itself" for one in snapshot.accounts if one.admin or ADMIN in (one.roles or ())}
    return dict(sorted({**through, **own}.items()))


def _members(snapshot: Snapshot) -> dict[str, dict[str, None]]:
    """Return who is in each group, by what the group tells and what the accounts tell."""
    found: dict[str, dict[str, None]] = {
        one.name: dict.fromkeys(one.members or ()) for one in snapshot.groups
    }
    for account in snapshot.accounts:
        for group in account.groups or ():
            found.setdefault(group, {})[account.name] = None
    return found


def reach(snapshot: Snapshot, roles: Iterable[str] | None) -> Reach:
    """Return how far roles reach; the scopes of a role that is not JupyterHub's own are known only where they were given."""
    if roles is None:
        return "unknown"
    found = {_reach(snapshot, role) for role in roles}
    return "wide" if "wide" in found else "unknown" if "unknown" in found else "narrow"


def _reach(snapshot: Snapshot, role: str) -> Reach:
    if role == ADMIN:
        return "wide"
    if role in snapshot.roles:
        return "wide" if wide(snapshot.roles[role]) else "narrow"
    return "narrow" if role in DEFAULT_ROLES else "unknown"


def reach_of_accounts(snapshot: Snapshot) -> dict[str, Reach]:
    """Return how far each account reaches by its own roles and those of its groups, ``admin`` aside."""
    rank: tuple[Reach, ...] = ("narrow", "unknown", "wide")
    found = {one.name: reach(snapshot, _others(one.roles)) for one in snapshot.accounts}
    members = _members(snapshot)
    for group in snapshot.groups:
        how = reach(snapshot, _others(group.roles))
        for name in members[group.name]:
            if name in found:
                found[name] = max(found[name], how, key=rank.index)
    return found


def _others(roles: Iterable[str] | None) -> list[str] | None:
    return None if roles is None else [one for one in roles if one != ADMIN]


def reach_of_service(snapshot: Snapshot, service: Service) -> Reach:
    """Return how far a service reaches; of the review's own its token told it, which has all that the service may."""
    if service.name == snapshot.own and not service.admin:
        return "wide" if wide(snapshot.scopes) else "narrow"
    return "wide" if service.admin else reach(snapshot, service.roles)


def of_server(token: Token) -> bool:
    """Whether a token is one that a hub makes for a running server: it ends with the server, and reaches no further than it."""
    narrow = all(
        one.startswith("access:servers!server=")
        or one.partition("!")[0]
        in ("users:activity", "read:users:activity", "read:users:groups", "read:users:name")
        for one in token.scopes or ("",)
    )
    return token.note.startswith("Server at ") and narrow


def unused(snapshot: Snapshot, token: Token, days: int) -> bool:
    """Whether a token was not used for so many days, or never since it was made."""
    return older(snapshot, token.last_activity or token.created, days)


def old_share(snapshot: Snapshot, share: Share, ages: Ages) -> bool:
    """Whether a share is old or, of a link, long valid; access that was given to a user or group never ends by itself."""
    if share.kind != "code":
        return older(snapshot, share.created, ages.share_days)
    return share.expires is None or share.expires - snapshot.taken > timedelta(days=ages.code_days)
