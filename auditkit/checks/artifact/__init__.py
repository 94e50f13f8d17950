"""Artifact: what a model file would do when it is opened, told before anybody opens it."""

from __future__ import annotations

from auditkit.checks.artifact.gate import model_file
from auditkit.checks.artifact.opinions import second_opinions

__all__ = ["model_file", "second_opinions"]
