"""Sign-in: what the class of a hub's authenticator tells about who checks that somebody is who they say."""

from __future__ import annotations

from typing import Literal

__all__ = ["Way", "way_of", "words_of"]

Way = Literal["anybody", "nobody", "local", "directory", "provider", "unknown"]

_CLASSES: dict[str, Way] = {
    "DummyAuthenticator": "anybody",
    "SharedPasswordAuthenticator": "anybody",
    "TmpAuthenticator": "anybody",
    "NullAuthenticator": "nobody",
    "PAMAuthenticator": "local",
    "LocalAuthenticator": "local",
    "NativeAuthenticator": "local",
    "FirstUseAuthenticator": "local",
    "HashAuthenticator": "local",
    "LDAPAuthenticator": "directory",
    "KerberosAuthenticator": "directory",
}
_PROVIDERS = ("oauthenticator", "ltiauthenticator", "samlauthenticator", "jhub_cas_authenticator")
_WORDS: dict[Way, str] = {
    "anybody": "takes any name, with one password for all or none",
    "nobody": "lets nobody sign in",
    "local": "holds passwords on the hub's own machine",
    "directory": "asks a directory for a password",
    "provider": "sends people to an identity provider",
    "unknown": "is of a class that is not known here",
}


def way_of(authenticator: str) -> Way:
    """Return how people sign in under an authenticator.

    Parameters
    ----------
    authenticator : str
        Its class, as JupyterHub tells it.

    Examples
    --------
    >>> way_of("jupyterhub.auth.PAMAuthenticator"), way_of("oauthenticator.generic.GenericOAuthenticator"), way_of("ours.SignIn")
    ('local', 'provider', 'unknown')
    """
    module, _, name = authenticator.rpartition(".")
    if name in _CLASSES:
        return _CLASSES[name]
    return "provider" if module.partition(".")[0] in _PROVIDERS else "unknown"


def words_of(way: Way) -> str:
    """Return a way in words that follow the name of an authenticator."""
    return _WORDS[way]
