"""Certificates and policies in words. Only pages of one certificate read X.509; lists show columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from vault.models import Version
from vault.models.policy import (
    CLIENT_AUTH,
    PKCS12,
    SELF,
    SERVER_AUTH,
    UNKNOWN,
    LifetimeAction,
    LifetimeActionType,
    Policy,
)
from vault.x509 import certificates
from vault.x509.certificates import ExtensionText

SOON = timedelta(days=30)
_USAGES = {
    "digitalSignature": "Digital signature",
    "nonRepudiation": "Non-repudiation",
    "keyEncipherment": "Key encipherment",
    "dataEncipherment": "Data encipherment",
    "keyAgreement": "Key agreement",
    "keyCertSign": "Certificate signing",
    "cRLSign": "CRL signing",
    "encipherOnly": "Encipher only",
    "decipherOnly": "Decipher only",
}
_EKUS = {
    SERVER_AUTH: "TLS server",
    CLIENT_AUTH: "TLS client",
    "1.3.6.1.5.5.7.3.3": "Code signing",
    "1.3.6.1.5.5.7.3.4": "E-mail protection",
    "1.3.6.1.5.5.7.3.8": "Time stamping",
    "1.3.6.1.5.5.7.3.9": "OCSP signing",
}
_KINDS = {"dns": "", "email": "e-mail ", "upn": "UPN ", "uri": "URI ", "ip": "IP "}


@dataclass(frozen=True, kw_only=True)
class Link:
    """One certificate of a chain."""

    subject: str
    issuer: str
    not_after: datetime
    thumbprint_sha256: str
    is_root: bool


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a version's certificate says: its names as (kind, value), key, signature, extensions; and its chain."""

    names: tuple[tuple[str, str], ...]
    key: str
    spki_sha256: str
    signature_hash: str
    is_self_signed: bool
    extensions: tuple[ExtensionText, ...]
    chain: tuple[Link, ...]


def contents(version: Version) -> Contents:
    """Parse a version's certificate and chain."""
    der = bytes(version.der)
    facts = certificates.facts(der)
    return Contents(
        names=names(facts.names),
        key=facts.key_title,
        spki_sha256=facts.spki_sha256,
        signature_hash=facts.signature_hash.upper().replace("SHA", "SHA-"),
        is_self_signed=facts.self_signed,
        extensions=tuple(certificates.describe(der)),
        chain=tuple(_link(one) for one in certificates.split_pem(version.chain)),
    )


def names(found: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Names as (kind in words, value); a host name's kind goes without saying."""
    return tuple((_KINDS.get(kind, f"{kind} ").strip(), value) for kind, value in found)


def version_state(version: Version) -> str:
    """The word for components/status.html: revoked, revoking, enabled, disabled, expiring or expired."""
    if version.revocation:
        return "revoked" if version.revocation == Version.Revocation.REVOKED else "revoking"
    if version.has_expired:
        return "expired"
    if not version.enabled:
        return "disabled"
    return "expiring" if version.not_after <= timezone.now() + SOON else "enabled"


def _link(der: bytes) -> Link:
    facts = certificates.facts(der)
    return Link(
        subject=facts.subject,
        issuer=facts.issuer,
        not_after=facts.not_after,
        thumbprint_sha256=facts.thumbprint_sha256,
        is_root=facts.self_signed,
    )


def policy_rows(policy: Policy, *, brought: bool = False, shortened: str = "") -> list[tuple[str, list[str]]]:
    """A policy as names and lines of text, in the order of the request form.

    `brought` when its key was never here; `shortened` says what is ordered instead of its validity.
    """
    key = policy.key
    again = "the same key in each version" if key.reuse else "a new key each time"
    where = "Can be downloaded" if key.exportable else "Never leaves the vault"
    return [
        ("Subject", [policy.subject or "None: the names alone say what it is for"]),
        ("Alternative names", [f"{_KINDS.get(kind, '')}{value}" for kind, value in policy.names.pairs()] or ["None"]),
        ("Extended key usages", [_EKUS.get(eku, eku) for eku in policy.ekus] or ["Any"]),
        ("Key usages", [", ".join(_USAGES.get(usage, usage) for usage in policy.key_usage) or "Any"]),
        ("Issuer", [issuer_title(policy.issuer_name, policy.certificate_type)]),
        ("Valid for", list(filter(None, [str(policy.validity), shortened]))),
        ("Key", [key.title if brought else f"{key.title}, {again}"]),
        ("Private key", ["Not in this vault" if brought else where]),
        *([] if brought else [("Format", ["PFX" if policy.content_type == PKCS12 else "PEM"])]),
        ("Renewal", [_rule(rule) for rule in policy.lifetime_actions] or ["Nothing happens automatically"]),
    ]


def issuer_title(name: str, certificate_type: str = "") -> str:
    """An issuer's name for a page, with the type of certificate if one is given; the two that always exist in words."""
    title = {SELF: "Self-signed", UNKNOWN: "Another CA, by hand"}.get(name, name)
    return f"{title}, {certificate_type}" if certificate_type else title


def _rule(rule: LifetimeAction) -> str:
    renews = rule.action == LifetimeActionType.AUTO_RENEW
    what = "Renewed automatically" if renews else "People are told"
    if rule.lifetime_percentage is not None:
        return f"{what} at {rule.lifetime_percentage} % of its lifetime"
    return f"{what} {rule.days_before_expiry} days before it expires"
