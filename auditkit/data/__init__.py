"""Data: two public tables that ship with the package, and subjects and assistants with faults planted at a known size."""

from __future__ import annotations

from auditkit.data.assistants import PlantedAssistant, make_assistant
from auditkit.data.backdoored import TRIGGER, make_backdoored, stamp
from auditkit.data.biased import make_biased
from auditkit.data.brittle import make_brittle
from auditkit.data.hub import make_hub
from auditkit.data.leaky import make_leaky
from auditkit.data.load import load_adult, load_german_credit
from auditkit.data.ordinary import make_credit, make_multiclass, make_regression
from auditkit.data.planted import Planted
from auditkit.data.proxy import make_proxy
from auditkit.data.sources import describe

__all__ = [
    "TRIGGER",
    "Planted",
    "PlantedAssistant",
    "describe",
    "load_adult",
    "load_german_credit",
    "make_assistant",
    "make_backdoored",
    "make_biased",
    "make_brittle",
    "make_credit",
    "make_hub",
    "make_leaky",
    "make_multiclass",
    "make_proxy",
    "make_regression",
    "stamp",
]
