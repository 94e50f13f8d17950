"""Remedies: mitigations switched on and off, and what each does to fairness, leakage, robustness and utility at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from auditkit import progress, shared
from auditkit.checks import _common as common
from auditkit.checks._converging import converging
from auditkit.checks.mitigation._mitigated import DIFFERENCE, Yardstick
from auditkit.errors import Cancelled, InputError, NotApplicable, did_you_mean
from auditkit.evidence import Table
from auditkit.explore import _sides as sides
from auditkit.explore._laid_out import laid_out
from auditkit.explore._workshop import KINDS, Rule, Workshop, clash
from auditkit.explore.answer import Answer
from auditkit.methods._threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from auditkit.explore._sides import Beside
    from auditkit.methods.mitigation import Constraint
    from auditkit.subject import Subject

__all__ = ["KINDS", "Remedies", "clash"]

Steps = tuple[tuple[str, float], ...]

_BEFORE, _AFTER = "without", "with"


@dataclass(frozen=True, eq=False)
class Remedies:
    """A recipe trained without and with each mitigation; asked for any of them, or for several that were trained together.

    Attributes
    ----------
    subject : Subject
        With the rows that are trained on and measured on, and no others.
    yard : Yardstick or None
        Groups and what of them is compared; None where there are no groups.
    base : Rule
        The recipe trained again on the same rows, without a mitigation.
    rules : dict
        By mitigations and their strengths, what came of it.
    failed : dict of str to str
        Mitigations that could not be tried, and why.
    level : float
        Confidence level.
    notes : tuple of str
        What a reader must know of the rows.
    """

    subject: Subject
    workshop: Workshop
    yard: Yardstick | None
    base: Rule
    rules: dict[Steps, Rule]
    failed: dict[str, str]
    level: float
    notes: tuple[str, ...]
    _found: dict[Steps, tuple[Beside, ...]] = field(default_factory=dict)

    @classmethod
    def prepare(
        cls,
        subject: Subject,
        feature: str | None = None,
        *,
        mitigations: Iterable[str] | None = None,
        constraint: Constraint = "demographic_parity",
        rows: int = 4_000,
        copies: int = 20,
        level: float = 0.95,
    ) -> Self:
        """Train the recipe without a mitigation and with each one, by half and in full, and ask every model about the same rows.

        Parameters
        ----------
        subject : Subject
            Binary, with training rows, and a scikit-learn classifier or pipeline.
        feature : str, optional
            A sensitive feature; the first when left out.
        mitigations : iterable of str, optional
            Of `KINDS`; all when left out. Those that cannot be tried stand under `failed`.
        constraint : {"demographic_parity", "equalized_odds"}
            Which difference between groups is measured, and narrowed by mitigations that are for that.
        rows : int
            Training rows, and test rows, at most; drawn at random where there are more.
        copies : int
            Changed copies of each test row that is changed.
        level : float
            Confidence level of the intervals.

        Raises
        ------
        NotApplicable
            If there are no training rows, or the model cannot be trained again.
        InputError
            If a name is none of a mitigation or of a sensitive feature.
        """
        chosen = _known(KINDS if mitigations is None else mitigations)
        seed = shared.seed_of("remedies", np.random.default_rng(0))
        key = ("remedies", feature, tuple(chosen), constraint, rows, copies, level, seed)
        return shared.once(
            subject.memory, key, lambda: cls._prepared(subject, feature, chosen, constraint, rows, copies, level, seed)
        )  # fmt: skip

    @classmethod
    def _prepared(
        cls,
        subject: Subject,
        feature: str | None,
        chosen: list[str],
        constraint: Constraint,
        rows: int,
        copies: int,
        level: float,
        seed: int,
    ) -> Self:
        workshop, grouping, notes = laid_out(subject, feature, constraint, rows, copies, seed)
        yard = None if grouping is None else Yardstick(grouping, workshop.rows.truth, constraint, level)
        plan = [((name, at),) for name in chosen for at in KINDS[name].strengths]
        rules: dict[Steps, Rule] = {}
        failed: dict[str, str] = {}
        with one_thread(), converging() as early:
            progress.step(0.0, "the recipe without a mitigation")
            base = workshop.rule({})
            for done, steps in enumerate(plan):
                (name, at) = steps[0]
                if name in failed:
                    continue
                progress.step((done + 1) / (len(plan) + 1), _words(steps))
                try:
                    rules[steps] = workshop.rule({name: at})
                except Cancelled:
                    raise
                except Exception as error:  # noqa: BLE001 - one that fails leaves the others standing
                    failed[name] = _why(error)
        if not rules:
            raise NotApplicable(
                f"no mitigation could be tried: {'; '.join(f'{k}: {v}' for k, v in failed.items())}"
            )
        made = cls(
            workshop.subject,
            workshop,
            yard,
            base,
            rules,
            failed,
            level,
            (*notes, *early, _again(workshop, base)),
        )
        return made.measured()

    @property
    def strengths(self) -> dict[str, tuple[float, ...]]:
        """By mitigation, the strengths that it was tried at by itself."""
        found: dict[str, tuple[float, ...]] = {}
        for steps in self.rules:
            if len(steps) == 1:
                found[steps[0][0]] = (*found.get(steps[0][0], ()), steps[0][1])
        return found

    def ready(self, chosen: Mapping[str, float]) -> bool:
        """Return whether these mitigations were trained together."""
        steps = _steps(chosen)
        return not steps or steps in self.rules

    def adding(self, chosen: Mapping[str, float]) -> Self:
        """Return the same with one more model, trained with these mitigations together.

        Parameters
        ----------
        chosen : mapping of str to float
            By mitigation its strength, from above 0 to 1.

        Raises
        ------
        InputError
            If they cannot be trained together, or one does not exist.
        NotApplicable
            If one is not for this model.
        """
        steps = self._checked(chosen)
        if self.ready(chosen):
            return self
        progress.step(0.1, _words(steps))
        with one_thread(), converging():
            rule = self.workshop.rule(dict(steps))
        made = replace(self, rules={**self.rules, steps: rule}, _found={})
        return made.measured()

    def at(self, chosen: Mapping[str, float]) -> Answer:
        """Say what these mitigations do, together.

        Parameters
        ----------
        chosen : mapping of str to float
            By mitigation its strength; none for the recipe without.

        Returns
        -------
        Answer
            Tables ``change`` (turned so that above 0 is better, with paired intervals that hold for every figure of every model
            here at once), ``sides`` (without and with, all four dimensions), ``numbers`` and ``settings``. Where nothing is
            chosen, ``overview``: what each mitigation changes, beside the others.

        Raises
        ------
        InputError
            If these were not trained together yet (see `adding`), exclude each other, or do not exist.
        """
        steps = self._checked(chosen)
        if not self.ready(chosen):
            raise InputError(f"{_words(steps)} was not trained yet: .adding({dict(steps)!r}) trains it")
        found = self._found[steps]
        at = {
            "mitigations": dict(steps),
            **({} if self.yard is None else {"feature": self.yard.grouping.name}),
        }
        tables = (
            self._tables(steps, found)
            if steps
            else {"overview": self._overview(), "sides": self._alone(found)}
        )
        tables["numbers"] = sides.numbers("Every number", found, (_BEFORE, _AFTER))
        return Answer(
            "mitigations in four dimensions", at, self._says(steps, found), self._does_not_say(), tables
        )

    def _tables(self, steps: Steps, found: Sequence[Beside]) -> dict[str, Table]:
        name = _words(steps)
        change = sides.gained(
            f"What {name} changed", found,
            f"Right of 0 is better, left of it worse. The intervals are paired, and hold for all figures of all {len(self.rules)} "
            f"models here at once (Bonferroni, {self.level:.0%}).",
        )  # fmt: skip
        beside = sides.side_by_side(
            f"Without and with {name}", found, (_BEFORE, _AFTER),
            f"The recipe without and with {name}, on the same records, each figure with its {self.level:.0%} interval.",
        )  # fmt: skip
        return {"change": change, "sides": beside, "settings": self._settings(steps)}

    def _alone(self, found: Sequence[Beside]) -> Table:
        told = f"The recipe without a mitigation, each figure with its {self.level:.0%} interval."
        return sides.side_by_side("Without a mitigation", found, (_BEFORE,), told)

    def _overview(self) -> Table:
        """Return what every mitigation in full, and those trained together, change."""
        full = {_words(s): self._found[s] for s in self.rules if len(s) > 1 or s[0][1] == 1}
        columns = [
            *(["fairness"] if self.yard is not None else []),
            "leakage",
            *(["robustness"] if len(self.workshop.rows.attacked) else []),
            "accuracy",
            "ranking",
        ]
        labels = {
            "row": "mitigation",
            "column": "change in",
            "value": "above 0 is better",
            "told": "what can be told",
        }
        return sides.overview("What each mitigation changes", full, columns, labels)

    def measured(self) -> Self:
        """Return the same with every model measured beside the recipe without; the intervals hold for all of them."""
        figures = 3 + (self.yard is not None) + (len(self.workshop.rows.attacked) > 0)
        family = figures * len(self.rules)
        found = {
            (): self._beside(self.base, family),
            **{s: self._beside(rule, family) for s, rule in self.rules.items()},
        }
        return replace(self, _found=found)

    def _beside(self, rule: Rule, family: int) -> tuple[Beside, ...]:
        rows, base, level = self.workshop.rows, self.base, self.level
        found = []
        if self.yard is not None:
            rng = np.random.default_rng(self.workshop.seed)
            words = f"{DIFFERENCE[self.yard.constraint]} of {self.yard.grouping.name}"
            found.append(sides.gaps(words, base.selected, rule.selected, self.yard, family, rng))
        leak = "what an attack on training records finds (AUC, 0.5 is guessing)"
        found.append(sides.areas(leak, "lower", base.leak, rule.leak, rows.is_member, level, family))
        if len(rows.attacked):
            stands = "right and stays right under small changes"
            found.append(sides.shares(stands, "higher", base.stands, rule.stands, level, family))
        truth = rows.truth
        found += [
            sides.shares("accuracy", "higher", base.selected == truth, rule.selected == truth, level, family),
            sides.areas("ranking of records (AUC)", "higher", base.scores, rule.scores, truth, level, family),
        ]
        return tuple(found)

    def _checked(self, chosen: Mapping[str, float]) -> Steps:
        names = _known(chosen)
        for name, at in chosen.items():
            if not isinstance(at, (int, float, np.number)) or not 0 < at <= 1:
                raise InputError(f"a strength lies above 0 and is at most 1; got {at!r} for {name}")
            if name in self.failed:
                raise InputError(f"{name} cannot be tried here: {self.failed[name]}")
        if why := clash(names):
            raise InputError(why)
        return _steps(chosen)

    def _settings(self, steps: Steps) -> Table:
        columns = {
            "mitigation": tuple(name for name, _ in steps),
            "strength": tuple(at for _, at in steps),
            "against": tuple(KINDS[name].against for name, _ in steps),
            "what it does": tuple(KINDS[name].told for name, _ in steps),
        }
        rule = self.rules[steps]
        what = f"What was set: {rule.setting}." if rule.setting else ""
        return Table("What was done", columns, "plain", {}, what)

    def _says(self, steps: Steps, found: Sequence[Beside]) -> str:
        if not steps:
            values = "; ".join(f"{one.what} {_value(one)}" for one in found)
            return f"Nothing is switched on. The recipe without a mitigation: {values}."
        chance = self.rules[steps].by_chance
        drawn = (
            f" It decides by chance: another draw would decide {common.percent(chance)} of the records otherwise, and under small changes "
            "each copy is drawn for anew."
        )
        return f"With {_words(steps)}. {sides.told(found)}{drawn if chance else ''}"

    def _does_not_say(self) -> str:
        rows = self.workshop.rows
        return (
            "That a harm is cured, or that a model is safe to use. The attack on training records looks at the loss alone, and small changes "
            f"are {rows.copies} draws for each of {len(rows.attacked):,} records, the same for every model: attackers who know of a mitigation "
            "may find more (AK209 and AK317 let them try). Models are compared as they were trained: some of a change may be luck of "
            "training, which another seed shows. " + " ".join(self.notes)
        )  # fmt: skip


def _known(names: Iterable[str]) -> list[str]:
    found = list(dict.fromkeys(names))
    for name in found:
        if name not in KINDS:
            raise InputError(f"{name!r} is no mitigation.{did_you_mean(name, KINDS)}")
    return found


def _steps(chosen: Mapping[str, float]) -> Steps:
    order = list(KINDS)
    return tuple(
        sorted(((name, float(at)) for name, at in chosen.items()), key=lambda one: order.index(one[0]))
    )


def _words(steps: Steps) -> str:
    """Return "reweighing and regularisation at 50%"."""
    parts = [
        name if at == 1 or len(KINDS[name].strengths) == 1 else f"{name} at {at:.0%}" for name, at in steps
    ]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _why(error: Exception) -> str:
    kind = "" if isinstance(error, (NotApplicable, InputError)) else f"{type(error).__name__}: "
    return f"{kind}{error}"


def _value(one: Beside) -> str:
    value = one.first[0]
    if math.isnan(value):
        return "undefined"
    return common.percent(value) if one.unit == "points" else common.number(value)


def _again(workshop: Workshop, base: Rule) -> str:
    """Return how the recipe trained again differs from the model under audit."""
    subject: Any = workshop.subject
    right = [float(part.mean()) for part in (common.correct(subject), base.selected == workshop.rows.truth)]
    return (
        f"Everything is compared with the same recipe trained again on {len(subject.train):,} rows (accuracy {common.percent(right[1])}; the "
        f"model under audit {common.percent(right[0])}), not with the model under audit itself."
    )
