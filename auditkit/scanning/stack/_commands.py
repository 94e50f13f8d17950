"""Commands: lines that start machine-learning servers, read by their flags."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from auditkit.scanning.stack._faults import Fault, beyond_loopback, fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = [
    "JUPYTER",
    "KNOWN_PASSWORDS",
    "Command",
    "commands_in",
    "faults_of",
    "permissive_pattern",
    "ray_parameters",
]


@dataclass(frozen=True)
class Command:
    """A line that starts a server.

    Attributes
    ----------
    server : str
        Which.
    words : tuple of str
        What follows its name.
    file, line : str, int
        Where.
    environment : mapping
        Variables set beside it.
    published : bool or None
        Of a container: whether a port is published beyond the machine; None outside of one, where the address it binds decides.
    """

    server: str
    words: tuple[str, ...]
    file: str
    line: int
    environment: Mapping[str, str] = field(default_factory=dict)
    published: bool | None = None

    def flag(self, *names: str) -> str | None:
        """Return the value of the last of these flags, "" for one without a value; None where it is not there."""
        found = None
        for at, word in enumerate(self.words):
            name, equals, value = word.partition("=")
            if name in names:
                after = self.words[at + 1] if at + 1 < len(self.words) else ""
                found = value if equals else "" if after.startswith("-") else after
        return found

    def has(self, *names: str) -> bool:
        """Return whether one of these flags is there, and not said to be false."""
        value = self.flag(*names)
        return value is not None and value.casefold() not in {"false", "0", "no"}

    def open_to_others(self, address: str | None, default: str) -> bool:
        """Return whether it is reached from other machines: by the published port, else by the address it binds."""
        return (
            beyond_loopback(default if address is None else address)
            if self.published is None
            else self.published
        )


_PROGRAMS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?:^|[\s/])mlflow(?: -\S+(?: (?!-|server\b|ui\b|models\b)\S+)?)* (?:server|ui|models serve)(?=\s|$)"), "MLflow"),
    (re.compile(r"(?:^|[\s/])ray start\b"), "Ray"),
    (re.compile(r"(?:^|[\s/])jupyter[- ](?:lab|notebook|server|nbclassic)\b|(?:^|[\s/])(?:start-notebook|start-singleuser)(?:\.sh|\.py)?\b"), "Jupyter"),
    (re.compile(r"(?:^|[\s/])tritonserver\b"), "Triton"),
    (re.compile(r"(?:^|[\s/])bentoml (?:serve|start)[\w-]*"), "BentoML"),
    (re.compile(r"(?:^|[\s/])h2o\.jar\b"), "H2O"),
    (re.compile(r"(?:^|[\s/])gradio\b"), "Gradio"),
    (re.compile(r"(?:^|[\s/])(?:gunicorn|uvicorn|hypercorn|waitress-serve)(?=\s|$)"), "a web server"),
)  # fmt: skip


KNOWN_PASSWORDS = frozenset(["password", "password1234"])
"""Which MLflow's documentation holds, and older releases of its own file."""

JUPYTER = ("NotebookApp", "ServerApp", "IdentityProvider", "PasswordIdentityProvider", "LabApp", "JupyterApp", "JupyterNotebookApp")  # fmt: skip
"""The classes whose settings are read."""

_SPEAK = frozenset(["echo", "printf", "grep", "which", "man"])
"""Programs that only speak of others."""


def commands_in(
    text: str,
    file: str,
    line: int,
    environment: Mapping[str, str] | None = None,
    *,
    published: bool | None = None,
) -> Iterator[Command]:
    """Yield the servers that a line of a shell starts, also within ``sh -c "..."``; nothing is run or expanded."""
    try:
        words = shlex.split(text, comments=True)
    except ValueError:
        words = text.split()
    for word in words:
        if " " in word.strip() and word != text:  # what a shell is told to run
            yield from commands_in(word, file, line, environment, published=published)
    own = dict(environment or {})
    own |= dict(one.split("=", 1) for one in words if re.fullmatch(r"[A-Z][A-Z0-9_]*=\S*", one))
    line_of_words = " ".join(one for one in words if " " not in one.strip())
    if words and words[0] in _SPEAK:
        return
    for form, server in _PROGRAMS:
        for found in form.finditer(line_of_words):
            after = re.split(r"\s(?:&&|\|\||;|\|)\s", line_of_words[found.end() :])[0]
            given = tuple(after.split())
            served = any(one.startswith("mlflow.server") for one in given)
            yield Command(
                "MLflow" if server == "a web server" and served else server, given, file, line, own, published
            )


def faults_of(one: Command) -> tuple[Fault, ...]:
    """Return what a command leaves open."""
    return tuple(
        fault(one.file, one.line, one.server, rule) for rule in dict.fromkeys(_READ[one.server](one))
    )


def ray_parameters(given: Mapping[str, object], file: str, line: int) -> Command:
    """Return the command that parameters of a Ray cluster stand for."""
    return Command("Ray", tuple(f"--{key}={value}" for key, value in given.items()), file, line)


def permissive_pattern(pattern: str) -> bool:
    r"""Return whether a regular expression of origins names no site in one of its branches, so that any may come.

    It is read, not run: it may be made to hang.

    Examples
    --------
    >>> permissive_pattern(".*."), permissive_pattern("https?://.*"), permissive_pattern(r"https://.*\.here")
    (True, True, False)
    """
    bare = re.sub(
        r"\[[^\]]*\]|\\[A-Za-z]|\{[0-9,]*\}|\(\?(?::|[a-z]+[:)])|https\?|https|http|[^\w|]", "", pattern
    )
    return any(not branch for branch in bare.split("|"))


def _bound(one: Command) -> str | None:
    """Return the address that a web server was told to bind."""
    place = one.flag("-b", "--bind", "--listen")
    if place is None:
        return one.flag("--host")
    return place.rpartition(":")[0] if ":" in place else place


def _web(one: Command) -> Iterator[str]:
    if one.open_to_others(_bound(one), "127.0.0.1"):
        yield "exposed"


def _mlflow(one: Command) -> Iterator[str]:
    bound = one.flag("--host", "-h") or _bound(one) or one.environment.get("MLFLOW_HOST")
    if one.open_to_others(bound, "127.0.0.1"):
        yield "exposed"
        if one.flag("--app-name") is None and not any(
            word.startswith("mlflow.server.auth") for word in one.words
        ):
            yield "no_authentication"
    if one.environment.get("MLFLOW_AUTH_ADMIN_PASSWORD") in KNOWN_PASSWORDS:
        yield "default_password"
    origins = one.flag("--cors-allowed-origins") or one.environment.get(
        "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS", ""
    )
    if "*" in origins:
        yield "permissive_cors"
    if one.environment.get("MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE", "").casefold() == "true" or one.has(
        "--disable-security-middleware"
    ):
        yield "permissive_cors"


def _ray(one: Command) -> Iterator[str]:
    if one.flag("--include-dashboard") in {"false", "False", "0"}:
        return
    if one.open_to_others(one.flag("--dashboard-host"), "127.0.0.1"):
        yield "exposed"
        yield "open_dashboard"


def _jupyter(one: Command) -> Iterator[str]:
    secret = one.flag(*_jupyter_flags("token", "hashed_password"))
    password = one.flag(*_jupyter_flags("password"))
    token = one.environment.get("JUPYTER_TOKEN")
    nothing = (secret is not None and secret.strip("'\"") == "") or token == ""
    if nothing and not (password or "").strip("'\""):
        yield "empty_secret"
    if one.open_to_others(one.flag("--ip", *_jupyter_flags("ip")), "localhost"):
        yield "exposed"
        if nothing and not (password or "").strip("'\""):
            yield "no_authentication"
    pattern = one.flag(*_jupyter_flags("allow_origin_pat"))
    if one.flag(*_jupyter_flags("allow_origin")) == "*" or (pattern and permissive_pattern(pattern)):
        yield "permissive_cors"
    if one.has(*_jupyter_flags("disable_check_xsrf")):
        yield "no_xsrf"
    if one.has("--allow-root", *_jupyter_flags("allow_root")):
        yield "runs_as_root"


def _jupyter_flags(*names: str) -> list[str]:
    return [f"--{section}.{name}" for section in JUPYTER for name in names]


def _triton(one: Command) -> Iterator[str]:
    served = [
        one.flag(f"--{name}-address")
        for name in ("http", "grpc")
        if one.flag(f"--allow-{name}") not in {"false", "0", "False"}
    ]
    if any(one.open_to_others(address, "0.0.0.0") for address in served):  # noqa: S104 - what it binds when nothing is said
        yield "exposed"
        guarded = one.flag("--http-restricted-api", "--grpc-restricted-protocol") is not None
        if not guarded:
            yield "no_authentication"
            if one.flag("--model-control-mode") == "explicit":
                yield "remote_models"


def _bentoml(one: Command) -> Iterator[str]:
    address = one.flag("--host", "-H") or one.environment.get("BENTOML_HOST")
    if one.open_to_others(address, "0.0.0.0"):  # noqa: S104 - what it binds when nothing is said
        yield "exposed"
        yield "no_authentication"


def _h2o(one: Command) -> Iterator[str]:
    local = one.flag("-bind_to_localhost", "--bind_to_localhost") is not None
    address = one.flag("-web_ip", "--web_ip", "-ip", "--ip")
    if not local and one.open_to_others(address, "0.0.0.0"):  # noqa: S104 - what it binds when nothing is said
        yield "exposed"
        asks = ("hash_login", "ldap_login", "kerberos_login", "pam_login", "spnego_login")
        if not any(one.flag(f"-{name}", f"--{name}") is not None for name in asks):
            yield "no_authentication"


def _gradio(one: Command) -> Iterator[str]:
    if one.open_to_others(one.environment.get("GRADIO_SERVER_NAME"), "127.0.0.1"):
        yield "exposed"
    if one.environment.get("GRADIO_SHARE", "").casefold() in {"true", "1"}:
        yield "public_tunnel"


_READ: dict[str, Callable[[Command], Iterator[str]]] = {
    "MLflow": _mlflow,
    "Ray": _ray,
    "Jupyter": _jupyter,
    "Triton": _triton,
    "BentoML": _bentoml,
    "H2O": _h2o,
    "Gradio": _gradio,
    "a web server": _web,
}
