"""Plugins: the patterns of detect-secrets, asked line by line, without its settings, its files and its verification by network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from auditkit.errors import needs
from auditkit.scanning.notebooks.passwords import LOOSE, is_password
from auditkit.scanning.notebooks.quiet import (
    SECRET_WORD,
    changes,
    is_digest,
    is_of_another,
    is_placeholder,
    is_random_base64,
    is_random_hex,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = [
    "BASE64",
    "HEX",
    "KEYWORD",
    "OWN",
    "PRIVATE_KEY",
    "PUBLIC_IP",
    "Line",
    "keyword_in",
    "random_in",
    "secret_types",
    "structured_in",
]

KEYWORD, BASE64, HEX = "Secret Keyword", "Base64 High Entropy String", "Hex High Entropy String"
PRIVATE_KEY, PUBLIC_IP = "Private Key", "Public IP (ipv4)"

_AZURE = "Azure Storage Account access key"

OWN: dict[str, str] = {
    _AZURE: r"(?<![\w+/-])[A-Za-z0-9+/]{86}==(?![\w+/=-])",  # 64 bytes in base64, as digests of SHA-512 have, too
    "Hugging Face Token": r"\b(?:hf|api_org)_[A-Za-z0-9]{30,}",
    "Google API Key": r"\bAIza[0-9A-Za-z_-]{35}",
    "GitHub Token": r"\bgithub_pat_[A-Za-z0-9_]{22,}",
    "Anthropic API Key": r"\bsk-ant-[A-Za-z0-9_-]{20,}",
    "OpenAI Token": r"\bsk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,}",
    "Weights & Biases Key": r"\bwandb[^\n]{0,40}?\b([0-9a-f]{40})\b",
    "Kaggle Key": r"\bkaggle[^\n]{0,60}?\b([0-9a-f]{32})\b",
    "Bearer Token": r"\bBearer\s+([A-Za-z0-9_.~+/-]{20,}=*)",
}
"""Kinds of secret that notebooks of data work hold, and detect-secrets has no plugin for."""

_WIDE = re.compile(r"[A-Za-z0-9_+-]")  # letters that belong to the same token as the ones beside them
_TOKEN = re.compile(r"://|[A-Za-z0-9_-]{11}")  # the shortest token of known form has eleven letters
_CONFIG = re.compile(
    r"\s*(?:export\s+|set\s+|ENV\s+)?(?!\s)[\"']?([\w.-]*)[\"']?\s*[=:]\s*(?![=:])([^\s\"'`,;]{8,})[,;]?\s*",
    re.IGNORECASE,
)


_GIVES = re.compile(r"[=:(\"'`]")  # one of these stands between a name and its value
_NOT_PYTHON = re.compile(r"\s*(?:[%!#]|export\s|set\s|env\s|ENV\s)")


@dataclass(frozen=True, slots=True)
class Line:
    """A line, or a window of a long one.

    Attributes
    ----------
    text : str
        What is asked about.
    before : str
        What stands in front of it that tells what it is: the key of a value.
    """

    text: str
    before: str = ""


@cache
def _plugins() -> dict[str, Any]:
    try:
        from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    except ImportError:
        raise needs("detect-secrets", "scan", "the search for secrets") from None
    known: dict[str, Any] = dict(get_mapping_from_secret_type_to_class())
    made = {kind: make() for kind, make in known.items()}
    # forty letters at random have less than its own limit of 4.5 bits in one case of five; `is_random_base64` asks for more than entropy
    made[BASE64] = type(made[BASE64])(limit=4.1)
    return made


def secret_types() -> tuple[str, ...]:
    """Return every kind of secret that is looked for, in order."""
    return tuple(sorted({*_plugins(), *OWN} - {PUBLIC_IP}))


@cache
def _structured() -> tuple[tuple[str, re.Pattern[str], Callable[[str], set[str]] | None], ...]:
    from detect_secrets.plugins.base import RegexBasedDetector

    found: list[tuple[str, re.Pattern[str], Callable[[str], set[str]] | None]] = []
    for kind, plugin in _plugins().items():
        if isinstance(plugin, RegexBasedDetector) and kind not in (PRIVATE_KEY, PUBLIC_IP):
            own_way = type(plugin).analyze_string is not RegexBasedDetector.analyze_string
            checked = (lambda line, ask=plugin.analyze_string: set(ask(line))) if own_way else None
            found += [(kind, pattern, checked) for pattern in plugin.denylist]
    return (*found, *((kind, re.compile(pattern), None) for kind, pattern in OWN.items()))


def structured_in(line: Line) -> Iterator[tuple[str, int, int]]:
    """Yield kind, start and end of what has the form of a known kind of secret; whole tokens, also where a plugin names a part of one."""
    if not _TOKEN.search(line.text):
        return
    for kind, pattern, checked in _structured():
        done = 0
        for found in pattern.finditer(line.text):
            if found.start() < done:
                continue  # within a token that was told already
            group = next((n for n in range(1, (pattern.groups or 0) + 1) if found[n]), 0)
            start, end = found.span(group)
            if checked is not None and found[group] not in checked(line.text):
                continue
            start, end = _trimmed(line.text, start, end)
            if kind == "NPM tokens" and (token := re.match(r"[\w-]+", line.text[start:end])):
                end = start + token.end()  # the plugin takes all of the line
            if kind != "Basic Auth Credentials":
                start, end = _widened(line.text, start, end)
            digest = kind == _AZURE and is_digest(line.text[start:end], line.before + line.text[:start])
            if not (digest or _innocent(kind, line.text[start:end])):
                done = end
                yield kind, start, end


def _innocent(kind: str, value: str) -> bool:
    if kind == "Basic Auth Credentials":
        return is_placeholder(value) and len(value) < 20
    if kind == "Artifactory Credentials":
        return not any(one.isdigit() for one in value) and changes(value) < 0.25
    if kind in (_AZURE, "IBM Cloud IAM Key", "Bearer Token"):
        return changes(value) < 0.25 or not any(one.isdigit() for one in value)
    return kind == "Telegram Bot Token" and changes(value.partition(":")[2]) < 0.2


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a stretch without the quotes, blanks and signs that a pattern asks for around a secret."""
    while start < end and text[start] in " \t\n\"'=:":
        start += 1
    while start < end and text[end - 1] in " \t\n\"'":
        end -= 1
    return start, end


def _widened(text: str, start: int, end: int) -> tuple[int, int]:
    while start > 0 and _WIDE.match(text[start - 1]):
        start -= 1
    while end < len(text) and (_WIDE.match(text[end]) or (text[end] == "=" and text[end - 1] != " ")):
        end += 1
    return start, end


def keyword_in(line: Line, *, code: bool) -> Iterator[tuple[int, int]]:
    """Yield start and end of values that stand beside a word for a secret: ``password = "..."``.

    In what is no code, also values without quotes where nothing else stands in the line, as in a listing of an environment.
    """
    text = line.text
    if not SECRET_WORD.search(text) and "contrase" not in text:
        return
    for value in _plugins()[KEYWORD].analyze_string(text) if _GIVES.search(text) else ():
        if not is_placeholder(value) and not any(one.isspace() for one in value):
            start = text.rfind(value)
            while start >= 0:  # the same value may stand there twice
                if not is_of_another(value, text[:start]):
                    yield start, start + len(value)
                start = text.rfind(value, 0, start)
    if not code and (found := _CONFIG.fullmatch(text)) and SECRET_WORD.search(found[1]):
        value = found[2]
        data = re.fullmatch(r"[\d.,%:-]+|\w+\(.*|.*[()\[\]].*", value)
        if not (is_placeholder(value) or changes(value) <= 0.1 or data or is_of_another(value, found[1])):
            yield found.span(2)
    if not code or _NOT_PYTHON.match(text):
        for found in LOOSE.finditer(text):
            if (
                not is_placeholder(found[1])
                and is_password(found[1])
                and not is_of_another(found[1], text[: found.start(1)])
            ):
                yield found.span(1)


def random_in(line: Line, alike: Mapping[int, int]) -> Iterator[tuple[str, int, int]]:
    """Yield kind, start and end of quoted strings of high entropy that are no digest, identifier or data.

    Parameters
    ----------
    line : Line
        The line.
    alike : mapping
        How many other strings of a length there are in the same part.
    """
    if '"' not in line.text and "'" not in line.text:
        return
    for kind, fits in ((HEX, is_random_hex), (BASE64, is_random_base64)):
        plugin = _plugins()[kind]
        for found in plugin.regex.finditer(line.text):
            value, before = found[2], line.before + line.text[: found.start()]
            if len(value) < 20 or plugin.calculate_shannon_entropy(value) <= plugin.entropy_limit:
                continue
            if fits(value, before, alike=alike.get(len(value), 0)):
                yield kind, found.start(2), found.end(2)
