"""Keys made of passwords in the ways that files use (RFC 7292 appendix B, RFC 8018 §5, RFC 7914).

The library has the modern ways and hides the old ones. The old ones are broken as hashes and stay what files are
sealed with; nothing is ever made with them here. Callers have charged the rounds before (`counting.Budget`).
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
from collections.abc import Callable
from typing import Protocol

KEY, IV, MAC = 1, 2, 3
"""What PKCS#12 makes octets for (RFC 7292 appendix B.3)."""
_BLOCKS = {"sha384": 128, "sha512": 128, "sha512_224": 128, "sha512_256": 128}
_OWN = {
    "sha1": ("_sha1",),
    "sha256": ("_sha2", "_sha256"),
    "sha384": ("_sha2", "_sha512"),
    "sha512": ("_sha2", "_sha512"),
}
_SCRYPT_MEMORY = 160 * 1024 * 1024


class _Digest(Protocol):
    def digest(self) -> bytes: ...


def pkcs12(password: bytes, salt: bytes, rounds: int, purpose: int, size: int, *, digest: str) -> bytes:
    """`size` octets by the way of PKCS#12; the password is a BMPString that ends with two zero octets, or nothing."""
    block = _BLOCKS.get(digest, 64)
    function = _function(digest)
    mixed = bytearray(_filled(salt, block) + _filled(password, block))
    made = b""
    while len(made) < size:
        octets = _repeated(function, bytes([purpose]) * block + mixed, rounds)
        made += octets
        added = int.from_bytes(_filled(octets, block)[:block]) + 1
        for start in range(0, len(mixed), block):
            piece = int.from_bytes(mixed[start : start + block]) + added
            mixed[start : start + block] = (piece % (1 << 8 * block)).to_bytes(block)
    return made[:size]


def pbkdf1(password: bytes, salt: bytes, rounds: int, size: int, *, digest: str) -> bytes:
    """RFC 8018 §5.1: key and IV of the oldest ciphers, in one piece."""
    return _repeated(_function(digest), password + salt, rounds)[:size]


def pbkdf2(password: bytes, salt: bytes, rounds: int, size: int, *, digest: str) -> bytes:
    """RFC 8018 §5.2."""
    return hashlib.pbkdf2_hmac(digest, password, salt, rounds, size)


def scrypt(password: bytes, salt: bytes, cost: tuple[int, int, int], size: int) -> bytes:
    """RFC 7914; `cost` is N, r, p."""
    number, block, parallel = cost
    return hashlib.scrypt(password, salt=salt, n=number, r=block, p=parallel, maxmem=_SCRYPT_MEMORY, dklen=size)


def openssl(password: bytes, salt: bytes, size: int) -> bytes:
    """What OpenSSL has sealed PEM with since its beginnings (EVP_BytesToKey with MD5 and one round)."""
    made = last = b""
    while len(made) < size:
        last = hashlib.md5(last + password + salt, usedforsecurity=False).digest()
        made += last
    return made[:size]


def _repeated(function: Callable[[bytes], _Digest], octets: bytes, rounds: int) -> bytes:
    for _ in range(rounds):
        octets = function(octets).digest()
    return octets


def _filled(octets: bytes, block: int) -> bytes:
    """`octets` over and over, up to a multiple of `block`; nothing for nothing."""
    size = -(-len(octets) // block) * block
    return (octets * (size // len(octets) + 1))[:size] if octets else b""


def _function(digest: str) -> Callable[[bytes], _Digest]:
    """The hash; Python's own where there is one, for it starts in half the time and is run a million times."""
    for module in _OWN.get(digest, ()):
        with contextlib.suppress(ImportError, AttributeError):
            own: Callable[[bytes], _Digest] = getattr(importlib.import_module(module), digest)
            return own
    return functools.partial(hashlib.new, digest, usedforsecurity=False)
