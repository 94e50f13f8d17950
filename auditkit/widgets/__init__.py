"""Widgets: the guided audit in a notebook; views of a session, and nothing that computes."""

from __future__ import annotations

from auditkit.widgets.data import Data
from auditkit.widgets.explorers.pair import Compare
from auditkit.widgets.findings import Findings
from auditkit.widgets.form import Form
from auditkit.widgets.language import LanguageModel
from auditkit.widgets.notebook import Notebook
from auditkit.widgets.report import Report
from auditkit.widgets.session import Session
from auditkit.widgets.studio import Bias, Explainability, Membership, Robustness, Studio

__all__ = [
    "Bias",
    "Compare",
    "Data",
    "Explainability",
    "Findings",
    "Form",
    "LanguageModel",
    "Membership",
    "Notebook",
    "Report",
    "Robustness",
    "Session",
    "Studio",
]
