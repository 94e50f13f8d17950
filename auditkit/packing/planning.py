"""Planning: criteria, waivers, template, parameters and seed signed before there are results, and held against them after."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError
from auditkit.evidence import jsonable
from auditkit.files import write_whole
from auditkit.loading.policy import read_policy
from auditkit.loading.shipped import policy_beside, policy_place
from auditkit.packing.accepting import added, waivers_digest
from auditkit.packing.signing import envelope, opened, signing_key
from auditkit.packing.statement import PLAN, misfit_of, statement, subjects
from auditkit.runner.parameters import in_cell, of_checks, parse_assignments
from auditkit.runner.templates import find_template

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping

    from auditkit.finding import Policy
    from auditkit.packing.signing import PublicKey
    from auditkit.report import Report
    from auditkit.runner.templates import Template
    from auditkit.waiver import Waiver

__all__ = ["PLAN_FILE", "SignedPlan", "differences", "plan", "precedes", "read_plan"]

PLAN_FILE = "plan/plan.dsse.json"
TEXTS = "plan/"
"""Where the files that a plan was signed of lie in a pack, to be read."""
COMPARED = "plan/compared.json"


@dataclass(frozen=True, slots=True)
class SignedPlan:
    """What somebody signed before there were results.

    Attributes
    ----------
    name : str
        Who signed, in their own words.
    signed_at : str
        When, by their word.
    key : PublicKey
        The key they signed with.
    says : dict
        ``policy``, ``template``, ``parameters``, ``defaults`` and ``seed``; null for what it leaves open. Parameters that are not given
        are held to the template's values of that day, the ``defaults``; a plan that an older auditkit wrote has none of these.
    texts : dict of str to str
        What was promised, word for word: "plan.toml", and the policies that a plan of many audits names.
    policies : tuple of Policy
        Those in the texts.
    """

    name: str
    signed_at: str
    key: PublicKey
    says: dict[str, Any]
    texts: dict[str, str]
    policies: tuple[Policy, ...]

    @property
    def files(self) -> dict[str, bytes]:
        """The texts as files of a pack."""
        return {f"{TEXTS}{name}": text.encode() for name, text in self.texts.items()}

    def waivers(self, policy: str) -> tuple[Waiver, ...]:
        """Return what was to be waived under the policy with this digest."""
        return tuple(w for one in self.policies if one.to_dict()["digest"] == policy for w in one.waivers)

    def words(self) -> tuple[str, ...]:
        """Return what was promised, in short."""
        found = [
            f"{len(one)} limits and {len(one.waivers)} waivers of the policy {one.name!r}"
            for one in self.policies
        ]
        about = self.says["template"]
        found += [f"the template {about['name']!r}, as it was then"] if about else []
        found += [f"{name} = {value!r}" for name, value in self.says["parameters"].items()]
        if defaults := self.says.get("defaults"):
            more = "other " if self.says["parameters"] else ""
            found.append(f"{len(defaults)} {more}parameters at the template's values")
        return (*found, *([f"seed {self.says['seed']}"] if self.says["seed"] is not None else []))

    def left_open(self) -> tuple[str, ...]:
        """Return what was not promised."""
        kept = {
            "the limits": self.policies,
            "the template": self.says["template"],
            "parameters" if not self.says["parameters"] else "all other parameters": self.says.get("defaults")
            is not None,
            "the seed": self.says["seed"] is not None,
        }
        return tuple(name for name, promised in kept.items() if not promised)


def plan(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    key: str | os.PathLike[str],
    name: str,
    passphrase: str | None = None,
    template: str | None = None,
    parameters: Iterable[str] = (),
    seed: int | None = None,
    at: str = "",
) -> Path:
    """Sign criteria before results: write an envelope that `make` takes and `verify` holds the results against.

    Parameters
    ----------
    source : path
        A policy file, or the name of a policy that comes with auditkit; or the plan of a batch, with which the policies are signed that it names. Whoever reads a pack with the plan reads them.
    out : path
        The envelope to write; nothing is overwritten.
    key : path
        The private key.
    name : str
        Who signs.
    passphrase : str, optional
        Of the key.
    template : str, optional
        Name or path of the template that will be run.
    parameters : iterable of str
        ``NAME=VALUE``, as ``auditkit run -p`` takes them; needs `template`. All others are held to the values the template has now.
    seed : int, optional
        The seed that will be used.
    at : str
        When, in UTC, ISO 8601; now when left out.

    Raises
    ------
    InputError
        If a file cannot be read, a parameter is none of the template, or `out` is there already.
    """
    target, file = Path(out), policy_place(source)
    if target.exists() or not target.parent.is_dir():
        raise InputError(f"cannot write the plan to {target}: give a new file in a folder that is there")
    if not name.strip():
        raise InputError("a plan needs the name of whoever signs it")
    if not file.is_file():
        raise InputError(f"no policy or plan at {file}: give a TOML file")
    by = signing_key(key, passphrase)
    texts = _texts(file)
    files = {name: text.encode() for name, text in texts.items()}
    chosen = find_template(template) if template else None
    words = tuple(parameters)
    if words and chosen is None:
        raise InputError("parameters belong to a template: name it with template=, or --template")
    checks = chosen.resolved_checks() if chosen else ()
    given = parse_assignments(words, of_checks(checks))
    says = {
        "policy": [_about(one) for one in _policies(texts)],
        "template": chosen
        and {
            "name": chosen.name,
            "checks": sorted(one.code for one in checks),
            "sha256": chosen.digest,
        },
        "parameters": given,
        "defaults": chosen and {name: v for name, v in _defaults(chosen).items() if name not in given},
        "seed": seed,
    }
    more = {"plan": jsonable(says), "texts": texts}
    made = statement(files, PLAN, role="planner", name=name, key=by.public, at=at, **more)
    return write_whole(target, envelope(made, by))


def _defaults(template: Template) -> dict[str, Any]:
    """Return what the checks of a template are run with where nothing else is given: what its own cell sets, else their defaults."""
    cell = in_cell(template.source_of("parameters"), template.name)
    return {
        name: jsonable(one.validate(cell[name].default if name in cell else one.default))
        for name, one in of_checks(template.resolved_checks()).items()
    }


def read_plan(data: bytes, what: str = PLAN_FILE) -> SignedPlan:
    """Read what `plan` wrote, and check its signature.

    Raises
    ------
    InputError
        If it is no such envelope, or was changed.
    """
    said, key = opened(data, what)
    wrong = misfit_of(said, PLAN)
    says = said["predicate"].get("plan") if not wrong else None
    if wrong or said["predicate"]["role"] != "planner" or not isinstance(says, dict):
        raise InputError(f"{what} is no signed plan: {wrong or 'it does not say what was planned'}")
    known = {"policy", "template", "parameters", "seed"}
    defaults = says.get("defaults")
    if (
        set(says) - {"defaults"} != known
        or not isinstance(says["parameters"], dict)
        or not isinstance(defaults, dict | None)
    ):
        raise InputError(f"{what} is no signed plan: expected {', '.join(sorted(known))}")
    texts = said["predicate"].get("texts")
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise InputError(f"{what} is no signed plan: what was promised does not stand in it")
    if said["subject"] != subjects({name: text.encode() for name, text in texts.items()}):
        raise InputError(
            f"{what} is no signed plan: its texts are not those of which the digests were signed"
        )
    policies = _policies(texts)
    if says["policy"] != [_about(one) for one in policies]:
        raise InputError(
            f"{what} is no signed plan: its criteria or waivers are not those of which the digests were signed"
        )
    about = said["predicate"]
    return SignedPlan(str(about["name"]), str(about["signed_at"]), key, says, texts, policies)


def differences(planned: SignedPlan, report: Report, *, public: bool = False) -> list[str]:
    """Return in what a report differs from a plan, by aspect; "not comparable" for a plan without a policy.

    Parameters
    ----------
    planned : SignedPlan
        The plan.
    report : Report
        What came of it.
    public : bool, default False
        Whether it is a public form, which holds no parameters and no words of waivers.
    """
    says, about = planned.says, report.provenance
    found = []
    if not planned.policies:
        found.append("policy: the plan has none that can be compared")
    elif about["policy"]["digest"] not in {one["digest"] for one in says["policy"]}:
        found.append("policy")
    waived = added(planned.waivers(about["policy"]["digest"]), report, public=public)
    found += [f"waiver added after the plan: {words}" for words in waived]
    if says["seed"] is not None and says["seed"] != about["seed"]:
        found.append("seed")
    if says["template"] and says["template"].get("checks") != sorted(one["code"] for one in about["plan"]):
        found.append("checks")
    if says["template"] and says["template"].get("sha256") != (about.get("template") or {}).get("sha256"):
        told = "another was run" if about.get("template") else "the report does not say which was run"
        found.append(f"template: {told}")
    if public:
        return found
    codes = {one["name"]: one["code"] for one in about["plan"]}
    used = {one.check: one.params for one in report.evidence}
    for name, value in {**(says.get("defaults") or {}), **says["parameters"]}.items():
        check, _, option = name.partition("__")
        if name not in says["parameters"] and check not in codes:
            continue  # the checks differ, and that is told
        if jsonable(used.get(codes.get(check, ""), {})).get(option) != value:
            found.append(f"parameter {name}")
    return found


def precedes(earlier: str, later: object) -> bool | None:
    """Whether one moment was said to be before another; None where it cannot be told.

    Examples
    --------
    >>> precedes("2026-01-01T10:00:00+00:00", "2026-01-01T12:00:00+01:00")
    True
    """
    try:
        first, second = datetime.fromisoformat(earlier), datetime.fromisoformat(str(later))
        before = first <= second
    except (ValueError, TypeError):
        return None
    return before


def _texts(file: Path) -> dict[str, str]:
    """Return what is signed, by name: the file, and the policies it names if it is the plan of a batch."""
    text = _toml(file)
    read = tomllib.loads(text)
    named = {} if "criterion" in read else dict.fromkeys(_named(read))
    beside = [policy_beside(file.parent, one) for one in named]
    return {
        "plan.toml": text,
        **{f"policy-{i}.toml": _toml(one) for i, one in enumerate(beside, start=1) if one.is_file()},
    }


def _toml(file: Path) -> str:
    try:
        text = file.read_bytes().decode("utf-8")
        tomllib.loads(text)
    except (ValueError, OSError, RecursionError) as error:
        raise InputError(f"{file} is no TOML: {error}") from None
    return text


def _named(read: Any) -> Iterator[str]:
    """Give every file that stands as a policy in a plan, wherever in it."""
    inner = read.items() if isinstance(read, dict) else enumerate(read) if isinstance(read, list) else ()
    for key, value in inner:
        if key == "policy" and isinstance(value, str):
            yield value
        yield from _named(value)


def _policies(texts: Mapping[str, str]) -> tuple[Policy, ...]:
    """Return the policies among texts; a plan of many audits is none."""
    try:
        able = {name: text for name, text in texts.items() if "criterion" in tomllib.loads(text)}
    except (ValueError, RecursionError) as error:
        raise InputError(f"what was planned is no TOML: {error}") from None
    return tuple(read_policy(able[name], name) for name in sorted(able))


def _about(policy: Policy) -> dict[str, str]:
    """Return what is signed of a policy: a digest over its criteria, and another over its waivers."""
    return {"digest": policy.to_dict()["digest"], "waivers": waivers_digest(policy.waivers)}
