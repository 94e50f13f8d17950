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
        Those of a report, and those that are added. One of the same digest takes the place of the one that is there: it may have been
        signed since.
    subject : str
        Whom the report is about.
    replacing : bool
        Whether those that are given take the place of all others of their kinds.

    Raises
    ------
    InputError
        If a form is about another subject.
    """
    new = tuple(given)
    for one in new:
        if one.subject != subject:
            raise InputError(
                f"the form {one.kind!r} is about {one.subject!r}, and this report is about {subject!r}: write subject = {str(subject)!r} into the form that is about it"
            )
    kinds = {one.kind for one in new} if replacing else set()
    digests = {one.digest for one in new}
    kept = [one for one in there if one.kind not in kinds or one.digest in digests]
    return tuple({one.digest: one for one in (*kept, *new)}.values())


def in_the_way(there: Iterable[Form], given: Iterable[Form]) -> tuple[Form, ...]:
    """Return the forms that are there and are of the kind, and not of the content, of one that is given."""
    new = tuple(given)
    kinds, digests = {one.kind for one in new}, {one.digest for one in new}
    return tuple(one for one in there if one.kind in kinds and one.digest not in digests)
