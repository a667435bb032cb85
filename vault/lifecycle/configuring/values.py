"""What an issuer is to be, and what of it is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from django.conf import settings

from vault.errors import BadName, BadParameter
from vault.lifecycle import issuers
from vault.models import Issuer
from vault.models.certificate import NAME
from vault.models.policy import SELF, UNKNOWN
from vault.providers import offer_of, values
from vault.providers.base import AddressRules, Administrator, FieldKind, FormField, Offer
from vault.x509.namechecks import email_address
from vault.x509.visible import is_plain, shown

# What the key vault's wire can say, by the names of the form; of an unknown provider nothing else is kept.
ON_WIRE = frozenset({"account_id", "organisation_id", "password"})
ADMINISTRATORS = "administrators"
_MOST_ADMINISTRATORS = 20
_LONGEST = 200


class BadValues(BadParameter):
    """Some values of an issuer are not valid: `problems` are sentences by the names of the form's fields."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        name, words = next(iter(problems.items()))
        super().__init__(words, field=name)
        self.problems = dict(problems)


@dataclass(frozen=True, kw_only=True)
class Given:
    """What an issuer is to be, by the names of its provider's form.

    `secrets` are those that were typed anew; stored ones stay unless `forgotten` names them. `loosely`: what the wire
    can say may be missing still, as clients bring it bit by bit.
    """

    provider: str
    config: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    forgotten: frozenset[str] = frozenset()
    administrators: Sequence[Administrator] = ()
    loosely: bool = False


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Values that may be stored."""

    provider: str
    config: dict[str, str]
    secrets: dict[str, str] = field(repr=False)
    administrators: list[dict[str, str]]


def check_name(name: str) -> None:
    """Refuse what cannot be an issuer's name. Raises BadName."""
    if not NAME.match(name):
        message = f"“{shown(name)}” cannot be an issuer's name. Use 1 to 127 letters, digits and hyphens."
        raise BadName(message, field="name")
    if name.lower() in {SELF.lower(), UNKNOWN.lower()}:
        message = f"“{name}” always exists and is nobody's to set up. Choose another name."
        raise BadName(message, field="name")


def rules() -> AddressRules:
    """The addresses that this portal's settings allow."""
    return AddressRules(loopback=settings.CA_LOOPBACK, networks=tuple(settings.CA_NETWORKS))


def stored_secrets(issuer: Issuer) -> frozenset[str]:
    """The names of the credentials that an issuer has. Raises RingError."""
    return frozenset(name for name, value in issuers.open_secrets(issuer).items() if value)


def check_given(given: Given, issuer: Issuer | None = None) -> Checked:
    """Put together what is given and what `issuer` has already; the whole is what would be stored.

    Stored credentials stay only while they go where they went before, to whom they went: whoever may set an address
    could otherwise read them there.

    Raises:
        BadValues: something is not valid, is missing, or has to be typed again.
        RingError: stored credentials do not open.
    """
    offer = offer_of(given.provider)
    stored = issuers.open_secrets(issuer) if issuer else {}
    if offer is None:
        return _check_unknown(given, issuer, stored)
    config = values.completed(offer, given.config)
    names = {one.name for one in values.asked_for(offer, given.config) if values.is_secret(one)}
    kept = {name: value for name, value in stored.items() if name in names - given.forgotten and value}
    typed = {name: value for name, value in given.secrets.items() if name in names and value}
    found = {
        **_again(kept.keys() - typed.keys(), offer, config, issuer),
        **values.problems(offer, config, {**kept, **typed}, rules()),
        **_check_people(offer, given),
    }
    if given.loosely:
        gaps = {one.name for one in values.lacking(offer, config, {**kept, **typed})} & ON_WIRE
        found = {name: words for name, words in found.items() if name not in gaps}
    if found:
        raise BadValues(found)
    people = [asdict(person) for person in given.administrators]
    return Checked(provider=offer.key, config=config, secrets={**kept, **typed}, administrators=people)


def _again(names: set[str], offer: Offer, config: Mapping[str, str], issuer: Issuer | None) -> dict[str, str]:
    """Stored credentials that would go to another place than before, and have to be typed again."""
    if issuer is None or not names:
        return {}
    labels = {one.name: one.label for one in offer.fields}
    if issuer.provider != offer.key:
        why = f"would be sent to {offer.title}"
    elif moved := _moved(offer, config, issuer.config):
        is_address = any(one.kind is FieldKind.ADDRESS for one in moved)
        why = "would be sent to the new address" if is_address else f"was given before “{moved[0].label}” was changed"
    else:
        return {}
    return {
        name: f"“{labels[name]}” {why}. Give it again: what is stored stays with what it was for."
        for name in sorted(names)
    }


def _moved(offer: Offer, config: Mapping[str, str], before: Mapping[str, str]) -> list[FormField]:
    """The fields that steer credentials and were added, removed or changed."""
    old, new = values.steering(offer, before), values.steering(offer, config)
    return [one for one in offer.fields if old.get(one.name) != new.get(one.name)]


def _check_unknown(given: Given, issuer: Issuer | None, stored: Mapping[str, str]) -> Checked:
    """A provider that this portal does not speak to: kept as clients set it, and unable to issue."""
    if not given.provider or len(given.provider) > 64 or not is_plain(given.provider):
        message = "The provider has 1 to 64 characters that can be seen."
        raise BadValues({"provider": message})
    moved = issuer is not None and issuer.provider.lower() != given.provider.lower()
    kept = {name: value for name, value in stored.items() if name in ON_WIRE - given.forgotten and value}
    secrets = {name: value for name, value in given.secrets.items() if name in ON_WIRE and value}
    if moved and kept.keys() - secrets.keys():
        raise BadValues({"password": f"The password would go to {shown(given.provider)}. Give it again."})
    config = {name: value for name, value in given.config.items() if name in ON_WIRE and value}
    found = {name: "This is too long." for name, value in config.items() if len(value) > values.MOST_IN_LINE}
    if found := {**found, **_check_people(None, given)}:
        raise BadValues(found)
    people = [asdict(person) for person in given.administrators]
    return Checked(provider=given.provider, config=config, secrets={**kept, **secrets}, administrators=people)


def _check_people(offer: Offer | None, given: Given) -> dict[str, str]:
    people = list(given.administrators)
    if len(people) > _MOST_ADMINISTRATORS:
        return {ADMINISTRATORS: f"These are {len(people)} administrators. Keep at most {_MOST_ADMINISTRATORS}."}
    found = {}
    if offer is not None and offer.administrator and not given.loosely:
        first = asdict(people[0]) if people else asdict(Administrator())
        found = {f"administrator_{name}": _PERSON[name] for name, value in first.items() if not value}
    for number, person in enumerate(people):
        for name, value in asdict(person).items():
            if words := _wrong_detail(name, value):
                found[f"administrator_{name}" if number == 0 else ADMINISTRATORS] = words
    return found


_PERSON = {
    "first_name": "The CA asks for a first name. Fill it in.",
    "last_name": "The CA asks for a last name. Fill it in.",
    "email": "The CA asks for an e-mail address. Fill it in.",
    "phone": "The CA asks for a phone number. Fill it in.",
}


def _wrong_detail(name: str, value: str) -> str:
    if len(value) > _LONGEST or not is_plain(value):
        return f"“{shown(value)}” is too long or holds characters that cannot be seen. Type it again by hand."
    if name == "email" and value:
        try:
            email_address(value)
        except BadParameter as error:
            return str(error)
    return ""
