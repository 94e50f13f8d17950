"""Archives: zip and tar files, and the model formats that are zips, looked into member by member; nothing is unpacked to disk."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from auditkit.scanning.artifacts.allowed import is_listed
from auditkit.scanning.artifacts.walker import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditkit.scanning.artifacts.walker import Walker

__all__ = ["ZIPS", "look_into_tar", "look_into_zip"]

ZIPS = ("skops", "PyTorch weights", "a PyTorch archive with code", "a Keras archive", "numpy arrays in a zip")
"""Kinds of file that are zips."""

_BROKEN = (
    zipfile.BadZipFile,
    ValueError,
    NotImplementedError,
    OSError,
    EOFError,
    OverflowError,
    RuntimeError,
    zlib.error,
)


def look_into_zip(walk: Walker, data: bytes, where: str, depth: int) -> str:
    """Look into a zip archive and return what kind of file it is."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _outside(walk, data, archive, where)
            kind = _kind_of_zip([entry.filename for entry in entries])
            for entry in entries:
                if (content := _member(walk, archive, entry, where)) is not None:
                    place = f"{where}/{entry.filename}".lstrip("/")
                    _look_at_member(walk, kind, entry.filename, content, place, depth)
    except _BROKEN as error:
        walk.trouble("archive-broken", where, f"the zip archive cannot be read ({type(error).__name__})")
        return "a broken zip archive"
    return kind


def look_into_tar(walk: Walker, data: bytes, where: str, depth: int) -> str:
    """Look into a tar archive; return what it is."""
    seen: set[str] = set()
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for entry in archive:
                walk.members += 1
                if walk.members > walk.bounds.members:
                    walk.trouble("bomb", where, f"more than {walk.bounds.members:,} members")
                    break
                _path(walk, entry.name, where, seen)
                if entry.issparse():
                    walk.trouble(
                        "bomb", where, f"the member {_short(entry.name)} claims bytes that it does not hold"
                    )
                elif entry.isreg():
                    file = archive.extractfile(entry)
                    content = _within(walk, file, where) if file is not None else b""
                    if content is None:
                        break
                    walk.look(content, f"{where}/{entry.name}".lstrip("/"), depth + 1)
                elif not entry.isdir():
                    walk.trouble(
                        "archive-path", where, f"the member {_short(entry.name)} is a link or a device"
                    )
    except (tarfile.TarError, *_BROKEN) as error:
        walk.trouble("archive-broken", where, f"the tar archive cannot be read ({type(error).__name__})")
    return "a tar archive"


def _outside(walk: Walker, data: bytes, archive: zipfile.ZipFile, where: str) -> None:
    """Refuse bytes before and after the archive, and members of one name."""
    end = data.rfind(b"PK\x05\x06")
    if end < 0 or end + 22 + len(archive.comment) != len(data):
        walk.trouble("trailing", where, "bytes follow the end of the zip archive")
    entries = archive.infolist()
    if entries and min(entry.header_offset for entry in entries) > 0:
        walk.trouble("polyglot", where, "bytes stand before the first member of the zip archive")


def _member(walk: Walker, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, where: str) -> bytes | None:
    """Return the content of a member, within the budget; None where it is a folder or not read."""
    walk.members += 1
    if walk.members > walk.bounds.members:
        if walk.members == walk.bounds.members + 1:
            walk.trouble("bomb", where, f"more than {walk.bounds.members:,} members")
        return None
    seen = (
        {other.filename for other in archive.infolist() if other is not entry}
        if walk.members < 1000
        else set()
    )
    _path(walk, entry.filename, where, seen)
    if entry.is_dir():
        return None
    if entry.flag_bits & 1:
        walk.trouble("archive-locked", where, f"the member {_short(entry.filename)} is encrypted")
        return None
    with archive.open(entry) as file:
        return _within(walk, file, where)


def _within(walk: Walker, file: IO[bytes], where: str) -> bytes | None:
    """Return the content of a member; None where it goes beyond the budget of all members together."""
    left = walk.bounds.unpacked - walk.taken
    content = file.read(left + 1)
    if len(content) > left:
        walk.trouble("bomb", where, f"it unpacks to more than {walk.bounds.unpacked:,} bytes")
        walk.taken = walk.bounds.unpacked
        return None
    walk.taken += len(content)
    return content


def _path(walk: Walker, name: str, where: str, seen: set[str]) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (len(name) > 1 and name[1] == ":") or "\x00" in name:
        walk.trouble("archive-path", where, f"the member {_short(name)} leads out of the archive")
    if name in seen:
        walk.trouble("archive-double", where, f"two members are called {_short(name)}")
    seen.add(name)


def _kind_of_zip(names: list[str]) -> str:
    last = [name.rpartition("/")[2] for name in names]
    if "schema.json" in names:
        return "skops"
    if "constants.pkl" in last or any("/code/" in f"/{name}" and name.endswith(".py") for name in names):
        return "a PyTorch archive with code"
    if "data.pkl" in last:
        return "PyTorch weights"
    if "config.json" in names and any(
        name.endswith(".weights.h5") or name == "metadata.json" for name in names
    ):
        return "a Keras archive"
    if names and all(name.endswith(".npy") for name in names):
        return "numpy arrays in a zip"
    return "a zip archive without skops's schema.json"


def _look_at_member(walk: Walker, kind: str, name: str, content: bytes, place: str, depth: int) -> None:
    if kind == "skops" and name == "schema.json":
        walk.parts.append((place, "skops's schema", len(content)))
        _skops(walk, content, place)
    elif kind.startswith(("PyTorch", "a PyTorch")):
        _torch(walk, name, content, place, depth)
    elif kind == "a Keras archive" and name == "config.json":
        walk.parts.append((place, "Keras's configuration", len(content)))
        _keras(walk, content, place)
    elif name.endswith((".txt", ".md", ".json", ".yaml", ".yml", ".toml", ".cfg", ".csv")) and _is_text(
        content
    ):
        walk.parts.append((place, "text", len(content)))
    elif name.endswith((".py", ".sh", ".bat", ".ps1", ".so", ".dll", ".dylib", ".pyc")):
        walk.parts.append((place, "code", len(content)))
        walk.trouble("archive-code", place, "the archive holds code")
    else:
        walk.look(content, place, depth + 1)


def _torch(walk: Walker, name: str, content: bytes, place: str, depth: int) -> None:
    last = name.rpartition("/")[2]
    if last in ("data.pkl", "constants.pkl"):
        walk.parts.append((place, "pickle", len(content)))
        walk.pickle(content, place, weights=True)
    elif name.endswith((".py", ".py.debug_pkl")):
        walk.parts.append((place, "code", len(content)))
        walk.trouble("torch-code", place, "the PyTorch archive holds code")
    elif (
        "/data/" in name
        or last in ("version", "byteorder", ".data", "serialization_id")
        or "/.data/" in name
        or ".format" in last
        or "/constants/" in name
    ):
        walk.parts.append((place, "raw numbers", len(content)))
    else:
        walk.look(content, place, depth + 1)


def _skops(walk: Walker, content: bytes, place: str) -> None:
    """Write down the types of a skops file; skops itself has the last word when the file is opened."""
    try:
        schema = json.loads(content)
    except (ValueError, RecursionError) as error:
        walk.trouble("skops-broken", place, f"its schema is no JSON ({type(error).__name__})")
        return
    if not isinstance(schema, dict):
        walk.trouble("skops-broken", place, "its schema is no table")
        return
    asked: dict[tuple[str, str], None] = {}
    for table in _tables(schema):
        module, name = table.get("__module__"), table.get("__class__")
        if isinstance(module, str) and isinstance(name, str):
            asked[module, name] = None
        elif "__loader__" in table and table["__loader__"] != "CachedNode":
            walk.trouble("skops-broken", place, "a node has no type")
    strange = []
    for module, name in asked:
        listed = is_listed(module, name)
        walk.ask(module, name, place, called=True, listed=listed)
        if not listed:
            strange.append(f"{module}.{name}")
    if strange:
        walk.trouble("skops-type", place, f"it asks for {shown(strange)}")


def _keras(walk: Walker, content: bytes, place: str) -> None:
    try:
        config = json.loads(content)
    except (ValueError, RecursionError) as error:
        walk.trouble("archive-broken", place, f"the configuration is no JSON ({type(error).__name__})")
        return
    for table in _tables(config):
        name, module = str(table.get("class_name", "")), table.get("module")
        foreign = isinstance(module, str) and not (
            module == "builtins" or module.partition(".")[0] in ("keras", "tf_keras")
        )
        if name in ("Lambda", "TFOpLambda", "__lambda__") or foreign:
            walk.ask(str(module), name, place, called=True, listed=False)
            walk.trouble("keras-code", place, f"it asks for {_short(f'{module}.{name}')}")


def _tables(value: Any) -> Iterator[dict[str, Any]]:
    """Give every table in a JSON value, without recursion."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            yield one
            left.extend(one.values())
        elif isinstance(one, list):
            left.extend(one)


def _is_text(content: bytes) -> bool:
    try:
        return "\x00" not in content.decode("utf-8")
    except UnicodeDecodeError:
        return False


def _short(name: str) -> str:
    return repr("".join(ch if ch.isprintable() else "?" for ch in name)[:80])
