"""Faults: what is lost when a feed breaks in one of the usual ways, and whether anybody would notice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import numpy as np
from annotated_types import Ge, Gt, Lt
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks._sweeps import decoded, rerouted, rightness, space_of
from auditkit.checks.robustness._broken import Case, answers_to, image_cases, image_shape, table_cases
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

METRICS = [
    "worst_fault_accuracy_drop",
    "mean_fault_accuracy_drop",
    "worst_fault_error_increase",
    "mean_fault_error_increase",
    "silent_fault_share",
    "mean_corruption_error",
]
_WAY = "bonferroni, clopper-pearson discordants"
_REFUSED = "refused"


class _Tried(NamedTuple):
    """Faults that were answered, one a row of `lost`; and those that were refused, with the model's words."""

    cases: list[Case]
    lost: np.ndarray
    flips: np.ndarray
    refused: list[tuple[Case, str]]
    idle: list[Case]


@check(
    code="AK308",
    title="Faults of the feed",
    question="How many right answers are lost when a feed breaks in one of the usual ways?",
    dimension="robustness",
    metrics=METRICS,
)
def input_faults(
    subject: Subject,
    *,
    rng: np.random.Generator,
    inputs: Annotated[
        Literal["auto", "table", "image"],
        Doc(
            "Whether rows are pictures, whose columns are grey values; told from the model and the data when auto."
        ),
    ] = "auto",
    columns: Annotated[int, Ge(1), Doc("Columns broken at most; drawn at random where there are more.")] = 30,
    matters: Annotated[
        float,
        Gt(0),
        Lt(1),
        Doc("The smallest loss that matters: a fault that costs as much and is answered is silent."),
    ] = 0.05,
    rows: Annotated[
        int, Ge(10), Doc("Rows broken and asked again at most; drawn at random where there are more.")
    ] = 1000,
    level: common.Level = 0.95,
) -> Evidence:
    """Break one column at a time (or two, or a picture) in all rows and ask again.

    Parameters
    ----------
    subject : Subject
        With a model to ask.
    rng : numpy.random.Generator
        Rows and columns drawn, and what a fault draws.
    inputs : {"auto", "table", "image"}
        What rows are.
    columns : int
        Columns of a table that are broken at most.
    matters : float
        Loss of accuracy, or growth of the error in deviations of the target, from which a fault is held to matter.
    rows : int
        Test rows at most.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``worst_fault_accuracy_drop``: the largest loss of any fault tried; its interval holds for all faults at once, so also for
        the one that was picked. ``mean_fault_accuracy_drop``: over faults answered (Student, paired). ``silent_fault_share``: of the
        faults tried, those answered without a refusal that cost `matters` or more. ``mean_corruption_error``: for pictures, the mean
        error rate over corruptions and severities. For a regression ``..._error_increase`` in deviations of the target. The table
        ``faults`` has a row a fault, worst first.
    """
    common.needs_model(subject)
    codec, space = space_of(subject)
    chosen = common.draw(len(subject.test), rows, rng)
    frame, y = subject.test.X.iloc[chosen], subject.test.y[chosen]
    shape = image_shape(subject, codec, inputs)
    if inputs == "image" and shape is None:
        raise NotApplicable("the columns are not the grey values of a square picture: pass inputs='table'")
    given, start = subject.model.predict(frame), subject.model.predict(decoded(codec, codec.encode(frame)))
    if shape is not None:
        cases, left_out = image_cases(frame, codec, space, shape, rng), 0
    else:
        at = common.draw(len(space.names), columns, rng)
        cases, left_out = table_cases(frame, codec, space, at, rng), len(space.names) - len(at)
    tried = _tried(subject, cases, start, y)
    if not tried.cases and not tried.refused:
        raise NotApplicable("no fault changes a value: every column holds one value")
    found = _measured(subject, tried, matters, level, len(y))
    if shape is not None and subject.task != "regression":
        found.append(_corruption_error(tried, rightness(subject, start, y), level))
    return Evidence(
        "AK308",
        tuple(found),
        {"faults": _table(subject, tried, level, len(y))},
        says=_says(subject, tried, found[0], len(y)),
        does_not_say="What faults of other kinds, several faults at once, or faults in a few rows only would cost.",
        notes=(
            *_notes(tried, left_out, shape),
            *rerouted(subject, start, given),
            *_weights.ignored(subject.test),
        ),
        rows=common.rows_used(len(chosen), len(subject.test)),
    )


def _tried(subject: Subject, cases: list[Case], start: np.ndarray, y: np.ndarray) -> _Tried:
    before = rightness(subject, start, y)
    tried = _Tried([], np.zeros((0, len(y))), np.zeros(0), [], [])
    lost: list[np.ndarray] = []
    flips: list[float] = []
    for case, answer in zip(cases, answers_to(subject, cases, len(y)), strict=True):
        if answer is None:
            tried.idle.append(case)
        elif isinstance(answer, str):
            tried.refused.append((case, answer))
        else:
            tried.cases.append(case)
            lost.append(before - rightness(subject, answer, y))
            other = ~np.isclose(answer, start) if subject.task == "regression" else answer != start
            flips.append(float(other.mean()))
    return tried._replace(lost=np.array(lost).reshape(-1, len(y)), flips=np.array(flips))


def _ends(subject: Subject, lost: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Return intervals of all mean losses that hold together; one a row of `lost`."""
    if subject.task == "regression":
        each = 1 - (1 - level) / max(len(lost), 1)
        low, high = statistics.mean_interval_of(lost, each)
    else:
        counts = (lost > 0).sum(axis=1), (lost < 0).sum(axis=1), lost.shape[1]
        low, high = statistics.paired_differences_at_once(*counts, level)
    return np.asarray(low), np.asarray(high)


def _measured(subject: Subject, tried: _Tried, matters: float, level: float, n: int) -> list[Measurement]:
    what = "error_increase" if subject.task == "regression" else "accuracy_drop"
    total = len(tried.cases) + len(tried.refused)
    if not tried.cases:
        reason = f"the model refused all {total} faults"
        names = [f"worst_fault_{what}", f"mean_fault_{what}"]
        found = [Measurement(name, float("nan"), n, reason=reason) for name in names]
        low = high = value = np.zeros(0)
    else:
        low, high = _ends(subject, tried.lost, level)
        value = tried.lost.mean(axis=1)
        way = "bonferroni, t" if subject.task == "regression" else _WAY
        words = f"{tried.cases[int(value.argmax())].words}; the largest of {len(value)} faults"
        found = [
            common.measured(
                f"worst_fault_{what}", value.max(), n, (low.max(), high.max()), level, way, reason=words
            ),
            _mean(f"mean_fault_{what}", tried.lost.mean(axis=0), level, subject.task == "regression"),
        ]
    ends = float((low >= matters).sum() / total), float((high >= matters).sum() / total)
    share = float((value >= matters).sum() / total)
    unit = "deviations of the target" if subject.task == "regression" else "of accuracy"
    found.append(
        common.measured(
            "silent_fault_share", share, total, ends, level, "simultaneous",
            reason=f"a loss of {matters:g} {unit} or more, without a refusal",
        )
    )  # fmt: skip
    return found


def _mean(metric: str, values: np.ndarray, level: float, regression: bool) -> Measurement:  # noqa: FBT001
    """Return the mean over rows (Student); of shares, with one row added at either end, so that no row changed is not taken for certain."""
    low, high = statistics.mean_interval_of(values if regression else np.append(values, [-1.0, 1.0]), level)
    value = float(values.mean())
    ends = min(float(low), value), max(float(high), value)
    return common.measured(
        metric, value, len(values), ends, level, "t" if regression else "t, two rows added"
    )


def _corruption_error(tried: _Tried, before: np.ndarray, level: float) -> Measurement:
    if not tried.cases:
        return Measurement(
            "mean_corruption_error", float("nan"), len(before), reason="the model refused all pictures"
        )
    wrong = 1 - (before - tried.lost).mean(axis=0)
    low, high = statistics.mean_interval_of(np.append(wrong, [0.0, 1.0]), level)
    value = float(wrong.mean())
    ends = max(0.0, min(float(low), value)), min(1.0, max(float(high), value))
    said = f"over {len(tried.cases)} corruptions and severities; on clean pictures {common.percent(1 - float(before.mean()))}"
    return common.measured(
        "mean_corruption_error", value, len(wrong), ends, level, "t, two rows added", reason=said
    )


def _table(subject: Subject, tried: _Tried, level: float, n: int) -> Table:
    low, high = _ends(subject, tried.lost, level) if tried.cases else (np.zeros(0), np.zeros(0))
    value = tried.lost.mean(axis=1) if tried.cases else np.zeros(0)
    order = np.argsort(-value, kind="stable")
    nan = (float("nan"),) * len(tried.refused)
    columns = {
        "label": (*(tried.cases[i].words for i in order), *(case.words for case, _ in tried.refused)),
        "value": (*value[order], *nan),
        "low": (*low[order], *nan),
        "high": (*high[order], *nan),
        "n": (n,) * (len(order) + len(nan)),
        "flips": (*tried.flips[order], *nan),
        "outcome": (*("answered",) * len(order), *(_REFUSED,) * len(nan)),
    }
    word = "Growth of the error" if subject.task == "regression" else "Loss of accuracy"
    labels = {
        "label": "Fault",
        "value": word,
        "n": "records",
        "flips": "answers that changed",
        "reference": "no loss",
        "largest": "costliest faults",
    }
    summary = f"{word} by fault, worst first; intervals hold for all {len(order)} together. {len(nan)} were refused."
    return Table(f"{word} when a feed breaks", columns, "estimates", labels, summary, reference=0.0)


def _says(subject: Subject, tried: _Tried, worst: Measurement, n: int) -> str:
    total = len(tried.cases) + len(tried.refused)
    if not tried.cases:
        return f"The model refused all {total} faults; none was answered."
    word = "growth of the error" if subject.task == "regression" else "loss of accuracy"
    where = (worst.reason or "").partition(";")[0]
    return (
        f"Of {total} faults the model answered {len(tried.cases)} and refused {len(tried.refused)}; the largest {word} is "
        f"{common.with_ends(worst)} ({where}), on {n:,} rows."
    )


def _notes(tried: _Tried, left_out: int, shape: Sequence[int] | None) -> tuple[str, ...]:
    notes = []
    if shape is not None:
        notes.append(
            f"Rows are taken for pictures of {' × '.join(map(str, shape))}: single columns were not broken."
        )
    if tried.refused:
        case, why = tried.refused[0]
        notes.append(f"Refused: {_some([c.words for c, _ in tried.refused])}. For {case.words}: {why}")
    if tried.idle:
        notes.append(f"Changed no value, so not tested: {_some([case.words for case in tried.idle])}.")
    if left_out:
        notes.append(f"{left_out:,} columns were not broken: pass a greater columns=.")
    return tuple(notes)


def _some(words: Sequence[str], most: int = 6) -> str:
    return ", ".join(words[:most]) + (f" and {len(words) - most:,} more" if len(words) > most else "")
