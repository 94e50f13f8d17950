"""Asking: a hub's API read with a token, by GET alone, at the address that the user named and no other."""

from __future__ import annotations

import json
import os
import re
import stat
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from auditkit.addresses import checked_address, opener, why_not_asked
from auditkit.errors import InputError, ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Hub", "Refused", "api_address", "token_of_env", "token_of_file"]

WITHHELD = "[the review's token]"
_PAGES = "application/jupyterhub-pagination+json"
_PAGE = 200  # entries that are asked for at once; a hub may give fewer
_MOST_PAGES = 2_000
_LARGEST = 64_000_000  # bytes of a reply
_AGAIN = (429, 500, 502, 503, 504)
_WAITS = (1.0, 4.0)  # seconds before the second and the third try
_VISIBLE = re.compile(r"[\x21-\x7e]{1,4096}")


class Refused(InputError):  # noqa: N818 - an answer of the hub, which decides what is seen
    """The hub answered that this may not be read, or is not there.

    Attributes
    ----------
    status : int
        As it was answered.
    """

    def __init__(self, status: int, path: str) -> None:
        super().__init__(f"the hub answered {path} with status {status}")
        self.status = status


@dataclass(frozen=True)
class Hub:
    """A hub's API.

    Parameters
    ----------
    url : str
        The hub's address, with or without ``/hub`` and ``/hub/api``.
    token : str
        Sent to that address in a header, and kept nowhere: not in a repr, an error, or what is returned.
    timeout : float
        Seconds that a reply may take.
    seconds : float
        Seconds that everything may take.

    Raises
    ------
    InputError
        If the address is none, or would send the token unencrypted to another machine.
    """

    url: str
    token: str = field(repr=False)
    timeout: float = 30.0
    seconds: float = 1_800.0
    _began: float = field(default_factory=time.monotonic, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", api_address(self.url))
        if not _VISIBLE.fullmatch(self.token):
            raise InputError("the token is one line of visible characters; this is not one")

    def get(self, path: str, **query: str | int) -> Any:
        """Return what the API answers.

        Raises
        ------
        Refused
            On status 401, 403, 404: a scope that the token lacks, or something that is not there.
        InputError
            On a redirect, or an answer that is no JSON.
        ToolError
            If no answer came after three tries, or the time for all is over.
        """
        address = f"{self.url}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"Authorization": f"token {self.token}", "Accept": f"{_PAGES}, application/json"}
        for wait in (*_WAITS, None):
            if time.monotonic() - self._began > self.seconds:
                raise ToolError(
                    f"the hub was asked for {self.seconds:g} s and had not told all; nothing is kept"
                )
            request = urllib.request.Request(address, headers=headers, method="GET")  # noqa: S310 - scheme checked by api_address
            try:
                with opener(self.url).open(request, timeout=self.timeout) as reply:
                    return self._read(reply.read(_LARGEST + 1), path)
            except urllib.error.HTTPError as error:
                error.close()
                self._refuse(error.code, path, last=wait is None)
            except (OSError, ValueError) as error:
                if isinstance(error, InputError):
                    raise
                if wait is None:
                    raise ToolError(
                        f"the hub could not be asked: {why_not_asked(error, self.timeout)}"
                    ) from None
            time.sleep(wait or 0)
        raise ToolError("the hub could not be asked")  # pragma: no cover - the last try returns or raises

    def pages(self, path: str) -> Iterator[Any]:
        """Yield the entries of a list, page after page; addresses of further pages that the hub names are not followed.

        Raises
        ------
        InputError
            As `get`; and if the list has no end.
        """
        offset = 0
        for _ in range(_MOST_PAGES):
            found = self.get(path, offset=offset, limit=_PAGE)
            if isinstance(found, list):  # a hub before pages
                yield from found
                return
            about = found.get("_pagination") if isinstance(found, dict) else None
            items = found.get("items") if isinstance(found, dict) else None
            if not isinstance(about, dict) or not isinstance(items, list):
                raise InputError(f"the hub's answer to {path} is no list, and no page of one")
            yield from items
            following = about.get("next")
            if following is None:
                return
            after = following.get("offset") if isinstance(following, dict) else None
            if type(after) is not int or after <= offset:
                raise InputError(f"the hub's answer to {path} names no page after {offset}")
            offset = after
        raise InputError(f"the hub's answer to {path} has more than {_MOST_PAGES:,} pages")

    def _refuse(self, status: int, path: str, *, last: bool) -> None:
        """Raise what a status means; return where it is worth another try."""
        if 300 <= status < 400:
            raise InputError(
                f"{self.url} answers with a redirect ({status}), which is not followed, as the token would go along: give the address of the hub itself"
            )
        if status in (401, 403, 404):
            raise Refused(status, path)
        if status not in _AGAIN or last:
            raise ToolError(f"the hub answered {path} with status {status}")

    def _read(self, data: bytes, path: str) -> Any:
        if len(data) > _LARGEST:
            raise InputError(f"the hub's answer to {path} is longer than {_LARGEST:,} bytes")
        try:
            return self._without_token(json.loads(data))
        except (ValueError, RecursionError):
            raise InputError(
                f"the answer to {path} is no JSON: is {self.url} the address of a JupyterHub?"
            ) from None

    def _without_token(self, value: Any) -> Any:
        """Return a value without the token: whoever pasted it into a note gives it to all who read the review."""
        if isinstance(value, str):
            return value.replace(self.token, WITHHELD)
        if isinstance(value, list):
            return [self._without_token(one) for one in value]
        if isinstance(value, dict):
            return {self._without_token(key): self._without_token(one) for key, one in value.items()}
        return value


def api_address(url: str) -> str:
    """Return the address of a hub's API.

    Raises
    ------
    InputError
        If it is no address, or is unencrypted and of another machine.

    Examples
    --------
    >>> api_address("https://jupyter.example.org"), api_address("https://example.org/lab/hub/")
    ('https://jupyter.example.org/hub/api', 'https://example.org/lab/hub/api')
    """
    parts = checked_address(url, "--hub", "https://jupyter.example.org", secret="a token")  # noqa: S106 - a word
    path = parts.path.rstrip("/").removesuffix("/api").removesuffix("/hub")
    return f"{parts.scheme}://{parts.netloc}{quote(path, safe='/%')}/hub/api"


def token_of_file(path: str | os.PathLike[str]) -> str:
    """Return the token in a file that only its owner can read.

    Raises
    ------
    InputError
        If the file is not there, others may read it, or it holds no token.
    """
    file = Path(path)
    try:
        place = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        raise InputError(f"cannot read the token in {file}: {error.strerror}") from None
    with os.fdopen(place, "rb") as opened:
        about = os.fstat(place)
        if not stat.S_ISREG(about.st_mode):
            raise InputError(f"{file} is no regular file; expected one that holds the token")
        if os.name == "posix" and about.st_mode & 0o077:
            raise InputError(
                f"{file} can be read by others (mode {stat.S_IMODE(about.st_mode):04o}): chmod 600 it, and make a new token if others were there"
            )
        return _token(opened.read(8_192), str(file))


def token_of_env(name: str) -> str:
    """Return the token in an environment variable.

    Raises
    ------
    InputError
        If it is not set, or holds no token.
    """
    found = os.environ.get(name)
    if not found:
        raise InputError(
            f"the environment variable {name} is not set: it holds the token, which stands in no file"
        )
    return _token(found.encode("utf-8", "replace"), name)


def _token(data: bytes, where: str) -> str:
    text = data.decode("ascii", "replace").strip()
    if not _VISIBLE.fullmatch(text):
        raise InputError(f"{where} holds no token: expected one line of visible characters")
    return text
