"""Corruption: what happens to data by accident: to cells, to whole columns, to pictures."""

from auditkit.methods.corruption.cells import (
    NAMES,
    SEVERITIES,
    applicable,
    category_swap,
    corrupt,
    missing,
    noise,
    rounding,
    sweep,
    unit_slip,
)
from auditkit.methods.corruption.faults import TYPOS, Fault, alike_pairs, column_faults, swap_fault, typo
from auditkit.methods.corruption.images import IMAGE_CORRUPTIONS, corrupt_images, looks_like_images

__all__ = [
    "IMAGE_CORRUPTIONS",
    "NAMES",
    "SEVERITIES",
    "TYPOS",
    "Fault",
    "alike_pairs",
    "applicable",
    "category_swap",
    "column_faults",
    "corrupt",
    "corrupt_images",
    "looks_like_images",
    "missing",
    "noise",
    "rounding",
    "swap_fault",
    "sweep",
    "typo",
    "unit_slip",
]
