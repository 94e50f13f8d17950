"""Costs: what each check was seen to take at one size, and with what it grows.

The figures in ``costs.json`` were measured by ``benchmarks/estimates.py`` on the German credit data; the laws below say how they change
with settings and sizes. A check that stands in neither has no cost that is known.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["COLUMNS", "LAWS", "PROBE", "ROWS", "Law", "Used", "used"]

ROWS = {"test": 300, "train": 700, "both": 1000}
COLUMNS = 20
"""Rows of each split, and columns, where the costs were measured."""

PROBE = 0.0068
"""Seconds the machine on which they were measured took for `auditkit.estimating.probe`."""


@dataclass(frozen=True, slots=True)
class Used:
    """What a run of a check took.

    Attributes
    ----------
    own : float
        Seconds besides the model.
    calls, rows, trainings : float
        Calls of the model, rows asked in them, models trained, as its evidence counts them.
    """

    own: float
    calls: float = 0.0
    rows: float = 0.0
    trainings: float = 0.0


@dataclass(frozen=True, slots=True)
class Law:
    """With what the cost of a check grows.

    Attributes
    ----------
    split : {"test", "train", "both"}
        Whose rows it looks at; its parameters ``rows`` and ``pool`` bound them.
    grows : tuple of str
        Parameters its work and its questions to the model are in proportion to; "columns" stands for the inputs.
    trains : tuple of str
        Parameters the number of trainings is in proportion to.
    part : float
        Of the training rows, how many one training sees.
    shares : str
        What its trainings have in common with those of other checks of the audit, by its name in the subject's memory.
    by : tuple of str
        Parameters by which that is told apart.
    spread : float
        How many times as long or as short it may be.
    needs : {"", "train", "refit"}
        Without what it does not apply, and so takes no time.
    within : bool
        Whether it looks into the model where it can, so that what one kind of model took says nothing of another.
    """

    split: str = "test"
    grows: tuple[str, ...] = ()
    trains: tuple[str, ...] = ()
    part: float = 1.0
    shares: str = ""
    by: tuple[str, ...] = ()
    spread: float = 2.0
    needs: str = ""
    within: bool = False


_REFERENCES: dict[str, Any] = {
    "split": "both",
    "trains": ("references",),
    "part": 0.65,
    "shares": "reference models",
    "by": ("references", "pool", "rows"),
    "needs": "refit",
}

LAWS: dict[str, Law] = {
    # performance
    "AK001": Law(), "AK002": Law(), "AK003": Law(), "AK004": Law(),
    # explainability
    "AK401": Law(grows=("columns",), within=True),
    "AK402": Law(grows=("repeats", "columns")),
    "AK403": Law(),
    "AK404": Law(grows=("bins", "columns")),
    "AK405": Law(grows=("background", "leading"), within=True),
    "AK406": Law(), "AK407": Law(grows=("max_calls",), spread=2.5), "AK408": Law(),
    "AK409": Law(grows=("repeats",), trains=("repeats",), needs="refit", within=True),
    "AK410": Law(grows=("fillers",), within=True),
    "AK411": Law(grows=("repeats",), within=True),
    "AK412": Law(grows=("repeats",), trains=("repeats",), needs="refit", within=True),
    "AK413": Law(grows=("columns",), within=True),
    # bias
    "AK101": Law(), "AK102": Law(), "AK103": Law(), "AK104": Law(), "AK105": Law(), "AK106": Law(),
    "AK107": Law(grows=("points",)), "AK108": Law(),
    "AK109": Law("both", grows=("folds", "columns")),
    "AK110": Law(), "AK111": Law(), "AK112": Law(), "AK113": Law(grows=("columns",), spread=2.5),
    # mitigation
    "AK114": Law("train", grows=("points",), trains=("points",), needs="refit"),
    "AK209": Law("both", trains=("references", "points"), part=0.65, needs="refit"),
    "AK211": Law("both", grows=("max_calls",), spread=2.5),
    "AK317": Law(grows=("max_calls", "repeats"), trains=("repeats",), needs="refit", spread=2.5),
    # membership and privacy
    "AK201": Law("both", needs="train"),
    "AK202": Law(**_REFERENCES),
    "AK203": Law("both", grows=("copies",), part=0.65, needs="train"),
    "AK204": Law("both", needs="train"),
    "AK205": Law(**_REFERENCES),
    "AK206": Law("train", needs="train"),
    "AK207": Law("both", needs="train", grows=("columns",)),
    "AK208": Law("both", grows=("most_sets",)),
    # robustness
    "AK301": Law(), "AK302": Law(),
    "AK303": Law(grows=("max_calls",), spread=2.5),
    "AK304": Law(grows=("max_calls",), spread=2.5, within=True),
    "AK305": Law(grows=("steps", "restarts"), spread=2.5, within=True),
    "AK306": Law(grows=("max_calls",), spread=2.5),
    "AK307": Law(spread=2.5, within=True),
    "AK308": Law(grows=("columns",)),
    "AK309": Law(grows=("columns",)),
    "AK310": Law(grows=("columns",)),
    "AK311": Law("both"),
    "AK312": Law("both", trains=("folds",), part=0.8, needs="refit"),
    "AK313": Law("both", needs="train"),
    "AK314": Law("train", needs="train"),
    "AK315": Law("train", needs="train"),
    "AK316": Law("train", needs="train"),
    "AK318": Law(grows=("queries",), spread=2.5),
    # drift
    "AK501": Law("both", grows=("columns",), needs="train"),
    "AK502": Law("both", needs="train"),
}  # fmt: skip
"""By the code of the check."""


def used(code: str, kind: str) -> Used | None:
    """Return what a check took of a kind of model; None where it was not measured.

    Parameters
    ----------
    code : str
        Of the check.
    kind : {"trees", "linear", "other"}
        Trees and linear models are explained and attacked from within; any other is asked.
    """
    known = _measured().get(code)
    if known is None or (kind not in known and LAWS[code].within):
        return None
    return Used(*(known.get(kind) or next(iter(known.values()))))


@cache
def _measured() -> Mapping[str, Mapping[str, list[float]]]:
    text = files("auditkit").joinpath("costs.json").read_text(encoding="utf-8")
    return json.loads(text)  # type: ignore[no-any-return]
