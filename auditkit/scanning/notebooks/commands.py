"""Commands: secrets that a command is given, as an option, in a variable of the environment or in a header of a request."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from auditkit.scanning.notebooks.passwords import is_password
from auditkit.scanning.notebooks.quiet import FOLDER, IDENTIFIER, changes, is_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SHELL_CELL", "commanded_in", "is_command"]

SHELL_CELL = re.compile(r"\s*%%(?:bash|sh|zsh|script|cmd|system|sx|!)")
"""A cell of which every line is a command."""

_PASSWORDS = (
    r"(?:[A-Za-z0-9]{0,20}(?:password|passwd|passphrase|passwort|kennwort|wachtwoord)|pass|pwd|pw|db_?pass)"
)
_KEYS = r"(?:[A-Za-z0-9]{0,20}(?:api|access|secret|private|auth|account|service|client)[-_]?key|[A-Za-z0-9]{0,20}(?:token|secret))"
_NAME = rf"(?:(?P<password>{_PASSWORDS})|{_KEYS})\d{{0,2}}"
_VALUE = r"(?:(?P<sign>[\"'])(?P<quoted>(?:(?!(?P=sign))[^\n]){4,200})(?P=sign)|(?P<bare>[^\s\"'`;|<>&()\\]{4,200}+)(?![(\[]))"
_OPTION = re.compile(
    rf"(?<![\w-])-{{1,2}}(?:[A-Za-z0-9]{{1,30}}[-_.]){{0,5}}{_NAME}(?:=|[ \t]{{1,3}}(?!-)|[\"']\s{{0,2}},\s{{0,2}}(?=[\"'])){_VALUE}",
    re.IGNORECASE,
)
_VARIABLE = re.compile(
    rf"(?P<asked>(?:-e|--env)[ =]{{1,2}}[\"']?)?(?<![\w.$-])(?:[A-Za-z0-9]{{1,30}}_){{0,6}}{_NAME}={_VALUE}",
    re.IGNORECASE,
)
_SETTING = re.compile(
    rf"\b(?:config|configure|modify)\s[^\n|;&]{{0,120}}?(?<![\w.$-])(?:[A-Za-z0-9]{{1,30}}_){{0,6}}{_NAME}[ \t]{{1,3}}(?!-){_VALUE}",
    re.IGNORECASE,
)
_MAGIC = re.compile(
    rf"\s*(?:(?P<shown>env:)|%(?:set_)?env)\s+(?:[A-Za-z0-9]{{1,30}}_){{0,6}}{_NAME}(?:\s{{0,3}}=\s{{0,3}}|(?(shown)(?!)|\s{{1,3}}))(?P<sign>[\"']?)(?P<bare>\S(?:.{{0,198}}\S)?)(?P=sign)\s*",
    re.IGNORECASE,
)
_BEARER = re.compile(
    r"\bauthorization[\"']{0,2}\s{0,2}[:=]\s{0,2}[\"']?(?P<scheme>bearer|basic|token|apikey)\s{1,3}(?P<bare>[A-Za-z0-9_.~+/=-]{6,400})",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"(?<![\w-])(?:-H|--header)[ =]{0,2}[\"'](?:[A-Za-z0-9]{1,20}-){0,5}(?:api-?key|key|token|secret|authorization|auth)\s{0,2}:\s{0,2}(?P<bare>[^\s\"']{8,400})[\"']",
    re.IGNORECASE,
)
_COMMAND = re.compile(r"\s*(?:[\w., \[\]]{1,60}=\s{0,3})?!(?!\[)|\s*%(?:sx|system|run)\s")
_EXPORT = re.compile(r"(?:^|[\s\"'`&;!])(?:export|setx?|ENV)\s")
_LISTED = re.compile(r"[A-Z][A-Z0-9_]{0,60}=\S+")  # a line of what `env` shows, or of a file of variables
_LEADS_TO = re.compile(
    r"(?:op|vault|ssm|sm|gcp|env|file|fd|secretref|keyvault)[:/].*|projects/.*|@[\w./~-]*[./][\w./~-]*|(?:id|type|src|source|env|name)=.*",
    re.IGNORECASE,
)
_PUT_IN = re.compile(r"\$\{|\$\(|\{[A-Za-z_][\w.\[\]'\"()]*\}")
_DRESS = re.compile(
    r"(?:pad|eos|bos|unk|sep|mask|cls|stop|start|end|trigger|special)[-_]?token|-(?:no|skip|ask|disabled?)[-_](?:[A-Za-z0-9]{1,30}[-_]){0,3}(?:pass|token|secret|pw)"
    r"|[-_](?:first|second|one|two|low|high|band|forward|backward)[-_]pass\b(?![-_])",
    re.IGNORECASE,
)


def commanded_in(text: str, *, code: bool, shell: bool = False) -> Iterator[tuple[int, int]]:
    """Yield start and end of secrets that a command is given.

    Parameters
    ----------
    text : str
        A line.
    code, shell : bool
        Whether it stands in code, where ``export`` begins a command, and whether in a cell of which every line is one. In a command, and after
        ``!`` and ``%env``, a word without a digit is a password, too. In prose it is none.

    Examples
    --------
    >>> line = "!python train.py --api-key q8Zk29fjPw31xLm0 --password correcthorse"
    >>> [line[start:end] for start, end in commanded_in(line, code=False)]
    ['q8Zk29fjPw31xLm0', 'correcthorse']
    >>> list(commanded_in("!python train.py --api-key $KEY --token-type bert", code=True))
    []
    """
    if not (shell or any(sign in text for sign in "=-:%!")):
        return
    sure = shell or is_command(text) or bool(_LISTED.fullmatch(text) or (code and _EXPORT.search(text)))
    if (found := _MAGIC.fullmatch(text)) and _fits(found, found["bare"], sure=True, given=not found["shown"]):
        yield found.span("bare")
    for pattern in (_OPTION, _VARIABLE, _SETTING) if sure else (_OPTION, _VARIABLE):
        for found in pattern.finditer(text):
            group = "quoted" if found["quoted"] is not None else "bare"
            start, end = found.span(group)
            while not sure and end > start and text[end - 1] in ".,:":  # of the sentence
                end -= 1
            # in prose and in Python `a=b` is also of addresses and of calls
            asked = pattern is _OPTION or sure or found["asked"]
            if asked and _fits(found, text[start:end], sure=sure):
                yield start, end
    yield from _headers(text)


def is_command(text: str) -> bool:
    """Return whether a line is a command: after ``!``, ``%sx``, ``%system`` or ``%run``."""
    return _COMMAND.match(text) is not None


def _fits(found: re.Match[str], value: str, *, sure: bool, given: bool = False) -> bool:
    """Return whether a value is more than what stands for one, or leads to one. What a variable is given may be short."""
    begins = found.start("bare") if found["bare"] is not None else found.start("quoted")
    if is_placeholder(value) or _PUT_IN.search(value) or _DRESS.search(found.string, found.start(), begins):
        return False
    if FOLDER.fullmatch(value) or _LEADS_TO.fullmatch(value):
        return False
    if found["password"] is None:
        return _is_key(value) or (given and _is_word_with_digit(value))
    if sure:
        return len(value) >= 6 and (not value.isdigit() or len(found["password"]) > 4)
    return len(value) >= 8 and is_password(value)


def _is_key(value: str) -> bool:
    """Return whether a value is drawn at random, and no name with a number."""
    if len(value) < 8 or IDENTIFIER.fullmatch(value):
        return False
    mixed = any(one.isdigit() for one in value) and any(one.isalpha() for one in value)
    return is_password(value) or (len(value) >= 16 and mixed and changes(value) >= 0.3)


def _is_word_with_digit(value: str) -> bool:
    """Return whether a value is of six letters and digits or more, of both."""
    return len(value) >= 6 and value.isalnum() and not value.isalpha() and not value.isdigit()


def _headers(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_BEARER, _HEADER):
        for found in pattern.finditer(text):
            value = found["bare"]
            login = pattern is _BEARER and found["scheme"].lower() == "basic"
            put_in = is_placeholder(value) or _PUT_IN.search(value)
            if _is_login(value) if login else not put_in and _is_key(value):
                yield found.span("bare")


def _is_login(value: str) -> bool:
    """Return whether a value is a name and a password in base64."""
    try:
        name, colon, word = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return bool(name and colon) and not is_placeholder(word)
