"""Is what a CA sent back the certificate that was asked for?

Refused: what is wrong for the request whoever issued it. Warned of: what is lawful, and a person should know.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from cryptography import x509

from vault.errors import BadCertificate
from vault.x509 import asn1, extensions
from vault.x509.certificates import facts, is_self_signed, load, signature_hash
from vault.x509.describing import knows
from vault.x509.keytypes import certificate_spki_sha256
from vault.x509.library import refusing
from vault.x509.requests import describe_csr, load_csr
from vault.x509.visible import display, shown

if TYPE_CHECKING:
    from vault.models.policy import AlternativeNames
    from vault.x509.chains import Chain

MAX_SERIAL_OCTETS = 20
MAX_NAMES = 1000
MAX_EXTENSIONS = 100
_WEAK_HASHES = frozenset({"md5", "sha1"})
_WEAK_OIDS = frozenset({"1.2.840.113549.1.1.2", "1.2.840.113549.1.1.3", "1.2.840.113549.1.1.4"})  # MD2, MD4, MD5
_NO_END = 9999
_LISTED = 10
_FINGERPRINT = 16


@dataclass(frozen=True, kw_only=True)
class CertificateWarning:
    """Something lawful that a person should know: a stable code, a sentence, and the names it is about."""

    code: str
    sentence: str
    names: tuple[str, ...] = ()


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
    _check_signature(certificate)
    _check_form(certificate)
    _check_end(certificate, now)
    _check_size(leaf_der, found)
    return [
        *_name_warnings(leaf_der, expected_names),
        *_date_warnings(certificate, now),
        *_extension_warnings(found, csr_der),
        *_chain_warnings(chain),
    ]


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


def _check_end(certificate: x509.Certificate, now: datetime) -> None:
    end = certificate.not_valid_after_utc
    if end < certificate.not_valid_before_utc:
        raise _bad("This certificate ends before it begins. Ask the CA to issue it again.")
    if end < now:
        raise _bad(f"This certificate expired on {_moment(end)}. Ask the CA for one that is valid.")


def _moment(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y at %H:%M} UTC"


def _by_meaning(names: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names for showing, each under the form in which two spellings of it are equal."""
    return {_comparable(kind, value): display(value) for kind, value in names}


def _comparable(kind: str, value: str) -> str:
    if kind == "dns":
        return value.lower().removesuffix(".")
    if kind == "email":
        local, _, domain = value.rpartition("@")
        return f"email:{local}@{domain.lower()}"
    if kind == "ip":
        return f"ip:{ipaddress.ip_address(value)}"
    return f"{kind}:{value}"


def _check_size(leaf_der: bytes, found: Sequence[asn1.Extension]) -> None:
    """No CA gives so many; pages and searches would drown in them."""
    names = len(facts(leaf_der).names)
    if names > MAX_NAMES:
        raise _bad(f"This certificate holds {names:,} names; {MAX_NAMES:,} is the most that is kept.")
    if len(found) > MAX_EXTENSIONS:
        raise _bad(f"This certificate holds {len(found):,} extensions; {MAX_EXTENSIONS} is the most that is kept.")


def _name_warnings(leaf_der: bytes, expected: AlternativeNames) -> Iterable[CertificateWarning]:
    given, wanted = _by_meaning(facts(leaf_der).names), _by_meaning(expected.pairs())
    missing = tuple(name for meaning, name in wanted.items() if meaning not in given)
    added = tuple(name for meaning, name in given.items() if meaning not in wanted)
    if missing:
        sentence = f"Names that were asked for are missing: {_listed(missing)}. Clients will refuse them."
        yield CertificateWarning(code="names-missing", sentence=sentence, names=missing)
    if added:
        sentence = f"The CA added names that were not asked for: {_listed(added)}."
        yield CertificateWarning(code="names-added", sentence=sentence, names=added)
    if not given:
        sentence = "The certificate holds no alternative names; browsers look nowhere else for a host name."
        yield CertificateWarning(code="no-names", sentence=sentence)


def _without(names: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    known = set(others)
    return tuple(name for name in dict.fromkeys(names) if name not in known)


def _listed(names: Sequence[str]) -> str:
    text = ", ".join(shown(name) for name in names[:_LISTED])
    return text if len(names) <= _LISTED else f"{text} and {len(names) - _LISTED} more"


def _date_warnings(certificate: x509.Certificate, now: datetime) -> Iterable[CertificateWarning]:
    if certificate.not_valid_before_utc > now:
        sentence = f"The certificate is not valid before {_moment(certificate.not_valid_before_utc)}."
        yield CertificateWarning(code="not-yet-valid", sentence=sentence)
    if certificate.not_valid_after_utc.year >= _NO_END:
        sentence = "The certificate has no end: its last day is in the year 9999 (RFC 5280 §4.1.2.5)."
        yield CertificateWarning(code="no-end", sentence=sentence)


def _extension_warnings(found: Sequence[asn1.Extension], csr_der: bytes) -> Iterable[CertificateWarning]:
    asked = extensions.extended_key_usages(asn1.request_extensions(load_csr(csr_der).tbs_certrequest_bytes))
    missing = _without(asked, extensions.extended_key_usages(found))
    if missing:
        sentence = f"Extended key usages that were asked for are missing: {_listed(missing)}."
        yield CertificateWarning(code="ekus-missing", sentence=sentence, names=missing)
    unknown = tuple(one.oid for one in found if one.critical and not knows(one.oid))
    if unknown:
        sentence = f"The certificate has critical extensions that many clients do not know: {_listed(unknown)}."
        yield CertificateWarning(code="unknown-critical", sentence=sentence, names=unknown)


def _chain_warnings(chain: Chain | None) -> Iterable[CertificateWarning]:
    if chain is None:
        return
    if not chain.certificates:
        sentence = "No certificate of the CA came with it. Servers need the intermediate: ask the CA for its chain."
        yield CertificateWarning(code="no-chain", sentence=sentence)
    elif not chain.complete:
        sentence = "The chain does not reach a root. That is usual for public CAs; others may need the missing part."
        yield CertificateWarning(code="chain-incomplete", sentence=sentence)
    if chain.ignored:
        number = len(chain.ignored)
        sentence = (
            f"{number} {'certificate does' if number == 1 else 'certificates do'} not belong to the chain and stay out."
        )
        yield CertificateWarning(code="chain-ignored", sentence=sentence)
