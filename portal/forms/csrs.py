"""The forms with which someone brings a certificate request made elsewhere: the request, then what becomes of it."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict

from portal.forms import choices, texts
from portal.forms.fields import Card, Lines, OneOf, Text, WholeNumber
from portal.forms.files import uploads
from portal.forms.initial import initial_from
from portal.forms.requests import Namesake, Start
from vault import policies
from vault.errors import BadParameter, VaultError
from vault.lifecycle import bringing, issuing
from vault.models import Certificate, Vault
from vault.models.policy import UNKNOWN, LifetimeAction, LifetimeActionType, Policy, Validity
from vault.x509.brought import BroughtRequest
from vault.x509.found import Upload
from vault.x509.names import propose_certificate_name

_BY_HAND = Card(
    "Another CA, by hand",
    "You give this request to your CA, and bring the signed certificate back.",
    "As fast as your CA",
)
# Where the vault's word is not the form's.
_FIELD_OF = {"validity": "validity_number", "lifetime_actions": "tell_number", "issuer_name": "issuer"}


class BringForm(forms.Form):
    """A request as a paste, a file, or both; several different ones are refused by the vault."""

    use_required_attribute = False
    csr = Lines(
        rows=10,
        strip=False,
        label="Paste the request (CSR)",
        required=False,
        help_text="Its text with the line -----BEGIN CERTIFICATE REQUEST-----. The private key stays with you.",
    )
    file = forms.FileField(
        label="Or choose the file",
        required=False,
        allow_empty_file=True,
        help_text="A .csr, .req, .pem, .p10 or .der file of at most 1 MB.",
    )
    again = Text(required=False, widget=forms.HiddenInput)
    certificate = Text(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """Ask for at least one of the two."""
        cleaned = super().clean() or {}
        if not self.errors and not self.uploads():
            self.add_error("csr", "There is no request yet. Paste it, or choose its file.")
        return cleaned

    def uploads(self) -> list[Upload]:
        """What was sent: the file, and the paste unless it is empty."""
        file: UploadedFile | None = self.cleaned_data.get("file")
        return uploads([file] if file is not None else [], str(self.data.get("csr", "")))

    def forget(self) -> None:
        """Empty the text area, because a private key may be in it."""
        self.data = {**dict(self.data.items()), "csr": ""}


class CsrForm(forms.Form):
    """What becomes of a request: the certificate's name, its issuer, for how long, when people are told, tags.

    `known` is the certificate whose new version the person has been told this becomes.
    """

    use_required_attribute = False
    csr = Text(widget=forms.HiddenInput, error_messages={"required": "This page was sent incompletely. Begin again."})
    name = Text(
        label="Certificate name",
        required=False,
        may_be_empty=True,
        help_text="What it is called in this vault. Left empty, it is taken from the request.",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"}),
    )
    issuer = OneOf(label="Issuer", widget=forms.RadioSelect, ask="Choose an issuer.")
    certificate_type = OneOf(label="Certificate type", widget=forms.RadioSelect, ask="Choose a type.", required=False)
    validity_number = WholeNumber(label="Valid for", most=policies.MOST_DAYS)
    validity_unit = OneOf(label="Unit", choices=choices.UNIT_CHOICES, ask="Choose days or months.")
    tell_number = WholeNumber(label="Tell people when", most=policies.MOST_DAYS)
    tell_unit = OneOf(label="Counted as", choices=choices.WHEN_CHOICES, ask="Choose % or days.")
    tags = Lines(label="Tags", rows=3, required=False, help_text="One a line, like team=payments. At most 15.")
    submission = forms.UUIDField(
        required=False,
        widget=forms.HiddenInput,
        error_messages={"invalid": "This page was sent incompletely. Check your answers and send it again."},
    )
    known = Text(required=False, widget=forms.HiddenInput)
    again = Text(required=False, widget=forms.HiddenInput)
    certificate = Text(required=False, widget=forms.HiddenInput)

    def __init__(
        self, data: QueryDict | None = None, *, vault: Vault, brought: BroughtRequest, start: Start, namesake: Namesake
    ) -> None:
        self.vault, self.brought, self.start, self.namesake = vault, brought, start, namesake
        self.holder: Certificate | None = None
        self.refusal: VaultError | None = None
        self._policy: Policy | None = None
        own = choices.own_issuers(vault)
        self.cards = [(name, _BY_HAND if name == UNKNOWN else card) for name, card in choices.issuer_cards(own)[1:]]
        self.issuers = [name for name, _ in self.cards]
        super().__init__(data, initial=self._initial())
        field, kind = self.fields["issuer"], self.fields["certificate_type"]
        assert isinstance(field, OneOf)
        assert isinstance(kind, OneOf)
        field.choices = self.cards
        if self.only_issuer:
            field.widget = forms.HiddenInput()
        self.types = choices.types_of(own)
        kind.choices, kind.help_text = choices.type_cards(self.types), choices.type_words(self.types)
        if not self.types:
            del self.fields["certificate_type"]

    @property
    def only_issuer(self) -> Card | None:
        """The issuer, where there is no other to choose."""
        return self.cards[0][1] if len(self.cards) == 1 else None

    def order(self) -> issuing.Order:
        """What a valid form asks for."""
        assert self._policy is not None
        data = self.cleaned_data
        return issuing.Order(
            name=data["name"],
            policy=self._policy,
            csr=self.brought.der,
            tags=data["tags"],
            submission=data["submission"],
            holder=self.holder.pk if self.holder else 0,
        )

    def refuse(self, error: VaultError) -> None:
        """Put what the vault refuses beside the field it is about."""
        field = getattr(error, "field", None)
        field = _FIELD_OF.get(field or "", field)
        self.add_error(field if field in self.fields else None, str(error))
        self.refusal = error

    # --------------------------------------------------------------- cleaning
    def clean_tags(self) -> dict[str, str] | None:
        """The tags; None, which leaves them as they are, where nobody has written any."""
        if not self.cleaned_data["tags"] and not self.start.certificate:
            return None
        try:
            tags = texts.read_tags(self.cleaned_data["tags"])
            policies.check_tags(tags)
        except BadParameter as error:
            raise forms.ValidationError(str(error)) from error
        return tags

    def clean_tell_number(self) -> int:
        number: int | None = self.cleaned_data["tell_number"]
        if number is None:
            raise forms.ValidationError("Say when: a share of the lifetime, like 80 %, or a number of days.")
        return number

    def clean(self) -> None:
        super().clean()
        name = self.start.certificate or self.cleaned_data.get("name", "") or proposed_name(self.brought)
        if "name" not in self.errors:
            self._find_holder(name)
            self.cleaned_data["name"] = name
        if not self.errors:
            try:
                self._policy = issuing.prepare(self.vault, bringing.policy_for(self.brought, self._asked()))
            except BadParameter as error:
                self.refuse(error)

    def _find_holder(self, name: str) -> None:
        try:
            issuing.check_name(name)
            self.holder = self.namesake(name)
        except VaultError as error:
            self.add_error("name", str(error))
            self.refusal = error
            return
        if self.holder and self.holder.name not in {self.start.certificate, self.cleaned_data.get("known")}:
            self.add_error(
                "name", f"“{self.holder}” exists. Send it again for a new version of it, or choose another name."
            )

    def _asked(self) -> Policy:
        data = self.cleaned_data
        number = data["validity_number"]
        validity = (
            Validity(number=number, unit=data["validity_unit"]) if number else choices.usual_validity(data["issuer"])
        )
        when = "lifetime_percentage" if data["tell_unit"] == choices.PERCENTAGE else "days_before_expiry"
        told = LifetimeAction(action=LifetimeActionType.EMAIL_CONTACTS, **{when: data["tell_number"]})
        return replace(
            self.start.policy,
            issuer_name=data["issuer"],
            certificate_type=data["certificate_type"] if data["issuer"] in self.types else "",
            validity=validity,
            lifetime_actions=(told,),
        )

    # ---------------------------------------------------------------- initial
    def _initial(self) -> dict[str, Any]:
        old = self.start.policy
        is_new = not (self.start.certificate or self.start.again)
        issuer = old.issuer_name if old.issuer_name in self.issuers else self.issuers[0]
        validity = choices.usual_validity(issuer) if is_new else old.validity
        told = initial_from(old)
        return {
            "csr": base64.b64encode(self.brought.der).decode(),
            "name": self.start.name or proposed_name(self.brought),
            "issuer": issuer,
            "certificate_type": old.certificate_type,
            "validity_number": validity.number,
            "validity_unit": validity.unit,
            "tell_number": told["tell_number"],
            "tell_unit": told["tell_unit"],
            "tags": texts.write_tags(self.start.tags),
            "again": self.start.again,
            "certificate": self.start.certificate,
        }


def read_der(text: str) -> bytes:
    """The request that a page carried in its form; empty when what came back is not what was sent."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def proposed_name(brought: BroughtRequest) -> str:
    """A certificate name from the request's first name, else from the first part of its subject."""
    if brought.names:
        return propose_certificate_name(brought.names)
    return texts.name_of_subject(brought.subject) or "certificate"
