"""Counterfactuals: allowed rows that get the wanted answer, with few inputs changed and by little."""

from __future__ import annotations

from auditkit.methods.counterfactuals.search import Counterfactuals, counterfactuals
from auditkit.methods.counterfactuals.sparser import put_back, shrunk

__all__ = ["Counterfactuals", "counterfactuals", "put_back", "shrunk"]
