"""Sign-in: who checks that somebody is who they say, as far as the class of the authenticator tells it."""

from __future__ import annotations

import math

import numpy as np

from auditkit.check import check
from auditkit.checks.access._counted import table
from auditkit.evidence import Evidence, Measurement
from auditkit.hub.sign_in import way_of, words_of
from auditkit.targets.access import Access

_FACT = "read off the class of the authenticator; 1 is yes, 0 no"
_SECOND = "Whether a second factor is asked for is set at the identity provider, and JupyterHub does not know it: the reviewer confirms it, on the line sign-in of the decisions."
_LABELS = {"authenticator": "Authenticator", "way": "How people sign in", "spawner": "Spawner"}


@check(
    code="AK955",
    title="Sign-in",
    question="Does an identity provider check who signs in, as far as it can be seen?",
    dimension="access",
    metrics=["open_sign_in", "sign_in_without_provider"],
    about="access",
)
def hub_sign_in(subject: Access, *, rng: np.random.Generator) -> Evidence:  # noqa: ARG001 - the contract; nothing is drawn
    """Read the class of the hub's authenticator.

    Parameters
    ----------
    subject : Access
        A hub.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    Evidence
        ``open_sign_in``: 1 where anybody may sign in under any name, by one password for all or by none. ``sign_in_without_provider``: 1 where no identity
        provider is asked. Undefined where the class was not told, or is not known here. A second factor is never measured.
    """
    of = subject.snapshot
    way = way_of(of.authenticator) if of.authenticator else "unknown"
    if not of.authenticator:
        why = of.unseen("sign-in") or "the hub did not tell the class of its authenticator"
        says = f"How people sign in was not seen: {why}."
    elif way == "unknown":
        why = f"nothing is known here of {of.authenticator}: look at what it does, and waive this finding or not"
        says = f"{of.authenticator} {words_of(way)}."
    else:
        why, says = "", f"{of.authenticator} {words_of(way)}."

    def said(metric: str, *ways: str) -> Measurement:
        value = math.nan if why else float(way in ways)
        return Measurement(metric, value, 1, reason=why or _FACT)

    rows = [(of.authenticator or "not told", words_of(way), of.spawner or "not told")]
    return Evidence(
        "AK955",
        (said("open_sign_in", "anybody"), said("sign_in_without_provider", "anybody", "local", "directory")),
        {"sign_in": table("Sign-in", _LABELS, rows, "authenticator")},
        says=f"{says} {_SECOND}",
        does_not_say=(
            "Whether a second factor is asked for, whom the provider lets in, or what a subclass of the authenticator changes. Passwords and their rules were not looked at."
        ),
        rows={"used": 1, "of": 1, "split": "authenticators", "how": "all"},
    )  # fmt: skip
