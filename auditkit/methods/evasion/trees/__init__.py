"""Trees: the minimal change of a row for sums of trees, exactly or between bounds."""

from __future__ import annotations

from auditkit.methods.evasion.trees.cells import Cells, cells_of
from auditkit.methods.evasion.trees.classifier import read_classifier
from auditkit.methods.evasion.trees.distance import MinimalDistance, tree_minimal_distance

__all__ = ["Cells", "MinimalDistance", "cells_of", "read_classifier", "tree_minimal_distance"]
