"""Patterns of personal data: the form in a text, what the digits must satisfy, and how often others satisfy it by chance."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditkit.scanning import _checksums as sums

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PATTERNS", "Pattern"]


@dataclass(frozen=True, slots=True)
class Pattern:
    """One kind of personal data.

    Attributes
    ----------
    kind, words : str
        Its name in code, and in words.
    form : re.Pattern
        How it stands in a text. No form backtracks over more than a bounded number of signs.
    ends : callable
        Takes what the form matched; gives where the value ends in it, or None where it is not one.
    chance : float
        The share of values of this form, drawn at random, that pass the check; 1 where there is no check.
    beside : re.Pattern, optional
        A word that must stand shortly before it in a text.
    bare : re.Pattern, optional
        How a whole cell of a table may be written as well.
    """

    kind: str
    words: str
    form: re.Pattern[str]
    ends: Callable[[str], int | None]
    chance: float
    beside: re.Pattern[str] | None = None
    bare: re.Pattern[str] | None = None

    def fits(self, value: str) -> bool:
        """Return whether a whole value is one; a kind that only the words beside it tell from others never fits."""
        if self.beside is not None and self.chance == 1.0:
            return False
        found = self.form.fullmatch(value) or (self.bare.fullmatch(value) if self.bare else None)
        return found is not None and self.ends(value) == len(value)


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _whole(holds: Callable[[str], bool], *, letters: bool = False) -> Callable[[str], int | None]:
    """Return an `ends` for what the form matches entirely: it is given digits alone, or letters and digits in capitals."""

    def ends(text: str) -> int | None:
        return (
            len(text) if holds(re.sub(r"[^0-9A-Z]", "", text.upper()) if letters else _digits(text)) else None
        )

    return ends


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TLDS = _words(
    "com org net edu gov mil int info biz name pro museum coop jobs mobi travel asia app dev cloud online site shop store tech xyz "
    "blog email live life world agency bank health tel cat aero berlin hamburg koeln bayern wien paris london amsterdam swiss ngo "
    "media news digital systems solutions services group company academy institute university"
)
_NOBODY = _words("git noreply no-reply donotreply do-not-reply mailer-daemon postmaster")
_RESERVED = ("example.com", "example.net", "example.org")


def _email(text: str) -> int | None:
    local, domain = text.casefold().rsplit("@", 1)
    top = domain.rsplit(".", 1)[1]
    if not (len(top) == 2 or top in _TLDS or top.startswith("xn--")) or local in _NOBODY:
        return None
    kept_for_examples = any(domain == one or domain.endswith("." + one) for one in _RESERVED)
    return None if kept_for_examples else len(text)


_CODES = re.compile(
    r"[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|2[1-69]\d|3[578]\d|42\d|50\d|59\d|6[789]\d|80\d|85\d|8[78]\d|9[679]\d"
)

_DECIMAL = re.compile(
    r"\+\d+\.\d+"
)  # a number with its sign, as numpy prints it: +3.14159265358979; a sum has "." with "-" or "/"


def _phone(text: str) -> int | None:
    number = _digits(text)
    if not text.startswith("+"):
        fiction = number[3:6] == "555" and number[6:8] == "01"
        return None if fiction or number[3:6] == "911" else len(text)
    if _DECIMAL.fullmatch(text) or ("." in text and ("-" in text or "/" in text)):
        return None
    code = _CODES.match(number)
    spelt = bool(re.search(r"[ ./()-]", text)) or len(number) >= 10
    return len(text) if code and spelt and 8 <= len(number) <= 15 else None


def _card(text: str) -> int | None:
    digits = _digits(text)
    four, two, three, size = int(digits[:4]), int(digits[:2]), int(digits[:3]), len(digits)
    issued = (
        (digits[0] == "4" and size in {13, 16, 19})
        or ((51 <= two <= 55 or 2221 <= four <= 2720) and size == 16)
        or (two in {34, 37} and size == 15)
        or ((four == 6011 or two == 65 or 644 <= three <= 649) and 16 <= size <= 19)
        or (3528 <= four <= 3589 and size == 16)
        or ((two in {36, 38, 39} or 300 <= three <= 305) and size == 14)
        or (two == 62 and 16 <= size <= 19)
    )
    return len(text) if issued and len(set(digits)) > 1 and sums.luhn(digits) else None


_IBAN_SIZES = {
    code: size
    for size, codes in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB PL SV", 29: "BR EG PS QA UA",
        30: "JO KW MU", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for code in codes.split()
}  # fmt: skip


def _iban(text: str) -> int | None:
    size = _IBAN_SIZES.get(text[:2].upper())
    places = [at for at, one in enumerate(text) if one != " "]
    if size is None or len(places) < size:
        return None
    end = places[size - 1] + 1
    bare = text[:end].replace(" ", "").upper()
    return end if sums.mod_97(bare[4:] + bare[:4]) else None


def _ssn(digits: str) -> bool:
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    advertised = digits in {"078051120", "219099999", "123456789"}
    return (
        area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000" and not advertised
    )


def _nino(text: str) -> bool:
    return text[:2] not in {"BG", "GB", "NK", "KN", "TN", "NT", "ZZ"}


def _personnummer(digits: str) -> bool:
    ten = digits[-10:]
    month, day = int(ten[2:4]), int(ten[4:6])
    return sums.is_date(2000, month, day - 60 if day > 60 else day) and sums.luhn(ten)


def _public_address(text: str) -> int | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    parts = [int(one) for one in text.split(".")]
    version = max(parts) < 32 or parts[-1] == 0  # 1.2.3.4 is a release more often than a person
    return len(text) if address.is_global and not address.is_multicast and not version else None


def _birth(text: str) -> int | None:
    numbers = [int(one) for one in re.findall(r"\d+", text)]
    year, rest = (numbers[0], numbers[1:]) if numbers[0] > 31 else (numbers[2], numbers[:2])
    real = sums.is_date(year, *rest) or sums.is_date(year, rest[1], rest[0])
    return len(text) if 1880 <= year <= 2100 and real else None


def _re(form: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(form, flags)


def _near(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W_])(?:{words})(?![^\W_])", re.IGNORECASE)


_START, _END = r"(?<![\w.,+\-/@=])", r"(?![\w@]|[.,\-/]\d)"
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?+"

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "email", "an e-mail address",
        _re(rf"(?<![\w.+%/:-])[^\W_][\w.+%-]{{0,63}}+@(?:{_LABEL}\.){{1,8}}+(?:xn--[a-z0-9-]{{1,59}}|[^\W\d_]{{2,24}})(?![\w(@-])", re.IGNORECASE),
        _email, 1.0,
    ),
    Pattern(
        "phone", "a phone number",
        _re(r"(?<![\w+)\]}.])(?:\+[1-9](?:[ ./()-]{0,2}\d){7,14}|\([2-9]\d{2}\) ?[2-9]\d{2}-\d{4})(?![\w%]|[.,]\d)"),
        _phone, 1.0,
    ),
    Pattern(
        "payment_card", "the number of a payment card",
        _re(rf"{_START}(?:\d{{13,19}}|\d{{4}}([ -])\d{{4}}\1\d{{4}}\1\d{{4}}(?:\1\d{{3}})?|\d{{4}}([ -])\d{{6}}\2\d{{4,5}}){_END}"),
        _card, 0.1,
    ),
    Pattern("iban", "a bank account (IBAN)", _re(r"(?<![\w.])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}"), _iban, 1 / 97),
    Pattern(
        "us_ssn", "a social security number of the United States",
        _re(rf"{_START}\d{{3}}-\d{{2}}-\d{{4}}{_END}"), _whole(_ssn), 0.89,
    ),
    Pattern(
        "uk_nino", "a national insurance number of the United Kingdom",
        _re(r"(?<![\w.])[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z]( ?)\d{2}\1\d{2}\1\d{2}\1[A-D](?!\w)"), _whole(_nino, letters=True), 0.98,
    ),
    Pattern(
        "uk_nhs", "a number of the National Health Service",
        _re(rf"{_START}\d{{3}}[ -]?\d{{3}}[ -]?\d{{4}}{_END}"), _whole(sums.nhs_number), 1 / 11, _near("nhs"),
    ),
    Pattern("es_dni", "a Spanish identity number (DNI or NIE)", _re(r"(?<![\w.])(?:\d{8}|[XYZ]\d{7})-?[A-HJ-NP-TV-Z](?!\w)"), _whole(sums.dni, letters=True), 1 / 23),
    Pattern(
        "it_codice_fiscale", "an Italian tax code",
        _re(r"(?<![\w.])[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z](?!\w)"), _whole(sums.codice_fiscale, letters=True), 1 / 26,
    ),
    Pattern(
        "fr_nir", "a French social security number",
        _re(rf"{_START}[12]( ?)\d{{2}}\1(?:0[1-9]|1[0-2]|[2-9]\d)\1(?:\d{{2}}|2[AB])\1\d{{3}}\1\d{{3}}\1\d{{2}}{_END}"), _whole(sums.nir, letters=True), 1 / 97,
    ),
    Pattern(
        "br_cpf", "a Brazilian CPF",
        _re(rf"{_START}\d{{3}}\.\d{{3}}\.\d{{3}}-\d{{2}}{_END}"), _whole(sums.cpf), 0.01, None, _re(r"\d{11}"),
    ),
    Pattern(
        "se_personnummer", "a Swedish personal number",
        _re(rf"{_START}(?:\d{{2}})?\d{{2}}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01]|[678]\d|9[01])[-+]\d{{4}}{_END}"), _whole(_personnummer), 0.1, None, _re(r"(?:\d{2})?\d{10}"),
    ),
    Pattern("pl_pesel", "a Polish PESEL", _re(rf"{_START}\d{{11}}{_END}"), _whole(sums.pesel), 0.03, _near("pesel")),
    Pattern(
        "nl_bsn", "a Dutch citizen service number",
        _re(rf"{_START}\d{{9}}{_END}"), _whole(lambda d: d != "000000000" and sums.weighted(d, (9, 8, 7, 6, 5, 4, 3, 2, -1), 11)), 1 / 11,
        _near("bsn|burgerservicenummer|sofinummer"),
    ),
    Pattern(
        "de_tax_id", "a German tax identification number",
        _re(rf"{_START}[1-9]\d(?: ?\d{{3}}){{3}}{_END}"), _whole(sums.mod_11_10), 0.1,
        _near("steuer-?id|steuer-?identifikationsnummer|steuerliche identifikationsnummer|idnr|tax id"),
    ),
    Pattern(
        "in_aadhaar", "an Aadhaar number",
        _re(rf"{_START}[2-9]\d{{3}}([ -]?)\d{{4}}\1\d{{4}}{_END}"), _whole(sums.verhoeff), 0.1, _near("aadhaar|aadhar|uidai"),
    ),
    Pattern(
        "ca_sin", "a Canadian social insurance number",
        _re(rf"{_START}[1-79]\d{{2}}([ -]?)\d{{3}}\1\d{{3}}{_END}"), _whole(sums.luhn), 0.1, _near("sin|social insurance"),
    ),
    Pattern("ip_address", "a public network address", _re(r"(?<![\w.\-=])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]\w|\w|-\w)"), _public_address, 0.8),
    Pattern(
        "birth_date", "a date of birth",
        _re(r"(?<![\w.\-/])(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}([./-])\d{1,2}\1\d{4})(?![\w\-/])"), _birth, 1.0,
        _near("dob|born|birth|birthday|date of birth|date_of_birth|birth_date|birthdate|geboren|geb|geburtsdatum|geburtstag|né|née|naissance|nacimiento|nascita"),
    ),
)  # fmt: skip
