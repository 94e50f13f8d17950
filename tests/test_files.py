"""A file is written whole or not at all."""

from __future__ import annotations

import os

import pytest

from auditkit.files import write_whole


def test_a_new_file_and_a_replaced_one(tmp_path):
    target = tmp_path / "a.json"
    assert write_whole(target, b"one") == target
    target.chmod(0o600)
    write_whole(target, b"two")
    assert target.read_bytes() == b"two"
    assert target.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("failure", [OSError("disk full"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, failure):
    target = tmp_path / "a.json"
    target.write_bytes(b"old")

    def fails(_handle):
        raise failure

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(type(failure)):
        write_whole(target, b"new")
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
