"""A throw-away CA: real certificates that nobody trusts, made anew each time and kept nowhere."""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vault.simulators.server import ServerTls

_DAY = timedelta(days=1)
# Of a common name (RFC 5280, appendix A.1).
_LONGEST_NAME = 64
_LONG = timedelta(days=3650)


class Authority:
    """A root, an intermediate below it, and whatever is issued; EC P-256 keys. `root`, `intermediate`: DER."""

    def __init__(self, name: str = "Rehearsal") -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        self._root_key, self._key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        self._root = _certify(f"{name} Root", self._root_key, f"{name} Root", self._root_key, start=now - _DAY)
        self._own = _certify(f"{name} Issuing CA", self._key, f"{name} Root", self._root_key, start=now - _DAY)
        self.root = self._root.public_bytes(serialization.Encoding.DER)
        self.intermediate = self._own.public_bytes(serialization.Encoding.DER)
        self.revoked: dict[int, str] = {}

    def issue(
        self,
        csr: bytes | str,
        *,
        names: Sequence[str] | None = None,
        common_name: str | None = None,
        days: int = 199,
        extra_names: Sequence[str] = (),
        wrong_key: bool = False,
        not_before: datetime | None = None,
    ) -> bytes:
        """Sign a certificate (DER) for a CSR (DER or PEM); without `names` and `common_name`, those of the CSR.

        `wrong_key` puts a key in it that nobody has. Raises ValueError for what is no CSR.
        """
        request = read_csr(csr)
        key = ec.generate_private_key(ec.SECP256R1()).public_key() if wrong_key else request.public_key()
        wanted = [*(_names(request) if names is None else _general(names)), *_general(extra_names)]
        common = _common_name(request) if common_name is None else common_name
        start = not_before or datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
        return self._sign(key, common, list(dict.fromkeys(wanted)), start, timedelta(days=days))

    def chain_pem(self, leaf: bytes, *, root: bool = True, crlf: bool = False) -> str:
        """Return leaf and CA certificates as PEM, the leaf first; `crlf`: with lines that end in CR LF."""
        text = "".join(pem(der) for der in (leaf, self.intermediate, *([self.root] if root else [])))
        return text.replace("\n", "\r\n") if crlf else text

    def revoke(self, serial: int, reason: str = "unspecified") -> None:
        """Put a serial number on the list of those revoked."""
        self.revoked[serial] = reason

    def server_tls(self, *names: str, client_ca: str = "") -> ServerTls:
        """Make certificate and key for a server of these names; `client_ca`: PEM of who issues clients theirs."""
        chain, key = self.pair(*(names or ("127.0.0.1", "localhost")))
        return ServerTls(certificate_pem=chain, key_pem=key, client_ca_pem=client_ca)

    def pair(self, *names: str) -> tuple[str, str]:
        """Make a key and a certificate of these names, for a server or a client: chain and key as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
        leaf = self._sign(key.public_key(), names[0], _general(names), start, timedelta(days=30))
        pkcs8 = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return self.chain_pem(leaf, root=False), pkcs8.decode()

    def _sign(
        self,
        key: CertificatePublicKeyTypes,
        common_name: str,
        names: Sequence[x509.GeneralName],
        start: datetime,
        length: timedelta,
    ) -> bytes:
        subject = _name(common_name) if 0 < len(common_name) <= _LONGEST_NAME else x509.Name([])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._own.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            # Both ends count (RFC 5280 §4.1.2.5).
            .not_valid_after(start + length - timedelta(seconds=1))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(exchange=isinstance(key, rsa.RSAPublicKey)), critical=True)
            .add_extension(x509.ExtendedKeyUsage(_PURPOSES), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName(names), critical=not 0 < len(common_name) <= _LONGEST_NAME
            )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


_PURPOSES = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]


def read_csr(csr: bytes | str) -> x509.CertificateSigningRequest:
    """Read a CSR, DER or PEM. Raises ValueError."""
    data = csr.encode() if isinstance(csr, str) else csr
    if data.lstrip().startswith(b"-----"):
        return x509.load_pem_x509_csr(data)
    return x509.load_der_x509_csr(data)


def csr_der(csr: bytes | str) -> bytes:
    """Return a CSR, DER or PEM, as DER. Raises ValueError."""
    return read_csr(csr).public_bytes(serialization.Encoding.DER)


def names_in(csr: bytes | str) -> tuple[str, tuple[str, ...]]:
    """Return the common name and the alternative names that a CSR asks for. Raises ValueError."""
    request = read_csr(csr)
    texts = tuple(str(name.value) for name in _names(request))
    return _common_name(request), texts


def pem(der: bytes) -> str:
    """Write a certificate as PEM."""
    return x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM).decode()


def serial_of(der: bytes) -> int:
    """Return a certificate's serial number."""
    return x509.load_der_x509_certificate(der).serial_number


def _certify(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    start: datetime,
) -> x509.Certificate:
    """Sign a CA's own certificate."""
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + _LONG)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None if subject == issuer else 0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _usage(*, signs: bool = False, exchange: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=exchange,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Rehearsal, trusted by nobody")
    return x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _common_name(request: x509.CertificateSigningRequest) -> str:
    found = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def _names(request: x509.CertificateSigningRequest) -> list[x509.GeneralName]:
    try:
        return list(request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []


def _general(names: Sequence[str]) -> list[x509.GeneralName]:
    return [_one(name) for name in names]


def _one(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.RFC822Name(name) if "@" in name else x509.DNSName(name)
