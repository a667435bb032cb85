"""Issuers as administrators set them up: made, edited, tested, switched off, removed; and how they fare."""

from vault.lifecycle.configuring.fares import Figures, health_of, with_counts
from vault.lifecycle.configuring.registering import (
    create_issuer,
    delete_issuer,
    edit_issuer,
    replace_secrets,
    set_enabled,
)
from vault.lifecycle.configuring.testing import Tried, test_issuer, try_values
from vault.lifecycle.configuring.usage import Users, users_of
from vault.lifecycle.configuring.values import BadValues, Given, check_given, check_name, stored_secrets

__all__ = [
    "BadValues",
    "Figures",
    "Given",
    "Tried",
    "Users",
    "check_given",
    "check_name",
    "create_issuer",
    "delete_issuer",
    "edit_issuer",
    "health_of",
    "replace_secrets",
    "set_enabled",
    "stored_secrets",
    "test_issuer",
    "try_values",
    "users_of",
    "with_counts",
]
