"""Addresses: what is asked over a network because the user named it: no other host, nothing unencrypted beyond this machine."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import urllib.request
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from auditkit.errors import InputError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

__all__ = ["NO_ANSWER", "TIMES", "checked_address", "opener", "why_not_asked"]

NO_ANSWER = (OSError, ValueError, http.client.HTTPException)
"""What urllib raises where no answer came; the last is what it makes of an answer that is no HTTP, and holds words of the other side."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")

TIMES = 10
"""How often the timeout for one part of an answer fits into that for its head, and for its body."""


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the key would go along. Where it leads is not even read."""

    def http_error_302(self, *_: Any, **__: Any) -> None:
        """Refuse."""

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


class _Cut:
    """A connection that is cut where the head of an answer trickles: a timeout alone begins anew with every byte."""

    timeout: Any
    sock: Any
    _was_cut = False

    def getresponse(self) -> Any:
        """Wait for the head of the answer."""
        waits = threading.Timer(TIMES * self.timeout, self._cut)
        waits.daemon = True
        waits.start()
        try:
            reply = super().getresponse()  # type: ignore[misc]  # of the connection beside it
        finally:
            waits.cancel()
        if self._was_cut:  # what came by then reads as a whole head
            reply.close()
            raise TimeoutError
        return reply

    def _cut(self) -> None:
        self._was_cut = True
        with suppress(OSError, AttributeError):  # it was closed in between
            self.sock.shutdown(socket.SHUT_RDWR)


class _Plain(_Cut, http.client.HTTPConnection):
    """As http:// is asked."""


class _Tls(_Cut, http.client.HTTPSConnection):
    """As https:// is asked."""


class _AskPlain(urllib.request.HTTPHandler):
    def http_open(self, request: urllib.request.Request) -> Any:
        """Ask."""
        return self.do_open(_Plain, request)


class _AskTls(urllib.request.HTTPSHandler):
    def https_open(self, request: urllib.request.Request) -> Any:
        """Ask; the certificate is checked against what this machine trusts."""
        return self.do_open(_Tls, request, context=ssl.create_default_context())


def checked_address(url: str, what: str, example: str, *, secret: str = "") -> SplitResult:
    """Return the parts of an address that may be asked.

    Parameters
    ----------
    url : str
        The address.
    what, example : str
        What it is called in an error ("endpoint="), and one that would do.
    secret : str
        What would be sent along, in words ("a key"); with it the address is encrypted, or of this machine. Empty where nothing is.

    Raises
    ------
    InputError
        If it is none, holds a user, password, query or fragment, or would send the secret unencrypted to another machine.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or not url.isprintable() or " " in url:
        got = "another" if "@" in url else repr(url[:80])  # what stands before an @ may be a password
        raise InputError(f"{what} is an address such as {example}; got {got}")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InputError(f"{what} holds no user, password or query: such an address is kept in files")
    if secret and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise InputError(f"{secret} is not sent unencrypted to another machine: give an https:// address")
    return parts


def opener(url: str) -> urllib.request.OpenerDirector:
    """Return what asks an address, always with a timeout: it follows no redirect, and asks this machine without a proxy between."""
    direct = [urllib.request.ProxyHandler({})] if urlsplit(url).hostname in _LOOPBACK else []
    return urllib.request.build_opener(_Stay, _AskPlain, _AskTls, *direct)


def why_not_asked(error: Exception, timeout: float) -> str:
    """Return in words why nothing came; no word of the other side is in it.

    Parameters
    ----------
    error : Exception
        What urllib raised.
    timeout : float
        How long was waited, in seconds.
    """
    reason = getattr(error, "reason", error)  # of a URLError, what is behind it
    words = {
        ConnectionRefusedError: "the connection was refused",
        socket.gaierror: "its host is not known",
        TimeoutError: f"nothing came within {timeout:g} s",
        ssl.SSLCertVerificationError: "its certificate is not one that this machine trusts",
        ssl.SSLError: "the encrypted connection failed",
        http.client.RemoteDisconnected: "the connection was closed without an answer",
        http.client.HTTPException: "what came is no HTTP, or broke off",
    }
    return next((said for kind, said in words.items() if isinstance(reason, kind)), type(reason).__name__)
