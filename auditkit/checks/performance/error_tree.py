"""Error tree: where, among the inputs, the model is wrong more often, in rules that were confirmed on other rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Le
from typing_extensions import Doc

from auditkit import statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.frames import Codec
from auditkit.methods import surrogate
from auditkit.subject import Subject

if TYPE_CHECKING:
    from auditkit.methods.surrogate import Rule

_FEWEST = 100
_WORST_SHARE = 0.1
_FOLDS = 5


@check(
    code="AK003",
    title="Error tree",
    question="Where among the inputs is the model wrong more often?",
    dimension="performance",
    metrics=["error_predictability_auc", "leaf_error_rate", "error_rate"],
)
def error_tree(
    subject: Subject,
    *,
    rng: np.random.Generator,
    leaves: Annotated[
        int,
        Ge(2),
        Le(32),
        Doc("Rules of the tree, at most; as many are kept as foretell errors best in folds."),
    ] = 6,
    smallest: Annotated[
        int, Ge(10), Doc("Rows that a rule holds for at least, among those the tree is grown on.")
    ] = 50,
    level: common.Level = 0.95,
) -> Evidence:
    """Grow a small tree on the model's errors on one half of the test rows, and measure its rules on the other half.

    Parameters
    ----------
    subject : Subject
        Any task; predictions alone suffice. A regression's errors are the largest tenth of its absolute errors.
    rng : numpy.random.Generator
        Halves the rows.
    leaves, smallest : int
        Rules at most, and rows of a rule at least.
    level : float
        Confidence level; of the rules all together.

    Returns
    -------
    Evidence
        ``error_predictability_auc``: AUC with which the tree tells the errors of rows it has not seen (DeLong); 0.5 where errors fall anywhere.
        ``leaf_error_rate`` of each rule on these rows (Wilson, Bonferroni over rules) and ``error_rate`` of them all.
    """
    data = subject.test
    if data.X.shape[1] == 0:
        raise NotApplicable("there are no inputs to tell errors by")
    if len(data) < _FEWEST:
        raise NotApplicable(f"{len(data)} rows are too few to halve: at least {_FEWEST} are needed")
    order = rng.permutation(len(data))
    there, here = np.sort(order[: len(data) // 2]), np.sort(order[len(data) // 2 :])
    wrong, word = _errors(subject, there)
    if subject.task == "regression" and not wrong[there].any():
        raise NotApplicable(
            "at least a tenth of the errors are as large as the largest: none is larger than the others"
        )
    if len(np.unique(wrong[there])) < 2:
        raise NotApplicable(
            f"every answer about the rows the tree is grown on is {'wrong' if wrong[there].all() else 'right'}"
        )
    codec = Codec.of(data.X)
    X = codec.encode(data.X)
    kinds = [kind == "categorical" for kind in codec.kinds]
    held = min(smallest, len(there) // 4)
    errors = wrong[there].astype(float)
    best = _size(X[there], errors, kinds, leaves, held, rng)
    tree = surrogate.grow(X[there], errors, kinds, classes=False, leaves=best, smallest=held)
    rules = tree.rules([str(c) for c in codec.columns], codec.categories, common.amount)
    told = _told(tree.predict(X[here]), wrong[here], tree.leaves, level)
    rates = _rates(rules, tree.rule_of(X[here]), wrong[here], level)
    low, high = statistics.wilson(wrong[here].sum(), len(here), level)
    whole = common.measured("error_rate", wrong[here].mean(), len(here), (low, high), level, "wilson")
    return Evidence(
        "AK003",
        (told, whole, *rates),
        {"rules": _table(rates, word, whole.value)},
        says=_says(
            told, whole, rates, word, f" (over all {len(data):,} test rows {common.percent(wrong.mean())})"
        ),
        does_not_say="Why the model errs there, or that it errs nowhere else: a rule is a place to look, and the tree sees inputs one cut at a time.",
        notes=(
            f"The tree is grown on {len(there):,} test rows, drawn at random, and measured on the other {len(here):,}.",
            f"A rule holds for at least {held} of the rows it was grown on.",
            *_weights.ignored(data),
        ),
        rows=common.rows_used(len(data), len(data)),
    )


def _errors(subject: Subject, there: np.ndarray) -> tuple[np.ndarray, str]:
    """Return which answers are wrong; of a regression those beyond the ninth tenth of the errors on the rows the tree is grown on."""
    if subject.task != "regression":
        return ~common.correct(subject), "Error rate"
    error = np.abs(subject.answers().labels.astype(float) - subject.test.y.astype(float))
    return error > np.quantile(error[there], 1 - _WORST_SHARE), "Share of the largest tenth of errors"


def _size(
    X: np.ndarray, wrong: np.ndarray, kinds: list[bool], most: int, held: int, rng: np.random.Generator
) -> int:
    """Return how many rules foretell errors best, in folds of the rows the tree is grown on: more would follow chance."""
    folds = rng.permutation(np.arange(len(X)) % _FOLDS)
    sizes = range(2, most + 1)
    lost = np.zeros(len(sizes))
    for fold in range(_FOLDS):
        own, other = folds != fold, folds == fold
        for i, leaves in enumerate(sizes):
            tree = surrogate.grow(
                X[own],
                wrong[own],
                kinds,
                classes=False,
                leaves=leaves,
                smallest=max(2, held * (_FOLDS - 1) // _FOLDS),
            )
            lost[i] += ((tree.predict(X[other]) - wrong[other]) ** 2).sum()
    return int(sizes[int(lost.argmin())])


def _told(scores: np.ndarray, wrong: np.ndarray, leaves: int, level: float) -> Measurement:
    metric, n = "error_predictability_auc", len(wrong)
    if wrong.all() or not wrong.any():
        return Measurement(
            metric, math.nan, n, reason="the rows it is measured on have no error, or nothing else"
        )
    if leaves == 1:
        return common.measured(
            metric,
            0.5,
            n,
            (0.5, 0.5),
            level,
            "none",
            reason="no cut of an input parts errors from right answers",
        )
    auc = statistics.auc(scores, wrong, level)
    return common.measured(
        metric, auc.value, n, (auc.low, auc.high), level, "delong", reason=f"{leaves} rules"
    )


def _rates(rules: list[Rule], at: np.ndarray, wrong: np.ndarray, level: float) -> list[Measurement]:
    hits, n = np.bincount(at, wrong, minlength=len(rules)), np.bincount(at, minlength=len(rules))
    low, high = statistics.wilson(hits, n, 1 - (1 - level) / len(rules))
    found = []
    for i, rule in enumerate(rules):
        name = " and ".join(rule.conditions) or "all rows"
        if n[i] == 0:
            found.append(
                Measurement(
                    "leaf_error_rate",
                    math.nan,
                    0,
                    group=name,
                    reason="no row of the other half falls under the rule",
                )
            )
            continue
        found.append(
            common.measured(
                "leaf_error_rate",
                hits[i] / n[i],
                n[i],
                (low[i], high[i]),
                level,
                f"wilson, bonferroni over {len(rules)}",
                group=name,
            )
        )
    return sorted(found, key=lambda m: -m.value if not math.isnan(m.value) else math.inf)


def _table(rates: list[Measurement], word: str, whole: float) -> Table:
    labels = {"label": "rule", "value": word, "n": "records", "reference": "all rows of the measured half"}
    summary = f"{word} under each rule, on rows the tree has not seen; intervals hold for all rules together."
    return Table(
        "Where the model errs", common.estimates(rates), "estimates", labels, summary, reference=whole
    )


def _says(told: Measurement, whole: Measurement, rates: list[Measurement], word: str, every: str) -> str:
    if math.isnan(told.value):
        return f"Whether errors can be told is not known: {told.reason}."
    above = [m for m in rates if m.interval is not None and m.interval.low > whole.value]
    tail = f"{common.share_with_ends(whole)} over all {whole.n:,} rows of the measured half{every}"
    if told.interval is not None and told.interval.low <= 0.5:
        return f"These rows do not tell a tree of a few rules from chance at telling errors: its AUC is {common.with_ends(told)}; the {word.lower()} is {tail}."
    if not above:
        return f"Errors are told from right answers with an AUC of {common.with_ends(told)}, by no single rule beyond chance; the {word.lower()} is {tail}."
    return f"Under the rule “{above[0].group}” the {word.lower()} is {common.share_with_ends(above[0])}, {tail}. A tree tells errors with an AUC of {common.with_ends(told)}."
