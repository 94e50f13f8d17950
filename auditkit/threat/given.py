"""Given: a threat model as somebody hands it over, for a subject: as a value, or as what is to be said of the draft."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from auditkit.errors import InputError
from auditkit.threat.model import ThreatModel

if TYPE_CHECKING:
    from auditkit.dataset import Dataset

__all__ = ["as_threat_model"]


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
