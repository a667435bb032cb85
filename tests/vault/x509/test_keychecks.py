"""Weak and broken keys are named; sound ones are never refused. Every weak key here is really made."""

from __future__ import annotations

import itertools
import math
import random
import time
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, mldsa, rsa

from tests.pki.authority import ec_key, rsa_key
from vault.x509 import keychecks
from vault.x509.keychecks import shared_factor, why_refused

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def public(modulus: int, exponent: int = 65537) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def modulus_of(key: rsa.RSAPrivateKey) -> int:
    return key.public_key().public_numbers().n


def primes_of(key: rsa.RSAPrivateKey) -> tuple[int, int]:
    numbers = key.private_numbers()
    return numbers.p, numbers.q


def is_prime(number: int) -> bool:
    """Good enough for candidates that nobody chose to deceive it."""
    return all(pow(base, number - 1, number) == 1 for base in (2, 3, 5))


def next_prime(number: int) -> int:
    return next(candidate for candidate in itertools.count(number | 1, 2) if is_prime(candidate))


def roca_primes(seed: int) -> Iterator[int]:
    """Primes of 1,024 bits as the faulty chips took them: k·M + (65537^a mod M), M the first 126 primes' product."""
    source = random.Random(seed)
    product = math.prod(keychecks._primes(702))
    fewest, most = 3 * 2**1022 // product + 1, 2**1024 // product
    while True:
        candidate = source.randrange(fewest, most) * product + pow(65537, source.getrandbits(200), product)
        if candidate & 1 and is_prime(candidate):
            yield candidate


def private_with(p: int, q: int, d: int) -> rsa.RSAPrivateKey:
    """A private key whose private exponent was chosen first."""
    e = pow(d, -1, math.lcm(p - 1, q - 1))
    return rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=d % (p - 1),
        dmq1=d % (q - 1),
        iqmp=pow(q, -1, p),
        public_numbers=rsa.RSAPublicNumbers(e, p * q),
    ).private_key()


@pytest.mark.parametrize("size", [1024, 1536, 2040])
def test_an_rsa_key_below_2048_bits_is_refused_with_its_size(size: int) -> None:
    sentence = why_refused(rsa_key(size).public_key())

    assert f"{size:,} bits" in sentence
    assert "too weak" in sentence


def test_an_rsa_key_that_no_server_works_with_is_refused() -> None:
    assert "16,392 bits" in why_refused(public(2**16_391 + 1))


def test_the_public_exponent_three_is_refused() -> None:
    key = rsa.generate_private_key(public_exponent=3, key_size=2048)

    assert "public exponent 3, which is too small" in why_refused(key.public_key(), private=key)


@pytest.mark.parametrize("exponent", [5, 17, 257, 65535])
def test_other_small_exponents_are_refused_too(exponent: int) -> None:
    assert f"public exponent {exponent}," in why_refused(public(modulus_of(rsa_key()), exponent))


@pytest.mark.parametrize("exponent", [65537, 65539, 2**32 + 15, 2**255 + 95, 2**256 - 1])
def test_odd_exponents_from_65537_to_256_bits_are_sound(exponent: int) -> None:
    assert why_refused(public(modulus_of(rsa_key()), exponent)) == ""


def test_an_exponent_beyond_256_bits_is_refused() -> None:
    assert "more than 256 bits" in why_refused(public(modulus_of(rsa_key()), 2**256 + 1))


@pytest.mark.parametrize(("exponent", "words"), [(1, "exponent 1,"), (2, "exponent 2,"), (65538, "even public")])
def test_exponents_that_the_library_would_not_load_are_refused_without_it(exponent: int, words: str) -> None:
    assert words in keychecks._rsa(rsa.RSAPublicNumbers(exponent, modulus_of(rsa_key())))


@pytest.mark.parametrize("factor", [3, 751, 65521])
def test_a_small_factor_is_found(factor: int) -> None:
    assert "prime factor below 65,536" in why_refused(public(factor * modulus_of(rsa_key(4096))))


def test_an_even_modulus_is_refused() -> None:
    numbers = rsa.RSAPublicNumbers(65537, modulus_of(rsa_key()) * 2)

    assert "prime factor below 65,536" in keychecks._rsa(numbers)


@pytest.mark.parametrize("distance", [2, 2**100, 2**500])
def test_close_primes_are_found(distance: int) -> None:
    first = primes_of(rsa_key())[0]
    second = next_prime(first + distance)

    assert "too close together" in why_refused(public(first * second))


def test_a_square_is_found() -> None:
    assert "too close together" in why_refused(public(primes_of(rsa_key())[0] ** 2))


@pytest.mark.parametrize("modulus", [2**2203 - 1, (2**521 - 1) ** 5, (2**1279 - 1) ** 3], ids=["prime", "5th", "3rd"])
def test_a_prime_and_its_powers_are_no_modulus(modulus: int) -> None:
    assert "a prime or the power of one" in why_refused(public(modulus))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_mark_of_roca_is_found(seed: int) -> None:
    first, second = itertools.islice(roca_primes(seed), 2)

    assert "CVE-2017-15361" in why_refused(public(first * second))


def test_one_marked_prime_is_not_the_mark_of_roca() -> None:
    assert why_refused(public(next(roca_primes(4)) * primes_of(rsa_key())[0])) == ""


def test_residues_that_fit_no_common_exponent_are_not_the_mark_of_roca() -> None:
    """One in 2^27 keys looks right modulo each prime alone; only all at once is proof."""
    source = random.Random(5)
    modulus, product = 0, 1
    for prime in keychecks._primes(168)[1:]:
        residue = pow(65537, source.getrandbits(30), prime)
        modulus += product * ((residue - modulus) * pow(product, -1, prime) % prime)
        product *= prime

    assert not keychecks.roca.is_marked(modulus)


def test_a_private_exponent_that_wiener_computes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    key = private_with(*primes_of(rsa_key()), d=2**300 + 157)
    assert "more than 256 bits" in why_refused(key.public_key(), private=key)

    monkeypatch.setattr(keychecks, "_HIGHEST_E", 2**4096)

    assert "private exponent is too small" in why_refused(key.public_key(), private=key)


@pytest.mark.parametrize("key", [rsa_key, ec_key, ed25519.Ed25519PrivateKey.generate])
def test_a_private_key_of_another_public_key_is_refused(key: type) -> None:
    other = rsa_key(2048, 1)

    assert "do not belong together" in why_refused(key().public_key(), private=other)


def test_dsa_is_refused() -> None:
    sentence = why_refused(dsa.generate_private_key(1024).public_key())

    assert "DSA 1024" in sentence


@pytest.mark.parametrize("number", [1, 2, 7, 16])
@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1(), ec.SECP256K1()])
def test_tiny_private_numbers_are_seen_in_the_public_point(curve: ec.EllipticCurve, number: int) -> None:
    assert "private number is tiny" in why_refused(ec.derive_private_key(number, curve).public_key())


def test_the_negative_of_a_tiny_number_is_as_bad() -> None:
    key = ec.derive_private_key(P256_ORDER - 1, ec.SECP256R1())

    assert "private number is tiny" in why_refused(key.public_key())


def test_a_short_private_number_is_refused_where_it_is_at_hand() -> None:
    key = ec.derive_private_key(2**100 + 7, ec.SECP256R1())

    assert "far too small for EC P-256" in why_refused(key.public_key(), private=key)


def test_a_weak_curve_is_refused_by_its_name() -> None:
    assert "curve secp192r1" in why_refused(ec.generate_private_key(ec.SECP192R1()).public_key())


@pytest.mark.parametrize("octets", [b"\x04" + bytes(63) + b"\x01", b"\x00", b"\x04" + b"\xff" * 64])
def test_a_point_off_its_curve_does_not_become_a_key(octets: bytes) -> None:
    with pytest.raises(ValueError):
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), octets)


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521", "P-256K"])
def test_two_hundred_sound_ec_keys_are_not_refused(curve: str) -> None:
    keys = [ec_key(curve) for _ in range(200)]

    assert {why_refused(key.public_key(), private=key) for key in keys} == {""}


@pytest.mark.parametrize("curve", [ec.SECP224R1(), ec.BrainpoolP256R1(), ec.BrainpoolP384R1(), ec.BrainpoolP512R1()])
def test_rarer_curves_of_112_bits_and_more_are_sound(curve: ec.EllipticCurve) -> None:
    key = ec.generate_private_key(curve)

    assert why_refused(key.public_key(), private=key) == ""


@pytest.mark.parametrize(("size", "number"), [(2048, 0), (2048, 1), (2048, 2), (3072, 0), (4096, 0)])
def test_sound_rsa_keys_are_not_refused(size: int, number: int) -> None:
    key = rsa_key(size, number)

    assert why_refused(key.public_key()) == why_refused(key.public_key(), private=key) == ""


@pytest.mark.parametrize(
    "kind", [ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey, mldsa.MLDSA44PrivateKey, mldsa.MLDSA87PrivateKey]
)
def test_other_kinds_of_keys_are_left_to_the_policy(kind: type) -> None:
    key = kind.generate()

    assert why_refused(key.public_key(), private=key) == ""


@pytest.mark.parametrize("size", [8192, 16_384])
def test_very_large_keys_cost_little(size: int) -> None:
    modulus = random.Random(size).getrandbits(size) | 1 << (size - 1) | 1
    while keychecks._has_small_factor(modulus):
        modulus += 2
    begun = time.process_time()

    assert why_refused(public(modulus)) == ""
    assert time.process_time() - begun < 1


def test_keys_that_share_a_prime_are_found_in_pairs() -> None:
    (p, q), (r, s) = primes_of(rsa_key()), primes_of(rsa_key(2048, 1))
    alone = modulus_of(rsa_key(2048, 2))

    assert shared_factor([p * q, alone, p * r, r * s]) == ((0, 2), (2, 3))


def test_the_same_key_twice_shares_nothing_with_itself() -> None:
    modulus = modulus_of(rsa_key())

    assert shared_factor([modulus, modulus]) == ()


@pytest.mark.parametrize("moduli", [[], [15], [0, 1, 1]])
def test_too_few_keys_share_nothing(moduli: list[int]) -> None:
    assert shared_factor(moduli) == ()
