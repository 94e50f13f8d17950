"""Faults: what a configuration may leave open, in words, with the cure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

__all__ = ["RULES", "Fault", "Rule", "beyond_loopback", "fault", "unrecognised"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of fault.

    Attributes
    ----------
    severity : {"high", "medium", "low"}
        How much it leaves open.
    says, cure : str
        What is so, and what to set instead.
    """

    severity: str
    says: str
    cure: str


_FORMS = (
    "settings of Jupyter in Python or JSON; calls of Gradio, Ray, H2O and web servers with constants; docker-compose, Kubernetes, Ray and BentoML YAML; "
    "MLflow's basic_auth.ini; and lines that start MLflow, Ray, Jupyter, Triton, BentoML, H2O, Gradio, gunicorn, uvicorn or waitress"
)

RULES: dict[str, Rule] = {
    "exposed": Rule("medium", "listens beyond this machine", "bind it to 127.0.0.1, and put a proxy that asks who is there before it"),
    "no_authentication": Rule("high", "asks nobody who they are, and listens beyond this machine", "switch authentication on, or bind it to 127.0.0.1"),
    "open_dashboard": Rule("high", "its dashboard takes jobs from whoever reaches it", "bind the dashboard to 127.0.0.1, and reach it through a tunnel"),
    "permissive_cors": Rule("medium", "pages of any site may read its answers", "name the sites that may, or none"),
    "no_xsrf": Rule("high", "pages of other sites may send it orders in a user's name", "leave the check of XSRF tokens on"),
    "default_password": Rule("high", "the administrator has the password that everybody knows", "set one of your own"),
    "public_tunnel": Rule("high", "it is published on the internet through a tunnel", "leave share off"),
    "remote_models": Rule("high", "whoever reaches it may load and unload models", "fix the models, or restrict that interface"),
    "runs_as_root": Rule("medium", "it runs as the administrator of the machine", "run it as a user with few rights"),
    "empty_secret": Rule("high", "its token or password is set to nothing, which switches the question off", "leave the default, a random token, or set a hashed password"),
    "unread": Rule("low", "the file could not be read as what it looks like, so nothing is known of it", "correct it, or look at it by hand"),
    "unrecognised": Rule("low", "has no form that is read, so nothing is known of it", f"look at it by hand; read are {_FORMS}"),
}  # fmt: skip
"""By name."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """A place in a file that leaves something open.

    Attributes
    ----------
    file, line : str, int
        Where; line 0 for the file as a whole.
    server, rule : str
        Of which server, and which of `RULES`.
    """

    file: str
    line: int
    server: str
    rule: str

    @property
    def severity(self) -> str:
        """How much it leaves open."""
        return RULES[self.rule].severity

    @property
    def unknown(self) -> bool:
        """Whether it says only that nothing is known of this place."""
        return self.rule in {"unread", "unrecognised"}

    @property
    def says(self) -> str:
        """What is so, in words."""
        return RULES[self.rule].says

    @property
    def cure(self) -> str:
        """What to set instead."""
        return RULES[self.rule].cure


def unrecognised(file: str, line: int, what: str) -> Fault:
    """Return that something has no form that is read."""
    return fault(file, line, what, "unrecognised")


def fault(file: str, line: int, server: str, rule: str) -> Fault:
    """Return a fault of a known kind."""
    if rule not in RULES:
        raise KeyError(rule)
    return Fault(file, line, server, rule)


def beyond_loopback(address: str | None) -> bool:
    """Return whether an address to listen on is reached from other machines; names other than localhost are.

    Examples
    --------
    >>> beyond_loopback("0.0.0.0"), beyond_loopback("::"), beyond_loopback("127.0.0.1"), beyond_loopback("localhost")
    (True, True, False, False)
    """
    if address is None:
        return False
    bare = address.strip().strip("[]'\"").casefold()
    if bare in {"", "*"}:
        return True
    try:
        return not ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return bare != "localhost" and not bare.endswith(".localhost")
