"""Certificates that no library would make: any part of one replaced, and signed again by its CA."""

from __future__ import annotations

from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.pki.authority import Authority
from vault.x509 import asn1


def forge(
    authority: Authority, der: bytes, edit: Callable[[list[bytes]], list[bytes]], *, algorithm: bytes | None = None
) -> bytes:
    """Sign a certificate again after `edit` has changed the members of its TBSCertificate (EC keys only).

    With another `algorithm` (a whole AlgorithmIdentifier) the signature only claims to be made with it.
    """
    assert isinstance(authority.key, ec.EllipticCurvePrivateKey)
    certificate = x509.load_der_x509_certificate(der)
    members = [one.whole for one in asn1.sequence(certificate.tbs_certificate_bytes)]
    tbs = asn1.encode(asn1.SEQUENCE, b"".join(edit(members)))
    signature = authority.key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    algorithm = algorithm or asn1.sequence(der)[1].whole
    return asn1.encode(asn1.SEQUENCE, tbs + algorithm + asn1.encode(asn1.BIT_STRING, b"\x00" + signature))


def with_serial(authority: Authority, der: bytes, octets: bytes) -> bytes:
    """The certificate with these content octets as its serial number."""
    return forge(authority, der, lambda tbs: [tbs[0], asn1.encode(asn1.INTEGER, octets), *tbs[2:]])


def with_extensions(authority: Authority, der: bytes, *extensions: bytes) -> bytes:
    """The certificate with exactly these extensions, each a whole Extension as DER."""
    listed = asn1.encode(asn1.SEQUENCE, b"".join(extensions))
    return forge(authority, der, lambda tbs: [*tbs[:7], asn1.encode(0xA3, listed)])


def with_version(authority: Authority, der: bytes, version: int) -> bytes:
    """The certificate as version 1 or 2, which have no extensions."""
    first = [] if version == 1 else [asn1.encode(0xA0, asn1.encode(asn1.INTEGER, bytes([version - 1])))]
    return forge(authority, der, lambda tbs: [*first, *tbs[1:7]])


def with_key(authority: Authority, der: bytes, spki: bytes) -> bytes:
    """The certificate for another public key, a whole SubjectPublicKeyInfo."""
    return forge(authority, der, lambda tbs: [*tbs[:6], spki, *tbs[7:]])


def with_algorithm(authority: Authority, der: bytes, oid: str) -> bytes:
    """The certificate as if it were signed with another algorithm."""
    algorithm = asn1.encode(asn1.SEQUENCE, oid_der(oid) + asn1.encode(asn1.NULL, b""))
    return forge(authority, der, lambda tbs: [*tbs[:2], algorithm, *tbs[3:]], algorithm=algorithm)


def extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    """One Extension as DER."""
    flag = asn1.encode(asn1.BOOLEAN, b"\xff") if critical else b""
    return asn1.encode(asn1.SEQUENCE, oid_der(oid) + flag + asn1.encode(asn1.OCTET_STRING, value))


def oid_der(oid: str) -> bytes:
    """An OBJECT IDENTIFIER as DER."""
    first, second, *arcs = map(int, oid.split("."))
    return asn1.encode(asn1.OID, b"".join(_arc(arc) for arc in (40 * first + second, *arcs)))


def _arc(arc: int) -> bytes:
    octets = [arc & 0x7F]
    while arc := arc >> 7:
        octets.append(arc & 0x7F | 0x80)
    return bytes(reversed(octets))
