"""Sources: where each shipped table is from, what it may be used for, and what it cannot show."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from auditkit.errors import InputError, did_you_mean

__all__ = ["describe"]

_SOURCES: dict[str, dict[str, Any]] = {
    "adult": {
        "title": "Adult (Census Income)",
        "rows": 48_842,
        "source": "UCI Machine Learning Repository, data set 2; from the US Current Population Survey of 1994",
        "licence": "CC BY 4.0",
        "citation": "B. Becker and R. Kohavi. Adult. UCI Machine Learning Repository, 1996. doi:10.24432/C5XW20",
        "target": "income",
        "positive": ">50K",
        "sensitive_features": ["sex", "race", "age"],
        "left_out": {"fnlwgt": "a survey weight: how many people a record stands for, nothing of the person"},
        "limits": [
            "The survey is of 1994 and of the United States; rates found here say nothing of another time or place.",
            (
                "The cut at 50,000 dollars lies at the 76th percentile of all rows, at the 88th of Black and the 89th of female "
                "respondents; another cut gives other differences between groups (Ding, Hardt, Miller and Schmidt 2021, "
                "Retiring Adult, arXiv:2108.04884)."
            ),
            (
                "With the weight left out 2,586 of the 16,281 test rows are equal to a training row in every input and in the "
                "label: an attack cannot tell such a row from a member."
            ),
            "capital_gain is 99,999 for 244 rows and age is 90 for 55: these are ceilings, not measurements.",
            "workclass, occupation and native_country have missing values; they are kept as missing.",
            "education and education_num say the same twice; a model may split its reliance between them.",
            "sex and race hold what the survey asked in 1994: two and five answers.",
        ],
    },
    "german_credit": {
        "title": "Statlog (German Credit Data)",
        "rows": 1_000,
        "source": "UCI Machine Learning Repository, data set 144; credits of a bank in southern Germany, 1973 to 1975",
        "licence": "CC BY 4.0",
        "citation": "H. Hofmann. Statlog (German Credit Data). UCI Machine Learning Repository, 1994. doi:10.24432/C5NC77",
        "target": "outcome",
        "positive": "good",
        "sensitive_features": ["sex", "age", "foreign_worker"],
        "left_out": {},
        "limits": [
            (
                "The code table that came with the data is wrong in places: U. Groemping, South German Credit Data: Correcting "
                "a Widely Used Data Set, Report 4/2019, Beuth University of Applied Sciences Berlin. The names here follow the "
                "original table, so that figures can be compared with earlier work; the corrections are in the documentation."
            ),
            (
                "sex is read from personal_status_sex by the original table. By the corrected table A92 also holds single men "
                "and A94 is single women: sex cannot be recovered from these data, and a difference by sex found here is of the "
                "codes, not of women and men."
            ),
            "A91 to A95 mix marital status with sex, and A95 (female, single) has no cases.",
            (
                "foreign_worker is reversed in the original table: the 963 rows it calls 'yes' are the others, the 37 it calls "
                "'no' are the foreign workers. Both groups keep their rows; only the names change places."
            ),
            "credit_amount is a monotone transformation of the true amount, which is not known.",
            "The 300 bad credits are heavily over-sampled; a rate found here is not a rate of the bank.",
            "Only granted credits are in the data: nothing is known of those who were refused.",
            "With 1,000 rows most differences between groups come with wide intervals.",
        ],
    },
}


def describe(name: str) -> dict[str, Any]:
    """Return source, licence, citation and known limits of a shipped table.

    Parameters
    ----------
    name : {"adult", "german_credit"}
        Which table.

    Returns
    -------
    dict
        Keys ``title``, ``rows``, ``source``, ``licence``, ``citation``, ``target``, ``positive``,
        ``sensitive_features``, ``left_out`` (column: reason) and ``limits`` (sentences). A copy: plain JSON values.

    Raises
    ------
    InputError
        If there is no such table.

    Examples
    --------
    >>> describe("adult")["positive"], describe("german_credit")["licence"]
    ('>50K', 'CC BY 4.0')
    """
    if name not in _SOURCES:
        raise InputError(f"no data set named {name!r}.{did_you_mean(name, _SOURCES)}")
    return deepcopy(_SOURCES[name])
