"""Endpoint: a model behind an address that speaks as OpenAI's chat completions do; asked only because the user named it."""

from __future__ import annotations

import json
import os
import socket
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from auditkit.errors import InputError, ModelError
from auditkit.methods.language.conversation import Declined, LastingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Endpoint"]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_LARGEST = 8_000_000  # bytes of a reply
_AGAIN = (429, 500, 502, 503, 504)
_LASTING = (401, 404)  # a key that is not taken, an address where nothing is
_WAITS = (1.0, 4.0)  # seconds before the second and the third try
_PATH = "/chat/completions"


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the key would go along."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Refuse."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model to ask: ``endpoint(messages, seed=0)``.

    Attributes
    ----------
    url : str
        ``https://host/v1``; ``/chat/completions`` is added where it is not there.
    model : str
        What the service calls the model.
    key_env : str
        The environment variable that holds the key; empty where none is needed. The key itself is read when a question is sent, and kept nowhere.
    timeout : float
        Seconds a reply may take.

    Raises
    ------
    InputError
        If the address is none, holds a password, or would send a key unencrypted to another machine; if the variable is not set.
    """

    url: str
    model: str
    key_env: str = ""
    timeout: float = 60.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"endpoint= is an address such as https://host/v1; got {self.url[:80]!r}")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise InputError(
                "endpoint= holds no user, password or query: name the key's variable by key_env="
            )
        if not self.model:
            raise InputError("an endpoint needs model=, the name the service knows the model by")
        if self.key_env and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise InputError("a key is not sent unencrypted to another machine: give an https:// endpoint")
        if self.key_env and not os.environ.get(self.key_env):
            raise InputError(
                f"the environment variable {self.key_env} is not set: it holds the key, which stands in no file"
            )

    def __call__(self, messages: Sequence[Mapping[str, str]], seed: int = 0) -> str:
        """Send one question and return the reply; as `Declined` where the service marks it as a refusal and says nothing else.

        Raises
        ------
        ModelError
            If no reply came after three tries, or it has another form. The message holds no word of the service. `LastingError` where the next question
            will hardly fare better.
        """
        body = json.dumps({"model": self.model, "messages": list(messages), "seed": seed}).encode()
        opener = urllib.request.build_opener(_Stay)
        for wait in (*_WAITS, None):
            request = urllib.request.Request(self._address(), body, self._headers())  # noqa: S310 - scheme checked above
            try:
                with opener.open(request, timeout=self.timeout) as reply:
                    return _text(reply.read(_LARGEST + 1))
            except urllib.error.HTTPError as error:
                error.close()
                if error.code not in _AGAIN or wait is None:
                    kind = LastingError if error.code in _LASTING else ModelError
                    raise kind(f"the endpoint answered with status {error.code}") from None
            except (OSError, ValueError) as error:
                if wait is None:
                    raise LastingError(f"the endpoint could not be asked: {self._why(error)}") from None
            time.sleep(wait)
        raise ModelError(
            "the endpoint could not be asked"
        )  # pragma: no cover - the last try returns or raises

    def _address(self) -> str:
        return self.url if self.url.endswith(_PATH) else self.url.rstrip("/") + _PATH

    def _why(self, error: Exception) -> str:
        reason = getattr(error, "reason", error)  # of a URLError, what is behind it
        words = {
            ConnectionRefusedError: "the connection was refused",
            socket.gaierror: "its host is not known",
            TimeoutError: f"nothing came within {self.timeout:g} s",
            ssl.SSLError: "the encrypted connection failed",
        }
        return next((said for kind, said in words.items() if isinstance(reason, kind)), type(reason).__name__)

    def _headers(self) -> dict[str, str]:
        own = {"Content-Type": "application/json", "Accept": "application/json"}
        return own | ({"Authorization": f"Bearer {os.environ[self.key_env]}"} if self.key_env else {})


def _text(data: bytes) -> str:
    try:
        message = json.loads(data[:_LARGEST])["choices"][0]["message"]
        said, declined = message["content"], message.get("refusal")
    except (ValueError, RecursionError, KeyError, IndexError, TypeError, AttributeError):
        raise ModelError("the endpoint's reply is no chat completion") from None
    if not all(one is None or isinstance(one, str) for one in (said, declined)):
        raise ModelError("the endpoint's reply holds no text")
    if declined and not said:
        return Declined(declined)
    return "\n".join(one for one in (said, declined) if one)
