"""Programs: passwords that known programs are given by short options, in a command or in a list of its words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditkit.scanning.notebooks.quiet import is_of_another, is_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["programs_in"]

_MORE = r"[^\n|;]{0,200}?"  # other options
_USER = r"(?<![\w-])(?:-[A-Za-z]{0,8}u\s{0,2}|--user[= ])[\"']?[\w.@-]{1,64}:"
_SURE = re.compile(
    rf"\b(?:(?:curl|wget)\s{_MORE}{_USER}"
    rf"|(?:mysql|mariadb)(?:dump|admin)?\s(?:{_MORE}\s)??-p"
    rf"|(?:sshpass\s{{1,2}}-p|redis-cli\s{_MORE}-a|(?:docker|podman|helm)\s{_MORE}login\s{_MORE}-p)\s{{0,2}})"
    r"[\"']?([^\s\"'|;<>]{4,64})"
)
_ASKED = re.compile(
    rf"\b(?:mongo(?:sh|dump|restore|export|import)?\s(?:{_MORE}\s)??-p\s{{1,2}}|az\s{_MORE}login\s(?:{_MORE}\s)??-p\s{{1,2}}"
    rf"|(?:smb|rpc)client\s(?:{_MORE}\s)??(?:-U\s{{0,2}}|--user[= ])[\"']?[\w.@\\/-]{{1,64}}%|(?:un)?zip\s(?:{_MORE}\s)??-P\s{{0,2}})"
    r"(?!-)[\"']?([^\s\"'|;<>]{4,64})"
)
_WORDS = re.compile(
    r"[\"'](?:(?:curl|wget)[\"'][^\n\]]{0,200}?[\"'](?:-[A-Za-z]{0,8}u|--user)[\"']\s{0,2},\s{0,2}[\"'][\w.@-]{1,64}:"
    r"|(?:mysql|mariadb)(?:dump|admin)?[\"'][^\n\]]{0,200}?[\"']-p"
    r"|(?:mongo(?:sh|dump|restore|export|import)?|az|sshpass)[\"'][^\n\]]{0,200}?[\"']-p[\"']\s{0,2},\s{0,2}[\"']"
    r"|(?:smb|rpc)client[\"'][^\n\]]{0,200}?[\"']-U[\"']\s{0,2},\s{0,2}[\"'][\w.@\\/-]{1,64}%"
    r"|(?:un)?zip[\"'][^\n\]]{0,200}?[\"']-P[\"']\s{0,2},\s{0,2}[\"'])"
    r"([^\s\"']{4,64})[\"']"
)


def programs_in(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of the passwords in a line that programs are given.

    Examples
    --------
    >>> line = "!curl -su admin:tr0ub4dor https://host"
    >>> [line[start:end] for start, end in programs_in(line)]
    ['tr0ub4dor']
    >>> list(programs_in("With mongo, -p asks for the password."))
    []
    """
    if "-" not in text:
        return
    command = text.lstrip()[:1] in ("!", "%")
    for pattern in (_SURE, _ASKED, _WORDS):
        for found in pattern.finditer(text):
            value = found[1]
            word = pattern is _ASKED and value.isalpha() and not command  # of a sentence
            if not (word or is_placeholder(value) or is_of_another(value, text[: found.start(1)])):
                yield found.span(1)
