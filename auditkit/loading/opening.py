"""Opening: a model out of the bytes of a file, by exact names only; meant for a process that has given up its rights."""

from __future__ import annotations

import io
from typing import Any

from auditkit.errors import InputError
from auditkit.scanning.artifacts.allowed import JOBLIB, is_listed

__all__ = ["joblib_trouble", "open_model", "untrusted_types"]


def open_model(kind: str, data: bytes, trusted: tuple[str, ...] = ()) -> Any:
    """Return the model in a file.

    Parameters
    ----------
    kind : str
        As `scan_artifact` tells it.
    data : bytes
        The file, which the scan let through.
    trusted : tuple of str
        Types that a skops file may use beyond the list.

    Raises
    ------
    InputError
        If it cannot be opened, or asks for a name that is not on the list after all.
    """
    if kind == "skops":
        return _skops(data, trusted)
    if kind in ("pickle", "joblib"):
        return _pickle(kind, data)
    if kind == "ONNX":
        from auditkit.predictors.onnx import from_onnx

        return from_onnx(data)
    if kind == "LightGBM text":
        import lightgbm

        return lightgbm.Booster(model_str=data.decode("utf-8"))
    if kind in ("XGBoost JSON", "XGBoost UBJSON"):
        import xgboost

        booster = xgboost.Booster()
        booster.load_model(bytearray(data))
        return booster
    raise InputError(f"a file of kind {kind} holds no model that can be asked")


def untrusted_types(data: bytes, trusted: tuple[str, ...] = ()) -> list[str]:
    """Return the types a skops file asks for that are on neither list: skops's own words, after the scan.

    Raises
    ------
    InputError
        If it is no readable skops file.
    """
    from auditkit import _skops as skops

    try:
        asked = sorted(set(skops.io.get_untrusted_types(data=data)))
    except Exception as error:
        raise InputError(f"refused: not a readable skops file: {type(error).__name__}: {error}") from error
    return [name for name in asked if name not in set(trusted) and not is_listed(*_parted(name))]


def joblib_trouble() -> str:
    """Say why the installed joblib cannot open a listed file; empty if it can.

    Before 1.6 what stands inside an array of objects was looked up without asking the unpickler that reads the file.
    """
    import joblib

    found = tuple(int(part) for part in joblib.__version__.split(".")[:2] if part.isdigit())
    if found >= JOBLIB:
        return ""
    wanted = ".".join(map(str, JOBLIB))
    return (
        f"joblib {joblib.__version__} looks up what stands inside arrays past the list: pip install 'joblib>={wanted}', "
        "or pin the file (sha256)"
    )


def _skops(data: bytes, trusted: tuple[str, ...]) -> Any:
    from auditkit import _skops as skops

    if strange := untrusted_types(data, trusted):
        raise InputError(f"refused: the file asks for {', '.join(strange[:12])}")
    asked = skops.io.get_untrusted_types(data=data)
    return skops.io.loads(data, trusted=asked)


def _pickle(kind: str, data: bytes) -> Any:
    from joblib.numpy_pickle_utils import _validate_fileobject_and_memmap

    from auditkit.loading.unpickling import array_reader, plain_reader

    if kind == "joblib" and (trouble := joblib_trouble()):
        raise InputError(trouble)
    with _validate_fileobject_and_memmap(io.BytesIO(data), "", None) as (stream, _):
        return (array_reader(stream) if kind == "joblib" else plain_reader(stream)).load()


def _parted(name: str) -> tuple[str, str]:
    module, _, last = name.rpartition(".")
    return module, last
