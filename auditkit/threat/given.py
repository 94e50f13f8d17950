"""Given: a threat model as somebody hands it over, for a subject: as a value, or as what is to be said of the draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from auditkit.disguises import protected
from auditkit.errors import InputError
from auditkit.threat.draft import of_a_life
from auditkit.threat.model import ThreatModel

if TYPE_CHECKING:
    from auditkit.dataset import Dataset

__all__ = ["as_threat_model", "threat_for"]


def as_threat_model(given: Any, *data: Dataset) -> ThreatModel:
    """Return a threat model that fits the data; a mapping holds what `ThreatModel.draft` takes besides the data.

    Raises
    ------
    InputError
        If it is neither, names an option that is not there, or is of other inputs than the data have.
    """
    if isinstance(given, Mapping):
        try:
            return ThreatModel.draft(*data, **given)
        except TypeError as error:
            raise InputError(f"threat: {error}; it takes what ThreatModel.draft takes") from None
    if not isinstance(given, ThreatModel):
        raise InputError(
            f"threat: expected a ThreatModel, or a mapping of what ThreatModel.draft takes; got {type(given).__name__}"
        )
    wanted, known = [str(c) for c in data[0].X.columns], [str(c) for c in given.coding.codec.columns]
    if wanted != known:
        raise InputError(
            f"threat: it is of the inputs {', '.join(known[:20])}; the data have {', '.join(wanted[:20])}"
        )
    return given


def threat_for(
    given: ThreatModel | None, test: Dataset, rows: Sequence[Dataset], immutable: Sequence[str] | None
) -> ThreatModel:
    """Return the threat model of a subject: what was given, else a draft, in which by name an age only rises, and a past fact and who somebody is stay.

    Parameters
    ----------
    given : ThreatModel, optional
        What the subject says.
    test : Dataset
        Whose sensitive features a draft holds, with the inputs that give one away, where `immutable` is left out.
    rows : sequence of Dataset
        What a draft is drafted from.
    immutable : sequence of str, optional
        Inputs that cannot change, besides those of what was given.

    Raises
    ------
    InputError
        If `immutable` names no input.
    """
    if given is not None:
        return given.hold(*(immutable or ()))
    draft = ThreatModel.draft(*rows)
    if immutable is not None:
        return _lived(draft.hold(*immutable), past=False)
    for name, why in protected(test).items():
        draft = draft.hold(name, because=why)
    return _lived(draft, past=True)


def _lived(draft: ThreatModel, *, past: bool) -> ThreatModel:
    """Return a draft in which what is an age by its name only rises, and a past fact or who somebody is stays if `past`."""
    new = [of_a_life(one) for one in draft.features]
    kept = [lived if lived.mutable or past else one for one, lived in zip(draft.features, new, strict=True)]
    return replace(draft, features=tuple(kept))
