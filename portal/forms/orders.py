"""The forms with which people decide about orders at a CA, and have certificates revoked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.http import QueryDict

from portal.forms.fields import Card, Lines, OneOf, Text
from vault.errors import VaultError
from vault.providers.base import RevocationReason

_ANOTHER: Final = ""
# The reasons of RFC 5280 §5.3.1 that CAs take from subscribers.
_REASONS: Final = {
    RevocationReason.SUPERSEDED: Card("Replaced", "There is a newer certificate in its place."),
    RevocationReason.CESSATION_OF_OPERATION: Card("No longer in use", "What it was for has ended."),
    RevocationReason.KEY_COMPROMISE: Card("Its private key was exposed", "Someone else has the key, or may have it."),
    RevocationReason.AFFILIATION_CHANGED: Card("Details have changed", "Names or organisation in it are not true now."),
    RevocationReason.PRIVILEGE_WITHDRAWN: Card(
        "No longer entitled", "Whoever holds it may not use these names any more."
    ),
    RevocationReason.UNSPECIFIED: Card("Another reason", "Say which in the note."),
}


class NumberForm(forms.Form):
    """The CA's number of an order: one of those found, or one that is typed."""

    use_required_attribute = False
    candidate = OneOf(label="Which order is it?", widget=forms.RadioSelect, ask="Choose one.", required=False)
    number = Text(
        label="Order number",
        required=False,
        help_text="As the CA shows it, in your account there.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
    )

    def __init__(self, data: QueryDict | None = None, *, candidates: Sequence[str]) -> None:
        super().__init__(data)
        field = self.fields["candidate"]
        assert isinstance(field, OneOf)
        field.choices = [*((one, one) for one in candidates), (_ANOTHER, "Another one, typed below")]
        if not candidates:
            del self.fields["candidate"]

    def chosen(self) -> str:
        """The number that a valid form gives: the typed one before the chosen one."""
        return str(self.cleaned_data["number"] or self.cleaned_data.get("candidate", ""))

    def clean(self) -> None:
        if not self.errors and not self.chosen():
            self.add_error("number", "Enter the order number as the CA shows it.")

    def refuse(self, error: VaultError) -> None:
        """Put what the vault refuses beside the number."""
        self.add_error("number", str(error))


class RevokeForm(forms.Form):
    """Why a certificate is revoked, with a note for the CA, and the typed name that confirms it."""

    use_required_attribute = False
    reason = OneOf(
        label="Why?",
        choices=[(str(int(reason)), card) for reason, card in _REASONS.items()],
        widget=forms.RadioSelect,
        ask="Choose why.",
    )
    note = Lines(
        label="Note for the CA",
        rows=2,
        code=False,
        required=False,
        max_length=500,
        help_text="At most 500 characters. It is kept in the audit trail.",
        error_messages={"max_length": "This note is too long: 500 characters at most."},
    )
    confirm = Text(
        required=False,
        may_be_empty=True,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
    )

    def __init__(self, data: QueryDict | None = None, *, name: str) -> None:
        super().__init__(data)
        self.name = name
        self.fields["confirm"].label = f"Type {name} to confirm"

    def clean_confirm(self) -> str:
        typed: str = self.cleaned_data["confirm"]
        if typed != self.name:
            raise forms.ValidationError(f"Type {self.name} to confirm. Nothing was revoked.")
        return typed

    def wish(self) -> dict[str, Any]:
        """Reason and note of a valid form."""
        return {"reason": RevocationReason(int(self.cleaned_data["reason"])), "note": self.cleaned_data["note"]}


def reason_words(reason: int | None) -> str:
    """A reason as its card calls it."""
    return "" if reason is None else str(_REASONS.get(RevocationReason(reason), ""))
