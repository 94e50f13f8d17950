"""Language: what can be talked into a language model, and out of it."""

from __future__ import annotations

from auditkit.checks.language.encoding import encoding_tricks
from auditkit.checks.language.garak import garak_probes
from auditkit.checks.language.injection import prompt_injection
from auditkit.checks.language.leak import system_prompt_leak
from auditkit.checks.language.output import unsafe_output
from auditkit.checks.language.personal import personal_data_echo
from auditkit.checks.language.refusal import refusal_consistency

__all__ = [
    "encoding_tricks",
    "garak_probes",
    "personal_data_echo",
    "prompt_injection",
    "refusal_consistency",
    "system_prompt_leak",
    "unsafe_output",
]
