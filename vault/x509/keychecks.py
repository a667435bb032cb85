"""Is a key from outside weak or broken? The library loads most of what is refused here.

What is asked of RSA is the strictest of FIPS 186-5 §5.1, NIST SP 800-56B rev. 2 §6.2 and the CA/Browser Forum's
Baseline Requirements §6.1.5 and §6.1.6: what a public CA would send back is better refused before a CA is asked.
Keys that are known to the world, like those of Debian's broken OpenSSL of 2006 to 2008 (CVE-2008-0166), are looked up
in lists where an administrator has them (`weaklists`); no package that can be installed today carries that one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

from vault.x509 import roca, weaklists
from vault.x509.keytypes import key_title

SMALLEST, LARGEST = 2048, 16_384
"""RSA moduli in bits: 112 bits of strength, and the most that OpenSSL works with."""
_LOWEST_E, _HIGHEST_E = 2**16 + 1, 2**256 - 1
_SMALL_FACTORS = 2**16
_FERMAT_ROUNDS = 110
_LARGEST_TESTED = 4096
_TINY_SCALARS = 16
_CURVES = frozenset(
    {
        "secp224r1",
        "secp256r1",
        "secp384r1",
        "secp521r1",
        "secp256k1",
        "brainpoolP256r1",
        "brainpoolP384r1",
        "brainpoolP512r1",
    }
)
_NEW_KEY = "Make a new key, and a new request with it."


def why_refused(key: PublicKeyTypes, *, private: PrivateKeyTypes | None = None) -> str:
    """A sentence that names what is weak or broken about a key and says what to do; "" when it is sound.

    Costs at most 0.02 s for RSA 2048 and 0.15 s for RSA 4096, next to nothing for the rest. The library has seen to
    it already that a point lies on its curve and is not infinity, and that the parts of an RSA private key belong
    together. Kinds that are neither RSA, DSA nor of an elliptic curve have no known weak keys that could be told by
    looking at them.

    Args:
        key: the public key.
        private: its private part, where it is at hand; more can be seen then.
    """
    if private is not None and private.public_key() != key:
        return "This private key and this public key do not belong together. Send the key that the certificate is for."
    if isinstance(key, rsa.RSAPublicKey):
        return _rsa(key.public_numbers()) or (_rsa_private(private) if private else _rsa_alone(key.public_numbers().n))
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _elliptic(key) or _scalar(private)
    if isinstance(key, dsa.DSAPublicKey):
        return (
            f"This is a {key_title(key)} key; no CA and no browser takes DSA any more. Make an RSA or EC key instead."
        )
    return ""


def shared_factor(moduli: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """The places of RSA moduli that share a prime, in pairs: both keys of a pair can be computed by anyone.

    Equal moduli are the same key, and not a pair. One product and one division each find the few that share
    anything (Heninger et al., “Mining Your Ps and Qs”, 2012); only those are compared one by one.
    """
    distinct = list(dict.fromkeys(modulus for modulus in moduli if modulus > 1))
    product = math.prod(distinct)
    sharing = {one for one in distinct if math.gcd(one, product % (one * one) // one) > 1}
    places = [place for place, modulus in enumerate(moduli) if modulus in sharing]
    return tuple(
        (first, second)
        for first in places
        for second in places
        if first < second and moduli[first] != moduli[second] and math.gcd(moduli[first], moduli[second]) > 1
    )


def _rsa(numbers: rsa.RSAPublicNumbers) -> str:
    return _size(numbers.n.bit_length()) or _exponent(numbers.e) or _modulus(numbers.n)


def _size(bits: int) -> str:
    if bits < SMALLEST:
        return f"This RSA key has {bits:,} bits, which is too weak. Make one of {SMALLEST:,} bits or more."
    if bits > LARGEST:
        return f"This RSA key has {bits:,} bits; {LARGEST:,} is the most that servers work with. Make a smaller one."
    return ""


def _exponent(exponent: int) -> str:
    """The Baseline Requirements still allow an odd 3; SP 800-56B and FIPS 186-5 ask for 65,537 or more."""
    if exponent < _LOWEST_E:
        return f"This RSA key has the public exponent {exponent}, which is too small. Make a key with 65537."
    if exponent > _HIGHEST_E:
        return (
            "This RSA key has a public exponent of more than 256 bits, as keys with a weak private part do. "
            "Make a key with 65537."
        )
    return "" if exponent & 1 else "This RSA key has an even public exponent, so it is broken. Make a key with 65537."


def _modulus(modulus: int) -> str:
    try:
        found = next((what for is_weak, what in _WEAK_MODULI if is_weak(modulus)), None)
    except OSError:
        return "This RSA key was not checked: a list of known keys cannot be read. Tell whoever runs this portal."
    return f"This RSA key can be broken by anyone: {found}. {_NEW_KEY}" if found else ""


def _has_small_factor(modulus: int) -> bool:
    return math.gcd(modulus, _primorial()) != 1


@cache
def _primorial() -> int:
    """The product of all primes below 65,536; the Baseline Requirements ask for those below 752."""
    return math.prod(_primes(_SMALL_FACTORS))


def _primes(end: int) -> list[int]:
    sieve = bytearray([0, 0]) + bytearray([1]) * (end - 2)
    for number in range(2, math.isqrt(end) + 1):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(range(number * number, end, number)))
    return [number for number, is_prime in enumerate(sieve) if is_prime]


def _has_close_primes(modulus: int) -> bool:
    """Fermat's method: the modulus is a² - b² with an `a` just above its square root; a square has b = 0."""
    first = math.isqrt(modulus - 1) + 1
    return any(_is_square(a * a - modulus) for a in range(first, first + _FERMAT_ROUNDS))


def _is_square(number: int) -> bool:
    return math.isqrt(number) ** 2 == number


def _is_prime_power(modulus: int) -> bool:
    """A prime, or the power of one, divides 2^n - 2 by Fermat's little theorem; two large primes do not by accident.

    Left out above 4,096 bits, where it would take seconds.
    """
    return modulus.bit_length() <= _LARGEST_TESTED and math.gcd(pow(2, modulus, modulus) - 2, modulus) != 1


_WEAK_MODULI: tuple[tuple[Callable[[int], bool], str], ...] = (
    (_has_small_factor, f"its modulus has a prime factor below {_SMALL_FACTORS:,}"),
    (roca.is_marked, "it was made by a chip or library with the ROCA fault (CVE-2017-15361)"),
    (
        weaklists.is_listed,
        "it is on a list of keys that everybody knows, like those of Debian's OpenSSL of 2006 to 2008",
    ),
    (_has_close_primes, "its two primes are too close together (Fermat's method finds them, as in CVE-2022-26320)"),
)


def _rsa_alone(modulus: int) -> str:
    """What the library has seen to where the private part is given."""
    if not _is_prime_power(modulus):
        return ""
    return f"This RSA key can be broken by anyone: its modulus is a prime or the power of one. {_NEW_KEY}"


def _rsa_private(private: PrivateKeyTypes) -> str:
    """FIPS 186-5 §A.1.1 asks for d > 2^(nlen/2); Wiener, Boneh and Durfee compute smaller ones from the public key."""
    if not isinstance(private, rsa.RSAPrivateKey) or private.private_numbers().d.bit_length() > private.key_size // 2:
        return ""
    return f"This RSA key can be broken by anyone: its private exponent is too small. {_NEW_KEY}"


def _elliptic(key: ec.EllipticCurvePublicKey) -> str:
    if key.curve.name not in _CURVES:
        return (
            f"This key is on the curve {key.curve.name}, which is too weak or too rare. Make a key on P-256 or P-384."
        )
    if key.public_numbers().x in _tiny_multiples(key.curve.name):
        return f"This EC key can be broken by anyone: its private number is tiny. {_NEW_KEY}"
    return ""


@cache
def _tiny_multiples(curve: str) -> frozenset[int]:
    """The x of the points that the private numbers ±1 … ±16 lead to."""
    on = ec.get_curve_for_oid(getattr(ec.EllipticCurveOID, curve.upper()))()
    keys = (ec.derive_private_key(number, on) for number in range(1, _TINY_SCALARS + 1))
    return frozenset(key.public_key().public_numbers().x for key in keys)


def _scalar(private: PrivateKeyTypes | None) -> str:
    """One private number in 2^112 or fewer is so short by chance."""
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        return ""
    if private.private_numbers().private_value.bit_length() > private.key_size // 2:
        return ""
    return f"This EC key is weak: its private number is far too small for {key_title(private.public_key())}. {_NEW_KEY}"
