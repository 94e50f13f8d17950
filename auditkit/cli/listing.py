"""Listing: what this installation offers, as rows."""

from __future__ import annotations

from typing import Any

__all__ = ["checks", "metrics", "parameters", "policies", "predictors", "templates"]

Rows = tuple[list[dict[str, Any]], dict[str, str]]


def checks() -> Rows:
    """Return one row a check, and the plug-ins that could not be loaded."""
    from auditkit.check import registry

    found = registry()
    rows = [{k: v for k, v in c.describe().items() if k != "page"} for c in found.checks]
    return rows, found.broken


def metrics() -> Rows:
    """Return one row a metric: the checks that give it, and what the default policy asks of it."""
    from auditkit.check import registry
    from auditkit.loading.policy import default_policy

    found, asked = registry(), {c.metric: c.words() for c in default_policy()}
    giving: dict[str, list[Any]] = {}
    for about in found.checks:
        for metric in about.metrics:
            giving.setdefault(metric, []).append(about)
    rows = [
        {
            "metric": metric,
            "checks": [c.code for c in by],
            "names": [c.name for c in by],
            "default_policy": asked.get(metric, ""),
        }
        for metric, by in giving.items()
    ]
    return rows, found.broken


def policies() -> Rows:
    """Return one row a policy that comes with auditkit."""
    from auditkit.loading.shipped import shipped_policies

    found = shipped_policies().values()
    return [
        {"name": p.name, "title": p.title, "criteria": p.criteria, "description": p.description}
        for p in found
    ], {}


def templates() -> Rows:
    """Return one row a template, and the plug-ins that could not be loaded."""
    from auditkit.runner.templates import catalogue

    found = catalogue()
    rows = [
        {"name": t.name, "title": t.title, "checks": list(t.checks), "origin": t.origin}
        for t in found.templates
    ]
    return rows, found.broken


def predictors() -> Rows:
    """Return one row a predictor plug-in, and those that could not be loaded."""
    from auditkit.predictors.plug_ins import adapters

    found = adapters()
    return [{"name": name, "where": where} for name, (where, _) in found.known.items()], found.broken


def parameters(template: str | None = None) -> Rows:
    """Return one row a parameter, of one template or of all checks."""
    from auditkit.check import registry
    from auditkit.runner.parameters import bounds, declared, of_checks
    from auditkit.runner.templates import find_template

    known = of_checks(registry().checks) if template is None else declared(find_template(template))
    rows = [
        {"name": name, "default": p.default, "allowed": bounds(p), "description": p.description}
        for name, p in known.items()
    ]
    return rows, {}
