"""Endpoint: a model behind an address that speaks as OpenAI's chat completions do; asked only because the user named it."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditkit.addresses import NO_ANSWER, checked_address, opener, why_not_asked
from auditkit.errors import InputError, ModelError
from auditkit.methods.language.conversation import Declined, LastingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Endpoint"]

_LARGEST = 8_000_000  # bytes of a reply
_AGAIN = (429, 500, 502, 503, 504)
_LASTING = (401, 404)  # a key that is not taken, an address where nothing is
_WAITS = (1.0, 4.0)  # seconds before the second and the third try
_PATH = "/chat/completions"


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
        checked_address(self.url, "endpoint=", "https://host/v1", secret="a key" if self.key_env else "")
        if not self.model:
            raise InputError("an endpoint needs model=, the name the service knows the model by")
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
        asking = opener(self.url)
        for wait in (*_WAITS, None):
            request = urllib.request.Request(self._address(), body, self._headers())  # noqa: S310 - scheme checked above
            try:
                with asking.open(request, timeout=self.timeout) as reply:
                    return _text(reply.read(_LARGEST + 1))
            except urllib.error.HTTPError as error:
                error.close()
                if error.code not in _AGAIN or wait is None:
                    kind = LastingError if error.code in _LASTING else ModelError
                    raise kind(f"the endpoint answered with status {error.code}") from None
            except NO_ANSWER as error:
                if wait is None:
                    raise LastingError(
                        f"the endpoint could not be asked: {why_not_asked(error, self.timeout)}"
                    ) from None
            time.sleep(wait)
        raise ModelError(
            "the endpoint could not be asked"
        )  # pragma: no cover - the last try returns or raises

    def _address(self) -> str:
        return self.url if self.url.endswith(_PATH) else self.url.rstrip("/") + _PATH

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
