"""Bystanders: files of a model's folder that are no model, by their name and by their content."""

from __future__ import annotations

import itertools
import pickletools
import re

from auditkit.scanning.artifacts.kinds import kind_of

__all__ = ["is_bystander"]

_NAMES = re.compile(
    r"(readme|license|licence|copying|notice|authors|contributors|changelog|citation|model_?card)([._-].*)?"
    r"|\.(gitattributes|gitignore|gitkeep|gitmodules|editorconfig|dockerignore)"
    r"|.*\.(md|markdown|rst|txt|json|jsonl|ya?ml|toml|cfg|ini|csv|tsv|bib|cff)",
    re.IGNORECASE,
)
_DOTTED = re.compile(r"[A-Za-z_][\w.]* [A-Za-z_][\w.]*")
_ANYWHERE = re.compile(rb"[ci][A-Za-z_][\w.]{0,200}\n[A-Za-z_][\w.]{0,200}\n|[\x82-\x84\x93]")
_ASKS = ("STACK_GLOBAL", "EXT1", "EXT2", "EXT4", "REDUCE", "BUILD", "OBJ", "NEWOBJ", "NEWOBJ_EX")
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
# what a loader of such a text would run
_RUNS = re.compile(
    r'"class_name"\s*:\s*"(Lambda|TFOpLambda|__lambda__)"|!!python/|tag:yaml\.org,2002:python/'
)
_ESCAPED = re.compile(
    r"\\u00([0-7][0-9A-Fa-f])|%([2-7][0-9A-Fa-f])"
)  # as JSON, and tags of YAML, may write a letter
_MOST = 100_000  # instructions of a pickle that are followed


def is_bystander(name: str, data: bytes) -> bool:
    r"""Return whether a file claims to be no model, by its name, and is none, by its content: text that no reader of pickles begins to follow.

    Parameters
    ----------
    name : str
        What the file is called, without its folder.
    data : bytes
        The file.

    Examples
    --------
    >>> is_bystander("README.md", b"# Credit\n"), is_bystander("model.pkl", b"# Credit\n")
    (True, False)
    >>> is_bystander("README.md", b"cos\nsystem\n(S'true'\ntR.")
    False
    """
    if not _NAMES.fullmatch(name):
        return False
    if not data:
        return True
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    unescaped = _ESCAPED.sub(lambda one: chr(int(one[1] or one[2], 16)), text)
    runs = _RUNS.search(text) or _RUNS.search(unescaped)
    plain = not _CONTROL.search(text) and kind_of(data) == "a file of unknown kind" and not runs
    return plain and not _begins_as_pickle(data)


def _begins_as_pickle(data: bytes) -> bool:
    """Return whether a reader of pickles may come to a name before it breaks off: it runs what it met by then."""
    try:
        for op, given, _ in itertools.islice(pickletools.genops(data), _MOST):
            if op.name in _ASKS or (op.name in ("GLOBAL", "INST") and _DOTTED.fullmatch(str(given))):
                return True
    except Exception as error:  # noqa: BLE001 - texts break the parser in any way
        # no reader knows a way on from a letter that is no instruction; what it makes of an argument differs from reader to reader
        return "unknown" not in str(error) and bool(_ANYWHERE.search(data))
    return True
