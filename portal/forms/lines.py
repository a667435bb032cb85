"""Lines of text that the forms about people and vaults share."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

MOST_IN_NAME = 150


class LineField(forms.CharField):
    """One line of text without control or direction characters."""

    def validate(self, value: Any) -> None:
        """Refuse what cannot be seen."""
        super().validate(value)
        if value and not value.isprintable():
            raise ValidationError("This holds characters that cannot be seen. Type it again.", code="unprintable")


class FullNameField(LineField):
    """A person's full name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label="Full name",
            max_length=MOST_IN_NAME,
            widget=forms.TextInput(attrs={"autocomplete": "off"}),
            error_messages={
                "required": "Give the full name.",
                "max_length": f"This name is too long: {MOST_IN_NAME} characters at most.",
            },
            **kwargs,
        )

    def clean(self, value: Any) -> str:
        """Return the name with single blanks."""
        return " ".join(super().clean(value).split())


class AddressField(forms.EmailField):
    """An e-mail address."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label="E-mail address",
            max_length=254,
            widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            error_messages={
                "required": "Give an e-mail address.",
                "invalid": "This is not an e-mail address. Write it like ada@example.org.",
                "max_length": "This address is too long: 254 characters at most.",
            },
            **kwargs,
        )
