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
_AS_TYPED = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none", "data-code": True}
_CHOICES = (
    (Format.NGINX, Card("nginx", "A ZIP with two PEM files: the certificate with its chain, and the key.")),
    (Format.APACHE, Card("Apache", "A ZIP with PEM files: the certificate with its chain, and the key.")),
    (Format.HAPROXY, Card("HAProxy", "One PEM file: certificate, chain, key.")),
    (Format.PFX, Card("Windows, IIS, Azure", "A PFX file. Also for macOS and most appliances.")),
    (Format.JAVA, Card("Java", "A PKCS#12 keystore, for Tomcat, Spring Boot, Kafka and others.")),
    (Format.PFX_LEGACY, Card("Old Windows or Java", "A PFX with weak 3DES, only where the others do not open.")),
    (Format.PEM, Card("PEM, for anything else", "One text file: key, certificate, chain.")),
    (Format.PEM_ENCRYPTED, Card("PEM with encrypted key", "The same, but its key opens with a password.")),
)


def generate_password() -> str:
    """Return a random password of at least 128 bits in groups that are easy to read out."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))


class ExportForm(forms.Form):
    """What the file is for, and what goes into it.

    `has_root`: whether the chain holds a root that could go into it.
    """

    format = OneOf(
        ask="Choose what the file is for.", label="What is it for?", choices=_CHOICES, widget=forms.RadioSelect
    )
    password = Text(
        label="Password of the file",
        required=False,
        strip=False,
        help_text="Made for this download and shown only now: copy it, or type your own of at least 12 characters.",
        widget=forms.TextInput(attrs=_AS_TYPED),
    )
    friendly_name = Text(
        label="Name inside the file",
        required=False,
        may_be_empty=True,
        help_text="Windows shows it as friendly name; Java calls it alias.",
        widget=forms.TextInput(attrs=_AS_TYPED),
    )
    with_root = forms.BooleanField(
        label="Include the root certificate",
        required=False,
        help_text="Servers do not send it, and clients have it. Only some appliances ask for it.",
    )

    def __init__(self, *args: Any, has_root: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if not has_root:
            del self.fields["with_root"]

    def clean(self) -> dict[str, Any]:
        """Ask for a password where the format takes one. What was typed never goes back into the page."""
        cleaned = super().clean() or {}
        password, as_ = cleaned.get("password", ""), cleaned.get("format")
        if as_ and Format(as_).has_password and "password" not in self.errors:
            if len(password) < SHORTEST_PASSWORD:
                message = f"The password has fewer than {SHORTEST_PASSWORD} characters. Choose a longer one."
                self.add_error("password", message)
            elif len(password) > MAX_PASSWORD:
                self.add_error("password", f"The password has more than {MAX_PASSWORD} characters. Shorten it.")
        return cleaned

    def forget_password(self) -> None:
        """Empty the password's field before the page is shown again."""
        self.data = {**dict(self.data.items()), "password": ""}
