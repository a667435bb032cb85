"""The mark of RSA keys made by chips and libraries with the ROCA fault (CVE-2017-15361).

Such a chip takes primes of the form k·M + (65537^a mod M), with M the product of the first primes (Nemec et al.,
“The Return of Coppersmith's Attack”, 2017). So the modulus, too, is a power of 65537 modulo M, which 1 in 2^154 of
other moduli is.
"""

from __future__ import annotations

import math
from functools import cache

_GENERATOR = 65_537
# The primes of M for the smallest keys that chips made; those for larger keys begin with the same ones.
_PRIMES = (
    *(3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109),
    *(113, 127, 131, 137, 139, 149, 151, 157, 163, 167),
)


def is_marked(modulus: int) -> bool:
    """Whether there is one exponent `a` with modulus ≡ 65537^a for all these primes at once."""
    exponent, period = 0, 1
    for prime in _PRIMES:
        logarithms = _logarithms(prime)
        here = logarithms.get(modulus % prime)
        if here is None:
            return False
        both = _both(exponent, period, here, len(logarithms))
        if both is None:
            return False
        exponent, period = both
    return True


@cache
def _logarithms(prime: int) -> dict[int, int]:
    """Each power of 65537 modulo `prime`, with its least exponent."""
    powers: dict[int, int] = {}
    power = 1
    while power not in powers:
        powers[power] = len(powers)
        power = power * _GENERATOR % prime
    return powers


def _both(exponent: int, period: int, other: int, other_period: int) -> tuple[int, int] | None:
    """The exponent that is both (Chinese remainders), and its period; None when they contradict each other."""
    common = math.gcd(period, other_period)
    if (other - exponent) % common:
        return None
    rest = other_period // common
    steps = (other - exponent) // common * pow(period // common, -1, rest) % rest
    return exponent + steps * period, period * rest
