"""Plan: the audits of a batch, each with all that it is to be run with, and every mistake told before one starts."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from auditkit.batch.asked import Limits, PlannedAudit
from auditkit.batch.fitting import RELATIVE, Keys, unfit
from auditkit.batch.names import audit_name
from auditkit.batch.pairing import of_one_kind
from auditkit.batch.schema import read_plan_file
from auditkit.errors import InputError, did_you_mean
from auditkit.loading.shipped import policy_beside

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from auditkit.audit import Audit
    from auditkit.batch.schedule import Schedule
    from auditkit.batch.schema import ExcludePart, PlanFile, SubjectPart, TemplatePart
    from auditkit.targets import Target

__all__ = ["MOST_AUDITS", "Limits", "Plan", "PlannedAudit", "load_plan"]

MOST_AUDITS = 100_000
_Named: TypeAlias = (
    "tuple[SubjectPart, int, str, Path]"  # where it stands, the name of one subject of it, and its file
)
_TOLD = 20


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
    excluded_cells : frozenset of (str, str)
        Subject and template of each; a pair without an audit that is not among them is of different kinds.
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
    excluded_cells: frozenset[tuple[str, str]] = frozenset()

    def keeping_answers(self) -> Plan:
        """Return the same plan with the answers of single records kept of every audit."""
        return replace(self, audits=tuple(replace(one, keep_answers=True) for one in self.audits))

    def __repr__(self) -> str:
        return f"Plan({self.name}: {len(self.audits)} audits; run_batch(plan, out) runs them)"


def load_plan(
    path: str | os.PathLike[str],
    *,
    seen: Callable[[PlannedAudit, Audit | None, Target | None], None] | None = None,
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
    made = (
        one
        for part, at in _templates(said)
        for one in _audits(said, file.parent.resolve(), subjects, part, at)
    )
    every = of_one_kind(made, wrong)
    kept, out = _exclude(said.exclude, [audit for audit, _ in every], wrong)
    wrong += [
        f"{name!r} stands there {times} times: give each subject a name of its own, each template once, and each value of a list once"
        for name, times in Counter(audit.name for audit in kept).items()
        if times > 1
    ]
    if not kept and not wrong:
        wrong.append("the exclusions leave no audit")
    names = {id(audit) for audit in kept}
    wrong += unfit([(audit, key) for audit, key in every if id(audit) in names], seen or (lambda *_: None))
    if wrong:
        raise _refused(file, wrong)
    when = None if said.schedule is None else said.schedule.schedule()
    excluded = tuple((one.name, why) for one, why in out)
    cells = frozenset((one.subject, one.template_name) for one, _ in out)
    return Plan(said.name or file.stem, file.resolve(), tuple(kept), excluded, said.jobs, when, cells)


def _refused(file: Path, wrong: list[str]) -> InputError:
    once = list(dict.fromkeys(wrong))
    more = [f"{file}: ... and {len(once) - _TOLD} more mistakes"] if len(once) > _TOLD else []
    return InputError("\n".join([*(f"{file}: {one}" for one in once[:_TOLD]), *more]))


def _subjects(said: PlanFile, folder: Path, wrong: list[str]) -> Iterator[_Named]:
    for at, part in enumerate(said.subject, 1):
        try:
            found = _found(part.file, folder)
        except (OSError, ValueError, NotImplementedError) as error:
            wrong.append(f"subject.{at}.file: {part.file!r} is no path or pattern: {error}")
            continue
        if not found:
            wrong.append(
                f"subject.{at}.file: nothing at {part.file!r}.{_meant(part.file, folder)} P{RELATIVE[1:]}"
            )
        if part.name and len(found) > 1:
            wrong.append(
                f"subject.{at}.name: {part.file!r} finds {len(found)} files, which cannot share a name"
            )
            continue
        for one in found:
            yield part, at, part.name or one.stem, one


def _meant(text: str, folder: Path) -> str:
    """Return what a path or pattern that finds nothing may have been meant as: another folder, or another file in its folder."""
    first, *rest = Path(text).parts
    if rest and not (folder / first).exists() and not set("*?[") & set(first):
        return did_you_mean(first, [one.name for one in folder.iterdir() if one.is_dir()])
    beside = [] if set("*?[") & set(str(Path(text).parent)) else (folder / text).parent.glob("*.toml")
    return did_you_mean(text, [Path(text).with_name(one.name).as_posix() for one in beside])


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
    said: PlanFile, folder: Path, subjects: list[_Named], part: TemplatePart, at: int
) -> Iterator[tuple[PlannedAudit, Keys]]:
    """Yield the audits of one template, each with the keys that an error about it names."""
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
    for subject, of, name, file in subjects:
        policy = part.policy or subject.policy or said.policy
        where = f"template.{at}." if part.policy else f"subject.{of}." if subject.policy else ""
        keys = Keys(f"template.{at}", f"subject.{of}", f"{where}policy")
        keep = said.keep_answers if part.keep_answers is None else part.keep_answers
        for variant in variants:
            for seed in seeds:
                tags = tuple(dict.fromkeys([*said.tags, *subject.tags, *part.tags]))
                yield (
                    PlannedAudit(
                        audit_name(name, short, variant, seed), name, file, template, {**part.parameters, **variant},
                        None if policy is None else policy_beside(folder, policy), seed, limits, tags, keep,
                    ),
                    keys,
                )  # fmt: skip


def _exclude(
    parts: list[ExcludePart], audits: list[PlannedAudit], wrong: list[str]
) -> tuple[list[PlannedAudit], list[tuple[PlannedAudit, str]]]:
    kept, excluded = audits, []
    for at, part in enumerate(parts, 1):
        if part.subject is None and part.template is None and part.seed is None and not part.parameters:
            wrong.append(f"exclude.{at}: name a subject, a template, a seed or parameters")
            continue
        out = [one for one in audits if _fits(part, one)]
        if not out:
            wrong.append(f"exclude.{at}: no audit fits it.{_closest(part, audits)}")
        here = {id(one) for one in out}
        excluded += [(one, part.why) for one in kept if id(one) in here]
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
