"""Tokens: those that never expire, that nobody uses, and that reach beyond what is their owner's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks.access._counted import count, listed, table
from auditkit.evidence import Evidence
from auditkit.hub.found import day, of_server, unused
from auditkit.hub.scopes import wide
from auditkit.nouns import counted
from auditkit.targets.access import Access

if TYPE_CHECKING:
    from auditkit.hub.snapshot import Token

_LABELS = {
    "owner": "Owner",
    "token": "Token",
    "note": "Note",
    "found": "What is so",
    "expires": "Expires",
    "last_activity": "Last used",
    "created": "Made",
    "reaches": "Acts on what is others'",
}


@check(
    code="AK952",
    title="Tokens",
    question="Which tokens never expire, are not used, or reach further than their owner's own things?",
    dimension="access",
    metrics=["tokens_without_expiry", "unused_tokens", "wide_tokens", "wide_tokens_without_expiry"],
    about="access",
)
def hub_api_access(
    subject: Access,
    *,
    rng: np.random.Generator,  # noqa: ARG001 - the contract; nothing is drawn
    unused_days: Annotated[
        int, Ge(1), Doc("Days since a token was last used, or made, after which it is unused.")
    ] = 90,
) -> Evidence:
    """Read what the hub tells of users' tokens; the tokens themselves it does not tell.

    Parameters
    ----------
    subject : Access
        A hub.
    rng : numpy.random.Generator
        Not used.
    unused_days : int
        In days.

    Returns
    -------
    Evidence
        ``tokens_without_expiry``; those that the hub makes for a running server aside, as they end with it. ``unused_tokens``. ``wide_tokens``: with
        a scope that acts on what is others'. ``wide_tokens_without_expiry``: both. Undefined while not all tokens were seen, and nothing was found.
    """
    of = subject.snapshot
    unseen = of.unseen("tokens")
    scopeless = (
        "the scopes of some tokens were not told" if any(one.scopes is None for one in of.tokens) else ""
    )
    undated = (
        "when some tokens were made or used was not told"
        if any(one.created is None and one.last_activity is None for one in of.tokens)
        else ""
    )
    n = len(of.tokens)
    lasting = {one for one in of.tokens if one.expires is None and not of_server(one)}
    idle = {one for one in of.tokens if unused(of, one, unused_days)}
    reaching = {one for one in of.tokens if wide(one.scopes or (), one.owner)}
    both = reaching & lasting
    about_scopes = "; ".join(filter(None, (unseen, scopeless)))
    told = sorted(
        lasting | idle | reaching,
        key=lambda one: (one not in both, one not in reaching, one.owner, one.id),
    )
    return Evidence(
        "AK952",
        (
            count("tokens_without_expiry", len(lasting), n, unseen),
            count("unused_tokens", len(idle), n, "; ".join(filter(None, (unseen, undated)))),
            count("wide_tokens", len(reaching), n, about_scopes),
            count("wide_tokens_without_expiry", len(both), n, about_scopes),
        ),
        {"tokens": table("Tokens to look at", _LABELS, [_row(one, idle, lasting) for one in told], "token")},
        says=f"Nothing of the tokens was seen: {unseen}." if of.seen("tokens") == "none" else _says(of.tokens, lasting, idle, reaching, unused_days),
        does_not_say=(
            "Anything of the tokens of services, which the API does not list: they stand in the hub's configuration and never expire. Nor where a token lies, "
            "or who has a copy of it."
        ),
        notes=("A token that the hub made for a running server ends with the server, and is not counted among those that never expire.",),
        rows={"used": n, "of": n, "split": "tokens", "how": "all"},
    )  # fmt: skip


def _row(one: Token, idle: set[Token], lasting: set[Token]) -> tuple[str, ...]:
    found = ["never expires"] if one in lasting else []
    found += ["not used"] if one in idle else []
    reaches = wide(one.scopes or (), one.owner)
    found += ["wide"] if reaches else []
    return (
        one.owner, one.id, one.note, ", ".join(found), day(one.expires) or "never", day(one.last_activity) or "never",
        day(one.created), listed(reaches, 6) if reaches else "",
    )  # fmt: skip


def _says(
    tokens: tuple[Token, ...], lasting: set[Token], idle: set[Token], reaching: set[Token], days: int
) -> str:
    if not tokens:
        return "No user has a token."
    said = f"Of {counted(len(tokens), 'token')} of users {len(lasting):,} never {'expires' if len(lasting) == 1 else 'expire'}, "
    said += f"{len(idle):,} {'was' if len(idle) == 1 else 'were'} not used for {days} days, {len(reaching):,} {'acts' if len(reaching) == 1 else 'act'} on what is others'"
    return f"{said} (of {listed(sorted({one.owner for one in reaching}))})." if reaching else f"{said}."
