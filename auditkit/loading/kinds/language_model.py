"""language_model: a model of language described in TOML: a function of the team's own code, or an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from auditkit.errors import InputError
from auditkit.loading.factory import call_factory
from auditkit.loading.schema import Part, validated
from auditkit.loading.tables import find_file
from auditkit.targets.language_model import LanguageModel

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LanguageModelFile", "files", "load", "modules", "read", "runs_code"]

_LARGEST = 1_000_000  # bytes of a system prompt


class LanguageModelFile(Part):
    """A subject file of this kind; exactly one of ``python`` and ``endpoint``.

    Attributes
    ----------
    name : str, optional
        How the report calls it; the name of the file when left out.
    python : str, optional
        ``"package.module:function"``; the function takes nothing and returns the callable to ask.
    takes : {"messages", "prompt"}
        What that callable takes.
    endpoint, model, key_env : str, optional
        An address that speaks as OpenAI's chat completions do, its name of the model, and the environment variable that holds the key.
    system, system_path : str, optional
        The system prompt, or a file that holds it.
    secret_env : str, optional
        The environment variable that holds something of the system prompt that must not be told.
    """

    name: str | None = Field(default=None, min_length=1)
    python: str | None = Field(default=None, min_length=1)
    takes: Literal["messages", "prompt"] = "messages"
    endpoint: str | None = Field(default=None, min_length=1)
    model: str | None = Field(default=None, min_length=1)
    key_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    system: str | None = Field(default=None, min_length=1)
    system_path: str | None = Field(default=None, min_length=1)
    secret_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")


def read(content: dict[str, Any], file: Path) -> LanguageModelFile:
    """Return what stands in the file of a language model."""
    said = validated(LanguageModelFile, content, file)
    given = [key for key in ("python", "endpoint") if getattr(said, key) is not None]
    if len(given) != 1:
        raise InputError(
            f"{file}: expected exactly one of python and endpoint; got {' and '.join(given) or 'none of them'}"
        )
    for key in ("model", "key_env"):
        if getattr(said, key) is not None and said.endpoint is None:
            raise InputError(f"{file}: {key} belongs to endpoint, and python is given")
    if said.endpoint is not None and said.model is None:
        raise InputError(f"{file}: model is missing; expected the name the service knows the model by")
    if said.system is not None and said.system_path is not None:
        raise InputError(f"{file}: expected at most one of system and system_path; got both")
    return said


def files(said: LanguageModelFile, folder: Path) -> dict[str, Path]:
    """Return the files it names, by key; of a function in a module beside it, that module."""
    found = {} if said.system_path is None else {"system_path": folder / said.system_path}
    if said.python is not None:
        beside = folder.joinpath(*said.python.partition(":")[0].split(".")).with_suffix(".py")
        found |= {"python": beside} if beside.is_file() else {}
    return found


def runs_code(said: LanguageModelFile) -> bool:
    """Say whether it names a function of the user's code."""
    return said.python is not None


def modules(said: LanguageModelFile) -> tuple[str, ...]:
    """Return the module of its function."""
    return () if said.python is None else (said.python.partition(":")[0],)


def load(said: LanguageModelFile, folder: Path, stem: str) -> LanguageModel:
    """Return the language model."""
    system = said.system
    if said.system_path is not None:
        path = find_file(folder / said.system_path, "system_path")
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise InputError(f"system_path: more than {_LARGEST:,} bytes")
        try:
            system = data.decode("utf-8").strip()
        except UnicodeDecodeError:
            raise InputError("system_path: not UTF-8 text") from None
    ask = None if said.python is None else call_factory(said.python, beside=folder.resolve())
    return LanguageModel(
        said.name or stem,
        ask,
        takes=said.takes,
        system=system,
        secret=None if said.secret_env is None else _secret(said.secret_env),
        endpoint=said.endpoint or "",
        model=said.model or "",
        key_env=said.key_env or "",
    )


def _secret(name: str) -> str:
    import os

    found = os.environ.get(name)
    if not found:
        raise InputError(f"secret_env: the environment variable {name} is not set")
    return found
