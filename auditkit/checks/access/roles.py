"""Roles: services, groups and accounts that reach beyond their own things, and roles of which nothing is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.check import check
from auditkit.checks.access._counted import count, listed, table
from auditkit.evidence import Evidence
from auditkit.hub.found import administrators, reach, reach_of_accounts, reach_of_service
from auditkit.nouns import counted
from auditkit.targets.access import Access

if TYPE_CHECKING:
    from collections.abc import Iterable

_LABELS = {"kind": "What", "name": "Name", "reach": "Reach", "roles": "Roles", "members": "Members"}
_WORDS = {"wide": "acts on what is others'", "unknown": "not told", "narrow": "own things, or reads"}


@check(
    code="AK953",
    title="Roles, groups and services",
    question="Which services, groups and accounts act on what is others', by their roles?",
    dimension="access",
    metrics=["wide_services", "wide_groups", "wide_role_accounts", "roles_of_unknown_scope"],
    about="access",
)
def hub_roles(subject: Access, *, rng: np.random.Generator) -> Evidence:  # noqa: ARG001 - the contract; nothing is drawn
    """Hold roles against what is known of them: JupyterHub's own, and those whose scopes were given.

    Parameters
    ----------
    subject : Access
        A hub.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    Evidence
        ``wide_services``, ``wide_groups``: with the role ``admin``, or one with a scope that acts on what is others'. ``wide_role_accounts``: accounts,
        administrators aside, that hold such a role themselves or by a group. ``roles_of_unknown_scope``: roles in use that are not JupyterHub's own and
        were not given. While there are any, a count of nothing is undefined.
    """
    of = subject.snapshot
    admins = administrators(of)
    services = [(one, reach_of_service(of, one)) for one in of.services]
    groups = [(one, reach(of, one.roles)) for one in of.groups]
    reaches = reach_of_accounts(of)
    accounts = [(one, reaches[one.name]) for one in of.accounts if one.name not in admins]
    wide = [[one.name for one, how in some if how == "wide"] for some in (services, groups, accounts)]
    others = [one for one, _ in services if one.name != of.own]
    held = (
        [one.roles for one in others] + [one.roles for one, _ in groups] + [one.roles for one, _ in accounts]
    )
    unknown = sorted({role for roles in held for role in roles or () if reach(of, [role]) == "unknown"})
    lacks = [_lacks(how for _, how in some) for some in (services, groups, accounts)]
    parts = (("services",), ("groups",), ("accounts", "roles of accounts", "groups"))
    why = ["; ".join(filter(None, (of.unseen(*part), lack))) for part, lack in zip(parts, lacks, strict=True)]
    rows = [
        ("service", one.name, _WORDS[how], listed(one.roles or ()), "")
        for one, how in services
        if how != "narrow"
    ]
    rows += [
        ("group", one.name, _WORDS[how], listed(one.roles or ()), listed(one.members or ()))
        for one, how in groups
        if how != "narrow"
    ]
    rows += [
        ("account", one.name, _WORDS[how], listed(one.roles or ()), "")
        for one, how in accounts
        if how == "wide"
    ]
    totals = (len(services), len(groups), len(accounts))
    told = all(of.seen(part) == "all" for some in parts for part in some)
    return Evidence(
        "AK953",
        (
            *(count(metric, len(found), n, lack) for metric, found, n, lack in zip(("wide_services", "wide_groups", "wide_role_accounts"), wide, totals, why, strict=True)),
            count("roles_of_unknown_scope", len(unknown), len(unknown), "" if told else of.unseen(*(p for some in parts for p in some))),
        ),
        {"roles": table("Services, groups and accounts with roles to look at", _LABELS, rows, "row")},
        says=_says(wide, totals, unknown),
        does_not_say=(
            "What a role allows that is not JupyterHub's own and was not given (roles in the subject file, --roles): the API names roles only. Nor what a service does "
            "with what it may, or who reaches it."
        ),
        rows={"used": sum(totals), "of": sum(totals), "split": "services, groups and accounts", "how": "all"},
    )  # fmt: skip


def _lacks(found: Iterable[str]) -> str:
    return (
        "how far some roles reach is not told by the API: give their scopes (roles in the subject file, --roles FILE)"
        if "unknown" in set(found)
        else ""
    )


def _says(wide: list[list[str]], totals: tuple[int, ...], unknown: list[str]) -> str:
    words = (("service", "services"), ("group", "groups"), ("other account", "other accounts"))
    said = "; ".join(
        f"of {counted(n, one, more)} {len(found):,}{f' ({listed(found)})' if found else ''}"
        for found, n, (one, more) in zip(wide, totals, words, strict=True)
    )
    rest = (
        f" What {listed(unknown)} {'allows' if len(unknown) == 1 else 'allow'} is not told."
        if unknown
        else ""
    )
    return f"By their roles these act on what is others': {said}.{rest}"
