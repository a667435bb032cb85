"""The values of an offer's form: which are asked for, which are missing, and what they may hold."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

from vault.providers.base import AddressRules, FieldKind, FormField, Offer
from vault.x509.visible import is_plain, shown

YES: Final = "yes"
_LONG: Final = frozenset({FieldKind.LINES, FieldKind.PEM})
MOST_IN_LINE, MOST_IN_LINES = 1000, 50_000


def is_secret(field: FormField) -> bool:
    """Whether a field's value is sealed and never shown again."""
    return field.secret or field.kind is FieldKind.SECRET


def is_long(field: FormField) -> bool:
    """Whether a field's value has several lines."""
    return field.kind in _LONG


def asked_for(offer: Offer, config: Mapping[str, str]) -> tuple[FormField, ...]:
    """The fields that count with these values: the others depend on something that was not chosen."""
    known = {field.name: field for field in offer.fields}

    def counts(field: FormField) -> bool:
        if field.only_when is None:
            return True
        other = known[field.only_when[0]]
        return counts(other) and config.get(other.name, other.default) == field.only_when[1]

    return tuple(field for field in offer.fields if counts(field))


def completed(offer: Offer, config: Mapping[str, str]) -> dict[str, str]:
    """The values that count and are no secrets; what was not given has its default."""
    fields = asked_for(offer, config)
    return {field.name: config.get(field.name, field.default) for field in fields if not is_secret(field)}


def steering(offer: Offer, config: Mapping[str, str]) -> dict[str, str]:
    """Where an issuer with these values sends its credentials and whom it trusts with them, by the names of fields."""
    values = completed(offer, config)
    names = {field.name for field in offer.fields if field.steers or field.kind is FieldKind.ADDRESS}
    return {name: value for name, value in values.items() if name in names}


def problems(
    offer: Offer, config: Mapping[str, str], secrets: Mapping[str, str], rules: AddressRules
) -> dict[str, str]:
    """What is wrong with an issuer's values, as sentences by the names of fields; empty when nothing is.

    Secrets are judged by their shape and never quoted.
    """
    return dict(_problems(offer, config, secrets, rules))


def lacking(offer: Offer, config: Mapping[str, str], secrets: Mapping[str, str]) -> tuple[FormField, ...]:
    """The fields that have no value and need one; a box that is required has to be ticked."""
    values = {**completed(offer, config), **secrets}
    return tuple(field for field in asked_for(offer, config) if field.required and not values.get(field.name))


def _problems(
    offer: Offer, config: Mapping[str, str], secrets: Mapping[str, str], rules: AddressRules
) -> Iterator[tuple[str, str]]:
    missing = lacking(offer, config, secrets)
    values = {**completed(offer, config), **secrets}
    for field in asked_for(offer, config):
        value = values.get(field.name, "")
        if field in missing:
            is_box = field.kind is FieldKind.BOOLEAN
            yield field.name, f"“{field.label}” {'is needed. Tick it' if is_box else 'is empty. Fill it in'}."
        elif value and (words := _wrong_shape(field, value) or _wrong_value(field, value, rules)):
            yield field.name, words


def _wrong_shape(field: FormField, value: str) -> str:
    most = MOST_IN_LINES if is_long(field) else MOST_IN_LINE
    if len(value) > most:
        return f"“{field.label}” is too long: {most} characters at most."
    lines = value.splitlines() if is_long(field) else [value]
    if not all(is_plain(line.replace("\t", " ")) for line in lines):
        return f"“{field.label}” holds characters that cannot be seen. Type it again by hand."
    return ""


def _wrong_value(field: FormField, value: str, rules: AddressRules) -> str:
    match field.kind:
        case FieldKind.ADDRESS:
            return wrong_address(value, rules)
        case FieldKind.CHOICE if not field.dynamic and value not in {one for one, _ in field.choices}:
            return f"“{shown(value)}” is not one of the choices. Choose one that is shown."
        case FieldKind.BOOLEAN if value != YES:
            return f"“{shown(value)}” does not fit here. Tick it or leave it."
        case FieldKind.PEM if "-----BEGIN " not in value:
            return f"“{field.label}” is not PEM text: there is no line that starts with -----BEGIN."
        case _:
            return ""


def wrong_address(value: str, rules: AddressRules) -> str:
    """Say what is wrong with an address as text; what it leads to is checked when it is called. Empty when nothing."""
    example = "Write it like https://ca.example.org."
    try:
        parts = urlsplit(value)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return f"“{shown(value)}” is not an address. {example}"
    if not is_whole or "\\" in value or " " in value or parts.query or parts.fragment:
        return f"“{shown(value)}” is not an address. {example}"
    if parts.username is not None or parts.password is not None:
        return f"This address holds a user name or a password. Leave out what stands before the @. {example}"
    if parts.scheme == "https" or (parts.scheme == "http" and rules.loopback and _is_loopback(parts)):
        return ""
    return f"“{shown(value)}” does not begin with https://. Credentials are sent over https only. {example}"


def _is_loopback(parts: SplitResult) -> bool:
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname == "localhost"
