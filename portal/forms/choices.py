"""What a policy's form offers to choose from, each with a plain sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from portal import usual
from portal.forms.fields import Card
from vault.models import Issuer, Vault
from vault.models.policy import PEM_FILE, PKCS12, SELF, UNKNOWN, KeyPolicy, Validity
from vault.providers import offer_of

KEYS = {
    key.title: key
    for key in (
        KeyPolicy(kty="EC", size=None, curve="P-256"),
        KeyPolicy(kty="RSA", size=2048),
        KeyPolicy(kty="RSA", size=3072),
        KeyPolicy(kty="RSA", size=4096),
        KeyPolicy(kty="EC", size=None, curve="P-384"),
        KeyPolicy(kty="EC", size=None, curve="P-521"),
        KeyPolicy(kty="EC", size=None, curve="P-256K"),
    )
}
_KEY_HINTS = {
    "EC P-256": "Fast, small, and understood by everything current. Right for most.",
    "RSA 2048": "For older software that does not know EC.",
    "RSA 3072": "RSA where 128 bits of security are asked for.",
    "RSA 4096": "Larger and slower; where a rule asks for it.",
    "EC P-384": "Stronger curve; where a rule asks for it.",
    "EC P-521": "Strongest curve; some software does not know it.",
    "EC P-256K": "secp256k1, for ledgers; browsers do not take it.",
}
KEY_CHOICES = [(title, Card(title, _KEY_HINTS[title])) for title in KEYS]

FORMAT_CHOICES = [
    (PKCS12, Card("PFX", "One file for Windows, Java and appliances (PKCS#12).")),
    (PEM_FILE, Card("PEM", "Text for nginx, Apache, HAProxy and most of Linux.")),
]
UNIT_CHOICES = [("months", "months"), ("days", "days")]

USUAL, RENEW, TELL, BOTH = "usual", "renew", "tell", "both"
RENEWAL_CHOICES = [
    (USUAL, Card("As usual", "At 80 % of its lifetime: automatically where the issuer can, else people are told.")),
    (RENEW, Card("Automatically", "A new version is made at the time you set.")),
    (TELL, Card("Tell people", "Someone asks for the new version; nothing happens automatically.")),
    (BOTH, Card("Both", "Renewed automatically, and people are told at a time of their own.")),
]
PERCENTAGE, DAYS = "percentage", "days"
WHEN_CHOICES = [(PERCENTAGE, "% of the lifetime has passed"), (DAYS, "days before it expires")]

_ISSUERS = {
    SELF: Card("Self-signed", "Signed with its own key. Browsers trust it only where they are told to.", "At once"),
    UNKNOWN: Card(
        "Another CA, by hand",
        "You get a signing request (CSR), take it to your CA, and bring the signed certificate back.",
        "As fast as your CA",
    ),
}
# Public CAs issue for 200 days at most since March 2026 (CA/Browser Forum ballot SC-081v3): six months always fit.
_OF_CAS = Validity(number=6, unit="months")
_PAUSED = {
    Issuer.Pause.CREDENTIALS: "It is paused until an administrator has given it credentials that work.",
    Issuer.Pause.RATE: "It has asked for a pause; requests wait for its end.",
}
_TYPES = {
    "OV-SSL": Card("OV", "The CA vouches for your organisation (organisation validation)."),
    "EV-SSL": Card("EV", "The CA vouches for your organisation after a closer look (extended validation)."),
}


def issuer_card(name: str) -> Card:
    """How an issuer is shown; those that a vault has of its own are shown by their names."""
    return _ISSUERS.get(name, Card(name))


def issuer_cards(issuers: list[Issuer]) -> list[tuple[str, Card]]:
    """The choices of issuers: the two that always exist, then a vault's own, with how long they usually take."""
    times = usual.times_of([issuer.pk for issuer in issuers]) if issuers else {}
    cards = [(name, issuer_card(name)) for name in _ISSUERS]
    for issuer in issuers:
        offer = offer_of(issuer.provider)
        hint = offer.title if offer else issuer.provider
        if issuer.is_paused:
            hint = f"{hint}. {_PAUSED[Issuer.Pause(issuer.pause)]}"
        meta = f"Usually {usual.words(times[issuer.pk])}" if issuer.pk in times else ""
        cards.append((issuer.name, Card(issuer.name, hint, meta)))
    return cards


def own_issuers(vault: Vault) -> list[Issuer]:
    """The issuers of a vault that take orders, by name."""
    return list(Issuer.objects.filter(vault=vault, enabled=True).light().order_by("name_key"))


def types_of(issuers: Iterable[Issuer]) -> dict[str, tuple[str, ...]]:
    """The certificate types, as the wire spells them, by the names of the issuers that have any."""
    offers = {issuer.name: offer_of(issuer.provider) for issuer in issuers}
    return {name: offer.certificate_types for name, offer in offers.items() if offer and offer.certificate_types}


def type_cards(types: Mapping[str, tuple[str, ...]]) -> list[tuple[str, Card]]:
    """The choices of types: none in particular, then every one that is offered."""
    known = dict.fromkeys(one for offered in types.values() for one in offered)
    return [(one, type_card(one)) for one in ("", *known)]


def type_words(types: Mapping[str, tuple[str, ...]]) -> str:
    """For which issuers a type counts."""
    names = [f"“{name}”" for name in types]
    listed = " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
    return f"Counts for {listed} only."


def type_card(certificate_type: str) -> Card:
    """How a certificate type is shown."""
    return _TYPES.get(certificate_type, Card(certificate_type or "As the issuer is set up"))


def usual_validity(issuer_name: str) -> Validity:
    """The validity to ask this issuer for when none is given."""
    return Validity(number=12, unit="months") if issuer_name == SELF else _OF_CAS
