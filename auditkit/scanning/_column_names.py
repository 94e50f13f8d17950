"""Column names: words that say a column holds what names, finds or describes a person. Words of seven languages."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

__all__ = [
    "demographic_column",
    "numbered_column",
    "personal_column",
    "place_column",
    "special_column",
    "words_of",
]

_LOOSE = re.compile(r"[a-z]+|[A-Z]+(?![a-z])|[A-Z][a-z]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OF_PEOPLE = _words(
    "applicant author borrower card cardholder child client contact customer donor employee family father first full given guest "
    "holder last maiden member middle mother owner passenger patient person player preferred spouse student sur user"
)
_OTHER_NAMES = _words(
    "app brand branch city class cluster col column company country data database dataset domain event feature field file flag "
    "function group host job key label layer metric model module option package parameter plan process product project region "
    "school script server service set sheet species state station store table tag task team variable"
)
_NAMES = _words(
    "apellido apellidos achternaam cognome cognom firstname forename fullname imie lastname nachname nazwisko nombre nom prenom "
    "sobrenome surname username voornaam vorname "
    "ansprechpartner ansprechpartnerin anwendername benutzername familienname geburtsname nutzername rufname zuname"
)
_WORDS: dict[str, frozenset[str]] = {
    "email": _words("email emails mail courriel correo emailadresse mailadresse"),
    "phone": _words(
        "phone phones telephone tel mobile cellphone fax telefon telefono telefoon handy msisdn whatsapp "
        "telefonnummer rufnummer handynummer mobilnummer"
    ),
    "address": _words(
        "address addresses street streetname adresse anschrift strasse indirizzo direccion adres straat rue calle wohnadresse"
    ),
    "postcode": _words("postcode postalcode zip zipcode plz cap postleitzahl"),
    "birth date": _words(
        "dob birthdate birthday dateofbirth geburtsdatum geburtstag gebdatum geb geboortedatum naissance nacimiento nascita"
    ),
    "national number": _words(
        "ssn nino nhs nhsnumber dni nie nif nir cpf pesel bsn aadhaar sin tfn personnummer codicefiscale passport reisepass "
        "passeport pasaporte passaporto paspoort steuerid steuernummer steuernr steueridentifikationsnummer passnummer ausweisnummer "
        "personalausweis sozialversicherungsnummer svnr"
    ),
    "licence": _words(
        "driverslicense driverlicense fuhrerschein fuehrerschein licenseplate numberplate kennzeichen kfz "
        "kfzkennzeichen autokennzeichen nummernschild"
    ),
    "bank account": _words("iban bban bic kontonummer rekeningnummer"),
    "payment card": _words("creditcard cardnumber pan cvv cvc ccnumber"),
    "network address": _words("ip ipaddress ipv4 ipv6 mac macaddress imei imsi"),
    "place": _words(
        "latitude longitude lat lon lng gps geolocation latitud longitud breitengrad langengrad laengengrad koordinate koordinaten coordinate "
        "coordinates coord coords easting northing rechtswert hochwert"
    ),
}
_PAIRS: dict[str, tuple[tuple[str, str], ...]] = {
    "birth date": (("birth", "date"), ("date", "birth"), ("born", "on"), ("birth", "day")),
    "postcode": (("zip", "code"), ("postal", "code"), ("post", "code")),
    "national number": (
        ("social", "security"), ("national", "id"), ("national", "insurance"), ("tax", "id"), ("codice", "fiscale"),
        ("identity", "card"), ("identity", "number"), ("medical", "record"),
    ),
    "licence": (("drivers", "license"), ("driver", "license"), ("driving", "licence"), ("license", "plate"), ("number", "plate")),
    "bank account": (("account", "number"), ("account", "no"), ("bank", "account"), ("routing", "number"), ("sort", "code")),
    "payment card": (("card", "number"), ("credit", "card", ), ("debit", "card")),
    "network address": (("ip", "address"), ("mac", "address"), ("device", "id")),
}  # fmt: skip
_NOT_A_PLACE = _words("ip mac web url memory bus email")
_COUNTS = _words(
    "amount balance count days flag fraction has hours is limit max mean min n num opt rate ratio std total type"
)
_PERSON_ID = _words(
    "account applicant borrower citizen client customer employee member passenger patient person student subject user "
    "kunde kunden patienten mitarbeiter mitglied mitglieds nutzer benutzer klient cliente paciente paziente empleado usuario utente klant"
)
_NUMBER = _words("id no number nr code key uid nummer numero codigo codice kennung")
_COMPOUND = re.compile(
    r"(?:kunden?|patienten?|mitarbeiter|mitglieds?|personal|personen|versicherten|versicherungs|matrikel|nutzer|benutzer|klienten|klant|"
    r"schuler|schueler|studenten|teilnehmer|probanden|bewerber|mieter|krankenkassen?|krankenversicherungs|krankenversicherten)"
    r"(?:nummer|nr|id|kennung|schlussel|schluessel)"
)
_PAPERS = {
    "national number": re.compile(
        r"(?:(?:personal)?ausweis|(?:reise)?pass|rentenversicherungs?|sozialversicherungs?|steueridentifikations?|steuer)(?:nummer|nr|id)"
    ),
    "licence": re.compile(r"(?:fuhrerschein|fuehrerschein)(?:nummer|nr)"),
}
_OF_ROWS = _NUMBER | _words("ids uuid guid ref reference identifier schlussel schluessel mrn matrikel")
_DEMOGRAPHIC = _words(
    "age sex gender nationality country city town region occupation profession job education marital yob birthyear "
    "alter geschlecht nationalitat nationalitaet staatsangehorigkeit staatsangehoerigkeit ort wohnort stadt gemeinde bundesland landkreis beruf "
    "bildung familienstand geburtsjahr geburtsort sexe ville commune metier edad sexo ciudad municipio profesion sesso citta comune professione "
    "employer arbeitgeber employeur empleador werkgever leeftijd geslacht stad woonplaats beroep idade cidade profissao wiek plec miasto zawod"
)
_PLACES = _words(
    "location place site residence address standort ort wohnort adresse anschrift geo position lieu ubicacion luogo plaats"
)
_SPECIAL: dict[str, frozenset[str]] = {
    "ethnic origin": _words("race racial ethnicity ethnic rasse ethnie raza"),
    "religion or belief": _words("religion religious faith belief creed konfession"),
    "political opinion": _words("political politics party voted vote ideology"),
    "trade union": _words("union gewerkschaft syndicat sindicato"),
    "health": _words(
        "health disease diagnosis diagnoses disability medication hiv icd icd9 icd10 symptom pregnancy pregnant krankheit "
        "krankheiten erkrankung diagnose diagnosen disabled disabilities behinderung behinderungen schwerbehinderung"
    ),
    "sexual life": _words("orientation sexuality transgender"),
    "genetic or biometric": _words("genome genotype dna biometric fingerprint iris_scan retina"),
    "criminal record": _words(
        "conviction convictions arrest arrests felony priors recidivism offence offense criminal vorstrafe vorstrafen vorbestraft"
    ),
}


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a column's name, in small letters and without accents.

    Examples
    --------
    >>> words_of("dateOfBirth"), words_of("Prénom"), words_of("IPAddress_v4")
    (('date', 'of', 'birth'), ('prenom',), ('ip', 'address', 'v'))
    """
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
    bare = "".join(one for one in plain if not unicodedata.combining(one))
    return tuple(word.casefold() for word in _LOOSE.findall(bare))


def personal_column(name: str) -> str | None:
    """Return what a column of this name would say of a person; None where the name gives no sign.

    A name is a hint only: a column may hold something else, and one with a name that says nothing may hold people.

    Parameters
    ----------
    name : str
        The column's name, in any of the usual spellings: ``first_name``, ``firstName``, ``FIRST NAME``.

    Returns
    -------
    str or None
        ``"name"``, ``"email"``, ``"phone"``, ``"address"``, ``"postcode"``, ``"birth date"``, ``"national number"``, ``"licence"``,
        ``"bank account"``, ``"payment card"``, ``"network address"``, ``"place"`` or ``"number of a person"``.

    Examples
    --------
    >>> personal_column("customer_email"), personal_column("dateOfBirth"), personal_column("Geburtsdatum")
    ('email', 'birth date', 'birth date')
    >>> personal_column("file_name"), personal_column("capital_gain"), personal_column("has_phone")
    (None, None, None)
    """
    words = words_of(name)
    if not words or _COUNTS & set(words):
        return None
    if named := _name(words):
        return named
    without = tuple(word for word in words if word not in {"of", "the", "s", "my"})
    for kind, pairs in _PAIRS.items():
        if any(pair in pairwise(without) for pair in pairs):
            return kind
    together = "".join(words)
    for kind, known in _WORDS.items():
        if together in known or (known & set(words) and not (kind in _BESIDE and _NOT_A_PLACE & set(words))):
            return kind
    compounds = (together, *words)
    for kind, form in _PAPERS.items():
        if any(map(form.fullmatch, compounds)):
            return kind
    of_a_person = bool(_NUMBER & set(words) and _PERSON_ID & set(words)) or "mrn" in words
    return "number of a person" if of_a_person or any(map(_COMPOUND.fullmatch, compounds)) else None


_BESIDE = frozenset({"address"})


def special_column(name: str) -> str | None:
    """Return which special category a column of this name may be of; None where the name gives no sign.

    The categories are those of article 9 of the General Data Protection Regulation, and criminal records of its article 10.

    Examples
    --------
    >>> special_column("race"), special_column("prior_convictions"), special_column("income")
    ('ethnic origin', 'criminal record', None)
    """
    words = set(words_of(name))
    return next((kind for kind, known in _SPECIAL.items() if known & words), None)


def demographic_column(name: str) -> bool:
    """Return whether a column of this name says of a person what others may know, as age, sex, town and trade.

    Examples
    --------
    >>> demographic_column("marital_status"), demographic_column("Wohnort"), demographic_column("birth_year"), demographic_column("dose")
    (True, True, True, False)
    """
    words = words_of(name)
    return bool(_DEMOGRAPHIC & {*words, "".join(words)})


def place_column(name: str) -> bool:
    """Return whether a word of a column's name says a place, so that fractions that differ in it are where somebody was.

    Examples
    --------
    >>> place_column("location_x"), place_column("Standort"), place_column("dose")
    (True, True, False)
    """
    words = set(words_of(name))
    return bool(words & _PLACES) and not words & (_COUNTS | _NOT_A_PLACE)


def numbered_column(name: str) -> bool:
    """Return whether the name of a column calls its values numbers of something, not amounts: by a word for them, or by persons and nothing else.

    Examples
    --------
    >>> numbered_column("order_id"), numbered_column("Aktennummer"), numbered_column("customer"), numbered_column("score"), numbered_column("paid")
    (True, True, True, False, False)
    """
    words = set(words_of(name))
    alone = bool(words) and words <= _PERSON_ID
    return alone or bool(_OF_ROWS & words) or any(one.endswith(("nummer", "kennung")) for one in words)


def _name(words: tuple[str, ...]) -> str | None:
    if _NAMES & set(words) or "".join(words) in _NAMES:
        return "name"
    if not {"name", "names"} & set(words):
        return None
    others = set(words) - {"name", "names", "of", "the", "s"}
    return "name" if not others or (others & _OF_PEOPLE and not others & _OTHER_NAMES) else None
