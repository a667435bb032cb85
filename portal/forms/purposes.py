"""What a certificate is for, and the key usages and extended key usages that follow from it."""

from __future__ import annotations

from dataclasses import dataclass

from portal.forms.fields import Card
from vault.models.policy import CLIENT_AUTH, KEY_USAGES, SERVER_AUTH, Policy

EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4"
OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Purpose:
    """A purpose in the words of people. Only RSA keys encipher a session key; EC keys agree on one (RFC 8813 §3)."""

    card: Card
    ekus: tuple[str, ...]
    rsa: tuple[str, ...] = ("digitalSignature", "keyEncipherment")
    ec: tuple[str, ...] = ("digitalSignature",)

    def usages(self, kty: str) -> tuple[str, ...]:
        """The key usages for a key of this type, RSA or EC."""
        return self.rsa if kty == "RSA" else self.ec


PURPOSES = {
    "server": Purpose(card=Card("Web server", "HTTPS and other TLS servers."), ekus=(SERVER_AUTH,)),
    "client": Purpose(
        card=Card("Client or device", "Proves who connects: mutual TLS, VPN, Wi-Fi."),
        ekus=(CLIENT_AUTH,),
        rsa=("digitalSignature",),
    ),
    "both": Purpose(card=Card("Server and client", "Services that call each other."), ekus=(SERVER_AUTH, CLIENT_AUTH)),
    "email": Purpose(
        card=Card("E-mail (S/MIME)", "Signs and encrypts mail of the addresses below."),
        ekus=(EMAIL_PROTECTION,),
        ec=("digitalSignature", "keyAgreement"),
    ),
}
PURPOSE_CHOICES = [
    *((name, purpose.card) for name, purpose in PURPOSES.items()),
    (OTHER, Card("Other", "You name the key usages yourself.")),
]
USAGE_CHOICES = [
    ("digitalSignature", Card("Digital signature", "Signing handshakes and data")),
    ("nonRepudiation", Card("Non-repudiation", "Signatures that bind a person")),
    ("keyEncipherment", Card("Key encipherment", "RSA key exchange")),
    ("dataEncipherment", Card("Data encipherment", "Encrypting data directly; rare")),
    ("keyAgreement", Card("Key agreement", "EC key exchange")),
    ("keyCertSign", Card("Certificate signing", "For CAs")),
    ("cRLSign", Card("CRL signing", "For CAs")),
    ("encipherOnly", Card("Encipher only", "With key agreement")),
    ("decipherOnly", Card("Decipher only", "With key agreement")),
]
# The words that OpenSSL and many manuals use for extended key usages.
EKU_WORDS = {
    "serverauth": SERVER_AUTH,
    "clientauth": CLIENT_AUTH,
    "codesigning": "1.3.6.1.5.5.7.3.3",
    "emailprotection": EMAIL_PROTECTION,
    "timestamping": "1.3.6.1.5.5.7.3.8",
    "ocspsigning": "1.3.6.1.5.5.7.3.9",
    "anyextendedkeyusage": "2.5.29.37.0",
}
_EKU_TITLES = {
    SERVER_AUTH: "TLS server",
    CLIENT_AUTH: "TLS client",
    "1.3.6.1.5.5.7.3.3": "Code signing",
    EMAIL_PROTECTION: "E-mail protection",
    "1.3.6.1.5.5.7.3.8": "Time stamping",
    "1.3.6.1.5.5.7.3.9": "OCSP signing",
    "2.5.29.37.0": "Any purpose",
}


def purpose_of(policy: Policy) -> str:
    """The purpose whose usages a policy has exactly, else `other`."""
    for name, purpose in PURPOSES.items():
        same_usages = set(purpose.usages(policy.key.kty)) == set(policy.key_usage)
        if same_usages and set(purpose.ekus) == set(policy.ekus):
            return name
    return OTHER


def read_ekus(text: str) -> tuple[str, ...]:
    """Extended key usages, separated by lines, commas or spaces, as OIDs or in OpenSSL's words; each once."""
    words = text.replace(",", " ").replace(";", " ").split()
    return tuple(dict.fromkeys(EKU_WORDS.get(word.lower(), word) for word in words))


def usage_titles(policy: Policy) -> list[str]:
    """A policy's key usages in words."""
    titles = {name: str(card) for name, card in USAGE_CHOICES}
    return [titles.get(usage, usage) for usage in sorted(policy.key_usage, key=_place)]


def eku_titles(policy: Policy) -> list[str]:
    """A policy's extended key usages in words, with the OID where there are none."""
    return [_EKU_TITLES.get(eku, eku) for eku in policy.ekus]


def _place(usage: str) -> int:
    return KEY_USAGES.index(usage) if usage in KEY_USAGES else len(KEY_USAGES)
