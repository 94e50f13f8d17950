"""Access: who may do what on a hub, and whether they still use it. Every check of the family is named here."""

from __future__ import annotations

from auditkit.checks.access.accounts import hub_accounts
from auditkit.checks.access.before import hub_revocations
from auditkit.checks.access.roles import hub_roles
from auditkit.checks.access.shares import hub_shares
from auditkit.checks.access.sign_in import hub_sign_in
from auditkit.checks.access.tokens import hub_api_access

__all__ = ["hub_accounts", "hub_api_access", "hub_revocations", "hub_roles", "hub_shares", "hub_sign_in"]
