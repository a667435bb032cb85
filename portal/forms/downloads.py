"""Downloading a certificate with its private key."""

from __future__ import annotations

import secrets
from typing import Any

from django import forms

from portal.forms.fields import Card, OneOf, Text
from vault.lifecycle.exporting import Format
from vault.x509.pfx import MAX_PASSWORD

SHORTEST_PASSWORD = 12
# Letters and digits that nobody mistakes for others; 28 of them carry 138 bits.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 7, 4


def generate_password() -> str:
    """Return a random password of at least 128 bits in groups that are easy to read out."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))


class ExportForm(forms.Form):
    """The file's format, and a password for those formats that take one."""

    format = OneOf(
        ask="Choose a format.",
        label="Format",
        choices=[
            (
                Format.PFX,
                Card("PFX", "Encrypted with AES-256. For Windows 2019 and later, IIS, Azure, Java, macOS 15."),
            ),
            (
                Format.PFX_LEGACY,
                Card(
                    "PFX for old Windows", "Encrypted with 3DES and SHA-1, which is weak. Only where PFX does not open."
                ),
            ),
            (
                Format.PEM,
                Card(
                    "PEM",
                    "Key, certificate and chain in one file, for nginx, Apache, HAProxy. Unencrypted: keep it safe.",
                ),
            ),
        ],
        initial=Format.PFX,
        widget=forms.RadioSelect,
    )
    password = Text(
        label="Password of the PFX file",
        required=False,
        strip=False,
        help_text="Made for this download and shown only now: copy it, or type your own of at least 12 characters. "
        "A PEM file has none.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none", "data-code": True}
        ),
    )

    def clean(self) -> dict[str, Any]:
        """Ask for a password where the format takes one. What was typed never goes back into the page."""
        cleaned = super().clean() or {}
        password, as_ = cleaned.get("password", ""), cleaned.get("format")
        if as_ and as_ != Format.PEM and "password" not in self.errors:
            if len(password) < SHORTEST_PASSWORD:
                message = f"The password has fewer than {SHORTEST_PASSWORD} characters. Choose a longer one."
                self.add_error("password", message)
            elif len(password) > MAX_PASSWORD:
                self.add_error("password", f"The password has more than {MAX_PASSWORD} characters. Shorten it.")
        return cleaned

    def forget_password(self) -> None:
        """Empty the password's field before the page is shown again."""
        self.data = {**dict(self.data.items()), "password": ""}
