"""Throw-away certificate authorities: roots, intermediates and leaves in a millisecond each.

Everything is real X.509 on EC P-256 keys unless said otherwise; RSA keys are made once per run and shared.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from vault.models.policy import AlternativeNames
from vault.x509.requests import build_csr
from vault.x509.types import PrivateKey

SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
CURVES: dict[str, type[ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1,
    "P-384": ec.SECP384R1,
    "P-521": ec.SECP521R1,
    "P-256K": ec.SECP256K1,
}


@dataclass(frozen=True, kw_only=True)
class Authority:
    """A CA: its name, its key, and its own certificate as DER."""

    subject: x509.Name
    key: PrivateKey
    der: bytes

    @property
    def pem(self) -> str:
        return to_pem(self.der)


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """A certificate as DER with its key and the request it was made for."""

    der: bytes
    key: PrivateKey
    csr: bytes

    @property
    def pem(self) -> str:
        return to_pem(self.der)


@functools.cache
def rsa_key(size: int = 2048, number: int = 0) -> rsa.RSAPrivateKey:
    """An RSA key, the same one for the same arguments, because making one takes long."""
    return rsa.generate_private_key(public_exponent=65537, key_size=size)


def ec_key(curve: str = "P-256") -> ec.EllipticCurvePrivateKey:
    """A fresh EC key."""
    return ec.generate_private_key(CURVES[curve]())


def make_root(name: str = "Example Root CA", *, key: PrivateKey | None = None, days: int = 3650) -> Authority:
    """A self-signed CA."""
    subject = _name(name)
    key = key or ec_key()
    der = _sign_ca(subject, key.public_key(), issuer=subject, issuer_key=key, days=days)
    return Authority(subject=subject, key=key, der=der)


def make_intermediate(
    parent: Authority, name: str = "Example Issuing CA", *, key: PrivateKey | None = None, days: int = 1825
) -> Authority:
    """A CA below another. With the name and key of a CA that exists, a cross-signed certificate of it."""
    subject = _name(name)
    key = key or ec_key()
    der = _sign_ca(subject, key.public_key(), issuer=parent.subject, issuer_key=parent.key, days=days)
    return Authority(subject=subject, key=key, der=der)


def make_csr(
    *dns: str,
    subject: str = "CN=www.example.org",
    key: PrivateKey | None = None,
    ekus: Sequence[str] = (SERVER_AUTH,),
) -> bytes:
    """A request as DER, for www.example.org unless names are given."""
    return build_csr(
        subject=subject,
        names=AlternativeNames(dns=dns or ("www.example.org",)),
        key_usage=("digitalSignature",),
        ekus=ekus,
        key=key or ec_key(),
    )


def sign_csr(
    authority: Authority,
    csr_der: bytes,
    *,
    names: Sequence[str] | None = None,
    ca: bool = False,
    ekus: Sequence[str] = (SERVER_AUTH,),
    not_before: datetime | None = None,
    days: float = 90,
    serial: int | None = None,
    extra: Sequence[x509.UnrecognizedExtension] = (),
) -> bytes:
    """The CA's answer to a request as DER: its names unless others are given, none for an empty list."""
    csr = x509.load_der_x509_csr(csr_der)
    start = not_before or datetime.now(UTC) - timedelta(hours=2)  # tests may hold it against when they were collected
    builder = x509.CertificateBuilder(
        issuer_name=authority.subject,
        subject_name=csr.subject,
        public_key=csr.public_key(),
        serial_number=serial or x509.random_serial_number(),
        not_valid_before=start,
        not_valid_after=start + timedelta(days=days),
    )
    alternative = _names_of(csr) if names is None else [x509.DNSName(name) for name in names]
    if alternative:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternative), critical=False)
    if ekus:
        usages = x509.ExtendedKeyUsage([x509.ObjectIdentifier(eku) for eku in ekus])
        builder = builder.add_extension(usages, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = builder.add_extension(authority_id, critical=False)
    for extension in extra:
        builder = builder.add_extension(extension, critical=True)
    return to_der(builder.sign(authority.key, hashes.SHA256()))


def make_leaf(authority: Authority, *dns: str, key: PrivateKey | None = None, days: float = 90) -> Leaf:
    """A request and the CA's answer to it."""
    key = key or ec_key()
    csr = make_csr(*dns, key=key)
    return Leaf(der=sign_csr(authority, csr, days=days), key=key, csr=csr)


def to_der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def to_pem(der: bytes) -> str:
    return x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM).decode()


def key_pem(key: PrivateKey) -> str:
    """The key as unencrypted PKCS#8 PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _names_of(csr: x509.CertificateSigningRequest) -> list[x509.GeneralName]:
    try:
        return list(csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []


def _sign_ca(
    subject: x509.Name,
    public_key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    *,
    issuer: x509.Name,
    issuer_key: PrivateKey,
    days: int,
) -> bytes:
    start = datetime.now(UTC) - timedelta(days=1)
    usage = dict.fromkeys(_USAGES, False) | {"key_cert_sign": True, "crl_sign": True}
    return to_der(
        x509.CertificateBuilder(
            issuer_name=issuer,
            subject_name=subject,
            public_key=public_key,
            serial_number=x509.random_serial_number(),
            not_valid_before=start,
            not_valid_after=start + timedelta(days=days),
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
