"""Keys of every kind, weak and broken ones among them."""

from __future__ import annotations

import functools
from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, mldsa, mlkem, rsa, x448, x25519

from tests.pki import containers as c
from tests.pki.authority import (
    ec_key,
    rsa_key,
)
from tests.pki.forging import oid_der
from tests.vault.x509.corpus.cases import CSR, EC256, P8, ROOT, Case, pkcs1
from vault.x509 import asn1
from vault.x509.requests import csr_pem

CURVES = {
    "secp224r1": ec.SECP224R1,
    "P-256": ec.SECP256R1,
    "P-384": ec.SECP384R1,
    "P-521": ec.SECP521R1,
    "P-256K": ec.SECP256K1,
    "brainpoolP256r1": ec.BrainpoolP256R1,
    "brainpoolP384r1": ec.BrainpoolP384R1,
    "brainpoolP512r1": ec.BrainpoolP512R1,
}


OTHER_KEYS: dict[str, Callable[[], object]] = {
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "Ed448": ed448.Ed448PrivateKey.generate,
    "X25519": x25519.X25519PrivateKey.generate,
    "X448": x448.X448PrivateKey.generate,
    "ML-DSA-44": mldsa.MLDSA44PrivateKey.generate,
    "ML-DSA-65": mldsa.MLDSA65PrivateKey.generate,
    "ML-DSA-87": mldsa.MLDSA87PrivateKey.generate,
    "ML-KEM-768": mlkem.MLKEM768PrivateKey.generate,
}


def keys() -> list[Case]:
    curves = [Case(name=name, make=_curve(curve), keys=(f"EC {name}",), secret=True) for name, curve in CURVES.items()]
    others = [
        Case(
            name=name,
            make=_made(make),
            keys=(name,),
            secret=True,
            weak="cannot sign" if name[0] == "X" or "KEM" in name else "",
        )
        for name, make in OTHER_KEYS.items()
    ]
    return [
        *curves,
        *others,
        Case(name="P-192", make=_curve(ec.SECP192R1), keys=("EC secp192r1",), weak="curve", secret=True),
        Case(name="RSA-PSS", make=_rsa_pss, keys=("RSA-PSS 2048",), secret=True),
        Case(name="DSA", make=_dsa, keys=("DSA 1024",), weak="DSA", secret=True),
        Case(
            name="RSA of 1,024 bits",
            make=lambda: c.pkcs8(rsa_key(1024)),
            keys=("RSA 1024",),
            weak="too weak",
            secret=True,
        ),
        Case(name="RSA with e=3", make=_exponent_three, keys=("RSA 2048",), weak="exponent 3", secret=True),
        Case(name="RSA whose numbers do not fit", make=_wrong_exponent, refused="(RSA) cannot be read", secret=True),
        Case(name="EC whose public part is another's", make=_wrong_point, refused="(EC) cannot be read", secret=True),
        Case(name="EC with a point beside the curve", make=_no_point, refused="(EC) cannot be read", secret=True),
        Case(name="EC with the scalar nought", make=lambda: _scalar(0), refused="cannot be read", secret=True),
        Case(name="EC with the scalar one", make=lambda: _scalar(1), keys=EC256, weak="private", secret=True),
        Case(name="Ed25519 with its public part", make=_whole_edwards, keys=("Ed25519",), secret=True),
        Case(
            name="Ed25519 with another's public part",
            make=_wrong_edwards,
            keys=("Ed25519",),
            weak="belongs to another key",
            secret=True,
        ),
        Case(
            name="a kind of key that nobody knows",
            make=lambda: c.sequence(c.integer(0), c.sequence(oid_der("1.2.3.4")), c.octets(b"a")),
            refused="not known here (1.2.3.4)",
            secret=True,
        ),
        Case(
            name="GOST",
            make=lambda: c.sequence(c.integer(0), c.sequence(oid_der("1.2.643.7.1.1.1.1")), c.octets(b"a")),
            refused="(GOST)",
            secret=True,
        ),
        Case(
            name="a request with an altered name",
            make=lambda: CSR.replace(b"www.example.org", b"www.example.com"),
            requests=1,
            weak="not signed by its own key",
        ),
        Case(name="a request with a weak key", make=_weak_request, requests=1, weak="too weak"),
        Case(
            name="a request that is damaged",
            make=lambda: csr_pem(CSR).replace("MII", "MIJ", 1).encode(),
            refused="certificate request in this text is damaged",
        ),
    ]


def _curve(curve: type[ec.EllipticCurve]) -> Callable[[], bytes]:
    return lambda: c.pkcs8(ec.generate_private_key(curve()))


def _made(make: Callable[[], object]) -> Callable[[], bytes]:
    return lambda: c.pkcs8(make())  # type: ignore[arg-type]


@functools.cache
def _dsa() -> bytes:
    return c.pkcs8(dsa.generate_private_key(1024))


def _rsa_pss() -> bytes:
    version, _, key = asn1.sequence(c.pkcs8(rsa_key()))
    return c.sequence(version.whole, c.sequence(oid_der("1.2.840.113549.1.1.10")), key.whole)


@functools.cache
def _exponent_three() -> bytes:
    return c.pkcs8(rsa.generate_private_key(public_exponent=3, key_size=2048))


def _wrong_exponent() -> bytes:
    members = [one.whole for one in asn1.sequence(pkcs1())]
    members[3] = c.integer(rsa_key().private_numbers().d + 2)
    return c.sequence(c.integer(0), asn1.sequence(c.pkcs8(rsa_key()))[1].whole, c.octets(c.sequence(*members)))


def _ec_key(scalar: bytes, point: bytes) -> bytes:
    inside = c.sequence(
        c.integer(1), c.octets(scalar), asn1.encode(0xA1, asn1.encode(asn1.BIT_STRING, b"\x00" + point))
    )
    return c.sequence(c.integer(0), asn1.sequence(P8)[1].whole, c.octets(inside))


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _wrong_point() -> bytes:
    return _ec_key(ec_key().private_numbers().private_value.to_bytes(32), _point(ec_key()))


def _no_point() -> bytes:
    return _ec_key((5).to_bytes(32), b"\x04" + bytes(31) + b"\x01" + bytes(31) + b"\x01")


def _scalar(value: int) -> bytes:
    key = ec.derive_private_key(value or 1, ec.SECP256R1())
    return _ec_key(value.to_bytes(32), _point(key))


def _edwards(own: ed25519.Ed25519PrivateKey, public: ed25519.Ed25519PrivateKey) -> bytes:
    """The second version of PKCS#8: a private key with a public part beside it."""
    _, algorithm, key = asn1.sequence(c.pkcs8(own))
    part = asn1.encode(0x81, b"\x00" + public.public_key().public_bytes_raw())
    return c.sequence(c.integer(1), algorithm.whole, key.whole, part)


def _whole_edwards() -> bytes:
    key = ed25519.Ed25519PrivateKey.generate()
    return _edwards(key, key)


def _wrong_edwards() -> bytes:
    return _edwards(ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate())


def _weak_request() -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(ROOT_NAME)
    return builder.sign(rsa_key(1024), hashes.SHA256()).public_bytes(serialization.Encoding.DER)


ROOT_NAME = x509.load_der_x509_certificate(ROOT.der).subject
