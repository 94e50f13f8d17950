"""Kernel app: what a kernel's process runs: ipykernel, which opens no port where its channels are Unix sockets."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

__all__ = ["open_no_port"]


def open_no_port() -> None:
    """Have what forked processes print come through a socket beside that of the outputs; ipykernel takes a port for it."""
    import os

    import zmq
    from ipykernel import kernelapp
    from ipykernel.iostream import IOPubThread
    from zmq.eventloop.zmqstream import ZMQStream

    class NoPort(IOPubThread):
        """Sends the outputs of the kernel, and of processes that it forks."""

        _pipe_address = ""

        def _setup_pipe_in(self) -> None:
            outputs = self.socket.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
            if not outputs.startswith("ipc://"):
                super()._setup_pipe_in()  # type: ignore[no-untyped-call]
                return
            self._pipe_uuid, self._pipe_address = os.urandom(16), f"{outputs}-pipe"
            pipe = self.socket.context.socket(zmq.PULL)
            pipe.linger = 0
            pipe.bind(self._pipe_address)
            self._pipe_in = ZMQStream(pipe, self.io_loop)
            self._pipe_in.on_recv(self._handle_pipe_msg)

        def _setup_pipe_out(self) -> tuple[Any, Any]:
            if not self._pipe_address:
                both: tuple[Any, Any] = super()._setup_pipe_out()  # type: ignore[no-untyped-call]
                return both
            context: Any = zmq.Context()  # that of the parent is not usable after a fork
            pipe = context.socket(zmq.PUSH)
            pipe.linger = 3000
            pipe.connect(self._pipe_address)
            return context, pipe

    vars(kernelapp)["IOPubThread"] = NoPort


if __name__ == "__main__":
    # the folder of this file is not one to import from: Python puts it there without links; under PYTHONSAFEPATH it is not there
    if Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
        del sys.path[0]
    open_no_port()
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()
