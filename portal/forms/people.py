"""Inviting and describing people, and finding them in the list."""

from __future__ import annotations

from typing import Final

from django import forms
from django.contrib.auth.forms import UsernameField
from django.contrib.auth.validators import UnicodeUsernameValidator

from portal.forms.lines import AddressField, FullNameField


class DescriptionForm(forms.Form):
    """A person's full name and e-mail address."""

    full_name = FullNameField()
    email = AddressField(required=False, help_text="For links to choose a password and for notices.")


class InvitationForm(DescriptionForm):
    """Who is to come in."""

    username = UsernameField(
        label="User name",
        max_length=150,
        validators=[UnicodeUsernameValidator(message="Use letters, digits and @ . + - _ only, without spaces.")],
        help_text="What they sign in with. It cannot be changed later.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={
            "required": "Choose a user name.",
            "max_length": "This user name is too long: 150 characters at most.",
        },
    )
    is_administrator = forms.BooleanField(
        label="Portal administrator",
        required=False,
        help_text="Makes vaults and invites people. It opens no vault by itself.",
    )
    field_order = ("username", "full_name", "email", "is_administrator")


STATES: Final = (
    ("", "Everyone"),
    ("administrators", "Portal administrators"),
    ("invited", "Invited, not signed in yet"),
    ("deactivated", "Deactivated"),
)
