"""Holding: what holds a child process, by name and in words; not every system offers all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Hold", "holds", "in_words"]

Hold = Literal["memory", "files", "network"]


def holds(held: Mapping[str, Any]) -> dict[Hold, bool]:
    """Return what the system itself holds a process to, by name.

    Parameters
    ----------
    held : mapping
        What `auditkit.sandbox.confinement.confine` returned, as the child said it.

    Returns
    -------
    dict
        "memory": memory and written files are limited. "files": Landlock refuses all but the libraries. "network": there is none.

    Examples
    --------
    >>> holds({"limits": True, "landlock": 0, "network": True, "opens": True})
    {'memory': True, 'files': False, 'network': True}
    """
    landlock = held.get("landlock")
    return {
        "memory": held.get("limits") is True,
        "files": isinstance(landlock, int) and landlock > 0,
        "network": held.get("network") is True,
    }


def in_words(held: Mapping[str, Any]) -> str:
    """Return what holds a process, and what does not.

    Examples
    --------
    >>> in_words({"limits": True, "landlock": 7, "network": True, "opens": True})
    'a process of its own: memory limited, files closed by the system (Landlock 7), no network'
    >>> in_words({"limits": False, "landlock": 0, "network": False, "opens": True})
    'a process of its own: memory NOT limited, files closed by the interpreter and NOT by the system, network NOT closed'
    """
    found = holds(held)
    by = "by the interpreter and NOT by the system" if held.get("opens") is True else "by NOTHING"
    files = f"closed by the system (Landlock {held.get('landlock')})" if found["files"] else f"closed {by}"
    said = (
        f"memory {'limited' if found['memory'] else 'NOT limited'}",
        f"files {files}",
        "no network" if found["network"] else "network NOT closed",
    )
    return f"a process of its own: {', '.join(said)}"
