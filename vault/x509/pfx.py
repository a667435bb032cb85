"""Files that carry a certificate with its key: PFX (PKCS#12, RFC 7292) and PEM bundles."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from vault.errors import BadCertificate, BadParameter
from vault.x509.certificates import load, pem
from vault.x509.library import refusing
from vault.x509.types import PrivateKey
from vault.x509.visible import display, shown

MAX_PASSWORD = 200
MAX_FRIENDLY_NAME = 127
ROUNDS = 100_000


def build_pfx(
    *,
    key: PrivateKey | None,
    leaf: bytes,
    chain: Sequence[bytes],
    password: str | None,
    friendly_name: str,
    legacy: bool = False,
) -> bytes:
    """A PFX of DER certificates and, unless None, the key.

    Encrypted with AES-256-CBC and HMAC-SHA-256 (PBES2, RFC 8018 §6.2), or with 3DES and SHA-1 when `legacy`, for
    Windows before 2019. The ciphers take 100,000 rounds, but the MAC the library's fixed 2,048, and whoever guesses
    passwords tries them on the MAC: the strength lies in the password. Without a password nothing is encrypted.

    Raises:
        BadParameter: field `password`; empty, too long, or with control characters.
        BadCertificate: the key is not the certificate's.
    """
    encryption = _encryption(password, legacy=legacy)
    certificate = check_pair(key=key, leaf=leaf)
    issuers = [load(octets) for octets in chain]
    name = display(friendly_name).encode()
    with refusing(BadCertificate("These certificates and this key do not go into one PFX. Download them as PEM.")):
        return pkcs12.serialize_key_and_certificates(name, key, certificate, issuers, encryption)


def build_pem(*, key: PrivateKey | None, leaf: bytes, chain: Sequence[bytes]) -> str:
    """The key (PKCS#8, not encrypted) if given, the leaf, then the chain in its order; ends with a newline.

    Raises:
        BadCertificate: the key is not the certificate's.
    """
    check_pair(key=key, leaf=leaf)
    return (key_pem(key) if key else "") + "".join(pem(octets) for octets in [leaf, *chain])


def check_pair(*, key: PrivateKey | None, leaf: bytes) -> x509.Certificate:
    """The library's object for a DER certificate, once it is sure that the key, unless None, is its own.

    Raises:
        BadCertificate: the key is not the certificate's.
        UnreadableFile: not a certificate.
    """
    certificate = load(leaf)
    refusal = BadCertificate("The certificate and the key do not belong together, so no file was made of them.")
    with refusing(refusal):
        if key is not None and certificate.public_key() != key.public_key():
            raise refusal
    return certificate


def key_pem(key: PrivateKey) -> str:
    """The key as `PRIVATE KEY` (PKCS#8, RFC 5958), not encrypted, in PEM; ends with a newline."""
    return _octets(key, serialization.Encoding.PEM).decode()


def key_der(key: PrivateKey) -> bytes:
    """The key as PKCS#8 DER, not encrypted."""
    return _octets(key, serialization.Encoding.DER)


def _octets(key: PrivateKey, encoding: serialization.Encoding) -> bytes:
    return key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _encryption(password: str | None, *, legacy: bool) -> serialization.KeySerializationEncryption:
    if password is None:
        return serialization.NoEncryption()
    check_password(password)
    builder = serialization.PrivateFormat.PKCS12.encryption_builder().kdf_rounds(ROUNDS)
    if legacy:
        scheme, digest = pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC, hashes.SHA1()  # noqa: S303 - what such Windows reads
        return builder.key_cert_algorithm(scheme).hmac_hash(digest).build(password.encode())
    scheme = pkcs12.PBES.PBESv2SHA256AndAES256CBC
    return builder.key_cert_algorithm(scheme).hmac_hash(hashes.SHA256()).build(password.encode())


def check_password(password: str) -> None:
    """Refuse what the library cannot take; a NUL would even make it print the password to standard error.

    Raises:
        BadParameter: field `password`. The sentence never holds the password.
    """
    if not password:
        raise BadParameter(
            "The password is empty. Give one, or choose a file without password.",
            field="password",
        )
    if len(password) > MAX_PASSWORD:
        raise BadParameter(
            f"The password has more than {MAX_PASSWORD} characters. Shorten it.",
            field="password",
        )
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in password):
        raise BadParameter(
            "The password holds control characters. Use characters that can be typed.",
            field="password",
        )


def check_friendly_name(name: str) -> None:
    """Refuse a name for a PFX's key that would not come back as it was given.

    Raises:
        BadParameter: field `friendly_name`; empty, too long, or with characters that cannot be seen.
    """
    if not 1 <= len(name) <= MAX_FRIENDLY_NAME:
        raise BadParameter(
            f"The name inside the file has {len(name):,} characters. Give it 1 to {MAX_FRIENDLY_NAME}.",
            field="friendly_name",
        )
    if display(name) != name:
        raise BadParameter(
            f"The name inside the file, “{shown(name)}”, holds characters that cannot be seen. Remove them.",
            field="friendly_name",
        )
