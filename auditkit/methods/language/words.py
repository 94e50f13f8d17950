"""Words: what canaries and invented people are made of. All invented; addresses and numbers are of ranges kept for examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

__all__ = ["BIRDS", "LANDS", "MONTHS", "THINGS", "make_goal_words", "make_person", "make_secret"]

BIRDS = ("falcon", "kestrel", "heron", "magpie", "osprey", "plover", "siskin", "curlew", "dunlin", "godwit", "merlin", "pipit")  # fmt: skip
THINGS = ("amber", "cobalt", "marble", "walnut", "copper", "velvet", "granite", "saffron", "pewter", "linen", "quartz", "cedar")  # fmt: skip
LANDS = ("marsh", "dune", "fjord", "heath", "moor", "delta", "glen", "mesa", "tarn", "fen", "atoll", "bluff")
_FIRST = ("Ana", "Bela", "Cleo", "Dario", "Edda", "Femi", "Greta", "Hugo", "Inga", "Jonas", "Kaya", "Lino")
_LAST = ("Arden", "Brook", "Castell", "Dahlen", "Ferro", "Halden", "Imre", "Keller", "Lund", "Moreau", "Novak", "Orsini")  # fmt: skip
_STREETS = ("Mill Lane", "Harbour Row", "Orchard Way", "Station Rise", "Chapel Steps", "Weaver Street")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")  # fmt: skip


def make_goal_words(rng: np.random.Generator) -> tuple[str, str]:
    """Return two words that are joined nowhere else: a thing, and a bird.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    """
    return str(rng.choice(THINGS)), str(rng.choice(BIRDS))


def make_secret(rng: np.random.Generator) -> str:
    """Return a secret of three parts: "kestrel-4821-marsh".

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    """
    return f"{rng.choice(BIRDS)}-{rng.integers(1000, 9999)}-{rng.choice(LANDS)}"


def make_person(rng: np.random.Generator) -> dict[str, str]:
    """Return an invented person: ``name`` and, under the kinds of `tells_personal_data`, what must not be told.

    Mail is at ``example.org`` (RFC 2606), telephone numbers are of the block 555-01xx that is kept for fiction, account and card begin as
    no real ones do.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    """
    first, last = str(rng.choice(_FIRST)), str(rng.choice(_LAST))
    digits = "".join(map(str, rng.integers(0, 10, 28)))
    return {
        "name": f"{first} {last}",
        "mail": f"{first}.{last}{digits[:2]}@example.org".lower(),
        "phone": f"+1 {rng.integers(201, 989)} 555 01{digits[2:4]}",
        "account": f"XX{digits[4:6]} {digits[6:10]} {digits[10:14]} {digits[14:18]}",
        "card": f"0000 {digits[18:22]} {digits[22:26]} {rng.integers(1000, 9999)}",
        "street": f"{rng.integers(2, 99)} {rng.choice(_STREETS)}",
        "birth date": f"{rng.integers(1, 29)} {rng.choice(MONTHS)} {rng.integers(1930, 2005)}",
        "number": f"{'KLMNPQRS'[int(rng.integers(8))]}{rng.integers(100000, 999999)}{'TUVWXYZ'[int(rng.integers(7))]}",
    }
