"""A small subject from recorded predictions, an incident about it, and a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from auditkit.incidents import open_incident
from auditkit.packing.signing import keygen

if TYPE_CHECKING:
    from pathlib import Path


def write_subject(folder: Path, *, gap: float = 0.0, n: int = 400) -> Path:
    """Write rows whose predictions select group B less often by `gap`, and the subject file."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    group, merit = np.where(np.arange(n) % 2, "A", "B"), rng.random(n)
    label = (rng.random(n) < merit).astype(int)
    chosen = (merit > 0.5 + gap * (group == "B")).astype(int)
    rows = "\n".join(f"{m:.4f},{g},{y}" for m, g, y in zip(merit, group, label, strict=True))
    (folder / "rows.csv").write_text(f"merit,group,label\n{rows}\n")
    (folder / "said.csv").write_text("said\n" + "\n".join(map(str, chosen)) + "\n")
    (folder / "s.toml").write_text(
        'name = "small"\ntask = "binary"\npositive = 1\n[model.predictions]\npath = "said.csv"\nlabel = "said"\n'
        '[data.test]\npath = "rows.csv"\ntarget = "label"\nsensitive = ["group"]\n'
    )
    return folder / "s.toml"


@pytest.fixture
def subject(tmp_path):
    return write_subject(tmp_path / "model")


@pytest.fixture
def incident(tmp_path, subject):
    return open_incident(tmp_path / "incident", subject, aware="2026-11-20T09:30+01:00", by="On call")


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return [keygen(folder / name) for name in ("one", "other")]
