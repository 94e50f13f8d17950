"""Workshop: one recipe trained with each mitigation, alone or together, and asked once about the same rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from auditkit.checks import _common as common
from auditkit.checks.membership._refits import aligned_proba
from auditkit.checks.mitigation import _defences as defences
from auditkit.checks.mitigation import _fair as fair
from auditkit.checks.mitigation import _reattack as reattack
from auditkit.checks.mitigation._mitigated import Point
from auditkit.checks.mitigation._remedies import Private, Published, Regularised, Smoothed, Stopped
from auditkit.errors import NotApplicable
from auditkit.methods.membership import signal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from auditkit.checks.mitigation._remedies import Remedy
    from auditkit.methods.mitigation import Constraint
    from auditkit.predictors import Predictor
    from auditkit.predictors.recipe import Recipe
    from auditkit.subject import Subject
    from auditkit.threat import ThreatModel

__all__ = ["KINDS", "Kind", "Rows", "Rule", "Workshop", "clash"]

Place = Literal["training", "settings", "inputs", "output", "alone"]


class Kind(NamedTuple):
    """A mitigation: what it is against, where it acts, at which strengths it is tried, and what it does in a few words."""

    against: Literal["unfairness", "leakage", "fragility", "nothing"]
    place: Place
    strengths: tuple[float, ...]
    told: str


_HALVES, _FULL = (0.5, 1.0), (1.0,)

SEED = "another seed"

KINDS: dict[str, Kind] = {
    "reweighing": Kind("unfairness", "training", _HALVES, "training rows weigh so that group and label are independent"),
    "correlation remover": Kind("unfairness", "training", _HALVES, "inputs lose what is linear in the group; needs the group to decide"),
    "exponentiated gradient": Kind("unfairness", "training", _HALVES, "a mixture of models trained under a constraint; decides by chance"),
    "threshold optimisation": Kind("unfairness", "training", _FULL, "a threshold for each group; needs the group to decide"),
    "regularisation": Kind("leakage", "settings", _HALVES, "settings under which the training rows are fitted less closely"),
    "early stopping": Kind("leakage", "settings", _HALVES, "fewer rounds, trees or epochs"),
    "label smoothing": Kind("leakage", "alone", _HALVES, "training on softened labels"),
    "private training": Kind("leakage", "alone", _HALVES, "training with noisy gradients (differential privacy)"),
    "rounding": Kind("leakage", "output", _HALVES, "probabilities are given out with two digits, or with one"),
    "top label": Kind("leakage", "output", _FULL, "only the label is given out"),
    "feature squeezing": Kind("fragility", "inputs", _FULL, "the model is shown few levels of each number"),
    "adversarial training": Kind("fragility", "alone", _FULL, "training also on changed rows that were answered wrongly"),
    "smoothing": Kind("fragility", "alone", _FULL, "the answer is the mean over noisy copies of a row"),
    "ensemble": Kind("fragility", "alone", _FULL, "several models trained on rows drawn with replacement answer together"),
    SEED: Kind("nothing", "alone", _FULL, "the same recipe without a mitigation, trained with another seed: what luck alone changes"),
}  # fmt: skip
"""The mitigations of the laboratories that can be measured on the same rows as the model without them, and one that does nothing."""

_ONE_OF = {
    "training": "each trains or decides in its own way",
    "output": "one of them decides what is given out",
}
_OUTPUT = ("rounding", "top label")
_SETTINGS: dict[str, type[Regularised | Stopped]] = {"regularisation": Regularised, "early stopping": Stopped}
_LEARNERS: dict[str, Callable[[float], Remedy]] = {"label smoothing": Smoothed, "private training": Private}
_ITERATIONS = 5  # of exponentiated gradient
_LEVELS, _NOISE, _COPIES, _MEMBERS = 8, 1.0, 10, 5  # as the laboratory has them
_REJECT = 0.05
_ROUNDS, _POOL = 1, 200


def clash(names: list[str]) -> str:
    """Return why these mitigations cannot be trained together; empty where they can."""
    by_place: dict[str, list[str]] = {}
    for name in names:
        by_place.setdefault(KINDS[name].place, []).append(name)
    for place, why in _ONE_OF.items():
        if len(by_place.get(place, [])) > 1:
            return f"{' and '.join(by_place[place])} exclude each other: {why}"
    alone = by_place.get("alone", [])
    beside = [name for name in names if name not in alone and KINDS[name].place != "output"]
    if len(alone) > 1 or (alone and beside):
        return f"{alone[0]} is trained by itself here, not together with {' or '.join([*alone[1:], *beside])}"
    return ""


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows that every rule is asked about, test rows first, then members, then changed copies of test rows.

    Attributes
    ----------
    frame : DataFrame of shape (m, d)
        All of them.
    who : ndarray of str, shape (m,)
        Group of each.
    truth : ndarray of bool, shape (tests,)
        Whether the label of each test row is positive.
    members : ndarray of int, shape (r,)
        Training rows that membership is asked of.
    member_truth : ndarray of bool, shape (r,)
        Whether their label is positive.
    others : ndarray of int, shape (s,)
        Test rows that stand against them.
    attacked : ndarray of int, shape (a,)
        Test rows that were changed.
    copies : int
        Changed copies of each.
    """

    frame: pd.DataFrame
    who: np.ndarray
    truth: np.ndarray
    members: np.ndarray
    member_truth: np.ndarray
    others: np.ndarray
    attacked: np.ndarray
    copies: int

    @property
    def is_member(self) -> np.ndarray:
        """Who of the rows that an attack looks at is one, members first."""
        return np.repeat([True, False], [len(self.members), len(self.others)])


@dataclass(frozen=True, eq=False)
class Rule:
    """What one model, mitigated or not, does with the rows.

    Attributes
    ----------
    selected : ndarray of bool, shape (tests,)
        Decisions about the test rows.
    scores : ndarray of shape (tests,)
        Of the positive label, as given out; 0 and 1 where only decisions are.
    leak : ndarray of shape (r + s,)
        What the loss attack makes of members and others, higher for members.
    stands : ndarray of bool, shape (a,)
        Whether a row is answered rightly as it is and under every change tried.
    by_chance : float
        Share of the decisions that another draw of the rule decides otherwise.
    setting : str
        What was set, in words.
    """

    selected: np.ndarray
    scores: np.ndarray
    leak: np.ndarray
    stands: np.ndarray
    by_chance: float
    setting: str


@dataclass(frozen=True, eq=False)
class Workshop:
    """Trains a recipe with mitigations.

    Attributes
    ----------
    subject : Subject
        With the rows that are trained on and measured on, and no others.
    recipe : Recipe
        Of its model.
    who : ndarray of str, shape (n,)
        Group of each training row.
    rows : Rows
        What is asked about.
    threat : ThreatModel or None
        What a small change is; None where none is allowed.
    constraint : {"demographic_parity", "equalized_odds"}
        What fairness mitigations narrow.
    seed : int
        Of every training and draw, so that only the mitigation differs.
    """

    subject: Subject
    recipe: Recipe
    who: np.ndarray
    rows: Rows
    threat: ThreatModel | None
    constraint: Constraint
    seed: int

    def rule(self, steps: Mapping[str, float]) -> Rule:
        """Train the recipe with these mitigations, by name their strength, and ask it about the rows.

        Raises
        ------
        NotApplicable
            If a mitigation is not for this model or these rows.
        """
        alone = [name for name in steps if KINDS[name].place == "alone" and name != SEED]
        point, settings = self._by_itself(alone[0], steps[alone[0]]) if alone else self._by_recipe(steps)
        scores = point.decisions.astype(float) if point.scores is None else point.scores
        for name in _OUTPUT:
            if name in steps:
                digits = (
                    "label alone" if name == "top label" else "1 digit" if steps[name] == 1 else "2 digits"
                )
                given = Published(steps[name], digits).published(np.column_stack([1 - scores, scores]))  # type: ignore[arg-type]
                scores = point.decisions.astype(float) if name == "top label" else given[:, 1]
                settings.append(digits)
        return self._asked(point, scores, ", ".join(filter(None, settings)))

    def _asked(self, point: Point, scores: np.ndarray, setting: str) -> Rule:
        rows = self.rows
        tests, members = len(rows.truth), len(rows.members)
        said, own = point.decisions, scores[: tests + members]
        seen = np.concatenate([own[tests:], own[:tests][rows.others]])
        truth = np.concatenate([rows.member_truth, rows.truth[rows.others]])
        changed = said[tests + members :].reshape(rows.copies, -1)
        aim = rows.truth[rows.attacked]
        return Rule(
            said[:tests],
            own[:tests],
            signal(np.column_stack([1 - seen, seen]), truth.astype(int), "loss"),
            np.asarray((said[:tests][rows.attacked] == aim) & (changed == aim).all(axis=0)),
            point.by_chance,
            setting,
        )

    def _by_recipe(self, steps: Mapping[str, float]) -> tuple[Point, list[str]]:
        """Change the settings of the learner, what it is shown, and how it is trained or decides, in that order."""
        from sklearn.base import clone

        subject, train = self.subject, self.subject.split("train")
        settings: list[str] = []
        recipe, frame = self.recipe, self.rows.frame
        if SEED in steps:
            recipe = subject.model.inner.recipe((self.seed + 1) % (2**31 - 1))
        for name in steps:
            if KINDS[name].place == "settings":
                remedy = _SETTINGS[name](steps[name])
                changed = remedy.changes(recipe.learner, len(train))
                learner = clone(recipe.learner)
                learner.set_params(**changed)
                recipe = replace(recipe, learner=learner)
                settings.append(remedy.setting(subject.model.inner, len(train)))
        if "feature squeezing" in steps:
            built = defences.DEFENCES["feature squeezing"](self._attackers(), self._settings())
            frame = built.model.shown(frame)  # type: ignore[attr-defined]
            settings.append(built.setting)
        Z, Z_new = recipe.prepare(train.X, train.y, frame)
        y, nobody = (train.y == subject.positive).astype(int), np.zeros(0)
        bench = fair.Bench(
            subject, recipe, Z, Z_new, y, self.who, self.rows.who, nobody, nobody, self.constraint, (1.0,), _ITERATIONS, scored=True
        )  # fmt: skip
        learner = bench.trained(Z, y)
        plain = bench.point(1.0, learner, Z_new)
        trained = [name for name in steps if KINDS[name].place == "training"]
        if not trained or plain.scores is None:
            return plain, settings
        (name,) = trained
        if len(np.unique(self.who)) < 2:
            raise NotApplicable("the training rows hold fewer than two groups that are known")
        bench = replace(
            bench, original=plain.decisions, original_scores=plain.scores, strengths=(steps[name],)
        )
        path = fair.MITIGATIONS[name](bench, (bench.decides(learner, Z), plain.decisions), self.seed)
        return path.points[-1], settings

    def _by_itself(self, name: str, strength: float) -> tuple[Point, list[str]]:
        """Train a model that is asked about rows as any other."""
        subject, train = self.subject, self.subject.split("train")
        model: Predictor
        if name in _LEARNERS:
            remedy = _LEARNERS[name](strength)
            model = remedy.trained(subject.model.inner, train.X, train.y, self.seed)
            setting = remedy.setting(subject.model.inner, len(train))
        else:
            built = defences.DEFENCES[name](self._attackers(), self._settings())
            model, setting = built.model, built.setting
        said = np.asarray(model.predict(self.rows.frame)) == subject.positive
        if not model.has_proba:
            return Point(1.0, said), [setting]
        classes = np.asarray(subject.classes)
        at = int(np.flatnonzero(classes == subject.positive)[0])
        return Point(1.0, said, scores=aligned_proba(classes, model, self.rows.frame)[:, at]), [setting]

    def _attackers(self) -> reattack.Bench:
        """Return what the laboratory of robustness builds its defences with."""
        if self.threat is None:
            raise NotApplicable("no small change is allowed here")
        subject, threat, rng = self.subject, self.threat, np.random.default_rng(self.seed)
        frame = subject.test.X.iloc[self.rows.attacked].reset_index(drop=True)
        target = reattack.Target(
            frame, threat.encode(frame), subject.class_index(subject.test.y[self.rows.attacked])
        )
        train = subject.split("train")
        starts = threat.encode(train.X.iloc[common.draw(len(train), _POOL, rng)])
        return reattack.Bench(subject, threat, target, starts, 60, 1, self.seed, (self.seed, self.seed + 1))

    def _settings(self) -> defences.Settings:
        return defences.Settings(
            _LEVELS, _NOISE, _COPIES, _MEMBERS, _REJECT, _ROUNDS, _POOL, self.subject.split("train").X
        )  # fmt: skip
