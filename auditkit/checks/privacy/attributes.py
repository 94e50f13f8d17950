"""Attributes: whether the model tells what is not known of a record, beyond what can be told without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Le
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks import _weights as weights
from auditkit.checks.privacy._attack import WORDS, AttackName, Result, Rows, attack
from auditkit.errors import InputError, NotApplicable, did_you_mean
from auditkit.evidence import Evidence, Measurement, Table
from auditkit.frames import Codec
from auditkit.methods.attribute_inference import Advantage, member_gap
from auditkit.naming import NameOf, inputs_of
from auditkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FEWEST = 20  # records of a kind, below which nothing is said
_OTHERS, _MEMBERS, _GAP = "attribute_advantage", "attribute_advantage_members", "attribute_member_gap"
_EVERY: tuple[AttackName, ...] = ("inversion", "learned", "confidence")


@check(
    code="AK207",
    title="Attribute inference, beside a baseline without the model",
    question="Can what is not known of a person be learnt by asking the model, better than without it?",
    dimension="privacy",
    metrics=[_OTHERS, _MEMBERS, _GAP],
)
def attribute_inference(
    subject: Subject,
    *,
    rng: np.random.Generator,
    features: Annotated[
        list[str] | None,
        NameOf(what="input of the model", of=inputs_of),
        Doc(
            "Inputs that are hidden from the attacker, each in turn; the sensitive features among the inputs when left out."
        ),
    ] = None,
    attacks: Annotated[
        list[AttackName] | None, Doc("Which attacks; model inversion and the learned attack when left out.")
    ] = None,
    knows_label: Annotated[
        bool, Doc("Whether the attacker knows the record's label; so does the baseline then.")
    ] = True,
    bins: Annotated[int, Ge(2), Le(10), Doc("Bins a hidden number of many values is guessed in.")] = 4,
    rows: Annotated[
        int, Ge(60), Doc("Population rows, members and others at most; drawn at random where there are more.")
    ] = 5000,
    level: common.Level = 0.95,
) -> Evidence:
    """Guess hidden features with the model and without it, for records it was trained on and for others.

    Parameters
    ----------
    subject : Subject
        With a model that can be asked.
    rng : numpy.random.Generator
        Which rows are population, and which are attacked.
    features : list of str, optional
        What is hidden.
    attacks : list of str, optional
        How it is guessed.
    knows_label : bool
        Whether attacker and baseline know the label.
    bins : int
        For hidden numbers.
    rows : int
        Records of each kind at most.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        For each feature and attack, accuracy less that of an imputer trained on the same rows without the model:
        ``attribute_advantage`` on records the model never saw, ``attribute_advantage_members`` on training records (both Bonett
        and Price 2012), and ``attribute_member_gap``, the second less the first (Zou and Donner 2008). All are lower bounds of
        what can be found. Fredrikson et al. 2015; Yeom et al. 2018; Mehnaz et al. 2022; Jayaraman and Evans 2022.
    """
    common.needs_model(subject)
    names, notes = _hidden(subject, features)
    chosen = list(dict.fromkeys(_EVERY[:2] if attacks is None else attacks))
    if not chosen:
        raise InputError(f"no attack named: choose from {', '.join(_EVERY)}")
    codec, drawn = _drawn(subject, rows, rng)
    seed = int(rng.integers(2**31 - 1))
    columns = [str(c) for c in codec.columns]
    found = {
        name: attack(
            subject,
            codec,
            drawn,
            columns.index(name),
            chosen,
            bins=bins,
            knows_label=knows_label,
            seed=seed,
            level=level,
        )
        for name in names
    }
    measured = [m for name, one in found.items() for m in _measurements(name, one, level)]
    _, members, _ = drawn.sizes
    return Evidence(
        "AK207",
        tuple(measured),
        _tables(found, measured),
        says=_says(measured, members),
        does_not_say=(
            "That no more can be learnt: a stronger attack may find more. Nor that a feature which is often guessed right leaks "
            "from the model: what the baseline guesses without it is not the model's doing."
        ),
        notes=(
            *_reading(members),
            *notes,
            *(n for one in found.values() for n in one.notes),
            *weights.ignored(subject.test),
        ),
        rows={
            **dict(zip(("population", "members", "non_members"), map(int, drawn.sizes), strict=True)),
            "how": "drawn at random",
        },
    )


def _hidden(subject: Subject, features: list[str] | None) -> tuple[list[str], list[str]]:
    """Return the inputs to hide, and what to say of sensitive features that are none."""
    inputs = [str(c) for c in subject.test.X.columns]
    if features is not None:
        names = list(dict.fromkeys(features))
        if not names:
            raise InputError(f"features names no input: choose from {', '.join(inputs[:20])}")
        for name in names:
            if name not in inputs:
                raise InputError(f"features: {name!r} is no input of the model.{did_you_mean(name, inputs)}")
        return names, []
    names = [name for name in subject.test.sensitive_names if name in inputs]
    if not names:
        raise NotApplicable(
            "no sensitive feature is an input of the model by its name: say which inputs an attacker might be after, features=[...]"
        )
    outside = [name for name in subject.test.sensitive_names if name not in inputs]
    said = f"Not an input of the model, so it cannot be asked about their values: {', '.join(outside)}."
    return names, [said] if outside else []


def _drawn(subject: Subject, most: int, rng: np.random.Generator) -> tuple[Codec, Rows]:
    """Return half of the test rows as population, training rows as members, and the other test rows."""
    test, train = subject.test, subject.train
    order = rng.permutation(len(test))
    half = len(order) // 2
    population, others = order[:half][:most], order[half:][:most]
    members = np.arange(0) if train is None else common.draw(len(train), most, rng)
    if min(len(population), len(others)) < _FEWEST or 0 < len(members) < _FEWEST:
        raise NotApplicable(
            f"too few rows: {len(population)} to learn from, {len(members)} members and {len(others)} others; {_FEWEST} of each are needed"
        )
    codec = Codec.of(test.X) if train is None else Codec.of(train.X, test.X)
    coded = [codec.encode(test.X.iloc[part]) for part in (population, others)]
    inside = coded[0][:0] if train is None else codec.encode(train.X.iloc[members])
    labels = test.y[:0] if train is None else train.y[members]
    table = np.concatenate([coded[0], inside, coded[1]])
    y = np.concatenate([test.y[population], labels, test.y[others]])
    return codec, Rows(table, y, (len(population), len(members), len(others)))


def _measurements(name: str, one: Result, level: float) -> Iterator[Measurement]:
    if one.reason:
        yield Measurement(_OTHERS, float("nan"), 0, group=name, bound="lower", reason=one.reason)
        return
    for which, other in one.others.items():
        group = f"{name}: {WORDS[which]}"
        yield _measured(_OTHERS, other, group, level)
        if which in one.members:
            member = one.members[which]
            yield _measured(_MEMBERS, member, group, level)
            gap = member_gap(member, other, level=level)
            yield common.measured(
                _GAP,
                gap.value,
                member.counts[2] + other.counts[2],
                (gap.low, gap.high),
                level,
                "zou-donner on bonett-price",
                group=group,
                bound="lower",
                p_value=gap.p_value,
            )


def _measured(metric: str, one: Advantage, group: str, level: float) -> Measurement:
    reason = (
        "the attack is right less often than the baseline, which an attacker would use instead"
        if one.high < 0
        else None
    )
    return common.measured(
        metric,
        one.value,
        one.counts[2],
        (one.low, one.high),
        level,
        "bonett-price",
        group=group,
        bound="lower",
        p_value=one.p_value,
        reason=reason,
    )


def _tables(found: Mapping[str, Result], measured: list[Measurement]) -> dict[str, Table]:
    known = [m for m in measured if m.metric != _GAP and m.interval is not None]
    if not known:
        return {}
    columns = common.estimates(known)
    columns["series"] = tuple("training records" if m.metric == _MEMBERS else "other records" for m in known)
    labels = {"value": "Right with the model less right without it", "n": "records"}
    summary = "What each attack adds to an imputer without the model; 0 is nothing."
    advantages = Table(
        "What the model adds to guessing", columns, "estimates", labels, summary, reference=0.0
    )
    every = [
        (name, WORDS[which], kind, one)
        for name, result in found.items()
        for kind, part in (("training", result.members), ("other", result.others))
        for which, one in part.items()
    ]
    rates = {
        "feature": tuple(name for name, *_ in every),
        "attack": tuple(words for _, words, *_ in every),
        "records": tuple(kind for _, _, kind, _ in every),
        "baseline": tuple(one.baseline for *_, one in every),
        "with_model": tuple(one.attack for *_, one in every),
        "advantage": tuple(one.value for *_, one in every),
    }
    words = {
        "baseline": "Right without the model",
        "with_model": "Right with the model",
        "advantage": "Difference",
    }
    said = "How often the hidden value was guessed right. Only the difference is about the model."
    return {
        "advantages": advantages,
        "accuracies": Table("With the model and without it", rates, labels=words, summary=said),
    }


def _says(measured: list[Measurement], members: int) -> str:
    known = [m for m in measured if m.metric == _OTHERS and m.interval is not None]
    if not known:
        return "No hidden feature could be guessed: see the reasons."
    best = max(known, key=lambda m: m.value)
    said = f"Of records it never saw, the model adds most to what can be guessed without it of {best.group}: {_points(best)}."
    gaps = [m for m in measured if m.metric == _GAP]
    if gaps:
        most = max(gaps, key=lambda m: m.value)
        said += f" What it adds for training records beyond that, which is what training gave away, is largest for {most.group}: {_points(most)}."
    elif not members:
        said += " What training gave away cannot be told without training rows."
    return said


def _points(m: Measurement) -> str:
    low, high = (m.interval.low, m.interval.high) if m.interval else (m.value, m.value)
    return f"{100 * m.value:.1f} points [{100 * low:.1f}, {100 * high:.1f}]"


def _reading(members: int) -> tuple[str, ...]:
    baseline = (
        "The baseline is gradient boosting that guesses the hidden feature from the same knowledge, trained on the same population rows, "
        "without the model. Intervals take model, attack and baseline as they are."
    )
    return (
        (baseline,)
        if members
        else (baseline, "No training rows were given: only what the model adds for others is measured.")
    )
