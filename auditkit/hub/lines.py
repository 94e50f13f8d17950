"""Lines: what a reviewer decides on, one a right: accounts, administrators, tokens, groups, services, shares, the sign-in."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from auditkit.hub.found import (
    Ages,
    administrators,
    day,
    of_server,
    old_share,
    reach,
    reach_of_accounts,
    reach_of_service,
    unused,
    use_of,
)
from auditkit.hub.scopes import wide
from auditkit.hub.sign_in import way_of, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditkit.hub.snapshot import Account, Group, Service, Share, Snapshot, Token

__all__ = ["KINDS", "Line", "lines_of"]

_API = "/hub/api"
KINDS = ("sign-in", "administrator", "account", "token", "group", "service", "share")


@dataclass(frozen=True, slots=True)
class Line:
    """One right to be kept or revoked.

    Attributes
    ----------
    id : str
        Its name in every review: a digest of kind and what it is about, so that no name of a person need be read back from a spreadsheet.
    kind : str
        One of `KINDS`.
    who : str
        Whose it is.
    what : str
        What it is.
    found : str
        What is to be looked at; empty where nothing is.
    revoke : str
        What a person does to revoke it: a call of the hub's API, or a change of its configuration. auditkit does neither.
    """

    id: str
    kind: str
    who: str
    what: str
    found: str
    revoke: str


def lines_of(snapshot: Snapshot, ages: Ages | None = None) -> tuple[Line, ...]:
    """Return every line of a snapshot.

    Parameters
    ----------
    snapshot : Snapshot
        Of a hub.
    ages : Ages, optional
        After which `found` speaks of something; it changes no id.
    """
    by = ages or Ages()
    base = urlsplit(snapshot.hub).path
    admins, reaches = administrators(snapshot), reach_of_accounts(snapshot)
    known = set(reaches)
    made = (
        _sign_in(snapshot),
        *(_administrator(name, how, known=name in known) for name, how in admins.items()),
        *(_account(snapshot, one, by, wide=reaches[one.name] == "wide") for one in snapshot.accounts),
        *(_token(snapshot, one, by) for one in snapshot.tokens),
        *(_group(snapshot, one) for one in snapshot.groups),
        *(_service(snapshot, one) for one in snapshot.services),
        *(_share(snapshot, one, by) for one in snapshot.shares),
    )
    return tuple(replace(one, revoke=one.revoke.replace(f"{_API}/", f"{base}/", 1)) for one in made)


def _line(
    kind: str, key: tuple[str, ...], who: str, what: str, found: Iterator[str] | list[str], revoke: str
) -> Line:
    digest = hashlib.sha256(json.dumps([kind, *key]).encode()).hexdigest()
    return Line(f"{kind}-{digest[:16]}", kind, who, what, "; ".join(found), revoke)


def _path(*parts: str) -> str:
    return f"{_API}/" + "/".join(quote(one, safe="") for one in parts)


def _sign_in(snapshot: Snapshot) -> Line:
    name = snapshot.authenticator or "not told"
    way = way_of(snapshot.authenticator)
    says = (
        f"{name} {words_of(way)}" if snapshot.authenticator else "the class of the authenticator was not told"
    )
    return _line(
        "sign-in", (name,), "everybody", name, [says, "whether a second factor is asked for cannot be seen here: confirm it where it is set"],
        "set another c.JupyterHub.authenticator_class in jupyterhub_config.py, and start the hub again",
    )  # fmt: skip


def _administrator(name: str, how: str, *, known: bool) -> Line:
    cure = f'PATCH {_path("users", name)} with {{"admin": false}}, and take the name out of c.Authenticator.admin_users and c.JupyterHub.load_roles'
    if how != "itself":
        group = how.removeprefix("through the group ")
        cure = f"DELETE {_path('groups', group, 'users')} with the name in users, or take the role admin from the group in c.JupyterHub.load_roles"
    found = ["may do anything"] + ([] if known else ["is no account that was told"])
    return _line("administrator", (name,), name, f"administrator, {how}", found, cure)


def _account(snapshot: Snapshot, one: Account, by: Ages, *, wide: bool) -> Line:
    use = use_of(snapshot, one, stale_days=by.stale_days, new_days=by.new_days)
    words = {
        "stale": f"last used {day(one.last_activity)}, over {by.stale_days} days before",
        "never used": "never used" + (f" since it was made on {day(one.created)}" if one.created else ""),
        "unknown": "when it was used was not told",
    }
    found = [words[use]] if use in words else []
    found += ["holds a role that acts on what is others'"] if wide else []
    what = f"roles: {_listed(one.roles)}; groups: {_listed(one.groups)}"
    return _line(
        "account", (one.name,), one.name, what, found,
        f"DELETE {_path('users', one.name)} (admin page: Delete User), after it was closed at the identity provider: who may sign in comes back",
    )  # fmt: skip


def _token(snapshot: Snapshot, one: Token, by: Ages) -> Line:
    reaches = wide(one.scopes or (), one.owner)
    found = []
    if of_server(one):
        found += ["made by the hub for a running server"]
    elif one.expires is None:
        found += ["never expires"]
    if unused(snapshot, one, by.unused_days):
        last = (
            f"last used {day(one.last_activity)}"
            if one.last_activity
            else f"not used since it was made on {day(one.created)}"
        )
        found += [last]
    found += (
        [f"acts on what is others': {_listed(reaches[:6])}{' and more' if len(reaches) > 6 else ''}"]
        if reaches
        else []
    )
    found += ["its scopes were not told"] if one.scopes is None else []
    what = f"token {one.id}, note: {one.note or 'none'}, by {one.client or 'JupyterHub'}, expires {day(one.expires) or 'never'}"
    return _line(
        "token", (one.owner, one.id), one.owner, what, found, f"DELETE {_path('users', one.owner, 'tokens', one.id)} (its owner: Token page)"
    )  # fmt: skip


def _group(snapshot: Snapshot, one: Group) -> Line:
    how = reach(snapshot, one.roles)
    found = ["its members act on what is others'"] if how == "wide" else []
    found += ["how far its roles reach is not told by the API"] if how == "unknown" else []
    what = f"roles: {_listed(one.roles)}; members: {_listed(one.members)}"
    return _line(
        "group", (one.name,), one.name, what, found,
        f"DELETE {_path('groups', one.name)}, and take it out of c.JupyterHub.load_groups and c.JupyterHub.load_roles",
    )  # fmt: skip


def _service(snapshot: Snapshot, one: Service) -> Line:
    how = reach_of_service(snapshot, one)
    found = ["acts on what is others'"] if how == "wide" else []
    found += ["how far its roles reach is not told by the API"] if how == "unknown" else []
    what = f"{'administrator; ' if one.admin else ''}roles: {_listed(one.roles)}"
    return _line(
        "service", (one.name,), one.name, what, found,
        "take it out of c.JupyterHub.services and c.JupyterHub.load_roles, and start the hub again",
    )  # fmt: skip


def _share(snapshot: Snapshot, one: Share, by: Ages) -> Line:
    server = f"{one.owner}/{one.server}"
    old = old_share(snapshot, one, by)
    if one.kind == "code":
        until = day(one.expires) or "ever"
        found = [
            "whoever has the link gets access",
            *([f"is valid for over {by.code_days} days more"] if old else []),
        ]
        what = f"a link to the server {server} ({one.to}), valid until {until}"
        cure = f"DELETE {_path('share-codes', one.owner, one.server)}?id={quote(one.to, safe='')}"
    else:
        found = [f"given {day(one.created)}, over {by.share_days} days before"] if old else []
        what = f"the server {server}, to the {one.kind} {one.to}"
        cure = f"DELETE {_path(f'{one.kind}s', one.to, 'shared', one.owner, one.server)}"
    return _line("share", (one.owner, one.server, one.kind, one.to), one.owner, what, found, cure)


def _listed(names: tuple[str, ...] | None) -> str:
    if names is None:
        return "not told"
    return (", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")) or "none"
