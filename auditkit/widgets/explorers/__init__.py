"""Explorers: pictures that follow their controls while a person drags; all they say comes from `auditkit.explore`."""

from __future__ import annotations

from typing import Any

from auditkit.widgets.explorers.exposure import ExposureExplorer
from auditkit.widgets.explorers.live import Dial, Explorer
from auditkit.widgets.explorers.pair import Compare, PairExplorer
from auditkit.widgets.explorers.prompt import PromptTrial
from auditkit.widgets.explorers.radius import RadiusExplorer
from auditkit.widgets.explorers.record import RecordExplorer, RecordExposureExplorer
from auditkit.widgets.explorers.remedies import RemedyExplorer
from auditkit.widgets.explorers.thresholds import ThresholdExplorer

__all__ = [
    "BY_DIMENSION",
    "Compare",
    "Dial",
    "Explorer",
    "ExposureExplorer",
    "PairExplorer",
    "PromptTrial",
    "RadiusExplorer",
    "RecordExplorer",
    "RecordExposureExplorer",
    "RemedyExplorer",
    "ThresholdExplorer",
]

BY_DIMENSION: dict[str, tuple[type[Any], ...]] = {
    "explainability": (RecordExplorer,),
    "bias": (ThresholdExplorer,),
    "membership": (ExposureExplorer, RecordExposureExplorer),
    "mitigation": (RemedyExplorer,),
    "robustness": (RadiusExplorer,),
    "language_model": (PromptTrial,),
}
"""What can be explored live in the step of a dimension."""
