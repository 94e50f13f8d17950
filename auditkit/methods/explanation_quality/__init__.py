"""Explanation quality: whether attributions can be trusted, measured from the attributions and from the model's answers.

Attributions have one row an explained row and one column an input; several outputs are laid side by side.
"""

from auditkit.methods.explanation_quality.agreement import (
    GlobalAgreement,
    global_agreement,
    occlusion,
    rank_correlation,
    top_overlap,
)
from auditkit.methods.explanation_quality.faithfulness import (
    Removal,
    area_between,
    output_along,
    positions_of,
    removal,
)
from auditkit.methods.explanation_quality.sanity import randomisation_similarity, shuffled_labels
from auditkit.methods.explanation_quality.stability import (
    CrossedMean,
    ErrorRatio,
    cosine_similarity,
    crossed_mean,
    sampling_error_ratio,
)

__all__ = [
    "CrossedMean",
    "ErrorRatio",
    "GlobalAgreement",
    "Removal",
    "area_between",
    "cosine_similarity",
    "crossed_mean",
    "global_agreement",
    "occlusion",
    "output_along",
    "positions_of",
    "randomisation_similarity",
    "rank_correlation",
    "removal",
    "sampling_error_ratio",
    "shuffled_labels",
    "top_overlap",
]
