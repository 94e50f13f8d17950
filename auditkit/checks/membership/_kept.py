"""Kept: answers of reference models in a folder, for a later audit of the same model, rows, seed and versions."""

from __future__ import annotations

import hashlib
import io
import json
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import numpy as np

from auditkit import shared
from auditkit._version import __version__
from auditkit.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from auditkit.subject import Subject

__all__ = ["Asked", "keep_answers", "kept_at", "read_answers"]

_TRAINERS = ("numpy", "pandas", "scikit-learn", "lightgbm", "xgboost", "torch")
_ARRAYS = ("own", "population", "logit", "proba", "masks")
_COST = ("model_calls", "model_rows", "refits")


@dataclass(frozen=True)
class Asked:
    """What the reference models say.

    Attributes
    ----------
    own : ndarray of shape (k, n)
        Probability of each pool record's own label.
    population : ndarray of shape (k, m)
        The same for the population, which none of them saw.
    logit : ndarray of shape (k, r)
        Logit-scaled confidence in the label of each attacked record.
    proba : ndarray of shape (at most 32, r, c)
        All probabilities of the attacked records, of the first models.
    masks : ndarray of bool, shape (k, n)
        Who of the pool was in whose training rows.
    failures : list of str
        Models that could not be trained or asked, and why.
    """

    own: np.ndarray
    population: np.ndarray
    logit: np.ndarray
    proba: np.ndarray
    masks: np.ndarray
    failures: list[str]


def kept_at(subject: Subject, seed: int, references: int, pool: int, rows: int) -> Path | None:
    """Return the file for these answers; None where the audit keeps nothing, or the model has no digest to know it by."""
    folder = shared.folder()
    if folder is None or not subject.model.digest:
        return None
    about = {
        "model": [subject.model.kind, subject.model.digest],
        "data": [subject.split("train").digest, subject.test.digest],
        "drawn": [seed, references, pool, rows],
        "versions": [__version__, *map(_version, _TRAINERS)],
    }
    name = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
    return folder / f"references-{name}.npz"


def keep_answers(place: Path, asked: Asked, cost: dict[str, int]) -> None:
    """Write the answers; a folder that cannot be written to costs a later audit time and this one nothing."""
    held = io.BytesIO()
    np.savez(
        held,
        **{name: getattr(asked, name) for name in _ARRAYS},
        failures=np.array(asked.failures, dtype=np.str_),
        cost=np.array([cost[name] for name in _COST]),
    )
    with suppress(OSError):
        write_whole(place, held.getvalue())


def read_answers(
    place: Path, masks: np.ndarray, attacked: int, population: int
) -> tuple[Asked, dict[str, int]] | None:
    """Return answers and their cost as they were kept; None where there are none, or they do not fit such numbers of rows."""
    try:
        with np.load(io.BytesIO(place.read_bytes()), allow_pickle=False) as held:
            arrays = {name: held[name] for name in _ARRAYS}
            failures, cost = held["failures"].tolist(), held["cost"].tolist()
    except Exception:  # noqa: BLE001 - missing, cut short or foreign: the models are trained again
        return None
    asked = Asked(**arrays, failures=failures)
    k, n, r = len(asked.masks), masks.shape[1], attacked
    fits = (
        asked.masks.shape == (k, n)
        and asked.own.shape == (k, n)
        and asked.population.shape == (k, population)
        and asked.logit.shape == (k, r)
        and asked.proba.ndim == 3
        and asked.proba.shape[1] == r
        and len(cost) == len(_COST)
        and {row.tobytes() for row in asked.masks} <= {row.tobytes() for row in masks}
    )
    return (asked, dict(zip(_COST, cost, strict=True))) if fits else None


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
