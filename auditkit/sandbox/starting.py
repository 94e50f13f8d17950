"""Starting: how a child comes to be: forked from a process that has imported what it needs, or started anew."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from auditkit.sandbox.places import folders_of, of_python

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Started", "start"]

_KEPT = (
    "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip
_ANEW = "import sys, json; a = json.loads(sys.argv[1]); sys.path[:] = a['path']; from auditkit.sandbox.child import main; main(a['serve'], a['memory'], a['readable'], a['modules'])"
_NURSERY = "import sys, json; a = json.loads(sys.argv[1]); sys.path[:] = a['path']; from auditkit.sandbox.nursing import main; main(a['place'])"
_FORKS = sys.platform.startswith("linux")


@dataclass(eq=False)
class Started:
    """A process that was started, and its two pipes.

    Attributes
    ----------
    pid : int
        Its number, and that of its group.
    questions, answers : file
        What it reads, and what it writes.
    """

    pid: int
    questions: BinaryIO
    answers: BinaryIO
    process: subprocess.Popen[bytes] | None = None
    nursery: _Nursery | None = None

    def kill(self) -> None:
        """End it and all that it started."""
        with suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                self.process.kill()  # type: ignore[union-attr]
            else:
                os.killpg(self.pid, signal.SIGKILL)

    def code(self) -> int | None:
        """Return its exit code once it closed its pipe, below 0 by a signal; None where it cannot be told."""
        if self.process is not None:
            with suppress(subprocess.TimeoutExpired):
                return self.process.wait(5)
            return None
        try:
            return self.nursery.ask({"do": "code", "pid": self.pid}, 30.0).get("code")  # type: ignore[union-attr]
        except OSError:
            return None

    def close(self) -> None:
        """Close the pipes."""
        for pipe in (self.questions, self.answers):
            with suppress(OSError):
                pipe.close()


def start(
    serve: str,
    memory: int,
    readable: Sequence[str],
    imports: Sequence[str],
    seconds: float,
    *,
    trusted: Sequence[str] = (),
) -> Started:
    """Start a child that serves; see `auditkit.sandbox.child.main`.

    Parameters
    ----------
    readable : sequence of str
        Folders that it may read, and import from, beside what Python is made of.
    imports : sequence of str
        Modules that it will need.
    trusted : sequence of str
        Types of the user's own; their modules are imported before files are given up, from the working folder too.
    seconds : float
        How long this may take.

    Raises
    ------
    OSError
        If it cannot be started.
    """
    path = [entry for entry in sys.path if entry and os.path.exists(entry)]  # noqa: PTH110 - entries of a search path
    beside = [os.getcwd()] if trusted else []  # noqa: PTH109 - a type of the user's own may lie beside the notebook
    order = {
        "serve": serve,
        "memory": memory,
        "readable": [*of_python(path), *readable, *folders_of(trusted)],
        "path": [*path, *readable, *beside],
        "modules": sorted({name.rpartition(".")[0] for name in trusted} - {""}),
    }
    if _FORKS:
        with suppress(OSError, ValueError):
            return _nursery().start({**order, "do": "start", "imports": list(imports)}, seconds)
    process = _python(_ANEW, order, pipe=subprocess.PIPE)
    return Started(process.pid, process.stdin, process.stdout, process)  # type: ignore[arg-type]


class _Nursery:
    """The parent's end of a process that forks children."""

    def __init__(self) -> None:
        self.owner, self.lock = os.getpid(), threading.Lock()
        self.sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        path = [entry for entry in sys.path if entry and os.path.exists(entry)]  # noqa: PTH110 - entries of a search path
        with theirs:
            os.set_inheritable(theirs.fileno(), True)  # noqa: FBT003 - of the standard library
            words = {"path": path, "place": theirs.fileno()}
            self.process = _python(_NURSERY, words, pipe=subprocess.DEVNULL, fds=(theirs.fileno(),))
        weakref.finalize(self, _end, self.sock, self.process, self.owner)

    def start(self, order: dict[str, Any], seconds: float) -> Started:
        """Have a child forked; its ends of the pipes travel over the socket."""
        theirs_in, questions = os.pipe()
        answers, theirs_out = os.pipe()
        try:
            pid = int(self.ask(order, seconds, [theirs_in, theirs_out])["pid"])
        except BaseException:
            os.close(questions)
            os.close(answers)
            raise
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        return Started(pid, os.fdopen(questions, "wb"), os.fdopen(answers, "rb"), nursery=self)

    def ask(self, message: dict[str, Any], seconds: float, fds: Sequence[int] = ()) -> dict[str, Any]:
        """Send a message and return the reply."""
        with self.lock:
            self.sock.settimeout(seconds)
            try:
                socket.send_fds(self.sock, [json.dumps(message).encode()], list(fds))
                data = self.sock.recv(2**16)
            except TimeoutError:
                self.sock.close()  # a late reply would be taken for that to the next message
                raise
        if not data:
            raise OSError("the process that forks children is gone")
        reply: dict[str, Any] = json.loads(data)
        return reply


def _end(sock: socket.socket, process: subprocess.Popen[bytes], owner: int) -> None:
    sock.close()
    if os.getpid() != owner:
        process.returncode = 0  # a fork holds a copy of this object, and the process is not its child
        return
    process.kill()
    process.wait()


_ONE: _Nursery | None = None
_LOCK = threading.Lock()


def _nursery() -> _Nursery:
    """Return the one of this process, made anew where it is gone, or was made before a fork."""
    global _ONE  # noqa: PLW0603 - one a process, as the process itself is one
    with _LOCK:
        if (
            _ONE is None
            or _ONE.owner != os.getpid()
            or _ONE.process.poll() is not None
            or _ONE.sock.fileno() < 0
        ):
            _ONE = _Nursery()
        return _ONE


def _python(
    code: str, words: dict[str, Any], *, pipe: int, fds: tuple[int, ...] = ()
) -> subprocess.Popen[bytes]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    own = {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": os.devnull, "JOBLIB_MULTIPROCESSING": "0"}
    return subprocess.Popen(  # noqa: S603 - this interpreter, without a shell
        [sys.executable, "-I", "-B", "-c", code, json.dumps(words)],
        stdin=pipe,
        stdout=pipe,
        stderr=subprocess.DEVNULL,
        env={**kept, **own},  # nothing of the user's own
        cwd=os.path.dirname(sys.executable) or None,  # noqa: PTH120 - a folder that is there and readable
        start_new_session=True,
        pass_fds=fds,
    )
