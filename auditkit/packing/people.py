"""People: the keys that were given, for whom, and whether those who signed are the holders."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from auditkit.errors import InputError
from auditkit.forms.names import as_read
from auditkit.packing.found import Problem
from auditkit.packing.manifest import ROLES, signature_file
from auditkit.packing.signing import public_key

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from auditkit.packing.found import Signer

__all__ = ["GivenKeys", "given_keys", "strangers"]


@dataclass(frozen=True, slots=True)
class GivenKeys:
    """Keys that whoever verifies trusts.

    Attributes
    ----------
    plain : frozenset of str
        Ids of keys whose holders may have signed as whatever they are: as author, as reviewer, or the plan.
    roles : dict of str to str
        "author" and "reviewer" to the id of the one key that must have signed so, where that is said.
    any_key : bool
        Whether a signature under no given key is taken too.
    """

    plain: frozenset[str] = frozenset()
    roles: dict[str, str] = field(default_factory=dict)
    any_key: bool = False

    def words(self, keyid: str, role: str = "") -> str:
        """Return as whose a key was given, for one who signed in this role; empty if it was not given for that."""
        if role in self.roles:
            return f"the key given as the {role}'s" if self.roles[role] == keyid else ""
        held = next((one for one, of in self.roles.items() if of == keyid), None)
        if held is not None:
            return "" if role else f"the key given as the {held}'s"
        return "a key that was given" if keyid in self.plain else ""

    def all(self) -> dict[str, str]:
        """Return the id of each key that was given, and as whose."""
        return {
            **dict.fromkeys(sorted(self.plain), ""),
            **{keyid: role for role, keyid in self.roles.items()},
        }


def given_keys(
    keys: Iterable[str | os.PathLike[str]],
    by_role: Mapping[str, str | os.PathLike[str] | None],
    *,
    any_key: bool,
) -> GivenKeys:
    """Read public keys.

    Parameters
    ----------
    keys : iterable of path
        Of persons whose role is not said.
    by_role : mapping of str to path or None
        "author" and "reviewer" to their keys.
    any_key : bool
        Whether a signature under no given key is taken too.

    Raises
    ------
    InputError
        If a file holds no public key, or author and reviewer have the same.
    """
    roles = {role: public_key(path).keyid for role, path in by_role.items() if path is not None}
    if len(set(roles.values())) < len(roles):
        raise InputError(
            "one key was given as the author's and as the reviewer's: two persons sign, each with a key of their own"
        )
    return GivenKeys(frozenset(public_key(one).keyid for one in keys), roles, any_key)


def strangers(
    signers: Sequence[Signer],
    asked: Sequence[str],
    planner: str | None,
    given: GivenKeys,
    *,
    of_forms: frozenset[str] = frozenset(),
) -> list[Problem]:
    """Return whose signature is missing, whose key is not the one that was given, and which given key signed nothing.

    Parameters
    ----------
    signers : sequence of Signer
        Whose signatures fit.
    asked : sequence of str
        Roles that must have signed.
    planner : str or None
        Id of the key that signed the plan, if there is one.
    given : GivenKeys
        The keys.
    of_forms : frozenset of str
        Ids of the keys that signed forms.
    """
    by_role = {one.role: one for one in signers}
    found = [
        Problem(
            "missing role",
            signature_file(role),
            f"nobody has signed as {role}, or the signature does not fit",
        )
        for role in ROLES
        if role in {*asked, *given.roles} and role not in by_role
    ]
    if len({one.keyid for one in signers}) < len(signers):
        found.append(Problem("key", signature_file("reviewer"), "author and reviewer signed with one key"))
    elif len({as_read(one.name) for one in signers}) < len(signers):
        found.append(
            Problem("key", signature_file("reviewer"), "author and reviewer signed by names that read alike")
        )
    found += [
        Problem("key", signature_file(one.role), what) for one in signers if (what := _stranger(one, given))
    ]
    used = {one.keyid for one in signers} | of_forms
    return found + _idle(used, planner, given)


def _stranger(one: Signer, given: GivenKeys) -> str:
    """Return what is wrong with the key of a signature; empty if nothing is."""
    if one.known or (given.any_key and one.role not in given.roles):
        return ""
    if not given.all():
        return (
            "no key was given: the signature fits its own key, and nobody says whose that is; give --key FILE"
        )
    held = given.all().get(one.keyid)
    if held:
        return f"signed as {one.role} with the key that was given as the {held}'s ({one.keyid[:16]})"
    whose = f"the one given as the {one.role}'s" if one.role in given.roles else "those given"
    return f"signed with another key ({one.keyid[:16]}) than {whose}"


def _idle(used: AbstractSet[str], planner: str | None, given: GivenKeys) -> list[Problem]:
    """Return the given keys that signed nothing: whoever gave one meant that its holder had."""
    idle = [keyid for keyid in given.all() if keyid not in {*used, planner}]
    found = []
    for keyid in idle:
        role = given.all()[keyid]
        where, whose = (signature_file(role), f"given as the {role}'s") if role else ("signatures", "given")
        found.append(
            Problem(
                "key", where, f"a key that was {whose} ({keyid[:16]}) signed neither the pack nor its plan"
            )
        )
    return found
