"""Incidents: the clocks that run, the evidence frozen, the decisions taken, and the page about them."""

from __future__ import annotations

from auditkit.incidents.clocks import Clock, clocks
from auditkit.incidents.decisions import Decision, decide, decisions
from auditkit.incidents.due import Due, due_times
from auditkit.incidents.folder import Incident, open_incident, read_incident
from auditkit.incidents.freezing import Frozen, freeze, verify

__all__ = [
    "Clock",
    "Decision",
    "Due",
    "Frozen",
    "Incident",
    "clocks",
    "decide",
    "decisions",
    "due_times",
    "freeze",
    "open_incident",
    "read_incident",
    "verify",
]
