"""Audit: the plan. It runs checks on a subject, in any engine, and judges what they observed."""

from __future__ import annotations

import functools
import logging
import os
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from auditkit._version import __version__
from auditkit.check import Check, find, fits, registry, resolve
from auditkit.engine import Finished, Progress, Started, Step, in_executor, place_of, serial
from auditkit.errors import Cancelled, InputError, did_you_mean
from auditkit.evidence import Evidence, jsonable
from auditkit.finding import Finding, Policy
from auditkit.judging import judge
from auditkit.keeping import with_answers
from auditkit.left_out import not_examined
from auditkit.masking import Masking, masking_of
from auditkit.predictors.plug_ins import adapters
from auditkit.releases import host, versions
from auditkit.report import Report
from auditkit.targets import KINDS, TEMPLATES, Target
from auditkit.waiver import Waiver, waivers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Audit", "Completed", "Event", "Finished", "Progress", "Started"]


@dataclass(frozen=True, slots=True)
class Completed:
    """All checks ended; here is the report."""

    report: Report


Event = Started | Progress | Finished | Completed


@dataclass(frozen=True)
class Audit:
    """The plan of an audit.

    Parameters
    ----------
    checks : sequence of str or check functions, or dict of name to parameters
        Names, codes or dimensions ("bias" means all of its checks); marked functions, or
        `functools.partial` of them to set parameters.
    criteria : Policy, iterable of Criterion or path of a policy file, optional
        What is required; auditkit's default policy when left out.
    waivers : iterable of Waiver, optional
        What is accepted although it is not met, besides the policy's own waivers.

    Raises
    ------
    InputError
        Before anything runs, if a check, a parameter, or the metric of a criterion or waiver does not exist.

    Examples
    --------
    >>> Audit({"demographic_parity": {"level": 0.9}})
    Audit(demographic_parity; ... criteria; .run(subject) to run)
    """

    checks: Any
    criteria: Any = None
    waivers: Any = ()
    plan: tuple[tuple[Check, dict[str, Any]], ...] = field(init=False)

    def __post_init__(self) -> None:
        plan = tuple(_plan(self.checks).values())
        if not plan:
            raise InputError(
                f"an audit needs checks: names, or dimensions.{did_you_mean('', [check.name for check in registry().checks])}"
            )
        object.__setattr__(self, "plan", plan)
        object.__setattr__(self, "waivers", waivers_of(self.waivers))
        object.__setattr__(self, "criteria", _policy(self.criteria, self.waivers, plan))

    def __repr__(self) -> str:
        names = ", ".join(check.name for check, _ in self.plan)
        return f"Audit({names}; {len(self.criteria)} criteria; .run(subject) to run)"

    def run(
        self, subject: Target, *, seed: int = 0, executor: Executor | None = None,
        cache: str | os.PathLike[str] | None = None, keep_answers: bool = False,
    ) -> Report:  # fmt: skip
        """Run every check and return the report.

        Parameters
        ----------
        subject : Subject or another Target
            What to audit.
        seed : int
            Root of all random numbers; each check draws from a branch of its own, named by its code, so that it gives the
            same numbers in every plan.
        executor : concurrent.futures.Executor, optional
            Where checks run: processes, threads, or a cluster's ``client.get_executor()``. One after the
            other in this process when left out. The numbers are the same in all of them.
        cache : path, optional
            A folder in which answers of reference models are kept, made if it is not there. A later audit of the same
            model on the same data with the same seed and versions takes them up and gives the same numbers sooner.
        keep_answers : bool
            Whether the report is to hold what the model said of each test row, for `Report.save` to write to a file of its own.
        """
        for event in self.stream(
            subject, seed=seed, executor=executor, cache=cache, keep_answers=keep_answers
        ):
            if isinstance(event, Completed):
                return event.report
        raise Cancelled("the audit ended without a report")  # pragma: no cover - the stream always completes

    def stream(
        self, subject: Target, *, seed: int = 0, executor: Executor | None = None,
        only: Iterable[str] | None = None, known: Iterable[Evidence] = (),
        cache: str | os.PathLike[str] | None = None, keep_answers: bool = False,
    ) -> Iterator[Event]:  # fmt: skip
        """Yield events as the audit goes; the last one is `Completed`.

        Closing the iterator cancels: in this process at the running check's next step (each call to the model is
        one), in an executor by dropping what has not begun.

        Parameters
        ----------
        subject, seed, executor, cache, keep_answers
            As for `run`.
        only : iterable of str, optional
            Codes of the checks to run now; the parts give the numbers of the whole.
        known : iterable of Evidence
            What an earlier part observed; taken over, not run again.

        Raises
        ------
        InputError
            At once, if an argument cannot be used, a parameter names what the subject does not have, `only` names what is not
            in the plan, or `known` is of another seed or other parameters.
        """
        _subject(subject)
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
            raise InputError(f"seed must be a whole number from 0; got {seed!r}")
        if executor is not None and not isinstance(executor, Executor):
            raise InputError(
                "executor= takes a concurrent.futures.Executor, such as ProcessPoolExecutor(2), or is left out; "
                f"got {executor!r}"
            )
        kept = _folder(cache)
        steps = [Step(i, check, params, int(seed), kept) for i, (check, params) in enumerate(self.plan)]
        at_hand = _at_hand(steps, known)
        chosen = None if only is None else _chosen(self.plan, only)
        todo = [s for s in steps if s.index not in at_hand and (chosen is None or s.check.code in chosen)]
        self.fits(subject, {step.check.code for step in todo})
        return self._events(subject, int(seed), executor, todo, at_hand, keep_answers=keep_answers)

    def fits(self, subject: Target, only: Iterable[str] | None = None) -> None:
        """See that what the parameters name is there in a subject; `stream` does so before anything runs.

        Parameters
        ----------
        subject : Subject or another Target
            What is to be audited.
        only : iterable of str, optional
            Codes of the checks looked at; all when left out.

        Raises
        ------
        InputError
            For a name the subject does not have; the message tells the closest. Also if `only` names what is not in the plan, or
            what is given is no subject.
        """
        _subject(subject)
        chosen = None if only is None else _chosen(self.plan, only)
        asked = [one for one in self.plan if chosen is None or one[0].code in chosen]
        fits_kind(subject.kind, subject.name, [check for check, _ in asked])
        for check, params in asked:
            fits(check, params, subject)

    def judge(
        self, evidence: Iterable[Evidence], *, task: str | None = None, subject: str | None = None
    ) -> tuple[Finding, ...]:
        """Judge evidence under this audit's criteria; waivers that name a subject hold for one of that name."""
        return judge(tuple(evidence), self.criteria, task=task, waivers=self.waivers, subject=subject)

    def _events(
        self, subject: Target, seed: int, executor: Executor | None, steps: list[Step], at_hand: dict[int, Evidence],
        *, keep_answers: bool,
    ) -> Iterator[Event]:  # fmt: skip
        started, clock = datetime.now(UTC), time.monotonic()
        about = jsonable(subject.describe())  # what cannot be described fails before anything runs
        subject.warm()
        finished: dict[int, Finished] = {}
        events = serial(steps, subject) if executor is None else in_executor(steps, subject, executor)
        masking = masking_of(subject)
        for event in events:
            if isinstance(event, Finished):
                event = _masked(event, masking)  # noqa: PLW2901 - what goes on from here holds no values
                finished[event.index] = event
            yield event
        whole = at_hand | {i: event.evidence for i, event in finished.items()}
        evidence = tuple(whole[i] for i in sorted(whole)) + _broken()
        run = {
            "engine": place_of(executor),
            "started": started.isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - clock, 3),
            "timings": {finished[i].evidence.check: round(finished[i].seconds, 3) for i in sorted(finished)},
            "host": host(),
        }
        report = self._report(about, evidence, seed, run)
        yield Completed(with_answers(report, subject) if keep_answers else report)

    def _report(
        self, about: dict[str, Any], evidence: tuple[Evidence, ...], seed: int, run: dict[str, Any]
    ) -> Report:
        provenance = {
            "auditkit": __version__,
            "seed": seed,
            "versions": versions(),
            "policy": self.criteria.to_dict(),
            "plan": [check.describe() for check, _ in self.plan],
            "not_examined": not_examined(self.plan, evidence),
            **run,
        }
        return Report(
            about,
            self.judge(evidence, task=about.get("task"), subject=about.get("name")),
            evidence,
            jsonable(provenance),
            waivers=(*self.criteria.waivers, *self.waivers),
        )


Audit.__init__.__doc__ = Audit.__doc__  # where help and notebooks look, too


def _plan(checks: Any) -> dict[str, tuple[Check, dict[str, Any]]]:
    """Return the checks asked for and their parameters, by code; each once, in the order asked."""
    if isinstance(checks, (str, Check)) or callable(checks):
        checks = [checks]
    if not isinstance(checks, Iterable):
        raise InputError(f"checks= takes names, dimensions or marked functions; got {checks!r}")
    plan: dict[str, tuple[Check, dict[str, Any]]] = {}
    for word, params in checks.items() if isinstance(checks, Mapping) else ((c, {}) for c in checks):
        for check, resolved in _asked(word, params):
            if plan.setdefault(check.code, (check, resolved))[1] != resolved:
                raise InputError(
                    f"{check.name} is asked for twice with different parameters: an audit runs a check once; make two audits"
                )
    return plan


def _asked(word: Any, params: Any) -> Iterator[tuple[Check, dict[str, Any]]]:
    if not isinstance(params, Mapping):
        raise InputError(f"parameters of {word!r} are a dict of name to value; got {params!r}")
    if isinstance(word, tuple) and len(word) == 2 and isinstance(word[1], Mapping):
        raise InputError(f"parameters of a check come in a dict: Audit({{{word[0]!r}: {dict(word[1])!r}}})")
    if isinstance(word, functools.partial):
        if word.args:
            raise InputError("set a check's parameters by name: partial(check, level=0.9)")
        word, params = word.func, {**word.keywords, **params}
    yield from ((c, resolve(c, params)) for c in find(word))


def _policy(
    criteria: Any, waivers: tuple[Waiver, ...], plan: tuple[tuple[Check, dict[str, Any]], ...]
) -> Policy:
    from auditkit.loading.policy import default_policy, load_policy

    if criteria is None:
        criteria = default_policy()
    elif isinstance(criteria, (str, os.PathLike)):
        criteria = load_policy(criteria)
    policy = criteria if isinstance(criteria, Policy) else Policy(criteria)
    gives = {check.code: check.metrics for check in (*registry().checks, *(check for check, _ in plan))}
    for one in (*policy, *policy.waivers, *waivers):
        what = "a waiver" if isinstance(one, Waiver) else "a criterion"
        if one.check is not None and one.check not in gives:
            raise InputError(f"{what} speaks of the check {one.check!r}.{did_you_mean(one.check, gives)}")
        known = {m for code, given in gives.items() if one.check in (None, code) for m in given}
        if one.metric is not None and one.metric not in known:
            raise InputError(
                f"{what} speaks of {one.metric!r}, which {one.check or 'no check'} "
                f"{'does not give' if one.check else 'gives'}.{did_you_mean(one.metric, known)}"
            )
    return policy


def _folder(cache: str | os.PathLike[str] | None) -> Path | None:
    if cache is None:
        return None
    folder = Path(cache).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cache= must be a folder that is there or can be made; got {str(cache)!r}: {error.strerror}"
        ) from None
    return folder


def _subject(given: object) -> None:
    if not isinstance(given, Target):
        raise InputError(
            f"an audit needs a Subject(name, model, test=Dataset(X, y)), or another Target; got {type(given).__name__}"
        )


def fits_kind(kind: str, name: str, checks: list[Check]) -> None:
    """Refuse checks that ask about another kind of target than that of this name."""
    others = [check for check in checks if check.about != kind]
    if others:
        named = ", ".join(check.name for check in others[:3]) + (", ..." if len(others) > 3 else "")
        fitting = [check.name for check in registry().about(kind)]
        more = f" and {len(fitting) - 5} more" if len(fitting) > 5 else ""
        word = "check" if len(fitting) == 1 else "checks"
        some = (
            f"; for it there is the template {TEMPLATES[kind]} (auditkit run {TEMPLATES[kind]} --subject FILE), "
            f"and the {word} {', '.join(fitting[:5])}{more}"
            if fitting and kind in TEMPLATES
            else ""
        )
        raise InputError(
            f"{named} asks about {KINDS[others[0].about]}, and {name!r} is {KINDS.get(kind, kind)}{some}"
        )


def _chosen(plan: tuple[tuple[Check, dict[str, Any]], ...], only: Iterable[str]) -> set[str]:
    codes = {check.code for check, _ in plan}
    chosen = {only} if isinstance(only, str) else set(only)
    for code in sorted(chosen - codes, key=str):
        raise InputError(f"only= takes codes of this plan; {code!r} is none.{did_you_mean(code, codes)}")
    return chosen


def _at_hand(steps: list[Step], known: Iterable[Evidence]) -> dict[int, Evidence]:
    """Return earlier evidence by its place, if it is what these steps would observe."""
    places = {step.check.code: step for step in steps}
    found: dict[int, Evidence] = {}
    for one in known:
        if one.check in _not_loaded():
            continue
        step = places.get(one.check)
        if step is None or one.seed != step.branch or jsonable(one.params) != jsonable(step.params):
            raise InputError(
                f"the evidence of {one.check} is not of this plan: its seed or its parameters differ; run it again"
            )
        found[step.index] = one
    return found


def _masked(event: Finished, masking: Masking) -> Finished:
    """Return it with evidence that quotes no values; the reason in whole goes beside it, and to the log."""
    evidence = masking(event.evidence)
    if evidence.reason == event.evidence.reason:
        return replace(event, evidence=evidence)
    whole = event.evidence.reason
    logging.getLogger("auditkit").info("%s: %s", evidence.check, whole)
    return replace(event, evidence=evidence, whole=whole)


def _broken() -> tuple[Evidence, ...]:
    return tuple(
        Evidence(name, outcome="error", reason=f"this plug-in could not be loaded: {why}")
        for name, why in _not_loaded().items()
    )


def _not_loaded() -> dict[str, str]:
    """Return the plug-ins of checks and predictors that failed to load, and why."""
    return registry().broken | adapters().broken
