"""Signing: Ed25519 keys in files, and envelopes (DSSE) under them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.envelopes import PAYLOAD_TYPE, PublicKey, canonical, of_pem, opened, packages
from auditkit.errors import InputError
from auditkit.packing.sealing import new_secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from securesystemslib.signer._crypto_signer import CryptoSigner

__all__ = ["KeyFiles", "PublicKey", "SigningKey", "envelope", "keygen", "opened", "public_key", "signing_key"]


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Where a new key lies.

    Attributes
    ----------
    private : pathlib.Path
        For its holder alone; readable by nobody else.
    public : pathlib.Path or None
        To be given to whoever verifies; None for a key of the restricted layer.
    """

    private: Path
    public: Path | None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, ready to sign.

    Attributes
    ----------
    public : PublicKey
        Its public half.
    """

    _signer: CryptoSigner
    public: PublicKey

    def __repr__(self) -> str:
        return f"SigningKey({self.public.keyid[:16]})"


def keygen(
    name: str | os.PathLike[str], *, passphrase: str | None = None, restricted: bool = False
) -> KeyFiles:
    """Make a key: NAME.key and NAME.pub to sign with, or NAME.key of a restricted layer.

    Parameters
    ----------
    name : path
        Path of the files without their ending. A folder that is not there is made, for its owner alone (mode 0700 on POSIX).
    passphrase : str, optional
        Encrypts the private key in its file.
    restricted : bool, default False
        Whether to make the secret of a restricted layer instead; it takes no passphrase.

    Raises
    ------
    InputError
        If a file is there already (no key is ever overwritten), the folder cannot be made, or a passphrase is empty or given for a secret.
    """
    base = Path(name)
    files = KeyFiles(
        base.with_name(f"{base.name}.key"), None if restricted else base.with_name(f"{base.name}.pub")
    )
    if not base.name:
        raise InputError(f"cannot make a key at {base}: give a name, such as keys/author")
    for path in (files.private, files.public):
        if path is not None and os.path.lexists(path):
            raise InputError(f"{path} is there already, and a key is never overwritten: give another name")
    if passphrase == "" or (passphrase and restricted):
        raise InputError("a passphrase must not be empty, and a key of a restricted layer takes none")
    _private_folder(base.parent)
    if restricted:
        _write_new(files.private, new_secret().encode(), 0o600)
        return files
    private, public = _new_pair(passphrase)
    _write_new(files.private, private, 0o600)
    if files.public is not None:
        _write_new(files.public, public, 0o644)
    return files


def _private_folder(folder: Path) -> None:
    """Make a folder for keys, for its owner alone; one that is there stays as it is."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder} for keys: {error.strerror or error}") from None


def public_key(path: str | os.PathLike[str]) -> PublicKey:
    """Read a public key.

    Raises
    ------
    InputError
        If the file is not there, or holds no public Ed25519 key in PEM.
    """
    text = _read(Path(path), "public key").decode("ascii", "replace")
    return of_pem(text, str(path))


def signing_key(path: str | os.PathLike[str], passphrase: str | None = None) -> SigningKey:
    """Return what signs with the private key in a file.

    Raises
    ------
    InputError
        If the file is not there, holds no private Ed25519 key, or the passphrase is missing or wrong.
    """
    pem = _read(Path(path), "private key")
    crypto = packages()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem, None if passphrase is None else passphrase.encode())
    except TypeError:
        asked = (
            "needs a passphrase: --passphrase-file FILE"
            if passphrase is None
            else "has no passphrase: leave it out"
        )
        raise InputError(f"the key at {path} {asked}") from None
    except ValueError:
        if b"-----BEGIN PUBLIC KEY-----" in pem:
            raise InputError(
                f"{path} is a public key: give the private one, which signs and ends in .key"
            ) from None
        raise InputError(f"{path} holds no private key in PEM, or the passphrase is wrong") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{path} holds another kind of key; expected Ed25519, as auditkit pack keygen makes")
    return SigningKey(crypto.CryptoSigner(key), of_pem(_pem(key.public_key()).decode(), str(path)))


def envelope(statement: Any, by: SigningKey) -> bytes:
    """Return a statement in a signed envelope, in canonical form."""
    from securesystemslib.dsse import Envelope

    made = Envelope(canonical(statement), PAYLOAD_TYPE, {})
    made.sign(by._signer)  # noqa: SLF001 - of this module
    return canonical(made.to_dict())


def _new_pair(passphrase: str | None) -> tuple[bytes, bytes]:
    packages()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        KeySerializationEncryption,
        NoEncryption,
        PrivateFormat,
    )

    kept: KeySerializationEncryption = (
        NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase.encode())
    )
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, kept), _pem(key.public_key())


def _pem(key: Ed25519PublicKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _read(path: Path, what: str) -> bytes:
    if not path.is_file():
        raise InputError(f"no {what} at {path}: make a pair with: auditkit pack keygen NAME")
    with path.open("rb") as file:
        return file.read(65_536)


def _write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that must not be there, with its rights from the start."""
    there = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), mode)
    with os.fdopen(there, "wb") as file:
        os.fchmod(there, mode)
        file.write(content)
        file.flush()
        os.fsync(there)
