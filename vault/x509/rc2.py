"""RC2 in CBC mode, to read old files (RFC 2268): the library has it with 128-bit keys only, and PFX files use 40.

Nothing is ever encrypted with it here, nor could it be: there is only the way back.
"""

from __future__ import annotations

import struct

BLOCK = 8
_HALF = 0xFFFF
_SHIFTS = (1, 2, 3, 5)
_MASHES = frozenset({11, 5})
_TABLE = bytes.fromhex(
    "d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2"
    "179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82"
    "54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626"
    "6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7"
    "08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec"
    "c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731"
    "2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9"
    "0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad"
)
"""PITABLE of RFC 2268 §2: a permutation made of the digits of pi."""


def decrypt_cbc(key: bytes, effective_bits: int, iv: bytes, data: bytes) -> bytes:
    """The plaintext of whole blocks, padding included. Raises ValueError when they are not whole."""
    if len(data) % BLOCK or len(iv) != BLOCK or not 1 <= len(key) <= 128 or not 1 <= effective_bits <= 1024:
        raise ValueError("not whole blocks of RC2")
    words = _schedule(key, effective_bits)
    made = bytearray()
    for start in range(0, len(data), BLOCK):
        block = data[start : start + BLOCK]
        made += bytes(a ^ b for a, b in zip(_block(words, block), iv, strict=True))
        iv = block
    return bytes(made)


def _schedule(key: bytes, bits: int) -> tuple[int, ...]:
    """Sixty-four 16-bit words of the key, of which only `bits` bits count (RFC 2268 §2)."""
    octets = bytearray(key)
    for place in range(len(key), 128):
        octets.append(_TABLE[(octets[place - 1] + octets[place - len(key)]) & 0xFF])
    width = (bits + 7) // 8
    octets[128 - width] = _TABLE[octets[128 - width] & (0xFF >> (8 * width - bits))]
    for place in range(127 - width, -1, -1):
        octets[place] = _TABLE[octets[place + 1] ^ octets[place + width]]
    return struct.unpack("<64H", octets)


def _block(words: tuple[int, ...], block: bytes) -> bytes:
    """One block back: sixteen rounds of mixing with two of mashing between them (RFC 2268 §4)."""
    r = list(struct.unpack("<4H", block))
    for turn in range(15, -1, -1):
        for i in (3, 2, 1, 0):
            mixed = r[i] >> _SHIFTS[i] | r[i] << 16 - _SHIFTS[i]
            chosen = (r[i - 1] & r[i - 2]) + (~r[i - 1] & r[i - 3])
            r[i] = (mixed - words[4 * turn + i] - chosen) & _HALF
        if turn in _MASHES:
            for i in (3, 2, 1, 0):
                r[i] = (r[i] - words[r[i - 1] & 63]) & _HALF
    return struct.pack("<4H", *r)
