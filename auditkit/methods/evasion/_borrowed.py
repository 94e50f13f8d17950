"""Borrowed: the random generators and the voice of the process, for a library that takes no generator; put back afterwards."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import sys
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["borrowed", "environment"]

_ALONE = threading.RLock()  # the generators of the process belong to one attack at a time


@contextlib.contextmanager
def borrowed(seed: int) -> Iterator[None]:
    """Seed the generators of the process, silence ART and Foolbox, and put everything back."""
    with _ALONE, _hushed(), _seeded(seed):
        yield


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """Keep Foolbox's lines from the root logger, which would get a handler by the first of them."""
    root, still = logging.getLogger(), logging.NullHandler()
    root.addHandler(still)
    root.addFilter(_of_others)
    try:
        yield
    finally:
        root.removeFilter(_of_others)
        root.removeHandler(still)


def _of_others(record: logging.LogRecord) -> bool:
    return "foolbox" not in Path(record.pathname).parts


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    numbers, plain, log = np.random.get_state(), random.getstate(), logging.getLogger("art")  # noqa: NPY002
    torch, level = sys.modules.get("torch"), log.level
    drawn = None if torch is None else torch.get_rng_state()
    log.setLevel(logging.CRITICAL)
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)
    if torch is not None:
        torch.manual_seed(seed)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        np.random.set_state(numbers)  # noqa: NPY002
        random.setstate(plain)
        log.setLevel(level)
        if torch is not None:
            torch.set_rng_state(drawn)


@contextlib.contextmanager
def environment(**words: str) -> Iterator[None]:
    """Let variables of the environment be others."""
    before = {word: os.environ.get(word) for word in words}
    os.environ.update(words)
    try:
        yield
    finally:
        for word, value in before.items():
            if value is None:
                del os.environ[word]
            else:
                os.environ[word] = value
