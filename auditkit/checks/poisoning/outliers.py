"""Outliers: whether training rows of a class lie apart in what a model makes of them, more often than test rows do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks.poisoning import _rows as rows_of
from auditkit.checks.poisoning._represent import representation_of
from auditkit.errors import Cancelled, NotApplicable, in_words
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods.poisoning import representations
from auditkit.methods.proxies import even_folds
from auditkit.subject import Subject

if TYPE_CHECKING:
    from auditkit.dataset import Dataset
    from auditkit.methods.poisoning.excess import Excess

_KINDS = {"spectral_outlier": "spectral signature", "activation_cluster": "activation clustering"}
_FIGURES = {"spectral_outlier": "variance of its direction", "activation_cluster": "silhouette"}


@check(
    code="AK316",
    title="Training rows that lie apart inside the model",
    question="Do training rows of a class lie apart in what the model makes of them, more often than test rows?",
    dimension="robustness",
    metrics=[
        "spectral_outlier_share",
        "spectral_outlier_excess",
        "activation_cluster_share",
        "activation_cluster_excess",
    ],
)
def representation_outliers(
    subject: Subject,
    *,
    rng: np.random.Generator,
    rows: Annotated[
        int, Ge(40), Doc("Rows of either split at most that are compared; drawn at random.")
    ] = 4000,
    share: Annotated[
        float,
        Gt(0),
        Lt(0.5),
        Doc("Of the rows of a class, those that lie farthest out count as spectral outliers."),
    ] = 0.05,
    examples: rows_of.Examples = 0,
    level: common.Level = 0.95,
) -> Evidence:
    """Look for a second kind of rows within each class, by spectral signatures and activation clustering, and hold it against test rows.

    Parameters
    ----------
    subject : Subject
        A classifier with training rows and inputs; best one that can be trained again.
    rng : numpy.random.Generator
        Halves, rows, seeds.
    rows : int
        Rows of either split at most.
    share : float
        Of the rows of a class that count as spectral outliers.
    examples : int
        Row positions listed at most.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        For each class ``spectral_outlier_share`` and ``activation_cluster_share`` of the training rows (Clopper-Pearson), and
        ``spectral_outlier_excess`` and ``activation_cluster_excess`` over the test rows of the class (Newcombe, Fisher's exact test).
    """
    common.needs_classes(subject)
    train = rows_of.training_of(subject)
    shown = _shown(subject, train, rows, rng)
    y, y_test = subject.class_index(train.y[shown.rows]), subject.class_index(subject.test.y[shown.test_rows])
    found: list[Measurement] = []
    panel: dict[str, list[object]] = {"class": [], "method": [], "figure": [], "value": []}
    listed: list[np.ndarray] = []
    for c, label in enumerate(np.asarray(subject.classes).tolist()):
        own, other = np.flatnonzero(y == c), np.flatnonzero(y_test == c)
        group = f"class={label}"
        if min(len(own), len(other)) < rows_of.FEWEST:
            found += _too_few(group, len(own), len(other))
            continue
        Z = np.concatenate([shown.train[own], shown.test[other]])
        both = {
            "spectral_outlier": representations.spectral_apart(Z, len(own), share, level),
            "activation_cluster": representations.cluster_apart(Z, len(own), shown.seed, level),
        }
        for name, one in both.items():
            found += _measured(name, group, one.found, level)
            for key, value in zip(panel, (str(label), _KINDS[name], _FIGURES[name], one.figure), strict=True):
                panel[key].append(value)
            if one.found.p_value < 1 - level:
                listed.append(shown.rows[own[one.apart[: len(own)]]])
    at = np.unique(np.concatenate(listed)) if listed else np.empty(0, dtype=np.intp)
    excesses = [m for m in found if m.metric.endswith("_excess")]
    return Evidence(
        "AK316",
        tuple(found),
        {
            **_table(excesses),
            "shape": Table(
                "How the rows of each class lie",
                {k: tuple(v) for k, v in panel.items()},
                summary="Figures of all rows compared.",
            ),
            **rows_of.positions(
                "Where rows lie that are apart more often than test rows",
                {"training row": at},
                examples,
                "training rows",
            ),
        },
        says=_says(excesses, shown.words, level),
        does_not_say=(
            "That rows apart were poisoned, or that poisoned rows lie apart: a trigger that the representation does not hold is not seen."
        ),
        notes=shown.notes,
        rows={"train": len(y), "test": len(y_test), "how": "drawn at random"},
    )


@dataclass(frozen=True, eq=False)
class _Shown:
    """Representations of training and test rows that the model behind them has not seen."""

    train: np.ndarray
    test: np.ndarray
    rows: np.ndarray
    test_rows: np.ndarray
    words: str
    notes: tuple[str, ...]
    seed: int


def _shown(subject: Subject, train: Dataset, rows: int, rng: np.random.Generator) -> _Shown:
    """Return what a model trained on half of the training rows makes of the other half and of test rows; else the inputs."""
    seed = int(rng.integers(2**31 - 1))
    test_rows = common.draw(len(subject.test), rows, rng)
    half = even_folds(subject.class_index(train.y), 2, rng) == 0
    kept = np.flatnonzero(~half)
    kept = kept[common.draw(len(kept), rows, rng)]
    why = f"this model ({subject.model.kind}) cannot be trained again" if not subject.model.can_refit else ""
    if not why and representation_of(subject.model.inner) is None:
        why = f"no representation is known of this model ({subject.model.kind})"
    if not why:
        try:
            return _inside(subject, train, np.flatnonzero(half), kept, test_rows, seed)
        except (Cancelled, NotApplicable):
            raise
        except Exception as error:  # noqa: BLE001 - models fail in many ways; the inputs are left
            why = f"what the model makes of the rows could not be read ({in_words(error)[:200]})"
    every = common.draw(len(train), rows, rng)
    own, other = rows_of.coded(train, subject.test).units()
    Z = representations.reduced(np.concatenate([own[every], other[test_rows]]), seed)
    note = f"The inputs themselves are compared, in spreads of the training rows: {why}."
    return _Shown(Z[: len(every)], Z[len(every) :], every, test_rows, "in the inputs", (note,), seed)


def _inside(
    subject: Subject, train: Dataset, half: np.ndarray, kept: np.ndarray, test_rows: np.ndarray, seed: int
) -> _Shown:
    import pandas as pd

    part = train.take(half)
    again = subject.model.refit(part.X, part.y, seed)
    words, read = representation_of(again.inner)  # type: ignore[misc]
    X = pd.concat([train.X.iloc[kept], subject.test.X.iloc[test_rows]], ignore_index=True)
    Z = representations.reduced(read(X, seed), seed)
    note = f"A model of the same recipe was trained on {len(half):,} training rows; compared is {words}, of {len(kept):,} others and of test rows."
    return _Shown(Z[: len(kept)], Z[len(kept) :], kept, test_rows, f"in {words}", (note,), seed)


def _measured(name: str, group: str, found: Excess, level: float) -> list[Measurement]:
    k, n, other, m = found.counts
    ten = name == "spectral_outlier"
    ends = statistics.clopper_pearson(k, n, level)
    share = common.measured(
        f"{name}_share", k / n, n, ends, level, "clopper-pearson", group=group,
        reason=f"of the training rows of the class; {common.percent(other / m)} of its test rows",
    )  # fmt: skip
    beyond = common.measured(
        f"{name}_excess", found.value, n + m, (found.low, found.high), level,
        "newcombe, Bonferroni over the directions" if ten else "newcombe", group=group, p_value=found.p_value,
        p_method=f"Fisher's exact test, one-sided{', Bonferroni over the directions' if ten else ''}",
    )  # fmt: skip
    return [share, beyond]


def _too_few(group: str, own: int, other: int) -> list[Measurement]:
    reason = (
        f"{own} training and {other} test rows of the class: at least {rows_of.FEWEST} of each are needed"
    )
    return [
        Measurement(f"{name}_{what}", float("nan"), own + other, group=group, reason=reason)
        for name in _KINDS
        for what in ("share", "excess")
    ]


def _table(excesses: list[Measurement]) -> dict[str, Table]:
    known = [
        common.in_group(m, f"{m.group}, {_KINDS[m.metric.removesuffix('_excess')]}")
        for m in excesses
        if m.interval
    ]
    if not known:
        return {}
    words = {"label": "Class and method", "value": "Excess", "n": "rows"}
    summary = "Share of training rows of a class that lie apart, less that of its test rows; a model that saw neither was asked."
    table = Table("Rows that lie apart", common.estimates(known), "estimates", words, summary, reference=0.0)
    return {"apart": table}


def _says(excesses: list[Measurement], where: str, level: float) -> str:
    known = [m for m in excesses if m.p_value is not None]
    if not known:
        return "No class has enough rows in both splits to say whether some of them lie apart."
    tests = len(known)
    low = min(known, key=lambda m: m.p_value if m.p_value is not None else 1.0)
    p = min((low.p_value or 0.0) * tests, 1.0)
    if p >= 1 - level:
        return f"In none of {tests} comparisons {where} do training rows lie apart more often than test rows (Bonferroni)."
    name = _KINDS[low.metric.removesuffix("_excess")]
    return (
        f"By {name} {where}, training rows of {low.group} lie apart more often than its test rows, by {common.share_with_ends(low)}: "
        f"the clearest of {tests} comparisons, p {common.p_value(p)} with their number allowed for (Bonferroni)."
    )
