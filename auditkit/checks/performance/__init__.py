"""Performance: how often the model is right, where it errs, and whether it knows when it does."""

from auditkit.checks.performance.answers import model_performance
from auditkit.checks.performance.calibration import calibration
from auditkit.checks.performance.confidence import confidence

__all__ = ["calibration", "confidence", "model_performance"]
