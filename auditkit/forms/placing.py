"""Placing: forms among those that a report holds already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditkit.forms.form import Form

__all__ = ["in_the_way", "placed"]


def placed(
    there: Iterable[Form], given: Iterable[Form], subject: object, *, replacing: bool
) -> tuple[Form, ...]:
    """Return forms with those that were given, each content once.

    Parameters
    ----------
    there, given : iterable of Form
        Those of a report, and those that are added. One of the same digest takes the place of the one that is there, if it was signed
        since; with fewer signatures it leaves the other where it is.
    subject : str
        Whom the report is about.
    replacing : bool
        Whether those that are given take the place of all others of their kinds.

    Raises
    ------
    InputError
        If a form is about another subject, is not as it was signed, or others have signed it than the one of its content that is there, which
        is not to be replaced.
    """
    new = tuple(given)
    for one in new:
        if one.subject != subject:
            raise InputError(
                f"the form {one.kind!r} is about {one.subject!r}, and this report is about {subject!r}: write subject = {str(subject)!r} into the form that is about it"
            )
        one.hold()
    kinds = {one.kind for one in new} if replacing else set()
    held = {one.digest: one for one in there}
    new = tuple(_newer(held.get(one.digest), one, replacing=replacing) for one in new)
    digests = {one.digest for one in new}
    kept = [one for one in there if one.kind not in kinds or one.digest in digests]
    return tuple({one.digest: one for one in (*kept, *new)}.values())


def _newer(there: Form | None, given: Form, *, replacing: bool) -> Form:
    """Return, of two forms of one content, the one with the signatures of both."""
    if there is None or given.envelopes[: len(there.envelopes)] == there.envelopes:
        return given
    if there.envelopes[: len(given.envelopes)] == given.envelopes:
        return there
    if replacing:
        return given
    names = [" and ".join(repr(who.name) for who in one.signed) for one in (there, given)]
    raise InputError(
        f"the report has the form {given.kind!r} as {names[0]} signed it, and the one given has other signatures, by {names[1]}: say whether it takes its place (--replace)"
    )


def in_the_way(there: Iterable[Form], given: Iterable[Form]) -> tuple[Form, ...]:
    """Return the forms that are there and are of the kind, and not of the content, of one that is given."""
    new = tuple(given)
    kinds, digests = {one.kind for one in new}, {one.digest for one in new}
    return tuple(one for one in there if one.kind in kinds and one.digest not in digests)
