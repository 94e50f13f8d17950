"""Controls: what frameworks ask for, and which evidence of a report is relevant to it."""

from auditkit.controls.catalogue import Catalogue, Control, Framework, load_catalogue
from auditkit.controls.coverage import Coverage, Standing, coverage
from auditkit.controls.topics import Topic

__all__ = [
    "Catalogue",
    "Control",
    "Coverage",
    "Framework",
    "Standing",
    "Topic",
    "coverage",
    "load_catalogue",
]
