"""Effects: how a model's output changes with its inputs, one at a time and two together, over all rows.

Every call to the model is batched: many changed copies of the rows are stacked and asked at once.
"""

from auditkit.methods.effects.accumulated import accumulated_effects
from auditkit.methods.effects.curves import Curve, Range, curve_range, grid_of, grid_weights
from auditkit.methods.effects.interactions import Interaction, Pieces, interaction, pieces_of, total_effects
from auditkit.methods.effects.partial_dependence import (
    Heterogeneity,
    PartialDependence,
    heterogeneity,
    partial_dependence,
)

__all__ = [
    "Curve",
    "Heterogeneity",
    "Interaction",
    "PartialDependence",
    "Pieces",
    "Range",
    "accumulated_effects",
    "curve_range",
    "grid_of",
    "grid_weights",
    "heterogeneity",
    "interaction",
    "partial_dependence",
    "pieces_of",
    "total_effects",
]
