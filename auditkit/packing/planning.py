"""Planning: criteria, template, parameters and seed signed before there are results, and held against them after."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError
from auditkit.evidence import jsonable
from auditkit.files import write_whole
from auditkit.loading.policy import load_policy
from auditkit.packing.signing import envelope, opened, signing_key
from auditkit.packing.statement import PLAN, misfit_of, statement
from auditkit.runner.parameters import of_checks, parse_assignments
from auditkit.runner.templates import find_template

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from auditkit.packing.signing import PublicKey

__all__ = ["PLAN_FILE", "SignedPlan", "differences", "plan", "precedes", "read_plan"]

PLAN_FILE = "plan/plan.dsse.json"
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
        ``policy``, ``template``, ``parameters`` and ``seed``; null for what it leaves open.
    """

    name: str
    signed_at: str
    key: PublicKey
    says: dict[str, Any]


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
        A policy file; or another plan in TOML, of which the digest alone is signed and nothing can be compared.
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
        ``NAME=VALUE``, as ``auditkit run -p`` takes them; needs `template`.
    seed : int, optional
        The seed that will be used.
    at : str
        When, in UTC, ISO 8601; now when left out.

    Raises
    ------
    InputError
        If a file cannot be read, a parameter is none of the template, or `out` is there already.
    """
    target, file = Path(out), Path(source)
    if target.exists() or not target.parent.is_dir():
        raise InputError(f"cannot write the plan to {target}: give a new file in a folder that is there")
    if not name.strip():
        raise InputError("a plan needs the name of whoever signs it")
    if not file.is_file():
        raise InputError(f"no policy or plan at {file}: give a TOML file")
    by = signing_key(key, passphrase)
    files = {"plan.toml": file.read_bytes()}
    chosen = find_template(template) if template else None
    words = tuple(parameters)
    if words and chosen is None:
        raise InputError("parameters belong to a template: name it with template=, or --template")
    checks = chosen.resolved_checks() if chosen else ()
    if chosen is not None:
        files["template.ipynb"] = chosen.path.read_bytes()
    says = {
        "policy": _policy(file),
        "template": chosen and {"name": chosen.name, "checks": sorted(one.code for one in checks)},
        "parameters": parse_assignments(words, of_checks(checks)),
        "seed": seed,
    }
    made = statement(files, PLAN, role="planner", name=name, key=by.public, at=at, plan=jsonable(says))
    return write_whole(target, envelope(made, by))


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
    if set(says) != known or not isinstance(says["parameters"], dict):
        raise InputError(f"{what} is no signed plan: expected {', '.join(sorted(known))}")
    return SignedPlan(str(said["predicate"]["name"]), str(said["predicate"]["signed_at"]), key, says)


def differences(planned: SignedPlan, report: Mapping[str, Any], *, public: bool = False) -> list[str]:
    """Return in what a report differs from a plan, by aspect; "not comparable" for a plan without a policy.

    Parameters
    ----------
    planned : SignedPlan
        The plan.
    report : mapping
        What ``Report.to_dict()`` returned.
    public : bool, default False
        Whether it is a public form, which holds no parameters.
    """
    says, about = planned.says, report["provenance"]
    found = []
    if says["policy"] is None:
        found.append("policy: the plan has none that can be compared")
    elif says["policy"].get("digest") != about["policy"]["digest"]:
        found.append("policy")
    if says["seed"] is not None and says["seed"] != about["seed"]:
        found.append("seed")
    if says["template"] and says["template"].get("checks") != sorted(one["code"] for one in about["plan"]):
        found.append("checks")
    if public:
        return found
    codes = {one["name"]: one["code"] for one in about["plan"]}
    used = {one["check"]: one["params"] for one in report["evidence"]}
    for name, value in says["parameters"].items():
        check, _, option = name.partition("__")
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


def _policy(file: Path) -> dict[str, Any] | None:
    """Return the policy in a file, None if the file is TOML without criteria."""
    try:
        read = tomllib.loads(file.read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise InputError(f"{file} is no TOML: {error}") from None
    if "criterion" not in read:
        return None
    policy = load_policy(file).to_dict()
    return {"digest": policy["digest"]}
