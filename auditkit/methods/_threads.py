"""Threads: small boosted models are trained on one, and what draws from torch's one generator is done by one at a time."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = ["one_at_a_time", "one_thread"]

_alone = threading.RLock()


def _unlock() -> None:
    global _alone  # noqa: PLW0603 - a forked process must not wait for a thread that it does not have
    _alone = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock)


def one_at_a_time() -> AbstractContextManager[object]:
    """Return a context that one thread is in at a time: layers draw weights and masks from one generator of the whole process."""
    return _alone


def one_thread() -> AbstractContextManager[object]:
    """Return a context in which scikit-learn's boosting uses one thread: thirty times quicker where others compute too."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    return threadpool_limits(1, user_api="openmp")  # type: ignore[no-any-return]
