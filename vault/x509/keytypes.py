"""What a key is called and how two keys are compared."""

from __future__ import annotations

import hashlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from vault.x509 import asn1
from vault.x509.library import is_refusal
from vault.x509.types import PrivateKey

CURVE_NAMES = {
    "secp256r1": "P-256",
    "secp384r1": "P-384",
    "secp521r1": "P-521",
    "secp256k1": "P-256K",
}
_SIGNING_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "secp384r1": hashes.SHA384,
    "secp521r1": hashes.SHA512,
}


def spki_sha256(public_key: CertificatePublicKeyTypes) -> str:
    """SHA-256 over the DER SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), 64 lower-case hex digits."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(public_key.public_bytes(serialization.Encoding.DER, form)).hexdigest()


def key_title(public_key: CertificatePublicKeyTypes) -> str:
    """`RSA 2048`, `EC P-256`, `Ed25519`: what people call a key."""
    if isinstance(public_key, rsa.RSAPublicKey):
        return f"RSA {public_key.key_size}"
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        return f"EC {curve_title(public_key.curve.name)}"
    if isinstance(public_key, dsa.DSAPublicKey):
        return f"DSA {public_key.key_size}"
    return type(public_key).__name__.removesuffix("PublicKey").replace("MLDSA", "ML-DSA-")


def curve_title(name: str) -> str:
    """`P-256` for the library's `secp256r1`; its own name for a curve that is not made here."""
    return CURVE_NAMES.get(name, name)


def signing_hash(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512:
    """The hash to sign with: as strong as the curve, SHA-256 for RSA and the 256-bit curves."""
    match key.curve.name if isinstance(key, ec.EllipticCurvePrivateKey) else "":
        case "secp384r1":
            return hashes.SHA384()
        case "secp521r1":
            return hashes.SHA512()
        case _:
            return hashes.SHA256()


def certificate_key(certificate: x509.Certificate) -> CertificatePublicKeyTypes | None:
    """The certificate's public key, or None when the library knows no such kind of key."""
    try:
        return certificate.public_key()
    except BaseException as error:
        if not is_refusal(error):
            raise
        return None


def certificate_spki_sha256(certificate: x509.Certificate) -> str:
    """As `spki_sha256`, over the octets as they stand when the library does not know the kind of key."""
    key = certificate_key(certificate)
    if key is not None:
        return spki_sha256(key)
    return hashlib.sha256(asn1.public_key_info(certificate.tbs_certificate_bytes)).hexdigest()
