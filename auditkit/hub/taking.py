"""Taking: the snapshot of a hub, part by part, as far as the review's token reaches."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from auditkit.errors import InputError
from auditkit.hub.asking import Refused
from auditkit.hub.fields import Record
from auditkit.hub.scopes import seen
from auditkit.hub.snapshot import FORMAT, MOST, Snapshot, of_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from auditkit.hub.asking import Hub

__all__ = ["take"]


def take(
    hub: Hub, *, roles: Mapping[str, tuple[str, ...]] | None = None, told: Callable[[str], None] | None = None
) -> Snapshot:
    """Ask a hub who may do what.

    Parameters
    ----------
    hub : Hub
        To be asked, with a token that reads.
    roles : mapping of str to tuple of str, optional
        Scopes of roles, by name: the API names roles and does not say what they allow.
    told : callable, optional
        Told in words what is read next.

    Raises
    ------
    InputError
        If the hub is too old for tokens that only read (before 2.0), does not take the token, or answers in another form.
    """
    say = told or (lambda _: None)
    version = _version(hub)
    try:
        own = Record(hub.get("/user"), "/user")
    except Refused as error:
        raise InputError(
            f"the hub does not take the token (status {error.status}): is it of this hub, and not expired?"
        ) from None
    scopes = own.names("scopes") or ()
    data: dict[str, Any] = {
        "format": FORMAT,
        "hub": hub.url,
        "version": version,
        "taken": datetime.now(UTC).isoformat(),
        "scopes": list(scopes),
        "own": own.text("name", empty=True) if own.data.get("kind") == "service" else "",
        "roles": {name: sorted(found) for name, found in (roles or {}).items()},
    }
    say("accounts, groups and services")
    data["accounts"] = list(_each(hub, "/users", "users", _account)) if _has(scopes, "accounts") else []
    data["groups"] = list(_each(hub, "/groups", "groups", _group)) if "list:groups" in _bases(scopes) else []
    data["services"] = _services(hub) if "list:services" in _bases(scopes) else []
    data |= _classes(hub) if _has(scopes, "sign-in") else {}
    data |= _of_each_account(hub, scopes, version, [one["name"] for one in data["accounts"]], say)
    made = Snapshot.from_dict(data)
    return of_text(made.text(), "snapshot")  # as it will be read again


def _version(hub: Hub) -> str:
    try:
        version = Record(hub.get("/"), "/").text("version")
    except Refused as error:
        raise InputError(
            f"{hub.url} answers with status {error.status}: expected the address of a JupyterHub"
        ) from None
    first = version.partition(".")[0]
    if not first.isdecimal() or len(first) > 4:
        raise InputError(f"{hub.url} tells no version of JupyterHub")
    if int(first) < 2:
        raise InputError(
            "this JupyterHub is older than 2.0, which has no scopes: every token that lists accounts can also change them. Update the hub first"
        )
    return version


def _bases(scopes: tuple[str, ...]) -> set[str]:
    return {one.partition("!")[0] for one in scopes}


def _has(scopes: tuple[str, ...], part: str) -> bool:
    return seen(scopes, part) != "none"


def _each(
    hub: Hub, path: str, where: str, read: Callable[[Record], dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    for i, one in enumerate(hub.pages(path, counted=True)):
        if i >= MOST:
            raise InputError(f"the hub's {where} are more than {MOST:,}")
        yield read(Record(one, f"{where}[{i}]"))


def _kept(one: Record, **names: str) -> dict[str, Any]:
    """Return fields under their names here; what is not there stays away."""
    return {name: one.data[key] for name, key in names.items() if one.has(key)}


def _account(one: Record) -> dict[str, Any]:
    found = _kept(
        one, name="name", admin="admin", roles="roles", groups="groups", created="created",
        last_activity="last_activity",
    )  # fmt: skip
    return {"name": one.text("name"), **found, "knows_activity": one.has("last_activity")}


def _group(one: Record) -> dict[str, Any]:
    return {"name": one.text("name"), **_kept(one, roles="roles", members="users")}


def _services(hub: Hub) -> list[dict[str, Any]]:
    """Return the services; their commands and addresses, which may hold secrets, are left where they are."""
    found = Record(hub.get("/services"), "/services")
    every = [found.part(name) for name in found.data]
    return [{"name": one.text("name"), **_kept(one, admin="admin", roles="roles")} for one in every if one]


def _classes(hub: Hub) -> dict[str, str]:
    about = Record(hub.get("/info"), "/info")
    parts = {name: about.part(name) for name in ("authenticator", "spawner")}
    return {name: one.text("class") for name, one in parts.items() if one is not None}


def _of_each_account(
    hub: Hub, scopes: tuple[str, ...], version: str, names: list[str], say: Callable[[str], None]
) -> dict[str, Any]:
    """Return tokens and shares, which the API tells account by account; accounts that went in between are named."""
    tokens: list[dict[str, Any]] = []
    shares: list[dict[str, Any]] = []
    unread: set[str] = set()
    reads_tokens = _has(scopes, "tokens")
    reads_shares = _has(scopes, "shares") and int(version.partition(".")[0]) >= 5
    for i, name in enumerate(dict.fromkeys(names)):
        if i % 100 == 0 and (reads_tokens or reads_shares):
            say(f"tokens and shares of account {i + 1} of {len(names)}")
        try:
            tokens += _tokens(hub, name) if reads_tokens else []
            shares += _shares(hub, name) if reads_shares else []
        except Refused:
            unread.add(name)
    return {"tokens": tokens, "shares": shares, "unread": sorted(unread)}


def _tokens(hub: Hub, name: str) -> list[dict[str, Any]]:
    answer = Record(hub.get(f"/users/{quote(name, safe='')}/tokens"), "tokens")
    listed = answer.data.get("api_tokens")
    if not isinstance(listed, list):
        raise InputError("the hub's tokens of an account: expected a list api_tokens")
    every = [Record(one, f"tokens[{i}]") for i, one in enumerate(listed)]
    return [
        {
            "owner": name,
            **_kept(
                one, id="id", note="note", client="oauth_client", scopes="scopes", created="created",
                last_activity="last_activity", expires="expires_at",
            ),
        }
        for one in every
    ]  # fmt: skip


def _shares(hub: Hub, name: str) -> list[dict[str, Any]]:
    place = quote(name, safe="")
    direct = [
        _share(Record(one, f"shares[{i}]"), name) for i, one in enumerate(hub.pages(f"/shares/{place}"))
    ]
    codes = enumerate(hub.pages(f"/share-codes/{place}"))
    return direct + [_code(Record(one, f"share-codes[{i}]"), name) for i, one in codes]


def _share(one: Record, owner: str) -> dict[str, Any]:
    given = [(kind, found) for kind in ("user", "group") if (found := one.part(kind)) is not None]
    if len(given) != 1:
        raise InputError(f"{one.where}: expected a share with one user or one group")
    kind, found = given[0]
    return {"owner": owner, "server": _server(one), "kind": kind, "to": found.text("name"),
            **_kept(one, scopes="scopes", created="created_at")}  # fmt: skip


def _code(one: Record, owner: str) -> dict[str, Any]:
    return {"owner": owner, "server": _server(one), "kind": "code", "to": one.text("id"),
            **_kept(one, scopes="scopes", created="created_at", expires="expires_at")}  # fmt: skip


def _server(one: Record) -> str:
    found = one.part("server")
    return "" if found is None else found.text("name", empty=True)
