"""Packing: evidence packs, with a public and a restricted layer, signed, and verified to the byte.

>>> from auditkit import packing
>>> sorted(packing.__all__)
['keygen', 'make', 'open_restricted', 'plan', 'public_form', 'sign', 'verify']
"""

from __future__ import annotations

from auditkit.packing.making import make, sign
from auditkit.packing.planning import plan
from auditkit.packing.publishing import public_form
from auditkit.packing.signing import keygen
from auditkit.packing.verifying import open_restricted, verify

__all__ = ["keygen", "make", "open_restricted", "plan", "public_form", "sign", "verify"]
