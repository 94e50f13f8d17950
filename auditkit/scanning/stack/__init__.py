"""Stack: installed libraries held against advisories, and files that configure machine-learning servers, read and never run."""

from __future__ import annotations

from auditkit.scanning.stack.configuration import Fault, read_configuration
from auditkit.scanning.stack.shipped import shipped

__all__ = ["Fault", "read_configuration", "shipped"]
