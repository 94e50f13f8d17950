"""The small checks that the browser tests use too."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKS = Path(__file__).parent.parent / "browser" / "studio_checks.py"


@pytest.fixture(scope="session")
def small() -> Any:
    """A subject, and checks that take their time, break, or find a gap."""
    name = "auditkit_tests_studio_checks"
    spec = importlib.util.spec_from_file_location(name, CHECKS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
