"""Opening what a password seals: every scheme that PFX, PKCS#8 and PEM files are found with.

The library has most of them, and shows neither what is inside a safe nor what opening one costs. So the schemes are
put together here from its ciphers: what runs is only what was charged first. Runs in the parsing child.
"""

from __future__ import annotations

import hmac
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, algorithms, modes

from vault.x509 import asn1, derivation, rc2
from vault.x509.counting import PBES2, PBKDF2, PBMAC1, PKCS5, PKCS12, SCRYPT

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # old, and that is why they are here
    from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4, TripleDES

_MAX_RC2 = 100_000
_HASHES = {
    "1.2.840.113549.2.5": "md5",
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
    "2.16.840.1.101.3.4.2.5": "sha512_224",
    "2.16.840.1.101.3.4.2.6": "sha512_256",
    "1.2.840.113549.2.7": "sha1",
    "1.2.840.113549.2.8": "sha224",
    "1.2.840.113549.2.9": "sha256",
    "1.2.840.113549.2.10": "sha384",
    "1.2.840.113549.2.11": "sha512",
    "1.2.840.113549.2.12": "sha512_224",
    "1.2.840.113549.2.13": "sha512_256",
}
"""Hashes, and HMACs by the hash in them."""
_RC2_BITS = {160: 40, 120: 64, 58: 128}
_AES = {
    "2.16.840.1.101.3.4.1.2": 16,
    "2.16.840.1.101.3.4.1.22": 24,
    "2.16.840.1.101.3.4.1.42": 32,
}
_DES, _DES3, _RC2 = "1.3.14.3.2.7", "1.2.840.113549.3.7", "1.2.840.113549.3.2"


class DoesNotOpen(ValueError):
    """The password is another one, or the octets are damaged: which of the two cannot be seen from here."""


class UnknownScheme(ValueError):
    """A way of sealing that is not known here; the text is a sentence for a person."""

    def __init__(self, oid: str) -> None:
        super().__init__(
            f"This is sealed in a way that cannot be opened here ({oid}). Export it again with AES-256 and SHA-256."
        )


@dataclass(frozen=True)
class _Cipher:
    """A cipher of the PKCS#12 or PKCS#5 v1 kind: what to derive, and how to decrypt with it."""

    key: int
    decrypt: Callable[[bytes, bytes, bytes], bytes]
    digest: str = "sha1"
    iv: int = 8


def decrypt(algorithm: bytes, data: bytes, password: str | None) -> bytes:
    """Open `data` with a password; None is none at all, which PKCS#12 tells from the empty one.

    The caller has charged what it costs (`counting.Budget`).

    Raises:
        DoesNotOpen: another password, or damaged.
        UnknownScheme, ValueError.
    """
    kind, *rest = asn1.sequence(algorithm)
    oid = asn1.oid(kind)
    if oid == PBES2:
        return _pbes2(asn1.children(rest[0].content), data, (password or "").encode())
    if oid in _PKCS12:
        return _pkcs12(_PKCS12[oid], asn1.children(rest[0].content), data, password)
    if oid in _PKCS5:
        return _pkcs5(_PKCS5[oid], asn1.children(rest[0].content), data, (password or "").encode())
    raise UnknownScheme(oid)


def is_mac_right(mac_data: list[asn1.Element], content: bytes, password: str | None) -> bool:
    """Whether a PFX's MacData (RFC 7292 §4, RFC 9579) fits its content under this password. Charged before."""
    algorithm, expected = asn1.children(mac_data[0].content)
    kind, *parameters = asn1.children(algorithm.content)
    oid = asn1.oid(kind)
    if oid == PBMAC1:
        return hmac.compare_digest(_pbmac1(parameters[0], content, (password or "").encode()), expected.content)
    digest = _HASHES.get(oid)
    if digest is None:
        raise UnknownScheme(oid)
    rounds = asn1.integer(mac_data[2]) if len(mac_data) > 2 else 1
    size = len(expected.content)
    key = derivation.pkcs12(bmp(password), mac_data[1].content, rounds, derivation.MAC, _size(digest), digest=digest)
    return size > 0 and hmac.compare_digest(hmac.digest(key, content, digest), expected.content)


def bmp(password: str | None) -> bytes:
    """A password as PKCS#12 takes it: UTF-16, big end first, two zero octets at its end; nothing for None."""
    return b"" if password is None else password.encode("utf-16-be") + b"\x00\x00"


def decrypt_pem(cipher: str, iv: bytes, data: bytes, password: str) -> bytes:
    """Open PEM with a `DEK-Info` header (RFC 1421 §4.6.1.3), as OpenSSL wrote it before PKCS#8."""
    if cipher not in _PEM:
        raise UnknownScheme(cipher)
    size, opened = _PEM[cipher]
    return opened(derivation.openssl(password.encode(), iv[:8], size), iv, data)


def _pbes2(members: list[asn1.Element], data: bytes, password: bytes) -> bytes:
    oid, *parameters = asn1.children(members[1].content)
    size, opened = _scheme(asn1.oid(oid), parameters)
    return opened(_derived(members[0], password, size), parameters[0], data)


def _scheme(oid: str, parameters: list[asn1.Element]) -> tuple[int, Callable[[bytes, asn1.Element, bytes], bytes]]:
    if oid in _AES:
        return _AES[oid], lambda key, iv, data: _aes(key, iv.content, data)
    if oid == _DES3:
        return 24, lambda key, iv, data: _triple_des(key, iv.content, data)
    if oid == _DES:
        return 8, lambda key, iv, data: _triple_des(key, iv.content, data)
    if oid == _RC2:
        return _rc2_scheme(asn1.children(parameters[0].content))
    raise UnknownScheme(oid)


def _rc2_scheme(members: list[asn1.Element]) -> tuple[int, Callable[[bytes, asn1.Element, bytes], bytes]]:
    """RFC 8018 §B.2.3: the version says how many bits of the key count; 32 when it is left out."""
    version = asn1.integer(members[0]) if len(members) > 1 else 0
    bits = _RC2_BITS.get(version, version) if version else 32
    if not 8 <= bits <= 1024:
        raise UnknownScheme(_RC2)
    return bits // 8, lambda key, _, data: _rc2(key, members[-1].content, data, bits=bits)


def _derived(function: asn1.Element, password: bytes, size: int) -> bytes:
    kind, parameters = asn1.children(function.content)
    members = asn1.children(parameters.content)
    oid, salt = asn1.oid(kind), members[0].content
    if oid == SCRYPT:
        cost, block, parallel = (asn1.integer(one) for one in members[1:4])
        return derivation.scrypt(password, salt, (cost, block, parallel), size)
    if oid != PBKDF2 or members[0].tag != asn1.OCTET_STRING:
        raise UnknownScheme(oid)
    hashed = [asn1.oid(asn1.children(one.content)[0]) for one in members if one.tag == asn1.SEQUENCE]
    digest = _HASHES.get(hashed[0]) if hashed else "sha1"
    if digest is None:
        raise UnknownScheme(hashed[0])
    return derivation.pbkdf2(password, salt, asn1.integer(members[1]), size, digest=digest)


def _pbmac1(parameters: asn1.Element, content: bytes, password: bytes) -> bytes:
    function, scheme = asn1.children(parameters.content)
    oid = asn1.oid(asn1.children(scheme.content)[0])
    digest = _HASHES.get(oid)
    if digest is None:
        raise UnknownScheme(oid)
    members = asn1.children(asn1.children(function.content)[1].content)
    sizes = [asn1.integer(one) for one in members[2:] if one.tag == asn1.INTEGER]
    size = sizes[0] if sizes and 0 < sizes[0] <= 128 else _size(digest)
    return hmac.digest(_derived(function, password, size), content, digest)


def _pkcs12(cipher: _Cipher, members: list[asn1.Element], data: bytes, password: str | None) -> bytes:
    salt, rounds = members[0].content, asn1.integer(members[1])
    key = derivation.pkcs12(bmp(password), salt, rounds, derivation.KEY, cipher.key, digest=cipher.digest)
    iv = b""
    if cipher.iv:
        iv = derivation.pkcs12(bmp(password), salt, rounds, derivation.IV, cipher.iv, digest=cipher.digest)
    return cipher.decrypt(key, iv, data)


def _pkcs5(cipher: _Cipher, members: list[asn1.Element], data: bytes, password: bytes) -> bytes:
    salt, rounds = members[0].content, asn1.integer(members[1])
    made = derivation.pbkdf1(password, salt, rounds, 16, digest=cipher.digest)
    return cipher.decrypt(made[:8], made[8:], data)


def _triple_des(key: bytes, iv: bytes, data: bytes) -> bytes:
    """3DES with one, two or three keys; with one it is DES."""
    whole = {8: key * 3, 16: key + key[:8], 24: key}[len(key)]
    return _cbc(TripleDES(whole), iv, data)


def _aes(key: bytes, iv: bytes, data: bytes) -> bytes:
    return _cbc(algorithms.AES(key), iv, data)


def _cbc(algorithm: BlockCipherAlgorithm, iv: bytes, data: bytes) -> bytes:
    size = algorithm.block_size // 8
    if not data or len(data) % size or len(iv) != size:
        raise ValueError("not whole blocks")
    reader = Cipher(algorithm, modes.CBC(iv)).decryptor()
    return _unpadded(reader.update(data) + reader.finalize(), size)


def _rc2(key: bytes, iv: bytes, data: bytes, *, bits: int) -> bytes:
    if not data:
        raise ValueError("not whole blocks")
    if len(data) > _MAX_RC2:
        raise UnknownScheme(_RC2)
    return _unpadded(rc2.decrypt_cbc(key, bits, iv, data), rc2.BLOCK)


def _rc4(key: bytes, _: bytes, data: bytes) -> bytes:
    return Cipher(ARC4(key), mode=None).decryptor().update(data)


def _unpadded(data: bytes, block: int) -> bytes:
    """RFC 8018 §6.1.1: as many octets as are missing, each of that value."""
    size = data[-1]
    if not 1 <= size <= block or data[-size:] != bytes([size]) * size:
        raise DoesNotOpen("not the padding of this cipher")
    return data[:-size]


def _size(digest: str) -> int:
    return hmac.new(b"", b"", digest).digest_size


_PKCS12 = {
    f"{PKCS12}1": _Cipher(16, _rc4, iv=0),
    f"{PKCS12}2": _Cipher(5, _rc4, iv=0),
    f"{PKCS12}3": _Cipher(24, _triple_des),
    f"{PKCS12}4": _Cipher(16, _triple_des),
    f"{PKCS12}5": _Cipher(16, lambda key, iv, data: _rc2(key, iv, data, bits=128)),
    f"{PKCS12}6": _Cipher(5, lambda key, iv, data: _rc2(key, iv, data, bits=40)),
}
_PKCS5 = {
    f"{PKCS5}3": _Cipher(8, _triple_des, digest="md5"),
    f"{PKCS5}6": _Cipher(8, lambda key, iv, data: _rc2(key, iv, data, bits=64), digest="md5"),
    f"{PKCS5}10": _Cipher(8, _triple_des),
    f"{PKCS5}11": _Cipher(8, lambda key, iv, data: _rc2(key, iv, data, bits=64)),
}
_PEM: dict[str, tuple[int, Callable[[bytes, bytes, bytes], bytes]]] = {
    "DES-CBC": (8, _triple_des),
    "DES-EDE3-CBC": (24, _triple_des),
    "AES-128-CBC": (16, _aes),
    "AES-192-CBC": (24, _aes),
    "AES-256-CBC": (32, _aes),
    "RC2-CBC": (16, lambda key, iv, data: _rc2(key, iv, data, bits=128)),
    "RC2-40-CBC": (5, lambda key, iv, data: _rc2(key, iv, data, bits=40)),
    "RC2-64-CBC": (8, lambda key, iv, data: _rc2(key, iv, data, bits=64)),
}
