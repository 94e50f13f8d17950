"""Trees: a fitted sum of decision trees as plain arrays, whichever library grew it."""

from __future__ import annotations

from auditkit.methods.trees.model import Tree, TreeModel
from auditkit.methods.trees.read import read_trees

__all__ = ["Tree", "TreeModel", "read_trees"]
