"""Notebooks: secrets, personal data, dependencies and risky calls in them, and a copy without the first two. Nothing of a notebook is run."""

from __future__ import annotations

from auditkit.scanning.notebooks.reading import read_notebook, written
from auditkit.scanning.notebooks.redacting import Redacted, redacted
from auditkit.scanning.notebooks.scan import Found, NotebookScan, scan_notebook

__all__ = ["Found", "NotebookScan", "Redacted", "read_notebook", "redacted", "scan_notebook", "written"]
