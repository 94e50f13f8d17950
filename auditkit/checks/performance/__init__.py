"""Performance: how often the model is right, where it errs, and whether it knows when it does."""

from auditkit.checks.performance.answers import model_performance
from auditkit.checks.performance.calibration import calibration
from auditkit.checks.performance.confidence import confidence
from auditkit.checks.performance.error_tree import error_tree

__all__ = ["calibration", "confidence", "error_tree", "model_performance"]
