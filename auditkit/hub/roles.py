"""Roles: what the hub's own roles allow, as its administrator gives it: the API names them and says no more."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from auditkit.errors import InputError
from auditkit.reading import toml_text

if TYPE_CHECKING:
    import os

__all__ = ["read_roles"]


def read_roles(path: str | os.PathLike[str]) -> dict[str, tuple[str, ...]]:
    """Return the scopes of roles from a TOML file: ``culling = ["list:users", "admin:servers"]``.

    Raises
    ------
    InputError
        If it is not there, no TOML, or holds something else than lists of text.
    """
    try:
        content = tomllib.loads(toml_text(path, "file of roles"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{Path(path)} is not TOML: {str(error)[:200]}") from None
    for name, scopes in content.items():
        if not isinstance(scopes, list) or not all(isinstance(one, str) and one for one in scopes):
            raise InputError(
                f'{Path(path)}: expected {name[:40]} = ["scope", ...], as in c.JupyterHub.load_roles'
            )
    return {name: tuple(scopes) for name, scopes in content.items()}
