"""Is a certificate fit to be kept, and is what a CA sent back the one that was asked for?

Refused: what is wrong whoever issued it. Warned of: what is lawful, and a person should know.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from cryptography import x509

from vault.errors import BadCertificate
from vault.x509 import asn1, doubts, extensions
from vault.x509.certificates import is_self_signed, load, signature_hash
from vault.x509.doubts import CertificateWarning
from vault.x509.keytypes import certificate_spki_sha256
from vault.x509.library import refusing
from vault.x509.requests import describe_csr

if TYPE_CHECKING:
    from vault.models.policy import AlternativeNames
    from vault.x509.chains import Chain

__all__ = ["CertificateWarning", "check_answer", "check_certificate", "expiry_refusal", "pick_leaf"]

MAX_SERIAL_OCTETS = 20
MAX_NAMES = 1000
MAX_EXTENSIONS = 100
MAX_PARTS = 100
MAX_SUBJECT_OCTETS = 10_000
_WEAK_HASHES = frozenset({"md5", "sha1"})
_WEAK_OIDS = frozenset({"1.2.840.113549.1.1.2", "1.2.840.113549.1.1.3", "1.2.840.113549.1.1.4"})  # MD2, MD4, MD5
_FINGERPRINT = 16


def pick_leaf(certificates: Sequence[bytes], *, csr_der: bytes) -> bytes:
    """The one certificate whose public key is the request's; the same one twice counts once.

    Raises:
        BadCertificate: field `certificate`; none of them, or several different ones.
    """
    wanted = describe_csr(csr_der).spki_sha256
    keys = {one: certificate_spki_sha256(load(one)) for one in certificates}
    mine = [one for one, key in keys.items() if key == wanted]
    if len(mine) == 1:
        return mine[0]
    if mine:
        raise _bad(f"{len(mine)} different certificates here were made for this request. Send the one to use.")
    raise _bad(_another_request(wanted, next(iter(keys.values()), "")))


def check_answer(
    leaf_der: bytes, *, csr_der: bytes, expected_names: AlternativeNames, now: datetime, chain: Chain | None = None
) -> list[CertificateWarning]:
    """Check a certificate that came back for our request; `now` is aware. Warnings in the order of their weight.

    Codes: `names-missing`, `names-added`, `no-names`, `not-yet-valid`, `no-end`, `ekus-missing`,
    `unknown-critical`, and if `chain` is given `no-chain`, `chain-incomplete`, `chain-ignored`.

    Raises:
        BadCertificate: field `certificate`; another key, a CA, self-signed, MD5 or SHA-1, expired, or it breaks
            RFC 5280 (version, serial number, repeated or unreadable extensions).
        UnreadableFile: not a certificate.
    """
    certificate = load(leaf_der)
    found = _extensions(certificate)
    _check_key(certificate, csr_der)
    _check_role(certificate, found)
    _check_soundness(certificate, found)
    _check_end(certificate, now)
    return [
        *doubts.about_names(leaf_der, expected_names),
        *doubts.about_no_names(leaf_der),
        *doubts.about_dates(certificate, now),
        *doubts.about_usages(found, csr_der),
        *doubts.about_critical(found),
        *doubts.about_chain(chain),
    ]


def check_certificate(leaf_der: bytes, *, now: datetime, chain: Chain | None = None) -> list[CertificateWarning]:
    """Check a certificate that nobody asked for here, whether it has expired or not; `now` is aware.

    Codes: `no-names`, `is-ca`, `not-yet-valid`, `no-end`, `few-days`, `unknown-critical`, and if `chain` is given
    `no-chain`, `chain-incomplete`, `chain-ignored`.

    Raises:
        BadCertificate: field `certificate`; MD5 or SHA-1, it ends before it begins, too many names, or it breaks
            RFC 5280 (version, serial number, repeated or unreadable extensions).
        UnreadableFile: not a certificate.
    """
    certificate = load(leaf_der)
    found = _extensions(certificate)
    _check_soundness(certificate, found)
    return [
        *doubts.about_no_names(leaf_der),
        *doubts.about_a_ca(found),
        *doubts.about_dates(certificate, now),
        *doubts.about_few_days(certificate, now),
        *doubts.about_critical(found),
        *doubts.about_chain(chain),
    ]


def expiry_refusal(end: datetime, now: datetime) -> str:
    """The sentence on a certificate whose last moment is `end`, "" while it has not expired."""
    return (
        f"This certificate expired on {doubts.moment_text(end)}. Ask the CA for one that is valid." if end < now else ""
    )


def _check_soundness(certificate: x509.Certificate, found: Sequence[asn1.Extension]) -> None:
    """What holds for every certificate, wherever it comes from."""
    _check_signature(certificate)
    _check_form(certificate)
    _check_order(certificate)
    _check_size(found)
    _check_subject(certificate)


def _bad(sentence: str) -> BadCertificate:
    return BadCertificate(sentence, field="certificate")


def _another_request(wanted: str, given: str) -> str:
    return (
        f"This certificate was made for another request: its key is {given[:_FINGERPRINT]}…, this request's key is "
        f"{wanted[:_FINGERPRINT]}… (SHA-256). Ask the CA which request it signed, and send the one for this request."
    )


def _extensions(certificate: x509.Certificate) -> list[asn1.Extension]:
    """Every extension, each readable and none twice (RFC 5280 §4.2)."""
    with refusing(_bad("This certificate's extensions are damaged or given twice. Ask the CA to issue it again.")):
        found = asn1.certificate_extensions(certificate.tbs_certificate_bytes)
        if len({one.oid for one in found}) != len(found):
            raise x509.DuplicateExtension("", x509.ObjectIdentifier("2.5.29"))
        _read_all(certificate)
    return found


def _read_all(certificate: x509.Certificate) -> None:
    for extension in certificate.extensions:
        repr(extension.value)


def _check_key(certificate: x509.Certificate, csr_der: bytes) -> None:
    wanted, given = describe_csr(csr_der).spki_sha256, certificate_spki_sha256(certificate)
    if given != wanted:
        raise _bad(_another_request(wanted, given))


def _check_role(certificate: x509.Certificate, found: Sequence[asn1.Extension]) -> None:
    if extensions.is_ca(found):
        raise _bad(
            "This certificate makes its key a CA, which was not asked for. Do not use it; ask the CA for another."
        )
    if is_self_signed(certificate):
        raise _bad(
            "This certificate is signed with the request's own key, which never leaves this vault. Do not use it, "
            "and tell whoever runs the portal."
        )


def _check_signature(certificate: x509.Certificate) -> None:
    name = signature_hash(certificate)
    if name in _WEAK_HASHES or certificate.signature_algorithm_oid.dotted_string in _WEAK_OIDS:
        title = "SHA-1" if name == "sha1" else "MD5 or older"
        raise _bad(f"This certificate is signed with {title}, which no client trusts any more. Ask the CA for SHA-256.")


def _check_form(certificate: x509.Certificate) -> None:
    """Version and serial number (RFC 5280 §4.1.2.1, §4.1.2.2)."""
    if certificate.version is not x509.Version.v3:
        raise _bad("This is not a version 3 certificate, so it cannot hold names. Ask the CA for version 3.")
    with refusing(_bad("This certificate's serial number cannot be read. Ask the CA to issue it again.")):
        serial = asn1.certificate_serial(certificate.tbs_certificate_bytes)
        positive = asn1.integer(serial) > 0
    if not positive or len(serial.content) > MAX_SERIAL_OCTETS:
        raise _bad(
            "This certificate's serial number is not positive, or longer than 20 octets. Ask the CA to issue it again."
        )


def _check_order(certificate: x509.Certificate) -> None:
    if certificate.not_valid_after_utc < certificate.not_valid_before_utc:
        raise _bad("This certificate ends before it begins. Ask the CA to issue it again.")


def _check_end(certificate: x509.Certificate, now: datetime) -> None:
    refusal = expiry_refusal(certificate.not_valid_after_utc, now)
    if refusal:
        raise _bad(refusal)


def _check_size(found: Sequence[asn1.Extension]) -> None:
    """No CA gives so many; pages and searches would drown in them."""
    with refusing(_bad("This certificate's names are damaged. Ask the CA to issue it again.")):
        names = len(extensions.subject_alternative_names(found))
    if names > MAX_NAMES:
        raise _bad(f"This certificate holds {names:,} names; {MAX_NAMES:,} is the most that is kept.")
    if len(found) > MAX_EXTENSIONS:
        raise _bad(f"This certificate holds {len(found):,} extensions; {MAX_EXTENSIONS} is the most that is kept.")


def _check_subject(certificate: x509.Certificate) -> None:
    """Lists show it, and taking one apart that never ends takes long."""
    for what, name in (("subject", certificate.subject), ("issuer's name", certificate.issuer)):
        with refusing(_bad(f"This certificate's {what} is damaged. Ask the CA to issue it again.")):
            octets, parts = len(name.public_bytes()), len(name.rdns)
        if parts > MAX_PARTS or octets > MAX_SUBJECT_OCTETS:
            raise _bad(
                f"This certificate's {what} has {parts:,} parts and {octets:,} octets; {MAX_PARTS} and "
                f"{MAX_SUBJECT_OCTETS:,} are the most that are kept."
            )
