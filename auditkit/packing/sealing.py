"""Sealing: files that only the holder of a key reads, and ids of rows that only the holder can make again."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from auditkit.errors import InputError, needs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["SUFFIX", "Seal", "new_secret", "read_secret", "unsealed"]

SUFFIX = ".sealed"
_MARK = b"auditkit-sealed-1\n"
_NONCE = 12
_BYTES = 32
_CONTEXT = b"auditkit.pack/1.0\x00"


class Seal:
    """Encryption and pseudonyms under one secret, each with a key of its own (HKDF-SHA256).

    Files are encrypted with AES-256-GCM under a fresh nonce; a file is bound to its path, so that one cannot stand for another.

    Parameters
    ----------
    secret : bytes
        32 random bytes; see `read_secret`.

    References
    ----------
    NIST SP 800-38D (GCM); RFC 5869 (HKDF); RFC 2104 (HMAC).
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) != _BYTES:
            raise InputError(f"a key of the restricted layer has {_BYTES} bytes, got {len(secret)}")
        self._files = _derived(secret, b"files")
        self._rows = _derived(secret, b"row ids")

    def __repr__(self) -> str:
        return "Seal(...)"

    def close(self, path: str, content: bytes) -> bytes:
        """Return a file encrypted, for this path alone."""
        nonce = os.urandom(_NONCE)
        return _MARK + nonce + _cipher(self._files).encrypt(nonce, content, _CONTEXT + path.encode())

    def open(self, path: str, sealed: bytes) -> bytes:
        """Return what a file holds.

        Raises
        ------
        InputError
            If the key is another, the file was changed, or it stood under another path.
        """
        from cryptography.exceptions import InvalidTag

        start = len(_MARK)
        if not sealed.startswith(_MARK):
            raise InputError(f"{path} is no sealed file")
        nonce, rest = sealed[start : start + _NONCE], sealed[start + _NONCE :]
        try:
            return _cipher(self._files).decrypt(nonce, rest, _CONTEXT + path.encode())
        except (InvalidTag, ValueError):
            raise InputError(
                f"{path} cannot be opened: the key is another, or the file was changed or moved"
            ) from None

    def row_id(self, value: object) -> str:
        """Return the pseudonym of a row: HMAC-SHA256 under a key derived from the secret, in hexadecimal."""
        return hmac.new(
            self._rows, str(value).encode("utf-8", "backslashreplace"), hashlib.sha256
        ).hexdigest()


def new_secret() -> str:
    """Return a fresh secret as text."""
    return os.urandom(_BYTES).hex() + "\n"


def read_secret(path: str | os.PathLike[str]) -> bytes:
    """Return the secret in a file: 64 hexadecimal digits.

    Raises
    ------
    InputError
        If the file is not there, or holds something else.
    """
    file = Path(path)
    made = "make one with: auditkit pack keygen NAME --restricted"
    if not file.is_file():
        raise InputError(f"no key of the restricted layer at {file}: {made}")
    text = file.read_bytes()[:200].strip()
    if not re.fullmatch(rb"[0-9a-f]{64}", text):
        raise InputError(f"{file} holds no key of a restricted layer (64 hexadecimal digits): {made}")
    return bytes.fromhex(text.decode())


def unsealed(seal: Seal, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return what the sealed ones among files hold, by their path without the suffix."""
    return {
        path.removesuffix(SUFFIX): seal.open(path, content)
        for path, content in files.items()
        if path.endswith(SUFFIX)
    }


def _derived(secret: bytes, what: bytes) -> bytes:
    try:
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    except ImportError:
        raise needs("cryptography", "evidence", "a restricted layer") from None
    return HKDF(SHA256(), _BYTES, salt=None, info=_CONTEXT + what).derive(secret)


def _cipher(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)
