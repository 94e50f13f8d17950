"""Found: secrets and personal data in notebooks, told by kind and place and never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditkit.check import check
from auditkit.checks.notebooks._places import LISTED, by_kind, counted, place_columns, placed
from auditkit.evidence import Evidence, Measurement
from auditkit.scanning.notebooks.personal import PERSONAL
from auditkit.targets.notebooks import Notebooks

if TYPE_CHECKING:
    from auditkit.scanning.notebooks.scan import Found

__all__ = ["notebook_personal_data", "notebook_secrets"]

_NOT_READ = "pictures and other binary outputs"


@check(
    code="AK701",
    title="Secrets in notebooks",
    question="Does a notebook hold a key, a token or a password, in its code or in anything it shows?",
    dimension="notebook",
    metrics=["secrets_found", "distinct_secrets"],
    about="notebooks",
)
def notebook_secrets(
    subject: Notebooks,
    *,
    rng: np.random.Generator,  # noqa: ARG001 - every check is called alike
) -> Evidence:
    """Look for secrets in source, outputs, metadata, attachments and raw cells. No secret is verified against its service, and none is shown."""
    found = [(file.name, one) for file, scan in subject.scans() for one in scan.secrets]
    numbers: dict[str, int] = {}
    for _, one in found:
        numbers.setdefault(one.digest, len(numbers) + 1)
    cells, pictures = _extent(subject)
    said = "" if not found else f", {counted(len(numbers), 'secret')} in all, in {_notebooks(found)}"
    table = placed(
        "Where secrets stand",
        {
            **place_columns((name, one.place) for name, one in found[:LISTED]),
            "kind": [one.kind for _, one in found[:LISTED]],
            "secret": [numbers[one.digest] for _, one in found[:LISTED]],
        },
        len(found),
        "Places of secrets. Equal numbers in the last column are equal secrets.",
    )
    return Evidence(
        "AK701",
        (
            Measurement("secrets_found", float(len(found)), cells),
            Measurement("distinct_secrets", float(len(numbers)), cells),
        ),
        {
            "places": table,
            "kinds": by_kind(
                "Kinds of secrets", (one.kind for _, one in found), {}, "Places by the kind of secret."
            ),
        },
        says=f"{counted(len(found), 'place')} with a secret{said}; {counted(cells, 'cell')} read.",
        does_not_say="That there is no other secret: only known forms, words beside a value, and random strings in quotes are told. Whether one still opens anything was not asked.",
        notes=_notes(pictures),
        rows={"used": cells, "of": cells, "how": "all cells, outputs and metadata"},
    )


@check(
    code="AK702",
    title="Personal data in notebooks",
    question="Does a notebook show addresses, numbers or names of people?",
    dimension="notebook",
    metrics=["personal_data_found"],
    about="notebooks",
)
def notebook_personal_data(
    subject: Notebooks,
    *,
    rng: np.random.Generator,  # noqa: ARG001 - every check is called alike
) -> Evidence:
    """Look for personal data by form and check digits, and by the names of columns that are shown."""
    found = [(file.name, one) for file, scan in subject.scans() for one in scan.personal]
    cells, pictures = _extent(subject)
    said = "" if not found else f", in {_notebooks(found)}"
    table = placed(
        "Where personal data stand",
        {
            **place_columns((name, one.place) for name, one in found[:LISTED]),
            "kind": [PERSONAL[one.kind] for _, one in found[:LISTED]],
            "values": [one.count for _, one in found[:LISTED]],
        },
        len(found),
        "Places of personal data; of a column of a shown table, its values.",
    )
    kinds = by_kind("Kinds of personal data", (one.kind for _, one in found), PERSONAL, "Places by kind.")
    return Evidence(
        "AK702",
        (Measurement("personal_data_found", float(len(found)), cells),),
        {"places": table, "kinds": kinds},
        says=f"{counted(len(found), 'place')} with personal data{said}; {counted(cells, 'cell')} read.",
        does_not_say="That nobody can be recognised: names in sentences, and what only several columns together tell, are not looked for.",
        notes=_notes(pictures),
        rows={"used": cells, "of": cells, "how": "all cells, outputs and metadata"},
    )


def _extent(subject: Notebooks) -> tuple[int, int]:
    scans = [scan for _, scan in subject.scans()]
    return sum(one.cells for one in scans), sum(one.pictures for one in scans)


def _notebooks(found: list[tuple[str, Found]]) -> str:
    return counted(len({name for name, _ in found}), "notebook")


def _notes(pictures: int) -> tuple[str, ...]:
    return (
        (f"{counted(pictures, 'output or attachment', 'outputs or attachments')} not read: {_NOT_READ}.",)
        if pictures
        else ()
    )
