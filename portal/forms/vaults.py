"""Making a vault."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError

from portal import people
from portal.forms.lines import LineField
from portal.models import User
from vault.errors import BadName, NameTaken
from vault.lifecycle import vaults
from vault.models.vault import LONGEST_RETENTION, SHORTEST_RETENTION

_RETENTION = f"Choose {SHORTEST_RETENTION} to {LONGEST_RETENTION} days."


class VaultForm(forms.Form):
    """Name, retention, purge protection and the first administrator."""

    name = LineField(
        label="Name",
        max_length=200,
        help_text="3 to 24 letters, digits and hyphens, a letter first. It cannot be changed later.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
        error_messages={"required": "Choose a name.", "max_length": "This name is too long: 24 characters at most."},
    )
    administrator = LineField(
        label="First administrator",
        max_length=254,
        help_text="User name or e-mail address. They decide who else may use the vault.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
        error_messages={"required": "Say who administers the vault first."},
    )
    retention_days = forms.IntegerField(
        label="Days that deleted things can be recovered",
        min_value=SHORTEST_RETENTION,
        max_value=LONGEST_RETENTION,
        initial=LONGEST_RETENTION,
        help_text=f"{SHORTEST_RETENTION} to {LONGEST_RETENTION}. It cannot be changed later.",
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), _RETENTION),
    )
    purge_protection = forms.BooleanField(
        label="Protect from purging",
        required=False,
        help_text="Nobody can remove deleted things before their time. It cannot be switched off again.",
    )

    taken_but_recoverable = False

    def clean_name(self) -> str:
        """Refuse what is not a vault's name, and names that are taken."""
        name: str = self.cleaned_data["name"]
        try:
            vaults.check_name(name)
            vaults.refuse_taken(name)
        except NameTaken as error:
            self.taken_but_recoverable = error.recoverable
            raise ValidationError(str(error), code="taken") from error
        except BadName as error:
            raise ValidationError(str(error), code="invalid") from error
        return name

    def clean_administrator(self) -> User:
        """Find the person."""
        return person_of(self.cleaned_data["administrator"])


def person_of(text: str, *, applications: bool = False) -> User:
    """Return the active person, or application if asked, that `text` names. Raises ValidationError."""
    person = people.find(text, applications=applications)
    if person is None:
        message = f"There is nobody with the user name or address “{text}”. A portal administrator can invite them."
        raise ValidationError(message, code="unknown")
    return person
