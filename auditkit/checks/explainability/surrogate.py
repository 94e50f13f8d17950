"""Surrogate: a small tree that imitates the model, how far it can be believed, and its rules."""

from __future__ import annotations

from typing import Annotated, Any

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

_BELIEVED = 0.8
_SIZES = (2, 4, 8, 16, 32, 64)


@check(
    code="AK406",
    title="Surrogate tree",
    question="Can a few rules say what the model does, and how far can they be believed?",
    dimension="explainability",
    metrics=["surrogate_fidelity", "surrogate_skill", "surrogate_leaves"],
)
def surrogate_tree(
    subject: Subject,
    *,
    rng: np.random.Generator,
    rows: Annotated[
        int, Ge(40), Doc("Rows the tree is grown on at most, and rows it is tried on at most.")
    ] = 5000,
    leaves: Annotated[int, Ge(2), Le(64), Doc("Rules of the tree, at most.")] = 8,
    smallest: Annotated[
        int, Ge(2), Doc("Rows that a rule holds for at least, so that none tells of a single person.")
    ] = 20,
    level: common.Level = 0.95,
) -> Evidence:
    """Grow a small tree on the model's own answers, and try it on other rows (Craven & Shavlik 1996).

    It is grown on training rows and tried on test rows; without training rows, on one half of the test rows and tried on the
    other. Labels are not used.

    Parameters
    ----------
    subject : Subject
        With a model to ask.
    rng : numpy.random.Generator
        Rows.
    rows, leaves, smallest : int
        Rows at most; rules at most; rows of a rule at least.
    level : float
        Confidence level, over the rows the tree is tried on.

    Returns
    -------
    Evidence
        ``surrogate_fidelity``: share of rows where the tree says the class that the model says; for a regression R-squared.
        ``surrogate_skill``: share of the errors of the best constant guess that the tree avoids, 0 for a tree that is no better;
        for a regression R-squared too. ``surrogate_leaves``: rules it has.
    """
    common.needs_model(subject)
    grown, tried, where = _rows(subject, rows, rng)
    classes = subject.task != "regression"
    codec = Codec.of(grown, tried)
    X, Z = codec.encode(grown), codec.encode(tried)
    taught, asked = (_answers(subject, part) for part in (grown, tried))
    if len(np.unique(taught)) < 2:
        raise NotApplicable("the model says the same of all rows: there is nothing to imitate")
    kinds = [kind == "categorical" for kind in codec.kinds]
    sizes = sorted({size for size in _SIZES if size <= 4 * leaves} | {leaves})
    held = min(smallest, max(2, len(X) // 8))
    trees = {
        size: surrogate.grow(X, taught, kinds, classes=classes, leaves=size, smallest=held) for size in sizes
    }
    losses = {size: _losses(tree.predict(Z), asked, taught, classes=classes) for size, tree in trees.items()}
    found = {size: surrogate.skill(*pair, level=level) for size, pair in losses.items()}
    tree, own = trees[leaves], found[leaves]
    measured = _measured(own, losses[leaves][0], tree.leaves, level, classes=classes)
    rules = tree.rules([str(c) for c in codec.columns], codec.categories, common.amount)
    return Evidence(
        "AK406",
        tuple(measured),
        {"rules": _rules(rules, subject, measured[1]), "growth": _growth(trees, found, len(Z), classes=classes)},
        says=_says(measured, tree.leaves, _usual(subject, taught, asked)),
        does_not_say="How the model comes to its answers: the tree imitates them, on rows like these, and where it errs its rules are not the model's.",
        notes=(f"The tree is grown on {len(X):,} {where}, and tried on {len(Z):,} rows it has not seen.",
               f"The model was asked about {len(X) + len(Z):,} rows.", f"A rule holds for at least {held} of the rows it was grown on.",
               *filter(None, [common.not_held_out(subject)]), *_weights.ignored(subject.test)),
        rows=common.rows_used(len(Z), len(subject.test)),
    )  # fmt: skip


def _rows(subject: Subject, most: int, rng: np.random.Generator) -> tuple[Any, Any, str]:
    """Return the rows a tree is grown on, those it is tried on, and the name of the former."""
    test, train = subject.test, subject.train
    if train is not None:
        taught = train.X.iloc[common.draw(len(train), most, rng)].reset_index(drop=True)
        return taught, test.X.iloc[common.draw(len(test), most, rng)].reset_index(drop=True), "training rows"
    if len(test) < 20:
        raise NotApplicable(
            f"a tree is grown on some rows and tried on others: {len(test)} test rows are too few to halve; give training rows"
        )
    order = rng.permutation(len(test))
    half = len(test) // 2
    first, second = (np.sort(part[:most]) for part in (order[:half], order[half:]))
    return test.X.iloc[first].reset_index(drop=True), test.X.iloc[second].reset_index(drop=True), "test rows"


def _answers(subject: Subject, X: Any) -> np.ndarray:
    """Return the model's values, or its classes as codes."""
    said = np.asarray(subject.model.predict(X))
    return said.astype(float) if subject.task == "regression" else subject.class_index(said)


def _losses(
    said: np.ndarray, asked: np.ndarray, taught: np.ndarray, *, classes: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the loss of each row by the tree, and by the best constant guess on the rows it was grown on."""
    if classes:
        guess = int(np.bincount(taught.astype(int)).argmax())
        return (said != asked).astype(float), (asked != guess).astype(float)
    return (asked - said) ** 2, (asked - taught.mean()) ** 2


def _measured(
    own: surrogate.Skill, loss: np.ndarray, leaves: int, level: float, *, classes: bool
) -> list[Measurement]:
    n, word = len(loss), "delta method over rows"
    if np.isnan(own.value):
        reason = "on the rows it is tried on the model says what the constant guess says: there is nothing to imitate"
        skill = Measurement("surrogate_skill", float("nan"), n, reason=reason)
        fidelity = Measurement("surrogate_fidelity", float("nan"), n, reason=reason)
    else:
        skill = common.measured("surrogate_skill", own.value, n, (own.low, own.high), level, word)
        fidelity = common.measured("surrogate_fidelity", own.value, n, (own.low, own.high), level, word)
    if classes:
        right = n - int(loss.sum())
        ends = statistics.wilson(right, n, level)
        fidelity = common.measured("surrogate_fidelity", right / n, n, ends, level, "wilson")
    return [
        fidelity,
        skill,
        Measurement("surrogate_leaves", leaves, n, reason="counted: it has no sampling error"),
    ]


def _rules(rules: list[surrogate.Rule], subject: Subject, skill: Measurement) -> Table:
    def answer(rule: surrogate.Rule) -> str:
        if subject.task == "regression" or subject.classes is None:
            return common.number(rule.answer)
        return str(subject.classes[int(rule.answer)])

    columns = {
        "if": tuple("; ".join(rule.conditions) or "always" for rule in rules),
        "then": tuple(answer(rule) for rule in rules),
        "share of rows": tuple(rule.share for rule in rules),
        "n": tuple(rule.n for rule in rules),
    }
    believed = np.nan_to_num(skill.value) >= _BELIEVED
    warning = "" if believed else f" Its skill is {common.with_ends(skill)}: these are not the model's rules."
    summary = f"The tree in {len(rules)} rules, those for most rows first.{warning}"
    return Table("The rules of the tree", columns, summary=summary)


def _growth(
    trees: dict[int, surrogate.Surrogate], found: dict[int, surrogate.Skill], n: int, *, classes: bool
) -> Table:
    sizes = list({tree.leaves: size for size, tree in trees.items()}.items())
    columns = {
        "x": tuple(leaves for leaves, _ in sizes),
        "value": tuple(found[size].value for _, size in sizes),
        "low": tuple(found[size].low for _, size in sizes),
        "high": tuple(found[size].high for _, size in sizes),
        "n": tuple(n for _ in sizes),
    }
    word = (
        "Share of a constant guess's errors that the tree avoids"
        if classes
        else "R-squared against the model"
    )
    summary = f"With {sizes[-1][0]} rules a tree reaches {common.number(columns['value'][-1])}, on rows it has not seen."
    return Table(
        "What more rules would add", columns, "curve", {"x": "Rules of the tree", "value": word}, summary
    )


def _usual(subject: Subject, taught: np.ndarray, asked: np.ndarray) -> tuple[str, float] | None:
    """Return the answer the model gives most often where the tree was grown, and how often it gives it where the tree is tried."""
    if subject.task == "regression" or subject.classes is None:
        return None
    guess = int(np.bincount(taught.astype(int)).argmax())
    return str(subject.classes[guess]), float((asked == guess).mean())


def _says(found: list[Measurement], leaves: int, usual: tuple[str, float] | None) -> str:
    fidelity, skill, _ = found
    if np.isnan(skill.value):
        return f"A tree of {leaves} rules has nothing to imitate: the model says one thing of the rows it is tried on."
    if usual is None:
        good = f"explains R2 {common.with_ends(fidelity)} of the model's output on rows it has not seen"
    else:
        good = (
            f"says what the model says in {common.share_with_ends(fidelity)} of rows it has not seen; always saying {usual[0]!r} does so in "
            f"{common.percent(usual[1])}"
        )
    if skill.value >= _BELIEVED:
        part = f", and of its errors the tree avoids {common.share_with_ends(skill)}" if usual else ""
        return f"A tree of {leaves} rules {good}{part}."
    head = "The rules do not say what the model does: do not explain the model by them;"
    if usual is None:
        return f"{head} a tree of {leaves} rules {good}."
    if skill.value < 0:
        return (
            f"{head} always saying {usual[0]!r} agrees with the model more often ({common.percent(usual[1])}) than the tree of {leaves} rules "
            f"({common.percent(fidelity.value)}), on rows it has not seen."
        )
    return f"{head} a tree of {leaves} rules {good}; of its errors the tree avoids {common.share_with_ends(skill)}."
