"""Forked: a kernel that is a copy of a process which has everything imported, instead of a Python that starts anew."""

from __future__ import annotations

import ctypes
import faulthandler
import json
import os
import signal
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from auditkit.errors import AuditkitError
from auditkit.runner.kernel import KernelHandle
from auditkit.runner.kernel_app import open_no_port

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["ForkedKernel", "can_fork", "die_with_parent", "fork_kernel"]

_PR_SET_PDEATHSIG = 1


def can_fork() -> bool:
    """Whether a process that has imported everything can be copied safely here: on Linux; elsewhere system libraries forbid it."""
    return sys.platform == "linux"


def die_with_parent() -> None:
    """Have the system kill this process when the one that made it ends, however it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def fork_kernel() -> Callable[[Mapping[str, str], Path], ForkedKernel]:
    """Fork a kernel that waits for its orders; return what makes its handle.

    It is to be called while this process has one thread and no socket: the copy has none of the other threads, and shares the sockets.

    Raises
    ------
    AuditkitError
        If the system has no process left.
    """
    reading, writing = os.pipe()
    try:
        pid = os.fork()
    except OSError as error:
        raise AuditkitError(
            f"no process for the kernel: {error.strerror or error}. Give fewer --jobs"
        ) from None
    if pid == 0:
        os.close(writing)
        _be_kernel(reading)
    os.close(reading)
    return lambda environment, log: ForkedKernel(environment, log, pid, writing)


def _be_kernel(reading: int) -> None:
    """Wait for a connection file, then be the kernel; never returns."""
    code = 1
    try:
        die_with_parent()
        os.setsid()
        with os.fdopen(reading, "rb") as pipe:
            text = pipe.read()
        if text:
            _serve(json.loads(text))
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:  # noqa: BLE001 - the process ends here; its log, which is standard error by now, keeps why
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _serve(said: dict[str, Any]) -> None:
    log = os.open(said["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    faulthandler.enable(
        log
    )  # a copy of its own: ipykernel puts a pipe to itself in the place of standard error
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(said["environment"])
    os.chdir(said["cwd"])
    from ipykernel.kernelapp import IPKernelApp

    open_no_port()
    # as `python -m ipykernel_launcher` does
    if sys.path[:1] != [""]:
        sys.path.insert(0, "")
    application: Any = IPKernelApp.instance(parent_handle=os.getppid())
    application.initialize(["-f", said["connection_file"], "--HistoryManager.enabled=False"])
    application.start()


class _Forked:
    """A forked process with the few methods of `subprocess.Popen` that a kernel manager calls."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            try:
                done, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                self.returncode = -signal.SIGKILL
            else:
                if done:
                    self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:  # noqa: ARG002 - as that of Popen
        if self.returncode is None:
            try:
                _, status = os.waitpid(self.pid, 0)
            except ChildProcessError:
                self.returncode = -signal.SIGKILL
            else:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class ForkedKernel(KernelHandle):
    """The handle of a kernel that was forked and waits.

    Parameters
    ----------
    environment, log
        As for `KernelHandle`.
    pid : int
        The process.
    pipe : int
        Where it waits for its orders.
    """

    options: ClassVar[dict[str, Any]] = {"shutdown_kernel": "immediate"}
    pace: ClassVar[float] = 0.02

    def __init__(self, environment: Mapping[str, str], log: Path, pid: int, pipe: int) -> None:
        super().__init__(environment, log)
        self._given = {**os.environ, **environment}
        self._pid, self._pipe = pid, pipe

    def _prepare(self, manager: Any) -> None:
        from jupyter_client.provisioning.local_provisioner import LocalProvisioner

        handle = self

        class Provisioner(LocalProvisioner):
            """Sends the connection file to the process that waits for it."""

            async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:  # noqa: ARG002
                said = {
                    "connection_file": manager.connection_file,
                    "cwd": str(kwargs.get("cwd") or os.getcwd()),  # noqa: PTH109 - as text, for JSON
                    "environment": handle._given,
                    "log": str(handle._log),
                }
                try:
                    with os.fdopen(handle._pipe, "wb") as pipe:
                        pipe.write(json.dumps(said).encode())
                except BrokenPipeError:
                    raise RuntimeError("the kernel died before it began") from None
                self.process = _Forked(handle._pid)  # type: ignore[assignment]
                self.pid = self.pgid = handle._pid
                return self.connection_info

        manager.kernel_id = manager.kernel_id or "forked"
        manager.provisioner = Provisioner(
            kernel_id=manager.kernel_id, kernel_spec=manager.kernel_spec, parent=manager
        )

    def stop(self) -> None:
        """Kill the kernel and all processes it started, also one that still waits."""
        super().stop()
        with suppress(ProcessLookupError, PermissionError):
            os.kill(self._pid, signal.SIGKILL)
