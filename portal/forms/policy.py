"""The form that writes a policy: for a request, and for the versions to come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.http import QueryDict

from portal.forms import choices, texts
from portal.forms.fields import Lines, OneOf, SomeOf, Text, WholeNumber
from portal.forms.initial import FRESH, initial_from
from portal.forms.purposes import OTHER, PURPOSE_CHOICES, PURPOSES, USAGE_CHOICES, read_ekus
from vault import caps, policies
from vault.errors import BadParameter, VaultError
from vault.lifecycle import issuing
from vault.models import Vault
from vault.models.policy import (
    KEY_USAGES,
    AlternativeNames,
    KeyPolicy,
    LifetimeAction,
    LifetimeActionType,
    Policy,
    Validity,
)
from vault.x509.names import ReadNames, parse_subject, read_names

MOST_PROBLEMS = 8
LONGEST_NAMES = 500_000
# Where the vault's word for a part of a policy is not the form's.
_FIELD_OF = {"validity": "validity_number", "lifetime_actions": "renewal", "issuer_name": "issuer"}


class PolicyForm(forms.Form):
    """Reads a policy, starting from `base`: what nobody touches, and what no field can say, stays as it is there."""

    use_required_attribute = False
    purpose = OneOf(label="Purpose", choices=PURPOSE_CHOICES, widget=forms.RadioSelect, ask="Choose a purpose.")
    key_usage = SomeOf(label="Key usages", choices=USAGE_CHOICES, widget=forms.CheckboxSelectMultiple, required=False)
    ekus = Lines(
        label="Extended key usages",
        rows=3,
        required=False,
        help_text="One a line, as OIDs (1.3.6.1.5.5.7.3.1) or words (serverAuth).",
    )
    names = Lines(
        label="Names",
        rows=4,
        may_be_empty=True,
        help_text="One a line, or pasted in any shape: host names, *.wildcards, IP and e-mail addresses, URLs.",
    )
    keep_names = forms.BooleanField(label="Keep names that cannot be written here", required=False)
    subject = Text(
        label="Subject",
        required=False,
        help_text="Left empty, the first name becomes the common name. Write it like CN=www.example.org, O=Example.",
        widget=forms.TextInput(attrs={"data-code": True, "spellcheck": "false"}),
    )
    no_subject = forms.BooleanField(
        label="No subject", help_text="The names alone say whose certificate it is.", required=False
    )
    issuer = OneOf(label="Issuer", widget=forms.RadioSelect, ask="Choose an issuer.")
    certificate_type = OneOf(label="Certificate type", widget=forms.RadioSelect, ask="Choose a type.", required=False)
    validity_number = WholeNumber(label="Valid for", most=policies.MOST_DAYS)
    validity_unit = OneOf(label="Unit", choices=choices.UNIT_CHOICES, ask="Choose days or months.")
    key = OneOf(label="Key", choices=choices.KEY_CHOICES, widget=forms.RadioSelect, ask="Choose a key.")
    exportable = forms.BooleanField(
        label="The private key can be downloaded",
        help_text="Without this it never leaves the vault, and only the certificate can be downloaded.",
        required=False,
    )
    reuse = forms.BooleanField(
        label="Use the same key again in new versions",
        help_text="Off is safer: with a new key each time, a stolen key is of no use after the next renewal.",
        required=False,
    )
    content_type = OneOf(
        label="Format", choices=choices.FORMAT_CHOICES, widget=forms.RadioSelect, ask="Choose PFX or PEM."
    )
    renewal = OneOf(
        label="Renewal", choices=choices.RENEWAL_CHOICES, widget=forms.RadioSelect, ask="Choose a way of renewal."
    )
    renew_number = WholeNumber(label="Renew when", most=policies.MOST_DAYS)
    renew_unit = OneOf(label="Renew: counted as", choices=choices.WHEN_CHOICES, ask="Choose % or days.")
    tell_number = WholeNumber(label="Tell people when", most=policies.MOST_DAYS)
    tell_unit = OneOf(label="Tell people: counted as", choices=choices.WHEN_CHOICES, ask="Choose % or days.")

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        vault: Vault,
        base: Policy = FRESH,
        brought: bool = False,
        **options: Any,
    ) -> None:
        """`brought` when the key is not in the vault, so that nothing renews automatically."""
        initial = initial_from(base) | (options.pop("initial", None) or {})
        super().__init__(data, initial=initial, **options)
        self.vault, self.base, self.brought = vault, base, brought
        self.kept_names = texts.write_names(base.names)[1]
        self.read: ReadNames | None = None
        self.refusal: VaultError | None = None
        self._policy: Policy | None = None
        self._offer_issuers()
        if not self.kept_names:
            del self.fields["keep_names"]

    def _offer_issuers(self) -> None:
        own = choices.own_issuers(self.vault)
        self._own = {row.name: row for row in own}
        issuer, kind = self.fields["issuer"], self.fields["certificate_type"]
        assert isinstance(issuer, OneOf)
        assert isinstance(kind, OneOf)
        issuer.choices = choices.issuer_cards(own)
        self.types = choices.types_of(own)
        kind.choices = choices.type_cards(self.types)
        kind.help_text = choices.type_words(self.types)
        if not self.types:
            del self.fields["certificate_type"]

    # ---------------------------------------------------------------- answers
    def policy(self) -> Policy:
        """The policy, complete and checked, of a valid form."""
        assert self._policy is not None
        return self._policy

    def answers(self) -> list[tuple[str, str]]:
        """Everything that was sent for the form's fields, to be sent again as it is."""
        assert isinstance(self.data, QueryDict)
        return [(name, str(value)) for name in self.fields for value in self.data.getlist(name)]

    @property
    def public_cap(self) -> str:
        """What public CAs give at most now, and soon."""
        return caps.public_words(datetime.now(UTC).date())

    @property
    def shortened(self) -> caps.Shortened | None:
        """What the issuer would be asked for today instead of the validity given; None when that is possible.

        Answers while other fields are still empty or wrong.
        """
        data = self.cleaned_data
        if not {"issuer", "purpose", "ekus", "validity_number", "validity_unit"} <= data.keys():
            return None
        other = data["purpose"] == OTHER
        ekus = data["ekus"] if other else PURPOSES[data["purpose"]].ekus
        asked = replace(
            self.base, ekus=ekus, validity=self._validity(), certificate_type=str(data.get("certificate_type") or "")
        )
        return caps.shortened(asked, self._own.get(data["issuer"]), datetime.now(UTC).date())

    @property
    def has_unused_usages(self) -> bool:
        """Whether key usages were named, and do not count because the purpose is not `other`."""
        data = self.cleaned_data
        return data["purpose"] != OTHER and bool(data["key_usage"] or data["ekus"])

    @property
    def opened(self) -> frozenset[str]:
        """The folded parts that show: something in them is wrong, or not as a new request has it."""
        usual = initial_from(FRESH)
        asked = {part for part, names in _FOLDED.items() if self.data.get("change") in names}
        return frozenset(asked).union(
            part for part, names in _FOLDED.items() if any(self._stands_out(name, usual) for name in names)
        )

    def refuse(self, error: VaultError) -> None:
        """Put what the vault refuses beside the field it is about."""
        field = getattr(error, "field", None)
        field = _FIELD_OF.get(field or "", field)
        self.add_error(field if field in self.fields else None, str(error))
        self.refusal = error

    # --------------------------------------------------------------- cleaning
    def clean_names(self) -> AlternativeNames:
        text: str = self.cleaned_data["names"]
        if len(text) > LONGEST_NAMES:
            message = (
                f"These names have {len(text)} characters; {LONGEST_NAMES} is the most. Ask for several certificates."
            )
            raise forms.ValidationError(message)
        self.read = read_names(text)
        problems = list(self.read.problems)
        if problems:
            more = len(problems) - MOST_PROBLEMS
            shown = problems[:MOST_PROBLEMS] + ([f"… and {more} more names cannot be used."] if more > 0 else [])
            raise forms.ValidationError([*shown])
        return self.read.names

    def clean_subject(self) -> str:
        subject: str = self.cleaned_data["subject"]
        try:
            parse_subject(subject)
        except BadParameter as error:
            raise forms.ValidationError(str(error)) from error
        return subject

    def clean_ekus(self) -> tuple[str, ...]:
        return read_ekus(self.cleaned_data["ekus"])

    def clean(self) -> None:
        self._refuse_repeated()
        if self.cleaned_data.get("no_subject") and self.cleaned_data.get("subject"):
            self.add_error("subject", "There is a subject, and “No subject” is ticked. Clear one of them.")
        self._check_when("renew", choices.RENEW)
        self._check_when("tell", choices.TELL)
        if not self.errors:
            try:
                self._policy = issuing.prepare(self.vault, self._read_policy())
            except BadParameter as error:
                self.refuse(error)

    def _refuse_repeated(self) -> None:
        several = {name for name, field in self.fields.items() if isinstance(field, forms.MultipleChoiceField)}
        for name in self.fields.keys() - several:
            if isinstance(self.data, QueryDict) and len(self.data.getlist(name)) > 1:
                self.add_error(name, "This was sent more than once, with one place for it. Fill it in once.")

    def _check_when(self, name: str, chosen: str) -> None:
        number = f"{name}_number"
        needed = self.cleaned_data.get("renewal") in {chosen, choices.BOTH}
        if needed and number in self.cleaned_data and self.cleaned_data[number] is None:
            self.add_error(number, "Say when: a share of the lifetime, like 80 %, or a number of days.")

    # ------------------------------------------------------------ the policy
    def _read_policy(self) -> Policy:
        data = self.cleaned_data
        key = self._key()
        names = self._names()
        usages, ekus = self._usages(key)
        return replace(
            self.base,
            key=key,
            content_type=data["content_type"],
            subject=self._subject(names),
            names=names,
            key_usage=usages,
            ekus=ekus,
            validity=self._validity(),
            issuer_name=data["issuer"],
            certificate_type=self._certificate_type(),
            lifetime_actions=self._lifetime_actions(),
        )

    def _key(self) -> KeyPolicy:
        data = self.cleaned_data
        return replace(choices.KEYS[data["key"]], exportable=data["exportable"], reuse=data["reuse"])

    def _names(self) -> AlternativeNames:
        if not self._touched("names", "keep_names"):
            return self.base.names
        written: AlternativeNames = self.cleaned_data["names"]
        keep = self.cleaned_data.get("keep_names", False)
        return texts.join_names(written, self.kept_names) if keep else written

    def _subject(self, names: AlternativeNames) -> str:
        data = self.cleaned_data
        if not self._touched("subject", "no_subject", "names", "keep_names"):
            return self.base.subject
        written: str = data["subject"]
        if written or data["no_subject"]:
            return written
        return texts.usual_subject(names)

    def _usages(self, key: KeyPolicy) -> tuple[tuple[str, ...], tuple[str, ...]]:
        data = self.cleaned_data
        same_key = key.kty == self.base.key.kty
        if not self._touched("purpose", "key_usage", "ekus") and (same_key or data["purpose"] == OTHER):
            return self.base.key_usage, self.base.ekus
        if data["purpose"] == OTHER:
            return tuple(sorted(data["key_usage"], key=KEY_USAGES.index)), data["ekus"]
        purpose = PURPOSES[data["purpose"]]
        return purpose.usages(key.kty), purpose.ekus

    def _validity(self) -> Validity:
        data = self.cleaned_data
        if data["validity_number"] is None:
            return choices.usual_validity(data["issuer"])
        return Validity(number=data["validity_number"], unit=data["validity_unit"])

    def _certificate_type(self) -> str:
        data = self.cleaned_data
        if data["issuer"] in self.types:
            return str(data["certificate_type"])
        return self.base.certificate_type if data["issuer"] == self.base.issuer_name else ""

    def _lifetime_actions(self) -> tuple[LifetimeAction, ...]:
        chosen = self.cleaned_data["renewal"]
        if chosen == choices.USUAL and self.brought:
            told = LifetimeActionType.EMAIL_CONTACTS
            return (LifetimeAction(action=told, lifetime_percentage=policies.DEFAULT_PERCENTAGE),)
        if chosen == choices.USUAL:
            return ()
        if not self._touched("renewal", "renew_number", "renew_unit", "tell_number", "tell_unit"):
            return self.base.lifetime_actions
        rules = []
        if chosen in {choices.RENEW, choices.BOTH}:
            rules.append(self._rule("renew", LifetimeActionType.AUTO_RENEW))
        if chosen in {choices.TELL, choices.BOTH}:
            rules.append(self._rule("tell", LifetimeActionType.EMAIL_CONTACTS))
        return tuple(rules)

    def _rule(self, name: str, action: LifetimeActionType) -> LifetimeAction:
        number = self.cleaned_data[f"{name}_number"]
        if self.cleaned_data[f"{name}_unit"] == choices.PERCENTAGE:
            return LifetimeAction(action=action, lifetime_percentage=number)
        return LifetimeAction(action=action, days_before_expiry=number)

    # --------------------------------------------------------------- changes
    def _touched(self, *names: str) -> bool:
        return any(_plain(self[name].data) != _plain(self.initial.get(name)) for name in names if name in self.fields)

    def _stands_out(self, name: str, usual: dict[str, Any]) -> bool:
        if name not in self.fields:
            return False
        return bool(self[name].errors) or _plain(self[name].value()) != _plain(usual.get(name))


_FOLDED = {
    "usages": ("key_usage", "ekus"),
    "subject": ("subject", "no_subject", "keep_names"),
    "key": ("key", "exportable", "reuse", "content_type"),
    "renewal": ("renewal", "renew_number", "renew_unit", "tell_number", "tell_unit"),
}


def _plain(value: Any) -> Any:
    """A field's value in a form that can be compared: text without its line ends, lists without their order."""
    match value:
        case None | False | "":
            return ""
        case True:
            return "on"
        case list() | tuple():
            return sorted(map(str, value))
        case _:
            return "\n".join(str(value).split("\n")).replace("\r", "").strip()
