"""PFX and PKCS#8 files that no program would write: any count, any nesting, any damage, in DER or BER.

Only the modern ciphers are written here; the old ones are tried on files of real programs.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
from collections.abc import Sequence

from cryptography.hazmat.primitives import padding, serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.pki.forging import oid_der
from vault.x509 import asn1, derivation

SALT, IV = b"saltsalt", b"sixteen octets.."
DATA, ENCRYPTED, SIGNED, ENVELOPED = (f"1.2.840.113549.1.7.{number}" for number in (1, 6, 2, 3))
KEY_BAG, SHROUDED_BAG, CERTIFICATE_BAG, CRL_BAG, SECRET_BAG, SAFE_BAG = (
    f"1.2.840.113549.1.12.10.1.{number}" for number in range(1, 7)
)
PBES2, PBKDF2, SCRYPT = "1.2.840.113549.1.5.13", "1.2.840.113549.1.5.12", "1.3.6.1.4.1.11591.4.11"
PBE_3DES, PBE_MD5_DES = "1.2.840.113549.1.12.1.3", "1.2.840.113549.1.5.3"
AES256, HMAC_SHA256, SHA1, SHA256 = (
    "2.16.840.1.101.3.4.1.42",
    "1.2.840.113549.2.9",
    "1.3.14.3.2.26",
    "2.16.840.1.101.3.4.2.1",
)


def sequence(*members: bytes) -> bytes:
    return asn1.encode(asn1.SEQUENCE, b"".join(members))


def octets(content: bytes) -> bytes:
    return asn1.encode(asn1.OCTET_STRING, content)


def integer(number: int) -> bytes:
    return asn1.encode(asn1.INTEGER, number.to_bytes(number.bit_length() // 8 + 1, signed=True))


def explicit(content: bytes) -> bytes:
    return asn1.encode(0xA0, content)


def pkcs8(key: PrivateKeyTypes) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def pbes2(rounds: int = 1000) -> bytes:
    """AES-256 with PBKDF2 and SHA-256, whatever the count."""
    function = sequence(
        oid_der(PBKDF2),
        sequence(octets(SALT), integer(rounds), sequence(oid_der(HMAC_SHA256), asn1.encode(asn1.NULL, b""))),
    )
    return sequence(oid_der(PBES2), sequence(function, sequence(oid_der(AES256), octets(IV))))


def scrypt(cost: int, block: int = 8, parallel: int = 1) -> bytes:
    function = sequence(oid_der(SCRYPT), sequence(octets(SALT), integer(cost), integer(block), integer(parallel)))
    return sequence(oid_der(PBES2), sequence(function, sequence(oid_der(AES256), octets(IV))))


def pbes1(rounds: int, oid: str = PBE_3DES) -> bytes:
    return sequence(oid_der(oid), sequence(octets(SALT), integer(rounds)))


def sealed(content: bytes, password: str, *, rounds: int = 1000) -> bytes:
    """The ciphertext that belongs to `pbes2(rounds)`."""
    return _aes(hashlib.pbkdf2_hmac("sha256", password.encode(), SALT, rounds, 32), content)


def encrypted_key(content: bytes, password: str = "secret", *, rounds: int = 1000) -> bytes:
    """An EncryptedPrivateKeyInfo."""
    return sequence(pbes2(rounds), octets(sealed(content, password, rounds=rounds)))


def sealed_nonsense(algorithm: bytes) -> bytes:
    """An EncryptedPrivateKeyInfo that opens with no password, because nothing was ever sealed in it."""
    return sequence(algorithm, octets(bytes(64)))


def bag(kind: str, content: bytes, *, name: str = "", local_id: bytes = b"") -> bytes:
    attributes = b""
    if name:
        attributes += _attribute("1.2.840.113549.1.9.20", asn1.encode(0x1E, name.encode("utf-16-be")))
    if local_id:
        attributes += _attribute("1.2.840.113549.1.9.21", octets(local_id))
    return sequence(oid_der(kind), explicit(content), *([asn1.encode(asn1.SET, attributes)] if attributes else []))


def certificate_bag(der: bytes, *, name: str = "", local_id: bytes = b"") -> bytes:
    value = sequence(oid_der("1.2.840.113549.1.9.22.1"), explicit(octets(der)))
    return bag(CERTIFICATE_BAG, value, name=name, local_id=local_id)


def safe(*bags: bytes) -> bytes:
    """A safe that is not encrypted."""
    return sequence(oid_der(DATA), explicit(octets(sequence(*bags))))


def encrypted_safe(*bags: bytes, password: str = "secret", rounds: int = 1000, algorithm: bytes | None = None) -> bytes:
    content = sealed(sequence(*bags), password, rounds=rounds) if algorithm is None else bytes(64)
    info = sequence(oid_der(DATA), algorithm or pbes2(rounds), asn1.encode(0x80, content))
    return sequence(oid_der(ENCRYPTED), explicit(sequence(integer(0), info)))


def pfx(*safes: bytes, password: str | None = "secret", rounds: int = 1, wrong: bool = False) -> bytes:
    """A PFX with its MAC, none for None; a wrong one on request. A count over 100,000 is written, not run."""
    content = sequence(*safes)
    info = sequence(oid_der(DATA), explicit(octets(content)))
    if password is None:
        return sequence(integer(3), info)
    return sequence(integer(3), info, mac(content, password, rounds=rounds, wrong=wrong))


def mac(content: bytes, password: str, *, rounds: int, wrong: bool = False) -> bytes:
    run = rounds if 0 < rounds <= 100_000 else 1
    bmp = password.encode("utf-16-be") + b"\x00\x00"
    key = derivation.pkcs12(bmp, SALT, run, derivation.MAC, 32, digest="sha256")
    value = hmac.digest(key, content + b"x" * wrong, "sha256")
    digest = sequence(sequence(oid_der(SHA256), asn1.encode(asn1.NULL, b"")), octets(value))
    return sequence(digest, octets(SALT), integer(rounds))


def as_ber(data: bytes, *, depth: int = 30) -> bytes:
    """DER written as BER: constructed elements of indefinite length, octet strings in two pieces."""
    element = asn1.read(data)
    if element.tag == asn1.OCTET_STRING and len(element.content) > 1 and depth:
        half = len(element.content) // 2
        return b"\x24\x80" + octets(element.content[:half]) + octets(element.content[half:]) + b"\x00\x00"
    if not element.tag & 0x20 or not depth:
        return data
    inside = b"".join(as_ber(one.whole, depth=depth - 1) for one in asn1.children(element.content))
    return bytes([element.tag, 0x80]) + inside + b"\x00\x00"


def nested(depth: int, inmost: bytes) -> bytes:
    """Sequences in sequences."""
    return functools.reduce(lambda inside, _: sequence(inside), range(depth), inmost)


def _attribute(oid: str, value: bytes) -> bytes:
    return sequence(oid_der(oid), asn1.encode(asn1.SET, value))


def _aes(key: bytes, content: bytes) -> bytes:
    padder = padding.PKCS7(128).padder()
    writer = Cipher(algorithms.AES(key), modes.CBC(IV)).encryptor()
    return writer.update(padder.update(content) + padder.finalize()) + writer.finalize()


def legacy_pem(der: bytes, password: str, *, label: str = "EC PRIVATE KEY") -> str:
    """PEM with a `DEK-Info` header, as OpenSSL wrote it before PKCS#8."""
    import base64

    key = derivation.openssl(password.encode(), IV[:8], 32)
    body = base64.encodebytes(_aes(key, der)).decode()
    head = f"Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,{IV.hex().upper()}\n\n"
    return f"-----BEGIN {label}-----\n{head}{body}-----END {label}-----\n"


def zipped(files: Sequence[tuple[str, bytes]], *, compression: int = 8) -> bytes:
    import io
    import zipfile

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression=compression) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return stream.getvalue()
