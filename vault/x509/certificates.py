"""X.509 certificates (RFC 5280): making self-signed ones, and the facts of any."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from vault.errors import BadCertificate, UnreadableFile
from vault.x509 import asn1, extensions
from vault.x509.describing import ExtensionText, read_extension
from vault.x509.keytypes import (
    certificate_key,
    certificate_spki_sha256,
    key_title,
    signing_hash,
    spki_sha256,
)
from vault.x509.library import is_refusal, refusing
from vault.x509.requests import load_csr
from vault.x509.subjects import format_subject
from vault.x509.types import PrivateKey
from vault.x509.visible import display

__all__ = [
    "CertificateFacts",
    "ExtensionText",
    "describe",
    "describe_key",
    "facts",
    "is_self_signed",
    "issuer_sha256",
    "load",
    "pem",
    "public_key_of",
    "self_sign",
    "spki_sha256",
    "split_pem",
    "subject_sha256",
]

_SERIAL_BITS = 128
# No CA has a longer key or exponent, and checking one signature with them takes up to 10 ms.
_LONGEST_MODULUS, _LONGEST_EXPONENT = 8192, 33
_KEY_IDENTIFIERS = (
    extensions.SUBJECT_KEY_IDENTIFIER,
    extensions.AUTHORITY_KEY_IDENTIFIER,
)


@dataclass(frozen=True, kw_only=True)
class CertificateFacts:
    """A certificate's parsed columns. Hexadecimal digits are lower case, times UTC, text made visible.

    `names` are (kind, value): `dns`, `email`, `upn`, `uri`, `ip`, else `dirname`, `rid` or `other`.
    """

    serial: str
    thumbprint_sha1: str
    thumbprint_sha256: str
    subject: str
    common_names: tuple[str, ...]
    issuer: str
    not_before: datetime
    not_after: datetime
    names: tuple[tuple[str, str], ...]
    spki_sha256: str
    key_title: str
    signature_hash: str
    is_ca: bool
    self_signed: bool


def _common_names(certificate: x509.Certificate) -> tuple[str, ...]:
    found = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return tuple(display(one.value) for one in found if isinstance(one.value, str))


def self_sign(csr_der: bytes, key: PrivateKey, *, not_before: datetime, not_after: datetime) -> bytes:
    """Sign a request with its own key: same subject and extensions, key identifiers added; DER.

    The serial number is random with 128 bits; the times are aware and count in whole seconds.

    Raises:
        BadCertificate: the key is not the request's, or the times are the wrong way round.
    """
    csr = load_csr(csr_der)
    public_key = key.public_key()
    if csr.public_key() != public_key:
        raise BadCertificate("The request was made with another key, so this key cannot sign it for itself.")
    with refusing(BadCertificate("The request cannot be signed: check its dates and extensions.")):
        builder = x509.CertificateBuilder(issuer_name=csr.subject, subject_name=csr.subject, public_key=public_key)
        builder = builder.serial_number(1 << (_SERIAL_BITS - 1) | secrets.randbits(_SERIAL_BITS - 1))
        builder = builder.not_valid_before(not_before).not_valid_after(not_after)
        for one in asn1.request_extensions(csr.tbs_certrequest_bytes):
            if one.oid not in _KEY_IDENTIFIERS:
                copied = x509.UnrecognizedExtension(x509.ObjectIdentifier(one.oid), one.value)
                builder = builder.add_extension(copied, critical=one.critical)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(public_key)
        builder = builder.add_extension(authority, critical=False)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        return builder.sign(key, signing_hash(key)).public_bytes(serialization.Encoding.DER)


def load(der: bytes) -> x509.Certificate:
    """The library's object for a DER certificate; UnreadableFile if it is none."""
    with refusing(_unreadable()):
        return x509.load_der_x509_certificate(der)


def pem(der: bytes) -> str:
    """The certificate as PEM text (RFC 7468 §5), ending with a newline."""
    return load(der).public_bytes(serialization.Encoding.PEM).decode()


def split_pem(text: str) -> list[bytes]:
    """The certificates (DER) in PEM text that we wrote ourselves, in its order; [] for none."""
    return (
        [one.public_bytes(serialization.Encoding.DER) for one in x509.load_pem_x509_certificates(text.encode())]
        if text
        else []
    )


def subject_sha256(der: bytes) -> str:
    """SHA-256 over the DER of the certificate's subject, by which the certificates below it look for it."""
    return _name_sha256(load(der).subject)


def issuer_sha256(der: bytes) -> str:
    """SHA-256 over the DER of its issuer's name (RFC 5280 §4.1.2.4): the `subject_sha256` to look for."""
    return _name_sha256(load(der).issuer)


def _name_sha256(name: x509.Name) -> str:
    with refusing(_unreadable()):
        return hashlib.sha256(name.public_bytes()).hexdigest()


def public_key_of(der: bytes) -> CertificatePublicKeyTypes:
    """The certificate's public key; UnreadableFile when the library knows no such kind."""
    certificate = load(der)
    with refusing(
        UnreadableFile(
            "This certificate's key is of a kind that cannot be read.",
            field="certificate",
        )
    ):
        return certificate.public_key()


def facts(der: bytes) -> CertificateFacts:
    """Everything that lists and pages show of a certificate without parsing it again.

    Raises:
        UnreadableFile: not a certificate, or one whose names or dates cannot be read.
    """
    certificate = load(der)
    with refusing(_unreadable()):
        tbs = certificate.tbs_certificate_bytes
        found = asn1.certificate_extensions(tbs)
        key = certificate_key(certificate)
        names = extensions.subject_alternative_names(found)
        return CertificateFacts(
            serial=f"{asn1.integer(asn1.certificate_serial(tbs)):x}",
            thumbprint_sha1=hashlib.sha1(der, usedforsecurity=False).hexdigest(),
            thumbprint_sha256=hashlib.sha256(der).hexdigest(),
            subject=display(format_subject(certificate.subject)),
            common_names=_common_names(certificate),
            issuer=display(format_subject(certificate.issuer)),
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            names=tuple((kind, display(value)) for kind, value in names),
            spki_sha256=certificate_spki_sha256(certificate),
            key_title=_unknown_key(certificate) if key is None else key_title(key),
            signature_hash=signature_hash(certificate),
            is_ca=bool(extensions.is_ca(found)),
            self_signed=is_self_signed(certificate),
        )


def describe(der: bytes) -> list[ExtensionText]:
    """Every extension in words, in the certificate's order; unknown and broken ones as hexadecimal digits.

    Raises:
        UnreadableFile: not a certificate at all. Odd extensions never raise.
    """
    certificate = load(der)
    with refusing(_unreadable()):
        found = asn1.certificate_extensions(certificate.tbs_certificate_bytes)
    return [read_extension(one) for one in found]


def describe_key(der: bytes) -> tuple[str, ...]:
    """The public key in words: its title, then the SHA-256 of its SubjectPublicKeyInfo."""
    certificate = load(der)
    key = certificate_key(certificate)
    title = _unknown_key(certificate) if key is None else key_title(key)
    return title, f"SHA-256 {certificate_spki_sha256(certificate)}"


def signature_hash(certificate: x509.Certificate) -> str:
    """`sha256`, `md5` …; the dotted OID of the signature algorithm when it names no hash we know."""
    try:
        algorithm = certificate.signature_hash_algorithm
    except BaseException as error:
        if not is_refusal(error):
            raise
        algorithm = None
    return certificate.signature_algorithm_oid.dotted_string if algorithm is None else algorithm.name


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether it names itself as issuer and its signature verifies under its own key."""
    return is_signed_by(certificate, certificate)


def is_signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether `certificate` names `issuer` and its signature verifies under the issuer's key.

    False as well for RSA keys above 8192 bits or with an exponent above 33: hundreds of them would keep us busy.
    """
    if _is_dear(certificate_key(issuer)):
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except BaseException as error:
        if not is_refusal(error):
            raise
        return False
    return True


def _is_dear(key: CertificatePublicKeyTypes | None) -> bool:
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    return key.key_size > _LONGEST_MODULUS or key.public_numbers().e.bit_length() > _LONGEST_EXPONENT


def _unknown_key(certificate: x509.Certificate) -> str:
    return f"Unknown key ({certificate.public_key_algorithm_oid.dotted_string})"


def _unreadable() -> UnreadableFile:
    return UnreadableFile(
        "This certificate is damaged and cannot be read. Ask for it again.",
        field="certificate",
    )
