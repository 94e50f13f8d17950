"""Passwords: the ways in which one is written beside a word or a command that detect-secrets does not know."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditkit.scanning.notebooks.programs import programs_in
from auditkit.scanning.notebooks.quiet import IDENTIFIER, changes, is_of_another, is_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["LOOSE", "is_number_of", "is_password", "loose_in", "passwords_in", "spelt_out", "typed_in"]

LOOSE = re.compile(
    r"(?:pass(?:word|wd|phrase)|pwd|secret|api[-_]?key|auth[-_]?token|access[-_]?token|kennwort|passwort|mot[-_]?de[-_]?passe|wachtwoord)"
    r"\w{0,20}[`*\"']{0,2}(?:\s{0,2}[=:]\s{0,2}|\s+(?:is|ist|est)\s+)[`*]{0,2}([A-Za-z0-9!#$%&*+./:?@^_~=-]{8,64})(?![(\[A-Za-z0-9])",
    re.IGNORECASE,
)
"""A word for a secret, and a value without quotes."""

_QUOTED = re.compile(
    r"(?:kennwort|passwort|mot[-_]?de[-_]?passe|wachtwoord|(?<![A-Za-z])(?<!first_)(?<!second_)(?<!one_)(?<!two_)(?<!low_)(?<!high_)(?<!band_)(?<!forward_)(?<!backward_)"
    r"pass(?![A-Za-z]|_(?:through|by|over|mode|rate|criteri)))\w{0,20}[\"'\]]{0,2}\s{0,3}[=:]\s{0,3}([\"'])([^\"'\s]{6,200})\1",
    re.IGNORECASE,
)
_NAMED = r"(?<![A-Za-z0-9_])(?!(?:n|num|no|nr|min|max|len|count|total)_?(?:pass|pwd))\w{0,20}(?:password|passwort|kennwort|passwd|passcode|pwd)"
_NUMBER = re.compile(rf"{_NAMED}[\"'\]]{{0,2}}\s{{0,3}}[=:]\s{{0,3}}(\d{{6,20}})(?![\w.])", re.IGNORECASE)
_NUMBER_KEY = re.compile(_NAMED, re.IGNORECASE)
_BARE = re.compile(r"(?<![A-Za-z])pass\s?=\s?([^\s\"'`,;(){}\[\]]{6,64})(?![(\[])", re.IGNORECASE)
_TOKEN = re.compile(
    r"(?<!\w)(?!(?:pad|eos|bos|unk|sep|mask|cls|stop|start|end|trigger|special)_?token)\w{0,40}token[\"'\]]{0,2}\s{0,3}[=:]\s{0,3}([\"'])([A-Za-z0-9_.~+/=-]{12,200})\1",
    re.IGNORECASE,
)
_LOGIN = re.compile(
    r"(?:log_?in|sign_?in|authenticate|basic_?auth|auth\s{0,2}=\s{0,2})\(\s{0,3}[\"'][^\"'\n]{1,64}[\"']\s{0,3},\s{0,3}([\"'])([^\"'\s]{6,64})\1",
    re.IGNORECASE,
)
_OWNERS = r"(?:user|db|database|sql|mysql|pg|postgres|redis|mongo|ldap|smtp|imap|mail|email|ftp|ssh|proxy|admin|root|login|auth|account|service|svc|api|app|server|host|my)"
_SHORT = re.compile(rf"(?:\w{{0,40}}[_.-])?{_OWNERS}[_.-]?pass", re.IGNORECASE)
_SHORT_QUOTED = re.compile(
    rf"(?<!\w)(?:\w{{0,20}}_)?(?:pw|{_OWNERS}pass)\d{{0,2}}[\"'\]]{{0,2}}\s{{0,3}}[=:]\s{{0,3}}([\"'])([^\"'\s]{{6,64}})\1",
    re.IGNORECASE,
)
_PAIR = re.compile(
    r"(?<![\w.,(=-])(?:password|passwd|pwd)=([^\s;\"',()\[\]{}&$%<>]{4,64})(?=[\s;\"']|$)", re.IGNORECASE
)
_OTHER_PAIR = re.compile(
    r"(?<![\w.-])(?:host|hostaddr|server|user|uid|username|dbname|database|port)=[^\s;,()]{1,80}(?:[\s;\"']|$)",
    re.IGNORECASE,
)
_NETRC = re.compile(
    r"(?<![\w.-])(?:machine\s+\S{1,100}|default)\s+login\s+\S{1,100}(?:\s+account\s+\S{1,100})?\s+password\s+([^\s\"']{4,100})"
)
_LIST = re.compile(
    r"(?:password|passwd|pwd|secret|api[-_]?key|access[-_]?key)s[\"'\]]{0,2}\s{0,3}[=:]\s{0,3}[\[({]([^\])}\n]{8,2000})",
    re.IGNORECASE,
)
_MEMBER = re.compile(r"([\"'])([^\"'\s]{6,200})\1")
_IN_LIBRARY = re.compile(
    r"(?:password|passwd|passphrase|pwd|secret|api[-_]?key|token)[\"']?\s?[=:]\s?([\"'])([A-Za-z0-9!#$%&*+./:?@^_~=-]{8,64})\1",
    re.IGNORECASE,
)


def is_password(value: str) -> bool:
    """Return whether a value without quotes is more than a name, a number or a version.

    Examples
    --------
    >>> is_password("tr0ub4dor&3"), is_password("2024-01-31"), is_password("bert-base-uncased")
    (True, False, False)
    """
    kinds = {"a" if one.isalpha() else "0" if one.isdigit() else "-" for one in value}
    return (
        {"a", "0"} <= kinds
        and changes(value) >= 0.2
        and not re.fullmatch(r"[\d.:T-]+Z?|v?\d+(?:\.\w+)+|\w+/[\w./]+", value)
    )


def spelt_out(name: str) -> str:
    """Return the name of a key or a column with "password" for "pass", where it is of somebody or something that logs in.

    Examples
    --------
    >>> spelt_out("smtp_pass"), spelt_out("first_pass"), spelt_out("pass")
    ('smtp_password', 'first_pass', 'pass')
    """
    return f"{name}word" if _SHORT.fullmatch(name) else name


def is_number_of(key: str, digits: str) -> bool:
    """Return whether a number of six digits or more stands under a key that ends in a word for a password.

    Examples
    --------
    >>> is_number_of("db_password", "48213377"), is_number_of("password_length", "48213377"), is_number_of("n_password", "48213377")
    (True, False, False)
    """
    return 6 <= len(digits) <= 20 and digits.isdigit() and _NUMBER_KEY.fullmatch(key) is not None


def passwords_in(text: str, *, library: bool = False) -> Iterator[tuple[int, int]]:
    """Yield start and end of the passwords in a line: in calls that log in, in commands, as numbers, beside words of other languages.

    In a library only what is more than a name is told.
    """
    if library:
        for found in _IN_LIBRARY.finditer(text):
            if is_password(found[2]) and not is_placeholder(found[2]):
                yield found.span(2)
        return
    low = text.lower()  # patterns that begin with any name are asked where their word stands
    short = ((_SHORT_QUOTED, 2),) if "pw" in low or "pass" in low else ()
    for pattern, group in ((_QUOTED, 2), *short, (_LOGIN, 2), (_BARE, 1)):
        for found in pattern.finditer(text):
            value = found[group]
            named = not is_password(value)
            if pattern is _SHORT_QUOTED and re.search(r"[_./-]", value):
                named = named or IDENTIFIER.fullmatch(value) is not None
            if not (named or is_placeholder(value) or is_of_another(value, text[: found.start(group)])):
                yield found.span(group)
    yield from programs_in(text)
    yield from _paired(text)
    for found in _TOKEN.finditer(text) if "token" in low else ():
        drawn = re.search(r"[A-Za-z0-9]{12}", found[2]) and changes(found[2]) >= 0.3
        if drawn and is_password(found[2]) and not IDENTIFIER.fullmatch(found[2]):
            yield found.span(2)
    for found in _NUMBER.finditer(text):
        yield found.span(1)
    yield from _logged_in(text)
    yield from _listed(text)


def _logged_in(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of passwords in lines of a .netrc: ``machine HOST login NAME password ...``."""
    for found in _NETRC.finditer(text):
        word = found[1].isalpha() and "." not in found[0]  # a sentence may read so, too
        if not (word or is_placeholder(found[1])):
            yield found.span(1)


def _listed(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of the members of a list that is called after secrets: ``passwords = ["...", "..."]``."""
    for found in _LIST.finditer(text):
        for member in _MEMBER.finditer(text, *found.span(1)):
            value = member[2]
            name = IDENTIFIER.fullmatch(value) is not None and re.search(r"[_./-]", value)
            if is_password(value) and not (name or is_placeholder(value)):
                yield member.span(2)


def _paired(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of passwords among pairs of a connection string: ``host=db user=me password=...``."""
    for found in _PAIR.finditer(text):
        before, after = (
            text[max(found.start() - 100, 0) : found.start()],
            text[found.end() : found.end() + 100],
        )
        if before.rstrip().endswith((",", "(")) or is_placeholder(found[1]):
            continue
        telling = len(found[1]) >= 6 or any(one.isdigit() for one in found[1])
        if telling and (_OTHER_PAIR.search(before) or _OTHER_PAIR.search(after)):
            yield found.span(1)


def typed_in(model: str, label: str, value: str, mark: str) -> bool:
    """Return whether a text that was typed into a field is a secret: any that was typed into a field for passwords, else one whose label asks for it.

    Examples
    --------
    >>> typed_in("TextModel", "API key", "tR9x-Qm47", "-"), typed_in("TextModel", "Token", "the", "-"), typed_in("PasswordModel", "", "secret", "-")
    (True, False, True)
    """
    if not value.strip() or value == mark:
        return False
    if model == "PasswordModel":
        return True
    asks = re.search(
        r"pass(?:word|wd|phrase|code)|passwort|kennwort|secret|token|api[-_ ]?key|\bkey\b",
        label,
        re.IGNORECASE,
    )
    return asks is not None and is_password(value) and not is_placeholder(value)


def loose_in(source: str, strings: Sequence[tuple[int, int, str]]) -> Iterator[tuple[int, int]]:
    """Yield start and end of values without quotes inside the strings and comments of code: ``"host=db password=..."``."""
    for start, end, _ in strings:
        for found in LOOSE.finditer(source, start, end):
            told = is_password(found[1]) and not is_placeholder(found[1]) and found.start() > start
            if told and not is_of_another(found[1], source[start : found.start(1)][-120:]):
                yield found.span(1)
