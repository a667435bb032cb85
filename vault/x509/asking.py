"""What one would have to ask for to get a certificate like this one: its facts in a policy's terms.

What a policy could not ask for again is left out, each with a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from vault.errors import BadName, UnreadableFile
from vault.models.policy import AlternativeNames
from vault.x509 import asn1, extensions
from vault.x509.certificates import load
from vault.x509.keytypes import CURVE_NAMES, certificate_key
from vault.x509.library import refusing
from vault.x509.namechecks import CHECKS
from vault.x509.names import MAX_NAMES, group_names
from vault.x509.requests import KEY_USAGE_BITS
from vault.x509.subjects import MAX_SUBJECT, format_subject, parse_subject
from vault.x509.visible import shown

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

RSA_SIZES = (2048, 3072, 4096)
_MOST_EKUS = 50
_MOST_NAMED = 5
_PLAIN_OID = re.compile(r"[0-2](\.[0-9]{1,16}){1,30}")
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A certificate in a policy's terms. `kty` is None for keys that no policy can ask for; `days` is at least 1."""

    subject: str
    names: AlternativeNames
    kty: Literal["RSA", "EC"] | None
    size: int | None
    curve: str | None
    key_usage: tuple[str, ...]
    ekus: tuple[str, ...]
    days: int
    left_out: tuple[str, ...] = ()


def what_was_asked(der: bytes) -> Asked:
    """Read a certificate back as what would be asked for; everything in the answer passes the checks of a policy.

    Raises:
        UnreadableFile: not a certificate.
    """
    certificate = load(der)
    with refusing(UnreadableFile("This certificate is damaged and cannot be read. Ask for it again.", field="file")):
        found = asn1.certificate_extensions(certificate.tbs_certificate_bytes)
        subject, without = _subject(certificate.subject)
        names, refused = _names(extensions.subject_alternative_names(found))
    kty, size, curve = key_terms(certificate_key(certificate))
    return Asked(
        subject=subject,
        names=names,
        kty=kty,
        size=size,
        curve=curve,
        key_usage=_key_usage(found),
        ekus=_ekus(found),
        days=_days(certificate),
        left_out=(*without, *refused),
    )


def key_terms(
    key: CertificatePublicKeyTypes | None,
) -> tuple[Literal["RSA", "EC"] | None, int | None, str | None]:
    """Kind, size in bits and curve, as a policy names them; three times None for a key no policy can ask for."""
    if isinstance(key, rsa.RSAPublicKey) and key.key_size in RSA_SIZES:
        return "RSA", key.key_size, None
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in CURVE_NAMES:
        return "EC", None, CURVE_NAMES[key.curve.name]
    return None, None, None


def _subject(name: x509.Name) -> tuple[str, list[str]]:
    """The subject as text that a policy takes, without the parts that it cannot hold."""
    whole = format_subject(name)
    if _is_subject(whole):
        return whole, []
    kept = x509.Name([rdn for rdn in name.rdns if _is_subject(format_subject(x509.Name([rdn])))])
    while len(format_subject(kept)) > MAX_SUBJECT:
        kept = x509.Name(kept.rdns[1:])  # the common name is the last of the DER
    text = format_subject(kept)
    return text, [f"The subject “{shown(whole)}” cannot be asked for as it is; “{shown(text)}” is kept."]


def _is_subject(text: str) -> bool:
    try:
        parse_subject(text)
    except BadName:
        return False
    return True


def _names(pairs: Iterable[tuple[str, str]]) -> tuple[AlternativeNames, list[str]]:
    kept: dict[tuple[str, str], None] = {}
    refused = []
    for kind, value in pairs:
        clean = _clean(kind, value)
        if clean is None:
            refused.append(value)
        else:
            kept[kind, clean] = None
    sentences = [f"Names that cannot be asked for stay out of the policy: {_listed(refused)}."] if refused else []
    if len(kept) > MAX_NAMES:
        sentences.append(f"A policy holds {MAX_NAMES} names; the other {len(kept) - MAX_NAMES} stay out of it.")
    return group_names(list(kept)[:MAX_NAMES]), sentences


def _clean(kind: str, value: str) -> str | None:
    try:
        return CHECKS[kind](value) if kind in CHECKS else None
    except BadName:
        return None


def _listed(values: list[str]) -> str:
    text = ", ".join(shown(value) for value in values[:_MOST_NAMED])
    return text if len(values) <= _MOST_NAMED else f"{text} and {len(values) - _MOST_NAMED} more"


def _key_usage(found: list[asn1.Extension]) -> tuple[str, ...]:
    value = extensions.find(found, extensions.KEY_USAGE)
    try:
        bits = asn1.bits(asn1.read(value)) if value else []
    except ValueError:
        bits = []
    return tuple(KEY_USAGE_BITS[bit] for bit in bits if bit < len(KEY_USAGE_BITS))


def _ekus(found: list[asn1.Extension]) -> tuple[str, ...]:
    usages = dict.fromkeys(extensions.extended_key_usages(found))
    return tuple(eku for eku in usages if _PLAIN_OID.fullmatch(eku))[:_MOST_EKUS]


def _days(certificate: x509.Certificate) -> int:
    """Whole days, to the nearest: both ends belong to the validity (RFC 5280 §4.1.2.5), and CAs backdate a little."""
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc + timedelta(seconds=1)
    return max(1, round(lifetime / _DAY))
