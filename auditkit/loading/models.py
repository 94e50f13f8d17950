"""Models: model files, opened only as far as they can be trusted."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError
from auditkit.loading.tables import find_file
from auditkit.reading import LARGEST_MODEL, name_shown, read_bounded
from auditkit.scanning.artifacts import scan_artifact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from auditkit.sandbox.limits import Limits
    from auditkit.scanning.artifacts import Scan

__all__ = ["LoadedModel", "load_model", "needed_by"]

_ADVICE = "Ask for the model as skops (skops.io.dump) or ONNX, or audit its recorded predictions (model.predictions)."
_PIN = " If you made the file yourself and trust it, pin it: sha256 = '...' with what `sha256sum {file}` says where you made it"
_LIBRARIES = ("lightgbm", "xgboost")
_WEIGHTS = ("safetensors", "PyTorch weights")
_NEEDED = {
    "ONNX": ("onnxruntime",),
    "LightGBM text": ("lightgbm",),
    "XGBoost JSON": ("xgboost",),
    "XGBoost UBJSON": ("xgboost",),
}


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
        "skops", "pickle", "joblib", "ONNX", "LightGBM text", "XGBoost JSON" or "XGBoost UBJSON".
    apart : bool
        Whether it was opened, and is asked, in a process of its own.
    """

    model: Any
    trust: str
    digest: str
    format: str
    apart: bool = True


def load_model(
    path: str | Path, *, sha256: str | None = None, trusted: Sequence[str] = (), limits: Limits | None = None
) -> LoadedModel:
    """Load a model from a file, told apart by content, not by name.

    The file is read once; the bytes that are hashed are the bytes that are opened. What it asks for is read first, without running
    any of it. A file that may be opened is opened, and its model asked, in a process of its own; one that is pinned, in this process.

    Parameters
    ----------
    path : path
        skops, ONNX, and the boosters' own files; pickle and joblib where every name they ask for is on the list, or where
        ``sha256`` is given and agrees.
    sha256 : str, optional
        The digest that the owner of the file pinned. Compared before anything is opened, for every format.
    trusted : sequence of str
        Exact names of types that a skops file may use beyond the list: "credit.transformers.Binned".
    limits : Limits, optional
        What the model's process may take.

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
    data = read_bounded(file, LARGEST_MODEL, "model file")
    digest = hashlib.sha256(data).hexdigest()
    if sha256 is not None:
        _compare(file, digest, sha256)
    scan = scan_artifact(data)
    if sha256 is not None:
        return _pinned(file, data, scan, trusted)
    _refuse(file, scan, trusted)
    from auditkit.predictors.boxed import from_bytes

    libraries = [name for name in _LIBRARIES if any(ask.name.startswith(f"{name}.") for ask in scan.asks)]
    model = _named(
        file,
        lambda: from_bytes(
            data,
            scan.kind,
            trust="data" if scan.trust == "data" else "listed",
            trusted=trusted,
            limits=limits,
            libraries=libraries,
        ),
    )
    return LoadedModel(model, model.trust, digest, scan.kind)


def needed_by(path: Path) -> tuple[str, ...]:
    """Return the packages that a model file asks for, by the names they are imported by; it is not opened.

    Parameters
    ----------
    path : pathlib.Path
        A skops, ONNX, pickle or joblib file, or a booster's own. Of any other kind nothing is known.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    scan = scan_artifact(read_bounded(path, LARGEST_MODEL, "model file"))
    if scan.kind in _NEEDED:
        return _NEEDED[scan.kind]
    own = {"pickle": ("joblib",), "joblib": ("joblib",), "skops": ("skops",)}.get(scan.kind)
    if own is None:
        return ()
    return tuple(sorted({ask.name.partition(".")[0] for ask in scan.asks} | set(own)))


def _compare(file: Path, digest: str, pinned: str) -> None:
    wanted = pinned.strip().lower().removeprefix("sha256:")
    if len(wanted) != 64 or set(wanted) - set("0123456789abcdef"):
        raise InputError(f"{name_shown(file)}: sha256 must be 64 hexadecimal digits, got {pinned!r}")
    if not hmac.compare_digest(wanted, digest):
        raise InputError(
            f"{name_shown(file)}: refused: its sha256 begins {digest[:12]}, the pinned one {wanted[:12]}: the file is not the one that was pinned. "
            "Nothing in it was opened"
        )


def _refuse(file: Path, scan: Scan, trusted: Sequence[str]) -> None:
    """Refuse what the scan found trouble in, types aside that its owner trusts by name."""
    known = set(trusted)
    told = [one for one in scan.troubles if one.rule != "skops-type" or set(scan.unlisted) - known]
    if not told:
        if scan.kind in _WEIGHTS:
            raise InputError(
                f"{name_shown(file)}: refused: [no-model] {scan.kind} holds weights and no model to ask. Load the weights "
                "(auditkit.loading.load_weights) into your own module, and audit that: from_torch(module)"
            )
        return
    words = "; ".join(str(one) for one in told[:5]) + (f"; and {len(told) - 5} more" if len(told) > 5 else "")
    advice = _ADVICE + (_PIN.format(file=file.name) if "pickle" in scan.kind or "joblib" in scan.kind else "")
    if scan.kind == "skops" and all(one.rule == "skops-type" for one in told):
        listed = json.dumps([name for name in scan.unlisted if name not in known])
        advice = (
            'If you know them and trust them, name them exactly in the subject file (below a line [model] without "model."): '
            f"model.trusted = {listed[:1000]}"
        )
    raise InputError(f"{name_shown(file)}: refused: {words}. {advice}")


def _pinned(file: Path, data: bytes, scan: Scan, trusted: Sequence[str]) -> LoadedModel:
    """Open in this process a file for which its owner vouches."""
    from auditkit.loading.opening import open_model, untrusted_types

    if scan.kind in ("pickle", "joblib"):
        return LoadedModel(_unpickled(file, data), "pinned", scan.digest, scan.kind, apart=False)
    if scan.kind in _WEIGHTS or "format" in {one.rule for one in scan.troubles}:
        _refuse(file, scan, trusted)
    if scan.kind == "skops" and (strange := _named(file, lambda: untrusted_types(data, tuple(trusted)))):
        listed = json.dumps(strange)
        raise InputError(
            f"{name_shown(file)}: refused: [skops-type] it asks for {', '.join(strange[:12])}. If you know them and trust them, name them "
            f"exactly in the subject file: model.trusted = {listed[:1000]}"
        )
    trust = "data" if scan.trust == "data" or scan.kind == "ONNX" else "listed"
    model = _named(file, lambda: open_model(scan.kind, data, tuple(trusted)))
    return LoadedModel(model, trust, scan.digest, scan.kind, apart=False)


def _unpickled(file: Path, data: bytes) -> Any:
    import joblib

    try:
        model = joblib.load(io.BytesIO(data))
    except ModuleNotFoundError as error:
        raise InputError(
            f"{name_shown(file)}: the model needs the package {error.name!r}, which is not installed"
        ) from error
    except Exception as error:
        raise InputError(
            f"{name_shown(file)}: the pinned file cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    return model


def _named(file: Path, load: Callable[[], Any]) -> Any:
    try:
        return load()
    except InputError as error:
        raise InputError(f"{name_shown(file)}: {error}") from None
    except Exception as error:
        raise InputError(
            f"{name_shown(file)}: the file cannot be opened: {type(error).__name__}: {error}"
        ) from error
