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
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from auditkit.addresses import NO_ANSWER, TIMES, checked_address, opener, why_not_asked
from auditkit.errors import AuditkitError, InputError, ToolError
from auditkit.hub.fields import each_once

if TYPE_CHECKING:
    import http.client
    from collections.abc import Iterator
    from urllib.request import OpenerDirector

__all__ = ["Hub", "Refused", "api_address", "token_of_env", "token_of_file"]

WITHHELD = "[the review's token]"
_PAGES = "application/jupyterhub-pagination+json"
_PAGE = 200  # entries that are asked for at once; a hub may give fewer
_MOST_PAGES = 2_000
_LARGEST = 64_000_000  # bytes of a reply
_TOGETHER = 512_000_000  # bytes of all replies
_CHUNK = 65_536  # bytes that are read before the clock is looked at
_AGAIN = (429, 500, 502, 503, 504)
_WAITS = (1.0, 4.0)  # seconds before the second and the third try
_VISIBLE = re.compile(r"[\x21-\x7e]{8,4096}")  # JupyterHub takes none under eight
_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,63}", re.IGNORECASE)
_LIKE_A_TOKEN = re.compile(r"[^/.\\]{16,}")


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
    _read_so_far: list[int] = field(default_factory=lambda: [0], repr=False)
    _opener: OpenerDirector = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", api_address(self.url))
        object.__setattr__(self, "_opener", opener(self.url))
        if not _VISIBLE.fullmatch(self.token):
            raise InputError("the token is one line of eight visible characters or more; this is not one")

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
            self._in_time()
            request = urllib.request.Request(address, headers=headers, method="GET")  # noqa: S310 - scheme checked by api_address
            try:
                with self._opener.open(request, timeout=self.timeout) as reply:
                    return self._read(self._body(reply, path), path)
            except urllib.error.HTTPError as error:
                error.close()
                self._refuse(error.code, path, last=wait is None)
            except AuditkitError:
                raise
            except NO_ANSWER as error:
                if wait is None:
                    raise ToolError(
                        f"the hub could not be asked: {why_not_asked(error, self.timeout)}"
                    ) from None
            time.sleep(wait or 0)
        raise ToolError("the hub could not be asked")  # pragma: no cover - the last try returns or raises

    def pages(self, path: str, *, counted: bool = False) -> Iterator[Any]:
        """Yield the entries of a list, page after page; addresses of further pages that the hub names are not followed.

        Parameters
        ----------
        path : str
            Of the list.
        counted : bool
            Whether the number of entries that the hub tells is that of the entries it gives. Then a list from which something was taken while it was read,
            so that an entry slipped to a page that had been read, is read again.

        Raises
        ------
        InputError
            As `get`; and if the list has no end, or does not hold still.
        """
        for _ in range(3):
            found: list[Any] = []
            totals: list[int] = []
            for page, total in self._each_page(path):
                found += page
                totals += [total] if type(total) is int else []
            shrank = any(later < sooner for sooner, later in pairwise(totals))
            if not counted or not totals or not (shrank or totals[-1] > len(found)):
                yield from found
                return
        raise InputError(
            f"the hub's answer to {path} has {totals[-1]:,} entries and gave {len(found):,}: it changed each of the three times it was read; take the snapshot at a quieter time"
        )

    def _each_page(self, path: str) -> Iterator[tuple[list[Any], Any]]:
        """Yield pages, each with how many entries the hub says there are."""
        offset = 0
        for _ in range(_MOST_PAGES):
            found = self.get(path, offset=offset, limit=_PAGE)
            if isinstance(
                found, list
            ):  # something between took the Accept header away, without which there are no pages
                if found and self.get(path, offset=len(found), limit=_PAGE) not in ([], found):
                    raise InputError(
                        f"the hub's answer to {path} is cut off: a proxy before it seems to drop the header Accept. Ask the hub itself"
                    )
                yield found, None
                return
            about = found.get("_pagination") if isinstance(found, dict) else None
            items = found.get("items") if isinstance(found, dict) else None
            if not isinstance(about, dict) or not isinstance(items, list):
                raise InputError(f"the hub's answer to {path} is no list, and no page of one")
            yield items, about.get("total")
            following = about.get("next")
            if following is None:
                return
            after = following.get("offset") if isinstance(following, dict) else None
            if type(after) is not int or after <= offset:
                raise InputError(f"the hub's answer to {path} names no page after {offset}")
            offset = after
        raise InputError(f"the hub's answer to {path} has more than {_MOST_PAGES:,} pages")

    def _in_time(self) -> None:
        if time.monotonic() - self._began > self.seconds:
            raise ToolError(f"the hub was asked for {self.seconds:g} s and had not told all; nothing is kept")

    def _body(self, reply: http.client.HTTPResponse, path: str) -> bytes:
        """Return a reply, which may neither be long nor trickle."""
        found, until = bytearray(), time.monotonic() + TIMES * self.timeout
        while part := reply.read1(_CHUNK):
            found += part
            self._read_so_far[0] += len(part)
            if len(found) > _LARGEST:
                raise InputError(f"the hub's answer to {path} is longer than {_LARGEST:,} bytes")
            if self._read_so_far[0] > _TOGETHER:
                raise InputError(f"the hub's answers are longer than {_TOGETHER:,} bytes together")
            self._in_time()
            if time.monotonic() > until:
                raise ToolError(f"the hub's answer to {path} took over {TIMES * self.timeout:g} s")
        return bytes(found)

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
        try:
            return self._without_token(json.loads(data, object_pairs_hook=each_once))
        except InputError as error:
            raise InputError(f"the hub's answer to {path}: {error}") from None
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
        shown = "the file that was named" if _LIKE_A_TOKEN.fullmatch(os.fspath(path)) else file
        raise InputError(f"cannot read the token in {shown}: {error.strerror}") from None
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
    found = os.environ.get(name) if _NAME.fullmatch(name) else None
    if not found:  # what was given may be the token itself, so it is not told
        raise InputError(
            "the environment variable that --token-env names is not set: give the name of one that holds the token, not the token"
        )
    return _token(found.encode("utf-8", "replace"), name)


def _token(data: bytes, where: str) -> str:
    text = data.decode("ascii", "replace").strip()
    if not _VISIBLE.fullmatch(text):
        raise InputError(f"{where} holds no token: expected one line of eight visible characters or more")
    return text
