"""Signing in, choosing passwords, asking for a reset."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import UsernameField
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from portal.forms.lines import AddressField
from portal.models import User

MOST_IN_PASSWORD = 1000
_TOO_LONG = {"max_length": f"This password is too long: {MOST_IN_PASSWORD} characters at most."}


class _Password(forms.CharField):
    """A password: kept as typed, never shown again."""

    def __init__(self, *, label: str, ask: str, autocomplete: str, help_text: str = "") -> None:
        super().__init__(
            label=label,
            strip=False,
            max_length=MOST_IN_PASSWORD,
            help_text=help_text,
            widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
            error_messages={**_TOO_LONG, "required": ask},
        )


class SignInForm(forms.Form):
    """User name and password. Whether they fit is the view's affair, which has the request that the lock-out needs."""

    username = UsernameField(
        label="User name",
        max_length=150,
        widget=forms.TextInput(attrs={"autofocus": True, "spellcheck": "false"}),
        error_messages={"required": "Type your user name.", "max_length": "No user name is that long."},
    )
    password = _Password(label="Password", ask="Type your password.", autocomplete="current-password")

    def refuse(self) -> None:
        """Say that they do not fit, without saying which."""
        message = "This user name and password do not fit. Check both; capitals matter in the password."
        self.add_error(None, ValidationError(message, code="invalid_login"))


class NewPasswordForm(forms.Form):
    """A new password for `person`, typed once: it can be shown."""

    password = _Password(
        label="New password",
        ask="Type a new password.",
        autocomplete="new-password",
        help_text="At least 12 characters, not one of the well-known passwords, and not like your name.",
    )

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person

    def clean_password(self) -> str:
        """Judge the password by the settings' rules."""
        password: str = self.cleaned_data["password"]
        validate_password(password, self.person)
        return password


class ChangePasswordForm(NewPasswordForm):
    """A new password, by someone who knows the present one."""

    current = _Password(label="Current password", ask="Type your current password.", autocomplete="current-password")
    field_order = ("current", "password")

    def clean_current(self) -> str:
        """Refuse a wrong one."""
        current: str = self.cleaned_data["current"]
        if not self.person.check_password(current):
            raise ValidationError("This is not your current password. Type it again.", code="wrong")
        return current

    def clean(self) -> None:
        """Refuse to keep the old password where it has to be changed."""
        password = self.cleaned_data.get("password")
        if password and password == self.cleaned_data.get("current"):
            message = "This is the password you have. Choose another."
            self.add_error("password", ValidationError(message, code="same"))


class ResetForm(forms.Form):
    """The address to which a reset link goes."""

    email = AddressField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].widget.attrs |= {"autocomplete": "email", "autofocus": True}
