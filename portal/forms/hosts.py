"""A vault's own host name."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http.request import validate_host

from portal.forms.lines import LineField
from vault.errors import BadParameter
from vault.lifecycle import hosting


class HostForm(forms.Form):
    """A host name, or nothing for the usual one."""

    host = LineField(
        label="Host name",
        required=False,
        max_length=253,
        help_text="Like kv.example.org. Leave it empty for the usual one alone.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
        error_messages={"max_length": "This name is too long: 253 characters at most."},
    )

    def clean_host(self) -> str:
        """Refuse what is no host name, and the hosts that are for something else already."""
        host: str = self.cleaned_data["host"].lower().removesuffix(".")
        if not host:
            return ""
        try:
            hosting.check_host(host)
        except BadParameter as error:
            raise ValidationError(str(error), code="invalid") from error
        domain: str = settings.API_DOMAIN
        if host == domain or host.endswith(f".{domain}"):
            message = f"Names below {domain} are the vaults' usual ones. Choose one of another domain."
            raise ValidationError(message, code="usual")
        if validate_host(host, settings.ALLOWED_HOSTS):
            message = f"“{host}” is the portal's own, or was given to a vault in its settings. Choose another name."
            raise ValidationError(message, code="taken")
        return host
