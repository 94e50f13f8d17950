"""Configuration: files that configure or start machine-learning servers, told apart by name and content, read and never run."""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from pathlib import PurePath
from typing import TYPE_CHECKING

from auditkit.scanning.stack._commands import KNOWN_PASSWORDS, commands_in, faults_of
from auditkit.scanning.stack._faults import RULES, Fault, Rule, fault, unrecognised
from auditkit.scanning.stack._python import python_faults
from auditkit.scanning.stack._structures import image_faults, line_of, structure_faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["RULES", "Fault", "Rule", "read_configuration"]

_MOST = 4 * 1024 * 1024
_VARIABLE = re.compile(r"(?:Environment=|ENV\s+|export\s+)?\"?([A-Z][A-Z0-9_]*)[= ]\"?([^\"\s]*)")
_STARTS = re.compile(
    r"^(?:ExecStart(?:Pre|Post)?=[-@:+!]*|CMD\s+|ENTRYPOINT\s+|RUN\s+|exec\s+|command\s*=\s*)"
)


def read_configuration(content: bytes, name: str) -> tuple[Fault, ...]:
    r"""Return what a file leaves open.

    Read are: ``jupyter_server_config.py`` and other Python files (by their syntax tree), Jupyter's ``.json``, docker-compose, Kubernetes, Ray and
    BentoML YAML, commands in TOML, MLflow's ``basic_auth.ini``, systemd units, Dockerfiles, and any other text as lines of a shell. A file in which
    nothing of these is found is told as ``unrecognised``: nothing is known of it, and it is not clean.

    Parameters
    ----------
    content : bytes
        Of the file.
    name : str
        Its name, as findings tell it.

    Returns
    -------
    tuple of Fault
        In the order of their places; each once. No value of a setting is in it.

    Examples
    --------
    >>> found = read_configuration(b"c.ServerApp.ip = '0.0.0.0'\nc.ServerApp.token = ''", "jupyter_server_config.py")
    >>> [(one.line, one.rule) for one in found]
    [(1, 'exposed'), (1, 'no_authentication'), (2, 'empty_secret')]
    """
    if len(content) > _MOST or b"\0" in content[:4096]:
        return (fault(name, 0, "file", "unread"),)
    text = content.decode("utf-8-sig", "replace")
    suffix = PurePath(PurePath(name).name.casefold()).suffix
    found = _READERS.get(suffix, _lines)(text, name)
    if found is None:
        found = (unrecognised(name, 0, "a file"),)
    return tuple(dict.fromkeys(sorted(found)))


def _json(text: str, name: str) -> tuple[Fault, ...] | None:
    try:
        return structure_faults(json.loads(text), text, name)
    except (ValueError, RecursionError):
        return (fault(name, 0, "JSON", "unread"),)


def _toml(text: str, name: str) -> tuple[Fault, ...] | None:
    try:
        return structure_faults(tomllib.loads(text), text, name)
    except (ValueError, RecursionError):
        return (fault(name, 0, "TOML", "unread"),)


def _yaml(text: str, name: str) -> tuple[Fault, ...] | None:
    import yaml

    if re.search(r"(?:^|[\s\[{,:-])[&*][\w-]+", text) and len(re.findall(r"\*[\w-]+", text)) > 100:
        return (fault(name, 0, "YAML", "unread"),)  # aliases of aliases, which grow without end
    try:
        documents = list(yaml.safe_load_all(text))
    except (yaml.YAMLError, RecursionError, ValueError):
        return (fault(name, 0, "YAML", "unread"),)
    read = [structure_faults(one, text, name) for one in documents]
    known = [one for one in read if one is not None]
    return tuple(one for some in known for one in some) if known else None


def _ini(text: str, name: str) -> tuple[Fault, ...] | None:
    parser = configparser.ConfigParser(interpolation=None, strict=False, default_section="")
    try:
        parser.read_string(text)
    except configparser.Error:
        return (fault(name, 0, "INI", "unread"),)
    own = [one for one in parser.sections() if one.strip().casefold() == "mlflow"]
    if not own:
        return _lines(text, name)
    found: list[Fault] = []
    for section in own:
        said = parser[section]
        if said.get("admin_password", "") in KNOWN_PASSWORDS:
            found.append(fault(name, line_of(text, "admin_password"), "MLflow", "default_password"))
        if said.get("default_permission", "").strip().upper() in {"EDIT", "MANAGE"}:
            found.append(fault(name, line_of(text, "default_permission"), "MLflow", "remote_models"))
    return tuple(found)


def _lines(text: str, name: str) -> tuple[Fault, ...] | None:
    """Return what lines leave open that start a server: of a shell, a systemd unit, a Dockerfile; None where none does."""
    variables: dict[str, str] = {}
    found: list[Fault] = []
    known, image = False, ("", 0)
    for number, line in _joined(text):
        if base := re.match(r"FROM\s+(?:--\S+\s+)?(\S+)", line):
            image = (base[1], number)
        if said := _VARIABLE.match(line):
            variables[said[1]] = said[2]
        line = re.sub(r"\$(?:\{([A-Z_][A-Z0-9_]*)\}|([A-Z_][A-Z0-9_]*))", lambda m: variables.get(m[1] or m[2], m[0]), line)  # fmt: skip  # noqa: PLW2901
        line = _STARTS.sub("", line)  # noqa: PLW2901
        if line.startswith("[") and line.endswith("]"):
            line = " ".join(re.findall(r'"((?:[^"\\]|\\.)*)"', line))  # noqa: PLW2901
        for command in commands_in(line, name, number, variables):
            known = True
            found += faults_of(command)
    if not known:
        return image_faults(image[0], variables, image[1], name, published=None)
    return tuple(found)


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines with those that go on, and the number of the first; without comments."""
    held, begun = "", 0
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        begun = begun if held else number
        if line.endswith("\\"):
            held += line[:-1] + " "
            continue
        line, held = held + line, ""
        if not line.startswith(("#", ";", "//")):
            yield begun, line
    if held:
        yield begun, held


_READERS: dict[str, Callable[[str, str], tuple[Fault, ...] | None]] = {
    ".py": python_faults,
    ".json": _json,
    ".toml": _toml,
    ".yaml": _yaml,
    ".yml": _yaml,
    ".ini": _ini,
    ".cfg": _ini,
}
