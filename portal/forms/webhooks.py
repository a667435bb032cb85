"""A webhook of a vault."""

from __future__ import annotations

from typing import Any

from django import forms

from portal.forms.lines import LineField
from vault.errors import BadParameter
from vault.models import EventKind, Webhook


class WebhookForm(forms.Form):
    """Where events go, and which."""

    name = LineField(
        label="Name",
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Give it a name.", "max_length": "This name is too long: 60 characters at most."},
    )
    url = LineField(
        label="Address",
        max_length=500,
        help_text="Where events are sent to, like https://ops.example.org/certificates.",
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
        error_messages={
            "required": "Enter the address that events are sent to.",
            "max_length": "This address is too long: 500 characters at most.",
        },
    )
    events = forms.MultipleChoiceField(
        label="Events",
        required=False,
        choices=EventKind.choices,
        help_text="None chosen means all.",
        widget=forms.CheckboxSelectMultiple,
    )

    @staticmethod
    def initial_of(webhook: Webhook) -> dict[str, Any]:
        """What the form shows of a webhook."""
        return {"name": webhook.name, "url": webhook.url, "events": webhook.events}

    def refuse(self, error: Exception) -> None:
        """Show what the vault refused."""
        field = error.field if isinstance(error, BadParameter) and error.field in self.fields else None
        self.add_error(field, str(error))
