"""Certificate signing requests (PKCS#10, RFC 2986)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtensionOID

from vault.errors import BadName, BadParameter, UnreadableFile
from vault.x509 import asn1
from vault.x509.extensions import subject_alternative_names
from vault.x509.keytypes import key_title, signing_hash, spki_sha256
from vault.x509.library import is_refusal, refusing
from vault.x509.subjects import format_subject, parse_subject
from vault.x509.types import PrivateKey
from vault.x509.visible import display, shown

if TYPE_CHECKING:
    from vault.models.policy import AlternativeNames

UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
KEY_USAGE_BITS = (
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
)


@dataclass(frozen=True, kw_only=True)
class CsrFacts:
    """What a request asks for. Text is made visible; `names` are (kind, value) as in a certificate's facts."""

    subject: str
    names: tuple[tuple[str, str], ...]
    key_title: str
    spki_sha256: str
    signature_ok: bool


def build_csr(
    *,
    subject: str,
    names: AlternativeNames,
    key_usage: Sequence[str],
    ekus: Sequence[str],
    key: PrivateKey,
) -> bytes:
    """A signed request as DER: key usage (critical), EKUs, names (critical without a subject), not a CA.

    Names must be clean already. The hash is as strong as the curve, SHA-256 for RSA and 256-bit curves.

    Raises:
        BadName: the subject or a name cannot stand in a request, or there is neither.
        BadParameter: field `key_usage` or `ekus`; a usage or OID that does not exist.
    """
    name = parse_subject(subject)
    if not list(name) and not names:
        raise BadName(
            "A certificate needs a subject or at least one name. Give one.",
            field="names",
        )
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    if key_usage:
        builder = builder.add_extension(_key_usage(key_usage), critical=True)
    if ekus:
        builder = builder.add_extension(_extended_key_usage(ekus), critical=False)
    if names:
        builder = builder.add_extension(_alternative_names(names), critical=not list(name))
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=False)
    with refusing(
        BadName(
            "The subject and names cannot be written into a request. Check them.",
            field="names",
        )
    ):
        return builder.sign(key, signing_hash(key)).public_bytes(serialization.Encoding.DER)


def csr_pem(der: bytes) -> str:
    """The request as PEM text (`CERTIFICATE REQUEST`, RFC 7468 §7)."""
    return load_csr(der).public_bytes(serialization.Encoding.PEM).decode()


def describe_csr(der: bytes) -> CsrFacts:
    """What a request asks for, and whether its signature shows that the asker held the key.

    Raises:
        UnreadableFile: not a DER request.
    """
    csr = load_csr(der)
    with refusing(_unreadable()):
        key = csr.public_key()
        names = subject_alternative_names(_extensions(csr))
        return CsrFacts(
            subject=display(format_subject(csr.subject)),
            names=tuple((kind, display(value)) for kind, value in names),
            key_title=key_title(key),
            spki_sha256=spki_sha256(key),
            signature_ok=_signature_ok(csr),
        )


def load_csr(der: bytes) -> x509.CertificateSigningRequest:
    """The library's object for a DER request; UnreadableFile if it is none."""
    with refusing(_unreadable()):
        return x509.load_der_x509_csr(der)


def _unreadable() -> UnreadableFile:
    return UnreadableFile(
        "This is not a certificate request that can be read. Send a PKCS#10 request.",
        field="csr",
    )


def _extensions(csr: x509.CertificateSigningRequest) -> list[asn1.Extension]:
    return asn1.request_extensions(csr.tbs_certrequest_bytes)


def _signature_ok(csr: x509.CertificateSigningRequest) -> bool:
    try:
        return csr.is_signature_valid
    except BaseException as error:
        if not is_refusal(error):
            raise
        return False


def _key_usage(usages: Sequence[str]) -> x509.UnrecognizedExtension:
    """KeyUsage written by hand (RFC 5280 §4.2.1.3): the library refuses decipherOnly without keyAgreement."""
    unknown = [usage for usage in usages if usage not in KEY_USAGE_BITS]
    if unknown:
        sentence = f"“{shown(unknown[0])}” is not a key usage. Use one of {', '.join(KEY_USAGE_BITS)}."
        raise BadParameter(sentence, field="key_usage")
    bits = {KEY_USAGE_BITS.index(usage) for usage in usages}
    octets = bytearray(max(bits) // 8 + 1)
    for bit in bits:
        octets[bit // 8] |= 0x80 >> bit % 8
    unused = 7 - max(bits) % 8
    value = asn1.encode(asn1.BIT_STRING, bytes([unused]) + octets)
    return x509.UnrecognizedExtension(ExtensionOID.KEY_USAGE, value)


def _extended_key_usage(ekus: Sequence[str]) -> x509.ExtendedKeyUsage:
    usages = []
    for eku in ekus:
        sentence = f"“{shown(eku)}” is not an object identifier. Write it like 1.3.6.1.5.5.7.3.1."
        with refusing(BadParameter(sentence, field="ekus")):
            usages.append(x509.ObjectIdentifier(eku))
    return x509.ExtendedKeyUsage(usages)


def _alternative_names(names: AlternativeNames) -> x509.SubjectAlternativeName:
    with refusing(
        BadName(
            "One of the names cannot be written into a request. Check them.",
            field="names",
        )
    ):
        return x509.SubjectAlternativeName([_general_name(kind, value) for kind, value in names.pairs()])


def _general_name(kind: str, value: str) -> x509.GeneralName:
    match kind:
        case "dns":
            return x509.DNSName(value)
        case "email":
            return x509.RFC822Name(value)
        case "uri":
            return x509.UniformResourceIdentifier(value)
        case "ip":
            return x509.IPAddress(ipaddress.ip_address(value))
        case _:
            return x509.OtherName(UPN, asn1.encode(asn1.UTF8, value.encode()))
