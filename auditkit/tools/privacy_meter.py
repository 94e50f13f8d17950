"""Privacy Meter: its population, reference and shadow audits of losses that are given, read back record by record."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from auditkit.arrays import read_arrays
from auditkit.errors import InputError
from auditkit.tools.catalogue import PRIVACY_METER
from auditkit.tools.run import ask

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from auditkit.tools.tool import Limits

__all__ = [
    "AUDITS",
    "AuditKind",
    "MeterAnswer",
    "MeterAudit",
    "Threshold",
    "ask_privacy_meter",
    "read_answer",
]

AuditKind = Literal["population", "reference", "shadow"]
Threshold = Literal["linear", "gaussian", "logit", "min_linear_logit"]
AUDITS: tuple[str, ...] = get_args(AuditKind)

_FUNCTIONS = {
    "linear": "linear_itp_threshold_func",
    "gaussian": "gaussian_threshold_func",
    "logit": "logit_rescale_threshold_func",
    "min_linear_logit": "min_linear_logit_threshold_func",
}
_LARGEST_FIGURES = 4_000_000
_MOST_THRESHOLDS = 10_000
_LARGEST = 2**53


@dataclass(frozen=True, eq=False)
class MeterAudit:
    """One of Privacy Meter's audits.

    Attributes
    ----------
    asked : ndarray of shape (t,)
        The false positive rates it set its thresholds for; empty for the shadow audit, which has one threshold.
    decisions : ndarray of bool, shape (t, n) or (1, n)
        Which records it calls members at each.
    scores : ndarray of shape (n,)
        How often each record is called a member, or the shadow classifier's probability; higher for members.
    auc : float
        The area it reports.
    accuracy : ndarray of shape (t,)
        The accuracies it reports.
    named : str
        What it calls itself in its result.
    """

    asked: NDArray[np.float64]
    decisions: NDArray[np.bool_]
    scores: NDArray[np.float64]
    auc: float
    accuracy: NDArray[np.float64]
    named: str


@dataclass(frozen=True, eq=False)
class MeterAnswer:
    """What Privacy Meter said: its audits by name, and the releases that said it."""

    audits: dict[str, MeterAudit]
    versions: dict[str, str]


def ask_privacy_meter(
    target: ArrayLike,
    members: ArrayLike,
    population: ArrayLike,
    references: ArrayLike,
    masks: ArrayLike,
    *,
    audits: Sequence[str] = AUDITS,
    threshold: Threshold = "linear",
    home: str | os.PathLike[str] | None = None,
    limits: Limits | None = None,
) -> MeterAnswer:
    """Run Privacy Meter's audits on losses, in its own environment.

    Parameters
    ----------
    target : array_like of shape (n,)
        The model's loss on each record; lower for members.
    members : array_like of bool, shape (n,)
        Who is a member.
    population : array_like of shape (m,)
        The model's losses on population records.
    references : array_like of shape (k, n)
        Losses of `k` reference models on the records.
    masks : array_like of bool, shape (k, n)
        Who was in whose training rows; every record in for as many models as any other.
    audits : sequence of {"population", "reference", "shadow"}
        Which.
    threshold : {"linear", "gaussian", "logit", "min_linear_logit"}
        Its test function: how a threshold is read off losses of non-members. The shadow audit has none.
    home : path-like, optional
        Folder of all tools.
    limits : Limits, optional
        What the run may use.

    Returns
    -------
    MeterAnswer

    Raises
    ------
    InputError
        If a shape does not fit, a value is not finite, or a word is not known.
    NotApplicable, ToolError, Cancelled
        As `auditkit.tools.run.ask`.
    """
    given = _given(target, members, population, references, masks)
    unknown = [a for a in audits if a not in AUDITS]
    if unknown or not audits:
        raise InputError(f"audits= names at least one of {', '.join(AUDITS)}; got {unknown or 'none'}")
    if threshold not in _FUNCTIONS:
        raise InputError(f"threshold= is one of {', '.join(_FUNCTIONS)}, got {threshold!r}")
    words = {"audits": np.array(list(audits)), "threshold": np.array(_FUNCTIONS[threshold])}
    truth = given["members"].astype(np.bool_)
    return ask(
        PRIVACY_METER, given | words, lambda folder: read_answer(folder, truth), home=home, limits=limits
    )


def read_answer(folder: Path, members: NDArray[np.bool_]) -> MeterAnswer:
    """Read what the runner wrote, and hold its counts against its decisions.

    Parameters
    ----------
    folder : pathlib.Path
        With ``figures.json`` and ``decisions.npz``.
    members : ndarray of bool, shape (n,)
        Who is a member.

    Raises
    ------
    InputError
        If a file is not of that form, or the two do not agree.
    """
    with (folder / "figures.json").open("rb") as file:
        text = file.read(_LARGEST_FIGURES + 1)
    if len(text) > _LARGEST_FIGURES:
        raise InputError(f"figures.json has more than {_LARGEST_FIGURES:,} bytes")
    try:
        figures = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"figures.json is no JSON: {str(error)[:200]}") from None
    said = figures.get("audits") if isinstance(figures, dict) else None
    releases = figures.get("versions") if isinstance(figures, dict) else None
    if not (isinstance(said, dict) and said and set(said) <= set(AUDITS) and isinstance(releases, dict)):
        raise InputError(
            f"figures.json holds no audits of {', '.join(AUDITS)} with the releases that made them"
        )
    arrays = read_arrays(folder / "decisions.npz")
    versions = {_word(k): _word(v) for k, v in list(releases.items())[:50]}
    audits = {name: _audit(name, said[name], arrays, members) for name in AUDITS if name in said}
    return MeterAnswer(audits, versions)


def _audit(name: str, said: Any, arrays: dict[str, np.ndarray], members: NDArray[np.bool_]) -> MeterAudit:
    if not isinstance(said, dict):
        raise InputError(f"figures.json: {name} is no object")
    decisions = arrays.get(name)
    if (
        decisions is None
        or decisions.dtype != np.bool_
        or decisions.ndim != 2
        or decisions.shape[1] != members.size
    ):
        raise InputError(f"decisions.npz holds no decisions of {name} on {members.size:,} records")
    t = len(decisions)
    if not 1 <= t <= _MOST_THRESHOLDS:
        raise InputError(f"decisions.npz: {name} has {t:,} thresholds")
    asked = _numbers(said, "asked", name, low=0.0)
    accuracy = _numbers(said, "accuracy", name, low=0.0)
    if asked.size not in (0, t) or accuracy.size != t or (asked.size and asked.max() > 1):
        raise InputError(
            f"figures.json: {name} reports {asked.size} rates and {accuracy.size} accuracies, has {t} thresholds"
        )
    counted = {"tp": decisions[:, members].sum(axis=1), "fp": decisions[:, ~members].sum(axis=1)}
    for word, own in counted.items():
        if not np.array_equal(_numbers(said, word, name, low=0.0), own):
            raise InputError(f"figures.json: the {word} of {name} are not those of its decisions")
    scores = np.asarray(arrays.get(f"{name}_score", decisions.sum(axis=0)))
    if scores.shape != members.shape or scores.dtype.kind not in "iuf" or not np.isfinite(scores).all():
        raise InputError(f"decisions.npz: the scores of {name} are not one finite number a record")
    area = _numbers({"auc": [said.get("auc")]}, "auc", name, low=0.0)
    return MeterAudit(
        asked, decisions, scores.astype(np.float64), float(area[0]), accuracy, _word(said.get("named"))
    )


def _numbers(said: dict[str, Any], word: str, name: str, *, low: float) -> NDArray[np.float64]:
    values = said.get(word)
    plain = isinstance(values, list) and all(type(v) in (int, float) and abs(v) < _LARGEST for v in values)
    found = np.array(values if plain else [np.nan], dtype=np.float64)
    if not np.isfinite(found).all() or (found < low).any():
        raise InputError(f"figures.json: {word} of {name} is no list of finite numbers from {low:g}")
    return found


def _word(value: Any) -> str:
    return "".join(c for c in str(value)[:60] if c.isprintable())


def _given(*values: ArrayLike) -> dict[str, np.ndarray]:
    names = ("target", "members", "population", "references", "masks")
    given: dict[str, np.ndarray] = {
        name: np.asarray(value, dtype=np.bool_ if name in ("members", "masks") else np.float64)
        for name, value in zip(names, values, strict=True)
    }
    n = given["target"].size
    shapes = {
        "target": (n,),
        "members": (n,),
        "masks": (len(given["references"]), n),
        "references": given["masks"].shape,
    }
    for name, shape in shapes.items():
        if given[name].shape != shape:
            raise InputError(f"{name} must be of shape {shape}, got {given[name].shape}")
    if given["population"].ndim != 1 or not given["population"].size or not 0 < given["members"].sum() < n:
        raise InputError(
            "population holds one loss a record, and both members and others are among the records"
        )
    if len(set(given["masks"].sum(axis=0).tolist())) != 1 or given["masks"].all():
        raise InputError(
            "every record must be in for as many reference models as any other, and out for at least one"
        )
    for name in ("target", "population", "references"):
        if not np.isfinite(given[name]).all():
            raise InputError(f"{name} holds values that are not finite")
    return given
