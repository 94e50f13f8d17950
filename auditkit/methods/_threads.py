"""Threads: small boosted models are trained on one, since threads that wait for each other on a busy machine cost far more than they save."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = ["one_thread"]


def one_thread() -> AbstractContextManager[object]:
    """Return a context in which scikit-learn's boosting uses one thread: thirty times quicker where others compute too."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    return threadpool_limits(1, user_api="openmp")  # type: ignore[no-any-return]
