"""Hub: snapshots of a hub that is nobody's, with faults of known number, and of its clean twin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from auditkit.hub.scopes import NEEDED
from auditkit.hub.snapshot import Account, Group, Service, Share, Snapshot, Token

__all__ = ["make_hub"]

_TAKEN = datetime(2026, 11, 29, 12, tzinfo=UTC)
_SCOPES = tuple(sorted({one for part in NEEDED.values() for one in part}))


def make_hub(*, faults: bool = True) -> Snapshot:
    """Return a snapshot of a hub.

    Parameters
    ----------
    faults : bool, default True
        Whether faults are planted: of its 12 accounts 3 are administrators (1 of them stale, 1 through a group), 3 stale, 1 never used; of
        its 7 tokens 3 never expire, 2 of these act on what is others', 1 is unused; 1 of 2 services is wide, as is 1 group; 1 share of 2 is old
        and the one link valid for a month; anybody may sign in. Without them 1 administrator, and nothing to look at.

    Examples
    --------
    >>> len(make_hub().accounts), make_hub(faults=False).authenticator
    (12, 'oauthenticator.generic.GenericOAuthenticator')
    """
    return Snapshot(
        hub="https://hub.example.org/hub/api",
        version="6.1.1",
        taken=_TAKEN,
        scopes=_SCOPES,
        authenticator="jupyterhub.auth.DummyAuthenticator"
        if faults
        else "oauthenticator.generic.GenericOAuthenticator",
        spawner="jupyterhub.spawner.SimpleLocalProcessSpawner",
        accounts=_accounts(faults=faults),
        groups=_groups(faults=faults),
        services=(Service("culler", faults, ("admin",) if faults else ("user",)), Service("review", False, ("review",))),  # noqa: FBT003 - a record
        tokens=_tokens(faults=faults),
        shares=_shares(faults=faults),
        roles={"review": _SCOPES},
    )  # fmt: skip


def _ago(days: float) -> datetime:
    return _TAKEN - timedelta(days=days)


def _accounts(*, faults: bool) -> tuple[Account, ...]:
    stale = {"dora": 400, "emil": 90, "frida": 91} if faults else {}
    made = [
        Account(
            name,
            admin=name == "ada" or (faults and name == "dora"),
            roles=("admin", "user") if name == "ada" or (faults and name == "dora") else ("user",),
            groups=("chiefs",) if faults and name == "bela" else ("team",) if name in ("carl", "gus") else (),
            created=_ago(500),
            last_activity=_ago(stale.get(name, 2)),
            knows_activity=True,
        )
        for name in ("ada", "bela", "carl", "dora", "emil", "frida", "gus", "hana", "ivo", "jana")
    ]
    never = _ago(200) if faults else _ago(1)
    made += [Account("kurt", roles=("user",), groups=(), created=never, knows_activity=True)]
    made += [Account("lena", roles=("user",), groups=(), created=_ago(3), knows_activity=True)]
    return tuple(made)


def _groups(*, faults: bool) -> tuple[Group, ...]:
    team = Group("team", (), ("carl", "gus"))
    return (Group("chiefs", ("admin",), ("bela",)), team) if faults else (team,)


def _tokens(*, faults: bool) -> tuple[Token, ...]:
    def token(
        owner: str, at: int, note: str, *scopes: str, used: float = 1, ends: float | None = 30
    ) -> Token:
        until = None if ends is None and (faults or note.startswith("Server at")) else _ago(-(ends or 30))
        reach = scopes if faults else tuple(f"{one.partition('!')[0]}!user={owner}" for one in scopes)
        return Token(
            owner, f"a{at}", note, "JupyterHub", reach, _ago(200), _ago(used if faults else 1), until
        )

    own = ("servers!user=gus", "read:users!user=gus")
    server = ("access:servers!server=gus/", "users:activity!user=gus", "read:users:name!user=gus")
    return (
        token("ada", 1, "nightly job", "admin:users", "admin:servers", ends=None),
        token("bela", 2, "from a course", "tokens", ends=None),
        token("gus", 3, "laptop", *own, ends=None),
        Token("gus", "a4", "Server at /user/gus/", "JupyterHub", server, _ago(1), _ago(0), None),
        token("gus", 5, "phone", *own, used=120),
        token("hana", 6, "course", "servers!user=hana"),
        token("ivo", 7, "course", "servers!user=ivo"),
    )


def _shares(*, faults: bool) -> tuple[Share, ...]:
    allows = ("access:servers!server=gus/lab",)
    return (
        Share("gus", "lab", "group", "team", allows, _ago(300 if faults else 3)),
        Share("gus", "lab", "user", "hana", allows, _ago(3)),
        Share("gus", "lab", "code", "sc_1", allows, _ago(1), _ago(-30 if faults else -1)),
    )
