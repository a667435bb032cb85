"""A contact of a vault."""

from __future__ import annotations

from django import forms

from portal.forms.lines import AddressField, LineField
from vault.errors import BadParameter
from vault.lifecycle.contacts import Person
from vault.models import Contact


class ContactForm(forms.Form):
    """Where to write to, and whose that is."""

    email = AddressField(help_text="A person's, or that of a list.")
    name = LineField(
        label="Name",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"max_length": "This name is too long: 200 characters at most."},
    )
    phone = LineField(
        label="Phone",
        required=False,
        max_length=50,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"max_length": "This number is too long: 50 characters at most."},
    )

    @staticmethod
    def initial_of(contact: Contact) -> dict[str, str]:
        """What the form shows of a contact."""
        return {"email": contact.email, "name": contact.name, "phone": contact.phone}

    @property
    def person(self) -> Person:
        """The contact, once the form is valid."""
        return Person(**self.cleaned_data)

    def refuse(self, error: BadParameter) -> None:
        """Show what the vault refused."""
        self.add_error("email", str(error))
