"""garak: its probes put to a callable or to its own test models, and its report read back, try by try."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit.errors import InputError, ToolError
from auditkit.tools.catalogue import GARAK
from auditkit.tools.run import ask
from auditkit.tools.serving import served

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from auditkit.tools.tool import Limits

__all__ = ["RELIABLE", "TEST_MODELS", "GarakAnswer", "GarakRow", "ask_garak", "read_answer"]

TEST_MODELS = ("test.Blank", "test.Repeat")
"""Models that garak brings along: one says nothing, one repeats what it is told."""

RELIABLE = 0.8
"""Specificity below which a detector is marked unreliable: more than one in five harmless replies is counted as a hit."""

_PROBE = re.compile(r"[a-z][a-z0-9_]{0,39}(\.[A-Za-z][A-Za-z0-9_]{0,59})?")
_NAME = re.compile(r"[A-Za-z0-9_.]{1,120}")
_LONGEST_LINE, _LARGEST_QUALITY, _MOST_ATTEMPTS = 64_000_000, 4_000_000, 500_000
_THRESHOLD = 0.5  # garak's eval_threshold: from here a score is a hit


@dataclass(frozen=True, slots=True)
class GarakRow:
    """What one of garak's detectors said of the tries of one of its probes.

    Attributes
    ----------
    probe, detector : str
        As garak names them.
    hits, scored : tuple of int
        Of each prompt, how many tries were hits, and how many were scored.
    nones : int
        Tries without a reply or without a score.
    sensitivity, specificity : float or None
        As garak measured them; None where it gives none, and then it counts both as 1.
    """

    probe: str
    detector: str
    hits: tuple[int, ...]
    scored: tuple[int, ...]
    nones: int
    sensitivity: float | None = None
    specificity: float | None = None

    @property
    def total(self) -> int:
        """Tries that were scored."""
        return sum(self.scored)

    @property
    def passed(self) -> int:
        """Tries that were no hits."""
        return self.total - sum(self.hits)

    @property
    def unreliable(self) -> bool:
        """Whether its specificity is known and below `RELIABLE`."""
        return self.specificity is not None and self.specificity < RELIABLE


@dataclass(frozen=True, slots=True)
class GarakAnswer:
    """What garak found: its rows, the releases that found them, and how many questions the model was asked."""

    rows: tuple[GarakRow, ...]
    versions: dict[str, str]
    asked: int = 0


def ask_garak(
    model: Callable[[str], str | None] | str,
    probes: Sequence[str],
    *,
    tries: int = 2,
    prompts: int = 64,
    seed: int = 0,
    home: str | os.PathLike[str] | None = None,
    limits: Limits | None = None,
) -> GarakAnswer:
    """Put garak's probes to a model, from garak's own environment.

    A callable is answered for on 127.0.0.1 while garak runs, with a token made for this run; garak can connect to nothing else. So a model
    behind an address or a key is asked from here, and garak sees neither.

    Parameters
    ----------
    model : callable or {"test.Blank", "test.Repeat"}
        Takes one text, the last thing said, and returns a reply or None; or one of garak's test models.
    probes : sequence of str
        Names as garak has them: "encoding.InjectBase64"; "encoding" for all active ones of a module.
    tries : int
        Replies to each prompt.
    prompts : int
        Prompts of a probe at most, for the probes that keep to garak's ``soft_probe_prompt_cap``.
    seed : int
        Of garak.
    home : path-like, optional
        Folder of all tools.
    limits : Limits, optional
        What the run may use.

    Returns
    -------
    GarakAnswer

    Raises
    ------
    InputError
        If a name is malformed, or a number below 1.
    NotApplicable, ToolError, Cancelled
        As `auditkit.tools.run.ask`; ToolError also where garak knows no such probe.
    """
    wrong = [name for name in probes if not _PROBE.fullmatch(name)]
    if wrong or not probes:
        raise InputError(f"probes= names garak's probes, as encoding.InjectBase64; got {wrong or 'none'}")
    if min(tries, prompts) < 1:
        raise InputError(f"tries= and prompts= are at least 1; got {tries} and {prompts}")
    asked: dict[str, Any] = {"probes": list(probes), "tries": tries, "prompts": prompts, "seed": seed}

    def run(more: dict[str, Any], reach: str = "", token: str = "") -> GarakAnswer:
        request = {"request": np.array(json.dumps(asked | more))}
        secrets = {"REST_API_KEY": token} if token else {}
        return ask(
            GARAK, request, lambda folder: read_answer(folder, probes), home=home, limits=limits, reach=reach, secrets=secrets
        )  # fmt: skip

    if isinstance(model, str):
        if model not in TEST_MODELS:
            raise InputError(f"model= is a callable or one of {', '.join(TEST_MODELS)}; got {model!r}")
        return run({"generator": model})
    calls: list[int] = []

    def answer(text: str) -> str | None:
        calls.append(1)
        return model(text)

    with served(answer) as place:
        found = run({"generator": "rest", "uri": place.uri}, place.address, place.token)
    return GarakAnswer(found.rows, found.versions, len(calls))


def read_answer(folder: Path, probes: Sequence[str]) -> GarakAnswer:
    """Read garak's report, and hold its counts against the tries it lists.

    Parameters
    ----------
    folder : pathlib.Path
        With ``garak.report.jsonl`` and ``quality.json``.
    probes : sequence of str
        What was asked for; each must be there.

    Raises
    ------
    InputError
        If a file is not of that form, or its counts are not those of its tries.
    ToolError
        If a probe is not in it.
    """
    quality, versions = _quality(folder / "quality.json")
    tries: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
    counted: dict[tuple[str, str], tuple[int, int, int]] = {}
    for entry in _entries(folder / "garak.report.jsonl"):
        kind = entry.get("entry_type")
        if kind == "attempt" and entry.get("status") == 2:
            for detector, scores in _dict(entry.get("detector_results")).items():
                key = (_name(entry.get("probe_classname")), _name(detector))
                tries.setdefault(key, []).append(_scored(scores))
        elif kind == "eval":
            key = (_name(entry.get("probe")), _name(entry.get("detector")))
            counted[key] = tuple(_count(entry, word) for word in ("passed", "fails", "nones"))  # type: ignore[assignment]
    missing = [one for one in probes if not any(f"{name}.".startswith(f"{one}.") for name, _ in counted)]
    if missing:
        raise ToolError(f"garak ran no probe named {', '.join(missing)}: garak --list_probes names them")
    rows = []
    for (probe, detector), said in counted.items():
        own = tries.get((probe, detector), [])
        hits, scored, nones = (tuple(column) for column in zip(*own, strict=True)) if own else ((), (), ())
        if said != (sum(scored) - sum(hits), sum(hits), sum(nones)):
            raise InputError(f"garak's counts of {probe} by {detector} are not those of its tries")
        se, sp = quality.get(detector, (None, None))
        rows.append(GarakRow(probe, detector, hits, scored, sum(nones), se, sp))
    return GarakAnswer(tuple(rows), versions)


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(_LONGEST_LINE + 1):
            number += 1
            if len(line) > _LONGEST_LINE or number > _MOST_ATTEMPTS:
                raise InputError(f"{path.name} has a line, or more lines, than are read")
            try:
                found = json.loads(line)
            except (ValueError, RecursionError):
                raise InputError(f"{path.name}: line {number} is no JSON") from None
            if not isinstance(found, dict):
                raise InputError(f"{path.name}: line {number} is no object")
            yield found


def _quality(path: Path) -> tuple[dict[str, tuple[float | None, float | None]], dict[str, str]]:
    with path.open("rb") as file:
        text = file.read(_LARGEST_QUALITY + 1)
    try:
        found = json.loads(text[:_LARGEST_QUALITY])
    except (ValueError, RecursionError):
        raise InputError(f"{path.name} is no JSON") from None
    said = _dict(found)
    own = {
        _name(name): (_share(_dict(one).get("hit_sensitivity")), _share(_dict(one).get("hit_specificity")))
        for name, one in _dict(said.get("detectors")).items()
    }
    return own, {_name(k): str(v)[:60] for k, v in _dict(said.get("versions")).items()}


def _scored(scores: Any) -> tuple[int, int, int]:
    """Return of one prompt how many tries hit, were scored, and were not."""
    if not isinstance(scores, list):
        raise InputError("garak's scores of a prompt are no list")
    numbers = [one for one in scores if one is not None]
    if any(isinstance(one, bool) or not isinstance(one, (int, float)) for one in numbers):
        raise InputError("garak's scores of a prompt are no numbers")
    return sum(float(one) >= _THRESHOLD for one in numbers), len(numbers), len(scores) - len(numbers)


def _count(entry: dict[str, Any], word: str) -> int:
    value = entry.get(word)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InputError(f"garak's {word} is no count")
    return value


def _share(value: Any) -> float | None:
    plain = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1
    return float(value) if plain else None


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError("garak's report is not of the form it has in release 0.17.1")
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value.replace("-", "_")):
        raise InputError("a name in garak's report is no name")
    return value
