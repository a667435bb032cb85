"""The form of an issuer, made from what its provider asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from django import forms
from django.forms import BoundField
from django.http import QueryDict

from portal.forms.fields import OneOf, Text
from portal.forms.lines import LineField
from vault.errors import BadParameter
from vault.lifecycle import configuring
from vault.lifecycle.configuring import BadValues, Given
from vault.models import Issuer
from vault.providers import values
from vault.providers.base import Administrator, FieldKind, FormField, Offer

Choices = Mapping[str, Sequence[tuple[str, str]]]
_PLAIN: Final = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
# So many characters of a choice fit into a narrow control.
_SHORT: Final = 26
_PEOPLE: Final = {
    "first_name": "First name",
    "last_name": "Last name",
    "email": "E-mail address",
    "phone": "Phone number",
}


class _SecretText(forms.Textarea):
    """Several lines that are typed and never shown again."""

    def format_value(self, value: Any) -> None:
        """Show nothing."""


@dataclass(frozen=True)
class Asked:
    """One field of the provider's form as it is shown; `forget` is the box that removes what is stored.

    `only_when` is the name of a control and the value that it must have; `condition` says the same in words.
    """

    field: BoundField
    forget: BoundField | None
    only_when: tuple[str, str] | None
    condition: str
    width: str

    @property
    def has_errors(self) -> bool:
        """Whether something is wrong with it."""
        return bool(self.field.errors)


class IssuerForm(forms.Form):
    """An issuer's values; of `issuer`, where it exists. Credentials are typed, never shown: a stored one stays.

    `choices` are what the CA offers for fields of the form; what it does not list can still be kept.
    """

    use_required_attribute = False

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        offer: Offer,
        issuer: Issuer | None = None,
        choices: Choices | None = None,
    ) -> None:
        self.offer, self.issuer = offer, issuer
        self.stored = configuring.stored_secrets(issuer) if issuer else frozenset()
        self.choices = choices or {}
        self._config = issuer.config if issuer else {}
        super().__init__(data)
        if issuer is None:
            self.fields["name"] = _name_field()
        else:
            hidden = forms.IntegerField(required=False, initial=issuer.revision, widget=forms.HiddenInput)
            self.fields["revision"] = hidden
        for one in offer.fields:
            self._add(one)
        if offer.administrator:
            self._add_person()

    # ------------------------------------------------------------------ shown
    @property
    def obvious(self) -> list[Asked]:
        """The fields that most people fill in."""
        return [self._asked(one) for one in self.offer.fields if not one.more]

    @property
    def more(self) -> list[Asked]:
        """The fields that few people need."""
        return [self._asked(one) for one in self.offer.fields if one.more]

    @property
    def more_is_open(self) -> bool:
        """Whether one of those has something to say: an error, or a value that is not the usual one."""
        usual = {one.name: one.default for one in self.offer.fields}
        return any(one.has_errors for one in self.more) or any(
            one.more and self._config.get(one.name, usual[one.name]) != usual[one.name] for one in self.offer.fields
        )

    @property
    def people(self) -> list[BoundField]:
        """The details of the person whom the CA may turn to."""
        return [self[f"administrator_{name}"] for name in _PEOPLE] if self.offer.administrator else []

    @property
    def has_secrets(self) -> bool:
        """Whether it asks for credentials."""
        return any(values.is_secret(one) for one in self.offer.fields)

    @property
    def dynamic(self) -> list[Asked]:
        """The fields for which the CA has offered choices."""
        return [self._asked(one) for one in self.offer.fields if one.name in self.choices]

    # ------------------------------------------------------------------ taken
    @property
    def given(self) -> Given:
        """What was filled in, once the form is valid."""
        cleaned = self.cleaned_data
        config, secrets = {}, {}
        for one in self.offer.fields:
            value = cleaned.get(_control(one))
            if values.is_secret(one):
                secrets[one.name] = value or ""
            else:
                config[one.name] = (values.YES if value else "") if one.kind is FieldKind.BOOLEAN else value or ""
        forgotten = {one.name for one in self.offer.fields if cleaned.get(f"forget_{one.name}")}
        return Given(
            provider=self.offer.key,
            config=config,
            secrets=secrets,
            forgotten=frozenset(forgotten),
            administrators=self._people(),
        )

    @property
    def revision(self) -> int:
        """The issuer as it was when the form was opened; 0 when that is not known."""
        return self.cleaned_data.get("revision") or 0

    def clean(self) -> dict[str, Any]:
        """Have the vault judge the whole, so that everything wrong is said at once."""
        cleaned = super().clean() or {}
        try:
            configuring.check_given(self.given, self.issuer)
        except BadValues as error:
            for name, words in error.problems.items():
                if not self.has_error(self._place(name)):
                    self.add_error(self._place(name), words)
        return cleaned

    def refuse(self, error: BadParameter) -> None:
        """Say what the vault refused, at its field."""
        name = self._place(error.field or "")
        self.add_error(name if name in self.fields else None, str(error))

    def clean_name(self) -> str:
        """Judge the name."""
        name: str = self.cleaned_data["name"]
        try:
            configuring.check_name(name)
        except BadParameter as error:
            raise forms.ValidationError(str(error), code="bad_name") from error
        return name

    # ------------------------------------------------------------------- made
    def _add(self, one: FormField) -> None:
        field = _field(one, self.choices.get(one.name, ()), self._current(one), is_stored=one.name in self.stored)
        if not values.is_secret(one):
            field.initial = self._config.get(one.name, one.default)
            if one.kind is FieldKind.BOOLEAN:
                field.initial = field.initial == values.YES
        self.fields[_control(one)] = field
        if one.name in self.stored and not one.required:
            label = f"Remove the stored {one.label}"
            self.fields[f"forget_{one.name}"] = forms.BooleanField(label=label, required=False)

    def _current(self, one: FormField) -> str:
        if self.is_bound:
            return str(self.data.get(_control(one), ""))[: values.MOST_IN_LINE]
        return str(self._config.get(one.name, one.default))

    def _add_person(self) -> None:
        people = self.issuer.administrators if self.issuer else []
        first = people[0] if people else {}
        for name, label in _PEOPLE.items():
            look = forms.TextInput(attrs={"autocomplete": "off", **({"inputmode": "email"} if name == "email" else {})})
            field = Text(label=label, may_be_empty=True, initial=first.get(name, ""), widget=look)
            self.fields[f"administrator_{name}"] = field

    def _people(self) -> list[Administrator]:
        """The first is what the form shows; others, which clients of the API have set, stay."""
        kept = [Administrator(**person) for person in self.issuer.administrators] if self.issuer else []
        if not self.offer.administrator:
            return kept
        first = kept[0] if kept else Administrator()
        typed = {name: self.cleaned_data.get(f"administrator_{name}") or "" for name in asdict(first)}
        return [replace(first, **typed), *kept[1:]]

    def _asked(self, one: FormField) -> Asked:
        forget = f"forget_{one.name}"
        controls = {other.name: other for other in self.offer.fields}
        only_when, condition = None, ""
        if one.only_when is not None:
            other, value = controls[one.only_when[0]], one.only_when[1]
            only_when, condition = (_control(other), value), _condition(other, value)
        return Asked(
            field=self[_control(one)],
            forget=self[forget] if forget in self.fields else None,
            only_when=only_when,
            condition=condition,
            width="" if _is_wide(one) else "m",
        )

    def _place(self, name: str) -> str:
        known = {one.name: one for one in self.offer.fields}
        if name in known:
            return _control(known[name])
        return name if name in self.fields else "__all__"


def _control(one: FormField) -> str:
    """The name of a field's control: “secret_password”, “value_address”."""
    return f"{'secret' if values.is_secret(one) else 'value'}_{one.name}"


def _is_wide(one: FormField) -> bool:
    """Whether its values need the whole line."""
    longest = max((len(label) for _, label in one.choices), default=0)
    return values.is_long(one) or one.kind in {FieldKind.ADDRESS, FieldKind.BOOLEAN} or longest > _SHORT


def _name_field() -> LineField:
    return LineField(
        label="Name",
        max_length=127,
        help_text="What requests and policies call it, such as digicert-ov. It cannot be changed later.",
        widget=forms.TextInput(attrs=_PLAIN),
        error_messages={
            "required": "Give it a name.",
            "max_length": "This name is too long: 127 characters at most.",
        },
    )


def _field(one: FormField, offered: Sequence[tuple[str, str]], current: str, *, is_stored: bool) -> forms.Field:
    common: dict[str, Any] = {"label": one.label, "help_text": one.help, "required": one.required}
    if values.is_secret(one):
        return _secret_field(one, common, is_stored=is_stored)
    if one.kind is FieldKind.BOOLEAN:
        return forms.BooleanField(**{**common, "required": False})
    if one.kind is FieldKind.CHOICE and not one.dynamic:
        blank = [] if one.required or "" in dict(one.choices) else [("", "Not set")]
        return OneOf(ask=f"Choose “{one.label}”.", choices=[*blank, *one.choices], **common)
    if offered:
        return _LooseChoice(choices=list(_with_current(one, offered, current)), **common, may_be_empty=True)
    if values.is_long(one):
        rows = 6 if one.kind is FieldKind.PEM else 3
        look: forms.Widget = forms.Textarea(attrs={**_PLAIN, "rows": rows, "data-code": True})
        return Text(widget=look, may_be_empty=True, **common)
    if one.kind is FieldKind.ADDRESS:
        look = forms.TextInput(attrs={**_PLAIN, "inputmode": "url"})
        return Text(widget=look, may_be_empty=True, **common)
    return Text(widget=forms.TextInput(attrs=_PLAIN), may_be_empty=True, **common)


def _secret_field(one: FormField, common: dict[str, Any], *, is_stored: bool) -> forms.Field:
    if is_stored:
        kept = "One is stored, and stays if this is left empty. It is never shown."
        common = {**common, "help_text": f"{one.help} {kept}".strip()}
    look = {**_PLAIN, "autocomplete": "new-password"}
    if values.is_long(one):
        return Text(widget=_SecretText(attrs={**look, "rows": 6, "data-code": True}), may_be_empty=True, **common)
    return Text(widget=forms.PasswordInput(attrs=look), may_be_empty=True, **common)


class _LooseChoice(Text):
    """One of those that the CA offers, or what stood there before."""

    def __init__(self, *, choices: Sequence[tuple[str, str]], **options: Any) -> None:
        super().__init__(widget=forms.Select(choices=choices), **options)


def _with_current(one: FormField, offered: Sequence[tuple[str, str]], current: str) -> Iterator[tuple[str, str]]:
    if not current or not one.required:
        yield "", "Choose one" if one.required else "Not set"
    if current and current not in {value for value, _ in offered}:
        yield current, f"{current} (not in the CA's list)"
    for value, label in offered:
        yield value, label if label == value or value in label else f"{label} ({value})"


def _condition(other: FormField, value: str) -> str:
    if other.kind is FieldKind.BOOLEAN:
        return f"Counts only with “{other.label}” ticked." if value else f"Counts only without “{other.label}”."
    shown = dict(other.choices).get(value, value)
    return f"Counts only with “{other.label}”: {shown}."
