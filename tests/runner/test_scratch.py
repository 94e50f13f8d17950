from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from auditkit.runner.scratch import scratch_folder, sweep

if TYPE_CHECKING:
    from pathlib import Path


def _left_behind(out: Path, name: str, **owner: object) -> Path:
    folder = out / f".auditkit-{name}.tmp"
    folder.mkdir()
    (folder / "owner.json").write_text(json.dumps(owner))
    return folder


def _break(out: Path) -> None:
    with scratch_folder(out) as folder:
        (folder / "half.html").write_text("<")
        raise RuntimeError


def test_the_folder_goes_also_when_the_run_breaks(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        _break(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_swept_and_a_living_one_is_not(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    host = socket.gethostname()
    gone = _left_behind(tmp_path, "dead", pid=dead.pid, host=host)
    alive = _left_behind(tmp_path, "alive", pid=os.getpid(), host=host)
    elsewhere = _left_behind(tmp_path, "elsewhere", pid=dead.pid, host="another-host")
    unknown = tmp_path / ".auditkit-unknown.tmp"
    unknown.mkdir()
    sweep(tmp_path)
    assert not gone.exists()
    assert alive.exists()
    assert elsewhere.exists()
    assert unknown.exists()
    old = time.time() - 2 * 86_400
    os.utime(elsewhere, (old, old))
    sweep(tmp_path)
    assert not elsewhere.exists()


def test_a_link_is_never_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "owner.json").write_text(json.dumps({"pid": 2**22 + 1, "host": socket.gethostname()}))
    (tmp_path / ".auditkit-link.tmp").symlink_to(target)
    sweep(tmp_path)
    assert (target / "owner.json").exists()
