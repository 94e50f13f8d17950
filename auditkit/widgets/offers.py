"""Offers: what a subject has to choose from, for options that name columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditkit.subject import Subject

if TYPE_CHECKING:
    from auditkit.check import Check
    from auditkit.targets import Target

__all__ = ["offered"]


def offered(subject: Target, check: Check) -> dict[str, tuple[str, ...]]:
    """Return what a subject offers for parameters of a check that name columns, by parameter; nothing where it has no columns."""
    if not isinstance(subject, Subject):
        return {}
    inputs = [str(name) for name in subject.test.X.columns]
    sensitive = subject.test.sensitive_names
    found: dict[str, tuple[str, ...]] = {}
    for parameter in check.parameters:
        if parameter.name == "immutable":
            found[parameter.name] = tuple(inputs)
        elif parameter.name == "features":
            # a check that forms slices says that it takes columns, inputs among them
            any_column = parameter.description.startswith("Columns")
            names = [*sensitive, *inputs] if any_column else sensitive
            found[parameter.name] = tuple(dict.fromkeys(names))
    return found
