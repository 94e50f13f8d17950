"""Snapshot: who may do what on a hub, as its API told it at one moment. It is read once, and holds no secret."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any

from auditkit.errors import InputError
from auditkit.hub.fields import Record, each_once, records
from auditkit.hub.scopes import Seen, lacking, seen

__all__ = ["FORMAT", "MOST", "Account", "Group", "Service", "Share", "Snapshot", "Token", "of_text"]

FORMAT = "auditkit access snapshot 1"
MOST = 200_000
"""Entries of one kind at most."""


_TOLD: dict[str, Callable[[Any], bool]] = {
    "activity": lambda one: not one.knows_activity,
    "roles of accounts": lambda one: one.roles is None,
    "groups": lambda one: one.roles is None or one.members is None,
    "services": lambda one: one.roles is None,
}
"""Whether something lacks what its part is about, though the scopes would show it: what was not told is not nothing."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in. ``roles`` and ``groups`` are None where they were not told.

    ``knows_activity`` says whether `last_activity` was told: then None means that the account was never used.
    """

    name: str
    admin: bool = False
    roles: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None
    created: datetime | None = None
    last_activity: datetime | None = None
    knows_activity: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """What acts for its owner without asking them: what the hub tells of it, which is not the token itself."""

    owner: str
    id: str
    note: str = ""
    client: str = ""
    scopes: tuple[str, ...] | None = None
    created: datetime | None = None
    last_activity: datetime | None = None
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts that share roles; ``roles`` and ``members`` are None where they were not told."""

    name: str
    roles: tuple[str, ...] | None = None
    members: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A program that the hub's administrators gave a token."""

    name: str
    admin: bool = False
    roles: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """Access to one server that its owner gave: to a user, a group, or whoever has a link (``kind`` "code", ``to`` its id)."""

    owner: str
    server: str
    kind: str
    to: str
    scopes: tuple[str, ...] = ()
    created: datetime | None = None
    expires: datetime | None = None


@dataclass(frozen=True)
class Snapshot:
    """All that was read of a hub.

    Attributes
    ----------
    hub : str
        The address of its API.
    version : str
        Of JupyterHub.
    taken : datetime.datetime
        When, in UTC. Ages count to this moment.
    scopes : tuple of str
        What the review's own token may do.
    own : str
        The service whose token that is; empty where it is a user's.
    authenticator, spawner : str
        Their classes; empty where they were not told.
    accounts, groups, services, tokens, shares : tuple
        What there is.
    unread : tuple of str
        Accounts whose tokens or shares could not be read, as they went while the hub was asked.
    roles : mapping of str to tuple of str
        Scopes of roles, where the hub's administrator gave them: its API does not tell them.
    """

    hub: str
    version: str
    taken: datetime
    scopes: tuple[str, ...] = ()
    own: str = ""
    authenticator: str = ""
    spawner: str = ""
    accounts: tuple[Account, ...] = field(default=(), repr=False)
    groups: tuple[Group, ...] = field(default=(), repr=False)
    services: tuple[Service, ...] = field(default=(), repr=False)
    tokens: tuple[Token, ...] = field(default=(), repr=False)
    shares: tuple[Share, ...] = field(default=(), repr=False)
    unread: tuple[str, ...] = ()
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @property
    def major(self) -> int:
        """The first number of the version."""
        found = re.match(r"[0-9]{1,4}", self.version)
        return int(found[0]) if found else 0

    @property
    def has_shares(self) -> bool:
        """Whether this JupyterHub knows shares: they came with 5.0."""
        return self.major >= 5

    def seen(self, part: str) -> Seen:
        """Return how much of a part was seen."""
        found = seen(self.scopes, part)
        short = part in ("tokens", "shares") and (self.unread or seen(self.scopes, "accounts") != "all")
        short = short or (part in _TOLD and any(map(_TOLD[part], self._of(part))))
        return "part" if found == "all" and short else found

    def _of(self, part: str) -> tuple[Any, ...]:
        return {"groups": self.groups, "services": self.services}.get(part, self.accounts)

    def unseen(self, *parts: str) -> str:
        """Return what of some parts was not seen, with the scopes to add; empty where all was."""
        told = []
        for part in parts:
            how = self.seen(part)
            if how == "all":
                continue
            by_account = part in ("accounts", "activity", "roles of accounts", "tokens", "shares")
            also = lacking(self.scopes, "accounts") if by_account else ()
            add = dict.fromkeys((*lacking(self.scopes, part), *also))
            cure = (
                f"give the review's token the {'scope' if len(add) == 1 else 'scopes'} {', '.join(add)}"
                if add
                else "take the snapshot again"
            )
            told.append(f"{part} were seen {'in part' if how == 'part' else 'not at all'}: {cure}")
        return "; ".join(told).replace("sign-in were", "sign-in was").replace("activity were", "activity was")

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"format": FORMAT, **_plain(asdict(self))}

    def text(self) -> str:
        """Return it as it stands in a file."""
        return json.dumps(self.to_dict(), indent=1, sort_keys=True, ensure_ascii=True) + "\n"

    @property
    def digest(self) -> str:
        """The sha256 of what the hub told, however it is laid out in its file; roles that were given besides change nothing."""
        return hashlib.sha256(replace(self, roles={}).text().encode()).hexdigest()

    @classmethod
    def from_dict(cls, data: object, where: str = "snapshot") -> Snapshot:
        """Read what `to_dict` wrote.

        Raises
        ------
        InputError
            Naming the field, what was expected and what came.
        """
        whole = Record(data, where)
        if whole.data.get("format") != FORMAT:
            raise InputError(f"{where} is no snapshot of a hub: auditkit access snapshot makes one")
        unknown = sorted(set(map(str, whole.data)) - {"format", *(one.name for one in fields(cls))})
        if unknown:
            raise InputError(f"{where}: no field {unknown[0][:40]!r} is known")
        taken = whole.time("taken")
        if taken is None:
            raise InputError(f"{where}.taken: expected a time, got null")
        given = whole.part("roles") or Record({}, f"{where}.roles")
        return cls(
            hub=whole.text("hub"),
            version=whole.text("version"),
            taken=taken,
            scopes=whole.names("scopes") or (),
            own=whole.text("own", empty=True),
            authenticator=whole.text("authenticator", empty=True),
            spawner=whole.text("spawner", empty=True),
            accounts=_unique(tuple(_account(one) for one in _listed(whole, "accounts"))),
            groups=_unique(tuple(_group(one) for one in _listed(whole, "groups"))),
            services=_unique(tuple(_service(one) for one in _listed(whole, "services"))),
            tokens=_unique(
                tuple(_token(one) for one in _listed(whole, "tokens")), lambda one: (one.owner, one.id)
            ),
            shares=_unique(
                tuple(_share(one) for one in _listed(whole, "shares")),
                lambda one: (one.owner, one.server, one.kind, one.to),
            ),
            unread=whole.names("unread") or (),
            roles={name: given.names(name) or () for name in sorted(given.data)},
        )


def of_text(text: str, where: str) -> Snapshot:
    """Return the snapshot in a text.

    Raises
    ------
    InputError
        If it is no JSON, or no snapshot.
    """
    try:
        data = json.loads(text, object_pairs_hook=each_once)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    except (ValueError, RecursionError):
        raise InputError(
            f"{where} is no JSON: expected a snapshot, as auditkit access snapshot writes it"
        ) from None
    return Snapshot.from_dict(data, where)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (tuple, list)):  # no order means anything: the same hub gives the same digest
        return sorted(map(_plain, value), key=lambda one: json.dumps(one, sort_keys=True))
    return value


def _listed(whole: Record, key: str) -> list[Record]:
    return records(whole.data.get(key, []), f"{whole.where}.{key}", MOST)


def _unique(found: tuple[Any, ...], key: Callable[[Any], Any] = lambda one: one.name) -> tuple[Any, ...]:
    """Return each name once, the first one, sorted: a list that is read in pages may move in between."""
    named = {key(one): one for one in reversed(found)}
    return tuple(named[name] for name in sorted(named))


def _account(one: Record) -> Account:
    knows = one.flag("knows_activity") if one.has("knows_activity") else one.has("last_activity")
    return Account(
        one.text("name"), one.flag("admin"), _some(one, "roles"), _some(one, "groups"), one.time("created"),
        one.time("last_activity"), knows,
    )  # fmt: skip


def _group(one: Record) -> Group:
    return Group(one.text("name"), _some(one, "roles"), _some(one, "members"))


def _service(one: Record) -> Service:
    return Service(one.text("name"), one.flag("admin"), _some(one, "roles"))


def _token(one: Record) -> Token:
    return Token(
        one.text("owner"), one.text("id"), one.note("note"), one.note("client"),
        _some(one, "scopes"), one.time("created"), one.time("last_activity"), one.time("expires"),
    )  # fmt: skip


def _share(one: Record) -> Share:
    kind = one.text("kind")
    if kind not in ("user", "group", "code"):
        raise InputError(f"{one.where}.kind: expected user, group or code")
    return Share(
        one.text("owner"), one.text("server", empty=True), kind, one.text("to"), _some(one, "scopes") or (),
        one.time("created"), one.time("expires"),
    )  # fmt: skip


def _some(one: Record, key: str) -> tuple[str, ...] | None:
    return None if one.data.get(key) is None else one.names(key)
