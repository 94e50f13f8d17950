"""Shared: work that several checks of one audit have in common, under one seed and kept in one place."""

from __future__ import annotations

import pickle
import threading
import zlib
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from auditkit import progress
from auditkit.errors import NotApplicable

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, MutableMapping
    from pathlib import Path

__all__ = ["branch", "drawn", "folder", "generator_of", "once", "seed_of", "within"]

T = TypeVar("T")

_OWN = 2**32 - 1  # before a name: no place in a plan has this number, so no check draws the same

_audit: ContextVar[tuple[int | None, Path | None]] = ContextVar("auditkit_audit", default=(None, None))


@dataclass(slots=True)
class _Turn:
    """Who makes a piece of work, and how many are there for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    here: int = 0


_turns: dict[Hashable, _Turn] = {}
_counting = threading.Lock()


@contextmanager
def within(root: int, kept: Path | None = None) -> Iterator[None]:
    """Say to what runs inside the ``with`` block which audit it belongs to.

    Parameters
    ----------
    root : int
        The seed of the audit.
    kept : pathlib.Path, optional
        A folder for what later audits may take up again.
    """
    token = _audit.set((root, kept))
    try:
        yield
    finally:
        _audit.reset(token)


def folder() -> Path | None:
    """Return where results may be kept for later audits; None where nowhere."""
    return _audit.get()[1]


def branch(root: int, code: str) -> np.random.SeedSequence:
    """Return the branch of an audit's random numbers that a check draws from, which goes by its code and not by the rest of the plan."""
    return np.random.SeedSequence(root, spawn_key=(zlib.crc32(code.encode()),))


def generator_of(code: str, rng: np.random.Generator) -> np.random.Generator:
    """Return a generator that stands where that of a check of this audit starts, for who is to make what the check makes.

    Parameters
    ----------
    code : str
        Of the check.
    rng : numpy.random.Generator
        What is returned outside any audit.
    """
    root = _audit.get()[0]
    return rng if root is None else np.random.default_rng(branch(root, code))


def seed_of(name: str, rng: np.random.Generator) -> int:
    """Return the seed of a piece of work that every check of the audit draws alike, whatever its place in the plan.

    Parameters
    ----------
    name : str
        Which piece of work.
    rng : numpy.random.Generator
        Of the check; drawn from only where a check is called by itself, outside any audit.

    Examples
    --------
    >>> with within(7):
    ...     seed_of("references", np.random.default_rng(0)) == seed_of("references", np.random.default_rng(1))
    True
    """
    root = _audit.get()[0]
    if root is None:
        return int(rng.integers(2**63 - 1))
    branch = np.random.SeedSequence(root, spawn_key=(_OWN, zlib.crc32(name.encode())))
    return int(branch.generate_state(1, np.uint64)[0])


@contextmanager
def _turn(what: Hashable) -> Iterator[None]:
    """Let one at a time through for the same piece of work."""
    with _counting:
        turn = _turns.setdefault(what, _Turn())
        turn.here += 1
    try:
        while not turn.lock.acquire(timeout=0.2):
            progress.step(None, "waiting for work that another check shares")
        try:
            yield
        finally:
            turn.lock.release()
    finally:
        with _counting:
            turn.here -= 1
            if not turn.here:
                del _turns[what]


def once(memory: MutableMapping[Any, Any], key: Hashable, make: Callable[[], T]) -> T:
    """Return what `make` gives, made once for all who share `memory`.

    Checks of an audit may ask side by side: whoever comes second for the same piece waits, and can be cancelled meanwhile. Other pieces
    are not waited for: one may need the workers that would stand waiting. That something does not apply is remembered too; other failures are not.

    Parameters
    ----------
    memory : mutable mapping
        Of the subject.
    key : hashable
        What is asked for, with everything it depends on.
    make : callable
        Makes it.

    Examples
    --------
    >>> memory = {}
    >>> [once(memory, "a", lambda: len(memory) + 1) for _ in range(2)]
    [1, 1]
    """
    with _turn((id(memory), key)):
        if key not in memory:
            try:
                memory[key] = make()
            except NotApplicable as missing:
                memory[key] = missing
        found = memory[key]
    if isinstance(found, NotApplicable):
        raise NotApplicable(str(found))
    return found  # type: ignore[no-any-return]


def drawn(
    memory: MutableMapping[Any, Any], key: Hashable, rng: np.random.Generator, make: Callable[[], T]
) -> T:
    """Return what `make` draws from a generator, made once for all whose generator stands where this one does.

    The generator is left where making leaves it, whoever made it: no later number depends on who came first.

    Parameters
    ----------
    memory, key
        As `once`; where the generator stands is part of the key.
    rng : numpy.random.Generator
        What `make` draws from.
    make : callable
        Makes it.

    Examples
    --------
    >>> memory = {}
    >>> first, second = np.random.default_rng(1), np.random.default_rng(1)
    >>> made = [drawn(memory, "a", rng, rng.random) for rng in (first, second)]
    >>> made[0] == made[1], first.random() == second.random(), len(memory)
    (True, True, 1)
    """
    stands = pickle.dumps(rng.bit_generator.state)
    found, left = once(memory, (key, stands), lambda: (make(), rng.bit_generator.state))
    rng.bit_generator.state = left
    return found
