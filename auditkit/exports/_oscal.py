"""OSCAL parts: what every part of assessment results is made of, ids that follow from the report, and the forms that ids and properties have."""

from __future__ import annotations

import functools
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from auditkit.exports.beside import Beside
from auditkit.packing.manifest import sha256
from auditkit.render.status import shown_status
from auditkit.render.text import cut

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditkit.controls import Standing

__all__ = ["LONG", "NS", "STATES", "Made", "prop", "token"]

NS = "auditkit://oscal"
"""Namespace of the properties that are auditkit's own."""

LONG = 2000
"""Characters of a text."""

STATES = {
    "pass": ("satisfied", "pass"),
    "not_found": ("satisfied", "pass"),
    "by_construction": ("satisfied", "other"),
    "fail": ("not-satisfied", "fail"),
    "inconclusive": ("not-satisfied", "other"),
    "unmeasured": ("not-satisfied", "other"),
    "waived": ("not-satisfied", "other"),
}
"""Status of a finding as shown, to the state of an objective and its reason; other findings are about no criterion, and are observations."""


class Made(Beside):
    """A report beside a framework, with the ids that OSCAL asks for."""

    def id_of(self, *parts: str) -> str:
        return self.source.id_of("oscal", self.framework.id, *parts)

    @functools.cached_property
    def tokens(self) -> dict[str, str]:
        """The token of each control by its id; two that would be alike are told apart by a digest."""
        alone = Counter(token(self.framework.id, one.control.id) for one in self.standings)
        return {
            name: made if alone[made] == 1 else f"{made}-{sha256(name.encode())[:8]}"
            for name, made in (
                (one.control.id, token(self.framework.id, one.control.id)) for one in self.standings
            )
        }

    def token(self, standing: Standing) -> str:
        return self.tokens[standing.control.id]

    def judged(self, standing: Standing) -> list[Mapping[str, Any]]:
        """Return the findings relevant to a control of which a criterion was asked, each fingerprint once."""
        wanted = set(standing.findings)
        found = {
            one["fingerprint"]: one
            for one in self.source.data["findings"]
            if one["fingerprint"] in wanted and one.get("criterion") and shown_status(one) in STATES
        }
        return list(found.values())


def token(*words: str) -> str:
    """Return words as an id that OSCAL takes: a letter or underline first, then letters, digits, dots, dashes and underlines.

    Examples
    --------
    >>> token("eu_ai_act", "Art. 10(2)(f)-(g)"), token("iso_42001", "A.4.3")
    ('eu_ai_act_Art-10-2-f-g', 'iso_42001_A.4.3')
    """
    plain = "_".join(re.sub(r"\.?[^A-Za-z0-9._]+", "-", word).strip("-") for word in words)
    return plain if re.match(r"[A-Za-z_]", plain) else f"_{plain}"


def prop(name: str, value: object) -> dict[str, str]:
    return {"name": name, "ns": NS, "value": cut(value, 500) or "none"}
