"""Trees: the minimal change of a row for sums of trees, exactly or between bounds."""

from __future__ import annotations

from auditkit.methods.evasion.trees.cells import Cells, cells_of
from auditkit.methods.evasion.trees.distance import MinimalDistance, tree_minimal_distance
from auditkit.methods.evasion.trees.model import Tree, TreeModel
from auditkit.methods.evasion.trees.read import read_trees

__all__ = ["Cells", "MinimalDistance", "Tree", "TreeModel", "cells_of", "read_trees", "tree_minimal_distance"]
