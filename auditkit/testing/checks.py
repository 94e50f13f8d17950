"""Checks: what every check owes: its declaration, its evidence, and the same again in any engine."""

from __future__ import annotations

import json
import math
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from auditkit.audit import Audit
from auditkit.check import Check, find, resolve
from auditkit.errors import InputError
from auditkit.finding import Criterion
from auditkit.report import Report
from auditkit.testing.conformance import Conformance, LeftOut, Outcome, held_to
from auditkit.testing.subjects import small_subjects
from auditkit.testing.watching import Watched, watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import Executor

    from auditkit.evidence import Evidence, Measurement
    from auditkit.subject import Subject

__all__ = ["check_check", "check_declaration", "check_evidence", "check_report", "check_same"]

_NUMBERS = (int, float)


def check_check(
    check: str | Check | Callable[..., Evidence],
    subject: Subject | None = None,
    *,
    params: Mapping[str, Any] | None = None,
    seed: int = 0,
    processes: bool = True,
    raises: bool = True,
) -> Conformance:
    """Hold a check to its contract: on small subjects of every sort, and on one of yours.

    Parameters
    ----------
    check : marked function, name or code
        Which.
    subject : Subject, optional
        One it speaks of; needed where it speaks of none of `small_subjects`.
    params : mapping, optional
        Its options, for instance such as make it quick; defaults where left out.
    seed : int
        Of every run.
    processes : bool
        Whether it is run in a worker process too. The function must be importable there.
    raises : bool
        Whether broken rules raise.

    Returns
    -------
    Conformance
        Every rule, on every subject.

    Raises
    ------
    Broken
        If a rule is broken; the message lists all of them.
    InputError
        If there is no such check, or `params` does not fit its options.

    Examples
    --------
    >>> check_check("model_performance", processes=False).kept
    True
    """
    (about,) = _one_check(check)
    audit = Audit({about.function: dict(params or {})})
    outcomes = [*check_declaration(about, raises=False).outcomes]
    subjects = small_subjects()
    if subject is not None:
        subjects |= {subject.name: subject}
    observed = False
    context = ProcessPoolExecutor(1, mp_context=get_context("spawn")) if processes else nullcontext()
    with context as pool:
        for name, one in subjects.items():
            try:
                audit.fits(one)
            except InputError as error:
                status = "broken" if one is subject else "left out"
                outcomes.append(Outcome("runs_or_says_what_is_missing", status, str(error), name))  # type: ignore[arg-type]
                continue
            first = watch(audit, one, seed=seed)
            observed |= any(e.check == about.code and e.outcome == "observed" for e in first.report.evidence)
            outcomes += _on(about, audit, one, first, seed=seed, pool=pool)
    outcomes.append(_speaks(observed=observed))
    found = Conformance(f"check {about.code} {about.name}", tuple(outcomes))
    return found.require() if raises else found


def check_declaration(check: str | Check | Callable[..., Evidence], *, raises: bool = True) -> Conformance:
    """Hold what a check says of itself to the contract; it is not run.

    Parameters
    ----------
    check : marked function, name or code
        Which.
    raises : bool
        Whether broken rules raise `Broken`.
    """
    (about,) = _one_check(check)
    found = Conformance(f"check {about.code} {about.name}", held_to(DECLARATION, about))
    return found.require() if raises else found


def check_evidence(
    check: str | Check | Callable[..., Evidence], watched: Watched, *, raises: bool = True, on: str = ""
) -> Conformance:
    """Hold what a check observed, in an audit that may hold others too, to the contract.

    Parameters
    ----------
    check : marked function, name or code
        Which.
    watched : Watched
        What `watch` gave.
    raises : bool
        Whether broken rules raise `Broken`.
    on : str
        Name of the subject, for the outcomes.
    """
    (about,) = _one_check(check)
    mine = [e for e in watched.report.evidence if e.check == about.code]
    if len(mine) != 1:
        why = f"its evidence must be in the report once; it is there {len(mine)} times"
        outcomes: tuple[Outcome, ...] = (Outcome("appears_once", "broken", why, on),)
    else:
        outcomes = held_to(EVIDENCE, about, mine[0], on=on)
        outcomes += held_to([leaves_alone_what_is_not_its_own], about, watched, on=on)
    found = Conformance(f"check {about.code} {about.name}", outcomes)
    return found.require() if raises else found


def check_report(report: Report, audit: Audit, subject: Subject, *, raises: bool = True) -> Conformance:
    """Hold a report to the contract of reports: it reads back as it was written, and is judged again without the model.

    Parameters
    ----------
    report : Report
        What `audit` gave of `subject`.
    audit, subject
        For a second way to the same findings: the evidence is taken over, not observed again.
    raises : bool
        Whether broken rules raise `Broken`.
    """
    outcomes = held_to([reads_back_as_written, is_judged_again], report, audit, subject, on=subject.name)
    found = Conformance(f"report of {subject.name}", outcomes)
    return found.require() if raises else found


def check_same(
    first: Report, other: Report, *, raises: bool = True, rule: str = "says_the_same"
) -> Conformance:
    """See that two reports of one audit say the same but for times, engine and host.

    Parameters
    ----------
    first, other : Report
        Of the same subject under the same seed.
    raises : bool
        Whether a difference raises `Broken`; the message names the first.
    rule : str
        How the outcome is named.
    """
    why = "" if first.stable_dict() == other.stable_dict() else _difference(first, other)
    on = str(first.subject.get("name", ""))
    found = Conformance(f"report of {on}", (Outcome(rule, "broken" if why else "kept", why, on),))
    return found.require() if raises else found


# --- what is declared -----------------------------------------------------------------------------------------------


def asks_a_question(about: Check) -> str:
    """Its question is one, in plain words, and it has a title."""
    if not about.title.strip() or not about.question.strip().endswith("?"):
        return f"give @check a title and a question that ends in '?'; got {about.title!r}, {about.question!r}"
    return ""


def documents_its_options(about: Check) -> str:
    """Every option has a sentence for forms, flags and help."""
    bare = [p.name for p in about.parameters if not p.description.strip().endswith(".")]
    example = "Annotated[int, Ge(1), Doc('Rows at most.')]"
    return f"{', '.join(bare)}: say what it is in a sentence, as in {example}" if bare else ""


def bounds_its_numbers(about: Check) -> str:
    """Every option that is a number has a bound on one side at least, or choices, or may be left out."""
    bare = [
        p.name for p in about.parameters
        if getattr(p.annotation, "__origin__", p.annotation) in _NUMBERS and p.low is p.high is None and not p.choices
    ]  # fmt: skip
    return f"{', '.join(bare)}: bound it, as in Annotated[float, Gt(0), Lt(1)]" if bare else ""


def has_defaults_that_fit(about: Check) -> str:
    """The defaults fit their own types and bounds."""
    resolve(about, {})
    return ""


DECLARATION = (asks_a_question, documents_its_options, bounds_its_numbers, has_defaults_that_fit)


# --- what is observed -----------------------------------------------------------------------------------------------


def runs_or_says_what_is_missing(_about: Check, evidence: Evidence) -> str:
    """What it does not apply to it refuses with NotApplicable and a sentence; it does not break."""
    if evidence.outcome == "error":
        return f"it broke: {evidence.reason}. Where a subject lacks what the check needs, raise NotApplicable('what is missing, and what to pass')"
    if evidence.outcome == "not_applicable" and len(evidence.reason.split()) <= 3:
        return f"say in NotApplicable(...) what is missing and what to pass; got {evidence.reason!r}"
    return ""


def gives_what_it_declares(about: Check, evidence: Evidence) -> str:
    """Its metrics are among those it declares, its parameters are all there, and there is something measured."""
    odd = sorted({m.metric for m in evidence.measurements} - set(about.metrics))
    if odd:
        return f"add {', '.join(odd)} to metrics=[...] of @check"
    if set(evidence.params) != {p.name for p in about.parameters}:
        return f"its evidence must hold every parameter; it holds {sorted(evidence.params)}"
    if not evidence.seed.endswith(f"/{about.code}"):
        return f"its random numbers come from a branch named by its code; got {evidence.seed!r}"
    if evidence.outcome == "observed" and not evidence.measurements:
        return "it observed nothing: give a Measurement, or raise NotApplicable('what is missing, and what to pass')"
    return ""


def says_what_it_found_and_what_not(_about: Check, evidence: Evidence) -> str:
    """Its evidence says in words what was found, what must not be concluded, and which rows were used."""
    if evidence.outcome != "observed":
        raise LeftOut("nothing was observed")
    missing = [name for name in ("says", "does_not_say", "rows") if not getattr(evidence, name)]
    return f"give Evidence(..., {', '.join(f'{name}=...' for name in missing)})" if missing else ""


def doubts_its_numbers(_about: Check, evidence: Evidence) -> str:
    """Every number has n, and an interval or the reason why it has none."""
    bad = [_named(m) for m in evidence.measurements if m.n < 0 or not (m.reason or _has_interval(m))]
    return (
        f"{'; '.join(bad[:3])}: give Measurement(..., n, interval=Interval(low, high, level, method)), or reason='why there is none'"
        if bad
        else ""
    )


def gives_tables_that_are_frames(_about: Check, evidence: Evidence) -> str:
    """Every table has a title and is a frame of its columns."""
    for name, table in evidence.tables.items():
        frame = table.frame()
        if not table.title.strip():
            return f"table {name!r}: give it a title, as a reader would ask for it"
        if list(map(str, frame.columns)) != list(map(str, table.columns)):
            return (
                f"table {name!r}: its frame has columns {list(frame.columns)}, and it {list(table.columns)}"
            )
    return ""


EVIDENCE = (
    runs_or_says_what_is_missing,
    gives_what_it_declares,
    says_what_it_found_and_what_not,
    doubts_its_numbers,
    gives_tables_that_are_frames,
)


def leaves_alone_what_is_not_its_own(about: Check, watched: Watched) -> str:
    """It changes no global random state and no row of the subject."""
    changed = watched.touched.get(about.code, [])
    if not changed:
        return ""
    return f"it changed {', '.join(changed)}: draw from rng, and work on a copy of the rows"


# --- reports --------------------------------------------------------------------------------------------------------


def reads_back_as_written(report: Report, _audit: Audit, _subject: Subject) -> str:
    """Its report reads back from JSON as it was written."""
    data = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    if Report.from_dict(data).to_dict() != data:
        return "the report, read back from JSON, is another: keep to numbers, text, lists and dicts in params, rows and tables"
    return ""


def is_judged_again(report: Report, audit: Audit, subject: Subject) -> str:
    """A saved report, judged under another policy without the model, is what the audit gives under that policy."""
    metrics = sorted({m.metric for e in report.evidence for m in e.measurements})
    policy = [*_criteria(metrics)]
    plan = {about.function: params for about, params in audit.plan}
    known = [e for e in report.evidence if e.check in {about.code for about, _ in audit.plan}]
    seed = int(report.provenance["seed"])
    *_, last = Audit(plan, policy).stream(subject, seed=seed, only=[], known=known)
    loaded = Report.from_dict(json.loads(json.dumps(report.to_dict())))
    found = [f.to_dict() for f in loaded.judge(policy).findings]
    at_once = [f.to_dict() for f in last.report.findings]  # type: ignore[union-attr]
    return "" if found == at_once else "judged again from its file, the findings are others than at once"


def _on(
    about: Check, audit: Audit, subject: Subject, first: Watched, *, seed: int, pool: Executor | None
) -> list[Outcome]:
    """Return the outcomes of one subject."""
    name = subject.name
    found = [
        *check_evidence(about, first, raises=False, on=name).outcomes,
        *check_report(first.report, audit, subject, raises=False).outcomes,
    ]
    again = audit.run(subject, seed=seed)
    found += check_same(first.report, again, raises=False, rule="repeats_under_its_seed").outcomes
    rule = "says_the_same_in_a_worker_process"
    if pool is None:
        return [*found, Outcome(rule, "left out", "processes=False", name)]
    elsewhere = audit.run(subject, seed=seed, executor=pool)
    return [*found, *check_same(first.report, elsewhere, raises=False, rule=rule).outcomes]


def _speaks(*, observed: bool) -> Outcome:
    why = (
        "" if observed else "it applied to no subject here: give check_check(check, subject) one it speaks of"
    )
    return Outcome("speaks_of_a_subject", "kept" if observed else "broken", why)


def _one_check(check: str | Check | Callable[..., Evidence]) -> tuple[Check, ...]:
    found = find(check)
    if len(found) != 1:
        raise InputError(
            f"{check!r} means {len(found)} checks: hold one at a time, by name, code or function"
        )
    return found


def _criteria(metrics: list[str]) -> Iterator[Criterion]:
    for metric in metrics:
        try:
            yield Criterion(metric, at_most=0.5, severity="high")
        except InputError:  # a limit that the metric can never reach, or reaches always
            continue


def _has_interval(m: Measurement) -> bool:
    return m.interval is not None and not math.isnan(m.value)


def _named(m: Measurement) -> str:
    return f"{m.metric}{f' of {m.group}' if m.group else ''}, {m.value:g}, n {m.n}"


def _difference(first: Report, other: Report) -> str:
    """Return in words where two reports differ first, and what to do."""
    others = {e.check: e for e in other.evidence}
    for one in first.evidence:
        two = others.get(one.check)
        if two is None or one.to_dict() == two.to_dict():
            continue
        if two.outcome != one.outcome:
            return f"{one.check} was {one.outcome}, then {two.outcome}: {two.reason or one.reason}"
        changed = [
            f"{_named(a)}, then {b.value:g}"
            for a, b in zip(one.measurements, two.measurements, strict=False)
            if a.to_dict() != b.to_dict()
        ]
        parts = [n for n in one.to_dict() if one.to_dict()[n] != two.to_dict()[n]]
        return f"{one.check} gave another {' and '.join(parts)} ({'; '.join(changed[:2]) or 'same numbers'}): draw every random number from rng, and go by no order of sets or of time"
    return "the reports differ beside their evidence: in what is told of the subject, or in findings"
