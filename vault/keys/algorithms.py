"""Signing and encrypting with a key, under the names of RFC 7518: digests in, raw `r‖s` for curves."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature, encode_dss_signature

from vault.errors import BadParameter
from vault.x509.types import PrivateKey
from vault.x509.visible import shown


@dataclass(frozen=True)
class _Signing:
    digest: hashes.HashAlgorithm
    curve: str = ""
    pss: bool = False

    def pad(self) -> padding.AsymmetricPadding:
        """The padding of an RSA signature; the salt is as long as the digest (RFC 7518 §3.5)."""
        if not self.pss:
            return padding.PKCS1v15()
        return padding.PSS(mgf=padding.MGF1(self.digest), salt_length=self.digest.digest_size)


_SIGNING = {
    "RS256": _Signing(hashes.SHA256()),
    "RS384": _Signing(hashes.SHA384()),
    "RS512": _Signing(hashes.SHA512()),
    "PS256": _Signing(hashes.SHA256(), pss=True),
    "PS384": _Signing(hashes.SHA384(), pss=True),
    "PS512": _Signing(hashes.SHA512(), pss=True),
    "ES256": _Signing(hashes.SHA256(), curve="secp256r1"),
    "ES384": _Signing(hashes.SHA384(), curve="secp384r1"),
    "ES512": _Signing(hashes.SHA512(), curve="secp521r1"),
    "ES256K": _Signing(hashes.SHA256(), curve="secp256k1"),
}
_ENCRYPTION: dict[str, Callable[[], padding.AsymmetricPadding]] = {
    "RSA1_5": padding.PKCS1v15,
    "RSA-OAEP": lambda: padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None),  # noqa: S303 - as RFC 7518 has it
    "RSA-OAEP-256": lambda: padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None),
}


def check_signing(algorithm: str, key: CertificatePublicKeyTypes, digest: bytes) -> None:
    """Refuse an algorithm that is none, does not fit the key, or a digest of another length. Raises BadParameter."""
    method = _SIGNING.get(algorithm)
    if method is None:
        raise _bad(algorithm, _SIGNING)
    curve = key.curve.name if isinstance(key, ec.EllipticCurvePublicKey) else ""
    if curve != method.curve or not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise BadParameter(f"{algorithm} does not fit a key of this type.", field="alg")
    if len(digest) != method.digest.digest_size:
        message = f"{algorithm} signs a digest of {method.digest.digest_size} octets, not of {len(digest)}."
        raise BadParameter(message, field="value")


def check_encryption(algorithm: str, key: CertificatePublicKeyTypes) -> None:
    """Refuse an algorithm that is none or does not fit the key. Raises BadParameter."""
    if algorithm not in _ENCRYPTION:
        raise _bad(algorithm, _ENCRYPTION)
    if not isinstance(key, rsa.RSAPublicKey):
        raise BadParameter(f"{algorithm} does not fit a key of this type.", field="alg")


def sign(key: PrivateKey, algorithm: str, digest: bytes) -> bytes:
    """Sign a digest that `check_signing` has seen."""
    method = _SIGNING[algorithm]
    prehashed = Prehashed(method.digest)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(digest, method.pad(), prehashed)
    r, s = decode_dss_signature(key.sign(digest, ec.ECDSA(prehashed)))
    size = _field_size(key.curve)
    return r.to_bytes(size) + s.to_bytes(size)


def verify(key: CertificatePublicKeyTypes, algorithm: str, digest: bytes, signature: bytes) -> bool:
    """Whether a signature fits a digest that `check_signing` has seen."""
    method = _SIGNING[algorithm]
    prehashed = Prehashed(method.digest)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, digest, method.pad(), prehashed)
        else:
            assert isinstance(key, ec.EllipticCurvePublicKey)
            key.verify(_der(signature, _field_size(key.curve)), digest, ec.ECDSA(prehashed))
    except (InvalidSignature, ValueError):
        return False
    return True


def encrypt(key: rsa.RSAPublicKey, algorithm: str, value: bytes) -> bytes:
    """Encrypt a short value. Raises BadParameter when it is too long for the key."""
    try:
        return key.encrypt(value, _ENCRYPTION[algorithm]())
    except ValueError:
        raise BadParameter(f"{len(value)} octets are too many for {algorithm} with this key.", field="value") from None


def decrypt(key: rsa.RSAPrivateKey, algorithm: str, value: bytes) -> bytes:
    """Decrypt a value. Raises BadParameter, always in the same words, when it does not open."""
    try:
        return key.decrypt(value, _ENCRYPTION[algorithm]())
    except ValueError:
        raise BadParameter(f"This cannot be decrypted by {algorithm} with this key.", field="value") from None


def _der(signature: bytes, size: int) -> bytes:
    if len(signature) != 2 * size:
        raise ValueError("another length than two numbers have")
    return encode_dss_signature(int.from_bytes(signature[:size]), int.from_bytes(signature[size:]))


def _field_size(curve: ec.EllipticCurve) -> int:
    return (curve.key_size + 7) // 8


def _bad(algorithm: str, known: Iterable[str]) -> BadParameter:
    return BadParameter(f"“{shown(algorithm)}” is not an algorithm. Use one of {', '.join(known)}.", field="alg")
