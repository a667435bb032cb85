"""Making a token."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from portal import access, tokens
from portal.forms.fields import Card
from portal.forms.lines import LineField
from portal.models import Token, User
from portal.rights import TOKEN_VERBS
from vault.models import Vault

ALL, READ, FETCH, CHOSEN = "all", "read", "fetch", "chosen"
_READING: Final = (
    "certificates/list",
    "certificates/get",
    "certificates/listissuers",
    "certificates/getissuers",
    "secrets/list",
    "keys/list",
    "keys/get",
)
# What each choice stands for.
PURPOSES: Final = {ALL: tuple(Token.ALL), READ: _READING, FETCH: (*_READING, "secrets/get")}
_CARDS: Final = [
    (FETCH, Card("Fetch certificates with their keys", "For a server that installs its certificate by itself.")),
    (READ, Card("See certificates", "For inventories and monitoring. No private key leaves.")),
    (ALL, Card("Everything that you may do yourself", "For programs that also ask for certificates and renew them.")),
    (CHOSEN, Card("Only what you choose below", "For whoever knows the key vault’s permissions.")),  # noqa: RUF001
]
_DAYS: Final = f"Choose {tokens.SHORTEST_DAYS} to {tokens.LONGEST_DAYS} days."


class AgainForm(forms.Form):
    """Asks `person` for their password once more, for who finds an open browser must not make tokens or secrets."""

    password = forms.CharField(
        label="Your password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text="To be sure that it is you.",
        error_messages={"required": "Type your password."},
    )

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._person = person

    def clean_password(self) -> None:
        """Refuse a wrong one; it is not needed any further."""
        if not self._person.check_password(self.cleaned_data["password"]):
            raise ValidationError("This is not your password. Type it again.", code="wrong")


class TokenForm(AgainForm):
    """What a token of `person` is for."""

    name = LineField(
        label="Name",
        max_length=60,
        help_text="What will use it, such as “web server 3”. You will recognise it by this name.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Give it a name.", "max_length": "This name is too long: 60 characters at most."},
    )
    vaults = forms.MultipleChoiceField(
        label="Vaults",
        help_text="It opens only these.",
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": "Pick at least one vault.",
            "invalid_choice": "You are no member of this vault. Pick from those shown.",
        },
    )
    purpose = forms.ChoiceField(
        label="It may",
        choices=_CARDS,
        initial=FETCH,
        widget=forms.RadioSelect,
        error_messages={"required": "Say what it may do.", "invalid_choice": "Pick one of these."},
    )
    verbs = forms.MultipleChoiceField(
        label="Permissions",
        required=False,
        choices=[(verb, verb) for verb in sorted(TOKEN_VERBS)],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "There is no such permission. Pick from those shown."},
    )
    days = forms.IntegerField(
        label="Days until it ends",
        min_value=tokens.SHORTEST_DAYS,
        max_value=tokens.LONGEST_DAYS,
        initial=tokens.USUAL_DAYS,
        help_text=f"{tokens.SHORTEST_DAYS} to {tokens.LONGEST_DAYS}.",
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), _DAYS),
    )
    field_order = ("name", "vaults", "purpose", "verbs", "days", "password")

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, person=person, **kwargs)
        self._mine = {vault.name_key: vault for vault in access.vaults_of(person)}
        self.fields["vaults"].choices = [(key, vault.name) for key, vault in self._mine.items()]  # type: ignore[attr-defined]
        if len(self._mine) == 1:
            self.fields["vaults"].initial = list(self._mine)

    def clean_vaults(self) -> list[Vault]:
        """The vaults themselves."""
        return [self._mine[key] for key in self.cleaned_data["vaults"]]

    def clean(self) -> None:
        """Ask for permissions where they are to be chosen."""
        if (
            self.cleaned_data.get("purpose") == CHOSEN
            and not self.cleaned_data.get("verbs")
            and "verbs" not in self.errors
        ):
            self.add_error("verbs", ValidationError("Choose at least one permission.", code="required"))

    @property
    def order(self) -> dict[str, Any]:
        """What `portal.tokens.make` takes, once the form is valid."""
        facts = self.cleaned_data
        verbs = PURPOSES.get(facts["purpose"]) or facts["verbs"]
        return {"name": facts["name"], "vaults": facts["vaults"], "verbs": verbs, "days": facts["days"]}


def in_words(token: Token) -> str:
    """What a token may do, as its form says it."""
    for purpose, card in _CARDS:
        if tuple(token.verbs) == tuple(sorted(PURPOSES.get(purpose, ()))):
            return str(card)
    return ", ".join(token.verbs)
