"""Quiet: what looks like a secret and is none: digests, identifiers, data in base64, words that stand for a secret."""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise

__all__ = [
    "FOLDER",
    "IDENTIFIER",
    "MANY",
    "SECRET_WORD",
    "changes",
    "is_digest",
    "is_hex_digest",
    "is_of_another",
    "is_placeholder",
    "is_random_base64",
    "is_random_hex",
]

SECRET_WORD = re.compile(
    r"api[-_ ]?key|auth[-_]?(?:key|token)|service[-_]?key|account[-_]?key|access[-_]?key|priv(?:ate)?[-_]?key|client[-_]?key|db[-_]?key|database[-_]?key|"
    r"pass(?:word|wd|phrase)|pwd|db[-_]?pass|secret|token|credential|contrase[nñ]a|passwort|kennwort|mot[-_ ]?de[-_ ]?passe|wachtwoord",
    re.IGNORECASE,
)
"""Words of names that hold secrets."""

_DIGEST_WORD = re.compile(
    r"commit|sha-?\d|sha\b|md5|digest|hash|checksum|etag|revision|\brev\b|integrity|uuid|\b\w*_?ids?\b|version|signature|fingerprint|"
    r"bdata|model_id|parent|tree|blob|image|\bpng\b|\bsvg\b|object|run\b|trace|resolved",
    re.IGNORECASE,
)
_DIGEST_SIZES = {32, 40, 56, 64, 96, 128}
MANY = 3
"""Other strings of a length from which they are data."""

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_PREFIXED = re.compile(r"sha\d+[-:_]|md5[-:_]|data[-:/]", re.IGNORECASE)
_STANDS_FOR = re.compile(
    r"[x*.\-_#•?\s\ufffc]+|<.*>|\{.*\}|\$.*|%\(?.*|\[.*\]|.*\.\.\.|…|(?:your|my|the|an?|some|insert|enter|put|replace|paste)[-_ ].*|"
    r"change[-_ ]?(?:me|it|this).*|.*(?:example|dummy|placeholder|redacted|hidden|masked|removed|fake).*|"
    r"arn:[\w-]{1,20}:.*|none|null|true|false|undefined|empty|password\d?|passwd|pass|pwd|secret|token|key|api[-_ ]?key|user(?:name)?|tests?|testing|str(?:ing)?|"
    r"text|value|optional|required|int|bool|env|default|unknown|admin",
    re.IGNORECASE | re.DOTALL,
)
_SHORTEST, _LONGEST = 20, 128  # letters of a random string that may be a secret; what is longer is data


def is_placeholder(value: str) -> bool:
    """Return whether a value only says that a secret belongs there, or names one: "your-key", "<token>", "db_password".

    Examples
    --------
    >>> is_placeholder("changeme"), is_placeholder("<your token>"), is_placeholder("api_key_name"), is_placeholder("tr0ub4dor&3")
    (True, True, True, False)
    """
    bare = value.strip()
    if len(bare) < 4 or not any(one.isalnum() for one in bare) or _STANDS_FOR.fullmatch(bare):
        return True
    # a name: letters and underscores, with the word for a secret in it
    return bool(re.fullmatch(r"[A-Za-z_.\- ]+", bare) and SECRET_WORD.search(bare))


_NAMED_OTHER = re.compile(
    r"(?:[_.-]|(?<=[a-z]))(?:algo(?:rithm)?|backend|class|col(?:umn)?s?|encoding|env|envvar|error|feature|field|file(?:name)?|format|func(?:tion)?|hash(?:er|ing)?|header|hint|"
    r"id|kind|label|length|loss|manager|message|method|metric|mode|model|module|name|param(?:eter)?|path|pattern|placeholder|policy|prefix|prompt|provider|regex|scheme|service|"
    r"source|store|strategy|suffix|table|tag|title|type|url|uri|validator|var(?:iable)?|version)s?$",
    re.IGNORECASE,
)
_PART = r"(?:(?:[A-Z]?[a-z]{2,}+|[A-Z]{2,}+)++\d{0,3}[a-z]{0,3}|[A-Za-z]?\d{0,3})"
IDENTIFIER = re.compile(rf"(?!.*\d\D+\d){_PART}(?:[_.:/ -]{_PART})*")  # words, and one number at most
FOLDER = re.compile(r"(?:~|\.{1,2}|[A-Za-z]:)?[/\\](?:[\w .@+~-]*[/\\])*[\w .@+~-]*")
_PWD = re.compile(r"(?:old)?pwd|(?:[a-z0-9]+_)?(?:cwd|pwd)|pwd_(?:dir|path)", re.IGNORECASE)
_GIVEN_TO = re.compile(r"([\w.-]{1,80})[\"'`\]]{0,3}\s{0,8}(?:[:=!]{1,3}|=>|\()?\s{0,8}@?[\"'`]{0,3}$")


def is_of_another(value: str, before: str) -> bool:
    """Return whether a value that stands beside a word for a secret is none by what it is given to: the name of a column, a class, a folder.

    Parameters
    ----------
    value : str
        The value.
    before : str
        The text of the line before it, or the name that it is given to.

    Examples
    --------
    >>> is_of_another("customer_id", 'secret_key_column = "'), is_of_another("/home/me", "pwd="), is_of_another("/home/me", "password=")
    (True, True, False)
    >>> is_of_another("argon2id", "password_hasher"), is_of_another("tR9x-Qm47zLp", "password_hasher")
    (True, False)
    """
    given = _GIVEN_TO.search(before[-120:])
    if given is None:
        return False
    if _PWD.fullmatch(given[1]) and FOLDER.fullmatch(value):
        return True
    return bool(_NAMED_OTHER.search(given[1]) and IDENTIFIER.fullmatch(value))


def entropy(text: str) -> float:
    """Return the Shannon entropy of the letters of a text, in bits a letter.

    Examples
    --------
    >>> entropy("aabb"), entropy("abcd")
    (1.0, 2.0)
    """
    shares = (count / len(text) for count in Counter(text).values())
    return -sum(one * math.log2(one) for one in shares)


def changes(text: str) -> float:
    """Return how often neighbours are of another class (lower case, upper case, digit, other), as a share: words seldom, random letters often.

    Examples
    --------
    >>> changes("HistGradientBoosting") < 0.3 < changes("a7Qx0Zb2")
    True
    """
    classes = [
        "a" if one.islower() else "A" if one.isupper() else "0" if one.isdigit() else "-" for one in text
    ]
    return sum(a != b for a, b in pairwise(classes)) / max(len(text) - 1, 1)


def is_digest(value: str, before: str) -> bool:
    """Return whether a value reads as a digest or an identifier: by its form, or by the last words before it.

    Examples
    --------
    >>> is_digest("d41d8cd98f00b204e9800998ecf8427e", "'md5': ")
    True
    """
    if _UUID.search(value) or _PREFIXED.match(value):
        return True
    near = before[-48:]
    return bool(_DIGEST_WORD.search(near)) and not SECRET_WORD.search(near)


def is_hex_digest(value: str) -> bool:
    """Return whether a value has the letters and the length of a digest."""
    return len(value) in _DIGEST_SIZES and re.fullmatch(r"[0-9a-f]+|[0-9A-F]+", value) is not None


def is_random_hex(value: str, before: str, *, alike: int) -> bool:
    """Return whether hexadecimal digits may be a secret.

    Parameters
    ----------
    value : str
        The digits.
    before : str
        The text of the line before them, and the key they stand under.
    alike : int
        How many other strings of the same length there are in the same part: a column of digests is data.
    """
    if not _SHORTEST <= len(value) <= _LONGEST or value.isdigit() or is_digest(value, before):
        return False
    if len(set(value)) < 8:
        return False
    return bool(SECRET_WORD.search(before[-48:])) or alike < MANY or len(value) not in _DIGEST_SIZES


def is_random_base64(value: str, before: str, *, alike: int) -> bool:
    """Return whether a string of base64 letters may be a secret; `before` and `alike` as of `is_random_hex`."""
    if not _SHORTEST <= len(value) <= _LONGEST or is_digest(value, before):
        return False
    if not any(one.isdigit() for one in value) or not any(one.isalpha() for one in value):
        return False
    if changes(value) < 0.25 or value.count("/") > len(value) / 8 + 2:
        return False
    return bool(SECRET_WORD.search(before[-48:])) or alike < MANY
