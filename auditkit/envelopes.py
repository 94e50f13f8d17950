"""Envelopes: signed statements (DSSE, Ed25519), opened and held to the key that stands in them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError, needs
from auditkit.shape import misfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from securesystemslib.signer._key import SSlibKey

__all__ = [
    "PAYLOAD_TYPE",
    "TYPE",
    "PublicKey",
    "canonical",
    "misfit_of",
    "of_pem",
    "opened",
    "packages",
    "parsed",
    "sha256",
    "subjects",
]

TYPE = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"


_SUBJECT = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "digest": {
            "type": "object",
            "properties": {"sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"}},
            "required": ["sha256"],
            "additionalProperties": False,
        },
    },
    "required": ["name", "digest"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public half of an Ed25519 key.

    Attributes
    ----------
    pem : str
        As it lies in a file.
    keyid : str
        Its name in an envelope: a digest of it.
    """

    pem: str
    keyid: str

    def _key(self) -> SSlibKey:
        return _from_pem(self.pem)


def canonical(value: Any) -> bytes:
    """Return JSON with sorted keys, no spaces, ASCII alone, and a line end."""
    return (json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False) + "\n").encode()


def parsed(data: bytes, what: str) -> Any:
    """Read JSON in its canonical form.

    Raises
    ------
    InputError
        If it is no JSON, or another form of it: one byte more would be a change that nothing tells.
    """
    try:
        read = json.loads(data)
        same = canonical(read) == data
    except (ValueError, RecursionError):
        raise InputError(f"{what} is no JSON") from None
    if not same:
        raise InputError(f"{what} is not in its canonical form: it was changed after it was written")
    return read


def sha256(data: bytes) -> str:
    """Return the digest in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def subjects(files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Return files as in-toto names them, sorted."""
    return [{"name": path, "digest": {"sha256": sha256(files[path])}} for path in sorted(files)]


def misfit_of(value: Any, kind: str) -> str | None:
    """Return in which way a value is no statement of this kind; None if it is one."""
    text = {"type": "string", "minLength": 1}
    predicate = {
        "type": "object",
        "properties": dict.fromkeys(("role", "name", "key", "signed_at"), text),
        "required": ["role", "name", "key", "signed_at", "does_not_prove"],
    }
    shape = {
        "type": "object",
        "properties": {
            "_type": {"const": TYPE},
            "subject": {"type": "array", "items": _SUBJECT},
            "predicateType": {"const": kind},
            "predicate": predicate,
        },
        "required": ["_type", "subject", "predicateType", "predicate"],
        "additionalProperties": False,
    }
    return misfit(value, shape)


def of_pem(text: str, where: str) -> PublicKey:
    """Return the public key in a PEM text; `where` it stands is said in the error."""
    try:
        key = _from_pem(text)
    except ValueError:
        hint = " (it is a private key: give the .pub beside it)" if "PRIVATE KEY" in text else ""
        raise InputError(f"{where} holds no public Ed25519 key in PEM{hint}") from None
    return PublicKey(text, key.keyid)


def opened(data: bytes, what: str) -> tuple[Any, PublicKey]:
    """Return the statement in an envelope, and the key that signed it, which stands in the statement itself.

    Raises
    ------
    InputError
        If the envelope is not canonical to the byte, has not one signature, or that is not of this statement and key.
    """
    packages()
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError

    read = parsed(data, what)
    try:
        made = Envelope.from_dict(json.loads(data))
        same = canonical(made.to_dict()) == data and set(read) == {"payload", "payloadType", "signatures"}
        exact = same and made.payload_type == PAYLOAD_TYPE and len(made.signatures) == 1
    except (KeyError, TypeError, ValueError, AttributeError, VerificationError):
        exact = False
    if not exact:
        raise InputError(f"{what} is no envelope with one signature")
    statement = parsed(made.payload, f"the statement in {what}")
    try:
        key = of_pem(statement["predicate"]["key"], f"the statement in {what}")
        made.verify([key._key()], 1)  # noqa: SLF001 - of this module
    except (KeyError, TypeError, VerificationError):
        raise InputError(f"the signature in {what} is not of this statement and key") from None
    return statement, key


def packages() -> Any:
    """Return the package that signs and checks.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        import cryptography  # noqa: F401
        import securesystemslib.signer
    except ImportError as error:
        package = "cryptography" if "cryptography" in str(error) else "securesystemslib"
        raise needs(package, "evidence", "signing an evidence pack") from None
    return securesystemslib.signer


def _from_pem(text: str) -> SSlibKey:
    crypto = packages()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(text.encode())
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("another kind of key")  # noqa: TRY004 - told as an InputError by whoever asked
    found: SSlibKey = crypto.SSlibKey.from_crypto(key)
    return found
