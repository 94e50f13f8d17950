from __future__ import annotations

import json
import shutil
import sqlite3
from typing import TYPE_CHECKING

import pytest

from auditkit.batch.folder import locked_folder
from auditkit.batch.journal import JOURNAL, Journal, JournalError, read_entries
from auditkit.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """A folder whose journal holds three entries and was closed."""
    folder = tmp_path / "batch"
    folder.mkdir()
    with Journal(folder) as journal:
        for at in range(3):
            journal.append("done", {"name": f"a{at}", "key": "k" * 64})
    return folder


def test_what_is_written_is_read_and_goes_on(three: Path) -> None:
    with Journal(three) as journal:
        assert [one.data["name"] for one in journal.entries] == ["a0", "a1", "a2"]
        assert journal.append("done", {"name": "a3"}).seq == 4
    assert [one.seq for one in read_entries(three)] == [1, 2, 3, 4]


def test_every_flipped_byte_of_the_file_is_found(three: Path) -> None:
    file = three / JOURNAL
    good = file.read_bytes()
    for at in range(0, len(good), max(1, len(good) // 300)):
        bad = bytearray(good)
        bad[at] ^= 1
        file.write_bytes(bytes(bad))
        with pytest.raises(JournalError, match="cannot be believed"):
            read_entries(three)
    file.write_bytes(good)
    assert len(read_entries(three)) == 3


def test_every_flipped_byte_of_the_head_is_found(three: Path) -> None:
    file = three / "journal.head"
    good = file.read_bytes()
    for at in range(len(good)):
        for bit in (1, 32):
            bad = bytearray(good)
            bad[at] ^= bit
            file.write_bytes(bytes(bad))
            with pytest.raises(JournalError, match="cannot be believed"):
                read_entries(three)


def test_every_truncation_is_found(three: Path) -> None:
    file = three / JOURNAL
    good = file.read_bytes()
    for size in [*range(0, len(good), max(1, len(good) // 200)), len(good) - 1]:
        file.write_bytes(good[:size])
        with pytest.raises(JournalError, match="cannot be believed"):
            read_entries(three)
    file.unlink()
    with pytest.raises(JournalError, match="is missing"):
        read_entries(three)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entries WHERE seq = 3",
        "DELETE FROM entries WHERE seq = 1",
        "DELETE FROM entries",
        "UPDATE entries SET body = replace(body, 'a1', 'b1') WHERE seq = 2",
        "UPDATE entries SET seq = 9 WHERE seq = 3",
        "INSERT INTO entries SELECT 4, body, digest FROM entries WHERE seq = 3",
        "DROP TABLE entries",
    ],
)
def test_an_entry_that_was_dropped_changed_moved_or_added_is_found_also_after_a_kill(
    three: Path, statement: str
) -> None:
    head = json.loads((three / "journal.head").read_text())
    del head["file"]  # as it is while a batch runs, or after one was killed
    (three / "journal.head").write_text(json.dumps(head, sort_keys=True, separators=(",", ":")) + "\n")
    assert len(read_entries(three)) == 3
    db = sqlite3.connect(three / JOURNAL)
    with db:
        db.execute(statement)
    db.close()
    with pytest.raises(JournalError, match="cannot be believed"):
        read_entries(three)


def test_a_head_one_entry_behind_is_what_a_kill_leaves_and_is_taken_up(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append("done", {"name": "a"})
    before = (tmp_path / "journal.head").read_bytes()
    journal.append("done", {"name": "b"})
    killed = tmp_path.with_name("killed")
    shutil.copytree(tmp_path, killed)
    (killed / "journal.head").write_bytes(before)
    journal.close()
    with Journal(killed) as again:
        assert [one.data["name"] for one in again.entries] == ["a", "b"]


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    with (
        locked_folder(tmp_path / "out"),
        pytest.raises(InputError, match="another batch writes to"),
        locked_folder(tmp_path / "out"),
    ):
        pass  # pragma: no cover - not reached
    with locked_folder(tmp_path / "out"):
        pass
