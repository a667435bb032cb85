"""What servers and people ask for around a certificate: encrypted keys, PKCS#7, ZIPs, chains without their root."""

from __future__ import annotations

import base64
import io
import os
import textwrap
import zipfile
from collections.abc import Mapping, Sequence

from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.serialization import pkcs7

from vault.errors import BadCertificate
from vault.x509 import asn1
from vault.x509.certificates import is_self_signed, load
from vault.x509.library import refusing
from vault.x509.pfx import ROUNDS, check_password, key_der
from vault.x509.types import PrivateKey

# Object identifiers as DER contents (RFC 8018 appendix C, RFC 3565).
_PBES2 = bytes.fromhex("2a864886f70d01050d")
_PBKDF2 = bytes.fromhex("2a864886f70d01050c")
_HMAC_SHA256 = bytes.fromhex("2a864886f70d0209")
_AES_256_CBC = bytes.fromhex("60864801650304012a")
_SALT, _BLOCK, _KEY = 16, 16, 32
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
_UNIX, _OWNER_ONLY = 3, 0o100600


def without_root(chain: Sequence[bytes]) -> tuple[bytes, ...]:
    """The issuers (DER) but a self-signed one: clients have their roots already (RFC 8446 §4.4.2)."""
    return tuple(der for der in chain if not is_self_signed(load(der)))


def build_encrypted_key(*, key: PrivateKey, password: str) -> str:
    """The key as `ENCRYPTED PRIVATE KEY` (PKCS#8, RFC 5958 §3), in PEM: PBES2 with AES-256-CBC.

    PBKDF2 with HMAC-SHA-256 and 100,000 rounds; the library's own writer has no say in them and takes 2,048.

    Raises:
        BadParameter: field `password`; empty, too long, or with control characters.
    """
    check_password(password)
    salt, start = os.urandom(_SALT), os.urandom(_BLOCK)
    secret = PBKDF2HMAC(hashes.SHA256(), _KEY, salt, ROUNDS).derive(password.encode())
    padder = padding.PKCS7(algorithms.AES.block_size).padder()
    encryptor = Cipher(algorithms.AES(secret), modes.CBC(start)).encryptor()
    octets = encryptor.update(padder.update(key_der(key)) + padder.finalize()) + encryptor.finalize()
    return _pem(_sequence(_scheme(salt, start), asn1.encode(asn1.OCTET_STRING, octets)))


def _scheme(salt: bytes, start: bytes) -> bytes:
    """PBES2-params (RFC 8018 §A.4)."""
    prf = _sequence(_oid(_HMAC_SHA256), asn1.encode(asn1.NULL, b""))
    rounds = asn1.encode(asn1.INTEGER, ROUNDS.to_bytes(ROUNDS.bit_length() // 8 + 1))
    derivation = _sequence(_oid(_PBKDF2), _sequence(asn1.encode(asn1.OCTET_STRING, salt), rounds, prf))
    cipher = _sequence(_oid(_AES_256_CBC), asn1.encode(asn1.OCTET_STRING, start))
    return _sequence(_oid(_PBES2), _sequence(derivation, cipher))


def _sequence(*members: bytes) -> bytes:
    return asn1.encode(asn1.SEQUENCE, b"".join(members))


def _oid(content: bytes) -> bytes:
    return asn1.encode(asn1.OID, content)


def _pem(der: bytes) -> str:
    lines = textwrap.wrap(base64.b64encode(der).decode(), 64)
    return "\n".join(["-----BEGIN ENCRYPTED PRIVATE KEY-----", *lines, "-----END ENCRYPTED PRIVATE KEY-----", ""])


def build_p7b(*, leaf: bytes, chain: Sequence[bytes]) -> bytes:
    """A PKCS#7 bag of certificates (RFC 2315, a signed message without message and signer) as DER.

    DER sorts the certificates by their octets: whoever reads it puts the chain in order again.
    """
    with refusing(BadCertificate("These certificates do not go into one P7B file. Download them as PEM.")):
        return pkcs7.serialize_certificates([load(der) for der in [leaf, *chain]], serialization.Encoding.DER)


def build_zip(members: Mapping[str, bytes]) -> bytes:
    """A ZIP of files that only their owner may read once unpacked; the same members give the same octets.

    Nothing is compressed: a size that depends on a key's octets would say something about them.
    """
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(_member(name), content)
    return octets.getvalue()


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _FIRST_DAY)
    member.create_system, member.external_attr = _UNIX, _OWNER_ONLY << 16
    return member
