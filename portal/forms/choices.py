"""What a policy's form offers to choose from, each with a plain sentence."""

from __future__ import annotations

from portal.forms.fields import Card
from vault.models.policy import PEM_FILE, PKCS12, SELF, UNKNOWN, KeyPolicy, Validity

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
# Public CAs issue for 200 days at most since March 2026 (CA/Browser Forum ballot SC-081v3).
_USUAL_VALIDITY = {UNKNOWN: Validity(number=6, unit="months")}


def issuer_card(name: str) -> Card:
    """How an issuer is shown; those that a vault has of its own are shown by their names."""
    return _ISSUERS.get(name, Card(name))


def usual_validity(issuer_name: str) -> Validity:
    """The validity to ask this issuer for when none is given."""
    return _USUAL_VALIDITY.get(issuer_name, Validity(number=12, unit="months"))
