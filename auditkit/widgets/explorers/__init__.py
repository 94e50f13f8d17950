"""Explorers: pictures that follow their controls while a person drags; all they say comes from `auditkit.explore`."""

from __future__ import annotations

from auditkit.widgets.explorers.exposure import ExposureExplorer
from auditkit.widgets.explorers.live import Dial, Explorer
from auditkit.widgets.explorers.record import RecordExplorer, RecordExposureExplorer
from auditkit.widgets.explorers.thresholds import ThresholdExplorer

__all__ = [
    "BY_DIMENSION",
    "Dial",
    "Explorer",
    "ExposureExplorer",
    "RecordExplorer",
    "RecordExposureExplorer",
    "ThresholdExplorer",
]

BY_DIMENSION: dict[str, tuple[type[Explorer], ...]] = {
    "explainability": (RecordExplorer,),
    "bias": (ThresholdExplorer,),
    "membership": (ExposureExplorer, RecordExposureExplorer),
}
"""What can be explored live in the step of a dimension."""
