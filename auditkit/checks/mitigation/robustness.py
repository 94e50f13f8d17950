"""Robustness: what defences against small changes are worth once attackers know of them, measured on held-out records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from typing_extensions import Doc

from auditkit.check import check
from auditkit.checks import _common as common
from auditkit.checks._converging import converging
from auditkit.checks.mitigation import _hardened as hardened
from auditkit.checks.mitigation._defences import DEFENCES, TRAINS, Built, Settings, retrained
from auditkit.checks.mitigation._hardened import Compared
from auditkit.checks.mitigation._reattack import Bench, Target, attack, replayed, turns
from auditkit.checks.mitigation.defended import Defended, Gated
from auditkit.checks.robustness._threats import (
    AttackedRows,
    Immutable,
    NormOfChange,
    Radius,
    allowed_table,
    allowed_words,
    sized,
    threat_of,
    too_coarse,
)
from auditkit.errors import Cancelled, InputError, NotApplicable, did_you_mean
from auditkit.evidence import Evidence
from auditkit.methods._threads import one_thread
from auditkit.naming import NameOf
from auditkit.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

    from auditkit.checks.mitigation._reattack import Attacked
    from auditkit.threat import ThreatModel

_MOST_HELD = 2_000  # held-out rows that a gate is calibrated on, and again as many that it is measured on


@check(
    code="AK317",
    title="Robustness mitigation laboratory",
    question="By how much would each defence raise accuracy under attack, once attackers know of it, and at what cost?",
    dimension="mitigation",
    metrics=hardened.METRICS,
)
def robustness_mitigation_lab(
    subject: Subject,
    *,
    rng: np.random.Generator,
    defences: Annotated[
        list[str] | None,
        NameOf(what="defence", among=lambda _: DEFENCES),
        Doc("Defences to try out, by name; all when left out."),
    ] = None,
    radius: Radius = None,
    norm: NormOfChange = None,
    immutable: Immutable = None,
    rows: AttackedRows = 200,
    max_calls: Annotated[
        int,
        Ge(20),
        Doc("Calls that attackers make to one model at most, all rows, attackers and tries together."),
    ] = 100,
    repeats: Annotated[
        int,
        Ge(1),
        Le(10),
        Doc(
            "How often each attacker tries from the start at most; tries share `max_calls`, with 5 or more each."
        ),
    ] = 1,
    pool: Annotated[
        int,
        Ge(20),
        Doc("Training rows at most that are attacked to train on, and that a gate compares with."),
    ] = 500,
    levels: Annotated[int, Ge(2), Le(1_000), Doc("Levels of a squeezed column.")] = 8,
    noise: Annotated[float, Gt(0), Doc("Noise of smoothing, a standard deviation in radii.")] = 1.0,
    copies: Annotated[int, Ge(2), Le(200), Doc("Noisy copies of a row that smoothing asks about.")] = 10,
    members: Annotated[int, Ge(2), Le(50), Doc("Models of an ensemble.")] = 5,
    reject: Annotated[
        float, Gt(0), Lt(0.5), Doc("Share of ordinary rows that a gate may send to a person.")
    ] = 0.05,
    level: common.Level = 0.95,
) -> Evidence:
    """Try defences out and attack each again from scratch, end to end, beside the model without it.

    Parameters
    ----------
    subject : Subject
        A classifier to ask; its threat model says what attackers may do.
    rng : numpy.random.Generator
        Rows, attacks, and what defences draw.
    defences : list of str, optional
        Of "adversarial training", "input gate", "smoothing", "feature squeezing", "ensemble".
    radius : float, optional
        Largest change that counts as small, in the units of the threat model.
    norm : {"l1", "l2", "linf", "l0"}, optional
        How changes of several columns add up.
    immutable : list of str, optional
        Columns that stay.
    rows : int
        Test rows attacked at most.
    max_calls : int
        Budget of the attackers on one model, in equal parts for all tries of all attackers who can try; each call asks about all
        rows. A gate is attacked class by class, with this budget for each class. What was found is measured by a few calls more.
    repeats : int
        Tries of each attacker, fewer where the budget would leave one of them less than 5 calls.
    pool : int
        Training rows attacked, and compared with, at most.
    levels, noise, copies, members, reject
        Settings of the defences.
    level : float
        Confidence level.

    Returns
    -------
    Evidence
        For each defence ``robust_accuracy_before``, ``robust_accuracy_after`` and ``robust_accuracy_gain``: the share of records
        answered rightly whatever the attackers tried, upper bounds; after, the worst of old rows replayed and of attacks made
        against the defended model. ``accuracy_cost`` on the same records. Gains and costs are paired, and hold for all defences at
        once, gains and costs together (Bonferroni). ``replayed_stopped_share`` and ``adaptive_stopped_share`` set the old attack beside the new.
        ``gate_false_reject_rate`` rests on rows that the gate was not calibrated on.

    References
    ----------
    Athalye, Carlini and Wagner 2018, "Obfuscated gradients give a false sense of security", arXiv 1802.00420. Tramer et al. 2020,
    "On adaptive attacks to adversarial example defenses", arXiv 2002.08347.
    """
    chosen = _chosen(defences)
    common.needs_model(subject)
    common.needs_classes(subject)
    threat = threat_of(subject, immutable=immutable, radius=radius, norm=norm)
    coarse = too_coarse(threat)
    attacked, held, fresh = _shared_out(len(subject.test), rows, rng)
    bench = _bench(subject, threat, attacked, held, (max_calls, repeats), rng)
    calibration = subject.test.X.iloc[held].reset_index(drop=True)
    settings = Settings(levels, noise, copies, members, reject, 2, pool, calibration)
    notes: list[str] = []
    with one_thread(), converging() as early:
        plain = Defended(bench.counted(subject.model.inner))
        first = _Tried("original", Built(plain, ""), attack(bench, plain))
        tried = _tried(chosen, bench, settings, first, notes)
        worst, compared = _compared(bench, first, tried, subject.test.X.iloc[fresh])
    for one in bench.asked:
        subject.model.also(one.cost())
    audited = first.after
    if not compared:
        raise NotApplicable(f"no defence could be tried: {'; '.join(notes)}")
    family = hardened.Family(level, hardened.comparisons(compared))
    found = [m for one in compared for m in hardened.measured(one, family)]
    return Evidence(
        "AK317",
        (*hardened.original(audited, bench.target.y, worst, level), *found),
        {
            "trade_off": hardened.trade_off(audited, worst, compared, level),
            "changes": hardened.change_table(found),
            "attacks": hardened.attack_table(found),
            "attackers": hardened.attacker_table(audited, compared, level),
            "settings": hardened.settings_table(compared),
            "allowed": allowed_table(threat),
        },
        says=hardened.sentence(found, compared, family),
        does_not_say=(
            "That a defended model is safe: both figures are of attacks that were tried, within one radius, and a better one may "
            "find more after as before."
        ),
        notes=tuple(
            dict.fromkeys(
                [
                    *notes,
                    *early,
                    *_retrained(compared, audited, worst),
                    *hardened.to_a_person(found, compared),
                    *_about(bench, audited),
                    *allowed_words(threat),
                    *coarse,
                ]
            )
        ),
        rows={
            **common.rows_used(len(attacked), len(subject.test)),
            "held_out_for_defences": len(held),
            "held_out_for_the_gate": len(fresh),
        },
    )


def _bench(
    subject: Subject,
    threat: ThreatModel,
    attacked: np.ndarray,
    held: np.ndarray,
    budget: tuple[int, int],
    rng: np.random.Generator,
) -> Bench:
    source = subject.test.take(held) if subject.train is None else subject.train
    frame = subject.test.X.iloc[attacked].reset_index(drop=True)
    target = Target(frame, threat.encode(frame), subject.class_index(subject.test.y[attacked]))
    starts = threat.encode(source.X.iloc[common.draw(len(source), _MOST_HELD, rng)])
    seed, *seeds = (int(rng.integers(2**31 - 1)) for _ in range(3))
    return Bench(subject, threat, target, starts, *budget, seed, (seeds[0], seeds[1]))


def _shared_out(n: int, rows: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows that are attacked, rows that defences are calibrated on, and rows a gate is measured on.

    A third at most is calibrated on. What is attacked, or measured, is never what was calibrated on.
    """
    order = rng.permutation(n)
    held = min(n // 3, _MOST_HELD)
    fresh = order[held : held + _MOST_HELD]
    return np.sort(order[held:][:rows]), np.sort(order[:held]), np.sort(fresh)


@dataclass(frozen=True, eq=False)
class _Tried:
    """A model that was attacked, and what it is compared with."""

    name: str
    built: Built
    after: Attacked
    base: _Tried | None = None


def _tried(
    chosen: list[str], bench: Bench, settings: Settings, first: _Tried, notes: list[str]
) -> list[_Tried]:
    """Build each defence, and attack it from scratch; one that fails leaves the others standing."""
    found: list[_Tried] = []
    again: _Tried | None = None
    for name in chosen:
        try:
            if name in TRAINS and again is None:
                plain = Built(retrained(bench), "")
                again = _Tried("retrained", plain, attack(bench, plain.model))
            built = DEFENCES[name](bench, settings)
            found.append(_Tried(name, built, attack(bench, built.model), again if name in TRAINS else first))
        except Cancelled:
            raise
        except Exception as error:  # noqa: BLE001 - a defence that fails leaves the others standing
            notes.append(_failed(name, error))
    return found


def _compared(
    bench: Bench, first: _Tried, tried: list[_Tried], fresh: pd.DataFrame
) -> tuple[np.ndarray, list[Compared]]:
    """Try every row that was found against any model on every model; return that of the first, and the comparisons."""
    models = list({id(one): one for one in (first, *(t.base or t for t in tried), *tried)}.values())
    every = [rows for one in models for rows in one.after.found]
    worst = {id(one): replayed(bench, one.built.model, every) for one in models}
    compared = []
    for one in tried:
        base = one.base or first
        old, gate = replayed(bench, one.built.model, base.after.found), one.built.model
        away = gate.rejects(fresh) if isinstance(gate, Gated) else None
        compared.append(
            Compared(
                one.name, one.built.setting, bench.target.y, base.after, one.after, old, worst[id(base)], worst[id(one)],
                None if away is None else (int(away.sum()), len(away)),
            )
        )  # fmt: skip
    return worst[id(first)], compared


def _chosen(names: list[str] | None) -> list[str]:
    if names is None:
        return list(DEFENCES)
    if not names:
        raise InputError(f"no defence named: choose from {', '.join(DEFENCES)}")
    for name in names:
        if name not in DEFENCES:
            raise InputError(f"{name!r} is no defence.{did_you_mean(name, DEFENCES)}")
    return list(dict.fromkeys(names))


def _failed(name: str, error: Exception) -> str:
    kind = "" if isinstance(error, (NotApplicable, InputError)) else f"{type(error).__name__}: "
    return f"{name} could not be tried: {kind}{error}"


def _retrained(compared: list[Compared], audited: Attacked, worst: np.ndarray) -> list[str]:
    """Return how the model trained again, without any defence, differs from the one under audit."""
    again = next((one for one in compared if one.name in TRAINS), None)
    if again is None:
        return []
    y = again.y
    right = [common.percent((one.decided == y).mean()) for one in (audited, again.before)]
    stands = [
        common.percent(((one.decided == y) & ~hit).mean())
        for one, hit in ((audited, worst), (again.before, again.worst_before))
    ]
    return [
        (
            f"Trained again on the same rows with no defence, accuracy is {right[1]} (original {right[0]}) and accuracy under attack "
            f"{stands[1]} (original {stands[0]}); adversarial training and the ensemble are compared with this model."
        )
    ]


def _about(bench: Bench, audited: Attacked) -> list[str]:
    """Return who attacked, with what."""
    who = ", ".join(audited.flips)
    times = "once" if (n := turns(bench, len(audited.flips))) == 1 else f"up to {n} times"
    return [
        (
            f"Attackers: {who}; each {times}, with at most {bench.max_calls:,} calls a model together, within {sized(bench.threat)}, "
            "from scratch on every model. Every row found against one model was then tried on all the others as well."
        ),
        *(f"Not tried: {note}." for note in audited.notes),
    ]
