"""Plan: the audits of a batch, each with all that it is to be run with, and every mistake told before one starts."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.batch.schema import read_plan_file
from auditkit.errors import AuditkitError, InputError, did_you_mean

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from auditkit.audit import Audit
    from auditkit.batch.schedule import Schedule
    from auditkit.batch.schema import ExcludePart, PlanFile, SubjectPart, TemplatePart
    from auditkit.runner.order import Order
    from auditkit.subject import Subject

__all__ = ["MOST_AUDITS", "Limits", "Plan", "PlannedAudit", "load_plan"]

MOST_AUDITS = 100_000
_TOLD = 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What one audit may take.

    Attributes
    ----------
    seconds : float or None
        Of time by the clock, from the start of its process.
    memory : int or None
        Bytes of resident memory of the audit's processes together.
    """

    seconds: float | None = None
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class PlannedAudit:
    """One audit of a batch.

    Attributes
    ----------
    name : str
        Unique in the plan: "credit-bias", "credit-bias-p2-seed1".
    subject : str
        The name of the subject in the plan.
    subject_file : pathlib.Path
        Absolute.
    template : str
        The template's name, or the absolute path of a notebook.
    parameters : dict
        Values that are not the template's own.
    policy : pathlib.Path or None
        Criteria; auditkit's default policy when None.
    seed : int or None
        Root of all random numbers; the template's own when None.
    limits : Limits
        What it may take.
    tags : tuple of str
        Words to find it by.
    """

    name: str
    subject: str
    subject_file: Path
    template: str
    parameters: dict[str, Any] = field(default_factory=dict)
    policy: Path | None = None
    seed: int | None = None
    limits: Limits = Limits()
    tags: tuple[str, ...] = ()

    @property
    def template_name(self) -> str:
        """The template as a page names it: a notebook without its folder."""
        return Path(self.template).stem if self.template.endswith(".ipynb") else self.template

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; files as paths."""
        return {
            "name": self.name,
            "subject": self.subject,
            "subject_file": str(self.subject_file),
            "template": self.template,
            "parameters": self.parameters,
            "policy": None if self.policy is None else str(self.policy),
            "seed": self.seed,
            "tags": list(self.tags),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """What a batch is to run.

    Attributes
    ----------
    name : str
        For readers.
    path : pathlib.Path
        The file it was read from.
    audits : tuple of PlannedAudit
        In the order of the file.
    excluded : tuple of (str, str)
        Names of what is left out, and why.
    jobs : int or None
        Audits at a time, where the plan says so.
    schedule : Schedule or None
        When it is due, where the plan says so.
    """

    name: str
    path: Path
    audits: tuple[PlannedAudit, ...]
    excluded: tuple[tuple[str, str], ...] = ()
    jobs: int | None = None
    schedule: Schedule | None = None

    def __repr__(self) -> str:
        return f"Plan({self.name}: {len(self.audits)} audits; run_batch(plan, out) runs them)"


def load_plan(
    path: str | os.PathLike[str],
    *,
    seen: Callable[[PlannedAudit, Audit | None, Subject | None], None] | None = None,
) -> Plan:
    """Read a plan, and look at everything it names.

    Templates, parameters, policies, subject files and the files these name are checked; subjects that are small and run no
    code of their own are loaded, so that a missing column is told too. No kernel starts and nothing is written.

    Parameters
    ----------
    path : path
        A TOML file.
    seen : callable, optional
        Told each audit, with its checks, and its subject where that was loaded.

    Raises
    ------
    InputError
        With one line for every mistake, each naming the file and the key.
    """
    said, file = read_plan_file(path), Path(path)
    wrong: list[str] = []
    subjects = list(_subjects(said, file.parent.resolve(), wrong))
    if wrong:
        raise _refused(file, wrong)
    count = len(subjects) * sum(_combinations(one) for one in said.template) * len(said.seeds or [0])
    if count > MOST_AUDITS:
        raise InputError(f"{file}: {count:,} audits; a plan may have {MOST_AUDITS:,} at most")
    every = [
        made
        for part, at in _templates(said)
        for made in _audits(said, file.parent.resolve(), subjects, part, at)
    ]
    kept, excluded = _exclude(said.exclude, [audit for audit, _ in every], wrong)
    wrong += [
        f"{name!r} stands there {times} times: give each subject a name of its own, and each template once"
        for name, times in Counter(audit.name for audit in kept).items()
        if times > 1
    ]
    if not kept and not wrong:
        wrong.append("the exclusions leave no audit")
    names = {id(audit) for audit in kept}
    wrong += _unfit([(audit, key) for audit, key in every if id(audit) in names], seen or (lambda *_: None))
    if wrong:
        raise _refused(file, wrong)
    when = None if said.schedule is None else said.schedule.schedule()
    return Plan(said.name or file.stem, file.resolve(), tuple(kept), tuple(excluded), said.jobs, when)


def _refused(file: Path, wrong: list[str]) -> InputError:
    once = list(dict.fromkeys(wrong))
    more = [f"{file}: ... and {len(once) - _TOLD} more mistakes"] if len(once) > _TOLD else []
    return InputError("\n".join([*(f"{file}: {one}" for one in once[:_TOLD]), *more]))


def _subjects(said: PlanFile, folder: Path, wrong: list[str]) -> Iterator[tuple[SubjectPart, str, Path]]:
    for at, part in enumerate(said.subject, 1):
        try:
            found = _found(part.file, folder)
        except (OSError, ValueError, NotImplementedError) as error:
            wrong.append(f"subject.{at}.file: {part.file!r} is no path or pattern: {error}")
            continue
        if not found:
            there = [p.name for p in folder.glob("*.toml")]
            wrong.append(
                f"subject.{at}.file: nothing at {part.file!r}.{did_you_mean(part.file, there) if there else ''}"
            )
        if part.name and len(found) > 1:
            wrong.append(
                f"subject.{at}.name: {part.file!r} finds {len(found)} files, which cannot share a name"
            )
            continue
        for one in found:
            yield part, part.name or one.stem, one


def _found(text: str, folder: Path) -> list[Path]:
    if "\0" in text or "://" in text:
        raise ValueError("give a path on this machine")
    if not set("*?[") & set(text):
        return [folder / text] if (folder / text).is_file() else []
    return sorted(one for one in folder.glob(text) if one.is_file())


def _combinations(part: TemplatePart) -> int:
    count = 1
    for values in part.grid.values():
        count *= len(values)
    return count


def _templates(said: PlanFile) -> Iterator[tuple[TemplatePart, int]]:
    return ((part, at) for at, part in enumerate(said.template, 1))


def _audits(
    said: PlanFile, folder: Path, subjects: list[tuple[SubjectPart, str, Path]], part: TemplatePart, at: int
) -> Iterator[tuple[PlannedAudit, str]]:
    """Yield the audits of one template, each with the key that an error about it names."""
    template = str(folder / part.name) if part.name.endswith(".ipynb") else part.name
    short = Path(part.name).stem if part.name.endswith(".ipynb") else part.name
    limits = Limits(
        *(
            own
            if part.limits is not None and (own := getattr(part.limits, name)) is not None
            else getattr(said.limits, name)
            for name in ("seconds", "memory")
        )
    )
    variants = [
        dict(zip(part.grid, values, strict=True)) for values in itertools.product(*part.grid.values())
    ]
    seeds: list[int | None] = list(said.seeds) if said.seeds is not None else [None]
    for subject, name, file in subjects:
        policy = part.policy or subject.policy or said.policy
        for nth, variant in enumerate(variants, 1):
            for seed in seeds:
                words = [name, short]
                words += [f"p{nth}"] if len(variants) > 1 else []
                words += [f"seed{seed}"] if len(seeds) > 1 else []
                tags = tuple(dict.fromkeys([*said.tags, *subject.tags, *part.tags]))
                yield (
                    PlannedAudit(
                        "-".join(map(_plain, words)), name, file, template, {**part.parameters, **variant},
                        None if policy is None else folder / policy, seed, limits, tags,
                    ),
                    f"template.{at}",
                )  # fmt: skip


def _plain(word: str) -> str:
    """Return a word that is a file's name on every system."""
    return re.sub(r"[^A-Za-z0-9_.]+", "_", word).strip("._")[:60] or "x"


def _exclude(
    parts: list[ExcludePart], audits: list[PlannedAudit], wrong: list[str]
) -> tuple[list[PlannedAudit], list[tuple[str, str]]]:
    kept, excluded = audits, []
    for at, part in enumerate(parts, 1):
        if part.subject is None and part.template is None and part.seed is None and not part.parameters:
            wrong.append(f"exclude.{at}: name a subject, a template, a seed or parameters")
            continue
        out = [one for one in audits if _fits(part, one)]
        if not out:
            wrong.append(f"exclude.{at}: no audit fits it.{_closest(part, audits)}")
        here = {id(one) for one in out}
        excluded += [(one.name, part.why) for one in kept if id(one) in here]
        kept = [one for one in kept if id(one) not in here]
    return kept, excluded


def _closest(part: ExcludePart, audits: list[PlannedAudit]) -> str:
    subjects, templates = {one.subject for one in audits}, {one.template_name for one in audits}
    if part.subject is not None and not any(fnmatchcase(name, part.subject) for name in subjects):
        return did_you_mean(part.subject, subjects)
    if part.template is not None and not any(fnmatchcase(name, part.template) for name in templates):
        return did_you_mean(part.template, templates)
    return ""


def _fits(part: ExcludePart, audit: PlannedAudit) -> bool:
    return (
        (part.subject is None or fnmatchcase(audit.subject, part.subject))
        and (part.template is None or fnmatchcase(audit.template_name, part.template))
        and part.seed in (None, audit.seed)
        and all(
            name in audit.parameters and audit.parameters[name] == v for name, v in part.parameters.items()
        )
    )


def _unfit(
    audits: list[tuple[PlannedAudit, str]],
    seen: Callable[[PlannedAudit, Audit | None, Subject | None], None],
) -> list[str]:
    """Return what stands against running these, each mistake once."""
    from auditkit.runner.order import load_early

    wrong: list[str] = []
    orders: dict[str, Order | str] = {}
    subjects: dict[Path, Subject | str | None] = {}
    for audit, key in audits:
        asked = json.dumps({**audit.to_dict(), "name": "", "tags": []}, sort_keys=True, default=str)
        if asked not in orders:
            orders[asked] = _order(audit)
        order = orders[asked]
        if isinstance(order, str):
            wrong.append(f"{key} ({audit.name}): {order}")
            continue
        if audit.subject_file not in subjects:
            subjects[audit.subject_file] = _or_words(load_early, audit.subject_file)
        subject = subjects[audit.subject_file]
        if isinstance(subject, str):
            wrong.append(f"subject {audit.subject}: {subject}")
            continue
        if subject is not None and order.audit is not None:
            told = _or_words(order.audit.fits, subject)
            wrong += [f"{key} ({audit.name}): {told}"] if isinstance(told, str) else []
        seen(audit, order.audit, subject)
    return wrong


def _order(audit: PlannedAudit) -> Order | str:
    from auditkit.runner.order import take_order

    def take() -> Order:
        return take_order(
            audit.template, audit.subject_file, ".", audit.parameters, audit.policy, seed=audit.seed, jobs=1
        )

    found: Order | str = _or_words(take)
    return found


def _or_words(ask: Any, *given: Any) -> Any:
    """Return what was asked for, or the words of the refusal."""
    try:
        return ask(*given)
    except AuditkitError as error:
        return " ".join(str(error).split())
    except OSError as error:
        return f"{error.filename or ''}: {error.strerror or error}"
