"""Cluster: where the parts of checks run that an audit on a Dask worker hands out."""

from __future__ import annotations

import gc
import json
import os
import pickle
import sys
import threading
import uuid
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit import spread
from auditkit._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = ["CLUSTER", "ClusterExecutor", "forget_old_clients", "part", "to_cluster"]

CLUSTER = "AUDITKIT_CLUSTER"
"""Variable by which the kernel of an audit knows the cluster it runs on: JSON with ``address``, ``asked``, ``releases`` and ``own``."""
_FIRST = 10  # priority: parts that an audit waits for go before audits that have not begun
_PATIENCE = "20s"


@contextmanager
def to_cluster() -> Iterator[None]:
    """Send the parts of what runs inside the ``with`` block to the cluster that this process runs on; it does nothing elsewhere."""
    said = os.environ.get(CLUSTER)
    if not said:
        yield
        return
    with ClusterExecutor(**json.loads(said)) as executor, spread.over(executor):
        yield


class ClusterExecutor(Executor):
    """Sends calls to a Dask cluster, and makes here what cannot be made there, one after the other.

    So the numbers do not depend on it: a worker with other releases, a class that it cannot import, and a scheduler that does not answer cost
    time. A call that was sent and lost may have ended its worker: it is made in a process beside this one, and fails alone if it ends that too.

    Parameters
    ----------
    address : str
        Of the scheduler. It is connected to when the first call comes.
    asked : str
        A file that is made then: the sign to step aside for the worker's task that this process belongs to.
    releases : mapping of str to str
        What a worker must have to take a call, by the name of the distribution; "python" too.
    own : sequence of str
        Modules that no release tells apart, of a team's own. A call that names one is made here: a worker that lives on may have imported
        it before it was changed.
    """

    def __init__(
        self, address: str, asked: str, releases: Mapping[str, str], own: Sequence[str] = ()
    ) -> None:
        self._address, self._asked, self._releases = address, Path(asked), dict(releases)
        self._own = tuple(name.encode() for name in own)
        self._here = ThreadPoolExecutor(1, "auditkit-part")
        self._lock = threading.Lock()
        self._client: Any = None
        self._silent = False
        self._mp_context = get_context("spawn")  # of `spread.single`: this process has threads
        self.sent = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Hand in a call."""
        future: Future[Any] = Future()
        call = (fn, args, kwargs)
        try:
            packed = pickle.dumps(call, protocol=5)
            if any(name in packed for name in self._own):
                self._make_here(future, call)
                return future
            client = self._connected()
            far = client.submit(
                part,
                packed,
                {**self._releases, "auditkit": __version__},
                pure=False,
                priority=_FIRST,
                key=f"auditkit-part-{uuid.uuid4().hex}",
            )
        except Exception:  # noqa: BLE001 - not to be packed, no scheduler, or one that is gone
            self._make_here(future, call)
            return future
        self.sent += 1
        future.add_done_callback(lambda one: far.cancel() if one.cancelled() else None)
        far.add_done_callback(lambda one: self._landed(one, future, call))
        with suppress(OSError):
            self._asked.touch()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as every executor
        """Leave the cluster."""
        self._here.shutdown(wait=wait, cancel_futures=cancel_futures)
        if self._client is not None:
            with suppress(Exception):
                self._client.close()
            self._client = None

    def _connected(self) -> Any:
        with self._lock:
            if self._silent:
                raise ConnectionError(self._address)
            if self._client is None:
                import dask
                import distributed

                connect: Any = distributed.Client

                # a pool of records is large beside a task of Dask's, and is meant to travel with its call
                dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 GiB"})
                forget_old_clients()
                self._silent = True  # until it answered: another call must not wait as long again
                self._client = connect(self._address, timeout=_PATIENCE, set_as_default=False)
                self._silent = False
            return self._client

    def _landed(self, far: Any, future: Future[Any], call: tuple[Any, ...]) -> None:
        if future.cancelled():
            return
        try:
            how, what = far.result()
        except Exception:  # noqa: BLE001 - lost on the way in one of many ways
            # it may be what ended its worker, whatever Dask calls it: who did shows in a process of its own
            self._make_here(future, call, alone=True)
            return
        if how == "elsewhere":
            self._make_here(future, call)
        else:
            _fill(future, what, failed=how == "failed")

    def _make_here(self, future: Future[Any], call: tuple[Any, ...], *, alone: bool = False) -> None:
        with suppress(RuntimeError):  # shut down meanwhile: nobody waits
            self._here.submit(_made, future, (self._alone_made, (call,), {}) if alone else call)

    def _alone_made(self, call: tuple[Any, ...]) -> Any:
        fn, args, kwargs = call
        with spread.single(self) as pool:
            return pool.submit(fn, *args, **kwargs).result()


def forget_old_clients() -> None:
    """Collect clients of Dask's that nobody holds any more, before another begins.

    Also a closed one takes the lock of Dask's loops when it is collected. If that is while another client begins, which holds it, both wait for ever.
    """
    gc.collect()


def part(packed: bytes, releases: Mapping[str, str]) -> tuple[str, Any]:
    """Make a call on a worker: ``("done", value)``, ``("failed", error)``, or ``("elsewhere", why)`` where it cannot be made here."""
    other = [name for name, wanted in releases.items() if _release(name) != wanted]
    if other:
        return "elsewhere", f"other releases of {', '.join(other)}"
    try:
        fn, args, kwargs = pickle.loads(packed)  # noqa: S301 - packed by an audit of this cluster
    except BaseException as error:  # noqa: BLE001 - what is missing here shows itself in many ways
        return "elsewhere", str(error)
    try:
        return "done", fn(*args, **kwargs)
    except Exception as error:  # noqa: BLE001 - told where it is waited for
        return "failed", error


def _release(name: str) -> str:
    """Return the release that a call made in this process rests on: of what is loaded, which a later installation does not change."""
    if name == "python":
        return ".".join(map(str, sys.version_info[:3]))
    if name == "auditkit":
        return __version__
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        return ""
    if not _changed(name, installed.version):
        return installed.version
    loaded = [sys.modules[module] for module in _modules().get(name, ()) if module in sys.modules]
    if not loaded:
        return installed.version
    # what is imported stays as it was: only its own word tells its release now
    told = {str(word) for one in loaded if (word := getattr(one, "__version__", None))}
    return told.pop() if len(told) == 1 else f"{installed.version}, installed over one that is loaded"


@cache
def _modules() -> dict[str, tuple[str, ...]]:
    """Return the names by which each distribution is imported."""
    found: dict[str, set[str]] = {}
    for module, names in packages_distributions().items():
        for name in names:
            found.setdefault(name, set()).add(module)
    return {name: tuple(sorted(modules)) for name, modules in found.items()}


def _changed(name: str, release: str) -> bool:
    """Whether a distribution was installed after this process began; so too where that cannot be told."""
    import psutil

    try:
        stat = _about(name, release).stat()
        return max(stat.st_mtime, stat.st_ctime) > float(psutil.Process().create_time())
    except (OSError, StopIteration, psutil.Error):
        return True


@cache
def _about(name: str, release: str) -> Path:  # noqa: ARG001 - another release has another file
    """Return the file that says what a distribution is."""
    installed = distribution(name)
    said = next(one for one in installed.files or () if one.name in ("METADATA", "PKG-INFO"))
    return Path(str(installed.locate_file(said)))


def _made(future: Future[Any], call: tuple[Any, ...]) -> None:
    if future.cancelled():
        return
    fn, args, kwargs = call
    try:
        value = fn(*args, **kwargs)
    except BaseException as error:  # noqa: BLE001 - told where it is waited for
        _fill(future, error, failed=True)
    else:
        _fill(future, value, failed=False)


def _fill(future: Future[Any], what: Any, *, failed: bool) -> None:
    if future.set_running_or_notify_cancel():
        (future.set_exception if failed else future.set_result)(what)
