"""Extraction: how well a model is copied by somebody who only asks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
from annotated_types import Ge
from typing_extensions import Doc

from auditkit import progress, statistics
from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights
from auditkit.checks._sweeps import decoded, space_of
from auditkit.errors import NotApplicable
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.methods import extraction
from auditkit.subject import Subject

if TYPE_CHECKING:
    from auditkit.frames import Codec
    from auditkit.methods.feature_space import FeatureSpace

METRICS = ["extraction_fidelity", "extraction_advantage", "surrogate_accuracy"]

_FEWEST = 40  # rows: 20 asked, 20 held apart
_GRID = 5
_TO_CHOOSE = 0.2  # of the attacker's rows, to tell which copy is best
_MANY_CLASSES = 4  # beyond it boosted trees are trained on labels only
_EXACT = 1e-6
_OWN, _MADE_UP = "own rows", "made-up rows"
_SOLVED = "solved equations"
_TRUE = "true labels, no query"
_FREQUENT = "most frequent answer"


class _Asked(NamedTuple):
    """What one side has: rows as codes, the model's labels and probabilities, and the truth (own rows only)."""

    X: np.ndarray
    labels: np.ndarray
    proba: np.ndarray | None
    truth: np.ndarray | None


class _Copy(NamedTuple):
    """A copy: how it was made, queries spent, and its labels of the rows to choose by and of those held out."""

    way: str
    queries: int
    chosen_by: np.ndarray
    held_out: np.ndarray


class _Solution(NamedTuple):
    """The model rebuilt from equations, and on how many held-out rows its probabilities are the model's."""

    copy: _Copy
    found: extraction.Solved
    exact: int


@check(
    code="AK311",
    title="Copies of the model",
    question="How well can the model be copied by somebody who only asks it?",
    dimension="robustness",
    metrics=METRICS,
)
def model_extraction(
    subject: Subject,
    *,
    rng: np.random.Generator,
    rows: Annotated[
        int,
        Ge(_FEWEST),
        Doc("Test rows at most: half are the attacker's own, half are held out to compare answers."),
    ] = 2000,
    pool: Annotated[
        int, Ge(20), Doc("Made-up rows the attacker asks about at most, drawn column by column.")
    ] = 2000,
    level: common.Level = 0.95,
) -> Evidence:
    """Train copies on the model's answers and count how often they agree with it on rows nobody asked about.

    Parameters
    ----------
    subject : Subject
        A classifier to ask.
    rng : numpy.random.Generator
        Rows drawn and made up, and the training.
    rows : int
        Test rows at most.
    pool : int
        Made-up rows at most.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        ``extraction_fidelity``: share of held-out rows that the copy answers as the model does, of the copy that did best on rows of
        the attacker's own (Wilson); a lower bound. ``extraction_advantage``: over the most frequent answer, and over the same learners
        trained on true labels without asking (paired). ``surrogate_accuracy``: of the copy, on true labels. The table
        ``by_queries`` has the fidelity of every copy against the queries spent.
    """
    common.needs_model(subject)
    common.needs_classes(subject)
    if len(subject.test) < _FEWEST:
        raise NotApplicable(
            f"a copy needs at least {_FEWEST} test rows, half to ask and half to compare; there are {len(subject.test)}"
        )
    codec, space = space_of(subject)
    chosen = rng.permutation(common.draw(len(subject.test), rows, rng))
    theirs, ours = np.array_split(chosen, 2)
    kept = max(4, round(_TO_CHOOSE * len(theirs)))
    to_choose, own, held = (
        _ask(subject, codec, codec.encode(subject.test.X.iloc[at]), subject.test.y[at])
        for at in (theirs[:kept], theirs[kept:], ours)
    )
    made_up = _ask(
        subject, codec, extraction.marginal_rows(codec.encode(subject.test.X.iloc[theirs]), pool, rng), None
    )
    seed = int(rng.integers(2**31 - 1))
    copies, without = _copies(space, own, made_up, to_choose, held, seed)
    solved = _solve(subject, codec, space, own, to_choose, held)
    if solved is not None:
        copies.append(solved.copy)
    best = _best(copies, to_choose.labels)
    free = _best(without, to_choose.labels)  # chosen by the same rows
    return Evidence(
        "AK311",
        tuple(_measured(best, free, own, held, level)),
        {
            **_curves(copies, free, own, held, level),
            "accuracies": _accuracies(best, free, held, level),
            **({} if solved is None else {"equations": _equations(subject, codec, space, solved.found)}),
        },
        says=_says(best, held),
        does_not_say="That the model cannot be copied better: with more queries, chosen more cleverly, a copy may come closer.",
        notes=(*_notes(kept, solved, held), *_weights.ignored(subject.test)),
        rows=common.rows_used(len(chosen), len(subject.test)),
    )


def _ask(subject: Subject, codec: Codec, X: np.ndarray, truth: np.ndarray | None) -> _Asked:
    frame = decoded(codec, X)
    labels = subject.class_index(subject.model.predict(frame))
    proba = subject.model.predict_proba(frame) if subject.model.has_proba else None
    return _Asked(X, labels, proba, None if truth is None else subject.class_index(truth))


def _copies(
    space: FeatureSpace, own: _Asked, made_up: _Asked, to_choose: _Asked, held: _Asked, seed: int
) -> tuple[list[_Copy], list[_Copy]]:
    """Return the copies by rows asked, kind of answer, learner and queries; and those trained on true labels."""
    rows = np.concatenate([to_choose.X, held.X])

    def copied(way: str, X: np.ndarray, answers: np.ndarray, learner: str, queries: int) -> _Copy:
        labels = extraction.copied_labels(X, space.categorical, answers, rows, learner=learner, seed=seed)
        return _Copy(way, queries, labels[: len(to_choose.X)], labels[len(to_choose.X) :])

    plans = [
        (f"{whose}, {what}, {learner}", side.X, answers, learner, int(q))
        for whose, side in ((_OWN, own), (_MADE_UP, made_up))
        for what, answers in (("labels", side.labels), ("probabilities", side.proba))
        if answers is not None
        for learner in extraction.LEARNERS
        if what == "labels" or learner == extraction.LEARNERS[0] or answers.shape[1] < _MANY_CLASSES
        for q in _grid(len(side.X))
    ]
    found = []
    for i, (way, X, answers, learner, q) in enumerate(plans):
        found.append(copied(way, X[:q], answers[:q], learner, q))
        progress.step((i + 1) / len(plans), f"copy by {way}")
    if own.truth is None:
        raise NotApplicable("the attacker's rows have no labels")
    return found, [copied(_TRUE, own.X, own.truth, learner, 0) for learner in extraction.LEARNERS]


def _grid(most: int) -> np.ndarray:
    """Return numbers of queries up to `most`, each about twice the one before."""
    return np.unique(np.maximum(most // 2 ** np.arange(_GRID), min(10, most)))


def _solve(
    subject: Subject, codec: Codec, space: FeatureSpace, own: _Asked, to_choose: _Asked, held: _Asked
) -> _Solution | None:
    """Rebuild the model as a sum of log-odds from the answer of most doubt; None where that is not what it is."""
    if to_choose.proba is None:
        return None
    whole = np.array([kind == "integer" for kind in space.kind])
    full = ~np.isnan(to_choose.X).any(axis=1)
    if not full.any():
        return None
    doubt = np.where(full, to_choose.proba.min(axis=1), -1.0)
    found = extraction.solve_equations(
        lambda X: subject.model.predict_proba(decoded(codec, X)),
        to_choose.X[int(doubt.argmax())], space.scale, whole, space.n_categories,
        np.isnan(own.X).any(axis=0),
    )  # fmt: skip
    first, second = found.proba(to_choose.X), found.proba(held.X)
    # on the rows to choose by, and no others: held-out rows settle nothing
    off = np.abs(first - to_choose.proba)[~np.isnan(first).any(axis=1)]
    if not len(off) or off.max() > _EXACT:
        return None
    frequent = extraction.majority_label(own.labels)
    labels = [
        np.where(np.isnan(p).any(axis=1), frequent, np.nan_to_num(p).argmax(axis=1)) for p in (first, second)
    ]
    known = ~np.isnan(second).any(axis=1)
    exact = (
        int((np.abs(second - held.proba).max(axis=1)[known] <= _EXACT).sum()) if held.proba is not None else 0
    )
    return _Solution(_Copy(_SOLVED, found.queries, *labels), found, exact)


def _best(copies: list[_Copy], labels: np.ndarray) -> _Copy:
    """Return the copy that agrees most with the model on the rows to choose by; of equals the one of most queries."""
    return max(
        copies, key=lambda copy: (int((copy.chosen_by == labels).sum()), copy.way == _SOLVED, copy.queries)
    )


def _measured(best: _Copy, free: _Copy, own: _Asked, held: _Asked, level: float) -> list[Measurement]:
    n, same = len(held.labels), best.held_out == held.labels
    k = int(same.sum())
    how = f"{best.way}, {best.queries:,} queries"
    found = [
        common.measured(
            "extraction_fidelity",
            k / n,
            n,
            statistics.wilson(k, n, level),
            level,
            "wilson",
            bound="lower",
            reason=how,
        )
    ]
    others = {
        "over the most frequent answer": held.labels == extraction.majority_label(own.labels),
        "over learning from true labels": free.held_out == held.labels,
    }
    for group, other in others.items():
        lost, won = int((same & ~other).sum()), int((~same & other).sum())
        ends = statistics.paired_difference(lost, won, n, level)
        found.append(
            common.measured(
                "extraction_advantage",
                (lost - won) / n,
                n,
                ends,
                level,
                "bonett-price",
                group=group,
                bound="lower",
                reason=how,
            )
        )
    right = int((best.held_out == held.truth).sum())
    ends = statistics.wilson(right, n, level)
    found.append(common.measured("surrogate_accuracy", right / n, n, ends, level, "wilson", reason=how))
    return found


def _curves(copies: list[_Copy], free: _Copy, own: _Asked, held: _Asked, level: float) -> dict[str, Table]:
    """Return the fidelity against the queries, of copies from the attacker's own rows and of those from made-up ones."""
    solved = [copy for copy in copies if copy.way == _SOLVED]
    named = {"by_queries": _OWN, "by_made_up_queries": _MADE_UP}
    return {
        name: _curve([c for c in copies if c.way.startswith(whose)] + solved, whose, free, own, held, level)
        for name, whose in named.items()
    }


def _curve(copies: list[_Copy], whose: str, free: _Copy, own: _Asked, held: _Asked, level: float) -> Table:
    n = len(held.labels)
    ends = min(copy.queries for copy in copies), max(copy.queries for copy in copies)
    frequent = int((held.labels == extraction.majority_label(own.labels)).sum())
    by_truth = int((free.held_out == held.labels).sum())
    points = [
        (copy.way.removeprefix(f"{whose}, "), copy.queries, int((copy.held_out == held.labels).sum()))
        for copy in sorted(copies, key=lambda copy: (copy.way, copy.queries))
    ]
    points += [(_FREQUENT, q, frequent) for q in ends] + [(_TRUE, q, by_truth) for q in ends]
    hits = np.array([k for _, _, k in points])
    low, high = statistics.wilson(hits, n, level)
    columns = {
        "x": tuple(q for _, q, _ in points),
        "value": tuple(hits / n),
        "low": tuple(low),
        "high": tuple(high),
        "n": (n,) * len(points),
        "series": tuple(way for way, _, _ in points),
    }
    words = {"x": "Rows asked", "value": "Share answered as the model does", "n": "records"}
    summary = (
        f"Agreement with the model on {n} held-out rows, of copies from {whose}; the most frequent answer alone agrees on "
        f"{common.percent(frequent / n)}, learning from true labels without a query on {common.percent(by_truth / n)}."
    )
    return Table(f"Copies from {whose}, by queries spent", columns, "curve", words, summary)


def _accuracies(best: _Copy, free: _Copy, held: _Asked, level: float) -> Table:
    n = len(held.labels)
    who = {"the model": held.labels, "its copy": best.held_out, "learnt from true labels": free.held_out}
    hits = np.array([int((labels == held.truth).sum()) for labels in who.values()])
    low, high = statistics.wilson(hits, n, level)
    columns = {
        "label": tuple(who),
        "value": tuple(hits / n),
        "low": tuple(low),
        "high": tuple(high),
        "n": (n,) * 3,
    }
    words = {"label": "Who answers", "value": "Accuracy", "n": "records"}
    summary = f"Accuracy on {n} held-out rows: what the copy is worth beside the model, and beside learning without it."
    return Table("What the copy is worth", columns, "estimates", words, summary)


def _equations(subject: Subject, codec: Codec, space: FeatureSpace, found: extraction.Solved) -> Table:
    """Return the parameters as they were recovered, one row a class, column and category."""
    classes = [] if subject.classes is None else [str(c) for c in subject.classes.tolist()]
    rows: list[tuple[str, str, float]] = []
    # a value that one row alone holds may be a name: what it weighs is not shown
    shown = {j: _rows_of_codes(subject, codec, j, len(added)) > 1 for j, added in found.by_code.items()}
    hidden = sum(int((~seen).sum()) for seen in shown.values()) * max(len(classes) - 1, 0)
    for at, name in enumerate(classes[1:]):
        rows.append((name, "intercept", float(found.intercept[at])))
        for j, column in enumerate(space.names):
            if j in found.by_code:
                said = codec.categories[j]
                rows += [
                    (name, f"{column}={said[c]}", float(v))
                    for c, v in enumerate(found.by_code[j][:, at])
                    if shown[j][c]
                ]
            else:
                rows.append((name, column, float(found.weights[at, j])))
            if not np.isnan(found.missing[at, j]):
                rows.append((name, f"{column} missing", float(found.missing[at, j])))
    columns = {
        "class": tuple(row[0] for row in rows),
        "parameter": tuple(row[1] for row in rows),
        "weight": tuple(row[2] for row in rows),
    }
    labels = {"weight": f"added to the log-odds against {classes[0] if classes else 'the first class'}"}
    summary = (
        f"The model is a sum of log-odds; its {len(rows) + hidden} parameters were read from {found.queries} answers."
        + (f" {hidden} of values that one row alone holds are not listed." if hidden else "")
    )
    return Table("Parameters read from answers", columns, labels=labels, summary=summary)


def _rows_of_codes(subject: Subject, codec: Codec, j: int, codes: int) -> np.ndarray:
    """Return how many rows, of either split, hold each code of a column."""
    splits = [data for data in (subject.train, subject.test) if data is not None]
    column = np.concatenate([codec.encode(data.X)[:, j] for data in splits])
    return np.bincount(column[~np.isnan(column)].astype(int), minlength=codes)


def _says(best: _Copy, held: _Asked) -> str:
    n, k = len(held.labels), int((best.held_out == held.labels).sum())
    return f"A copy made with {best.queries:,} queries ({best.way}) answers {k} of {n} held-out rows as the model does."


def _notes(kept: int, solved: _Solution | None, held: _Asked) -> tuple[str, ...]:
    notes = [
        f"Which copy counts was settled on {kept} further rows that the attacker asked about, not on the held-out rows."
    ]
    if solved is not None:
        notes.append(
            f"On these rows the model is a sum over its columns in log-odds, and {solved.found.queries:,} answers around a row of doubt give "
            f"all its parameters: rebuilt, its probabilities are those of the model to {_EXACT:g} on {solved.exact:,} of "
            f"{len(held.labels):,} held-out rows."
        )
    if held.proba is None:
        notes.append("The model gives labels only: copies from probabilities were not tried.")
    return tuple(notes)
