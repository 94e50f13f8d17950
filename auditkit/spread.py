"""Spread: the parts of one check that do not wait for each other, run here or where the audit runs its checks."""

from __future__ import annotations

import pickle
import time
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from auditkit import early, progress
from auditkit.errors import Cancelled, InputError, NotApplicable, in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["MODULE", "Part", "each", "over", "single", "where"]

T = TypeVar("T")

MODULE = "put its functions and classes in a module that can be imported there, or run without executor="
"""What helps where something cannot be sent to another process."""

_SOON = 2.0  # seconds of work before its rest is estimated
_LISTEN = 0.2  # seconds between two looks whether somebody asked to stop
_SETUP: dict[str, Any] = {"mp_context": None, "initializer": None, "initargs": ()}

_executor: ContextVar[Executor | None] = ContextVar("auditkit_executor", default=None)


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """How a part ended.

    Attributes
    ----------
    value : object
        What the function returned; None where it failed.
    error : Exception or None
        Why it failed.
    """

    value: T | None
    error: Exception | None = None


def each(function: Callable[..., T], jobs: Sequence[tuple[Any, ...]], what: str = "part") -> list[Part[T]]:
    """Call a function once for each job, in the executor of the audit where there is one, and wait for all.

    Parameters
    ----------
    function : callable
        Of a module, so that it can travel; it draws random numbers only from what it is given.
    jobs : sequence of tuple
        The arguments of each call.
    what : str
        What a job is called in the progress: "reference model".

    Returns
    -------
    list of Part
        In the order of the jobs. What fails is an error of its part alone.

    Raises
    ------
    NotApplicable
        If a part says so: then the check does not apply.
    Cancelled
        If whoever listens asked to stop; parts that have not begun are dropped.

    Examples
    --------
    >>> [part.value for part in each(divmod, [(7, 2), (9, 4)])]
    [(3, 1), (2, 1)]
    """
    if not early.heeded():
        return _each(function, jobs, what)
    parts = _each(early.counted, [(function, *job) for job in jobs], what)
    early.add(sum(part.value[1] for part in parts if part.value))
    return [Part(part.value[0] if part.value else None, part.error) for part in parts]


def _each(function: Callable[..., T], jobs: Sequence[tuple[Any, ...]], what: str) -> list[Part[T]]:
    executor = _executor.get()
    if executor is None:
        return _here(function, jobs, what)
    began = time.monotonic()
    waiting = [_sent(executor, function, job) for job in jobs]
    try:
        pending = set(waiting)
        while pending:
            pending = wait(pending, timeout=_LISTEN, return_when=FIRST_COMPLETED).not_done
            _said(len(jobs) - len(pending), len(jobs), what, began)
        return [_end(future, executor, function, job) for future, job in zip(waiting, jobs, strict=True)]
    finally:
        for future in waiting:
            future.cancel()


@contextmanager
def over(executor: Executor | None) -> Iterator[None]:
    """Send the parts of what runs inside the ``with`` block to `executor`; run them here where there is none."""
    token = _executor.set(executor)
    try:
        yield
    finally:
        _executor.reset(token)


def where() -> Executor | None:
    """Return where parts are sent from here; None where they run here."""
    return _executor.get()


def single(executor: Executor) -> ProcessPoolExecutor:
    """Return a pool of one process, set up as those of a broken one: only who broke it breaks again."""
    return ProcessPoolExecutor(
        1, **{name: getattr(executor, f"_{name}", default) for name, default in _SETUP.items()}
    )


def _here(function: Callable[..., T], jobs: Sequence[tuple[Any, ...]], what: str) -> list[Part[T]]:
    parts: list[Part[T]] = []
    began = time.monotonic()
    for job in jobs:
        try:
            parts.append(Part(function(*job)))
        except (NotApplicable, Cancelled):
            raise
        except Exception as error:  # noqa: BLE001 - a part may fail in any way; the caller says it
            parts.append(Part(None, error))
        _said(len(parts), len(jobs), what, began)
    return parts


def _said(done: int, total: int, what: str, began: float) -> None:
    spent = time.monotonic() - began
    left = (
        f", about {_span(spent / done * (total - done))} left"
        if done < total and done and spent > _SOON
        else ""
    )
    progress.step(done / (total + 1), f"{what} {done} of {total}{left}")


def _span(seconds: float) -> str:
    """Return a span of time in words.

    Examples
    --------
    >>> _span(12), _span(200)
    ('12 s', '3 min')
    """
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _sent(executor: Executor, function: Callable[..., T], job: tuple[Any, ...]) -> Future[T]:
    if not isinstance(executor, ProcessPoolExecutor):
        return executor.submit(function, *job)
    try:
        # packed here and unpacked inside the worker's call: a pool hangs or breaks over what it cannot send
        return executor.submit(_unpacked, pickle.dumps((function, job), protocol=5))
    except BrokenExecutor as error:
        return _failed(error)
    except Exception as error:  # noqa: BLE001 - objects refuse to be pickled in many ways
        return _failed(InputError(f"cannot be sent to another process ({in_words(error)}): {MODULE}"))


def _unpacked(packed: bytes) -> Any:
    function, job = pickle.loads(packed)  # noqa: S301 - packed by the parent process
    return function(*job)


def _failed(error: Exception) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(error)
    return future


def _end(future: Future[T], executor: Executor, function: Callable[..., T], job: tuple[Any, ...]) -> Part[T]:
    try:
        try:
            return Part(future.result())
        except BrokenExecutor:
            if not isinstance(executor, ProcessPoolExecutor):
                raise
            with single(executor) as pool:
                return Part(_sent(pool, function, job).result())
    except (NotApplicable, Cancelled):
        raise
    except Exception as error:  # noqa: BLE001 - a part may fail in any way; the caller says it
        return Part(None, error)
