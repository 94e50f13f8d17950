from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from auditkit.testing import write_subject

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def credit_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A subject file of a small credit model, with its model and data beside it."""
    return write_subject(tmp_path_factory.mktemp("credit"), n_train=300, n_test=200)


@pytest.fixture
def make_template(tmp_path: Path) -> Any:
    """Write a notebook of code cells; the first is its parameters cell."""

    def write(*cells: str, name: str = "own.ipynb", about: dict[str, Any] | None = None) -> Path:
        notebook = {
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"cell-{i}",
                    "execution_count": None,
                    "metadata": {"tags": ["parameters"]} if i == 0 else {},
                    "outputs": [],
                    "source": source,
                }
                for i, source in enumerate(cells)
            ],
            "metadata": {} if about is None else {"auditkit": about},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        path = tmp_path / name
        path.write_text(json.dumps(notebook))
        return path

    return write
