"""Pseudonyms: keyed names for values, that only the holder of the key can make again."""

from __future__ import annotations

import hashlib
import hmac
import math
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Pseudonyms"]

_CONTEXT = b"auditkit.protect/1.0\x00column\x00"
_KEY = 32
_EXACT = 2**53  # from here on a float stands for several whole numbers
_SHOWN = 32  # hexadecimal digits: 128 bits, so that a million values collide with a chance below 1e-26


class Pseudonyms:
    """Pseudonyms of the values of columns: HMAC-SHA256 under a key of each column, itself derived from one secret by HMAC.

    The same value has one pseudonym within a column, wherever the column's name and the secret are the same, so that tables still join; in a
    column of another name it has another one. Without the secret a pseudonym cannot be made from a guessed value. Whoever has the secret can try
    every value there may be: pseudonymised data stay personal data.

    Parameters
    ----------
    secret : bytes
        32 random bytes.

    Raises
    ------
    InputError
        For a secret of another length.

    References
    ----------
    RFC 2104 (HMAC). ENISA 2019, "Pseudonymisation techniques and best practices", section 5 (keyed functions beside plain hashes).

    Examples
    --------
    >>> names = Pseudonyms(bytes(32))
    >>> names.of("patient", 17) == names.of("patient", "17") != names.of("doctor", 17)
    True
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) != _KEY:
            raise InputError(
                f"a key has {_KEY} bytes, got {len(secret)}: make one with auditkit pack keygen NAME --restricted"
            )
        self._secret = secret

    def __repr__(self) -> str:
        return "Pseudonyms(...)"

    def of(self, column: str, value: Any) -> str | None:
        """Return the pseudonym of one value of a column; None for a missing value.

        A whole number has one pseudonym, as 17, 17.0 and "17".

        Raises
        ------
        InputError
            For a float of 2**53 or more, which stands for several whole numbers.
        """
        return self.column(column, [value])[0]

    def column(self, column: str, values: Iterable[Any]) -> list[str | None]:
        """Return the pseudonyms of a column's values, in their order."""
        key = hmac.new(
            self._secret, _CONTEXT + column.encode("utf-8", "backslashreplace"), hashlib.sha256
        ).digest()
        made: dict[str, str] = {}
        found: list[str | None] = []
        for value in values:
            text = _canonical(value, column)
            if text is None:
                found.append(None)
                continue
            if text not in made:
                made[text] = hmac.new(
                    key, text.encode("utf-8", "backslashreplace"), hashlib.sha256
                ).hexdigest()[:_SHOWN]
            found.append(made[text])
        return found


def _canonical(value: Any, column: str) -> str | None:
    """Return a value as text, whole numbers without a point; None for a missing one."""
    if value is None or type(value).__name__ in (
        "NAType",
        "NaTType",
    ):  # pandas', whose comparisons have no truth
        return None
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, float) and math.isfinite(value) and abs(value) >= _EXACT:
        raise InputError(
            f"column {column!r} holds floating-point numbers of 2**53 or more, each of which stands for several whole numbers, so that different "
            "people would share a pseudonym: give the column as whole numbers or text"
        )
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)
