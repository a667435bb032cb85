"""The portal's own TLS: a small authority that may speak for a few names only, and the server's certificate.

The authority is bound to its names by critical name constraints (RFC 5280 §4.2.1.10), so that trusting it on a machine
means trusting it for the portal and nothing else.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE: Final = timedelta(days=3650)
SERVER_LIFE: Final = timedelta(days=397)
_EARLIER: Final = timedelta(hours=1)  # clocks differ


@dataclass(frozen=True)
class Names:
    """What a server answers to: `hosts`, whatever is one label below those `above`, and IP addresses."""

    hosts: tuple[str, ...]
    above: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    def in_certificate(self) -> list[x509.GeneralName]:
        """As subject alternative names, wildcards included."""
        dns = [*dict.fromkeys([*self.hosts, *self.above, *(f"*.{host}" for host in self.above)])]
        return [*map(x509.DNSName, dns), *(x509.IPAddress(ipaddress.ip_address(one)) for one in self.addresses)]

    def permitted(self) -> list[x509.GeneralName]:
        """As permitted subtrees."""
        dns = [*dict.fromkeys([*self.hosts, *self.above])]
        return [*map(x509.DNSName, dns), *(x509.IPAddress(ipaddress.ip_network(one)) for one in self.addresses)]


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def __repr__(self) -> str:
        return f"<Pair {self.certificate.subject.rfc4514_string()}>"

    def certificate_pem(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self) -> bytes:
        """The private key, PKCS#8, not encrypted."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def make_authority(names: Names) -> Pair:
    """Make an authority for these names and no others."""
    key = ec.generate_private_key(ec.SECP256R1())
    # Two portals on one machine have two authorities; clients tell them apart by name.
    title = _title(f"Chancery's own CA {secrets.token_hex(4)}")
    usage = _usage(key_cert_sign=True, crl_sign=True)
    builder = _builder(title, title, key, AUTHORITY_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(usage, critical=True)
    builder = builder.add_extension(x509.NameConstraints(names.permitted(), None), critical=True)
    return Pair(builder.sign(key, hashes.SHA256()), key)


def make_server(names: Names, authority: Pair) -> Pair:
    """Make a server's certificate for these names."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_title(names.hosts[0]), authority.certificate.subject, key, SERVER_LIFE)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = builder.add_extension(issuer, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(digital_signature=True), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName(names.in_certificate()), critical=False)
    return Pair(builder.sign(authority.key, hashes.SHA256()), key)


def read(certificate: bytes, key: bytes) -> Pair | None:
    """Return the pair that two PEM files hold; None unless both can be read and belong together."""
    try:
        read_certificate = x509.load_pem_x509_certificate(certificate)
        read_key = serialization.load_pem_private_key(key, password=None)
    except (ValueError, TypeError):
        return None
    fits = isinstance(read_key, ec.EllipticCurvePrivateKey) and read_key.public_key() == read_certificate.public_key()
    return Pair(read_certificate, read_key) if fits and isinstance(read_key, ec.EllipticCurvePrivateKey) else None


def may_vouch(authority: Pair, names: Names, *, until: datetime) -> bool:
    """Whether an authority is one for these names, and lasts so long."""
    try:
        constraints = authority.certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return False
    return authority.certificate.not_valid_after_utc >= until and _same(
        constraints.permitted_subtrees, names.permitted()
    )


def is_good(server: Pair, names: Names, authority: Pair, *, until: datetime) -> bool:
    """Whether a server's certificate is for these names, from that authority, and lasts so long."""
    try:
        server.certificate.verify_directly_issued_by(authority.certificate)
        held = server.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return server.certificate.not_valid_after_utc >= until and _same(list(held), names.in_certificate())


def _same(held: Sequence[x509.GeneralName] | None, wanted: Sequence[x509.GeneralName]) -> bool:
    return set(held or ()) == set(wanted)


def _title(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, life: timedelta
) -> x509.CertificateBuilder:
    begin = datetime.now(UTC).replace(microsecond=0) - _EARLIER
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(begin + life)
    return builder.add_extension(identifier, critical=False)


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
