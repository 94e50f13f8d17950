"""Explore: what a live view asks, prepared once, so that each further question is answered from arrays.

Every explorer is prepared from a subject, in the time a check takes, and then answers in milliseconds and without the model. An answer
holds the tables that a check would give, so the notebook, the widget and the report draw it alike. Nothing here knows of widgets.
"""

from __future__ import annotations

from auditkit.explore.answer import Answer
from auditkit.explore.exposure import Exposure
from auditkit.explore.pair import Pair
from auditkit.explore.prompts import Prompts
from auditkit.explore.radius import Radius
from auditkit.explore.record import Records
from auditkit.explore.record_exposure import RecordExposure
from auditkit.explore.record_inputs import RecordInput
from auditkit.explore.record_ways import RecordWays, Way
from auditkit.explore.remedies import Remedies
from auditkit.explore.thresholds import Thresholds

__all__ = [
    "Answer",
    "Exposure",
    "Pair",
    "Prompts",
    "Radius",
    "RecordExposure",
    "RecordInput",
    "RecordWays",
    "Records",
    "Remedies",
    "Thresholds",
    "Way",
]
