"""Methods as shown: how an audit was made and how to make it again."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

from auditkit.render._templating import fill
from auditkit.render.tables import table_html
from auditkit.render.text import count, cut, finite, one_line, words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

_SIDES = ("members", "non_members", "population", "pool")
LONGEST_COMMAND = 4000
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,40}")


def methods(report: Mapping[str, Any], *, parameters: Mapping[str, Any] | None = None) -> str:
    """Return how the audit was made and how to make it again.

    Parameters
    ----------
    report : mapping
        What ``Report.to_dict()`` returned.
    parameters : mapping, optional
        Parameters the template was given.
    """
    about = report.get("provenance") or {}
    return str(
        fill(
            "methods.html.j2",
            facts=_facts(about, report.get("subject") or {}),
            checks=_check_table(report, about) if report.get("evidence") else "",
            parameters=parameter_table(parameters) if parameters else "",
            digests=_digests(report, about),
            commands=_commands(about),
            versions=[(one_line(k), one_line(v)) for k, v in (about.get("versions") or {}).items()],
            host=[(one_line(k), one_line(v)) for k, v in (about.get("host") or {}).items()],
        )
    )


def parameter_table(parameters: Mapping[str, Any]) -> Markup:
    """Return the parameters of a run as a table; values are shown, never run."""
    columns = {
        "parameter": [str(name) for name in parameters],
        "value": [_shown(v) for v in parameters.values()],
    }
    return table_html({"title": "Parameters of this run", "columns": columns})


def _shown(value: Any) -> str:
    return cut(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str), 300)


def _facts(about: Mapping[str, Any], subject: Mapping[str, Any]) -> list[tuple[str, str]]:
    policy = about.get("policy") or {}
    pairs = [
        ("Model", cut((subject.get("model") or {}).get("description"), 1000)),
        ("Seed", one_line(about.get("seed"))),
        ("auditkit", one_line(about.get("auditkit"))),
        ("Engine", one_line(about.get("engine"))),
        ("Started", one_line(about.get("started"))),
        ("Took", f"{float(about['seconds']):,.1f} s" if about.get("seconds") is not None else ""),
        (
            "Policy",
            " · ".join(filter(None, (one_line(policy.get("name")), one_line(policy.get("description"))))),
        ),
    ]
    return [(name, value) for name, value in pairs if value]


def _check_table(report: Mapping[str, Any], about: Mapping[str, Any]) -> Markup:
    plan = {p.get("code"): p for p in about.get("plan") or []}
    seconds = about.get("timings") or {}
    every = report.get("evidence") or []
    columns = {
        "check": [f"{e.get('check')} {plan.get(e.get('check'), {}).get('title', '')}" for e in every],
        "rows": [rows_used(e.get("rows") or {}) for e in every],
        "parameters": [
            ", ".join(f"{k} = {_shown(v)}" for k, v in (e.get("params") or {}).items()) for e in every
        ],
        "calls of the model": [_calls(e.get("cost") or {}) for e in every],
        "seed": [one_line(e.get("seed")) for e in every],
        "seconds": [seconds.get(e.get("check")) for e in every],
    }
    return table_html({"title": "What each check did", "columns": columns})


def _digests(report: Mapping[str, Any], about: Mapping[str, Any]) -> list[tuple[str, str]]:
    subject = report.get("subject") or {}
    parts = (
        ("Model", subject.get("model")),
        ("Test data", subject.get("test")),
        ("Training data", subject.get("train")),
        ("Policy", about.get("policy")),
    )
    found = [(name, one_line(part["digest"])) for name, part in parts if part and part.get("digest")]
    return [
        (one_line(name), one_line(digest)) for name, digest in (subject.get("parts") or {}).items()
    ] + found


def _commands(about: Mapping[str, Any]) -> list[str]:
    """Return lines to type: the recorded command, quoted for a shell, else one with a checked seed and check names."""
    version = re.fullmatch(r"[0-9][0-9A-Za-z.+]*", str(about.get("auditkit", "")))
    seed = re.fullmatch(r"\d+", str(about.get("seed", "")))
    codes = [str(p.get("code")) for p in about.get("plan") or [] if _CODE.fullmatch(str(p.get("code")))]
    template = _CODE.fullmatch(str(about.get("template", "")))
    chosen = f"  # checks: {' '.join(codes)}" if codes else ""
    generic = (
        f"auditkit run {template[0] if template else 'TEMPLATE'} --subject SUBJECT.toml "
        f"--seed {seed[0] if seed else 'SEED'} --out reports/{chosen}"
    )
    return [
        f"auditkit --version        # this report: {version[0] if version else 'unknown'}",
        _exact(about.get("command")) or generic,
        "auditkit judge reports/report.json --policy POLICY.toml",
    ]


def _exact(command: Any) -> str:
    """Return the recorded words of a run of auditkit as one line; nothing for what is no such command."""
    if not isinstance(command, (list, tuple)) or not all(isinstance(word, str) for word in command):
        return ""
    if list(command[:2]) != ["auditkit", "run"] or sum(map(len, command)) > LONGEST_COMMAND:
        return ""
    return shlex.join(one_line(word) for word in command)


def _calls(cost: Mapping[str, Any]) -> str:
    """Return what a check asked of the model; one that read shared predictions, or the model's parts, asked nothing."""
    asked = [
        f"{count(v)} {words(k).removesuffix('s' if v == 1 else '')}"
        for k, v in cost.items()
        if finite(v) != 0
    ]
    return ", ".join(asked) if asked or not cost else "none of its own"


def rows_used(rows: Mapping[str, Any]) -> str:
    """Return how many rows were used, of how many, and how they were drawn."""
    if rows.get("used") is None:
        sides = [f"{count(rows[key])} {words(key)}" for key in _SIDES if rows.get(key)]
        return ", ".join(sides)
    of = f" of {count(rows['of'])}" if rows.get("of") is not None else ""
    return f"{count(rows['used'])}{of} rows" + (f", {one_line(rows['how'])}" if rows.get("how") else "")
