"""Nursery: a process that imports everything once, and from which each audit's process is forked."""

from __future__ import annotations

import importlib
import json
import os
import selectors
import signal
import sys
import traceback
from contextlib import suppress
from typing import Any

from auditkit.batch.forked import die_with_parent, fork_kernel

__all__ = ["main"]

# what the notebooks, their kernels and the pages need; what a subject needs besides, its audits import themselves
_NEEDED = (
    "nbformat", "nbclient", "papermill", "ipykernel.kernelapp", "ipykernel.ipkernel", "debugpy.server.api", "IPython.core.completerlib", "IPython.core.oinspect",
    "IPython.core.logger", "IPython.extensions.storemagic", "IPython.core.interactiveshell",
    "jupyter_client.manager", "jupyter_client.provisioning", "jupyter_core.utils", "nbconvert.exporters", "plotly.offline", "pandas",
    "pyarrow.parquet", "scipy.stats", "sklearn.linear_model", "sklearn.ensemble", "sklearn.pipeline", "sklearn.compose", "sklearn.metrics",
    "sklearn.calibration", "auditkit._skops", "pydantic", "narwhals", "auditkit.audit", "auditkit.loading", "auditkit.predictors.sklearn",
    "auditkit.runner.run", "auditkit.runner.export", "auditkit.runner.order", "auditkit.runner.notebook", "auditkit.render.views",
    "auditkit.render.notebook", "auditkit.batch.worker", "auditkit.batch.tables",
)  # fmt: skip


def main() -> None:
    """Serve jobs from standard input until it closes; tell of each start and end on standard output."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the batch decides, and closes the pipe
    orders, news = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # what an import prints is no news
    _warm()
    _say(news, {"ready": os.getpid()})
    waking, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken)
    watch = selectors.DefaultSelector()
    watch.register(orders, selectors.EVENT_READ)
    watch.register(waking, selectors.EVENT_READ)
    children: dict[int, str] = {}
    rest = b""
    while True:
        for key, _ in watch.select():
            data = os.read(key.fd, 2**16)
            if key.fd != orders:
                continue
            if not data:
                _end(children)
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                job = json.loads(line)
                try:
                    pid = _fork(job, (orders, news, waking, woken))
                except OSError as error:  # no process or no memory is left: the others go on
                    why = f"could not be started ({error.strerror or error})"
                    _say(news, {"ended": job["id"], "code": 1, "why": why})
                    continue
                children[pid] = job["id"]
                _say(news, {"started": job["id"], "pid": pid})
        _reap(children, news)


def _warm() -> None:
    os.environ.setdefault(
        "PYDEVD_DISABLE_FILE_VALIDATION", "1"
    )  # the debugger that kernels bring warns on import otherwise
    for name in _NEEDED:
        with suppress(ImportError):
            importlib.import_module(name)
    from auditkit.check import registry
    from auditkit.loading.policy import default_policy
    from auditkit.render.document import document
    from auditkit.render.sanitize import markdown
    from auditkit.runner.pages import check_pages
    from auditkit.runner.templates import catalogue

    registry(), default_policy(), check_pages(), catalogue()
    from markupsafe import Markup

    markdown("warm")
    document(Markup('<div class="ak-plot"></div>'), title="warm")  # packs plotly.js, which every page carries


def _fork(job: dict[str, Any], close: tuple[int, ...]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        die_with_parent()
        os.setsid()
        for number in close:
            os.close(number)
        from auditkit.batch.worker import work

        work(job, fork_kernel)
        code = 0
    except BaseException:  # noqa: BLE001 - the process ends here; what went wrong is kept in the log of the batch
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _reap(children: dict[int, str], news: int) -> None:
    while children:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        if pid in children:
            _say(news, {"ended": children.pop(pid), "code": os.waitstatus_to_exitcode(status)})


def _end(children: dict[int, str]) -> None:
    for pid in children:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    sys.exit(0)


def _say(news: int, said: dict[str, Any]) -> None:
    os.write(news, (json.dumps(said) + "\n").encode())


if __name__ == "__main__":
    main()
