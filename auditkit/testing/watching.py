"""Watching: an audit run in this process, and what each check left changed that it must leave alone."""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit import frames
from auditkit.audit import Completed, Finished

if TYPE_CHECKING:
    from auditkit.audit import Audit
    from auditkit.report import Report
    from auditkit.subject import Subject

__all__ = ["Watched", "random_states", "watch"]


@dataclass(frozen=True)
class Watched:
    """An audit that was run and watched.

    Attributes
    ----------
    report : Report
        What came of it.
    touched : dict of str to list of str
        By the code of a check, what it changed and should not have: a global random state, the rows of the subject.
    """

    report: Report
    touched: dict[str, list[str]] = field(default_factory=dict)


def watch(audit: Audit, subject: Subject, *, seed: int = 0) -> Watched:
    """Run an audit in this process, and see after each check what it changed outside of itself.

    Parameters
    ----------
    audit, subject, seed
        As for `Audit.run`.
    """
    touched: dict[str, list[str]] = {}
    before = _state(subject)
    for event in audit.stream(subject, seed=seed):
        if isinstance(event, Completed):
            report = event.report
        elif isinstance(event, Finished):
            now = _state(subject)
            changed = [name for name, value in now.items() if before.get(name, value) != value]
            if changed:
                touched[event.check.code] = changed
            before = now
    return Watched(report, touched)


def random_states() -> dict[str, Any]:
    """Return the global random states of Python, numpy and, where it is loaded, PyTorch, to compare by ==."""
    drawn: Any = np.random.get_state()  # noqa: NPY002 - to see that nobody else uses it
    found: dict[str, Any] = {
        "the global random state of Python (random.seed, random.random, ...)": random.getstate(),
        "the global random state of numpy (np.random.seed, np.random.rand, ...)": (
            drawn[0],
            drawn[1].tobytes(),
            *drawn[2:],
        ),
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        state = torch.random.get_rng_state().numpy().tobytes()
        found["the global random state of PyTorch (torch.manual_seed, torch.rand, ...)"] = state
    return found


def _state(subject: Subject) -> dict[str, Any]:
    splits = {"test": subject.test, "training": subject.train}
    rows = {
        f"the {name} rows of the subject": frames.digest(data.X, data.y)
        for name, data in splits.items()
        if data is not None
    }
    return random_states() | rows
