"""Structures: YAML, JSON and TOML as data, where they configure servers or hold the commands that start them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from auditkit.scanning.stack._commands import commands_in, faults_of, ray_parameters
from auditkit.scanning.stack._faults import Fault, beyond_loopback, fault, unrecognised
from auditkit.scanning.stack._python import SECTIONS, jupyter_faults

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["image_faults", "line_of", "structure_faults"]

_DEEP = 60
_IMAGES = {
    "tritonserver": "tritonserver",
    "jupyter/": "jupyter lab --ip=0.0.0.0",
    "h2oai/h2o": "h2o.jar",
    "bentoml": "bentoml serve",
}


def structure_faults(said: Any, text: str, name: str) -> tuple[Fault, ...] | None:
    """Return what a document leaves open; None where nothing in it has a form that is read."""
    if not isinstance(said, (dict, list)):
        return None
    found: list[Fault] = []
    known = False
    if isinstance(said, dict):
        for reader in (_jupyter, _bentoml, _compose):
            some = reader(said, text, name)
            known = known or some is not None
            found += some or ()
    rest = {key: one for key, one in said.items() if key != "services"} if isinstance(said, dict) else said
    for one in _dicts(rest):
        some = _container(one, text, name)
        known = known or some is not None
        found += some or ()
    return tuple(found) if known else None


def _jupyter(said: dict[str, Any], text: str, name: str) -> tuple[Fault, ...] | None:
    settings = {
        f"{part}.{key}": (value, line_of(text, f'"{key}"') or line_of(text, str(key)))
        for part, inner in said.items()
        if part in SECTIONS and isinstance(inner, dict)
        for key, value in inner.items()
    }
    return jupyter_faults(settings, name) if settings else None


def _bentoml(said: dict[str, Any], text: str, name: str) -> tuple[Fault, ...] | None:
    """Return what BentoML's own configuration leaves open, wherever its part about HTTP stands."""
    parts = [
        one for key in ("http", "api_server") for one in _parts(said, key) if {"host", "cors"} & set(one)
    ]
    found: list[Fault] = []
    for part in parts:
        if isinstance(part.get("host"), str) and beyond_loopback(part["host"]):
            found += [fault(name, line_of(text, "host"), "BentoML", rule) for rule in ("exposed", "no_authentication")]  # fmt: skip
        cors = part.get("cors")
        if isinstance(cors, dict) and cors.get("enabled") is True and "*" in str(cors.get("access_control_allow_origins", "")):  # fmt: skip
            found.append(fault(name, line_of(text, "access_control_allow_origins"), "BentoML", "permissive_cors"))  # fmt: skip
    return tuple(found) if parts else None


def _parts(said: Any, key: str, depth: int = 0) -> Iterator[dict[str, Any]]:
    if not isinstance(said, dict) or depth > _DEEP:
        return
    for name, inner in said.items():
        if name == key and isinstance(inner, dict):
            yield inner
        yield from _parts(inner, key, depth + 1)


def _compose(said: dict[str, Any], text: str, name: str) -> tuple[Fault, ...] | None:
    services = said.get("services")
    if not isinstance(services, dict):
        return None
    read = [_service(one, text, name) for one in services.values() if isinstance(one, dict)]
    known = [one for one in read if one is not None]
    return tuple(one for some in known for one in some) if known else None


def _service(one: dict[str, Any], text: str, name: str) -> tuple[Fault, ...] | None:
    """Return what a service of a compose file leaves open: its published ports decide who reaches it."""
    ports = one.get("ports")
    published = any(map(_published, ports)) if isinstance(ports, list) else False
    published = published or one.get("network_mode") == "host"
    variables = _variables(one.get("environment"))
    image = str(one.get("image", ""))
    found: list[Fault] = []
    known = False
    for key in ("entrypoint", "command"):
        said = one.get(key)
        line = shlex.join(map(str, said)) if isinstance(said, list) else str(said or "")
        at = _line_of_words(text, line)
        for command in commands_in(" ".join(line.split()), name, at, variables, published=published):
            known = True
            found += faults_of(command)
    if not known and one.get("command") is None and one.get("entrypoint") is None:
        by_image = image_faults(image, variables, line_of(text, image), name, published=published)
        known = by_image is not None
        found += by_image or ()
    if known:
        return tuple(found)
    # reached from other machines, and nobody knows what it asks
    return (unrecognised(name, line_of(text, image), "a published service"),) if published else None


def image_faults(
    image: str, variables: Mapping[str, str], line: int, name: str, *, published: bool | None
) -> tuple[Fault, ...] | None:
    """Return what an image leaves open that starts its server by itself; None for another image."""
    for part, command in _IMAGES.items():
        if part in image:
            return tuple(
                found
                for one in commands_in(command, name, line, variables, published=published)
                for found in faults_of(one)
            )
    return None


def _variables(words: Any) -> dict[str, str]:
    """Return variables, as compose and Kubernetes write them."""
    if isinstance(words, dict):
        pairs = list(words.items())
    elif isinstance(words, list):
        pairs = [
            (one.get("name"), one.get("value")) if isinstance(one, dict) else str(one).partition("=")[::2]
            for one in words
        ]
    else:
        pairs = []
    return {str(key): "" if value is None else str(value) for key, value in pairs}


def _published(port: Any) -> bool:
    """Return whether a port of a compose file is reached from other machines."""
    if isinstance(port, dict):
        return port.get("published") is not None and beyond_loopback(str(port.get("host_ip", "0.0.0.0")))  # noqa: S104 - the default
    text = str(port).partition("/")[0]
    host, _, rest = text.rpartition(":")
    if not rest or not host:
        return True  # a container's port alone is published on one of the machine's, on every address
    address = host.rpartition(":")[0]
    return beyond_loopback(address) if address else True


def _container(one: dict[str, Any], text: str, name: str) -> tuple[Fault, ...] | None:
    """Return what the commands in one part of a document leave open: of a container of Kubernetes, of a Ray cluster, of any other list of commands."""
    variables = _variables(one.get("env"))
    lines = [shlex.join([*_words(one.get("command")), *_words(one.get("args"))])]
    for key, said in one.items():
        if isinstance(said, str):
            lines.append(said)
        elif isinstance(said, list) and key not in ("command", "args"):
            words = [each for each in said if isinstance(each, str)]
            lines += words if any(" " in each.strip() for each in words) else [shlex.join(_words(said))]
    found: list[Fault] = []
    known = False
    for line in lines:
        for raw in line.replace("\\\n", " ").splitlines():
            at = _line_of_words(text, raw)
            for command in commands_in(raw, name, at, variables):
                known = True
                found += faults_of(command)
    if isinstance(one.get("rayStartParams"), dict):  # KubeRay: flags of "ray start"
        known = True
        found += faults_of(ray_parameters(one["rayStartParams"], name, line_of(text, "rayStartParams")))
    if not known and isinstance(one.get("image"), str):
        if not lines[0]:
            by_image = image_faults(
                one["image"], variables, line_of(text, one["image"]), name, published=None
            )
            if by_image is not None:
                return by_image
        return (unrecognised(name, line_of(text, one["image"]), "a container"),)
    return tuple(found) if known else None


def _words(said: Any) -> list[str]:
    if isinstance(said, str):
        try:
            return shlex.split(said)
        except ValueError:
            return said.split()
    return [str(one) for one in said if isinstance(one, (str, int, float))] if isinstance(said, list) else []


def _dicts(said: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    if depth > _DEEP:
        return
    if isinstance(said, dict):
        yield said
    for inner in said.values() if isinstance(said, dict) else said:
        if isinstance(inner, (dict, list)):
            yield from _dicts(inner, depth + 1)


def _line_of_words(text: str, line: str) -> int:
    """Return where a command stands, by as much of it as stands in one line."""
    words = line.replace("'", "").split()
    starts = [line.split("\n", maxsplit=1)[0][:60], " ".join(words[:3]), " ".join(words[:2]), *words[:1]]
    return next((at for at in (line_of(text, one) for one in starts) if at), 0)


def line_of(text: str, word: str) -> int:
    """Return the line in which a word first stands, from 1; 0 where it does not."""
    at = text.find(word) if word else -1
    return text.count("\n", 0, at) + 1 if at >= 0 else 0
