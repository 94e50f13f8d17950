"""Scopes: what JupyterHub's words for rights allow, what a review needs of them, and which reach beyond the holder's own things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["ADMIN", "DEFAULT_ROLES", "NEEDED", "Seen", "lacking", "seen", "wide", "writes"]

Seen = Literal["all", "part", "none"]

ADMIN = "admin"
"""The role that may do anything."""

DEFAULT_ROLES = ("user", "server", "token")
"""Roles that every hub has and that reach no further than the holder's own things."""

NEEDED: dict[str, tuple[str, ...]] = {
    "accounts": ("list:users",),
    "activity": ("read:users",),
    "roles of accounts": ("read:roles:users",),
    "groups": ("list:groups", "read:groups", "read:roles:groups"),
    "services": ("list:services", "read:services", "read:roles:services"),
    "tokens": ("read:tokens",),
    "shares": ("read:shares",),
    "sign-in": ("read:hub",),
}
"""What a review looks at, and the scopes of JupyterHub 2 and later that show it; each of them reads."""

_NARROW = ("access:services", "admin-ui", "custom", "list", "read", "self", "users:activity", "(no_scope)")


def seen(scopes: Collection[str], part: str) -> Seen:
    """Return how much of a part the scopes show: "part" where one of them is for some users or groups only.

    Parameters
    ----------
    scopes : collection of str
        Those of the review's token, as the hub tells them: with all that they include.
    part : str
        A key of `NEEDED`.

    Examples
    --------
    >>> seen(["list:users"], "accounts"), seen(["list:users!group=a"], "accounts"), seen([], "accounts")
    ('all', 'part', 'none')
    """
    had = set(scopes)
    if had.issuperset(NEEDED[part]):
        return "all"
    bases = {one.partition("!")[0] for one in had}
    return "part" if bases.issuperset(NEEDED[part]) else "none"


def lacking(scopes: Collection[str], part: str) -> tuple[str, ...]:
    """Return the scopes to add, so that all of a part is seen."""
    return tuple(one for one in NEEDED[part] if one not in set(scopes))


def writes(scopes: Iterable[str]) -> tuple[str, ...]:
    """Return those that do more than read.

    Examples
    --------
    >>> writes(["read:users", "list:users", "tokens", "admin:users!group=a"])
    ('admin:users!group=a', 'tokens')
    """
    only_read = ("list", "read", "(no_scope)")
    return tuple(sorted(one for one in scopes if not _is(one.partition("!")[0], only_read)))


def wide(scopes: Iterable[str], owner: str = "") -> tuple[str, ...]:
    """Return the scopes by which somebody acts on what is not their own; a scope that is not known here counts.

    Parameters
    ----------
    scopes : iterable of str
        With or without filters.
    owner : str
        Whose they are; what is filtered to them is their own. One server that somebody shared is not wide either.

    Examples
    --------
    >>> wide(["read:users", "servers!user=ada", "tokens!user=bob", "shutdown", "access:servers!server=eve/lab"], "ada")
    ('shutdown', 'tokens!user=bob')
    """
    found = []
    for one in scopes:
        base, _, kept = one.partition("!")
        own = kept in ("user", "server", f"user={owner}") or kept.startswith(("server=", "service="))
        if not own and not _is(base, _NARROW):
            found.append(one)
    return tuple(sorted(found))


def _is(base: str, kinds: tuple[str, ...]) -> bool:
    return base in kinds or base.partition(":")[0] in kinds
