"""Quick: what keeps the start of a command short."""

from __future__ import annotations

import sys

__all__ = ["with_grammars", "without_grammars"]

_GRAMMAR = "rfc3987_syntax"


def without_grammars() -> None:
    """Let jsonschema do without its check of international addresses, until `with_grammars`: for a process that runs no code of others.

    The package behind that check compiles a grammar when it is imported, which takes seconds; jsonschema goes without it where it is not
    installed, and no notebook has a field of that form.
    """
    sys.modules.setdefault(_GRAMMAR, None)  # type: ignore[arg-type]  # None makes an import fail, as documented


def with_grammars() -> None:
    """Take `without_grammars` back, before code of others runs: what it imports is there, and checked."""
    if sys.modules.get(_GRAMMAR, sys) is None:
        del sys.modules[_GRAMMAR]
