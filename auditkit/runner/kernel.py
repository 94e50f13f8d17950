"""Kernel: a fresh Python to run a notebook in, the same interpreter as this one, whatever kernels are installed."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from auditkit.errors import Cancelled
from auditkit.runner.sockets import SocketFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["CACHE_FOLDER", "KEEP_ANSWERS", "RUN_FOLDER", "KernelHandle", "in_notebook"]

RUN_FOLDER = "AUDITKIT_RUN_FOLDER"
CACHE_FOLDER = "AUDITKIT_CACHE_FOLDER"
KEEP_ANSWERS = "AUDITKIT_KEEP_ANSWERS"


def in_notebook() -> bool:
    """Whether this is a Jupyter kernel, and not a script or a terminal."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


class KernelHandle:
    """Makes the kernel manager that papermill is to use, and stops its kernel when asked.

    A kernel called ``python3`` may be installed for the user and lead to another interpreter; the audit would then
    run with other packages than those that were validated. So the command is given here, not looked up.

    Its channels are Unix sockets in a folder of its own, where the system has them; elsewhere, ports of this machine.

    Parameters
    ----------
    environment : mapping of str to str
        Variables for the kernel beside those of this process.
    log : pathlib.Path
        File for what the kernel's process itself says: warnings at its start, a crash's last words.
    """

    options: ClassVar[dict[str, Any]] = {}
    """What papermill is told besides."""
    pace: ClassVar[float] = 0.1
    """Seconds between two looks at the news."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        # jupyter_client substitutes $NAME in these values; a path may hold a dollar
        self._environment = {k: v.replace("$", "$$") for k, v in environment.items()}
        self._managers: list[Any] = []
        self._folders: list[SocketFolder] = []
        self._stopped = threading.Event()

    def manager_class(self) -> type:
        """Return the class that nbclient makes its kernel manager from."""
        from jupyter_client.kernelspec import KernelSpec
        from jupyter_client.manager import AsyncKernelManager
        from traitlets import Type

        handle = self
        spec = KernelSpec(
            argv=[sys.executable, str(Path(__file__).with_name("kernel_app.py")), "-f", "{connection_file}"],
            display_name="Python 3",
            language="python",
            env=self._environment,
            metadata={"supported_encryption": ["curve"]},  # as ipykernel's own
        )

        class RunKernelManager(AsyncKernelManager):
            """Starts this very interpreter."""

            client_factory = Type(_client_class())

            @property
            def kernel_spec(self) -> KernelSpec:
                return spec

            async def start_kernel(self, **kwargs: Any) -> None:  # type: ignore[override]  # async in the parent too
                if handle._stopped.is_set():
                    raise Cancelled("stopped before the kernel started")
                handle._managers.append(self)
                handle._connect(self)
                handle._prepare(self)
                with handle._log.open("ab") as log:
                    await super().start_kernel(**kwargs, stdout=log.fileno(), stderr=log.fileno())

        return RunKernelManager

    def _connect(self, manager: Any) -> None:
        """Say where the channels of a kernel are to be, before it starts."""
        folder = SocketFolder.made()
        if folder is None:
            return
        self._folders.append(folder)
        manager.transport, manager.ip, manager.cache_ports = "ipc", folder.prefix, False
        manager.connection_file = f"{folder.prefix}.json"

    def _prepare(self, manager: Any) -> None:
        """Ready a kernel manager before it starts its kernel."""

    def stop(self) -> None:
        """Kill the kernel and all processes it started; no other kernel starts."""
        self._stopped.set()
        for manager in self._managers:
            provisioner = manager.provisioner
            pid = getattr(provisioner, "pid", None)
            if not pid:
                continue
            with suppress(ProcessLookupError, PermissionError):
                if hasattr(os, "killpg") and getattr(provisioner, "pgid", None) == pid:
                    os.killpg(pid, signal.SIGKILL)
                else:
                    provisioner.process.kill()

    def close(self) -> None:
        """Remove what the kernel was reached by, once it has ended."""
        for folder in self._folders:
            folder.remove()


def _client_class() -> type:
    """Return a client that takes a kernel as ready once it has answered; the library's own listens until nothing came for 0.2 s."""
    from jupyter_client.asynchronous.client import AsyncKernelClient

    class Client(AsyncKernelClient):
        """Waits for the answer to its own question on both channels, so that nothing is left in them."""

        async def wait_for_ready(self, timeout: float | None = None) -> None:
            until = time.monotonic() + (float("inf") if timeout is None else timeout)
            while True:
                asked = str(self.kernel_info())
                reply = await _answer(self.get_shell_msg, asked, "kernel_info_reply", 1)
                # a channel that was not yet connected misses what was said meanwhile: ask again
                if reply and await _answer(self.get_iopub_msg, asked, "idle", 0.2):
                    self._handle_kernel_info_reply(reply)
                    return
                if not await self.is_alive():
                    raise RuntimeError("the kernel died before it answered")
                if time.monotonic() > until:
                    raise RuntimeError(f"the kernel did not answer in {timeout} seconds")

    return Client


async def _answer(get: Callable[..., Any], asked: str, kind: str, seconds: float) -> dict[str, Any]:
    """Return the message of a kind, or of a state, that answers a question; empty if nothing comes for so many seconds."""
    from queue import Empty

    while True:
        try:
            message: dict[str, Any] = await get(timeout=seconds)
        except Empty:
            return {}
        said = (message["msg_type"], message["content"].get("execution_state"))
        if message["parent_header"].get("msg_id") == asked and kind in said:
            return message
