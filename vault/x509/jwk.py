"""A certificate's public key as a JSON Web Key (RFC 7517, RFC 7518 §6), and what it may be used for."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from vault.x509 import asn1
from vault.x509.certificates import load, public_key_of
from vault.x509.extensions import KEY_USAGE, find
from vault.x509.keytypes import curve_title
from vault.x509.requests import KEY_USAGE_BITS

_ALL = ("encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey")
_OF_EC = ("sign", "verify")
_SIGN = ("sign", "verify")
_OPERATIONS: dict[str, tuple[str, ...]] = {
    "digitalSignature": _SIGN,
    "nonRepudiation": _SIGN,
    "keyCertSign": _SIGN,
    "cRLSign": _SIGN,
    "keyEncipherment": ("wrapKey", "unwrapKey"),
    "dataEncipherment": ("encrypt", "decrypt"),
    "encipherOnly": ("encrypt",),
    "decipherOnly": ("decrypt",),
}


def public_jwk(der: bytes) -> dict[str, str]:
    """`kty` with `n` and `e`, or with `crv`, `x` and `y`; {} for a kind of key that no JWK of ours can hold.

    Numbers are base64url without padding; coordinates are as long as the curve's field.
    """
    match public_key_of(der):
        case rsa.RSAPublicKey() as key:
            numbers = key.public_numbers()
            return {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
        case ec.EllipticCurvePublicKey() as key:
            point, size = key.public_numbers(), (key.curve.key_size + 7) // 8
            facts = {"x": _number(point.x, size), "y": _number(point.y, size)}
            return {"kty": "EC", "crv": curve_title(key.curve.name), **facts}
        case _:
            return {}


def key_operations(der: bytes) -> tuple[str, ...]:
    """What the key may do by the certificate's key usage, in a fixed order; everything when there is none.

    A key on a curve only signs and verifies.
    """
    kind = public_key_of(der)
    possible = _ALL if isinstance(kind, rsa.RSAPublicKey) else _OF_EC
    usages = _usages(der)
    if usages is None:
        return possible
    allowed = {operation for usage in usages for operation in _OPERATIONS.get(usage, ())}
    return tuple(operation for operation in possible if operation in allowed)


def _usages(der: bytes) -> list[str] | None:
    value = find(asn1.certificate_extensions(load(der).tbs_certificate_bytes), KEY_USAGE)
    if value is None:
        return None
    try:
        set_bits = asn1.bits(asn1.read(value))
    except ValueError:
        return []
    return [KEY_USAGE_BITS[bit] for bit in set_bits if bit < len(KEY_USAGE_BITS)]


def _number(value: int, size: int = 0) -> str:
    octets = value.to_bytes(size or (value.bit_length() + 7) // 8)
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")
