"""auditkit: audit AI models in Jupyter.

Importing this package loads nothing heavy; names are found when they are used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from auditkit._version import __version__

# Bound now: found later, the name would be the module `auditkit.check`, which any audit loads.
from auditkit.check import check

if TYPE_CHECKING:
    from auditkit import data, explore, predictors, widgets
    from auditkit.audit import Audit
    from auditkit.dataset import Dataset
    from auditkit.finding import Criterion
    from auditkit.loading import load_policy, load_subject
    from auditkit.report import Report, load_report
    from auditkit.runner.doctor import doctor
    from auditkit.subject import Subject
    from auditkit.threat import ThreatModel

_WHERE = {
    "Audit": "auditkit.audit",
    "Criterion": "auditkit.finding",
    "Dataset": "auditkit.dataset",
    "Report": "auditkit.report",
    "Subject": "auditkit.subject",
    "ThreatModel": "auditkit.threat",
    "data": "",
    "doctor": "auditkit.runner.doctor",
    "explore": "",
    "load_policy": "auditkit.loading",
    "load_report": "auditkit.report",
    "load_subject": "auditkit.loading",
    "predictors": "",
    "widgets": "",
}

__all__ = [
    "Audit",
    "Criterion",
    "Dataset",
    "Report",
    "Subject",
    "ThreatModel",
    "__version__",
    "check",
    "data",
    "doctor",
    "explore",
    "load_policy",
    "load_report",
    "load_subject",
    "predictors",
    "widgets",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        from auditkit.errors import did_you_mean

        raise AttributeError(f"module 'auditkit' has no name {name!r}.{did_you_mean(name, __all__)}")
    where = _WHERE[name]
    value = getattr(import_module(where), name) if where else import_module(f"auditkit.{name}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
