"""Draft: an audit as it is set, written down: a template of its own, and the lines of Python that do the same."""

from __future__ import annotations

import json
import math
import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from auditkit.check import DIMENSIONS, registry
from auditkit.finding import Criterion, Policy
from auditkit.loading.policy import default_policy
from auditkit.render.escaping import markdown_escape
from auditkit.render.text import one_line
from auditkit.runner.templates import list_templates, parameters_cell, plan_cell, subject_cell
from auditkit.targets import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditkit.audit import Audit
    from auditkit.check import Check
    from auditkit.runner.templates import Template
    from auditkit.waiver import Waiver

__all__ = ["as_code", "as_template", "part_shown"]

_SHOW = re.compile(r'show\(report, "([A-Za-z0-9_]+)"\)')
_EACH = "Each is measured first"


def as_template(audit: Audit, *, seed: int, title: str = "") -> dict[str, Any]:
    """Return a notebook, as JSON, that runs an audit as it is set; `auditkit run` and papermill take it as any template.

    Parameters
    ----------
    audit : Audit
        The plan, every parameter as set. Its criteria and waivers are written into the notebook; the default policy is not.
    seed : int
        Root of all random numbers.
    title : str, optional
        For the head of the page; made from the dimensions when left out.
    """
    checks = [check for check, _ in audit.plan]
    values = {check.code: params for check, params in audit.plan}
    kind = checks[0].about
    common, sections = _narrative(kind)
    dimensions = list(dict.fromkeys(check.dimension for check in checks))
    title = one_line(title) or _title(dimensions)
    cells = [
        _markdown("title", _head(title, dimensions, kind)),
        _markdown("about-settings", common["about-settings"]),
        _code("parameters", parameters_cell(checks, values).replace("\nseed = 0 ", f"\nseed = {int(seed)} ", 1), "parameters"),
        _markdown("about-subject", common["about-subject"]),
        _code("subject", subject_cell(kind)),
        _markdown("about-plan", _about_plan(checks, common["about-plan"])),
        _code("plan", _plan(audit), "plan"),
        _code("run", common["run"]),
    ]  # fmt: skip
    for part in ("verdict", "findings"):
        cells += [_markdown(f"about-{part}", common[f"about-{part}"]), _code(part, f'show(report, "{part}")')]
    chapter = ""
    for check in checks:
        if check.dimension != chapter:
            chapter = check.dimension
            cells.append(_markdown(f"chapter-{check.name}", _chapter(chapter)))
        cells += [
            _markdown(f"about-{check.name}", sections.get(check.name) or _own_section(check)),
            _code(check.name, f'show(report, "{check.name}")'),
        ]
    cells += [
        _markdown("about-methods", common["about-methods"]),
        _code("methods", 'show(report, "methods")'),
        _markdown("reproduce", common["reproduce"]),
    ]
    about = {"title": title, "checks": [check.name for check in checks if _installed(check)]}
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    metadata = {"auditkit": about, "kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def as_code(audit: Audit, *, seed: int) -> str:
    """Return the lines of Python that run an audit as it is set; of settings, those that differ from the defaults.

    Parameters
    ----------
    audit : Audit
        The plan.
    seed : int
        Root of all random numbers.
    """
    model = audit.plan[0][0].about == "model"
    load = 'ak.load_subject("subject.toml")  # or your ak.Subject(name, model, test=..., train=...)'
    load = load if model else 'load_target("subject.toml")'
    imports = ["import auditkit as ak", *_imports(check for check, _ in audit.plan)]
    imports += [] if model else ["from auditkit.loading import load_target"]
    given = _criteria(audit.criteria, imports)
    arguments = [_checks(audit)]
    arguments += [f"criteria={given}"] if given else []
    arguments += [f"waivers={_waivers(audit.waivers, imports)}"] if audit.waivers else []
    lines = [
        *dict.fromkeys(imports),
        "",
        f"subject = {load}",
        "audit = ak.Audit(",
        *(f"    {line}" for argument in arguments for line in f"{argument},".splitlines()),
        ")",
        f"report = audit.run(subject, seed={int(seed)})",
        "report",
    ]
    return "\n".join(lines) + "\n"


def part_shown(source: str) -> str:
    """Return which part of the report a cell of a template shows; empty for any other cell."""
    found = _SHOW.fullmatch(source.strip())
    return found[1] if found else ""


def _narrative(kind: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the cells that every template of a kind has alike, by id, and the section on each check, by name."""
    common: dict[str, str] = {}
    sections: dict[str, str] = {}
    # a template of one dimension says more of a check than the full one does
    for template in sorted(list_templates(), key=lambda t: (kind != _kind_of(t), t.name == "full")):
        before = ""
        for cell in template.notebook["cells"]:
            source = "".join(cell["source"])
            if template.origin == "auditkit":
                common.setdefault(str(cell.get("id")), source)
            part = part_shown(source)
            if part and "### " in before:
                sections.setdefault(part, before[before.index("### ") :])
            before = source if cell["cell_type"] == "markdown" else ""
    return common, sections


def _kind_of(template: Template) -> str:
    about = {check.name: check.about for check in registry().checks}
    return about.get(template.checks[0], "model") if template.checks else "model"


def _cell(kind: str, name: str, source: str, tag: str = "") -> dict[str, Any]:
    name = re.sub(r"[^A-Za-z0-9_-]", "-", name)[:64]
    made = {"cell_type": kind, "id": name, "metadata": {"tags": [tag]} if tag else {}}
    return {**made, "source": source.splitlines(keepends=True)}


def _markdown(name: str, source: str) -> dict[str, Any]:
    return _cell("markdown", name, source)


def _code(name: str, source: str, tag: str = "") -> dict[str, Any]:
    return {**_cell("code", name, source, tag), "execution_count": None, "outputs": []}


def _title(dimensions: list[str]) -> str:
    names = [name.replace("_", " ") for name in dimensions]
    words = " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if len(names) < 4 else "saved"
    return f"{words[:1].upper()}{words[1:]} audit"


def _head(title: str, dimensions: list[str], kind: str) -> str:
    asked = "\n".join(f"- {markdown_escape(DIMENSIONS.get(name) or name)}" for name in dimensions)
    return (
        f"# {markdown_escape(title)}\n\n"
        f"**Purpose.** To answer the questions below for {'one model' if kind == 'model' else KINDS[kind]}, so that the people responsible for it can decide.\n"
        "It records what was measured, how surely, and what was not examined.\n\n"
        f"**In scope.**\n\n{asked}\n\n"
        "**Not in scope.** What no check of this audit asks about. The report names it.\n"
    )


def _about_plan(checks: list[Check], common: str) -> str:
    named = "; ".join(f"{markdown_escape(check.title)} ({check.code})" for check in checks)
    count = "1 check" if len(checks) == 1 else f"{len(checks)} checks"
    return f"## Plan\n\nThis audit runs {count}: {named}. {common[common.index(_EACH) :]}"


def _chapter(dimension: str) -> str:
    name = dimension.replace("_", " ")
    asked = DIMENSIONS.get(dimension, "")
    return f"## {markdown_escape(name[:1].upper() + name[1:])}\n" + (f"\n{asked}\n" if asked else "")


def _own_section(check: Check) -> str:
    return f"### {markdown_escape(check.question)}\n\n**Check.** {markdown_escape(check.title)} ({check.code}).\n"


def _installed(check: Check) -> bool:
    return any(known.function is check.function for known in registry().checks)


def _imports(checks: Iterable[Check]) -> list[str]:
    """Return the imports of checks that no name finds."""
    lines = []
    for check in checks:
        if not _installed(check):
            module, name = check.function.__module__, check.name
            lines.append(
                f"from my_checks import {name}  # defined in a notebook: put it into a module my_checks.py"
                if module == "__main__" or "<locals>" in check.function.__qualname__
                else f"from {module} import {name}"
            )
    return lines


def _plan(audit: Audit) -> str:
    """Return the plan's cell, with criteria and waivers where they are not the default."""
    checks = [check for check, _ in audit.plan]
    imports = _imports(checks)
    given = _criteria(audit.criteria, imports, whole=True)
    further = ["criteria=ak.load_policy(policy_file),"]
    head = ""
    if given:
        head = f"criteria = {given}\n"
        further = ["criteria=criteria if policy_file is None else ak.load_policy(policy_file),"]
    if audit.waivers:
        further += f"waivers={_waivers(audit.waivers, imports)},".splitlines()
    keys = {check.code: check.name for check in checks if not _installed(check)}
    above = "\n".join(dict.fromkeys(imports))
    return (f"{above}\n\n" if above else "") + head + plan_cell(checks, keys, further)


def _checks(audit: Audit) -> str:
    """Return what is planned: names where all stands at its default, whole dimensions as one word."""
    changed = {
        check.code: {p.name: params[p.name] for p in check.parameters if params[p.name] != p.default}
        for check, params in audit.plan
    }
    planned = {check.code for check, _ in audit.plan}
    words: dict[str, dict[str, Any]] = {}
    for check, _ in audit.plan:
        family = [c for c in registry().checks if c.dimension == check.dimension]
        plain = _installed(check) and all(c.code in planned and not changed[c.code] for c in family)
        key = json.dumps(check.dimension if plain else check.name) if _installed(check) else check.name
        words[key] = changed[check.code]
    if not any(words.values()):
        return f"[{', '.join(words)}]"
    return "\n".join(["{", *(f"    {key}: {_literal(given)}," for key, given in words.items()), "}"])


def _criteria(policy: Policy, imports: list[str], *, whole: bool = False) -> str:
    """Return the code of a policy; empty for auditkit's own. A policy without more to say is a list of criteria."""
    if policy == default_policy():
        return ""
    rules = "".join(f"\n    {_call('ak.Criterion', one, Criterion)}," for one in policy)
    if policy == Policy(policy.criteria) and not whole:
        return f"[{rules}\n]"
    imports.append("from auditkit.finding import Policy")
    named = {name: getattr(policy, name) for name in ("name", "description", "unmeasured")}
    told = "".join(f"\n    {name}={_literal(value)}," for name, value in named.items())
    inner = rules.replace("\n", "\n    ")
    waived = _waivers(policy.waivers, imports).replace("\n", "\n    ")
    return (
        f"Policy(\n    ({inner}\n    ),{told}"
        + (f"\n    waivers={waived}," if policy.waivers else "")
        + "\n)"
    )


def _waivers(waivers: tuple[Waiver, ...], imports: list[str]) -> str:
    if waivers:
        imports.append("from auditkit.waiver import Waiver")
    each = "".join(
        f"\n    Waiver({', '.join(f'{k}={_literal(v)}' for k, v in one.to_dict().items())}),"
        for one in waivers
    )
    return f"[{each}\n]"


def _call(name: str, one: Any, kind: type[Any]) -> str:
    given = {f.name: getattr(one, f.name) for f in fields(kind) if getattr(one, f.name) != f.default}
    return f"{name}({', '.join(f'{k}={_literal(v)}' for k, v in given.items())})"


def _literal(value: Any) -> str:
    """Return a plain value as code; an infinite number has no literal of its own, and one too large to hold is read as it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_literal(k)}: {_literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        inner = ", ".join(map(_literal, value))
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(value) == 1 else ''})"
    if isinstance(value, str) and value.isprintable():
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and math.isinf(value):
        return "1e999" if value > 0 else "-1e999"
    return repr(value)
