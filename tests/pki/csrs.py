"""Requests that no careful program makes, signed by a real key all the same."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from tests.pki.authority import ec_key
from tests.pki.forging import extension, oid_der
from vault.x509 import asn1

CHALLENGE_PASSWORD = "1.2.840.113549.1.9.7"
_SHA256_EC, _SHA256_RSA, _ED25519 = "1.2.840.10045.4.3.2", "1.2.840.113549.1.1.11", "1.3.101.112"

AnyKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def forge_csr(
    *,
    subject: bytes | None = None,
    extensions: Sequence[bytes] = (),
    attributes: Sequence[bytes] = (),
    key: AnyKey | None = None,
    algorithm: str = "",
) -> bytes:
    """A request as DER: subject as DER (CN=www.example.org), extensions and attributes as they are given.

    With another `algorithm` (dotted) the signature only claims to be made with it.
    """
    key = key or ec_key()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "www.example.org")]).public_bytes()
    asked = [attribute(asn1.EXTENSION_REQUEST, sequence(*extensions))] if extensions else []
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    version = asn1.encode(asn1.INTEGER, b"\x00")
    info = sequence(
        version, name if subject is None else subject, spki, asn1.encode(0xA0, b"".join(sorted([*asked, *attributes])))
    )
    usual, signature = _sign(key, info)
    claimed = sequence(oid_der(algorithm)) if algorithm else usual
    return sequence(info, claimed, asn1.encode(asn1.BIT_STRING, b"\x00" + signature))


def attribute(oid: str, *values: bytes) -> bytes:
    """One attribute of a request (RFC 2986 §4.1)."""
    return sequence(oid_der(oid), asn1.encode(asn1.SET, b"".join(values)))


def names(*each: bytes) -> bytes:
    """The extension that asks for alternative names; each as a GeneralName in DER."""
    return extension("2.5.29.17", sequence(*each))


def dns(name: bytes) -> bytes:
    """A host name as GeneralName, octets as given."""
    return asn1.encode(0x82, name)


def constraints(*, ca: bool) -> bytes:
    """The extension that asks for, or against, a CA's certificate."""
    return extension("2.5.29.19", sequence(*([asn1.encode(asn1.BOOLEAN, b"\xff")] if ca else [])))


def sequence(*members: bytes) -> bytes:
    """A SEQUENCE of these members."""
    return asn1.encode(asn1.SEQUENCE, b"".join(members))


def _sign(key: AnyKey, info: bytes) -> tuple[bytes, bytes]:
    if isinstance(key, rsa.RSAPrivateKey):
        null = asn1.encode(asn1.NULL, b"")
        return sequence(oid_der(_SHA256_RSA), null), key.sign(info, padding.PKCS1v15(), hashes.SHA256())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return sequence(oid_der(_SHA256_EC)), key.sign(info, ec.ECDSA(hashes.SHA256()))
    return sequence(oid_der(_ED25519)), key.sign(info)
