"""Probes: conversations with something harmless planted in them, by family."""

from __future__ import annotations

from auditkit.methods.language.probes._probe import DESK, FAMILIES, Family, Probe
from auditkit.methods.language.probes.encoded import PLAIN, encoded_probes
from auditkit.methods.language.probes.injection import injection_probes
from auditkit.methods.language.probes.leak import leak_probes
from auditkit.methods.language.probes.output import output_probes
from auditkit.methods.language.probes.personal import personal_data_probes
from auditkit.methods.language.probes.refusal import ALLOWED, DECLINED, refusal_probes

__all__ = [
    "ALLOWED",
    "DECLINED",
    "DESK",
    "FAMILIES",
    "PLAIN",
    "Family",
    "Probe",
    "encoded_probes",
    "injection_probes",
    "leak_probes",
    "output_probes",
    "personal_data_probes",
    "refusal_probes",
]
