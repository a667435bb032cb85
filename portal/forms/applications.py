"""Making an application, and giving it another secret."""

from __future__ import annotations

from typing import Final

from django import forms

from portal import applications
from portal.forms.lines import LineField
from portal.forms.tokens import AgainForm

_DAYS: Final = f"Choose {applications.SHORTEST_DAYS} to {applications.LONGEST_DAYS} days."


class SecretForm(AgainForm):
    """How long a secret lives."""

    days = forms.IntegerField(
        label="Days until the secret ends",
        min_value=applications.SHORTEST_DAYS,
        max_value=applications.LONGEST_DAYS,
        initial=applications.USUAL_DAYS,
        help_text=f"{applications.SHORTEST_DAYS} to {applications.LONGEST_DAYS}.",
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), _DAYS),
    )
    field_order = ("name", "days", "password")


class ApplicationForm(SecretForm):
    """What an application is called."""

    name = LineField(
        label="Name",
        max_length=60,
        help_text="Letters, digits, dots, hyphens and underscores. Vaults and audit trails show it by this name.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
        error_messages={"required": "Give it a name.", "max_length": "This name is too long: 60 characters at most."},
    )
