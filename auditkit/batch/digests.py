"""Digests: what stands in files, each read once for all keys of a batch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError
from auditkit.waiver import today

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from auditkit.waiver import Waiver

__all__ = ["Digests"]


@dataclass
class Digests:
    """Digests of files, each read once as long as its size, time and place stay the same.

    Attributes
    ----------
    day : datetime.date
        On which waivers hold or have run out; the same for all keys of a batch, also past midnight.
    """

    day: date = field(default_factory=today)
    _known: dict[Path, tuple[tuple[int, int, int], str]] = field(default_factory=dict)
    _waivers: dict[str, tuple[Waiver, ...]] = field(default_factory=dict)
    _read: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def of(self, path: Path) -> str:
        """Return the sha256 of a file's bytes.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        try:
            stat = path.stat()
            seen = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
            known = self._known.get(path)
            if known is None or known[0] != seen:
                with path.open("rb") as file:
                    known = (seen, hashlib.file_digest(file, "sha256").hexdigest())
                self._known[path] = known
        except OSError as error:
            raise InputError(f"cannot read {str(path)!r}: {error.strerror or error}") from None
        return known[1]

    def read_once(self, path: Path, read: Callable[[Path], tuple[str, ...]]) -> tuple[str, ...]:
        """Return what a function reads off a file, asked once for the same bytes.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        about = self.of(path), read.__qualname__
        if about not in self._read:
            self._read[about] = read(path)
        return self._read[about]

    def run_out(self, policy: Path) -> list[dict[str, Any]]:
        """Return the waivers of a policy that hold no longer.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        from auditkit.loading.policy import load_policy

        digest = self.of(policy)
        if digest not in self._waivers:
            self._waivers[digest] = load_policy(policy).waivers
        return [one.to_dict() for one in self._waivers[digest] if not one.holds(self.day)]
