"""Files as people bring them: certificates with their keys, made without the portal's own code."""

import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12


class Issuer:
    """A throw-away CA: a root, and an intermediate that signs."""

    def __init__(self, name: str = "Harbour") -> None:
        root_key, self._key = _new_key(), _new_key()
        root_name, self._name = _name(f"{name} Root CA"), _name(f"{name} Issuing CA")
        self.root = _sign(root_name, root_key, root_name, root_key, days=3650, is_ca=True)
        self.intermediate = _sign(self._name, self._key, root_name, root_key, days=1825, is_ca=True)

    def bundle(self, *names: str, words: str = "", days: int = 90, age: int = 0, chain: bool = True) -> bytes:
        """Return key, certificate and the intermediate as PEM; the certificate is `age` days old.

        `words` are its common name, the first of its names unless given.
        """
        key = _new_key()
        leaf = self._leaf(key, names, words=words, days=days, age=age)
        parts = [_key_pem(key), _pem(leaf), *([_pem(self.intermediate)] if chain else [])]
        return b"".join(parts)

    def pfx(self, *names: str, password: str) -> bytes:
        """Return a PFX file with key, certificate and chain."""
        key = _new_key()
        protection = serialization.BestAvailableEncryption(password.encode())
        chain = [self.intermediate, self.root]
        return pkcs12.serialize_key_and_certificates(None, key, self._leaf(key, names), chain, protection)

    def certificate_without_key(self, *names: str) -> bytes:
        """Return a certificate as PEM whose key is nowhere."""
        return _pem(self._leaf(_new_key(), names))

    def _leaf(
        self, key: ec.EllipticCurvePrivateKey, names: Sequence[str], *, words: str = "", days: int = 90, age: int = 0
    ) -> x509.Certificate:
        return _sign(_name(words or names[0]), key, self._name, self._key, days=days, age=age, names=names)


def zipped(**files: bytes) -> bytes:
    """Return a ZIP of files; the last underscore of a keyword is the dot of the file's name."""
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w") as archive:
        for name, content in files.items():
            archive.writestr(".".join(name.rsplit("_", 1)), content)
    return octets.getvalue()


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _sign(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    days: int,
    age: int = 0,
    names: Sequence[str] = (),
    is_ca: bool = False,
) -> x509.Certificate:
    start = datetime.now(UTC) - timedelta(days=age, minutes=5)
    builder = x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=start,
        not_valid_after=start + timedelta(days=days),
    ).add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    if names:
        alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        server = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(alternative, critical=False).add_extension(server, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
