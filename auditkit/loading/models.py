"""Models: model files, opened only as far as they can be trusted."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError
from auditkit.loading import pickles
from auditkit.loading.tables import find_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["LoadedModel", "load_model"]

_LARGEST_ZIP = 8 * 2**30
_ADVICE = (
    "Ask for the model as skops (skops.io.dump) or ONNX, or audit its recorded predictions (model.predictions). "
    "If you made the file yourself and trust it, pin it: sha256 = '...' with what `sha256sum {file}` says where you made it"
)
_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras keeps models so)"),
    (b"tree\n", "LightGBM's own text"),
    (b"PAR1", "a parquet table"),
    (b"ARROW1", "an Arrow table"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"#!", "a script"),
    (b"ZF", "a joblib file of before 2016"),
    (b"\x93NUMPY", "a numpy array"),
)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model from a file.

    Attributes
    ----------
    model : object
        What `auditkit.predictors.as_predictor` takes.
    trust : {"data", "listed", "pinned"}
        How it was opened: as data that cannot run code, by an exact list of types, or because its owner pinned it.
    digest : str
        sha256 of the bytes that were opened.
    format : str
        "skops", "ONNX" or "pickle".
    """

    model: Any
    trust: str
    digest: str
    format: str


def load_model(path: str | Path, *, sha256: str | None = None, trusted: Sequence[str] = ()) -> LoadedModel:
    """Load a model from a file, told apart by content, not by name.

    The file is read once; the bytes that are hashed are the bytes that are opened.

    Parameters
    ----------
    path : path
        skops and ONNX are opened; pickle and joblib only where ``sha256`` is given and agrees.
    sha256 : str, optional
        The digest that the owner of the file pinned. Compared before anything is opened, for every format.
    trusted : sequence of str
        Exact names of types that a skops file may use beyond skops's own list: "lightgbm.sklearn.LGBMClassifier".

    Raises
    ------
    InputError
        If the file is not there, does not agree with the digest, or is refused; the message says what it asked for.

    Examples
    --------
    >>> load_model("missing/credit.skops")
    Traceback (most recent call last):
    auditkit.errors.InputError: no model file missing/credit.skops.
    """
    file = find_file(path, "model")
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from None
    digest = hashlib.sha256(data).hexdigest()
    if sha256 is not None:
        _compare(file, digest, sha256)
    kind = _kind(data)
    if kind == "skops":
        return LoadedModel(_skops(file, data, trusted), "listed", digest, kind)
    if kind == "ONNX":
        from auditkit.predictors.onnx import from_onnx

        return LoadedModel(_named(file, lambda: from_onnx(data)), "data", digest, kind)
    if kind == "pickle":
        if sha256 is None:
            _refuse_pickle(file, data)
        return LoadedModel(_unpickled(file, data), "pinned", digest, kind)
    raise InputError(
        f"{file}: refused: {kind} is no model format auditkit opens. {_ADVICE.partition(' If you')[0]}"
    )


def _compare(file: Path, digest: str, pinned: str) -> None:
    wanted = pinned.strip().lower().removeprefix("sha256:")
    if len(wanted) != 64 or set(wanted) - set("0123456789abcdef"):
        raise InputError(f"{file}: sha256 must be 64 hexadecimal digits, got {pinned!r}")
    if not hmac.compare_digest(wanted, digest):
        raise InputError(
            f"{file}: refused: its sha256 begins {digest[:12]}, the pinned one {wanted[:12]}: the file is not the one that was pinned. "
            "Nothing in it was opened"
        )


def _kind(data: bytes) -> str:
    """Return "skops", "ONNX", "pickle", or in words what else the file is."""
    if not data:
        return "an empty file"
    if data.startswith(b"PK"):
        return _kind_of_zip(data)
    for magic, words in _KINDS:
        if data.startswith(magic):
            return words
    if data[:1] == b"\x80" or pickles.is_compressed(data):
        return _kind_of_stream(data)
    if _is_onnx(data):
        return "ONNX"
    if data[:1] == b"{" and data.lstrip(b"{ \n").startswith((b'"learner"', b'"version"')):
        return "XGBoost's own JSON"
    return "pickle" if pickles.looks_like_pickle(data) else "a file of unknown kind"


def _kind_of_stream(data: bytes) -> str:
    packing = pickles.is_compressed(data)
    inner = pickles.unpacked(data) if packing else data
    if packing == "lz4" or pickles.looks_like_pickle(inner):
        return "pickle"
    return f"a {packing} archive that holds no pickle" if packing else "a file of unknown kind"


def _kind_of_zip(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            size = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return "a broken zip archive"
    if "schema.json" in names:
        return "skops" if size <= _LARGEST_ZIP else f"a zip archive that unpacks to {size / 2**30:.0f} GiB"
    if any(name.endswith("data.pkl") for name in names):
        return "a PyTorch archive (a pickle within)"
    return "a zip archive without skops's schema.json"


def _is_onnx(data: bytes) -> bool:
    from auditkit.predictors._onnx_wire import read_wire

    try:
        return read_wire(data).graphs > 0
    except ValueError:
        return False


def _skops(file: Path, data: bytes, trusted: Sequence[str]) -> Any:
    import skops.io

    try:
        asked = sorted(set(skops.io.get_untrusted_types(data=data)))
    except Exception as error:
        raise InputError(
            f"{file}: refused: not a readable skops file: {type(error).__name__}: {error}"
        ) from error
    unlisted = [name for name in asked if name not in set(trusted)]
    if unlisted:
        listed = json.dumps(unlisted)
        raise InputError(
            f"{file}: refused: the file asks for {pickles.shown(unlisted, 12)}, on neither skops's list nor yours. If you know "
            f'them and trust them, name them exactly in the subject file (below a line [model] without "model."): '
            f"model.trusted = {listed[:1000]}"
        )
    try:
        return skops.io.loads(data, trusted=asked)
    except Exception as error:
        raise InputError(
            f"{file}: the skops file cannot be loaded: {type(error).__name__}: {error}"
        ) from error


def _refuse_pickle(file: Path, data: bytes) -> None:
    names = pickles.asks_for(data)
    asks = f"; the file asks for {pickles.shown(names)}" if names else ""
    raise InputError(
        f"{file}: refused: a pickle or joblib file runs code when it is opened{asks}. {_ADVICE.format(file=file.name)}"
    )


def _unpickled(file: Path, data: bytes) -> Any:
    import joblib

    try:
        model = joblib.load(io.BytesIO(data))
    except ModuleNotFoundError as error:
        raise InputError(
            f"{file}: the model needs the package {error.name!r}, which is not installed"
        ) from error
    except Exception as error:
        raise InputError(
            f"{file}: the pinned file cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    return model


def _named(file: Path, load: Any) -> Any:
    try:
        return load()
    except InputError as error:
        raise InputError(f"{file}: {error}") from None
