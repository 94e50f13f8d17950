"""Serving: a callable answered for on this machine alone, for as long as a tool runs, to whoever knows the token."""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Served", "served"]

_LARGEST = 4_000_000  # bytes of a question


@dataclass(frozen=True, slots=True)
class Served:
    """Where a callable is answered for.

    Attributes
    ----------
    address : str
        "127.0.0.1:40001".
    token : str
        What a question must carry: ``Authorization: Bearer TOKEN``.
    """

    address: str
    token: str

    @property
    def uri(self) -> str:
        """The address as a link."""
        return f"http://{self.address}/"


@contextmanager
def served(answer: Callable[[str], str | None]) -> Iterator[Served]:
    """Answer questions over HTTP inside the ``with`` block, one at a time; nothing listens after it.

    A question is ``{"text": ...}``, sent by POST with the token; the reply is ``{"text": ...}``, or the status 422 where there is none.

    Parameters
    ----------
    answer : callable
        Takes the text of a question; None for no reply. It is called from other threads, never twice at once.
    """
    token, turn = secrets.token_urlsafe(32), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = self.headers.get("Authorization", "")
            if not hmac.compare_digest(said.encode(), f"Bearer {token}".encode()):
                self._reply(401, {"error": "no token"})
                return
            text = self._question()
            if text is None:
                self._reply(400, {"error": 'expected {"text": ...}'})
                return
            with turn:
                found = answer(text)
            if found is None:
                self._reply(422, {"error": "no reply"})
            else:
                self._reply(200, {"text": found})

        def _question(self) -> str | None:
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > _LARGEST:
                return None
            try:
                found = json.loads(self.rfile.read(int(length)))
            except (ValueError, RecursionError):
                return None
            text = found.get("text") if isinstance(found, dict) else None
            return text if isinstance(text, str) else None

        def _reply(self, status: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by the base
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    listener = threading.Thread(
        target=server.serve_forever, args=(0.05,), name="auditkit-served", daemon=True
    )
    listener.start()
    try:
        yield Served(f"127.0.0.1:{server.server_address[1]}", token)
    finally:
        server.shutdown()
        server.server_close()
        listener.join()
