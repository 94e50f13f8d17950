"""Checksums: whether the digits of a number agree with its check digits. Each function names the rule it computes."""

from __future__ import annotations

from datetime import date

__all__ = [
    "codice_fiscale",
    "cpf",
    "dni",
    "is_date",
    "luhn",
    "mod_11_10",
    "mod_97",
    "nhs_number",
    "nir",
    "pesel",
    "verhoeff",
    "weighted",
]


def luhn(digits: str) -> bool:
    """Return whether digits satisfy the Luhn formula (ISO/IEC 7812-1, annex B).

    Examples
    --------
    >>> luhn("79927398713"), luhn("79927398710")
    (True, False)
    """
    doubled = (int(one) * (1 + place % 2) for place, one in enumerate(reversed(digits)))
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def mod_97(text: str) -> bool:
    """Return whether letters and digits leave 1 when divided by 97 (ISO/IEC 7064, MOD 97-10), letters as 10 to 35.

    Examples
    --------
    >>> mod_97("3214282912345698765432161182")
    True
    """
    return int("".join(str(int(one, 36)) for one in text)) % 97 == 1


def mod_11_10(digits: str) -> bool:
    """Return whether the last digit is the check of the others (ISO/IEC 7064, MOD 11,10).

    Examples
    --------
    >>> mod_11_10("07945"), mod_11_10("07946")  # the example of the standard: 0794 has the check 5
    (True, False)
    """
    held = 10
    for one in digits[:-1]:
        total = (held + int(one)) % 10 or 10
        held = 2 * total % 11
    return (held + int(digits[-1])) % 10 == 1


def weighted(digits: str, weights: tuple[int, ...], modulus: int) -> bool:
    """Return whether the weighted sum of the digits is a multiple of the modulus.

    Examples
    --------
    >>> weighted("111222333", (9, 8, 7, 6, 5, 4, 3, 2, -1), 11)  # the "eleven test" of Dutch citizen numbers
    True
    """
    return sum(int(one) * by for one, by in zip(digits, weights, strict=True)) % modulus == 0


def nhs_number(digits: str) -> bool:
    """Return whether ten digits are a number of the National Health Service: weights 10 to 2, modulus 11.

    Examples
    --------
    >>> nhs_number("9434765919"), nhs_number("9434765918")
    (True, False)
    """
    return weighted(digits, (10, 9, 8, 7, 6, 5, 4, 3, 2, 1), 11)


def dni(text: str) -> bool:
    """Return whether a Spanish DNI or NIE ends in the letter that its number asks for, modulus 23.

    Examples
    --------
    >>> dni("12345678Z"), dni("X1234567L"), dni("12345678A")
    (True, True, False)
    """
    number = str("XYZ".index(text[0])) + text[1:-1] if text[0] in "XYZ" else text[:-1]
    return text[-1] == "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23]


def cpf(digits: str) -> bool:
    """Return whether both check digits of a Brazilian CPF agree.

    Examples
    --------
    >>> cpf("52998224725"), cpf("11111111111")
    (True, False)
    """
    if len(set(digits)) == 1:
        return False
    for size in (9, 10):
        rest = sum(int(digits[at]) * (size + 1 - at) for at in range(size)) * 10 % 11 % 10
        if rest != int(digits[size]):
            return False
    return True


def nir(text: str) -> bool:
    """Return whether the key of a French social security number is 97 less the rest by 97; Corsica's 2A is 19, 2B is 18.

    Examples
    --------
    >>> nir("255081416802538"), nir("255081416802539")
    (True, False)
    """
    number = text[:13].replace("2A", "19").replace("2B", "18")
    return int(text[13:]) == 97 - int(number) % 97


def pesel(digits: str) -> bool:
    """Return whether a Polish PESEL has a true date and the check digit that its weights ask for.

    Examples
    --------
    >>> pesel("44051401359"), pesel("44053201359")
    (True, False)
    """
    month = int(digits[2:4])
    century = {0: 1900, 1: 2000, 2: 2100, 3: 2200, 4: 1800}[month // 20]
    when = is_date(century + int(digits[:2]), month % 20, int(digits[4:6]))
    return when and weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1), 10)


def codice_fiscale(text: str) -> bool:
    """Return whether the last letter of an Italian tax code is the one that the other fifteen signs ask for.

    Examples
    --------
    >>> codice_fiscale("RSSMRA85T10A562S"), codice_fiscale("RSSMRA85T10A562T")
    (True, False)
    """
    odd = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
    places = [int(one) if one.isdecimal() else ord(one) - ord("A") for one in text]
    total = sum(odd[value] if at % 2 == 0 else value for at, value in enumerate(places[:15]))
    return total % 26 == places[15]


def verhoeff(digits: str) -> bool:
    """Return whether digits satisfy Verhoeff's check (1969), which Aadhaar numbers carry.

    The sum is taken in the group of symmetries of the pentagon: 0 to 4 turn it, 5 to 9 turn it and flip it.

    Examples
    --------
    >>> verhoeff("2363"), verhoeff("2364")
    (True, False)
    """
    move = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
    total = 0
    for place, one in enumerate(reversed(digits)):
        value = int(one)
        for _ in range(place % 8):
            value = move[value]
        total = _pentagon(total, value)
    return total == 0


def _pentagon(first: int, second: int) -> int:
    """Return the product of two symmetries of the pentagon."""
    turn = first % 5 - second % 5 if first >= 5 else first % 5 + second % 5
    return turn % 5 + 5 * ((first >= 5) != (second >= 5))


def is_date(year: int, month: int, day: int) -> bool:
    """Return whether there is such a day.

    Examples
    --------
    >>> is_date(2000, 2, 29), is_date(1900, 2, 29)
    (True, False)
    """
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
